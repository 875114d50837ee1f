//! One profile file → [`Profile`], with every fault.

use serde_json::Value;

use crate::model::VideoCodec;

use super::resolve::{PLACEHOLDERS, placeholders};
use super::{Accelerator, BitRateUnit, Card, Encoder, HARDWARE_PROFILE, Profile};
use crate::document::{Faults, Placed, Section, Source};

/// Reads and checks one file; `stem` is its name without extension.
pub fn read(source: &Source, stem: &str, faults: &mut Faults) -> Option<Profile> {
    let root = source.parse(faults)?;
    let section = Section::check(source, root.get_ref(), &HARDWARE_PROFILE, faults);
    let name = section.get::<String>("name");
    if let Some(name) = name.as_ref().filter(|name| name.value != stem) {
        faults.add(&name.spot, "must equal the name of the file", format!("write \"{stem}\" or rename the file"));
    }
    let encoders: Vec<_> = section.tables("encoder").iter().map(|encoder| read_encoder(encoder, faults)).collect();
    let accelerators: Vec<_> = section.tables("accelerator").iter().map(|a| read_accelerator(a, faults)).collect();
    let cards: Vec<_> = section.tables("card").iter().map(|card| read_card(card, faults)).collect();
    if !section.has("encoder") && !section.has("card") {
        faults.add(section.place(), "describes nothing", "add [[encoder]] or [[card]]");
    }
    Some(Profile {
        name: name?.value,
        priority: section.value("priority")?,
        description: section.value("description")?,
        tested: section.value("tested")?,
        source: section.value("source")?,
        accelerators: accelerators.into_iter().collect::<Option<_>>()?,
        encoders: encoders.into_iter().collect::<Option<_>>()?,
        cards: cards.into_iter().collect::<Option<_>>()?,
    })
}

fn read_encoder(section: &Section<'_>, faults: &mut Faults) -> Option<Encoder> {
    let properties = section.names::<Value>("properties");
    let effort = section.words::<Value>("effort");
    let latency = section.words::<Value>("latency");
    for (name, value) in properties.iter().chain(effort.iter().chain(&latency).flat_map(|(_, values)| values)) {
        check_property(name, value, faults);
    }
    let plain = |values: Vec<(String, Placed<Value>)>| -> Vec<_> {
        values.into_iter().map(|(name, placed)| (name, placed.value)).collect()
    };
    let codec = VideoCodec::from_word(&section.value::<String>("codec")?)?;
    let h264_profiles = section.list::<String>("h264_profiles");
    if codec == VideoCodec::H264 && h264_profiles.is_empty() {
        let rule = "must name at least one H.264 profile";
        faults.add(&section.spot("h264_profiles"), rule, "write h264_profiles = [\"main\", \"high\"]");
    }
    check_memory(section, faults);
    Some(Encoder {
        codec,
        element: section.value("element")?,
        input_format: section.value("input_format")?,
        memory: section.value("memory")?,
        counts: section.value::<String>("keyframes")? == "counted",
        upload: values(section.list("upload")),
        converts: section.value("upload_converts")?,
        bitrate_unit: match section.value::<String>("bitrate_unit")?.as_str() {
            "kbit/s" => BitRateUnit::Kilobit,
            _ => BitRateUnit::Bit,
        },
        h264_profiles: values(h264_profiles),
        min_size: section.value("min_size"),
        max_size: section.value("max_size"),
        max_sessions: section.value("max_sessions"),
        sessions_of_box: section.value::<String>("sessions_of")? == "box",
        latency: latency.into_iter().map(|(word, values)| (word, plain(values))).collect(),
        cost: read_cost(section, faults),
        properties: plain(properties),
        effort: effort.into_iter().map(|(word, values)| (word, plain(values))).collect(),
        quirks: values(section.list("quirks")),
    })
}

/// Pictures do not get into other memory by themselves.
fn check_memory(section: &Section<'_>, faults: &mut Faults) {
    let other = section.get::<String>("memory").filter(|memory| memory.value != "system");
    if let Some(memory) = other.as_ref().filter(|_| !section.has("upload")) {
        faults.add(&memory.spot, "needs the elements that bring pictures there", "add upload = [\"cudaupload\"]");
    }
    if let Some(converts) = section.get::<bool>("upload_converts").filter(|one| one.value && other.is_none()) {
        let rule = "says of elements what they do, but `memory` names none that pictures are brought to";
        faults.add(&converts.spot, rule, "add memory, or take upload_converts away");
    }
}

fn read_cost(section: &Section<'_>, faults: &mut Faults) -> Vec<(String, f64)> {
    let mut costs = Vec::new();
    for (effort, values) in section.words::<Value>("cost") {
        for (name, placed) in values {
            match placed.value.as_f64().filter(|cost| name == "seconds" && (0.0..1e4).contains(cost)) {
                Some(cost) => costs.push((effort.clone(), cost)),
                None => faults.add(&placed.spot, "is no cost", "write cost.low.seconds = 4.2"),
            }
        }
    }
    costs
}

fn read_accelerator(section: &Section<'_>, faults: &mut Faults) -> Option<Accelerator> {
    check_numbers(section, &["vendor"], faults);
    if !section.has("driver") && !section.has("vendor") {
        faults.add(section.place(), "matches everything", "give `driver` or `vendor`");
    }
    Some(Accelerator {
        name: section.value("name")?,
        bus: section.value("bus")?,
        vendor: section.value("vendor"),
        products: values(section.list("products")),
        driver: section.value("driver"),
        model: section.value("model"),
    })
}

fn check_property(name: &str, value: &Placed<Value>, faults: &mut Faults) {
    let is_name =
        |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !is_name(name) {
        faults.add(&value.spot, "is no name of a property", "use letters, digits, - and _");
    }
    for unknown in value.value.as_str().map(placeholders).unwrap_or_default() {
        if !PLACEHOLDERS.contains(&unknown) {
            let fix = crate::document::suggestion(unknown, PLACEHOLDERS);
            faults.add(&value.spot, format!("`{{{unknown}}}` is no placeholder"), fix);
        }
    }
}

fn check_numbers(section: &Section<'_>, keys: &[&str], faults: &mut Faults) {
    for key in keys {
        if let Some(number) = section.get::<String>(key)
            && !(number.value.len() == 4
                && number.value.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)))
        {
            faults.add(
                &number.spot,
                "must be four hexadecimal digits in lower case",
                "look it up with lspci -nn or lsusb",
            );
        }
    }
}

fn read_card(section: &Section<'_>, faults: &mut Faults) -> Option<Card> {
    check_numbers(section, &["vendor", "product"], faults);
    if !section.has("driver") && !section.has("vendor") {
        faults.add(section.place(), "matches nothing", "give `driver` or `vendor`");
    }
    Some(Card {
        bus: section.value("bus")?,
        vendor: section.value("vendor"),
        product: section.value("product"),
        driver: section.value("driver"),
        name: section.value("name")?,
        connectors: values(section.list("connectors")),
        formats: values(section.list("formats")),
        quirks: values(section.list("quirks")),
    })
}

fn values(list: Vec<Placed<String>>) -> Vec<String> {
    list.into_iter().map(|placed| placed.value).collect()
}

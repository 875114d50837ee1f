//! The software profiles against the real elements: every property exists and takes the value it is given.

use std::path::Path;

use gstreamer as gst;
use gstreamer::prelude::*;
use serde_json::Value;
use uplink::config::load;

#[test]
fn registered_encoders_take_every_property_of_their_profile() {
    gst::init().unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/demo/uplinkd.toml");
    let checked = load(&file, &[]).unwrap();
    let mut tried = 0;
    for class in checked.stream_classes.values() {
        for rendition in &class.video {
            for encoder in checked.profiles.encoders_for(&class.encode_request(rendition), None) {
                let Ok(element) = gst::ElementFactory::make(&encoder.element).build() else {
                    println!("SKIPPED {}: not registered on this machine", encoder.element);
                    continue;
                };
                // A profile may name a property as older and as newer versions of the element do: what this one lacks is
                // left out on air, too. But a bit rate it must take, or the ladder's would be anybody's guess.
                let known = |name: &str| element.find_property(name).is_some();
                for (name, value) in encoder.properties.iter().filter(|(name, _)| known(name)) {
                    takes(&element, name, value);
                }
                let all = encoder.properties.iter().all(|(name, _)| known(name));
                assert!(encoder.hardware || all, "{} lacks a property of its profile", encoder.element);
                let rated = encoder.rates.iter().any(|name| known(name));
                assert!(rated || encoder.rates.is_empty(), "{} takes none of {:?}", encoder.element, encoder.rates);
                tried += 1;
            }
        }
    }
    assert!(tried > 0, "no encoder of any profile is registered here: install gstreamer1.0-plugins-ugly");
}

/// Elements of hardware register themselves only where that is. Their plugin is here all the same, and has the names of its
/// elements, properties and memory in it: a profile that names something else is wrong for this version.
#[test]
fn hardware_profiles_name_what_their_plugins_know() {
    gst::init().unwrap();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/demo/uplinkd.toml");
    let (checked, mut tried) = (load(&file, &[]).unwrap(), 0);
    for profile in checked.profiles.iter() {
        for encoder in &profile.encoders {
            let plugin = match encoder.element.as_str() {
                element if element.starts_with("vaapi") => "vaapi",
                element if element.starts_with("va") => "va",
                element if element.starts_with("nv") => "nvcodec",
                element if element.starts_with("qsv") => "qsv",
                _ => continue,
            };
            let library = gst::Registry::get().find_plugin(plugin).and_then(|plugin| plugin.filename());
            let Some(library) = library.map(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned())
            else {
                println!("SKIPPED {}: plugin {plugin} is not installed", encoder.element);
                continue;
            };
            // Names may share their ends.
            let knows = |name: &str| library.contains(&format!("{name}\0"));
            if !knows(&encoder.element) {
                println!("SKIPPED {}: not in this version of plugin {plugin}", encoder.element);
                continue;
            }
            let more = encoder.effort.iter().chain(&encoder.latency).flat_map(|(_, properties)| properties);
            for (name, _) in encoder.properties.iter().chain(more) {
                assert!(knows(name), "{}: {} has no property {name}", profile.name, encoder.element);
            }
            for element in &encoder.upload {
                assert!(knows(element), "{}: plugin {plugin} has no element {element}", profile.name);
            }
            let memory = format!("video/x-raw(memory:{})", encoder.memory);
            assert!(
                encoder.memory == "system" || library.contains(&memory),
                "{}: {} takes no {memory}",
                profile.name,
                encoder.element
            );
            tried += 1;
        }
    }
    println!("{tried} encoders of hardware looked at");
}

#[test]
fn every_mode_of_a_decklink_is_one_of_the_real_element() {
    gst::init().unwrap();
    let Ok(element) = gst::ElementFactory::make("decklinkvideosrc").build() else {
        eprintln!("SKIPPED: DeckLink modes: GStreamer's DeckLink plugin is not installed");
        return;
    };
    for mode in uplink::config::DECKLINK_MODES {
        takes(&element, "mode", &Value::from(*mode));
    }
}

fn takes(element: &gst::Element, name: &str, value: &Value) {
    let pspec = element.find_property(name).unwrap_or_else(|| panic!("{} has no property {name}", element.name()));
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let parsed = gst::glib::Value::deserialize_with_pspec(&text, &pspec);
    let parsed = parsed.unwrap_or_else(|_| panic!("{} {name} does not take {text}", element.name()));
    element.set_property_from_value(name, &parsed);
    let kept = element.property_value(name).serialize().unwrap();
    assert_eq!(kept, parsed.serialize().unwrap(), "{} {name}", element.name());
}

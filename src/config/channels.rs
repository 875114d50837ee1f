//! `[channels.<id>]` → [`Channel`], every reference resolved.

use std::sync::Arc;
use std::time::Duration;

use super::Findings;
use super::checked::{Channel, Destination, Source, SourceKind, Spool};
use super::companions::Sources;
use super::destinations::WrittenDestination;
use super::directories::ByName;
use super::overlays;
use super::overrides::Replacement;
use super::sources::WrittenSource;
use super::stream_class::{StreamClass, VideoRendition};
use crate::document::{Placed, Section, Spot, suggestion};
use crate::model::status::ChannelOrder;
use crate::model::timecode::TimecodeDay;
use crate::model::{BitRate, ChannelId, VideoCodec, WhenFull};
use crate::profile::Profiles;

/// What channels refer to.
pub(crate) struct Known<'a> {
    pub(crate) sources: &'a [WrittenSource],
    pub(crate) destinations: &'a [WrittenDestination],
    pub(crate) classes: &'a ByName<Arc<StreamClass>>,
    pub(crate) profile_names: &'a [String],
    pub(crate) profiles: &'a Profiles,
    pub(crate) replacements: &'a [Replacement],
}

/// A channel and where it names its sources and destinations, for claims.
pub(crate) struct PlacedChannel {
    pub(crate) channel: Channel,
    pub(crate) source_spots: Vec<Spot>,
    pub(crate) destination_spots: Vec<Spot>,
    pub(crate) profile_spot: Spot,
}

pub(crate) fn read(root: &Section<'_>, known: &Known<'_>, findings: &mut Findings) -> Vec<Option<PlacedChannel>> {
    let channels = root.map("channels");
    if root.is_empty("channels") {
        findings.faults.add(&root.spot("channels"), "names no channel", "add [channels.<id>]");
    }
    let spool = root.table("spool");
    channels.into_iter().map(|(id, section)| read_one(&id, &section, spool.as_ref(), known, findings)).collect()
}

fn read_one(
    id: &str,
    section: &Section<'_>,
    defaults: Option<&Section<'_>>,
    known: &Known<'_>,
    findings: &mut Findings,
) -> Option<PlacedChannel> {
    let sources = sources(id, section, known, findings);
    let destinations = destinations(section, known, findings);
    super::stream_class::slate_text(section, findings);
    let stream_class = stream_class(section, known, findings);
    let only = hardware_profile(section, known, findings);
    let spool = spool(section, defaults, stream_class.as_deref(), findings);
    // Before anything is given up: what is wrong with them is a fault of its own.
    let (slate_image, overlays) =
        (overlays::image(section, "slate_image", findings), overlays::read(section, findings));
    let (stream_class, only) = (stream_class?, only?);
    let own = destinations.iter().flatten().filter_map(|placed| super::whip::asked(&placed.value));
    let named = section.list::<String>("sources");
    let companions = match (&sources, &destinations) {
        (Some(used), Some(to)) => {
            super::companions::read(section, &stream_class, &Sources { named: &named, used }, to, findings)
        }
        _ => None,
    };
    let beside = companions.iter().flatten().filter_map(|companion| companion.video.clone());
    let renditions: Vec<VideoRendition> = stream_class.video.iter().cloned().chain(own).chain(beside).collect();
    encoders(section, (stream_class.as_ref(), renditions.as_slice()), only.as_deref(), known.profiles, findings);
    sources.iter().flatten().for_each(|source| sound_fits(source, &stream_class, findings));
    destinations.iter().flatten().for_each(|one| super::whip::fits(one, &stream_class, findings));
    destinations.iter().flatten().for_each(|one| super::encryption::fits(one, &stream_class, findings));
    destinations.iter().flatten().for_each(|one| super::destinations::audio_fits(one, &stream_class, findings));
    destinations.iter().flatten().for_each(|placed| super::senders::check(placed, &stream_class, findings));
    destinations.iter().flatten().for_each(|placed| super::recordings::fits(placed, &stream_class, findings));
    super::recordings::uploads(destinations.as_deref().unwrap_or_default(), findings);
    let title: String = section.value("title")?;
    let text = section.value::<String>("slate_text").unwrap_or_else(|| stream_class.fallback.slate_text.clone());
    let order = match section.value::<String>("order")?.as_str() {
        "on-air" => ChannelOrder::OnAir,
        _ => ChannelOrder::OffAir,
    };
    let (sources, source_spots) = sources?.into_iter().map(|placed| (placed.value, placed.spot)).unzip();
    let (destinations, destination_spots) = destinations?.into_iter().map(|placed| (placed.value, placed.spot)).unzip();
    let timecode = match section.value::<String>("timecode")?.as_str() {
        "local" => TimecodeDay::Local,
        "source" => TimecodeDay::Source,
        _ => TimecodeDay::Utc,
    };
    let channel = Channel {
        id: ChannelId::new(id).ok()?,
        slate_text: text.replace("{title}", &title),
        slate_image,
        overlays,
        title,
        stream_class,
        sources,
        destinations,
        hardware_profile: only,
        order,
        timecode,
        spool: spool?,
        companions: companions?,
        memory_max: memory(section, findings),
        cpu_weight: section.value("cpu_weight")?,
    };
    Some(PlacedChannel { channel, source_spots, destination_spots, profile_spot: section.spot("hardware_profile") })
}

fn sources(
    channel: &str,
    section: &Section<'_>,
    known: &Known<'_>,
    findings: &mut Findings,
) -> Option<Vec<Placed<Source>>> {
    let names = section.list::<String>("sources");
    if section.is_empty("sources") {
        findings.faults.add(&section.spot("sources"), "names no source", "name at least one of [sources]");
    }
    let ids: Vec<&str> = known.sources.iter().map(|source| source.id.as_str()).collect();
    let found = resolve(&names, &ids, "[sources]", findings);
    if let Some(replacement) = known.replacements.iter().find(|replacement| replacement.channel == channel) {
        return Some(vec![Placed { value: replacement.source.clone(), spot: replacement.spot.clone() }]);
    }
    let sources = found?.into_iter().map(|placed| {
        let source = known.sources[placed.value].source.clone()?;
        Some(Placed { value: source, spot: placed.spot })
    });
    let sources = sources.collect::<Option<Vec<_>>>().filter(|sources| !sources.is_empty())?;
    reserved(&sources, findings);
    Some(sources)
}

/// A source's own channel map makes the channels of the program of every channel that uses it.
fn sound_fits(source: &Placed<Source>, class: &StreamClass, findings: &mut Findings) {
    let (Some(map), program) = (&source.value.sound.map, class.program.audio.channels) else { return };
    if map.channels() != program {
        let (id, made) = (&source.value.id, map.channels());
        let rule = format!("makes {made} channel(s) of sound (`audio.map`), {} has {program}", class.name);
        let fix = format!("write {program} texts in [sources.{id}.audio] map, or choose another stream class");
        findings.faults.add(&source.spot, rule, fix);
    }
}

/// `auto` becomes `<id>-1`, `<id>-2`, … and `<id>-test`: no other source of the channel may be called so, and the names
/// must still be identifiers.
fn reserved(sources: &[Placed<Source>], findings: &mut Findings) {
    for auto in sources.iter().filter(|source| source.value.kind == SourceKind::Auto) {
        let id = auto.value.id.as_str();
        if id.len() > 55 {
            findings.faults.add(&auto.spot, "is too long for kind = `auto`", "use at most 55 characters");
        }
        for other in sources {
            let rest = other.value.id.as_str().strip_prefix(id).and_then(|rest| rest.strip_prefix('-'));
            if rest.is_some_and(|rest| rest == "test" || rest.bytes().all(|b| b.is_ascii_digit())) {
                let rule = format!("is a name that `{id}` (kind = `auto`) gives to what it finds");
                findings.faults.add(&other.spot, rule, "rename one of the two");
            }
        }
    }
}

fn destinations(section: &Section<'_>, known: &Known<'_>, findings: &mut Findings) -> Option<Vec<Placed<Destination>>> {
    let names = section.list::<String>("destinations");
    if names.is_empty() {
        findings.warnings.add(&section.spot("destinations"), "names no destination", "nobody can watch this channel");
    }
    let ids: Vec<&str> = known.destinations.iter().map(|destination| destination.id.as_str()).collect();
    let destinations = resolve(&names, &ids, "[destinations]", findings)?.into_iter().map(|placed| {
        let destination = known.destinations[placed.value].destination.clone()?;
        Some(Placed { value: destination, spot: placed.spot })
    });
    destinations.collect()
}

/// Names → places among `known`; unknown names and repetitions are faults.
fn resolve(
    names: &[Placed<String>],
    known: &[&str],
    table: &str,
    findings: &mut Findings,
) -> Option<Vec<Placed<usize>>> {
    let mut found: Option<Vec<Placed<usize>>> = Some(Vec::new());
    for (n, name) in names.iter().enumerate() {
        if names[..n].iter().any(|earlier| earlier.value == name.value) {
            findings.faults.add(&name.spot, "is named twice", "remove one");
        }
        match known.iter().position(|id| *id == name.value) {
            Some(at) => found.iter_mut().for_each(|found| found.push(Placed { value: at, spot: name.spot.clone() })),
            None => {
                findings.faults.add(&name.spot, format!("is not in {table}"), suggestion(&name.value, known));
                found = None;
            }
        }
    }
    found
}

fn stream_class(section: &Section<'_>, known: &Known<'_>, findings: &mut Findings) -> Option<Arc<StreamClass>> {
    let name = section.get::<String>("stream_class")?;
    match known.classes.get(&name.value) {
        Some(class) => class.clone(),
        // The directory cannot be read, which is one fault and not one more for each channel.
        None if known.classes.is_empty() => None,
        None => {
            let names: Vec<&String> = known.classes.keys().collect();
            findings.faults.add(&name.spot, "is no stream class", suggestion(&name.value, &names));
            None
        }
    }
}

/// Outer none: faulty. Inner none: any profile.
fn hardware_profile(section: &Section<'_>, known: &Known<'_>, findings: &mut Findings) -> Option<Option<String>> {
    let name = section.get::<String>("hardware_profile")?;
    if name.value == "auto" {
        return Some(None);
    }
    if known.profile_names.is_empty() {
        return None;
    }
    if !known.profile_names.contains(&name.value) {
        let mut names = known.profile_names.to_vec();
        names.push("auto".to_owned());
        findings.faults.add(&name.spot, "is no hardware profile", suggestion(&name.value, &names));
        return None;
    }
    Some(Some(name.value))
}

fn encoders(
    section: &Section<'_>,
    (class, renditions): (&StreamClass, &[VideoRendition]),
    only: Option<&str>,
    profiles: &Profiles,
    findings: &mut Findings,
) {
    // A profile that is faulty itself is reported as such.
    if only.is_some_and(|name| profiles.get(name).is_none()) || profiles.iter().next().is_none() {
        return;
    }
    for rendition in renditions {
        if profiles.encoders_for(&class.encode_request(rendition), only).is_empty() {
            let rule = format!(
                "has no encoder for rendition `{}` of {} ({}, {})",
                rendition.id,
                class.name,
                rendition.size,
                match rendition.codec {
                    VideoCodec::H264 => format!("H.264 {}", rendition.h264_profile),
                    codec => codec.to_string(),
                }
            );
            findings.faults.add(&section.spot("hardware_profile"), rule, "write \"auto\", or name another profile");
        }
    }
}

/// Less would not do for any pictures.
const LEAST_MEMORY: u64 = 256_000_000;

fn memory(section: &Section<'_>, findings: &mut Findings) -> Option<u64> {
    let most = section.get::<crate::document::Bytes>("memory_max")?;
    if most.value.0 < LEAST_MEMORY {
        findings.faults.add(&most.spot, "must be at least 256M", "raise it, or leave it out");
    }
    Some(most.value.0)
}

fn spool(
    section: &Section<'_>,
    defaults: Option<&Section<'_>>,
    class: Option<&StreamClass>,
    findings: &mut Findings,
) -> Option<Spool> {
    let own = section.table("spool")?;
    let quota = own.get::<crate::document::Bytes>("quota").or_else(|| defaults?.get("quota"))?;
    let retain = own.value::<Duration>("retain").or_else(|| defaults?.value("retain"))?;
    if quota.value.0 < 50_000_000 {
        findings.faults.add(&quota.spot, "must be at least 50M", "raise it; an hour of 4 Mbit/s takes 1.8G");
    } else if let Some(class) = class {
        let window = class.playlist_bytes();
        if quota.value.0 < window {
            let rule = format!("is less than one playlist of {} at its peak ({} MB)", class.name, window / 1_000_000);
            findings.faults.add(&quota.spot, rule, "raise it");
        }
    }
    let when_full = own.value::<String>("when_full").or_else(|| defaults?.value("when_full"))?;
    let when_full = match when_full.as_str() {
        "drop_renditions" => WhenFull::DropRenditions,
        _ => WhenFull::DropOldest,
    };
    Some(Spool { quota_bytes: quota.value.0, retain, when_full })
}

impl StreamClass {
    /// Most bytes that the segments of one live playlist may take.
    fn playlist_bytes(&self) -> u64 {
        let peak: u64 = self.video.iter().map(|rendition| rendition.max_bitrate.bps()).sum::<u64>()
            + self.audio.iter().map(|rendition| BitRate::bps(rendition.bitrate)).sum::<u64>();
        (u128::from(peak) * self.segments.duration().as_millis() * u128::from(self.playlist_segments) / 8000) as u64
    }
}

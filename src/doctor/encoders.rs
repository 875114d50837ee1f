//! Encoders and elements of GStreamer that the configuration needs: as planned, as registered, as in use.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use super::{Finding, Ground};
use crate::model::Carrier;
use crate::plan::{ChannelPlan, DestinationKind, SourceKind, VideoRenditionPlan, grant_all, session_limits};
use crate::system::ask_program;

/// A registry that has to be read anew takes long; the daemon has done it when it came up.
const WITHIN: Duration = Duration::from_secs(14);
/// What every channel needs, and the package it is in.
const ALWAYS: [(&str, &str); 6] = [
    ("videoconvertscale", "gstreamer1.0-plugins-base"),
    ("audioresample", "gstreamer1.0-plugins-base"),
    ("textoverlay", "gstreamer1.0-x"),
    ("jpegenc", "gstreamer1.0-plugins-good"),
    ("deinterlace", "gstreamer1.0-plugins-good"),
    ("avenc_aac", "gstreamer1.0-libav"),
];

pub(super) fn examine(ground: &Ground) -> Vec<Finding> {
    let plans = grant_all(on_air(ground.plans(), &ground.told.status));
    if plans.is_empty() {
        return vec![Finding::not_here("elements", "the configuration gives no channel that needs any")];
    }
    let needs = needs(plans.iter());
    let encoders: BTreeSet<&str> = plans
        .iter()
        .flat_map(|plan| &plan.video)
        .flat_map(|rendition| rendition.encoders.iter().map(|encoder| encoder.element.as_str()))
        .collect();
    let names: Vec<&str> = needs.keys().copied().chain(encoders).collect();
    let worker = ground.worker.display().to_string();
    let said = ask_program(&worker, &["--probe", "--elements", &names.join(",")], WITHIN, 4 << 20);
    let registered = match said.map(|text| registered(&text)) {
        Ok(Some(registered)) => registered,
        Ok(None) => return vec![Finding::not_here("elements", format!("{worker} --probe did not say"))],
        Err(error) => return vec![Finding::not_here("elements", format!("{worker} cannot be asked: {error}"))],
    };
    let mut findings = vec![elements(&needs, &registered)];
    findings.extend(sessions(ground, &plans));
    for plan in &plans {
        for rendition in &plan.video {
            let used = used(&ground.told.status, plan, rendition);
            let about = format!("channel {}, rendition {}", plan.channel, rendition.id);
            findings.push(encoder(rendition, &registered, used.as_deref()).of(about));
        }
    }
    findings
}

/// The channels that are to be on air; all of them, where no daemon says which.
fn on_air(plans: Vec<ChannelPlan>, status: &Result<Value, String>) -> Vec<ChannelPlan> {
    let Some(channels) = status.as_ref().ok().and_then(|status| status["channels"].as_array()) else { return plans };
    let off = |plan: &ChannelPlan| {
        channels.iter().any(|channel| channel["id"] == plan.channel.as_str() && channel["order"] == "off_air")
    };
    let wanted: Vec<ChannelPlan> = plans.iter().filter(|plan| !off(plan)).cloned().collect();
    // What all of them need is looked at before a show, too.
    if wanted.is_empty() { plans } else { wanted }
}

/// Sessions of encoder cards that are in the box, as the channels that are to be on air take them.
fn sessions(ground: &Ground, plans: &[ChannelPlan]) -> Vec<Finding> {
    let Ok(checked) = &ground.checked else { return Vec::new() };
    let one = |(profile, most): (String, u32)| {
        let first = |rendition: &&VideoRenditionPlan| {
            rendition.encoders.first().is_some_and(|encoder| encoder.profile == profile)
        };
        let taken = plans.iter().flat_map(|plan| &plan.video).filter(first).count();
        claimed(taken, most).of(format!("profile {profile}"))
    };
    let named: Vec<&str> = checked.channels.iter().filter_map(|one| one.hardware_profile.as_deref()).collect();
    session_limits(&checked.profiles, &ground.inventory().devices, &named).into_iter().map(one).collect()
}

fn claimed(taken: usize, most: u32) -> Finding {
    let seen = format!("{taken} of {most} sessions are for channels that are to be on air");
    match u32::try_from(taken).is_ok_and(|taken| taken < most) {
        true => Finding::ok("encoder", seen),
        false => Finding::warn(
            "encoder",
            seen,
            "none is left for another rendition: it would be encoded by something lesser",
        ),
    }
}

/// Which of the elements that were asked for are registered.
fn registered(text: &str) -> Option<BTreeMap<String, bool>> {
    let said: Value = serde_json::from_str(text).ok()?;
    let map = said["elements"].as_object()?;
    Some(map.iter().map(|(name, is)| (name.clone(), is.as_bool().unwrap_or(false))).collect())
}

/// The elements that these channels cannot do without.
pub fn needed_elements<'a>(plans: impl Iterator<Item = &'a ChannelPlan> + Clone) -> Vec<&'static str> {
    needs(plans).into_keys().collect()
}

/// Elements by name, with the package that brings each.
fn needs<'a>(plans: impl Iterator<Item = &'a ChannelPlan> + Clone) -> BTreeMap<&'static str, &'static str> {
    const BAD: &str = "gstreamer1.0-plugins-bad";
    const GOOD: &str = "gstreamer1.0-plugins-good";
    const BASE: &str = "gstreamer1.0-plugins-base";
    let webrtc = [("webrtcbin", BAD), ("opusenc", BASE), ("rtph264pay", GOOD), ("dtlsdec", BAD)];
    let mut needs = BTreeMap::from(ALWAYS);
    for source in plans.clone().flat_map(|plan| &plan.sources) {
        needs.extend(match source.kind {
            SourceKind::V4l2 { .. } => vec![("v4l2src", GOOD), ("jpegdec", GOOD)],
            SourceKind::Alsa { .. } => vec![("alsasrc", "gstreamer1.0-alsa")],
            SourceKind::File { .. } | SourceKind::Playlist { .. } => vec![("uridecodebin", BASE), ("qtdemux", GOOD)],
            SourceKind::Srt { .. } => vec![("srtsrc", BAD), ("tsdemux", BAD), ("avdec_h264", "gstreamer1.0-libav")],
            SourceKind::Rtmp { .. } => vec![("avdec_h264", "gstreamer1.0-libav"), ("avdec_aac", "gstreamer1.0-libav")],
            SourceKind::Rtsp { .. } => vec![("rtspsrc", GOOD), ("avdec_h264", "gstreamer1.0-libav")],
            SourceKind::Whip { .. } => webrtc.to_vec(),
            SourceKind::DeckLink { .. } => vec![("decklinkvideosrc", BAD), ("decklinkaudiosrc", BAD)],
            SourceKind::Test | SourceKind::Custom { .. } | SourceKind::Ndi { .. } => Vec::new(),
        });
    }
    let destinations = plans.flat_map(|plan| &plan.destinations);
    for endpoint in destinations.flat_map(|destination| &destination.endpoints) {
        needs.extend(match &endpoint.kind {
            DestinationKind::Whip(_) => webrtc.to_vec(),
            DestinationKind::Send(send) => match send.carrier {
                Carrier::Srt { .. } => vec![("srtsink", BAD), ("mpegtsmux", BAD)],
                Carrier::Rist { .. } => vec![("ristsink", BAD), ("mpegtsmux", BAD)],
                Carrier::UdpTs { .. } => vec![("mpegtsmux", BAD)],
                Carrier::Rtmp { .. } => Vec::new(),
            },
            DestinationKind::HlsPush { .. } | DestinationKind::Recording(_) => Vec::new(),
        });
    }
    needs
}

fn elements(needs: &BTreeMap<&str, &str>, registered: &BTreeMap<String, bool>) -> Finding {
    let missing = needs.iter().filter(|(name, _)| registered.get(**name) != Some(&true));
    let missing: Vec<(&str, &str)> = missing.map(|(name, package)| (*name, *package)).collect();
    if missing.is_empty() {
        return Finding::ok("elements", format!("all {} elements that the configuration needs are here", needs.len()));
    }
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    let packages: BTreeSet<&str> = missing.iter().map(|(_, package)| *package).collect();
    let todo = format!("apt install {}", packages.into_iter().collect::<Vec<_>>().join(" "));
    Finding::fault("elements", format!("not registered: {}", names.join(", ")), todo)
}

/// Element that encodes a rendition now.
fn used(status: &Result<Value, String>, plan: &ChannelPlan, rendition: &VideoRenditionPlan) -> Option<String> {
    let channels = status.as_ref().ok()?["channels"].as_array()?;
    let channel = channels.iter().find(|channel| channel["id"] == plan.channel.as_str())?;
    let renditions = channel["report"]["renditions"].as_array()?;
    let found = renditions.iter().find(|one| one["id"] == rendition.id.as_str())?;
    found["encoder"].as_str().map(str::to_owned)
}

fn encoder(rendition: &VideoRenditionPlan, registered: &BTreeMap<String, bool>, used: Option<&str>) -> Finding {
    let here: Vec<&crate::plan::EncoderPlan> =
        rendition.encoders.iter().filter(|encoder| registered.get(&encoder.element) == Some(&true)).collect();
    let Some(first) = here.first() else {
        let names: Vec<&str> = rendition.encoders.iter().map(|encoder| encoder.element.as_str()).collect();
        let seen = format!("none of its encoders is registered: {}", names.join(", "));
        return Finding::fault("encoder", seen, "apt install gstreamer1.0-plugins-ugly gstreamer1.0-plugins-bad");
    };
    let others = here.len() - 1;
    if !rendition.passed_over.is_empty() {
        let seen = format!("{} of {}: {}", first.element, first.profile, rendition.passed_over.join("; "));
        let todo = "fewer renditions or channels, or another card; `uplinkctl capacity`";
        return Finding::warn("encoder", seen, todo);
    }
    let fitting = rendition.encoders.iter().find(|encoder| encoder.found);
    if let Some(lacking) = fitting.filter(|encoder| registered.get(&encoder.element) != Some(&true)) {
        let seen = format!("{} encodes, though hardware for {} is in the box", first.element, lacking.element);
        return Finding::warn("encoder", seen, "install driver and GStreamer plugin of the card, then restart uplinkd");
    }
    match used {
        Some(used) if used != first.element => {
            let seen = format!("{used} encodes now, {} would be better and is registered", first.element);
            Finding::warn("encoder", seen, "it failed on air: `uplinkctl events` tells why; stop and start the channel")
        }
        Some(used) => Finding::ok("encoder", format!("{used} encodes now, {others} more could take over")),
        None => {
            Finding::ok("encoder", format!("{} of {} would encode, {others} more could", first.element, first.profile))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn what_is_missing_names_its_package() {
        let registered: BTreeMap<String, bool> = registered(r#"{"elements":{"srtsrc":true,"rtspsrc":false}}"#).unwrap();
        assert_eq!(elements(&BTreeMap::from([("srtsrc", "a")]), &registered).state, State::Ok);
        let found = elements(&BTreeMap::from([("srtsrc", "a"), ("rtspsrc", "b"), ("x", "b")]), &registered);
        assert_eq!((found.state, found.todo.as_deref()), (State::Fault, Some("apt install b")));
    }

    #[test]
    fn the_last_session_is_told() {
        assert_eq!(claimed(2, 3).state, State::Ok);
        assert_eq!(claimed(3, 3).state, State::Warn);
    }

    fn rendition(encoders: &[(&str, bool)]) -> VideoRenditionPlan {
        let encoder = |(element, found): &(&str, bool)| {
            serde_json::json!({ "profile": "p", "element": element, "properties": [], "input_format": "I420",
                "h264_profile": "high", "found": found })
        };
        let encoders: Vec<Value> = encoders.iter().map(encoder).collect();
        let plan = serde_json::json!({ "id": "720p", "size": "1280x720", "bitrate": 1, "max_bitrate": 2,
            "encoders": encoders });
        serde_json::from_value(plan).unwrap()
    }

    #[test]
    fn an_encoder_is_judged_by_what_is_here_what_fits_and_what_is_used() {
        let here = BTreeMap::from([("nvh264enc".to_owned(), true), ("x264enc".to_owned(), true)]);
        let both = rendition(&[("nvh264enc", true), ("x264enc", false)]);
        let soft = BTreeMap::from([("x264enc".to_owned(), true)]);
        assert_eq!(encoder(&both, &here, None).state, State::Ok);
        assert_eq!(encoder(&both, &here, Some("nvh264enc")).state, State::Ok);
        assert_eq!(encoder(&both, &here, Some("x264enc")).state, State::Warn, "it was replaced on air");
        assert_eq!(encoder(&both, &soft, None).state, State::Warn, "hardware without its plugin");
        assert_eq!(encoder(&rendition(&[("nvh264enc", false), ("x264enc", false)]), &soft, None).state, State::Ok);
        assert_eq!(encoder(&both, &BTreeMap::new(), None).state, State::Fault);
        let taken = VideoRenditionPlan { passed_over: vec!["all 3 sessions of nvenc are taken".to_owned()], ..both };
        assert_eq!(encoder(&taken, &here, None).state, State::Warn);
    }
}

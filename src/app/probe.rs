//! `uplink-worker --probe`: what this box can capture and encode, as JSON. Also writes GStreamer's registry anew where it
//! is missing or out of date, which takes longer than a channel may take to go on air.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::disk_rate;
use crate::document::{Faults, Source};
use crate::hardware::inventory;
use crate::media;
use crate::model::{BitRate, FrameRate, PictureSize, RenditionId};
use crate::plan::{EncoderPlan, VideoRenditionPlan};
use crate::profile::{self, EFFORTS, EncodeRequest, Encoder, Profile, Profiles};

/// Prints it. Exit codes: 0, or 1 if GStreamer cannot be used.
pub(super) fn run(profiles: &Path, measure: bool, disk: Option<&Path>, elements: &[String]) -> ExitCode {
    if let Err(error) = media::init() {
        tracing::error!("{error}");
        return ExitCode::from(1);
    }
    let mut found = report(&read(profiles), measure);
    if !elements.is_empty() {
        let registered = elements.iter().map(|element| (element, media::has_element(element)));
        found["elements"] = json!(registered.collect::<BTreeMap<_, _>>());
    }
    if let Some(directory) = disk {
        match disk_rate::measure(directory) {
            Ok(rate) => found["disk"] = json!(rate),
            Err(error) => tracing::error!(directory = %directory.display(), %error, "the disk cannot be measured"),
        }
    }
    // A reader that has gone away (`| head`) is no reason to fail.
    let _ = writeln!(std::io::stdout(), "{found:#}");
    ExitCode::SUCCESS
}

/// The profiles without a fault; `uplinkctl check` is for the others.
fn read(directory: &Path) -> Profiles {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let files = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
    let each = |path: std::path::PathBuf| {
        let mut faults = Faults::default();
        let source = Source::read(&path, &mut faults)?;
        profile::read(&source, path.file_stem()?.to_str()?, &mut faults)
    };
    Profiles::new(files.filter_map(each).collect())
}

fn report(profiles: &Profiles, measure: bool) -> Value {
    let found = inventory(Path::new("/"));
    let capture = found.capture.iter().map(|device| {
        let card = profiles.card_for_driver(&device.driver);
        json!({
            "node": device.node, "names": device.names, "name": device.name, "driver": device.driver, "sound": device.sound,
            "card": card.map(|card| json!({
                "name": card.name, "connectors": card.connectors, "formats": card.formats, "quirks": card.quirks,
            })),
        })
    });
    let encoders = profiles.iter().flat_map(|profile| profile.encoders.iter().map(move |encoder| (profile, encoder)));
    let encoders = encoders.map(|(profile, encoder)| {
        json!({
            "profile": profile.name, "element": encoder.element,
            // That it is registered: whether it opens its device shows when a channel tries it.
            "registered": media::has_element(&encoder.element),
            "shipped": encoder.cost.iter().cloned().collect::<BTreeMap<String, f64>>(),
            "seconds": if measure { seconds(profiles, profile, encoder) } else { json!({}) },
        })
    });
    json!({
        "processor": crate::system::processor(),
        "capture": capture.collect::<Vec<_>>(),
        "sound": found.sound,
        "encoders": encoders.collect::<Vec<_>>(),
    })
}

/// Processor seconds per thousand megapixels, by effort, of an encoder that is registered.
fn seconds(profiles: &Profiles, profile: &Profile, encoder: &Encoder) -> Value {
    let mut seconds = BTreeMap::new();
    let (Ok(size), Some(rate)) = ("640x360".parse::<PictureSize>(), FrameRate::new(30, 1)) else { return json!({}) };
    for (effort, _) in EFFORTS.iter().filter(|_| media::has_element(&encoder.element)) {
        let request = EncodeRequest {
            size,
            frame_rate: rate,
            bitrate: BitRate(900_000),
            max_bitrate: BitRate(1_300_000),
            segment_ms: 2000,
            codec: encoder.codec,
            h264_profile: "high".to_owned(),
            effort: (*effort).to_owned(),
            latency: "low".to_owned(),
        };
        let candidates = profiles.encoders_for(&request, Some(&profile.name));
        let Some(candidate) = candidates.into_iter().find(|candidate| candidate.element == encoder.element) else {
            continue;
        };
        let plan = EncoderPlan::from(candidate);
        let Ok(id) = RenditionId::new("measured") else { continue };
        let (bitrate, max_bitrate) = (request.bitrate, request.max_bitrate);
        let rendition =
            VideoRenditionPlan { id, size, bitrate, max_bitrate, encoders: Vec::new(), passed_over: Vec::new() };
        match media::encode::measure_cost(&rendition, &plan, rate) {
            Ok(cost) => drop(seconds.insert(*effort, (cost * 100.0).round() / 100.0)),
            Err(reason) => tracing::warn!(element = encoder.element, effort, reason, "not measured"),
        }
    }
    json!(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_encoders_are_named_with_whether_this_box_has_them() {
        media::init().unwrap();
        let report = report(&read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("hardware-profiles")), false);
        let encoders = report["encoders"].as_array().unwrap();
        let registered = |element: &str| {
            encoders.iter().find(|one| one["element"] == element).unwrap_or_else(|| panic!("{element}: {report:#}"))
                ["registered"]
                .as_bool()
                .unwrap()
        };
        assert!(registered("x264enc"));
        let profiles: Vec<_> = encoders.iter().map(|one| one["profile"].as_str().unwrap()).collect();
        let place = |profile| profiles.iter().position(|one| *one == profile).unwrap();
        assert!(place("vaapi") < place("software-x264"), "in the order in which they are tried: {profiles:?}");
    }
}

//! Every field of a plan, changed alone.

use serde_json::{Value, json};

use super::*;

fn plan() -> ChannelPlan {
    let encoder = json!({"profile": "p", "element": "x264enc", "input_format": "I420", "h264_profile": "high",
        "properties": [["bitrate", 300]], "rates": ["bitrate"]});
    let rendition = |id: &str, size: &str| json!({"id": id, "size": size, "bitrate": 300_000, "max_bitrate": 600_000, "encoders": [encoder]});
    let plan = json!({
        "channel": "a", "title": "A", "stream_class": "rig 1.0.0",
        "program": {"size": "320x180", "frame_rate": "25", "audio": {"sample_rate": 48_000, "channels": 2}},
        "segments": crate::model::SegmentGrid::new(1000).unwrap(),
        "sources": [{"id": "cam", "kind": {"kind": "test"}}, {"id": "spare", "kind": {"kind": "test"}}],
        "slate": {"text": "soon"},
        "graphics": {"images": "/images", "slate_image": null, "overlays": []},
        "video": [rendition("180p", "320x180"), rendition("144p", "256x144")],
        "audio": [{"id": "sound", "name": "Sound", "language": null, "bitrate": 64_000, "map": null}],
        "spool": {"directory": "/spool/a", "quota_bytes": 1, "retain_seconds": 1, "playlist_segments": 10},
        "destinations": [],
        "thresholds": {"loss_ms": 500, "wait_to_restore_ms": 500, "stall_ms": 3000},
    });
    serde_json::from_value(plan).unwrap()
}

/// What it costs to put `value` at `path` of the plan.
fn cost(path: &str, value: Value) -> Impact {
    let old = plan();
    let mut document = serde_json::to_value(&old).unwrap();
    *document.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
    let new: ChannelPlan = serde_json::from_value(document).unwrap();
    assert_ne!(old, new, "{path}");
    impact(&old, &new)
}

fn source(id: &str) -> SourceId {
    SourceId::new(id).unwrap()
}

fn rendition(id: &str) -> RenditionId {
    RenditionId::new(id).unwrap()
}

#[test]
fn an_equal_plan_costs_nothing() {
    assert!(impact(&plan(), &plan()).is_nothing());
}

#[test]
fn what_is_taken_over_on_air() {
    let live = |path: &str, value: Value, changes: &[Change]| {
        let impact = cost(path, value);
        assert_eq!((impact.live.as_slice(), impact.is_live()), (changes, true), "{path}");
    };
    live("/title", json!("B"), &[Change::Names, Change::Graphics]);
    live("/stream_class", json!("rig 1.0.1"), &[Change::Names]);
    live("/slate/text", json!("later"), &[Change::Graphics]);
    live("/graphics/slate_image", json!("station.png"), &[Change::Graphics]);
    live("/sources/0/kind", json!({"kind": "file", "path": "/a.mp4"}), &[Change::SourceReopened(source("cam"))]);
    live("/sources/0/fit", json!("crop"), &[Change::SourceReopened(source("cam"))]);
    let renamed = [Change::SourceRemoved(source("cam")), Change::SourceAdded(source("new"))];
    live("/sources/0/id", json!("new"), &renamed);
    live("/thresholds/loss_ms", json!(600), &[Change::Signal]);
    live("/thresholds/wait_to_restore_ms", json!(600), &[Change::Failover]);
    live("/thresholds/failover/hold_off_ms", json!(600), &[Change::Failover]);
    live("/thresholds/stall_ms", json!(600), &[Change::Stall]);
    live("/spool/quota_bytes", json!(600), &[Change::Retention]);
    live("/spool/retain_seconds", json!(600), &[Change::Retention]);
    live("/spool/playlist_segments", json!(12), &[Change::PlaylistWindow]);
    live("/sound/alarms/silence_ms", json!(1), &[Change::SoundAlarms]);
    live("/sound/loudness_target", json!(-16.0), &[Change::SoundAlarms]);
    live(
        "/sound/sources",
        json!({"cam": {"map": null, "setting": {"gain_db": -3.0, "mute": false, "delay_ms": 0}}}),
        &[Change::SourceSound(source("cam"))],
    );
    let renamed = [Change::RenditionRemoved(rendition("144p")), Change::RenditionAdded(rendition("new"))];
    live("/video/1/id", json!("new"), &renamed);
    live("/video/0/bitrate", json!(350_000), &[Change::RenditionRate(rendition("180p"))]);
    live("/video/0/max_bitrate", json!(650_000), &[Change::RenditionRate(rendition("180p"))]);
    live("/video/0/passed_over", json!(["all taken"]), &[Change::Names]);
    live("/video/0/encoders/0/cores", json!(0.3), &[Change::Names]);
    live("/video/0/encoders/0/element", json!("openh264enc"), &[Change::RenditionEncoder(rendition("180p"))]);
    live("/video/0/encoders/0/properties", json!([["x", 1]]), &[Change::RenditionEncoder(rendition("180p"))]);
    live("/audio/0/name", json!("Ton"), &[Change::Names]);
    live("/audio/0/language", json!("de"), &[Change::Names]);
    live("/audio/0/bitrate", json!(96_000), &[Change::RenditionEncoder(rendition("sound"))]);
}

#[test]
fn what_needs_another_worker() {
    let restart = |path: &str, value: Value, reason: Reason| {
        assert_eq!(cost(path, value).restart, [reason], "{path}");
    };
    restart("/program/size", json!("640x360"), Reason::ProgramFormat);
    restart("/program/frame_rate", json!("50"), Reason::ProgramFormat);
    restart("/program/audio/channels", json!(6), Reason::ProgramFormat);
    restart("/segments", json!(crate::model::SegmentGrid::new(2000).unwrap()), Reason::Segments);
    restart("/graphics/images", json!("/elsewhere"), Reason::ImageDirectory);
    restart("/spool/directory", json!("/elsewhere"), Reason::SpoolDirectory);
    restart("/sound/true_peak_max", json!(-2.0), Reason::SoundCorrection);
    restart("/sound/correction", json!({"target_lufs": -23.0, "max_gain_db": 6.0}), Reason::SoundCorrection);
    restart("/video/0/size", json!("640x360"), Reason::RenditionShape(rendition("180p")));
    restart("/video/0/encoders/0/codec", json!("hevc"), Reason::RenditionShape(rendition("180p")));
    restart("/video", json!([]), Reason::Pictures);
}

#[test]
fn only_the_stream_keys_of_a_source_are_exchanged_while_it_is_open() {
    let ingest = |app: &str, keys: &[&str], second: &str| json!({"kind": "rtmp", "listen": "127.0.0.1:1935", "app": app, "keys": keys, "second_publisher": second});
    let change = |new: Value| {
        let with = |kind: Value| {
            let mut document = serde_json::to_value(plan()).unwrap();
            document["sources"][0]["kind"] = kind;
            serde_json::from_value::<ChannelPlan>(document).unwrap()
        };
        let impact = impact(&with(ingest("live", &["first-key"], "refuse")), &with(new));
        assert!(impact.is_live());
        impact.live
    };
    let (keys, reopened) = (Change::SourceKeys(source("cam")), Change::SourceReopened(source("cam")));
    assert_eq!(change(ingest("live", &["second-key"], "refuse")), std::slice::from_ref(&keys));
    assert_eq!(change(ingest("live", &["first-key", "second-key"], "refuse")), std::slice::from_ref(&keys));
    assert_eq!(change(ingest("live", &["first-key"], "refuse")), []);
    assert_eq!(change(ingest("live", &["second-key"], "replace")), std::slice::from_ref(&reopened));
    assert_eq!(change(ingest("guests", &["second-key"], "refuse")), std::slice::from_ref(&reopened));
    assert_eq!(change(json!({"kind": "test"})), [reopened]);
    assert!(keys.to_string().contains("who publishes to it stays"), "{keys}");
}

#[test]
fn companions_come_go_and_change_on_air() {
    let old = plan();
    let of = RecordedOf::Clean;
    let clean = CompanionPlan { of: of.clone(), video: Some(old.video[0].clone()), audio: old.audio[0].clone() };
    let with = |clean: CompanionPlan| ChannelPlan { companions: vec![clean], ..plan() };
    let first = with(clean.clone());
    assert_eq!(impact(&old, &first).live, [Change::CompanionAdded(of.clone())]);
    assert_eq!(impact(&first, &old).live, [Change::CompanionRemoved(of.clone())]);
    let mut other = clean.clone();
    other.audio.bitrate = crate::model::BitRate(1);
    assert_eq!(impact(&first, &with(other)).live, [Change::CompanionChanged(of)]);
    let mut known = clean;
    known.video.as_mut().unwrap().encoders[0].cores = Some(0.5);
    assert_eq!(impact(&first, &with(known)).live, [Change::Names]);
}

#[test]
fn order_is_a_change_of_its_own() {
    let old = plan();
    let mut new = plan();
    new.sources.reverse();
    new.video.reverse();
    assert_eq!(impact(&old, &new).live, [Change::SourcesRanked, Change::RenditionsRanked]);
    let mut fewer = plan();
    fewer.sources.remove(0);
    assert_eq!(impact(&old, &fewer).live, [Change::SourceRemoved(source("cam"))], "the rest is in order");
}

#[test]
fn a_rate_that_the_encoder_follows_needs_no_other_encoder() {
    let old = plan();
    let mut new = plan();
    new.video[0] = old.video[0].at_bitrate(crate::model::BitRate(200_000));
    assert_ne!(old.video[0].encoders, new.video[0].encoders);
    assert_eq!(impact(&old, &new).live, [Change::RenditionRate(rendition("180p"))]);
}

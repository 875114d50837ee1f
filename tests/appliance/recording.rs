//! A recording of a channel on air: it plays while it grows, outlives its worker in one piece, and is whole after a stop;
//! what a power cut leaves of it plays, too.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;

use bytes::Bytes;
use nix::sys::signal::Signal;
use serde_json::json;
use uplink::lineup;
use uplink::media::decode::TrackDecoder;
use uplink::media::decode::fmp4::{read_init, read_segment};
use uplink::model::status::DestinationState;
use uplink::model::{MediaTime, RecordingStatus};
use uplink::record::{Manifest, RecordedRendition, RecordingState, repair};

use crate::delivered::{object, probe};
use crate::process;
use crate::rig::{PLAIN, RENDITIONS, Rig};

/// A channel that is only recorded: no origin is needed.
fn recorded() -> Rig {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    rig.edit(|text| {
        let text = text.replace("destinations = [\"origin\"]", "destinations = [\"archive\"]");
        format!(
            "{text}[recordings]\nkeep_free = \"1M\"\n[destinations.archive]\nkind = \"recording\"\ntitle = \"Rig\"\n"
        )
    });
    rig.start_daemon();
    rig.wait_on_air("a");
    rig
}

fn recording(rig: &Rig, what: &str, test: impl Fn(&RecordingStatus) -> bool) -> RecordingStatus {
    let seen = |one: &uplink::model::status::DestinationStatus| one.recording.as_ref().is_some_and(&test);
    rig.wait_destination("a", what, seen).recording.unwrap()
}

fn uplinkctl(rig: &Rig, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uplinkctl"));
    command.arg("--api").arg(format!("http://{}", rig.api)).arg("--yes").args(arguments);
    let (code, said) = rig.run(command);
    assert_eq!(code, Some(0), "{arguments:?}: {said}");
    said
}

/// Initialisation and segments of a rendition as one file; pictures or sound that a decoder found in it.
fn frames(rig: &Rig, directory: &Path, rendition: &RecordedRendition) -> u64 {
    let of = directory.join(rendition.id.as_str());
    let mut bytes = fs::read(of.join(&rendition.segments[0].init)).unwrap();
    for segment in &rendition.segments {
        assert_eq!(segment.init, rendition.segments[0].init);
        bytes.extend(fs::read(of.join(segment.file_name())).unwrap());
    }
    let path = rig.path(&format!("whole-{}.mp4", rendition.id));
    fs::write(&path, bytes).unwrap();
    probe(&path)["nb_read_frames"].as_str().unwrap().parse().unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() { copy(&path, &target) } else { drop(fs::copy(&path, &target)) }
    }
}

/// DVR on the box: the playlists of a recording that runs begin with its first segment, and every segment can be had.
fn plays_from_its_begin_while_it_runs(rig: &Rig, running: &RecordingStatus) {
    let base = format!("/api/v1/recordings/a/{}/files", running.id.clone().unwrap());
    assert_eq!(rig.get(&format!("{base}/multivariant.m3u8")).status, 200);
    let list = m3u8_rs::parse_media_playlist_res(&rig.get(&format!("{base}/180p/index.m3u8")).body).unwrap();
    assert!(list.playlist_type == Some(m3u8_rs::MediaPlaylistType::Event) && !list.end_list);
    assert!(list.segments.len() >= 2, "{list:?}");
    for segment in &list.segments {
        assert_eq!(rig.get(&format!("{base}/180p/{}", segment.uri)).status, 200, "{}", segment.uri);
    }
}

#[test]
fn a_recording_outlives_its_worker_and_is_whole_after_the_stop() {
    let rig = recorded();
    let grown = recording(&rig, "two segments of each", |it| it.segments >= 6 && it.synced.is_some());
    let directory = PathBuf::from(grown.directory.clone().unwrap());
    assert!(directory.starts_with(rig.path("state/recordings/a")) && directory.to_string_lossy().ends_with("Z-rig"));
    let live = m3u8_rs::parse_media_playlist_res(&fs::read(directory.join("180p/index.m3u8")).unwrap()).unwrap();
    assert!(live.playlist_type == Some(m3u8_rs::MediaPlaylistType::Event) && !live.end_list);
    assert!(directory.join("multivariant.m3u8").is_file());
    plays_from_its_begin_while_it_runs(&rig, &grown);
    uplinkctl(&rig, &["record", "marker", "a", "Goal", "--by", "test"]);
    let refused = rig.post("/api/v1/channels/a/destinations/nobody/recording", &json!({"action": "stop"}));
    assert!(refused.status >= 400, "{}", refused.text());

    let old = rig.worker("a");
    process::signal(old, Signal::SIGKILL);
    rig.until("the worker is dead", || !process::lives(old));
    let killed = MediaTime::from_system(std::time::SystemTime::now());
    let cut = rig.path("cut/a").join(directory.file_name().unwrap());
    copy(&directory, &cut);
    let resumed = recording(&rig, "it goes on", |it| it.interruptions == 1 && it.synced > Some(killed));
    assert_eq!((resumed.id, resumed.running), (grown.id.clone(), true));
    rig.wait_event("recording_resumed", Some("a"));
    a_power_cut_costs_less_than_a_second(&rig, &cut, killed);
    // A change that takes another worker ends the recording no more than a crash does.
    let class = rig.path("pipelines/rig.toml");
    let changed = fs::read_to_string(&class).unwrap().replace("true_peak_max = -1.0", "true_peak_max = -2.0");
    fs::write(&class, changed).unwrap();
    let reloaded = rig.post("/api/v1/config/reload", &json!({}));
    assert_eq!(reloaded.status, 200, "{}", reloaded.text());
    let replaced = recording(&rig, "it goes on once more", |it| it.interruptions == 2 && it.synced.is_some());
    assert_eq!((&replaced.id, replaced.running), (&grown.id, true));
    let enough = replaced.synced.unwrap() + std::time::Duration::from_millis(1200);
    recording(&rig, "more of it", |it| it.synced > Some(enough));

    let said = uplinkctl(&rig, &["record", "stop", "a"]);
    assert!(said.contains("has ended"), "{said}");
    let manifest = Manifest::load(&directory).unwrap();
    assert_eq!((manifest.state, manifest.interruptions), (RecordingState::Finished, 2));
    assert!(!manifest.gaps.is_empty(), "the time without a worker is missing, and said to be");
    assert_eq!((manifest.markers[0].text.as_str(), manifest.markers[0].by.as_str()), ("Goal", "test"));
    for rendition in &manifest.renditions {
        let text = fs::read(directory.join(rendition.id.as_str()).join("index.m3u8")).unwrap();
        let playlist = m3u8_rs::parse_media_playlist_res(&text).unwrap();
        assert!(playlist.playlist_type == Some(m3u8_rs::MediaPlaylistType::Vod) && playlist.end_list);
        assert!(rendition.segments.iter().all(|segment| segment.keyframe));
    }
    let pictures: Vec<u64> = manifest.renditions[..2].iter().map(|one| frames(&rig, &directory, one)).collect();
    assert_eq!(pictures[0], pictures[1], "the same pictures in both");
    let missing: f64 = manifest
        .gaps
        .iter()
        .filter(|gap| gap.rendition.as_ref().is_some_and(|id| id.as_str() == "180p"))
        .map(|gap| gap.end.since(gap.begin).as_secs_f64())
        .sum();
    let of = &manifest.renditions[0].segments;
    let expected = of[of.len() - 1].end().since(of[0].begin).as_secs_f64() - missing;
    assert!((pictures[0] as f64 / 25.0 - expected).abs() < 0.3, "{} pictures in {expected} s", pictures[0]);
    rig.wait_destination("a", "nothing is recorded", |one| one.state == DestinationState::Disabled);
    it_is_had_by_the_command_line(&rig, &directory, pictures[0]);
}

/// Verified, stitched and cut by the daemon and its worker, with the hole that the kill has made.
fn it_is_had_by_the_command_line(rig: &Rig, directory: &Path, pictures: u64) {
    let id = directory.file_name().unwrap().to_string_lossy().into_owned();
    assert!(uplinkctl(rig, &["recording", "list"]).contains(&id));
    let said = uplinkctl(rig, &["recording", "verify", "a/last"]);
    assert!(said.contains("0 files missing, 0 torn"), "{said}");
    uplinkctl(rig, &["recording", "stitch", &id]);
    let counted = |movie: &PathBuf| probe(movie)["nb_read_frames"].as_str().unwrap().parse::<u64>().unwrap();
    assert_eq!(counted(&directory.join("movies").join(format!("{id}.mp4"))), pictures);
    uplinkctl(rig, &["recording", "clip", &id, "--from", "0.28", "--to", "1.08", "--exact", "--title", "exact"]);
    let movies = fs::read_dir(directory.join("movies")).unwrap().map(|entry| entry.unwrap().path());
    let exact = movies.into_iter().find(|path| path.to_string_lossy().ends_with("-exact.mp4")).unwrap();
    assert_eq!(counted(&exact), 20);
    let playlist = rig.get(&format!("/api/v1/recordings/a/{id}/files/multivariant.m3u8"));
    assert!(playlist.text().starts_with("#EXTM3U"), "{}", playlist.text());
}

/// Cuts what the killed worker left at random bytes; what is left plays.
fn a_power_cut_costs_less_than_a_second(rig: &Rig, cut: &Path, killed: MediaTime) {
    let part = |rendition: &str| {
        let files = fs::read_dir(cut.join(rendition)).unwrap().map(|entry| entry.unwrap().path());
        files.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "part"))
    };
    let parts: Vec<PathBuf> = RENDITIONS.iter().filter_map(|rendition| part(rendition)).collect();
    let mut rounds = 0;
    for round in 0..40 {
        let copied = rig.path(&format!("cuts/{round}/a")).join(cut.file_name().unwrap());
        copy(cut, &copied);
        for part in &parts {
            let path = copied.join(part.strip_prefix(cut).unwrap());
            let length = fs::metadata(&path).unwrap().len();
            let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            file.set_len(if round == 0 { length } else { fastrand::u64(0..=length) }).unwrap();
        }
        let (manifest, _) = repair(&copied).unwrap().expect("nobody has it");
        let ends: Vec<MediaTime> = manifest.renditions.iter().map(|one| one.segments.last().unwrap().end()).collect();
        if round == 0 {
            let lost = killed.since(*ends.iter().min().unwrap()).as_secs_f64();
            eprintln!("worker killed: {lost:.2} s of the recording were not written yet");
        }
        // Decoding takes time; the parser of boxes has looked at all of them.
        if round % 13 == 0 {
            manifest.renditions.iter().for_each(|one| assert!(frames(rig, &copied, one) > 0));
        }
        rounds += 1;
        fs::remove_dir_all(&copied).unwrap();
    }
    assert_eq!(rounds, 40);
}

/// Media time and frame number of each picture, as its mark says.
fn marks(directory: &Path, rendition: &RecordedRendition) -> BTreeMap<u64, u64> {
    let of = directory.join(rendition.id.as_str());
    let mut seen = BTreeMap::new();
    for segment in &rendition.segments {
        let init = read_init(&fs::read(of.join(&segment.init)).unwrap()).unwrap();
        let bytes = Bytes::from(fs::read(of.join(segment.file_name())).unwrap());
        let samples = read_segment(&init, &bytes).unwrap().samples;
        let (tell, told) = channel();
        let first = samples[0].dts.min(samples[0].pts) - 1_000_000_000;
        let mut decoder = TrackDecoder::pictures(&init.tracks[0], first, move |picture| {
            let mark = lineup::read(picture.luma, picture.stride, picture.width, picture.height);
            let _ = tell.send((picture.pts, mark));
        })
        .unwrap();
        for sample in &samples {
            decoder.push(sample, bytes.slice(sample.bytes.clone())).unwrap();
        }
        decoder.finish().unwrap();
        seen.extend(told.iter().filter_map(|(pts, mark)| Some((pts, mark?.frame))));
    }
    seen
}

#[test]
fn program_clean_feed_and_sources_lie_over_each_other_frame_by_frame() {
    let mut rig = Rig::new(&[("a", "sources = [\"test\", \"spare\"]")]);
    rig.edit(|text| {
        let text = text.replace("destinations = [\"origin\"]", "destinations = [\"archive\", \"origin\"]");
        format!(
            "{text}[channels.a.iso]\neffort = \"lowest\"\nbitrate = \"250k\"\n[channels.a.clean_feed]\n\
             effort = \"lowest\"\n[sources.spare]\nkind = \"test\"\n[recordings]\nkeep_free = \"1M\"\n\
             [destinations.archive]\nkind = \"recording\"\nrecord = [\"program\", \"clean\", \"sources\"]\n"
        )
    });
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    let enough = |it: &RecordingStatus| it.segments >= 6;
    let seen = recording(&rig, "three segments of everything", |it| {
        it.companions.len() == 3 && enough(it) && it.companions.iter().all(enough)
    });
    let of: Vec<String> = seen.companions.iter().map(|one| one.of.to_string()).collect();
    assert_eq!(of, ["clean", "source:test", "source:spare"]);
    assert!(uplinkctl(&rig, &["record", "stop", "a"]).contains("has ended"));
    let all: Vec<(PathBuf, Manifest)> = std::iter::once(&seen)
        .chain(&seen.companions)
        .map(|one| PathBuf::from(one.directory.clone().unwrap()))
        .map(|directory| (directory.clone(), Manifest::load(&directory).unwrap()))
        .collect();
    let read: Vec<BTreeMap<u64, u64>> = all.iter().map(|(at, manifest)| marks(at, &manifest.renditions[0])).collect();
    for (directory, manifest) in &all {
        // A busy machine leaves out pictures here, and none on air: how many there are is not judged.
        assert_eq!(manifest.state, RecordingState::Finished, "{}", directory.display());
        assert!(manifest.of.slug().is_none_or(|slug| directory.to_string_lossy().ends_with(&slug)));
    }
    let [program, clean, test, spare] = read.as_slice() else { panic!("{} recordings", read.len()) };
    let (mut same, mut alone) = (0, 0);
    for (at, frame) in program {
        if let Some(clean) = clean.get(at) {
            assert_eq!(frame, clean, "the clean feed at {at}");
            same += 1;
        }
        // Whichever of the two is on air.
        if let (Some(test), Some(spare)) = (test.get(at), spare.get(at)) {
            assert!([test, spare].contains(&frame), "{frame} on air, {test} and {spare} by themselves at {at}");
            alone += 1;
        }
    }
    assert!(same >= 5 && alone >= 5, "{same} and {alone} pictures at the same time");
    // Nobody plays any of it.
    let multivariant = String::from_utf8(object(&rig, "a/multivariant.m3u8")).unwrap();
    assert!(!multivariant.contains("clean") && !multivariant.contains("iso-"), "{multivariant}");
    assert!(!rig.path("origin/live/a/clean").exists());
    assert_eq!(rig.status().channels[0].report.as_ref().map(|report| report.renditions.len()), Some(3 + 6));
}

//! What a viewer gets: playlists, segments and pictures at the origin.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use m3u8_rs::{MasterPlaylist, MediaPlaylist, MediaSegment, parse_master_playlist_res, parse_media_playlist_res};
use serde_json::Value;
use uplink::measure::{FaultCode, Options, Progress, Report, run, text};

use crate::http;
use crate::rig::{RENDITIONS, Rig};

/// An object of the origin that has to be there.
pub fn object(rig: &Rig, path: &str) -> Vec<u8> {
    let answer = http::get(rig.origin, &format!("/live/{path}")).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.body
}

pub fn multivariant(rig: &Rig, channel: &str) -> MasterPlaylist {
    parse_master_playlist_res(&object(rig, &format!("{channel}/multivariant.m3u8"))).expect("a multivariant playlist")
}

pub fn media(rig: &Rig, channel: &str, rendition: &str) -> MediaPlaylist {
    parse_media_playlist_res(&object(rig, &format!("{channel}/{rendition}/media.m3u8"))).expect("a media playlist")
}

/// The media sequence number of the last segment that the origin lists.
pub fn newest(rig: &Rig, channel: &str, rendition: &str) -> u64 {
    let playlist = media(rig, channel, rendition);
    playlist.media_sequence + playlist.segments.len() as u64 - 1
}

/// Whether players are told that the segment cannot be had (EXT-X-GAP).
pub fn is_gap(segment: &MediaSegment) -> bool {
    segment.unknown_tags.iter().any(|tag| tag.tag == "X-GAP")
}

/// Segments of the origin from `from` on that a playlist offers, and the initialisation of each.
pub fn named(rig: &Rig, channel: &str, rendition: &str, from: u64) -> Vec<(u64, String)> {
    let playlist = media(rig, channel, rendition);
    let mut init = String::new();
    let numbered = (playlist.media_sequence..).zip(&playlist.segments);
    let entries = numbered.map(|(number, segment)| {
        if let Some(map) = &segment.map {
            init.clone_from(&map.uri);
        }
        (number, init.clone(), is_gap(segment))
    });
    let offered = entries.filter(|(number, _, gap)| *number >= from && !gap);
    offered.map(|(number, init, _)| (number, init)).collect()
}

/// Initialisation and segment as one file that a decoder can read.
pub fn playable(rig: &Rig, channel: &str, rendition: &str, number: u64, init: &str) -> PathBuf {
    let mut bytes = object(rig, &format!("{channel}/{rendition}/{init}"));
    bytes.extend(object(rig, &format!("{channel}/{rendition}/{number}.m4s")));
    let path = rig.path(&format!("{channel}-{rendition}-{number}.mp4"));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// What ffprobe says of the first stream of `file`; it must decode without a word.
pub fn probe(file: &PathBuf) -> Value {
    let out = Command::new("timeout")
        .args(["60", "ffprobe", "-v", "warning", "-count_frames", "-show_streams", "-of", "json"])
        .arg(file)
        .output()
        .expect("ffprobe is installed (packaging/install-dependencies test)");
    let complaints = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && complaints.trim().is_empty(), "{}: {complaints}", file.display());
    let all: Value = serde_json::from_slice(&out.stdout).unwrap();
    all["streams"][0].clone()
}

/// How many pictures of the segment carry the test source's marks; the slate has none.
pub fn marks(rig: &Rig, channel: &str, number: u64, init: &str) -> u64 {
    let file = playable(rig, channel, RENDITIONS[0], number, init);
    let report = block(run(Options::new(file.display().to_string()))).expect("a segment that can be played");
    report.streams[0].counter.map_or(0, |counter| counter.marks)
}

/// Waits for a segment, begun after now, in which all pictures carry marks, or none.
pub fn wait_picture(rig: &Rig, channel: &str, with_marks: bool) {
    let mut next = newest(rig, channel, RENDITIONS[0]) + 1;
    let what = format!("{channel}: a segment {} marks", if with_marks { "with" } else { "without" });
    rig.until(&what, || {
        for (number, init) in named(rig, channel, RENDITIONS[0], next) {
            next = number + 1;
            let marks = marks(rig, channel, number, &init);
            if (with_marks && marks >= 25) || (!with_marks && marks == 0) {
                return true;
            }
        }
        false
    });
}

pub fn block<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(future)
}

/// A measurement under way.
pub struct Measuring {
    thread: JoinHandle<Report>,
    progress: Arc<Progress>,
}

/// Waits until a player that joins now does not meet the first segment of all, which begins in mid-second.
pub fn settle(rig: &Rig, channel: &str) {
    rig.until("five segments", || media(rig, channel, RENDITIONS[0]).segments.len() >= 5);
}

/// Plays the channel from the origin for `seconds`, beginning now; returns when it plays.
pub fn measure(rig: &Rig, channel: &str, seconds: u32) -> Measuring {
    settle(rig, channel);
    let target = format!("http://{}/live/{channel}/multivariant.m3u8", rig.origin);
    let options = Options { seconds: Some(seconds), ..Options::new(target) };
    let progress = Arc::clone(&options.progress);
    let thread = std::thread::spawn(move || block(run(options)).expect("a stream that can be measured"));
    let measuring = Measuring { thread, progress };
    rig.until("the measurement plays", || measuring.progress.marks.load(Ordering::Relaxed) > 25);
    measuring
}

impl Measuring {
    /// Its end.
    pub fn report(self) -> Report {
        let report = self.thread.join().expect("the measurement ends");
        eprintln!("{}", text(&report));
        report
    }
}

/// Asserts that nothing is wrong but what is `allowed`. How quickly segments came is nobody's matter here.
pub fn assert_only(report: &Report, allowed: &[FaultCode]) {
    let timing = [FaultCode::Stalled];
    let faults = report.faults.iter().filter(|fault| !allowed.contains(&fault.code) && !timing.contains(&fault.code));
    let sentences: Vec<String> = faults.map(|f| format!("{:?}: {}", f.stream, f.sentence)).collect();
    assert!(sentences.is_empty(), "{sentences:#?}");
}

/// Asserts that not a frame and not a sample is missing, in any rendition, and that there was something to judge. A test
/// source that got no processor in time drops and repeats pictures of its own; the worker counts that, and no more than
/// it counted may be seen.
pub fn assert_whole(rig: &Rig, channel: &str, report: &Report, seconds: u64) {
    let worker = rig.report(channel);
    let counted = worker.program.repeated + worker.sources.iter().map(|source| source.late).sum::<u64>();
    assert_only(report, &[FaultCode::SourceFramesRepeated, FaultCode::SourceFramesMissing]);
    assert_eq!(report.streams.len(), RENDITIONS.len());
    for stream in &report.streams {
        if let Some(video) = stream.video {
            assert!(video.frames >= 25 * seconds, "{}: {} frames", stream.name, video.frames);
            let counter = stream.counter.expect("marks");
            assert_eq!((counter.out_of_order, counter.unreadable, counter.marks), (0, 0, video.frames));
            let own = counter.missing.max(counter.repeated);
            assert!(own <= counted, "{}: {own} of the source, {counted} counted", stream.name);
            if own > 0 {
                eprintln!(
                    "TOO SLOW a machine: its test source lost {} and repeated {}",
                    counter.missing, counter.repeated
                );
            }
        } else {
            let audio = stream.audio.expect("picture or sound");
            assert_eq!((audio.gaps, audio.overlaps), (0, 0), "{audio:?}");
        }
    }
}

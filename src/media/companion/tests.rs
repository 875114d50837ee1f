//! A companion with real encoders, fed faster than real time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gstreamer as gst;

use super::*;
use crate::media::encode::ChunkOut;
use crate::model::{Cued, Event, EventCode, FrameGrid, SampleGrid, Timeline};

const START: u64 = 1_763_683_200;
const RATE: u64 = 25;
/// Pictures of it that are not encoded.
const GAP: u32 = 45;
/// Pictures that may be on their way: fewer than the encoder's queue takes, more than the muxer holds.
const ROOM: u32 = 35;
/// However busy the machine.
const SOON: Duration = Duration::from_secs(60);

fn plan(element: &str) -> ChannelPlan {
    let encoder = serde_json::json!({"profile": "software", "element": element, "input_format": "I420",
        "h264_profile": "constrained-baseline",
        "properties": [["bitrate", 200], ["speed-preset", "ultrafast"], ["tune", "zerolatency"],
            ["key-int-max", 2_147_483_647], ["bframes", 0], ["option-string", "scenecut=0"], ["threads", 1]]});
    let video = serde_json::json!({"id": "iso-cam", "size": "160x90", "bitrate": 200_000, "max_bitrate": 300_000,
        "encoders": [encoder]});
    let audio =
        serde_json::json!({"id": "iso-cam-sound", "name": "cam", "language": null, "bitrate": 64_000, "map": null});
    let plan = serde_json::json!({
        "channel": "a", "title": "A", "stream_class": "rig 1.0.0",
        "program": {"size": "160x90", "frame_rate": "25", "audio": {"sample_rate": 48_000, "channels": 2}},
        "segments": 1000, "sources": [], "slate": {"text": ""}, "video": [], "audio": [], "destinations": [],
        "spool": {"directory": "/nowhere", "quota_bytes": 1, "retain_seconds": 1, "playlist_segments": 10},
        "thresholds": {"loss_ms": 500, "wait_to_restore_ms": 500, "stall_ms": 3000},
        "companions": [{"of": "source:cam", "video": video, "audio": audio}],
    });
    let plan: ChannelPlan = serde_json::from_value(plan).unwrap();
    plan.of_companion(&plan.companions[0])
}

struct Rig {
    companion: Companion,
    outputs: std::sync::mpsc::Receiver<Output>,
    events: std::sync::mpsc::Receiver<Event>,
}

fn start(plan: ChannelPlan) -> Rig {
    crate::media::init().unwrap();
    let grids = (plan.segments, FrameGrid::new(plan.program.frame_rate));
    let timeline = LiveTimeline::new(Timeline::new(grids.0, grids.1, Cued::default()));
    let ((tell, outputs), (say, events)) = (std::sync::mpsc::channel(), std::sync::mpsc::channel());
    let companion = Companion::start(CompanionSetting {
        of: "source:cam".parse().unwrap(),
        plan,
        timeline,
        clock: HouseClock::start(),
        output: Arc::new(move |output| drop(tell.send(output))),
        events: Arc::new(move |event| drop(say.send(event))),
    });
    Rig { companion: companion.unwrap(), outputs, events }
}

/// What there is for frame `n` since the start.
fn offer(n: u64, delivers: bool) -> Offered {
    let grid = FrameGrid::new(crate::model::FrameRate::new(RATE as u32, 1).unwrap());
    let first = grid.index_from(MediaTime::from_secs(START));
    let at = grid.time_of(first + n);
    let mut picture = gst::Buffer::from_mut_slice([vec![60 + n as u8 % 100; 160 * 90], vec![128; 160 * 45]].concat());
    let made = picture.get_mut().unwrap();
    made.set_pts(gst::ClockTime::from_nseconds(at.as_nanos()));
    made.set_duration(gst::ClockTime::from_mseconds(1000 / RATE));
    let samples = SampleGrid::new(48_000);
    let mut sound = gst::Buffer::from_mut_slice(vec![0u8; (48_000 / RATE) as usize * 8]);
    let index = samples.index_at(at);
    sound.get_mut().unwrap().set_pts(gst::ClockTime::from_nseconds(samples.time_of(index).as_nanos()));
    Offered { at, picture: Some(picture), sound: Some(sound), delivers }
}

/// Takes what left the encoders until it is so many pictures.
fn pictures(rig: &Rig, chunks: &mut Vec<ChunkOut>, wanted: u32) {
    let until = Instant::now() + SOON;
    while count(chunks) < wanted && Instant::now() < until {
        if let Ok(Output::Chunk(chunk)) = rig.outputs.recv_timeout(Duration::from_millis(100)) {
            chunks.push(chunk);
        }
    }
    assert!(count(chunks) >= wanted, "{wanted}: {:?}", rig.companion.counters());
}

fn count(chunks: &[ChunkOut]) -> u32 {
    of(chunks, "iso-cam").map(|chunk| chunk.samples).sum()
}

fn of<'a>(chunks: &'a [ChunkOut], id: &'a str) -> impl Iterator<Item = &'a ChunkOut> {
    chunks.iter().filter(move |chunk| chunk.rendition.as_str() == id)
}

/// Offers frames that are encoded, never more than the encoder has room for.
fn play(rig: &Rig, chunks: &mut Vec<ChunkOut>, frames: std::ops::Range<u64>, delivers: bool) {
    let before = frames.start as u32 - GAP * u32::from(frames.start >= 120);
    for (given, n) in frames.enumerate() {
        rig.companion.offer(offer(n, delivers));
        // The muxer holds up to half a second.
        pictures(rig, chunks, (before + given as u32 + 1).saturating_sub(ROOM));
    }
}

#[test]
fn a_lost_source_is_a_gap_of_whole_segments_and_its_return_begins_with_a_keyframe() {
    let rig = start(plan("x264enc"));
    let mut chunks = Vec::new();
    // Two and a half segments, lost for two and a bit, back for one and a half.
    play(&rig, &mut chunks, 0..62, true);
    play(&rig, &mut chunks, 62..75, false);
    (75..80).for_each(|n| rig.companion.offer(offer(n, false)));
    // The half segment was continued to its end, and is handed out without waiting for what follows.
    pictures(&rig, &mut chunks, 75);
    (80..120).for_each(|n| rig.companion.offer(offer(n, false)));
    play(&rig, &mut chunks, 120..162, true);
    rig.companion.stop();
    assert!(rig.companion.join(Instant::now() + SOON));
    pictures(&rig, &mut chunks, 75 + 42);
    // Sound may come behind the last picture.
    chunks.extend(rig.outputs.try_iter().filter_map(|output| match output {
        Output::Chunk(chunk) => Some(chunk),
        _ => None,
    }));
    let first = of(&chunks, "iso-cam").map(|chunk| chunk.number).min().unwrap();
    let mut seconds: BTreeMap<u64, u32> = BTreeMap::new();
    of(&chunks, "iso-cam").for_each(|chunk| *seconds.entry(chunk.number - first).or_default() += chunk.samples);
    assert_eq!(seconds.into_iter().collect::<Vec<_>>(), [(0, 25), (1, 25), (2, 25), (4, 5), (5, 25), (6, 12)]);
    let back = of(&chunks, "iso-cam").find(|chunk| chunk.number == first + 4).unwrap();
    assert!(back.independent);
    assert_eq!(back.start, MediaTime::from_secs(START) + Duration::from_millis(4800), "at once, in mid-segment");
    for chunk in of(&chunks, "iso-cam") {
        let end = MediaTime::from_secs(START + chunk.number - first + 1);
        assert!(chunk.start + chunk.duration <= end, "nothing is stretched over the gap: {chunk:?}");
    }
    let heard: Vec<u64> = of(&chunks, "iso-cam-sound").map(|chunk| chunk.number - first).collect();
    assert!([0, 1, 2, 4, 5, 6].iter().all(|number| heard.contains(number)) && !heard.contains(&3), "{heard:?}");
    let counted = rig.companion.counters();
    assert_eq!((counted[0].encoded, counted[0].dropped, counted[0].unaligned), (117, 0, 0), "of both encoders");
    assert!(rig.events.try_iter().all(|event| event.code == EventCode::EncoderChosen));
}

#[test]
fn an_encoder_that_is_not_there_is_told_once_and_holds_up_nobody() {
    let rig = start(plan("nosuchenc"));
    for n in 0..500 {
        rig.companion.offer(offer(n, true));
    }
    let told = rig.events.recv_timeout(SOON).unwrap();
    assert_eq!((told.code, told.subject.as_deref()), (EventCode::CompanionFailed, Some("source:cam")));
    assert!(rig.companion.join(Instant::now() + SOON));
    assert_eq!(rig.events.try_iter().count(), 0);
    assert_eq!(rig.outputs.try_iter().count(), 0, "nothing of it ends the worker");
}

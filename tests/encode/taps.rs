//! What subscribers of the tap get is what the segments hold.

use std::time::Duration;

use gstreamer as gst;
use uplink::media::encode::{AccessUnit, NoUnit, Subscription};
use uplink::model::{FrameGrid, MediaTime, RenditionId, SampleGrid};

use crate::replaced::{FRAMES, broken_plan, paced};
use crate::rig::{self, BOUNDARY, Harvest, Rig, plan};

fn id(name: &str) -> RenditionId {
    RenditionId::new(name).unwrap()
}

fn taken(units: &Subscription) -> Vec<AccessUnit> {
    std::iter::from_fn(|| units.next(Duration::from_millis(1)).ok()).collect()
}

fn bytes(units: &[AccessUnit]) -> Vec<u8> {
    units.iter().flat_map(|unit| unit.buffer.map_readable().unwrap().to_vec()).collect()
}

/// The samples of a rendition as its chunks hold them.
fn stored(harvest: &Harvest, id: &str) -> Vec<u8> {
    let mut media = Vec::new();
    for chunk in harvest.chunks(id) {
        let mut rest = &chunk.data[..];
        while let [a, b, c, d, kind @ ..] = rest {
            let size = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            if kind.starts_with(b"mdat") {
                media.extend_from_slice(&rest[8..size]);
            }
            rest = &rest[size..];
        }
    }
    media
}

#[test]
fn a_subscriber_gets_the_units_that_the_segments_hold() {
    let rig = Rig::start(&plan("30"));
    let tap = rig.encoders.tap();
    let (video, sound) = (tap.subscribe(&id("v180"), 1000), tap.subscribe(&id("a96"), 1000));
    let both = tap.subscribe_all(&[id("v180"), id("a96")], 1000);
    let slow = tap.subscribe(&id("v180"), 5);
    let program = tap.subscribe_sound(1000);
    let frames = rig.feed(0, 4_000);
    let harvest = rig.finish();
    let (pictures, blocks, sound) = (taken(&video), taken(&program), taken(&sound));
    assert_eq!(pictures.len() as u64, frames);
    assert_eq!(bytes(&pictures), stored(&harvest, "v180"));
    assert_eq!(bytes(&sound), stored(&harvest, "a96"));
    let grid = FrameGrid::new(rig::rate("30"));
    let first = grid.index_at(MediaTime::from_secs(BOUNDARY));
    for (unit, n) in pictures.iter().zip(0..) {
        assert_eq!((unit.number, unit.pts, unit.key), (n + 1, grid.time_of(first + n), n % 60 == 0));
        assert_eq!(unit.duration, grid.time_of(first + n + 1).since(unit.pts));
        assert!(unit.caps.structure(0).unwrap().get::<gst::Buffer>("codec_data").is_ok());
    }
    let starts: Vec<MediaTime> = harvest.segments("a96").iter().map(|segment| segment.1).collect();
    assert!(starts.iter().all(|start| sound.iter().any(|unit| unit.pts == *start)));
    let both = taken(&both);
    assert_eq!(both.len(), pictures.len() + sound.len());
    assert_eq!((slow.lost(), slow.level()), (frames - 5, 5));
    assert_eq!(taken(&slow)[0].number, frames - 4);
    let samples: usize = blocks.iter().map(|unit| unit.buffer.size() / 8).sum();
    assert_eq!(samples, 4 * 48_000);
    assert_eq!(blocks[0].pts, SampleGrid::new(48_000).time_of(BOUNDARY * 48_000));
    assert_eq!(video.next(Duration::from_secs(5)).unwrap_err(), NoUnit::Ended, "it ends with the encoders");
}

#[test]
fn a_receiver_may_ask_for_keyframes_and_the_segments_are_as_they_were() {
    let rig = Rig::start(&plan("30"));
    let tap = rig.encoders.tap();
    let (asked, other) = (tap.subscribe(&id("v180"), 1000), tap.subscribe(&id("v90"), 1000));
    let frames = rig.feed(0, 500);
    let mut all = frames;
    // At every picture of two seconds.
    for n in 0..60 {
        tap.ask_keyframe(&id("v180"));
        let at = |frame: u64| (frames + frame) * 1000 / 30;
        all += rig.feed(at(n), at(n + 1));
    }
    let harvest = rig.finish();
    let keys = |units: Vec<AccessUnit>| -> Vec<u64> {
        assert_eq!(units.len() as u64, all, "every picture once");
        units.iter().zip(0..).filter_map(|(unit, n)| unit.key.then_some(n)).collect()
    };
    assert_eq!(keys(taken(&other)), [0, 60]);
    let keys = keys(taken(&asked));
    assert!(keys.len() == 3 && keys[0] == 0 && keys[2] == 60, "{keys:?}");
    assert!((30..59).contains(&keys[1]), "a second behind the last one at least: {keys:?}");
    let segments: Vec<u64> = harvest.segments("v180").iter().map(|segment| segment.0).collect();
    assert_eq!(segments, harvest.segments("v90").iter().map(|segment| segment.0).collect::<Vec<_>>());
    assert_eq!(segments.len(), 2);
}

#[test]
fn an_encoder_that_is_replaced_leaves_no_gap_and_repeats_nothing() {
    let rig = Rig::start(&broken_plan(false));
    let units = rig.encoders.tap().subscribe(&id("v180"), 1000);
    paced(&rig, FRAMES);
    assert_eq!(rig.encoders.chosen()[0].element, "x264enc");
    assert!(rig.encoders.finish(Duration::from_secs(20)));
    let (units, grid) = (taken(&units), FrameGrid::new(rig::rate("30")));
    let first = grid.index_at(MediaTime::from_secs(BOUNDARY));
    let times: Vec<u64> = units.iter().map(|unit| grid.index_at(unit.pts) - first).collect();
    assert_eq!(times, (0..FRAMES).collect::<Vec<_>>());
    let keys: Vec<u64> = units.iter().zip(&times).filter(|(unit, _)| unit.key).map(|(_, n)| *n).collect();
    assert_eq!(keys.len(), 3, "two segments, and where the successor begins: {keys:?}");
}

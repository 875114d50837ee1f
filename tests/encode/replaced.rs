//! Hardware that fails on air is replaced by software: no picture is missing in the end, and nobody else notices.

use std::time::{Duration, Instant};

use gstreamer as gst;
use uplink::media::encode::{Encoders, Output, Replacement};
use uplink::model::{FrameGrid, MediaTime};
use uplink::plan::{ChannelPlan, EncoderPlan};

use crate::rig::{self, BOUNDARY, Harvest, Rig, plan};
use crate::{broken, probe};

pub const FRAMES: u64 = 120;

fn hardware(silent: bool) -> EncoderPlan {
    EncoderPlan {
        profile: "hardware".into(),
        element: broken::factory().into(),
        properties: vec![("silent".into(), silent.into())],
        hardware: true,
        ..rig::x264(300)
    }
}

pub fn broken_plan(silent: bool) -> ChannelPlan {
    let mut plan = plan("30");
    plan.audio.clear();
    plan.video[0].encoders.insert(0, hardware(silent));
    plan
}

/// Pushes pictures at the pace of the program until `enough`, at most `FRAMES`; how many.
pub fn paced(rig: &Rig, frames: u64) {
    let grid = FrameGrid::new(rig::rate("30"));
    let (first, began) = (grid.index_from(MediaTime::from_secs(BOUNDARY)), Instant::now());
    for k in 0..frames {
        let due = Duration::from_nanos(grid.time_of(k).as_nanos());
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        rig.encoders.push_picture(rig.picture(first + k, grid.time_of(first + k)));
    }
}

/// What a spool would hold of a rendition in the end: the last encoder's word for each segment.
fn kept(harvest: &Harvest, id: &str) -> (Harvest, Vec<Replacement>) {
    let (mut outputs, mut replaced) = (Vec::new(), Vec::new());
    for output in &harvest.outputs {
        match output {
            Output::Chunk(chunk) if chunk.rendition.as_str() == id => outputs.push(output.clone()),
            Output::Init(init) if init.rendition.as_str() == id => outputs.push(output.clone()),
            Output::Replaced(replacement) if replacement.choice.rendition.as_str() == id => {
                replaced.push(replacement.clone());
                let again = replacement.again.expect("the pictures are there");
                outputs.retain(|o| !matches!(o, Output::Chunk(chunk) if chunk.number >= again));
                // The file of a test has one initialisation: the segments before are checked apart.
                outputs.retain(|o| !matches!(o, Output::Init(_)));
            }
            _ => {}
        }
    }
    (Harvest { outputs }, replaced)
}

fn check(silent: bool, element: &str) {
    let rig = Rig::start(&broken_plan(silent));
    assert!(rig.encoders.chosen()[0].hardware);
    paced(&rig, FRAMES);
    let choice = rig.encoders.chosen().swap_remove(0);
    assert_eq!((choice.element.as_str(), choice.hardware), ("x264enc", false));
    assert!(choice.failed.is_some() && choice.since.is_some());
    assert!(rig.encoders.finish(Duration::from_secs(20)));
    let counters = rig.encoders.counters();
    assert!(counters.renditions.iter().all(|r| r.dropped == 0 && r.unaligned == 0), "{counters:?}");
    let harvest = rig.harvest.lock().unwrap().clone();
    let (after, replaced) = kept(&harvest, "v180");
    assert_eq!(replaced.len(), 1);
    assert_eq!(replaced[0].failure.rendition.as_ref().map(|r| r.as_str()), Some("v180"));
    assert_eq!(replaced[0].failure.element, element);
    assert_eq!(replaced[0].again, Some(BOUNDARY / 2), "within the first segment");
    for id in ["v180", "v90"] {
        let harvest = if id == "v180" { &after } else { &harvest };
        let chunks = harvest.chunks(id);
        assert_eq!(chunks.iter().map(|c| u64::from(c.samples)).sum::<u64>(), FRAMES, "{id}");
        let mut next = MediaTime::from_secs(BOUNDARY);
        for chunk in &chunks {
            assert_eq!(chunk.start, next, "{id}");
            next = chunk.start + chunk.duration;
        }
        assert_eq!(probe::decoded_frames(&harvest.file(id)) as u64, FRAMES, "{id}");
    }
}

#[test]
fn an_error_of_the_hardware_costs_no_picture() {
    check(false, "encoder-v180");
}

#[test]
fn hardware_that_stands_still_costs_no_picture() {
    check(true, "encoder-v180");
}

#[test]
fn hardware_that_fails_in_a_later_segment_begins_that_one_anew() {
    let mut plan = broken_plan(false);
    plan.segments = uplink::model::SegmentGrid::new(1000).unwrap();
    let rig = Rig::start(&plan);
    paced(&rig, FRAMES);
    assert!(rig.encoders.finish(Duration::from_secs(20)));
    let harvest = rig.harvest.lock().unwrap().clone();
    let (after, replaced) = kept(&harvest, "v180");
    assert_eq!(replaced[0].again, Some(BOUNDARY + 1), "45 pictures are a segment and a half");
    let inits = harvest.outputs.iter().filter_map(|o| match o {
        Output::Init(init) if init.rendition.as_str() == "v180" => Some(init.clone()),
        _ => None,
    });
    let inits = inits.collect::<Vec<_>>();
    assert_eq!(inits.len(), 2);
    let numbers: Vec<(u64, u32)> = after.segments("v180").iter().map(|s| (s.0 - BOUNDARY, s.3)).collect();
    assert_eq!(numbers, [(0, 30), (1, 30), (2, 30), (3, 30)]);
    // The first segment is the hardware's, the others are the software's; each plays with its initialisation.
    for (init, range) in [(&inits[0], 0..1), (&inits[1], 1..4)] {
        let chunks = after.chunks("v180").into_iter().filter(|c| range.contains(&(c.number - BOUNDARY)));
        let file: Vec<u8> = init.data.iter().copied().chain(chunks.flat_map(|c| c.data.to_vec())).collect();
        assert_eq!(probe::decoded_frames(&file), range.count() * 30);
    }
}

#[test]
fn where_memory_does_not_hold_the_pictures_it_goes_on_with_the_next_segment() {
    let mut plan = broken_plan(false);
    plan.segments = uplink::model::SegmentGrid::new(1000).unwrap();
    // x264 is the hardware's place, broken: as software, for which no pictures are kept.
    plan.video[0].encoders[0].hardware = false;
    let rig = Rig::start(&plan);
    paced(&rig, FRAMES);
    assert!(rig.encoders.finish(Duration::from_secs(20)));
    let dropped = rig.encoders.counters().renditions[0].dropped;
    let harvest = rig.harvest.lock().unwrap().clone();
    let replaced = harvest.outputs.iter().find_map(|o| match o {
        Output::Replaced(replacement) => Some(replacement.clone()),
        _ => None,
    });
    assert_eq!(replaced.unwrap().again, None);
    let numbers: Vec<u64> = harvest.segments("v180").iter().map(|s| s.0 - BOUNDARY).collect();
    assert_eq!(numbers, [0, 1, 2, 3], "the broken one is short");
    let encoded: u64 = harvest.chunks("v180").iter().map(|c| u64::from(c.samples)).sum();
    assert!(dropped > 0 && dropped + encoded >= FRAMES - 15, "{dropped} {encoded}");
    let second = harvest.chunks("v180").into_iter().find(|c| c.number == BOUNDARY + 2).unwrap();
    assert_eq!(second.start, MediaTime::from_secs(BOUNDARY + 2));
}

#[test]
fn the_last_one_that_fails_ends_the_graph() {
    let mut plan = broken_plan(false);
    plan.video[0].encoders.truncate(1);
    plan.video[0].encoders.push(EncoderPlan { element: "nosuchh264enc".into(), ..rig::x264(300) });
    let rig = Rig::start(&plan);
    paced(&rig, 60);
    let until = Instant::now() + Duration::from_secs(10);
    while rig.encoders.failure().is_none() {
        assert!(Instant::now() < until, "nobody noticed");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(rig.encoders.failure().unwrap().rendition.unwrap().as_str(), "v180");
}

#[test]
fn when_all_fail_at_once_all_are_replaced() {
    let mut plan = broken_plan(false);
    plan.video[1].encoders.insert(0, hardware(true));
    let rig = Rig::start(&plan);
    paced(&rig, FRAMES);
    assert!(rig.encoders.chosen().iter().all(|choice| choice.element == "x264enc"));
    assert!(rig.encoders.finish(Duration::from_secs(20)));
    let harvest = rig.harvest.lock().unwrap().clone();
    for id in ["v180", "v90"] {
        let (after, _) = kept(&harvest, id);
        assert_eq!(after.chunks(id).iter().map(|c| u64::from(c.samples)).sum::<u64>(), FRAMES, "{id}");
    }
}

#[test]
fn encoders_can_be_dropped_while_one_is_replaced() {
    for _ in 0..3 {
        let rig = Rig::start(&broken_plan(false));
        paced(&rig, broken::WORKS_FOR + 4);
        let Rig { encoders, .. } = rig;
        drop::<Encoders>(encoders);
    }
    assert!(gst::ElementFactory::find("x264enc").is_some());
}

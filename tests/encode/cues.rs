//! Cues while encoders run: every rendition is cut on the named frame, and nothing else changes.

use std::time::Duration;

use uplink::model::cue::{CueAsk, CuePoint};
use uplink::model::{Cued, FrameGrid, LiveTimeline, MediaTime, SampleGrid, Timeline};

use super::rig::{self, BOUNDARY, Harvest, Rig, plan};
use super::{AAC_FRAME, NUMBER, VIDEO, probe};

fn at(millis: u64) -> MediaTime {
    MediaTime::from_nanos((BOUNDARY * 1000 + millis) * 1_000_000)
}

fn out(id: &str, millis: u64, duration_ms: Option<u64>) -> CueAsk {
    let json = serde_json::json!({"type": "out", "id": id, "at": at(millis), "duration_ms": duration_ms});
    serde_json::from_value(json).unwrap()
}

/// Feeds until `to`; at each of `asks` (given with the media time at which it is asked) the timeline changes on air.
fn run(rate: &str, to: u64, asks: &[(u64, CueAsk)]) -> (Harvest, Vec<CuePoint>, Timeline) {
    let plan = plan(rate);
    let timeline = Timeline::new(plan.segments, FrameGrid::new(plan.program.frame_rate), Cued::default());
    let live = LiveTimeline::new(timeline);
    let rig = Rig::start_on(&plan, &live);
    let (mut fed, mut points) = (0, Vec::new());
    for (when, ask) in asks {
        rig.feed(fed, *when);
        fed = *when;
        let (timeline, placed) = live.get().cue(ask, at(*when)).expect("a cue that can be placed");
        live.set(timeline);
        points.extend([Some(placed.out), placed.back].into_iter().flatten());
    }
    rig.feed(fed, to);
    let timeline = (*live.get()).clone();
    (rig.finish(), points, timeline)
}

/// What holds in every rendition, whatever was cued.
fn check(harvest: &Harvest, rate: &str, to: u64, timeline: &Timeline) {
    let frames = FrameGrid::new(rig::rate(rate));
    let (first, end) = (frames.index_from(at(0)), frames.index_from(at(to)));
    let boundaries = timeline.boundaries();
    for id in VIDEO {
        let segments = harvest.segments(id);
        for (segment, number) in segments.iter().zip(NUMBER..) {
            assert_eq!(segment.0, number, "{id}: no number is skipped or split");
            let begins = frames.time_of(frames.index_from(boundaries.start_of(number)));
            assert_eq!(segment.1, begins, "{id} segment {number}");
            assert!(
                segment.2.as_millis() < 2500,
                "{id} segment {number} lasts {:?}: the target duration is 2",
                segment.2
            );
        }
        let packets = probe::packets(&harvest.file(id));
        assert_eq!(packets.len() as u64, end - first, "{id}: frames are missing");
        assert_eq!(probe::decoded_frames(&harvest.file(id)) as u64, end - first, "{id}: frames do not decode");
        for (packet, index) in packets.iter().zip(first..) {
            let begins = segments.iter().any(|segment| segment.1 == frames.time_of(index));
            assert_eq!(packet.key, begins, "{id}: frame {index} is a keyframe if and only if a segment begins with it");
        }
    }
    let samples = SampleGrid::new(48_000);
    for (segment, number) in harvest.segments("a96").iter().zip(NUMBER..).skip(1) {
        let begins = samples.index_at(boundaries.start_of(number));
        let begins = begins + u64::from(samples.time_of(begins) < boundaries.start_of(number));
        let expected = samples.time_of(begins.next_multiple_of(AAC_FRAME));
        assert_eq!((segment.0, segment.1), (number, expected), "sound: the first AAC frame from the boundary on");
        assert!(segment.2.as_millis() < 2500);
    }
    let packets = probe::packets(&harvest.file("a96"));
    for (n, packet) in packets.iter().enumerate() {
        assert_eq!(packet.pts, packets[0].pts + n as u64 * AAC_FRAME, "sound without a gap");
    }
}

#[test]
fn every_rendition_is_cut_on_the_frame_of_a_cue() {
    for (rate, cue, back) in
        [("30", 9_300, 4_000), ("25", 9_040, 5_520), ("30000/1001", 9_777, 3_210), ("50", 8_900, 6_100)]
    {
        let (harvest, points, timeline) = run(rate, 24_000, &[(3_000, out("a", cue, Some(back)))]);
        check(&harvest, rate, 24_000, &timeline);
        let frames = FrameGrid::new(rig::rate(rate));
        for (point, wanted) in points.iter().zip([cue, cue + back]) {
            assert!(
                point.at.since(at(wanted)) <= Duration::from_nanos(2 * frames.rate().frame_nanos()),
                "{rate}: {point:?}"
            );
            assert_eq!(frames.time_of(point.frame), point.at);
            for id in VIDEO {
                let segment = harvest.segments(id).into_iter().find(|segment| segment.0 == point.segment).unwrap();
                assert_eq!(segment.1, point.at, "{id} at {rate}: the segment begins with the frame");
            }
        }
    }
}

#[test]
fn a_cue_that_comes_late_cuts_as_one_that_was_known_before() {
    let asks = [out("a", 9_300, None), out("b", 15_800, None)];
    let back: CueAsk = serde_json::from_value(serde_json::json!({"type": "in", "at": at(13_100)})).unwrap();
    let early = [(0, asks[0].clone()), (0, back.clone()), (0, asks[1].clone())];
    let late = [(5_300, asks[0].clone()), (9_100, back), (11_800, asks[1].clone())];
    let ((early, ..), (late, _, timeline)) = (run("30", 22_000, &early), run("30", 22_000, &late));
    check(&late, "30", 22_000, &timeline);
    for id in ["v180", "v90", "a96"] {
        assert!(early.file(id) == late.file(id), "{id}: two boxes with the same cues make the same bytes");
    }
}

#[test]
fn what_lies_before_a_cue_does_not_know_of_it() {
    let (with, _, _) = run("30", 20_000, &[(3_000, out("a", 9_300, None))]);
    let (without, _, timeline) = run("30", 20_000, &[]);
    check(&without, "30", 20_000, &timeline);
    let first =
        |harvest: &Harvest| harvest.chunks("v180").into_iter().filter(|c| c.number < NUMBER + 3).collect::<Vec<_>>();
    assert_eq!(first(&with), first(&without));
}

#[test]
fn timed_metadata_is_in_the_media_of_its_frame() {
    let plan = plan("30");
    let timeline = Timeline::new(plan.segments, FrameGrid::new(plan.program.frame_rate), Cued::default());
    let live = LiveTimeline::new(timeline);
    let rig = Rig::start_on(&plan, &live);
    rig.feed(0, 1_000);
    let ask = serde_json::json!({"id": "goal", "at": at(3_730), "attributes": {"X-BY": "Nine"}});
    let (timeline, placed) = live.get().describe(&serde_json::from_value(ask).unwrap(), at(1_000)).unwrap();
    live.set(timeline.clone());
    rig.feed(1_000, 6_000);
    let harvest = rig.finish();
    check(&harvest, "30", 6_000, &timeline);
    for id in VIDEO {
        let chunks = harvest.chunks(id);
        let told: Vec<_> = chunks.iter().filter(|c| c.data.windows(4).any(|window| window == b"emsg")).collect();
        assert_eq!(told.len(), 1, "{id}: told once");
        assert_eq!(told[0].number, placed.segment);
        assert!(
            told[0].start <= placed.at && placed.at < told[0].start + told[0].duration,
            "{id}: in the chunk of its frame"
        );
        let data = &told[0].data;
        let begin = data.windows(4).position(|window| window == b"emsg").unwrap() + 8;
        let ticks = u64::from_be_bytes(data[begin + 4..begin + 12].try_into().unwrap());
        assert_eq!(ticks, placed.frame * 1000, "{id}: on the frame itself");
        assert!(data.windows(10).any(|window| window == b"\x03X-BY\0Nine"));
    }
    assert!(!harvest.chunks("a96").iter().any(|c| c.data.windows(4).any(|window| window == b"emsg")));
}

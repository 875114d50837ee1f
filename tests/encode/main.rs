//! Encoders and segmenter with real elements: what comes out lies on the epoch grids and is complete.

mod broken;
mod captions;
mod changed;
mod codecs;
mod cues;
mod probe;
mod replaced;
mod retuned;
mod rig;
mod shipped;
mod taps;
mod voices;

use std::time::{Duration, Instant};

use rig::{BOUNDARY, Harvest, Rig, plan};
use uplink::media::encode::{AAC_FRAME, Encoders, Output};
use uplink::model::{FrameGrid, MediaTime, SampleGrid};

const NUMBER: u64 = BOUNDARY / 2;
const VIDEO: [&str; 2] = ["v180", "v90"];

fn run(rate: &str, from_millis: u64, to_millis: u64) -> (Harvest, u64) {
    let rig = Rig::start(&plan(rate));
    let frames = rig.feed(from_millis, to_millis);
    (rig.finish(), frames)
}

fn boundary(number: u64) -> MediaTime {
    MediaTime::from_secs(number * 2)
}

/// Everything that must hold for a video rendition, checked on the chunks and, with ffprobe, on the bytes.
fn check_video(harvest: &Harvest, id: &str, rate: &str, frames: u64, segments: std::ops::Range<u64>) {
    let grid = FrameGrid::new(rig::rate(rate));
    let found = harvest.segments(id);
    let numbers: Vec<u64> = found.iter().map(|s| s.0).collect();
    assert_eq!(numbers, segments.clone().collect::<Vec<_>>(), "{id}");
    for segment in &found[1..] {
        assert_eq!(segment.1, grid.time_of(grid.index_from(boundary(segment.0))), "{id} segment {}", segment.0);
    }
    let mut next = found[0].1;
    for chunk in harvest.chunks(id) {
        assert_eq!(chunk.start, next, "{id}: chunks follow each other without a gap");
        next = chunk.start + chunk.duration;
        let first = found.iter().any(|s| s.1 == chunk.start);
        assert_eq!(chunk.independent, first, "{id}: only the first chunk of a segment begins with a keyframe");
        let ends = next >= grid.time_of(grid.index_from(boundary(chunk.number + 1)));
        assert_eq!(chunk.last, ends, "{id} at {next}");
        assert!(chunk.duration <= Duration::from_millis(540), "{id}: {:?}", chunk.duration);
    }
    assert_eq!(found.iter().map(|s| u64::from(s.3)).sum::<u64>(), frames, "{id}");

    let file = harvest.file(id);
    let packets = probe::packets(&file);
    assert_eq!(packets.len() as u64, frames);
    assert_eq!(probe::decoded_frames(&file) as u64, frames);
    let rate = grid.rate();
    let (tick, first) = if rate.den() == 1 {
        (1000, grid.index_at(found[0].1))
    } else {
        (rate.den().into(), grid.index_at(found[0].1))
    };
    for (n, packet) in packets.iter().enumerate() {
        let index = first + n as u64;
        assert_eq!((packet.pts, packet.duration), (index * tick, tick), "{id} frame {n}");
        let begins = found.iter().any(|s| s.1 == grid.time_of(index));
        assert_eq!(packet.key, begins, "{id}: frame {n} is a keyframe if and only if a segment begins with it");
    }
}

fn check_sound(harvest: &Harvest, id: &str, segments: std::ops::Range<u64>) {
    let grid = SampleGrid::new(48_000);
    let found = harvest.segments(id);
    assert_eq!(found.iter().map(|s| s.0).collect::<Vec<_>>(), segments.collect::<Vec<_>>());
    for segment in &found[1..] {
        let first = (grid.index_at(boundary(segment.0))
            + u64::from(grid.time_of(grid.index_at(boundary(segment.0))) < boundary(segment.0)))
        .next_multiple_of(AAC_FRAME);
        assert_eq!(segment.1, grid.time_of(first), "the first AAC frame at or after the boundary");
    }
    let packets = probe::packets(&harvest.file(id));
    assert_eq!(packets.len() as u64, found.iter().map(|s| u64::from(s.3)).sum::<u64>());
    for (n, packet) in packets.iter().enumerate() {
        assert_eq!(packet.pts, packets[0].pts + n as u64 * AAC_FRAME, "frame {n}");
        assert_eq!(packet.pts % AAC_FRAME, 0);
    }
    assert_eq!(packets[0].pts, grid.index_at(found[0].1));
    probe::decoded_sound(&harvest.file(id));
}

#[test]
fn a_minute_at_30_lies_on_the_grid_with_aligned_keyframes() {
    let (harvest, frames) = run("30", 0, 60_000);
    assert_eq!(frames, 1800);
    for id in VIDEO {
        check_video(&harvest, id, "30", frames, NUMBER..NUMBER + 30);
        assert!(harvest.init(id).codec.starts_with("avc1.42c0"), "{}", harvest.init(id).codec);
        assert!(harvest.ended(id));
    }
    check_sound(&harvest, "a96", NUMBER..NUMBER + 30);
    assert_eq!(harvest.init("a96").codec, "mp4a.40.2");
    // 60 s are 2812.5 AAC frames.
    assert_eq!(harvest.segments("a96").iter().map(|s| s.3).sum::<u32>(), 2812);
}

#[test]
fn fifty_frames_and_fractional_rates_lie_on_the_grid_too() {
    for rate in ["50", "25", "30000/1001", "60000/1001", "24000/1001"] {
        let (harvest, frames) = run(rate, 0, 10_500);
        for id in VIDEO {
            check_video(&harvest, id, rate, frames, NUMBER..NUMBER + 6);
        }
        check_sound(&harvest, "a96", NUMBER..NUMBER + 6);
    }
}

#[test]
fn a_start_in_mid_segment_gives_a_short_first_segment() {
    let (harvest, frames) = run("30", 1300, 6000);
    for id in VIDEO {
        check_video(&harvest, id, "30", frames, NUMBER..NUMBER + 3);
        let first = harvest.segments(id)[0];
        assert_eq!(
            (first.1, first.2, first.3),
            (boundary(NUMBER) + Duration::from_millis(1300), Duration::from_millis(700), 21)
        );
    }
    check_sound(&harvest, "a96", NUMBER..NUMBER + 3);
}

#[test]
fn a_restart_continues_the_grid_and_the_same_input_gives_the_same_segments() {
    let (whole, _) = run("30", 0, 12_000);
    let (before, _) = run("30", 0, 5_000);
    let (after, _) = run("30", 5_000, 12_000);
    for id in ["v180", "v90", "a96"] {
        let (whole, mut before, mut rest) = (whole.segments(id), before.segments(id), after.segments(id));
        let (tail, head) = (before.pop().unwrap(), rest.remove(0));
        assert_eq!((tail.0, head.0), (NUMBER + 2, NUMBER + 2), "both write the segment they share");
        assert_eq!([before.as_slice(), &rest].concat(), [&whole[..2], &whole[3..]].concat(), "{id}");
    }
    let (again, _) = run("30", 0, 12_000);
    for id in ["v180", "v90", "a96"] {
        assert!(again.file(id) == whole.file(id), "{id}: two boxes with the same input make the same bytes");
        assert!(after.init(id) == whole.init(id), "{id}: a restart changes nothing in the initialisation");
    }
}

#[test]
fn decoded_sound_is_where_the_picture_is() {
    let rig = Rig::start(&plan("30"));
    rig.feed_sound(700, 6_000, |sample| if sample % 48_000 < 48 { 0.9 } else { 0.0 });
    let harvest = rig.finish();
    let start = SampleGrid::new(48_000).index_at(harvest.chunks("a96")[0].start);
    let sound = probe::decoded_sound(&harvest.file("a96"));
    let second = |n: u64| ((BOUNDARY + n) * 48_000 - start) as usize;
    for n in 1..=5 {
        let window = &sound[second(n) - 4800..second(n) + 4800];
        let click = window.iter().position(|s| s.abs() > 0.3).expect("a click each second") as i64 - 4800;
        assert!(click.abs() <= 48, "the click of second {n} is {click} samples off");
    }
}

#[test]
fn what_is_missing_is_silence_or_a_longer_picture_and_the_grid_holds() {
    let rig = Rig::start(&plan("30"));
    rig.feed(0, 1_900);
    rig.feed(2_300, 5_000);
    let counters = rig.encoders.counters();
    assert_eq!(counters.sound_filled, 19_200);
    let harvest = rig.finish();
    for id in VIDEO {
        let starts: Vec<MediaTime> = harvest.segments(id).iter().map(|s| s.1).collect();
        assert_eq!(starts, [boundary(NUMBER), boundary(NUMBER + 1) + Duration::from_millis(300), boundary(NUMBER + 2)]);
        let durations: Duration = harvest.segments(id).iter().map(|s| s.2).sum();
        assert_eq!(durations, Duration::from_secs(5), "{id}");
    }
    check_sound(&harvest, "a96", NUMBER..NUMBER + 3);
}

#[test]
fn a_better_encoder_that_does_not_work_is_passed_over_with_its_reason() {
    let mut plan = plan("30");
    let mut absent = rig::x264(300);
    absent.element = "nosuchh264enc".into();
    let mut wrong = rig::x264(300);
    wrong.properties.push(("speed-preset".into(), "warp".into()));
    for rendition in &mut plan.video {
        rendition.encoders.splice(0..0, [absent.clone(), wrong.clone(), rig::x264_that_fails_to_open()]);
    }
    let rig = Rig::start(&plan);
    let chosen = rig.encoders.chosen();
    assert_eq!(chosen.iter().map(|c| (c.element.as_str(), c.skipped.len())).collect::<Vec<_>>(), [("x264enc", 3); 2]);
    let reasons: Vec<&str> = chosen[0].skipped.iter().map(|s| s.reason.as_str()).collect();
    assert!(reasons[0].starts_with("not on this box") && reasons[1].contains("`speed-preset` does not take `warp`"));
    assert_eq!(reasons[2], "does not encode: Can not initialize x264 encoder.");
    let frames = rig.feed(0, 1_000);
    check_video(&rig.finish(), "v180", "30", frames, NUMBER..NUMBER + 1);
}

#[test]
fn picture_only_and_sound_only_channels_work() {
    let mut silent = plan("30");
    silent.audio.clear();
    let rig = Rig::start(&silent);
    let frames = rig.feed(0, 2_500);
    check_video(&rig.finish(), "v90", "30", frames, NUMBER..NUMBER + 2);
    let mut radio = plan("30");
    radio.video.clear();
    let rig = Rig::start(&radio);
    rig.feed(0, 2_500);
    check_sound(&rig.finish(), "a96", NUMBER..NUMBER + 2);
}

#[test]
fn b_frames_give_whole_segments_in_one_chunk() {
    let mut plan = plan("30");
    for rendition in &mut plan.video {
        let encoder = &mut rendition.encoders[0];
        encoder.h264_profile = "main".into();
        encoder.properties.retain(|(name, _)| name != "tune" && name != "bframes");
        encoder.properties.extend([
            ("bframes".into(), 2.into()),
            ("b-adapt".into(), false.into()),
            ("rc-lookahead".into(), 5.into()),
        ]);
    }
    let rig = Rig::start(&plan);
    let frames = rig.feed(0, 6_000);
    let harvest = rig.finish();
    for id in VIDEO {
        let segments = harvest.segments(id);
        assert_eq!(
            segments.iter().map(|s| (s.0, s.3)).collect::<Vec<_>>(),
            [(NUMBER, 60), (NUMBER + 1, 60), (NUMBER + 2, 60)]
        );
        for segment in &segments {
            assert_eq!(segment.1, boundary(segment.0), "{id}");
        }
        assert_eq!(harvest.chunks(id).len(), 3);
        let mut times: Vec<u64> = probe::packets(&harvest.file(id)).iter().map(|p| p.pts).collect();
        times.sort_unstable();
        let first = BOUNDARY * 30_000;
        assert!(times.into_iter().eq((0..frames).map(|n| first + n * 1000)), "{id}");
        assert_eq!(probe::decoded_frames(&harvest.file(id)) as u64, frames);
    }
}

#[test]
fn pushing_never_blocks_and_what_does_not_fit_is_counted() {
    let mut plan = plan("30");
    plan.video[0].encoders[0].properties.retain(|(name, _)| name != "speed-preset");
    plan.video[0].encoders[0].properties.push(("speed-preset".into(), "placebo".into()));
    let rig = Rig::start(&plan);
    let grid = FrameGrid::new(rig::rate("30"));
    let first = grid.index_from(boundary(NUMBER));
    let until = Instant::now() + Duration::from_secs(60);
    for k in 0..600 {
        // As fast as the quick sibling goes: the slow one must not hold it up.
        while rig.encoders.counters().renditions[1].encoded + 10 < k {
            assert!(Instant::now() < until, "the sibling is held up");
            std::thread::sleep(Duration::from_millis(1));
        }
        rig.encoders.push_picture(rig.picture(first + k, grid.time_of(first + k)));
    }
    assert!(rig.encoders.finish(Duration::from_secs(60)));
    rig.encoders.push_picture(rig.picture(first + 600, grid.time_of(first + 600)));
    let counters = rig.encoders.counters();
    assert_eq!((counters.pictures, counters.pictures_dropped), (600, 1), "what comes after the end is counted");
    let harvest = rig.harvest.lock().unwrap();
    for (rendition, id) in counters.renditions.iter().zip(VIDEO) {
        let delivered = harvest.chunks(id).iter().map(|c| u64::from(c.samples)).sum::<u64>();
        assert_eq!((rendition.encoded, rendition.encoded + rendition.dropped), (delivered, 600), "{id}");
        // Dropped pictures make their predecessors longer, or leave a seam where more than the rest of a segment is
        // missing; the grid holds and each segment begins with a keyframe.
        let mut next = boundary(NUMBER);
        for chunk in harvest.chunks(id) {
            assert!(
                chunk.start == next || (rendition.dropped > 0 && chunk.start > next),
                "{id}: {chunk:?} after {next}"
            );
            next = chunk.start + chunk.duration;
        }
        assert_eq!(rendition.unaligned, 0, "{id}");
    }
    assert!(counters.renditions[0].dropped > 0 && counters.renditions[1].dropped == 0, "{counters:?}");
}

#[test]
fn a_graph_that_cannot_go_on_says_which_rendition_failed() {
    let mut plan = plan("30");
    plan.video[1].encoders[0] = rig::x264_that_fails_to_open();
    let rig = Rig::start(&plan);
    let grid = FrameGrid::new(rig::rate("30"));
    let first = grid.index_from(boundary(NUMBER));
    let until = Instant::now() + Duration::from_secs(20);
    for k in 0.. {
        rig.encoders.push_picture(rig.picture(first + k, grid.time_of(first + k)));
        if rig.encoders.failure().is_some() {
            break;
        }
        assert!(Instant::now() < until, "nobody noticed");
        std::thread::sleep(Duration::from_millis(5));
    }
    let failure = rig.encoders.failure().unwrap();
    assert_eq!(failure.rendition.as_ref().map(|r| r.as_str()), Some("v90"), "{failure}");
    assert!(rig.harvest.lock().unwrap().outputs.iter().any(|o| matches!(o, Output::Failed(f) if *f == failure)));
    assert!(!rig.encoders.finish(Duration::from_secs(20)), "what failed does not end in order");
}

#[test]
fn encoders_are_shared_between_the_program_and_its_owner() {
    fn shared<T: Send + Sync>() {}
    shared::<Encoders>();
}

#[test]
fn after_a_long_absence_of_the_program_everything_is_in_place_again() {
    let click = |sample: u64| if sample % 48_000 < 48 { 0.9 } else { 0.0 };
    let rig = Rig::start(&plan("30"));
    rig.feed_sound(0, 2_000, click);
    rig.feed_sound(6_500, 10_500, click);
    let harvest = rig.finish();
    for id in VIDEO {
        let starts: Vec<MediaTime> = harvest.segments(id).iter().map(|s| s.1).collect();
        let back = boundary(NUMBER) + Duration::from_millis(6_500);
        assert_eq!(starts, [boundary(NUMBER), back, boundary(NUMBER + 4), boundary(NUMBER + 5)], "{id}");
    }
    for id in ["v180", "v90", "a96"] {
        let before = harvest.segments(id)[0];
        assert!(before.1 + before.2 < boundary(NUMBER + 1) + Duration::from_millis(22), "{id}: {:?}", before.2);
        assert!(harvest.chunks(id).iter().rfind(|c| c.number == NUMBER).unwrap().last);
        let held = probe::packets(&harvest.file(id)).iter().map(|p| p.duration).max().unwrap();
        assert!(held <= 1024, "{id}: {held}");
    }
    let packets = probe::packets(&harvest.file("a96"));
    let numbers: Vec<u64> = harvest.segments("a96").iter().map(|s| s.0 - NUMBER).collect();
    assert_eq!(numbers, [0, 3, 4, 5]);
    let sound = probe::decoded_sound(&harvest.file("a96"));
    let clicks: Vec<u64> = sound
        .chunks(1024)
        .zip(&packets)
        .filter_map(|(frame, packet)| {
            let at = frame.iter().position(|s| s.abs() > 0.3)?;
            Some(packet.pts - BOUNDARY * 48_000 + at as u64)
        })
        .collect();
    assert_eq!(clicks.len(), 5, "{clicks:?}");
    for (click, second) in clicks.iter().zip([1u64, 7, 8, 9, 10]) {
        assert!(click.abs_diff(second * 48_000) <= 48, "{clicks:?}");
    }
}

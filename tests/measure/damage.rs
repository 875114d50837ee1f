//! One kind of damage per test.

use uplink::measure::FaultCode::*;
use uplink::measure::{CounterReport, Report};
use uplink::media::decode::fmp4;

use crate::clip::{Clip, EPOCH, FRAMES, Picture, pictures, sound};
use crate::origin::Stage;
use crate::{LARGE, SMALL, SOUND, assert_faults, measure, steady};

async fn shown(frames: Vec<u64>) -> (Report, CounterReport) {
    let clip = pictures(&frames, &Picture::default());
    let report = measure(Stage::of(&[("small", &clip)])).await;
    let counter = report.streams[0].counter.unwrap();
    (report, counter)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_frame_dropped_before_the_encoder() {
    let mut frames = steady();
    frames.remove(45);
    let (report, counter) = shown(frames).await;
    // One frame less: the last segment is a frame short, which is no fault of its timestamps.
    assert_faults(&report, &[SourceFramesMissing]);
    assert_eq!((counter.missing, counter.repeated, counter.out_of_order), (1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_frame_repeated() {
    let mut frames = steady();
    frames[45] = frames[44];
    let (report, counter) = shown(frames).await;
    assert_faults(&report, &[SourceFramesMissing, SourceFramesRepeated]);
    assert_eq!((counter.missing, counter.repeated), (1, 1));
    assert!((counter.longest_freeze_ms - 33.3).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_source_frames_swapped() {
    let mut frames = steady();
    frames.swap(45, 46);
    let (report, counter) = shown(frames).await;
    assert_faults(&report, &[SourceFramesOutOfOrder]);
    assert_eq!((counter.missing, counter.repeated, counter.out_of_order), (0, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_of_a_second() {
    let mut frames = steady();
    frames[60..90].fill(59);
    let (report, counter) = shown(frames).await;
    assert_faults(&report, &[SourceFramesMissing, SourceFramesRepeated]);
    assert_eq!((counter.missing, counter.repeated), (30, 30));
    assert!((counter.longest_freeze_ms - 1000.0).abs() < 0.1);
    let place = report.streams[0].occurrences[0];
    assert_eq!((place.code, place.count), (SourceFramesRepeated, 30));
    assert!(place.pts.abs_diff(EPOCH * 1_000_000_000 + 59 * 1_000_000_000 / 30) <= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn timestamps_left_out() {
    let clip = pictures(&steady(), &Picture { without: &[45, 100], ..Default::default() });
    let report = measure(Stage::of(&[("small", &clip)])).await;
    assert_faults(&report, &[FramesMissing, SourceFramesMissing]);
    let video = report.streams[0].video.unwrap();
    assert_eq!((video.missing, video.frames), (2, FRAMES - 2));
    assert!((video.largest_step_ms - 66.7).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_is_not_there() {
    let mut stage = Stage::of(&[("small", &SMALL), ("sound", &SOUND)]);
    stage.files.remove("small/2.m4s");
    let report = measure(stage).await;
    assert_faults(&report, &[SegmentMissing, FramesMissing, SourceFramesMissing]);
    let stream = &report.streams[0];
    assert_eq!(stream.playlist.unwrap().missing_segments, 1);
    assert_eq!((stream.video.unwrap().missing, stream.counter.unwrap().missing), (30, 30));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_of_sound_that_is_not_there() {
    let mut stage = Stage::of(&[("sound", &SOUND)]);
    stage.files.remove("sound/2.m4s");
    let report = measure(stage).await;
    assert_faults(&report, &[SegmentMissing, SoundGap]);
    let audio = report.streams[0].audio.unwrap();
    assert_eq!(audio.gaps, 1);
    assert_eq!(audio.samples + audio.gap_samples, audio.expected_samples);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_left_out_of_the_playlist() {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    stage.first().entries.remove(2);
    let report = measure(stage).await;
    // The numbers behind it are one too low, and dates do not continue.
    assert_faults(&report, &[FramesMissing, SourceFramesMissing, ProgramDateTimeGap, OffEpoch]);
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_in_the_wrong_order() {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    stage.first().entries.swap(2, 3);
    let report = measure(stage).await;
    let video = report.streams[0].video.unwrap();
    assert_eq!((video.missing, video.out_of_order), (30, 30));
    assert!(report.faults.iter().any(|fault| fault.code == FramesOutOfOrder));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_played_twice() {
    let mut stage = Stage::of(&[("sound", &SOUND)]);
    let twice = stage.entry(2).clone();
    stage.first().entries.insert(3, twice);
    let report = measure(stage).await;
    let audio = report.streams[0].audio.unwrap();
    assert_eq!(audio.overlaps, 1, "{}", uplink::measure::text(&report));
    assert!(audio.overlap_samples.abs_diff(48_000) < 1024, "{}", audio.overlap_samples);
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_that_is_late_or_early() {
    for (late, faults) in [(80, &[AvOffset][..]), (-80, &[AvOffset]), (30, &[])] {
        let clip = sound(late, EPOCH);
        let report = measure(Stage::of(&[("small", &SMALL), ("sound", &clip)])).await;
        assert_faults(&report, faults);
        let offset = report.av_offset.unwrap();
        assert!((offset.median_ms - late as f64).abs() <= 2.0, "{offset:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_is_off_by_half_a_second() {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    stage.entry(3).date += 500_000_000;
    let report = measure(stage).await;
    assert_faults(&report, &[ProgramDateTimeGap, ProgramDateTimeJump]);
    let playlist = report.streams[0].playlist.unwrap();
    assert_eq!((playlist.program_date_time_gaps, playlist.program_date_time_jumps), (2, 2));
    assert!((playlist.largest_program_date_time_jump_ms - 500.0).abs() < 0.1);
    assert!((playlist.program_date_time_error_ms.unwrap() - 500.0).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn keyframes_that_do_not_agree() {
    let other = pictures(&steady(), &Picture { extra_key: Some(75), ..Default::default() });
    let report = measure(Stage::of(&[("large", &LARGE), ("small", &other)])).await;
    assert_faults(&report, &[KeyframesDiffer]);
    let keyframes = report.keyframes.unwrap();
    assert_eq!((keyframes.keyframes, keyframes.differing, keyframes.differing_segment_starts), (7, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_segment() {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    let segment = stage.segment("small/2.m4s");
    segment.truncate(segment.len() * 2 / 3);
    let report = measure(stage).await;
    let playlist = report.streams[0].playlist.unwrap();
    assert_eq!((playlist.truncated_segments, playlist.extinf_faults), (1, 1));
    assert!(report.streams[0].video.unwrap().missing > 0);
    assert!(report.streams[0].counter.unwrap().missing > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_of_garbage() {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    *stage.segment("small/2.m4s") = b"<html>502 Bad Gateway</html>".to_vec();
    let report = measure(stage).await;
    assert_faults(&report, &[SegmentUnreadable, FramesMissing, SourceFramesMissing]);
    assert_eq!(report.streams[0].playlist.unwrap().unreadable_segments, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_of_garbage_in_sound_boxes() {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    let segment = stage.segment("small/2.m4s");
    let mdat = segment.windows(4).position(|four| four == b"mdat").unwrap() + 4;
    segment[mdat..].fill(0x55);
    let report = measure(stage).await;
    let (video, counter) = (report.streams[0].video.unwrap(), report.streams[0].counter.unwrap());
    assert_eq!((video.frames, video.missing), (FRAMES, 0), "the boxes are whole");
    assert!(video.undecodable > 0, "{}", uplink::measure::text(&report));
    assert_eq!(counter.missing + counter.unreadable, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_marked_as_a_gap() {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    stage.entry(2).gap = true;
    stage.files.remove("small/2.m4s");
    let report = measure(stage).await;
    assert_faults(&report, &[GapEntry, FramesMissing, SourceFramesMissing]);
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_longer_than_promised() {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    stage.entry(2).seconds = 1.6;
    let report = measure(stage).await;
    assert_faults(&report, &[TargetDuration, Extinf, ProgramDateTimeGap]);
}

/// Not damage, but a restarted encoder: another initialisation segment, the same time.
#[tokio::test(flavor = "multi_thread")]
async fn a_discontinuity_with_other_parameters_is_no_fault() {
    let mut stage = Stage::of(&[("small", &SMALL)]);
    stage.files.insert("small/other.mp4".to_owned(), LARGE.init.clone());
    for n in 3..6 {
        *stage.segment(&format!("small/{n}.m4s")) = LARGE.segments[n].clone();
    }
    stage.entry(3).discontinuity = true;
    stage.entry(3).map = Some("other.mp4".to_owned());
    let report = measure(stage).await;
    assert_faults(&report, &[]);
    let stream = &report.streams[0];
    assert_eq!((stream.video.unwrap().decoded, stream.video.unwrap().height), (FRAMES, 240));
    assert_eq!((stream.counter.unwrap().marks, stream.playlist.unwrap().discontinuities), (FRAMES, 1));
}

#[test]
fn flipped_bytes_never_panic() {
    let clips: [&Clip; 2] = [&SMALL, &SOUND];
    let mut random = fastrand::Rng::with_seed(2);
    for round in 0..3000 {
        let clip = clips[round % 2];
        let (mut init, mut segment) = (clip.init.clone(), clip.segments[0].clone());
        for _ in 0..random.usize(1..6) {
            let at = random.usize(..init.len());
            init[at] = random.u8(..);
            // The boxes with numbers in them are in front.
            let at = random.usize(..400);
            segment[at] = random.u8(..);
        }
        segment.truncate(random.usize(300..segment.len()));
        if let Ok(init) = fmp4::read_init(&init) {
            let _ = fmp4::read_segment(&init, &segment);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rendition_that_is_not_there() {
    let mut stage = Stage::of(&[("small", &SMALL), ("large", &LARGE)]);
    stage.files.clear();
    let clip: &Clip = &SMALL;
    stage.files = Stage::of(&[("small", clip)]).files;
    let report = measure(stage).await;
    assert!(report.faults.iter().any(|f| f.code == Unmeasured && f.stream.as_deref() == Some("large/media.m3u8")));
}

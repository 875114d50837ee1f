//! Timestamps of one track: what is missing, repeated, out of order. Pure.

use super::recording::{Frame, Occurrences, Packet, Pictures, Recording, SoundTrack};
use super::report::{AudioReport, FaultCode, VideoReport};

const MILLI: f64 = 1e6;

/// Judges the timestamps of the picture track; None if there is no frame.
pub(crate) fn video(recording: &Recording, pictures: &Pictures, places: &mut Occurrences) -> Option<VideoReport> {
    let runs = presentation_order(recording, &pictures.frames);
    let frame = frame_nanos(&runs)?;
    let times = pictures.frames.iter().map(|frame| frame.pts);
    let frames = pictures.frames.len() as u64;
    let decoded = pictures.seen.len() as u64;
    let mut report = VideoReport {
        width: pictures.width,
        height: pictures.height,
        frame_rate: (1e12 / frame as f64).round() / 1e3,
        frames,
        decoded,
        undecodable: frames.saturating_sub(decoded),
        missing: 0,
        repeated: 0,
        out_of_order: 0,
        largest_step_ms: 0.0,
        keyframes: recording.playlist.map(|_| pictures.frames.iter().filter(|frame| frame.key).count() as u64),
        segments_without_keyframe: segments_without_keyframe(&pictures.frames),
        first_pts: times.clone().min()?,
        last_pts: times.max()?,
    };
    for run in &runs {
        count_steps(run, frame, &mut report, places);
    }
    Some(report)
}

/// Timestamps in the order of presentation: sorted within a segment, never across. One run per timeline.
fn presentation_order(recording: &Recording, frames: &[Frame]) -> Vec<Vec<u64>> {
    let mut runs: Vec<Vec<u64>> = vec![Vec::new()];
    for segment in frames.chunk_by(|a, b| a.segment == b.segment) {
        if recording.restarts_at(segment[0].segment) {
            runs.push(Vec::new());
        }
        let mut times: Vec<u64> = segment.iter().map(|frame| frame.pts).collect();
        times.sort_unstable();
        if let Some(run) = runs.last_mut() {
            run.append(&mut times);
        }
    }
    runs
}

/// The median step forward.
fn frame_nanos(runs: &[Vec<u64>]) -> Option<u64> {
    let steps = runs.iter().flat_map(|run| run.windows(2)).filter_map(|pair| pair[1].checked_sub(pair[0]));
    let mut steps: Vec<u64> = steps.filter(|&step| step > 0).collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).copied()
}

fn count_steps(run: &[u64], frame: u64, report: &mut VideoReport, places: &mut Occurrences) {
    let Some((&first, rest)) = run.split_first() else { return };
    let frame = frame as f64;
    let mut latest = first;
    for &pts in rest {
        let step = pts as i128 - i128::from(latest);
        let frames = step as f64 / frame;
        if frames <= -0.5 {
            report.out_of_order += 1;
            places.add(FaultCode::FramesOutOfOrder, pts, 1);
            continue;
        }
        if frames < 0.5 {
            report.repeated += 1;
            places.add(FaultCode::FramesRepeated, pts, 1);
        } else if frames >= 1.5 {
            let missing = frames.round() as u64 - 1;
            report.missing += missing;
            places.add(FaultCode::FramesMissing, pts, missing);
        }
        report.largest_step_ms = report.largest_step_ms.max(step as f64 / MILLI);
        latest = latest.max(pts);
    }
}

fn segments_without_keyframe(frames: &[Frame]) -> u64 {
    frames.chunk_by(|a, b| a.segment == b.segment).filter(|segment| !segment[0].key).count() as u64
}

/// Judges the timestamps of the sound track; None if there is no packet.
pub(crate) fn audio(recording: &Recording, sound: &SoundTrack, places: &mut Occurrences) -> Option<AudioReport> {
    let rate = f64::from(sound.rate);
    let samples = |nanos: f64| nanos * rate / 1e9;
    let mut report = AudioReport {
        rate: sound.rate,
        samples: 0,
        expected_samples: 0,
        decoded_samples: sound.decoded_samples,
        gaps: 0,
        gap_samples: 0,
        overlaps: 0,
        overlap_samples: 0,
        largest_gap_ms: 0.0,
        ticks: sound.ticks.len() as u64,
    };
    let ends = |packet: &Packet| packet.pts + packet.duration;
    let mut previous: Option<(Packet, u64)> = None;
    for &packet in &sound.packets {
        report.samples += samples(packet.duration as f64).round() as u64;
        let restart =
            previous.is_none_or(|(last, _)| last.segment != packet.segment && recording.restarts_at(packet.segment));
        let begin = match previous {
            Some((last, begin)) if !restart => {
                let hole = i128::from(packet.pts) - i128::from(ends(&last));
                let (gaps, overlaps) = (report.gap_samples, report.overlap_samples);
                count_joint(samples(hole as f64), rate, &mut report);
                places.add(FaultCode::SoundGap, packet.pts, report.gap_samples - gaps);
                places.add(FaultCode::SoundOverlap, packet.pts, report.overlap_samples - overlaps);
                begin
            }
            Some((last, begin)) => {
                report.expected_samples += samples(ends(&last).saturating_sub(begin) as f64).round() as u64;
                packet.pts
            }
            None => packet.pts,
        };
        previous = Some((packet, begin));
    }
    let (last, begin) = previous?;
    report.expected_samples += samples(ends(&last).saturating_sub(begin) as f64).round() as u64;
    Some(report)
}

/// `samples` between the end of one packet and the start of the next. Up to one sample is rounding: a
/// 90 kHz timescale is exact to 11 µs.
fn count_joint(samples: f64, rate: f64, report: &mut AudioReport) {
    let count = samples.abs().round() as u64;
    if samples > 1.0 {
        report.gaps += 1;
        report.gap_samples += count;
        report.largest_gap_ms = report.largest_gap_ms.max(samples * 1000.0 / rate);
    } else if samples < -1.0 {
        report.overlaps += 1;
        report.overlap_samples += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::recording::PlayedSegment;

    const EPOCH: u64 = 1_763_683_200_000_000_000;

    fn judged(indices: &[i64]) -> VideoReport {
        let frames: Vec<Frame> = indices
            .iter()
            .enumerate()
            .map(|(i, &n)| Frame {
                // Every frame in a segment of its own: nothing is sorted away.
                segment: i,
                pts: EPOCH.checked_add_signed((n * 1_000_000_000).div_euclid(30)).unwrap(),
                key: true,
            })
            .collect();
        let recording = Recording::default();
        video(&recording, &Pictures { frames, ..Default::default() }, &mut Occurrences::default()).unwrap()
    }

    #[test]
    fn a_steady_grid_has_no_fault() {
        let report = judged(&(0..90).collect::<Vec<_>>());
        assert_eq!((report.missing, report.repeated, report.out_of_order), (0, 0, 0));
        assert_eq!(report.frame_rate, 30.0);
    }

    #[test]
    fn holes_doubles_and_backward_steps_are_told_apart() {
        let report = judged(&[0, 1, 2, 5, 6, 6, 7, 8, 4, 9, 10]);
        assert_eq!((report.missing, report.repeated, report.out_of_order), (2, 1, 1));
        assert!((report.largest_step_ms - 100.0).abs() < 0.01);
    }

    #[test]
    fn a_discontinuity_may_restart_a_timeline_that_does_not_count_from_the_epoch() {
        let judged = |discontinuity: bool, base: u64| {
            let segment =
                |discontinuity, media| PlayedSegment { discontinuity, media: Some(media), ..Default::default() };
            let segments = vec![segment(false, (base, base + 1)), segment(discontinuity, (base, base + 1))];
            let frames =
                (0..60).map(|i| Frame { pts: base + i % 30 * 33_333_333, key: true, segment: i as usize / 30 });
            let pictures = Pictures { frames: frames.collect(), ..Default::default() };
            let recording = Recording { segments, ..Default::default() };
            video(&recording, &pictures, &mut Occurrences::default()).unwrap().out_of_order
        };
        assert_eq!((judged(true, 0), judged(false, 0)), (0, 29));
        assert_eq!(judged(true, EPOCH), 29, "time since the epoch never goes back");
    }

    #[test]
    fn sound_gaps_and_overlaps_are_counted_in_samples() {
        let packet = |n: u64, shift: i64| Packet {
            pts: (EPOCH + (n * 1024 * 1_000_000_000).div_ceil(48_000)).checked_add_signed(shift * 20_833).unwrap(),
            duration: 21_333_333,
            segment: 0,
        };
        let track = |packets| SoundTrack { rate: 48_000, packets, ..Default::default() };
        let judged = |packets| audio(&Recording::default(), &track(packets), &mut Occurrences::default()).unwrap();
        let good = judged((0..50).map(|n| packet(n, 0)).collect());
        assert_eq!((good.gaps, good.overlaps, good.samples, good.expected_samples), (0, 0, 51_200, 51_200));
        let hole = judged(vec![packet(0, 0), packet(1, 0), packet(3, 0)]);
        assert_eq!((hole.gaps, hole.gap_samples, hole.samples, hole.expected_samples), (1, 1024, 3072, 4096));
        let overlap = judged(vec![packet(0, 0), packet(1, -100)]);
        assert_eq!((overlap.overlaps, overlap.overlap_samples), (1, 100));
    }
}

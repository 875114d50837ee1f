//! From recordings to the report. Pure.

use super::recording::{Occurrences, PlayedSegment, Recording};
use super::report::{EdgeReport, LatencyReport, PlaylistReport, SegmentReport, StreamReport};
use super::{counter, timeline};
use crate::model::MediaTime;

/// The report on one stream; `now_ms` is any time within 17 years of its marks.
pub(crate) fn stream(recording: &Recording, now_ms: u64) -> StreamReport {
    let mut places = Occurrences::default();
    let video = recording.pictures.as_ref().and_then(|pictures| timeline::video(recording, pictures, &mut places));
    let audio = recording.sound.as_ref().and_then(|sound| timeline::audio(recording, sound, &mut places));
    let frame_nanos = video.map_or(40_000_000, |video| (1e9 / video.frame_rate) as u64);
    let seen = recording.pictures.as_ref().map(|pictures| pictures.seen.as_slice()).unwrap_or_default();
    let mut counter = counter::counter(seen, frame_nanos, &mut places);
    if let Some(counter) = counter.as_mut().filter(|_| recording.counts_from_epoch()) {
        let delays =
            seen.iter().filter_map(|seen| Some(millis_between(seen.pts, seen.mark?.utc_ms_near(now_ms) * 1_000_000)));
        counter.delay_ms = percentiles(delays.collect()).map(|(_, median, ..)| median);
    }
    let has_video = video.is_some();
    StreamReport {
        name: recording.name.clone(),
        video,
        audio,
        counter,
        latency: latency(recording, now_ms),
        edge: edge(recording),
        playlist: recording.playlist.map(|report| segments(recording, report, has_video, frame_nanos)),
        occurrences: places.0,
        jumps: recording.jumps.clone(),
        segments: recording.segments.iter().map(segment).collect(),
    }
}

fn segment(played: &PlayedSegment) -> SegmentReport {
    SegmentReport {
        number: played.number,
        seen: MediaTime::from_nanos(played.seen),
        fetched: (played.fetched > 0).then(|| MediaTime::from_nanos(played.fetched)),
        live: played.live,
        discontinuity: played.discontinuity,
        first_pts: played.media.map(|(first, _)| first),
        end_pts: played.media.map(|(_, end)| end),
    }
}

/// Nearest-rank percentiles (50th, 95th, largest).
fn percentiles(mut values: Vec<f64>) -> Option<(u64, f64, f64, f64)> {
    values.sort_unstable_by(f64::total_cmp);
    let rank = |percent: usize| values.get((values.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    Some((values.len() as u64, rank(50)?, rank(95)?, rank(100)?))
}

fn latency(recording: &Recording, now_ms: u64) -> Option<LatencyReport> {
    let mut live: Vec<(u64, u64, u64)> = recording
        .segments
        .iter()
        .filter(|segment| segment.live)
        .filter_map(|segment| Some((segment.media?.0, segment.media?.1, segment.fetched)))
        .collect();
    live.sort_unstable();
    let seen = recording.pictures.iter().flat_map(|pictures| &pictures.seen);
    let values = seen.filter_map(|seen| {
        let utc_ms = seen.mark?.utc_ms_near(now_ms);
        let index = live.partition_point(|&(start, ..)| start <= seen.pts).checked_sub(1)?;
        let (_, end, fetched) = live[index];
        (seen.pts < end).then_some(fetched as f64 / 1e6 - utc_ms as f64)
    });
    let (frames, p50_ms, p95_ms, max_ms) = percentiles(values.collect())?;
    Some(LatencyReport { frames, p50_ms, p95_ms, max_ms })
}

fn edge(recording: &Recording) -> Option<EdgeReport> {
    let values = recording.segments.iter().filter(|segment| segment.live).filter_map(|segment| {
        let end = segment.date_time? as f64 / 1e6 + segment.seconds * 1e3;
        Some(segment.seen as f64 / 1e6 - end)
    });
    let (segments, p50_ms, p95_ms, max_ms) = percentiles(values.collect())?;
    Some(EdgeReport { segments, p50_ms, p95_ms, max_ms })
}

/// Adds to what the playlist showed over time what its segments show.
fn segments(recording: &Recording, mut report: PlaylistReport, has_video: bool, frame_nanos: u64) -> PlaylistReport {
    let played = &recording.segments;
    report.segments = played.len() as u64;
    report.first_sequence = played.first().map(|segment| segment.number);
    report.last_sequence = played.last().map(|segment| segment.number);
    report.discontinuities = played.iter().filter(|segment| segment.discontinuity).count() as u64;
    report.without_program_date_time = played.iter().filter(|segment| segment.date_time.is_none()).count() as u64;
    let tolerance = frame_nanos as f64 / 1e9 + 0.002;
    let off = |segment: &&PlayedSegment| {
        segment
            .media
            .is_some_and(|(start, end)| ((end.saturating_sub(start)) as f64 / 1e9 - segment.seconds).abs() > tolerance)
    };
    report.extinf_faults = played.iter().filter(off).count() as u64;
    date_times(played, &mut report);
    if recording.counts_from_epoch() {
        let errors =
            played.iter().filter_map(|segment| Some(millis_between(segment.date_time?, segment.media?.0).abs()));
        report.program_date_time_error_ms = errors.max_by(f64::total_cmp);
        report.off_epoch_segments = if has_video { off_epoch(played, frame_nanos) } else { None };
    }
    report
}

/// `a − b` in milliseconds; the difference is taken before it loses precision.
fn millis_between(a: u64, b: u64) -> f64 {
    (i128::from(a) - i128::from(b)) as f64 / 1e6
}

fn date_times(played: &[PlayedSegment], report: &mut PlaylistReport) {
    for pair in played.windows(2) {
        let (before, now) = (&pair[0], &pair[1]);
        let (Some(earlier), Some(later)) = (before.date_time, now.date_time) else { continue };
        if now.discontinuity || now.number != before.number + 1 {
            continue;
        }
        // Two rounded dates and a duration with three digits may be 1.5 ms apart.
        if (millis_between(later, earlier) - before.seconds * 1e3).abs() > 2.0 {
            report.program_date_time_gaps += 1;
        }
        if let (Some((start, _)), Some((next, _))) = (before.media, now.media) {
            let jump = (millis_between(later, earlier) - millis_between(next, start)).abs();
            // Two dates rounded to a millisecond may be exactly one apart.
            if jump > 1.001 {
                report.program_date_time_jumps += 1;
                report.largest_program_date_time_jump_ms = report.largest_program_date_time_jump_ms.max(jump);
            }
        }
    }
}

/// Video segments that are not where their number says. The segment duration is the median EXTINF to the nearest half
/// second; a segment after a discontinuity may begin late. None if durations are no such multiple.
fn off_epoch(played: &[PlayedSegment], frame_nanos: u64) -> Option<u64> {
    let mut seconds: Vec<f64> = played.iter().map(|segment| segment.seconds).collect();
    seconds.sort_unstable_by(f64::total_cmp);
    let median = *seconds.get(seconds.len() / 2)?;
    let halves = (median * 2.0).round();
    if halves < 1.0 || (median - halves / 2.0).abs() * 1e9 > frame_nanos as f64 {
        return None;
    }
    let duration = (halves * 5e8) as u64;
    // The way to the cue's frame, and back to the grid by at most 0.4 s a segment.
    let back = duration / 200_000_000;
    let cues: Vec<u64> = played.iter().filter(|segment| segment.cue).map(|segment| segment.number).collect();
    let bent = |number: u64| cues.iter().any(|cue| (cue.saturating_sub(6)..=cue + back).contains(&number));
    let judged = played.iter().filter(|segment| !segment.discontinuity && !bent(segment.number));
    let off = judged.filter(|segment| {
        segment.media.is_some_and(|(start, _)| {
            let boundary = segment.number.saturating_mul(duration);
            // The first frame at or after the boundary: up to one frame late, or early by the rounding of a timescale.
            i128::from(start) - i128::from(boundary) >= i128::from(frame_nanos) || start + 100_000 < boundary
        })
    });
    Some(off.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: u64 = 1_763_683_200_000_000_000;

    fn played(count: u64) -> Recording {
        let segments = (0..count)
            .map(|i| PlayedSegment {
                number: EPOCH / 2_000_000_000 + i,
                date_time: Some(EPOCH + i * 2_000_000_000),
                seconds: 2.0,
                media: Some((EPOCH + i * 2_000_000_000, EPOCH + (i + 1) * 2_000_000_000)),
                seen: EPOCH + (i + 1) * 2_000_000_000 + 300_000_000,
                live: true,
                ..Default::default()
            })
            .collect();
        Recording { segments, playlist: Some(PlaylistReport::default()), ..Default::default() }
    }

    fn judged(recording: &Recording) -> PlaylistReport {
        segments(recording, PlaylistReport::default(), true, 33_333_333)
    }

    #[test]
    fn epoch_locked_segments_have_no_fault() {
        let report = judged(&played(5));
        assert_eq!((report.off_epoch_segments, report.program_date_time_error_ms), (Some(0), Some(0.0)));
        assert_eq!((report.program_date_time_gaps, report.program_date_time_jumps, report.extinf_faults), (0, 0, 0));
        assert_eq!(edge(&played(5)).unwrap().p50_ms, 300.0);
    }

    #[test]
    fn a_shifted_date_is_a_gap_and_a_jump() {
        let mut recording = played(5);
        recording.segments[3].date_time = Some(EPOCH + 6_500_000_000);
        let report = judged(&recording);
        assert_eq!((report.program_date_time_gaps, report.program_date_time_jumps), (2, 2));
        assert_eq!(report.largest_program_date_time_jump_ms, 500.0);
        assert_eq!(report.program_date_time_error_ms, Some(500.0));
        recording.segments[3].discontinuity = true;
        assert_eq!(judged(&recording).program_date_time_jumps, 1, "a discontinuity excuses the way there");
    }

    #[test]
    fn a_wrong_number_is_off_the_epoch() {
        let mut recording = played(5);
        recording.segments[2].number += 7;
        assert_eq!(judged(&recording).off_epoch_segments, Some(1));
    }

    #[test]
    fn a_cue_moves_boundaries_near_it_and_no_others() {
        let mut recording = played(40);
        recording.segments[10].cue = true;
        for moved in [9, 10, 11] {
            recording.segments[moved].media = recording.segments[moved].media.map(|(a, b)| (a + 400_000_000, b));
        }
        assert_eq!(judged(&recording).off_epoch_segments, Some(0));
        recording.segments[35].number += 7;
        assert_eq!(judged(&recording).off_epoch_segments, Some(1));
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let values = (1..=100).map(f64::from).collect();
        assert_eq!(percentiles(values), Some((100, 50.0, 95.0, 100.0)));
        assert_eq!(percentiles(vec![7.0]), Some((1, 7.0, 7.0, 7.0)));
        assert_eq!(percentiles(Vec::new()), None);
    }
}

//! The frame counter in the test picture. Pure.

use crate::lineup::COUNTER_BITS;

use super::recording::{Occurrences, Seen};
use super::report::{CounterReport, FaultCode};

/// A picture whose mark was read, with the counter unwrapped.
#[derive(Debug, Clone, Copy)]
struct Read {
    pts: u64,
    frame: i64,
    /// Pictures without a readable mark between the previous read one and this.
    unreadable_before: u64,
}

/// Judges what the pictures say of themselves, in the order of presentation; None with fewer than two marks.
/// `frame_nanos` is the duration of a frame.
pub(crate) fn counter(seen: &[Seen], frame_nanos: u64, places: &mut Occurrences) -> Option<CounterReport> {
    let (reads, origin) = unwrap(seen)?;
    let (first, rest) = reads.split_first().filter(|(_, rest)| !rest.is_empty())?;
    let mut report = CounterReport {
        marks: reads.len() as u64,
        unreadable: rest.iter().map(|read| read.unreadable_before).sum(),
        longest_unreadable_ms: 0.0,
        missing: 0,
        repeated: 0,
        out_of_order: 0,
        longest_freeze_ms: 0.0,
        delay_ms: None,
        first: origin,
        last: rest.last().map_or(0, |last| last.frame as u64 & ((1 << COUNTER_BITS) - 1)),
    };
    let mut frames: Vec<i64> = reads.iter().map(|read| read.frame).collect();
    frames.sort_unstable();
    frames.dedup();
    let shown = |after: i64, before: i64| {
        frames.partition_point(|&frame| frame < before).saturating_sub(frames.partition_point(|&frame| frame <= after))
    };
    let mut explained = 0;
    let mut shown_since = first.pts;
    for pair in reads.windows(2) {
        let (before, now) = (pair[0], pair[1]);
        let step = now.frame - before.frame;
        let between = step.saturating_sub(1).max(0) as u64;
        let hidden = now.unreadable_before.min(between);
        explained += hidden;
        let elsewhere = shown(before.frame, now.frame) as u64;
        places.add(FaultCode::SourceFramesMissing, now.pts, between.saturating_sub(hidden + elsewhere));
        places.add(FaultCode::MarksUnreadable, now.pts, now.unreadable_before);
        if step < 0 {
            report.out_of_order += 1;
            places.add(FaultCode::SourceFramesOutOfOrder, now.pts, 1);
        }
        if step != 0 {
            shown_since = now.pts;
        } else {
            places.add_one(FaultCode::SourceFramesRepeated, shown_since);
        }
        let freeze = now.pts.saturating_sub(shown_since);
        report.longest_freeze_ms = report.longest_freeze_ms.max(millis(freeze));
        if now.unreadable_before > 0 {
            let without = now.pts.saturating_sub(before.pts).saturating_sub(frame_nanos);
            report.longest_unreadable_ms = report.longest_unreadable_ms.max(millis(without));
        }
    }
    let span = frames.last()?.abs_diff(*frames.first()?) + 1;
    report.repeated = (reads.len() - frames.len()) as u64;
    report.missing = span.saturating_sub(frames.len() as u64).saturating_sub(explained);
    Some(report)
}

/// The marks in order of presentation, their counters continued beyond the wrap; and the first counter.
fn unwrap(seen: &[Seen]) -> Option<(Vec<Read>, u64)> {
    let origin = seen.iter().find_map(|seen| seen.mark)?.frame;
    let mut latest = origin as i64;
    let mut unreadable_before = 0;
    let mut reads = Vec::with_capacity(seen.len());
    for picture in seen {
        let Some(mark) = picture.mark else {
            unreadable_before += 1;
            continue;
        };
        latest += shortest_way(latest as u64, mark.frame);
        reads.push(Read { pts: picture.pts, frame: latest, unreadable_before: std::mem::take(&mut unreadable_before) });
    }
    // Pictures before the first mark are not between two.
    reads.first_mut()?.unreadable_before = 0;
    Some((reads, origin))
}

/// From counter `from` to counter `to`, modulo 2^40, forwards or backwards.
fn shortest_way(from: u64, to: u64) -> i64 {
    let shift = 64 - COUNTER_BITS;
    ((to.wrapping_sub(from) << shift) as i64) >> shift
}

fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineup::Mark;
    use proptest::prelude::*;

    const FRAME: u64 = 33_333_333;

    /// `None` is a picture without a mark.
    fn judged(frames: &[Option<u64>]) -> CounterReport {
        let seen: Vec<Seen> = frames
            .iter()
            .enumerate()
            .map(|(i, &n)| Seen { pts: i as u64 * FRAME, mark: n.map(|n| Mark::new(n, n * 33)) })
            .collect();
        counter(&seen, FRAME, &mut Occurrences::default()).unwrap()
    }

    fn faults(frames: &[u64]) -> (u64, u64, u64) {
        let report = judged(&frames.iter().copied().map(Some).collect::<Vec<_>>());
        (report.missing, report.repeated, report.out_of_order)
    }

    #[test]
    fn each_damage_is_counted_as_what_it_is() {
        assert_eq!(faults(&[1, 2, 3, 4, 5]), (0, 0, 0));
        assert_eq!(faults(&[1, 2, 4, 5]), (1, 0, 0), "dropped");
        assert_eq!(faults(&[1, 2, 2, 3]), (0, 1, 0), "repeated");
        assert_eq!(faults(&[1, 3, 2, 4]), (0, 0, 1), "swapped");
        assert_eq!(faults(&[1, 2, 2, 4]), (1, 1, 0), "one replaced by the one before");
        let end = (1 << COUNTER_BITS) - 1;
        assert_eq!(faults(&[end - 1, end, 0, 1]), (0, 0, 0), "the wrap");
        assert_eq!(faults(&[end - 1, 0, 1]), (1, 0, 0), "a loss at the wrap");
    }

    #[test]
    fn a_freeze_is_timed() {
        let report = judged(&[1, 2, 2, 2, 2, 6].map(Some));
        assert!((report.longest_freeze_ms - 100.0).abs() < 0.01, "{report:?}");
        assert_eq!((report.missing, report.repeated), (3, 3));
    }

    #[test]
    fn unreadable_pictures_explain_what_they_hide_and_no_more() {
        let report = judged(&[None, Some(1), Some(2), None, None, Some(5), Some(6), None]);
        assert_eq!((report.missing, report.unreadable), (0, 2));
        assert!((report.longest_unreadable_ms - 66.7).abs() < 0.1);
        let report = judged(&[Some(1), None, Some(5)]);
        assert_eq!((report.missing, report.unreadable), (2, 1));
    }

    #[test]
    fn the_report_says_where() {
        let shown = [1, 2, 2, 2, 4, 7, 6, 8].map(|n| Mark::new(n, n));
        let seen = (0..).zip(shown).map(|(i, mark)| Seen { pts: i * FRAME, mark: Some(mark) });
        let mut places = Occurrences::default();
        counter(&seen.collect::<Vec<_>>(), FRAME, &mut places);
        let places: Vec<_> = places.0.iter().map(|place| (place.code, place.pts / FRAME, place.count)).collect();
        assert_eq!(
            places,
            [
                (FaultCode::SourceFramesRepeated, 1, 2),
                (FaultCode::SourceFramesMissing, 4, 1),
                (FaultCode::SourceFramesMissing, 5, 1),
                (FaultCode::SourceFramesOutOfOrder, 6, 1),
            ]
        );
    }

    proptest! {
        #[test]
        fn as_many_are_missing_as_were_taken(start in 0u64..1 << 40, taken in prop::collection::btree_set(1usize..99, 0..20)) {
            let frames: Vec<_> = (0..100).filter(|i| !taken.contains(i)).map(|i| start + i as u64).collect();
            prop_assert_eq!(faults(&frames), (taken.len() as u64, 0, 0));
        }
    }
}

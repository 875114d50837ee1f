//! Keyframes and segment starts of the video renditions against each other. Pure.

use super::recording::Recording;
use super::report::KeyframeReport;

/// Two times are the same instant when they are closer than this: renditions may have different timescales.
const SAME: u64 = 100_000;

/// Compares all streams with pictures over the time that they have in common; None with fewer than two.
pub(crate) fn keyframes(recordings: &[Recording]) -> Option<KeyframeReport> {
    let video: Vec<_> =
        recordings.iter().filter_map(|recording| Some((recording, recording.pictures.as_ref()?))).collect();
    if video.len() < 2 {
        return None;
    }
    let mut first = 0;
    let mut last = u64::MAX;
    for (_, pictures) in &video {
        let times = || pictures.frames.iter().map(|frame| frame.pts);
        first = first.max(times().min()?);
        last = last.min(times().max()?);
    }
    let common = |times: Vec<u64>| -> Vec<u64> {
        let mut times: Vec<u64> = times.into_iter().filter(|time| (first..=last).contains(time)).collect();
        times.sort_unstable();
        times
    };
    let keys: Vec<Vec<u64>> = video
        .iter()
        .map(|(_, pictures)| common(pictures.frames.iter().filter(|frame| frame.key).map(|frame| frame.pts).collect()))
        .collect();
    let starts: Vec<Vec<u64>> = video
        .iter()
        .map(|(recording, _)| common(recording.segments.iter().filter_map(|segment| Some(segment.media?.0)).collect()))
        .collect();
    let (keyframes, differing) = compare(&keys);
    Some(KeyframeReport {
        renditions: video.len() as u64,
        seconds: (last.saturating_sub(first) as f64 / 1e6).round() / 1e3,
        keyframes,
        differing,
        differing_segment_starts: compare(&starts).1,
    })
}

/// How many distinct times there are in all lists, and how many of them are not in every list.
fn compare(lists: &[Vec<u64>]) -> (u64, u64) {
    let mut all: Vec<u64> = lists.iter().flatten().copied().collect();
    all.sort_unstable();
    let instants: Vec<&[u64]> = all.chunk_by(|a, b| b - a < SAME).collect();
    let holds = |list: &[u64], time: u64| {
        let at = list.partition_point(|&other| other + SAME <= time);
        list.get(at).is_some_and(|&other| other.abs_diff(time) < SAME)
    };
    let differing = instants.iter().filter(|times| !lists.iter().all(|list| holds(list, times[0]))).count();
    (instants.len() as u64, differing as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_frame_off_is_two_differing_instants() {
        let steady: Vec<u64> = (1..6).map(|i| i * 2_000_000_000).collect();
        let mut off = steady.clone();
        off[2] += 33_333_333;
        assert_eq!(compare(&[steady.clone(), steady.clone()]), (5, 0));
        assert_eq!(compare(&[steady, off]), (6, 2));
    }

    proptest! {
        #[test]
        fn timescales_do_not_matter(times in prop::collection::btree_set(1u64..10_000, 1..40)) {
            let exact: Vec<u64> = times.iter().map(|&t| t * 33_333_333).collect();
            let rounded: Vec<u64> = exact.iter().map(|&t| t / 11_111 * 11_111).collect();
            prop_assert_eq!(compare(&[exact, rounded]), (times.len() as u64, 0));
        }
    }
}

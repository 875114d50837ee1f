//! Where a rendition is cut: pure arithmetic on the epoch grids.

use crate::model::{Boundaries, FrameGrid, MediaTime, SampleGrid};

use super::format::AAC_FRAME;

/// Without parts a chunk ends at every multiple of this from the beginning of its segment.
const CHUNK_NANOS: u64 = 500_000_000;

/// What begins at a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    /// A segment.
    Segment,
    /// A chunk within the segment.
    Chunk,
}

/// Says before which sample to cut. Samples come in decode order.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    at: Option<(u64, u64)>,
    newest: MediaTime,
    reordered: bool,
    parts: Option<(TrackGrid, u64)>,
}

impl Cutter {
    /// With a chunk per part: so many samples of `grid`, counted from the first of their segment.
    pub(super) fn with_parts(grid: TrackGrid, samples: Option<u64>) -> Self {
        Self { parts: samples.map(|samples| (grid, samples.max(1))), ..Self::default() }
    }

    /// Whether to cut before the sample at `time`. A segment begins with the first sample in its time; it should be a
    /// keyframe, but boundaries hold even if the encoder did not obey.
    pub(super) fn before(&mut self, time: MediaTime, boundaries: &Boundaries) -> Option<Cut> {
        // With B-frames a cut in mid-segment would put pictures on the wrong side: such segments are one chunk.
        self.reordered |= time < self.newest;
        self.newest = self.newest.max(time);
        let number = boundaries.number_at(time);
        let part = self.part(time, boundaries.start_of(number));
        match self.at {
            None => {
                self.at = Some((number, part));
                None
            }
            Some((current, _)) if number > current => {
                self.at = Some((number, part));
                Some(Cut::Segment)
            }
            Some((current, done)) if number == current && part > done && !self.reordered => {
                self.at = Some((number, part));
                Some(Cut::Chunk)
            }
            Some(_) => None,
        }
    }

    /// Which chunk of a segment that begins at `start` the sample at `time` belongs to.
    fn part(&self, time: MediaTime, start: MediaTime) -> u64 {
        match self.parts {
            Some((grid, samples)) => {
                grid.index_at(time).saturating_sub(grid.index_at(grid.first_from(start))) / samples
            }
            None => time.since(start).as_nanos() as u64 / CHUNK_NANOS,
        }
    }
}

/// The samples of a track: pictures, or AAC frames.
#[derive(Debug, Clone, Copy)]
pub(super) enum TrackGrid {
    /// One per tick of the house clock.
    Pictures(FrameGrid),
    /// 1024 samples each, at this sample rate.
    AacFrames(u32),
}

impl TrackGrid {
    /// The time of the sample nearest to `time`.
    pub(super) fn snap(self, time: MediaTime) -> MediaTime {
        let half = self.time_of(1).as_nanos() / 2;
        self.time_of(self.index_at(time + std::time::Duration::from_nanos(half)))
    }

    /// The first sample at or after `time`.
    pub(super) fn first_from(self, time: MediaTime) -> MediaTime {
        let index = self.index_at(time);
        let at = self.time_of(index);
        if at >= time { at } else { self.time_of(index + 1) }
    }

    /// The sample `count` before the one nearest to `time`; the first of all if there are not so many.
    pub(super) fn back(self, time: MediaTime, count: u64) -> MediaTime {
        self.time_of(self.index_at(self.snap(time)).saturating_sub(count))
    }

    fn index_at(self, time: MediaTime) -> u64 {
        match self {
            TrackGrid::Pictures(grid) => grid.index_at(time),
            TrackGrid::AacFrames(rate) => SampleGrid::new(rate).index_at(time) / AAC_FRAME,
        }
    }

    fn time_of(self, index: u64) -> MediaTime {
        match self {
            TrackGrid::Pictures(grid) => grid.time_of(index),
            TrackGrid::AacFrames(rate) => SampleGrid::new(rate).time_of(index * AAC_FRAME),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{FrameRate, SegmentGrid};

    const START: u64 = 1_763_683_200;

    fn boundaries() -> Boundaries {
        SegmentGrid::new(2000).unwrap().into()
    }

    fn cuts(rate: (u32, u32), from_millis: u64, frames: u64) -> Vec<(u64, Cut)> {
        let grid = FrameGrid::new(FrameRate::new(rate.0, rate.1).unwrap());
        let mut cutter = Cutter::default();
        let first = grid.index_from(MediaTime::from_nanos((START * 1000 + from_millis) * 1_000_000));
        (first..first + frames)
            .filter_map(|k| cutter.before(grid.time_of(k), &boundaries()).map(|cut| (k - first, cut)))
            .collect()
    }

    #[test]
    fn chunks_end_on_half_seconds_and_segments_on_the_grid() {
        use Cut::{Chunk, Segment};
        assert_eq!(cuts((30, 1), 0, 70), [(15, Chunk), (30, Chunk), (45, Chunk), (60, Segment)]);
        assert_eq!(cuts((50, 1), 1300, 61), [(10, Chunk), (35, Segment), (60, Chunk)]);
    }

    #[test]
    fn parts_are_whole_samples_counted_from_their_segment() {
        use Cut::{Chunk, Segment};
        let frames = FrameGrid::new(FrameRate::new(30, 1).unwrap());
        let mut cutter = Cutter::with_parts(TrackGrid::Pictures(frames), Some(6));
        let first = frames.index_from(MediaTime::from_secs(START)) + 45;
        let cut = |k: u64| cutter.before(frames.time_of(first + k), &boundaries()).map(|cut| (k, cut));
        let cuts: Vec<_> = (0..28).filter_map(cut).collect();
        assert_eq!(cuts, [(3, Chunk), (9, Chunk), (15, Segment), (21, Chunk), (27, Chunk)]);

        let grid = TrackGrid::AacFrames(48_000);
        let mut cutter = Cutter::with_parts(grid, Some(10));
        let from = grid.index_at(MediaTime::from_secs(START));
        let cut = |k: u64| cutter.before(grid.time_of(from + k), &boundaries()).map(|cut| (k, cut));
        let cuts: Vec<_> = (0..100).filter_map(cut).collect();
        let chunks = [10, 20, 30, 40, 50, 60, 70, 80, 90].map(|k| (k, Chunk));
        assert_eq!(cuts, [&chunks[..], &[(94, Segment)]].concat());
    }

    #[test]
    fn a_gap_over_a_boundary_still_begins_a_segment() {
        let mut cutter = Cutter::default();
        assert_eq!(cutter.before(MediaTime::from_secs(START), &boundaries()), None);
        assert_eq!(
            cutter.before(MediaTime::from_nanos((START + 5) * 1_000_000_000 + 7), &boundaries()),
            Some(Cut::Segment)
        );
    }

    #[test]
    fn reordered_pictures_are_not_cut_in_mid_segment() {
        let mut cutter = Cutter::default();
        let time = |millis: u64| MediaTime::from_nanos((START * 1000 + millis) * 1_000_000);
        let order = [0, 80, 40, 160, 120, 560, 520, 2000, 1960, 2080];
        let cuts: Vec<_> = order.iter().map(|&millis| cutter.before(time(millis), &boundaries())).collect();
        assert_eq!(cuts.iter().position(|c| *c == Some(Cut::Segment)), Some(7));
        assert_eq!(cuts.iter().flatten().count(), 1);
    }

    #[test]
    fn times_snap_to_the_nearest_sample() {
        let grid = TrackGrid::AacFrames(48_000);
        let exact = grid.first_from(MediaTime::from_secs(START));
        for off in [0u64, 3, 9_000_000] {
            assert_eq!(grid.snap(MediaTime::from_nanos(exact.as_nanos() + off)), exact);
            assert_eq!(grid.snap(MediaTime::from_nanos(exact.as_nanos() - off)), exact);
        }
        let before = grid.back(exact, 1);
        assert_eq!(
            exact.since(before).as_nanos().abs_diff(21_333_333),
            if exact.since(before).as_nanos() > 21_333_333 { 1 } else { 0 }
        );
    }
}

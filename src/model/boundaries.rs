//! Where segments begin: the epoch grid, bent so that a segment begins on the frame of each cue.
//!
//! ```text
//! grid      │ n−2      │ n−1      │ n        │ n+1      │ n+2
//! cue                        ▼ n−1 is the nearest: it moves there
//! segments  │          │     │          │ n+0.6    │ n+1.2 …     at most HOLD longer than the grid's, until back
//! ```
//!
//! One number is still one segment: none is skipped, none is split. A moved boundary's neighbours give way by at most
//! [`HOLD`] per segment, so that a segment's duration, rounded as EXT-X-TARGETDURATION wants it (rfc8216bis 4.4.3.1),
//! is never above the grid's. Making a segment shorter costs nothing, so the way there is taken at once.
//!
//! The result depends on the cues alone, not on when they became known: two boxes with the same cues cut alike. A cue
//! moves nothing that lies more than [`REACH`] before it.

use std::time::Duration;

use super::time::{MediaTime, SegmentGrid};

/// How much longer than the grid's a segment may be. With a picture and an AAC frame on top it stays below half a
/// second, where rounding would begin.
pub const HOLD: Duration = Duration::from_millis(400);

/// How far before a cue a boundary may move for it.
pub const REACH: Duration = Duration::from_secs(3);

/// The shortest segment between two moved boundaries; half the grid's if that is less.
const SHORTEST: Duration = Duration::from_millis(300);

/// Boundaries may run ahead of the grid by this many segments, when cues follow each other closely.
pub const MOST_AHEAD: u32 = 2;

/// A boundary on a cue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pin {
    number: u64,
    at: MediaTime,
}

/// Where each segment begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundaries {
    grid: SegmentGrid,
    /// Ascending by number and by time.
    pins: Vec<Pin>,
}

impl From<SegmentGrid> for Boundaries {
    fn from(grid: SegmentGrid) -> Self {
        Self { grid, pins: Vec::new() }
    }
}

impl Boundaries {
    /// The grid, bent to `cues`, which ascend. Those that cannot have a boundary of their own (too close to another)
    /// are returned; they lie within a segment.
    pub fn new(grid: SegmentGrid, cues: impl IntoIterator<Item = MediaTime>) -> (Self, Vec<MediaTime>) {
        let mut boundaries = Self::from(grid);
        let refused = cues.into_iter().filter(|cue| !boundaries.bend(*cue)).collect();
        (boundaries, refused)
    }

    /// The grid that is bent.
    pub fn grid(&self) -> SegmentGrid {
        self.grid
    }

    /// When segment `number` begins.
    pub fn start_of(&self, number: u64) -> MediaTime {
        let behind = self.pins.partition_point(|pin| pin.number <= number);
        let mut start = self.grid.start_of(number);
        if let Some(next) = self.pins.get(behind) {
            let steps = next.number - number;
            start = start.max(earlier(next.at, times(self.longest(), steps)));
            start = start.min(earlier(next.at, times(self.shortest(), steps)));
        }
        if let Some(last) = behind.checked_sub(1).map(|index| self.pins[index]) {
            let steps = number - last.number;
            start = start.min(last.at + times(self.longest(), steps)).max(last.at + times(self.shortest(), steps));
        }
        start
    }

    /// The segment that `time` falls into.
    pub fn number_at(&self, time: MediaTime) -> u64 {
        let mut number = self.grid.number_at(time);
        if self.pins.is_empty() {
            return number;
        }
        while number > 0 && self.start_of(number) > time {
            number -= 1;
        }
        while self.start_of(number + 1) <= time {
            number += 1;
        }
        number
    }

    /// How long segment `number` is.
    pub fn duration_of(&self, number: u64) -> Duration {
        self.start_of(number + 1).since(self.start_of(number))
    }

    fn longest(&self) -> Duration {
        self.grid.duration() + HOLD
    }

    fn shortest(&self) -> Duration {
        SHORTEST.min(self.grid.duration() / 2)
    }

    /// Makes a segment begin at `cue`, which is above all pins. False if that cannot be.
    fn bend(&mut self, cue: MediaTime) -> bool {
        let number = self.number_at(cue);
        let last = self.pins.last().copied();
        if self.start_of(number) == cue {
            if last.is_none_or(|last| last.number < number) {
                self.pins.push(Pin { number, at: cue });
            }
            return true;
        }
        let number = if self.can_wait(number, cue) { number } else { number + 1 };
        let room = last.is_none_or(|last| cue.since(last.at) >= times(self.shortest(), number - last.number));
        let ahead = self.grid.start_of(number).since(cue);
        if !room || ahead > self.grid.duration() * MOST_AHEAD {
            return false;
        }
        self.pins.push(Pin { number, at: cue });
        true
    }

    /// Whether the boundary `number`, which is before `cue`, may wait for it: `cue` is nearer to it than to the next,
    /// and the segments before have the time to stretch.
    fn can_wait(&self, number: u64, cue: MediaTime) -> bool {
        let pinned = self.pins.last().map(|pin| pin.number);
        if pinned == Some(number) || cue.since(self.start_of(number)) > self.grid.duration() / 2 {
            return false;
        }
        // The first boundary that would have to move.
        let mut first = number;
        while first > 0 && self.start_of(first - 1) < earlier(cue, times(self.longest(), number + 1 - first)) {
            first -= 1;
            if Some(first) == pinned || cue.since(self.start_of(first)) > REACH {
                return false;
            }
        }
        cue.since(self.start_of(first)) <= REACH
    }
}

fn times(duration: Duration, steps: u64) -> Duration {
    Duration::from_nanos((duration.as_nanos() as u64).saturating_mul(steps))
}

fn earlier(time: MediaTime, by: Duration) -> MediaTime {
    MediaTime::from_nanos(time.as_nanos().saturating_sub(by.as_nanos() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const START: u64 = 1_763_683_200;

    fn at(millis: u64) -> MediaTime {
        MediaTime::from_nanos((START * 1000 + millis) * 1_000_000)
    }

    fn grid(millis: u32) -> SegmentGrid {
        SegmentGrid::new(millis).unwrap()
    }

    fn starts(cues: &[u64]) -> Vec<u64> {
        let (boundaries, refused) = Boundaries::new(grid(2000), cues.iter().map(|millis| at(*millis)));
        assert_eq!(refused, []);
        let millis = |number| boundaries.start_of(START / 2 + number).since(at(0)).as_millis() as u64;
        (0..10).map(millis).collect()
    }

    #[test]
    fn without_cues_it_is_the_grid() {
        assert_eq!(starts(&[]), [0, 2000, 4000, 6000, 8000, 10000, 12000, 14000, 16000, 18000]);
        assert_eq!(starts(&[6000]), starts(&[]), "nor does a cue on the grid change anything");
    }

    #[test]
    fn the_nearest_boundary_moves_and_its_neighbours_give_way() {
        assert_eq!(starts(&[6300]), [0, 2000, 4000, 6300, 8000, 10000, 12000, 14000, 16000, 18000]);
        assert_eq!(starts(&[6700]), [0, 2000, 4300, 6700, 8000, 10000, 12000, 14000, 16000, 18000]);
        assert_eq!(starts(&[7200]), [0, 2000, 4000, 6000, 7200, 9600, 12000, 14000, 16000, 18000]);
        // 6.9 s is nearer to 6 s, but the boundary at 2 s would have to move, 5 s ahead.
        assert_eq!(starts(&[6900]), [0, 2000, 4000, 6000, 6900, 9300, 11700, 14000, 16000, 18000]);
    }

    #[test]
    fn two_cues_share_the_way_between_them() {
        assert_eq!(starts(&[7200, 9800]), [0, 2000, 4000, 6000, 7200, 9500, 9800, 12200, 14600, 17000]);
        let (_, refused) = Boundaries::new(grid(2000), [at(7200), at(7400)]);
        assert_eq!(refused, [at(7400)], "closer than the shortest segment");
    }

    #[test]
    fn cues_in_a_row_do_not_run_away_from_the_grid() {
        let (boundaries, refused) = Boundaries::new(grid(2000), (1..100).map(|n| at(600 * n)));
        assert!(!refused.is_empty());
        for number in START / 2..START / 2 + 60 {
            let ahead = boundaries.grid().start_of(number).since(boundaries.start_of(number));
            assert!(ahead <= Duration::from_secs(4), "{number}: {ahead:?}");
        }
    }

    fn cues() -> impl Strategy<Value = Vec<u64>> {
        prop::collection::vec(0u64..60_000, 0..8).prop_map(|mut cues| {
            cues.sort_unstable();
            cues.dedup();
            cues
        })
    }

    proptest! {
        #[test]
        fn every_segment_fits_its_target_duration(cues in cues(), millis in prop::sample::select(vec![500u32, 1000, 1500, 2000, 4000, 6000, 10_000])) {
            let (boundaries, refused) = Boundaries::new(grid(millis), cues.iter().map(|millis| at(*millis)));
            let first = grid(millis).number_at(at(0)).saturating_sub(5);
            for number in first..first + 40 + 100_000 / u64::from(millis) {
                let (start, duration) = (boundaries.start_of(number), boundaries.duration_of(number));
                prop_assert!(boundaries.start_of(number + 1) > start);
                prop_assert!(duration <= boundaries.longest(), "{number} lasts {duration:?}");
                prop_assert!(duration >= boundaries.shortest(), "{number} lasts {duration:?}");
                prop_assert_eq!(boundaries.number_at(start), number);
                prop_assert_eq!(boundaries.number_at(earlier(start, Duration::from_nanos(1))), number - 1);
            }
            for cue in cues.iter().map(|millis| at(*millis)).filter(|cue| !refused.contains(cue)) {
                prop_assert_eq!(boundaries.start_of(boundaries.number_at(cue)), cue);
            }
        }

        #[test]
        fn a_cue_moves_nothing_long_before_it(cues in cues(), cue in 0u64..60_000, millis in prop::sample::select(vec![500u32, 1000, 2000, 4000, 6000, 10_000])) {
            let (before, _) = Boundaries::new(grid(millis), cues.iter().map(|millis| at(*millis)));
            let mut more = cues.clone();
            more.push(cue);
            more.sort_unstable();
            more.dedup();
            let (after, _) = Boundaries::new(grid(millis), more.iter().map(|millis| at(*millis)));
            let first = grid(millis).number_at(at(0)).saturating_sub(5);
            for number in first..first + 40 + 100_000 / u64::from(millis) {
                let (old, new) = (before.start_of(number), after.start_of(number));
                let decided = earlier(at(cue), REACH);
                prop_assert!(old == new || (old >= decided && new >= decided), "{number}: {old} became {new} for {}", at(cue));
            }
        }
    }
}

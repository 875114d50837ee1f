//! When a frame is due: one delay for picture and sound of a connection, anchored to arrival.
//!
//! Every buffer carries a stamp (its running time on the house clock) and arrives some time later; the difference is its
//! *lag*. The delay is the largest lag seen in the first [`GATHER`] plus a margin, and is then frozen: due = stamp +
//! delay. Anchoring to arrival removes whatever offset the sender's multiplexer put in. Afterwards
//!
//! - a sender whose clock is slow or fast is followed by slewing the delay by at most [`SLEW`], slower than an ear or
//!   the chasing resampler notices, and only outside a dead band, so that a steady source never slips a frame;
//! - repeated lateness raises the delay at once (one late outlier does not);
//! - stamps that leap by more than [`LEAP`] begin a new connection.
//!
//! ```text
//! gathering ──150 ms──▶ fixed ──slack < margin/4 or > margin + 100 ms──▶ slewing ─▶ fixed
//!     ▲                   │ ≥ 3 late in 2 s: raised at once
//!     └──── stamps leap ──┘
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::{FrameGrid, MediaTime};

/// How long lags are gathered before the delay is fixed.
const GATHER: i64 = 150_000_000;
/// Stamps further than this from where they are expected are another timeline.
const LEAP: i64 = 2_000_000_000;
/// Largest change of the delay per time: 0.4 %.
const SLEW: f64 = 0.004;
/// Lags are remembered in buckets of this length …
const BUCKET: i64 = 1_000_000_000;
/// … and this many of them.
const BUCKETS: usize = 8;
/// Late buffers within two buckets that raise the delay at once.
const LATE_LIMIT: u32 = 3;

/// The largest and second largest lag of a stretch of time, and how many buffers were late in it.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    start: i64,
    top: [i64; 2],
    late: u32,
}

impl Bucket {
    fn new(start: i64) -> Self {
        Self { start, top: [i64::MIN; 2], late: 0 }
    }

    fn add(&mut self, lag: i64) {
        if lag > self.top[0] {
            self.top = [lag, self.top[0]];
        } else if lag > self.top[1] {
            self.top[1] = lag;
        }
    }
}

/// What became of a buffer that was observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Observed {
    /// It belongs to the timeline.
    InOrder,
    /// It is after its due time.
    Late,
    /// Its stamp leapt: the timeline began anew, what is queued is void.
    Leap,
}

/// The delay of one connection. All times in nanoseconds of media time.
#[derive(Debug)]
pub(crate) struct Mapping {
    margin: i64,
    grid: FrameGrid,
    first_arrival: Option<i64>,
    /// Stamp of a picture (of a sound, if there is no picture): what the delay is snapped to a tick by.
    phase: i64,
    has_picture: bool,
    gathered: i64,
    delay: Option<i64>,
    buckets: VecDeque<Bucket>,
    last_slew: Option<i64>,
}

impl Mapping {
    /// `margin` is what a buffer should have in hand when it arrives.
    pub(crate) fn new(margin: Duration, grid: FrameGrid) -> Self {
        Self {
            margin: margin.as_nanos() as i64,
            grid,
            first_arrival: None,
            phase: 0,
            has_picture: false,
            gathered: i64::MIN,
            delay: None,
            buckets: VecDeque::with_capacity(BUCKETS + 1),
            last_slew: None,
        }
    }

    /// Forgets everything: a new connection.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(Duration::from_nanos(self.margin as u64), self.grid);
    }

    /// Due time minus stamp; none while lags are being gathered.
    pub(crate) fn delay(&self) -> Option<i64> {
        self.delay
    }

    /// Takes note of a buffer with `stamp` that arrived `now`; whether it is a picture.
    pub(crate) fn observe(&mut self, stamp: i64, now: i64, picture: bool) -> Observed {
        let lag = now - stamp;
        if self.delay.is_none() && picture && !self.has_picture {
            (self.phase, self.has_picture) = (stamp, true);
        }
        match self.delay {
            None => self.gather(stamp, now, lag),
            Some(delay) if (lag - delay).abs() > LEAP => {
                self.reset();
                (self.phase, self.has_picture) = (stamp, picture);
                self.gather(stamp, now, lag);
                Observed::Leap
            }
            Some(delay) => self.follow(now, lag, delay),
        }
    }

    fn gather(&mut self, stamp: i64, now: i64, lag: i64) -> Observed {
        let leapt = self.first_arrival.is_some() && (lag - self.gathered).abs() > LEAP;
        if self.first_arrival.is_none() || leapt {
            (self.first_arrival, self.gathered) = (Some(now), lag);
            if leapt || !self.has_picture {
                self.phase = stamp;
            }
        }
        self.gathered = self.gathered.max(lag);
        self.bucket(now).add(lag);
        self.settle(now);
        if leapt { Observed::Leap } else { Observed::InOrder }
    }

    /// Fixes the delay once enough has been gathered. Called for each buffer and each tick.
    pub(crate) fn settle(&mut self, now: i64) {
        let gathered_enough = self.first_arrival.is_some_and(|first| now - first >= GATHER);
        if self.delay.is_none() && gathered_enough {
            self.delay = Some(self.snapped(self.gathered + self.margin));
        }
    }

    fn follow(&mut self, now: i64, lag: i64, delay: i64) -> Observed {
        let bucket = self.bucket(now);
        bucket.add(lag);
        if lag <= delay {
            return Observed::InOrder;
        }
        bucket.late += 1;
        let recent = self.buckets.iter().rev().take(2);
        let (late, second) = recent.fold((0, i64::MIN), |(late, second), b| (late + b.late, second.max(b.top[1])));
        if late >= LATE_LIMIT {
            // The second largest lag of the stretch: the largest may be an outlier.
            self.delay = Some(self.snapped(second.max(delay) + self.margin / 2));
            self.buckets.iter_mut().for_each(|b| b.late = 0);
        }
        Observed::Late
    }

    /// Rounds a delay up so that pictures are due exactly on ticks: a source at the program's own rate then stays clear of
    /// the decision threshold half a frame away, and the picture is not shown off its sound.
    fn snapped(&self, delay: i64) -> i64 {
        let due = MediaTime::from_nanos((self.phase + delay).max(0) as u64);
        let tick = self.grid.time_of(self.grid.index_from(due));
        tick.as_nanos() as i64 - self.phase
    }

    fn bucket(&mut self, now: i64) -> &mut Bucket {
        if self.buckets.back().is_none_or(|b| now - b.start >= BUCKET) {
            self.buckets.push_back(Bucket::new(now));
            if self.buckets.len() > BUCKETS {
                self.buckets.pop_front();
            }
        }
        let last = self.buckets.len() - 1;
        &mut self.buckets[last]
    }

    /// Follows a slow or fast sender: called once per tick.
    pub(crate) fn slew(&mut self, now: i64) {
        self.settle(now);
        let elapsed = now - self.last_slew.replace(now).unwrap_or(now);
        let (Some(delay), true) = (self.delay, self.buckets.len() >= BUCKETS) else {
            return;
        };
        let largest = self.buckets.iter().map(|b| b.top[0]).max().unwrap_or(0);
        let in_hand = delay - largest;
        let step = (elapsed as f64 * SLEW) as i64;
        if in_hand < self.margin / 4 {
            self.delay = Some(delay + step);
        } else if in_hand > self.margin + 100_000_000 {
            self.delay = Some(delay - step);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FrameRate;

    const MS: i64 = 1_000_000;
    const START: i64 = 1_763_000_000_000 * MS;

    fn mapping() -> Mapping {
        Mapping::new(Duration::from_millis(80), FrameGrid::new(FrameRate::new(25, 1).unwrap()))
    }

    /// Feeds 25 frames per second for `seconds`, lag given by `lag(frame)`, and returns the observations.
    fn run(mapping: &mut Mapping, from: i64, seconds: i64, lag: impl Fn(i64) -> i64) -> Vec<Observed> {
        (from * 25..(from + seconds) * 25)
            .map(|frame| {
                let stamp = START + frame * 40 * MS;
                let now = stamp + lag(frame);
                mapping.slew(now);
                mapping.observe(stamp, now, true)
            })
            .collect()
    }

    #[test]
    fn the_delay_is_the_largest_lag_plus_the_margin_on_a_tick() {
        let mut mapping = mapping();
        run(&mut mapping, 0, 1, |frame| if frame == 2 { 30 * MS } else { 10 * MS });
        assert_eq!(mapping.delay(), Some(120 * MS), "30 + 80 rounded up to the next 40 ms tick");
    }

    #[test]
    fn a_steady_source_keeps_its_delay_for_ever() {
        let mut mapping = mapping();
        run(&mut mapping, 0, 1, |_| 10 * MS);
        let delay = mapping.delay();
        let seen = run(&mut mapping, 1, 600, |frame| 10 * MS + (frame * 7919 % 23) * MS);
        assert!(seen.iter().all(|o| *o == Observed::InOrder));
        assert_eq!(mapping.delay(), delay);
    }

    #[test]
    fn one_late_frame_does_not_move_it_three_do() {
        let mut mapping = mapping();
        run(&mut mapping, 0, 2, |_| 10 * MS);
        let delay = mapping.delay().unwrap();
        run(&mut mapping, 2, 2, |frame| if frame == 60 { 900 * MS } else { 10 * MS });
        assert_eq!(mapping.delay(), Some(delay));
        run(&mut mapping, 4, 1, |frame| if (100..103).contains(&frame) { 200 * MS } else { 10 * MS });
        let raised = mapping.delay().unwrap();
        assert!((200 * MS..300 * MS).contains(&raised), "{} ms", raised / MS);
    }

    #[test]
    fn a_slow_and_a_fast_sender_are_followed_without_a_late_frame() {
        for drift_per_mille in [2, -2] {
            let mut mapping = mapping();
            run(&mut mapping, 0, 1, |_| 10 * MS);
            let seen = run(&mut mapping, 1, 300, |frame| 10 * MS + frame * 40 * MS * drift_per_mille / 1000);
            let late = seen.iter().filter(|o| **o == Observed::Late).count();
            assert_eq!(late, 0, "drift {drift_per_mille} per mille");
            let lag = 10 * MS + 300 * 1000 * MS * drift_per_mille / 1000;
            let in_hand = mapping.delay().unwrap() - lag;
            assert!((0..300 * MS).contains(&in_hand), "in hand {} ms", in_hand / MS);
        }
    }

    #[test]
    fn a_leap_of_the_stamps_begins_anew() {
        let mut mapping = mapping();
        run(&mut mapping, 0, 2, |_| 10 * MS);
        let now = START + 2000 * MS;
        assert_eq!(mapping.observe(START + 3_600_000 * MS, now, true), Observed::Leap);
        assert_eq!(mapping.delay(), None);
    }
}

//! How much a line carries, from what was acknowledged while something was under way. Pure.
//!
//! Idle time says nothing, and neither does backfill that waits for its turn: so time counts while something of the live
//! edge is under way, and the media that was acknowledged at its end. Who keeps up acknowledges in that time at least
//! what the ladder makes; who does not is busy all the time, and then this is what the line carries.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::policy::Line;

/// Less media than this says nothing: it is one round trip, not a rate.
const LEAST: u64 = 16 * 1024;
/// A window has about so many samples.
const GRAINS: u32 = 50;
/// Backfill is looked at over this time.
const BACKFILL: Duration = Duration::from_secs(20);
/// Backfill that began less than this ago has no rate yet.
const BACKFILL_LEAST: Duration = Duration::from_secs(3);

/// From one moment at which something of the live edge ended, or began after idle time, to the next.
#[derive(Debug, Clone, Copy)]
struct Sample {
    from: Instant,
    busy: Duration,
    /// Media of the live edge acknowledged at its end.
    live: u64,
    /// All media acknowledged in it.
    all: u64,
}

/// See the module's header.
#[derive(Debug)]
pub(crate) struct Meter {
    window: Duration,
    under_way: u32,
    /// Since when something is under way and nothing has ended.
    mark: Option<Instant>,
    samples: VecDeque<Sample>,
    /// Backfill acknowledged since the last sample.
    beside: u64,
    /// The last rate of the live edge: a line that was interrupted is likely to be the same afterwards.
    known: Option<u64>,
    /// What a segment that was sent to see the line's rate came to.
    trial: Option<(Instant, u64)>,
    backfill: VecDeque<(Instant, u64)>,
}

impl Meter {
    /// Nothing measured yet; looks back over `window` of busy time.
    pub(crate) fn new(window: Duration) -> Self {
        Self {
            window,
            under_way: 0,
            mark: None,
            samples: VecDeque::new(),
            beside: 0,
            known: None,
            trial: None,
            backfill: VecDeque::new(),
        }
    }

    /// Something of the live edge is sent.
    pub(crate) fn began(&mut self, now: Instant) {
        self.mark.get_or_insert(now);
        self.under_way += 1;
    }

    /// Something of the live edge ended: so many bytes of media were acknowledged, if any.
    pub(crate) fn ended(&mut self, bytes: u64, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        let Some(from) = self.mark.take() else { return };
        self.mark = (self.under_way > 0).then_some(now);
        let all = bytes + std::mem::take(&mut self.beside);
        self.add(Sample { from, busy: now.saturating_duration_since(from), live: bytes, all });
        let mut busy = self.busy();
        while let Some(first) = self.samples.front().copied() {
            let old = now.saturating_duration_since(first.from) > self.window * 4;
            // One sample always stays: a segment may take longer than the window.
            let spare = self.samples.len() > 1 && (busy.saturating_sub(first.busy) >= self.window || old);
            if !spare {
                break;
            }
            busy = busy.saturating_sub(first.busy);
            self.samples.pop_front();
        }
        self.known = self.rate().or(self.known);
    }

    /// Something of the live edge failed: the time that it took says nothing of a rate.
    pub(crate) fn gave_up(&mut self, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        self.mark = (self.under_way > 0).then_some(now);
    }

    /// A sample of its own, or more of the last one: thousands of small objects a second are not kept one by one.
    fn add(&mut self, sample: Sample) {
        match self.samples.back_mut().filter(|last| last.busy < self.window / GRAINS) {
            Some(last) => {
                last.busy += sample.busy;
                last.live += sample.live;
                last.all += sample.all;
            }
            None => self.samples.push_back(sample),
        }
    }

    /// Backfill that waits for its turn was acknowledged.
    pub(crate) fn backfilled(&mut self, bytes: u64, now: Instant) {
        if self.mark.is_some() {
            self.beside += bytes;
        }
        self.backfill.push_back((now, bytes));
        while self.backfill.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > BACKFILL) {
            self.backfill.pop_front();
        }
    }

    /// A segment that had the line to itself was acknowledged after `took`.
    pub(crate) fn tried(&mut self, bytes: u64, took: Duration, now: Instant) {
        self.trial = Some((now, per_second(bytes, took)));
    }

    /// Nothing is under way any more, and what was measured is of no use: an interruption, other renditions.
    pub(crate) fn forget(&mut self, now: Instant) {
        self.samples.clear();
        self.backfill.clear();
        self.beside = 0;
        self.mark = (self.under_way > 0).then_some(now);
    }

    /// All requests were given up.
    pub(crate) fn begin_again(&mut self, now: Instant) {
        self.under_way = 0;
        self.forget(now);
    }

    /// Bytes per second of the live edge when that was last measured.
    pub(crate) fn known(&self) -> Option<u64> {
        self.known
    }

    /// Bytes per second of backfill, if it is under way long enough.
    pub(crate) fn backfill_rate(&self, now: Instant) -> Option<u64> {
        let (first, _) = self.backfill.front()?;
        let lasted = now.saturating_duration_since(*first);
        let bytes = self.backfill.iter().skip(1).map(|(_, bytes)| bytes).sum();
        (lasted >= BACKFILL_LEAST).then(|| per_second(bytes, lasted))
    }

    /// The line as it is; none if nothing can be said of it. A trial counts for `fresh`.
    pub(crate) fn line(&self, fresh: Duration, now: Instant) -> Option<Line> {
        let first = self.samples.front()?;
        let busy = self.busy();
        let open = self.mark.map_or(Duration::ZERO, |mark| now.saturating_duration_since(mark));
        let longest = self.samples.iter().map(|sample| sample.busy).max().unwrap_or_default();
        // Much longer without an end than any before: perhaps an interruption.
        if open > longest * 2 + Duration::from_secs(1) {
            return None;
        }
        let all: u64 = self.samples.iter().map(|sample| sample.all).sum();
        let tried = self.trial.filter(|(at, _)| now.saturating_duration_since(*at) <= fresh).map(|(_, rate)| rate);
        let wall = now.saturating_duration_since(first.from);
        Some(Line {
            acknowledged: (busy >= self.window).then(|| per_second(all, busy)),
            best: self.rate().max(tried).unwrap_or(0),
            busy: (busy + open).as_secs_f64() / wall.as_secs_f64().max(f64::MIN_POSITIVE),
        })
    }

    /// Bytes per second of the live edge.
    fn rate(&self) -> Option<u64> {
        let live: u64 = self.samples.iter().map(|sample| sample.live).sum();
        (live >= LEAST).then(|| per_second(live, self.busy()))
    }

    fn busy(&self) -> Duration {
        self.samples.iter().map(|sample| sample.busy).sum()
    }
}

fn per_second(bytes: u64, took: Duration) -> u64 {
    (bytes as f64 / took.as_secs_f64().max(1e-6)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn idle_time_does_not_count() {
        let (mut meter, mut now) = (Meter::new(SECOND * 4), Instant::now());
        for _ in 0..10 {
            meter.began(now);
            meter.ended(500_000, now + SECOND / 2);
            now += SECOND * 2;
        }
        let line = meter.line(SECOND, now).unwrap();
        assert_eq!((meter.known(), line.best), (Some(1_000_000), 1_000_000));
        assert!(line.busy < 0.3, "{line:?}");
    }

    #[test]
    fn what_goes_side_by_side_is_counted_once() {
        let (mut meter, now) = (Meter::new(SECOND * 2), Instant::now());
        for second in 0..4 {
            let at = now + SECOND * second;
            meter.began(at);
            meter.began(at);
            meter.ended(100_000, at + SECOND / 2);
            meter.ended(100_000, at + SECOND);
        }
        let line = meter.line(SECOND, now + SECOND * 4).unwrap();
        assert_eq!((line.acknowledged, line.best), (Some(200_000), 200_000));
        assert!(line.busy > 0.99);
    }

    #[test]
    fn backfill_beside_the_live_edge_shows_what_the_line_carries_but_not_what_the_edge_gets() {
        let (mut meter, now) = (Meter::new(SECOND), Instant::now());
        meter.began(now);
        meter.backfilled(300_000, now + SECOND);
        meter.ended(100_000, now + SECOND * 2);
        let line = meter.line(SECOND, now + SECOND * 2).unwrap();
        assert_eq!((line.acknowledged, meter.known()), (Some(200_000), Some(50_000)));
    }

    #[test]
    fn silence_is_not_judged_and_an_interruption_is_forgotten_but_for_the_last_rate() {
        let (mut meter, now) = (Meter::new(SECOND), Instant::now());
        meter.began(now);
        meter.ended(100_000, now + SECOND);
        meter.began(now + SECOND);
        assert!(meter.line(SECOND, now + SECOND * 3).is_some());
        assert_eq!(meter.line(SECOND, now + SECOND * 5), None);
        meter.gave_up(now + SECOND * 5);
        meter.forget(now + SECOND * 5);
        assert_eq!((meter.line(SECOND, now + SECOND * 5), meter.known()), (None, Some(100_000)));
    }

    #[test]
    fn a_segment_that_takes_longer_than_the_window_is_a_measure() {
        let (mut meter, now) = (Meter::new(SECOND), Instant::now());
        for n in 0..3 {
            meter.began(now + SECOND * 20 * n);
            meter.ended(200_000, now + SECOND * 20 * (n + 1));
        }
        assert_eq!(meter.line(SECOND, now + SECOND * 60).unwrap().acknowledged, Some(10_000));
    }

    #[test]
    fn a_trial_counts_while_it_is_fresh() {
        let (mut meter, now) = (Meter::new(SECOND), Instant::now());
        meter.began(now);
        meter.ended(50_000, now + SECOND);
        meter.tried(1_000_000, SECOND, now + SECOND);
        assert_eq!(meter.line(SECOND * 10, now + SECOND * 9).unwrap().best, 1_000_000);
        assert_eq!(meter.line(SECOND * 10, now + SECOND * 12).unwrap().best, 50_000);
    }
}

//! Which renditions a line carries: the highest is left out when the line has been too slow for long enough, and taken up
//! again when it has been good for long enough.
//!
//! ```text
//!              too slow for `enter`                    too slow for `enter`
//! whole ladder ───────────────────▶ without the first ───────────────────▶ without the first two …  sound alone
//!      ▲                              │        ▲                              │
//!      └──── good for `clear` ────────┘        └──────── good for `clear` ────┘
//! ```
//!
//! - Too slow: what is acknowledged while something is under way is less than the ladder makes, and the line is never
//!   idle. Whoever keeps up acknowledges, while busy, at least what the ladder makes.
//! - Good: the line carries the ladder with one rendition more, and a fifth beyond that.
//! - What cannot be judged (an interruption, nothing under way) stops the clocks and decides nothing. The shortest time to
//!   enter is longer than what the memory of a stall lasts, so a line that is merely interrupted loses no rendition.
//! - A rendition that is left out again soon after it came back waits twice as long the next time.

use std::time::{Duration, Instant};

use crate::model::{LinePolicy, WhenSlow};

/// What a line must carry beyond the ladder for another rendition to be taken up, percent.
const MARGIN: u64 = 120;
/// Less than this part of what is needed, percent, is too slow: sizes of segments are not all the same.
const TOLERANCE: u64 = 97;
/// A line that is idle for more than a tenth of the time is not too slow.
const BUSY: f64 = 0.9;
/// A rendition that is left out within so many times `clear` of its return was taken up too early.
const SOON: u32 = 2;
/// The longest wait, in times of `clear`.
const LONGEST: u32 = 16;

/// What was measured of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Line {
    /// Media acknowledged while something of the live edge was under way, bytes per second; none while too little was.
    pub acknowledged: Option<u64>,
    /// The best that it has shown of late, bytes per second.
    pub best: u64,
    /// Part of the time in which something of the live edge was under way.
    pub busy: f64,
}

/// What a ladder makes, bytes per second.
#[derive(Debug, Clone, Copy)]
pub struct Need<'a> {
    /// The video renditions, best first.
    pub video: &'a [u64],
    /// Sound and text, which are always carried.
    pub rest: u64,
}

impl Need<'_> {
    /// Without the first `dropped` renditions.
    pub fn without(&self, dropped: usize) -> u64 {
        self.rest + self.video.iter().skip(dropped).sum::<u64>()
    }

    /// How many renditions may be left out: something always goes.
    fn most(&self) -> usize {
        if self.rest > 0 { self.video.len() } else { self.video.len().saturating_sub(1) }
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateTurn {
    /// Leave out the highest that is carried.
    Drop,
    /// Take up the lowest that is left out.
    Return,
}

/// Since when something is so.
#[derive(Debug, Clone, Copy, Default)]
struct Since(Option<Instant>);

impl Since {
    /// What is seen now, after `elapsed`; for how long it has been so.
    fn see(&mut self, seen: Option<bool>, elapsed: Duration, now: Instant) -> Duration {
        self.0 = match seen {
            None => self.0.map(|since| since + elapsed),
            Some(true) => self.0.or(Some(now)),
            Some(false) => None,
        };
        self.0.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

/// See the module's header.
#[derive(Debug)]
pub struct Rate {
    policy: LinePolicy,
    enter: Duration,
    slow: Since,
    good: Since,
    patience: u32,
    returned: Option<Instant>,
    looked: Option<Instant>,
}

impl Rate {
    /// A line of which nothing is known. It must be too slow for at least `least`, whatever the policy says.
    pub fn new(policy: LinePolicy, least: Duration) -> Self {
        let enter = Duration::from_millis(policy.enter_ms.into()).max(least);
        Self {
            policy,
            enter,
            slow: Since::default(),
            good: Since::default(),
            patience: 1,
            returned: None,
            looked: None,
        }
    }

    /// Looks at a line that carries the ladder `need` without its first `dropped` renditions; `line` is none if it cannot
    /// be judged. Call in order of time, about twice a second.
    pub fn look(&mut self, line: Option<Line>, need: Need<'_>, dropped: usize, now: Instant) -> Option<RateTurn> {
        let elapsed = self.looked.replace(now).map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        if self.policy.when_slow == WhenSlow::Wait {
            // What was left out under another policy comes back.
            return (dropped > 0).then_some(RateTurn::Return);
        }
        let slow = line.and_then(|line| Some((line.acknowledged?, line.busy))).map(|(acknowledged, busy)| {
            busy >= BUSY && acknowledged * 100 < need.without(dropped).saturating_mul(TOLERANCE)
        });
        if self.slow.see(slow, elapsed, now) >= self.enter && dropped < need.most() {
            self.note_relapse(now);
            return Some(self.turn(RateTurn::Drop));
        }
        if dropped == 0 {
            self.good = Since::default();
            return None;
        }
        let wanted = need.without(dropped - 1).saturating_mul(MARGIN);
        let good = line.map(|line| slow != Some(true) && line.best.saturating_mul(100) >= wanted);
        if self.good.see(good, elapsed, now) < self.clear() {
            return None;
        }
        self.returned = Some(now);
        Some(self.turn(RateTurn::Return))
    }

    /// Nothing is known of the line any more.
    pub fn forget(&mut self) {
        (self.slow, self.good) = (Since::default(), Since::default());
    }

    /// How long the line must be good for.
    fn clear(&self) -> Duration {
        Duration::from_millis(self.policy.clear_ms.into()) * self.patience
    }

    fn note_relapse(&mut self, now: Instant) {
        let soon = (Duration::from_millis(self.policy.clear_ms.into()) * SOON).max(self.enter * 2);
        let Some(returned) = self.returned.take() else { return };
        let relapse = now.saturating_duration_since(returned) < soon;
        self.patience = if relapse { (self.patience * 2).min(LONGEST) } else { 1 };
    }

    fn turn(&mut self, turn: RateTurn) -> RateTurn {
        self.forget();
        turn
    }
}

#[cfg(test)]
#[path = "rate_tests.rs"]
mod tests;

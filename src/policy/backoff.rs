//! Capped exponential backoff with jitter.

use std::time::Duration;

/// How long to wait before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Before the first retry.
    pub first: Duration,
    /// Never longer than this.
    pub cap: Duration,
    /// Each wait is this many times the one before; at least 1.
    pub factor: f64,
    /// The part of a wait that is left to chance, 0 (none) to 1 (all of it): keeps many boxes that lost the same origin
    /// from coming back in step.
    pub jitter: f64,
}

impl Backoff {
    /// The wait before retry number `attempt` (0 is the first); `random` is uniform in 0..1. Jitter only shortens a wait,
    /// so that the cap is a promise.
    pub fn next(&self, attempt: u32, random: f64) -> Duration {
        let cap = self.cap.as_secs_f64();
        let exponent = i32::try_from(attempt).unwrap_or(i32::MAX);
        let grown = self.first.as_secs_f64() * self.factor.max(1.0).powi(exponent);
        // A huge attempt number overflows to infinity, 0 × infinity is not a number: both mean the cap or nothing.
        let wait = if self.first.is_zero() { 0.0 } else { grown.min(cap) };
        let random = if random.is_finite() { random.clamp(0.0, 1.0) } else { 0.0 };
        Duration::from_secs_f64((wait * (1.0 - self.jitter.clamp(0.0, 1.0) * random)).clamp(0.0, cap))
    }
}

/// Attempts that failed in a row: a [`Backoff`] that remembers where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempts {
    backoff: Backoff,
    failed: u32,
}

impl Attempts {
    /// None failed yet.
    pub fn new(backoff: Backoff) -> Self {
        Self { backoff, failed: 0 }
    }

    /// One more failed: how long to wait before the next.
    pub fn failed(&mut self, random: f64) -> Duration {
        let wait = self.backoff.next(self.failed, random);
        self.failed = self.failed.saturating_add(1);
        wait
    }

    /// It worked, for long enough: the next failure is the first again.
    pub fn reset(&mut self) {
        self.failed = 0;
    }

    /// Failures in a row.
    pub fn count(&self) -> u32 {
        self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PUSH: Backoff =
        Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(2), factor: 2.0, jitter: 0.25 };

    #[test]
    fn waits_double_up_to_the_cap() {
        let waits: Vec<u128> = (0..7).map(|attempt| PUSH.next(attempt, 0.0).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 2000, 2000]);
        assert_eq!(PUSH.next(0, 1.0), Duration::from_millis(75));
    }

    #[test]
    fn a_reset_begins_anew() {
        let mut attempts = Attempts::new(PUSH);
        attempts.failed(0.0);
        attempts.failed(0.0);
        assert_eq!(attempts.count(), 2);
        attempts.reset();
        assert_eq!(attempts.failed(0.0), PUSH.first);
    }

    proptest! {
        #[test]
        fn no_wait_exceeds_the_cap_or_panics(first in 0u64..100_000, cap in 0u64..100_000, factor in prop::num::f64::ANY,
                                             jitter in prop::num::f64::NORMAL, attempt: u32, random in prop::num::f64::ANY) {
            let factor = if factor.is_nan() { 2.0 } else { factor };
            let backoff = Backoff { first: Duration::from_millis(first), cap: Duration::from_millis(cap), factor, jitter };
            prop_assert!(backoff.next(attempt, random) <= backoff.cap);
        }

        #[test]
        fn waits_never_shrink_while_failures_go_on(attempt in 0u32..1000) {
            prop_assert!(PUSH.next(attempt, 0.5) <= PUSH.next(attempt + 1, 0.5));
        }
    }
}

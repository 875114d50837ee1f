//! The restart budget of a worker process.
//!
//! A channel that dies is worth an immediate restart; a channel that dies again and again is not worth the whole box.
//!
//! ```text
//!            run ≥ healthy_run: forget the short runs
//!          ┌──────────────────────────────┐
//!          ▼                              │
//!       budget left ── short run ──▶ After(0, first, 2 × first, … cap)
//!          │                              ▲
//!          │ more than `limit` short runs │ run ≥ healthy_run
//!          ▼ within `window`              │
//!       exhausted ── short run ──▶ Exhausted{retry_after}, for ever
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::backoff::Backoff;

/// The limits of a [`RestartBudget`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RestartPolicy {
    /// Restarts after short runs that are allowed within `window`.
    pub limit: usize,
    /// The sliding window.
    pub window: Duration,
    /// A run of at least this long was healthy: it earns an immediate restart and a full budget.
    pub healthy_run: Duration,
    /// Waits from the second short run on; the first restart is immediate.
    pub backoff: Backoff,
    /// Once the budget is used up, one attempt after this long each time: a channel is never given up for good,
    /// because what broke it (a driver, a full disk) may be mended while nobody thinks of the channel.
    pub slow_retry: Duration,
}

impl Default for RestartPolicy {
    /// Ten short runs (under 10 s) in five minutes; then every 30 s.
    fn default() -> Self {
        Self {
            limit: 10,
            window: Duration::from_secs(300),
            healthy_run: Duration::from_secs(10),
            backoff: Backoff {
                first: Duration::from_millis(250),
                cap: Duration::from_secs(5),
                factor: 2.0,
                jitter: 0.0,
            },
            slow_retry: Duration::from_secs(30),
        }
    }
}

/// What to do about a worker that ended unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RestartDecision {
    /// Start it again after this long; zero for at once.
    After(Duration),
    /// The budget is used up: report the channel as failed and try once more after `retry_after`.
    Exhausted {
        /// Until the next attempt.
        retry_after: Duration,
    },
}

/// Restarts of one worker.
#[derive(Debug, Clone)]
pub struct RestartBudget {
    policy: RestartPolicy,
    /// When short runs within the window ended, oldest first.
    short_runs: VecDeque<Instant>,
    /// Short runs in a row.
    in_a_row: u32,
    exhausted: bool,
}

impl RestartBudget {
    /// A full budget.
    pub fn new(policy: RestartPolicy) -> Self {
        Self { policy, short_runs: VecDeque::new(), in_a_row: 0, exhausted: false }
    }

    /// A run of `ran_for` ended unasked at `now`.
    pub fn on_exit(&mut self, now: Instant, ran_for: Duration) -> RestartDecision {
        if ran_for >= self.policy.healthy_run {
            self.reset();
        }
        let window = self.policy.window;
        while self.short_runs.front().is_some_and(|ended| now.saturating_duration_since(*ended) >= window) {
            self.short_runs.pop_front();
        }
        self.short_runs.push_back(now);
        // The latch keeps the memory bounded, too: an exhausted budget does not look at the window again.
        self.exhausted |= self.short_runs.len() > self.policy.limit;
        if self.exhausted {
            self.short_runs.clear();
            return RestartDecision::Exhausted { retry_after: self.policy.slow_retry };
        }
        let wait = match self.in_a_row {
            0 => Duration::ZERO,
            earlier => self.policy.backoff.next(earlier - 1, 0.0),
        };
        self.in_a_row = self.in_a_row.saturating_add(1);
        RestartDecision::After(wait)
    }

    /// Somebody ordered a start, or changed the configuration: past failures no longer count.
    pub fn reset(&mut self) {
        self.short_runs.clear();
        self.in_a_row = 0;
        self.exhausted = false;
    }

    /// Whether the last decision was [`RestartDecision::Exhausted`].
    pub fn is_exhausted(&self) -> bool {
        self.exhausted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHORT: Duration = Duration::from_millis(200);

    fn policy() -> RestartPolicy {
        RestartPolicy { limit: 3, window: Duration::from_secs(60), ..RestartPolicy::default() }
    }

    #[test]
    fn the_first_restart_is_immediate_then_backoff_then_slow() {
        let mut budget = RestartBudget::new(policy());
        let now = Instant::now();
        let decisions: Vec<_> = (0..5).map(|_| budget.on_exit(now, SHORT)).collect();
        let slow = RestartDecision::Exhausted { retry_after: Duration::from_secs(30) };
        assert_eq!(
            decisions,
            [
                RestartDecision::After(Duration::ZERO),
                RestartDecision::After(Duration::from_millis(250)),
                RestartDecision::After(Duration::from_millis(500)),
                slow,
                slow,
            ]
        );
        assert!(budget.is_exhausted());
    }

    #[test]
    fn exhausted_stays_so_until_a_healthy_run() {
        let mut budget = RestartBudget::new(policy());
        let mut now = Instant::now();
        for _ in 0..4 {
            budget.on_exit(now, SHORT);
        }
        // Slow retries alone leave the window empty; they are no evidence of health.
        for _ in 0..10 {
            now += Duration::from_secs(30);
            assert!(matches!(budget.on_exit(now, SHORT), RestartDecision::Exhausted { .. }));
        }
        now += Duration::from_secs(60);
        assert_eq!(budget.on_exit(now, Duration::from_secs(60)), RestartDecision::After(Duration::ZERO));
    }

    #[test]
    fn short_runs_far_apart_do_not_exhaust() {
        let mut budget = RestartBudget::new(policy());
        let mut now = Instant::now();
        for _ in 0..20 {
            now += Duration::from_secs(30);
            assert!(matches!(budget.on_exit(now, SHORT), RestartDecision::After(_)));
        }
    }

    proptest! {
        #[test]
        fn a_healthy_run_always_earns_an_immediate_restart(runs in prop::collection::vec(0u64..30_000, 1..100)) {
            let mut budget = RestartBudget::new(RestartPolicy::default());
            let mut now = Instant::now();
            for run in runs {
                let ran_for = Duration::from_millis(run);
                now += ran_for;
                let decision = budget.on_exit(now, ran_for);
                if ran_for >= RestartPolicy::default().healthy_run {
                    prop_assert_eq!(decision, RestartDecision::After(Duration::ZERO));
                }
                if let RestartDecision::After(wait) = decision {
                    prop_assert!(wait <= RestartPolicy::default().backoff.cap);
                }
            }
        }

        #[test]
        fn no_more_than_the_limit_of_fast_restarts_in_a_window(gaps in prop::collection::vec(0u64..9_000, 1..100)) {
            let policy = RestartPolicy::default();
            let mut budget = RestartBudget::new(policy);
            let mut now = Instant::now();
            let mut restarts: Vec<Instant> = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                if let RestartDecision::After(_) = budget.on_exit(now, Duration::from_millis(gap)) {
                    restarts.push(now);
                }
                let recent = restarts.iter().filter(|at| now.duration_since(**at) < policy.window).count();
                prop_assert!(recent <= policy.limit);
            }
        }
    }
}

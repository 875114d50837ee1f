//! The course of an endpoint: what it does, and when it is tried again. Pure; time and chance are passed in.
//!
//! ```text
//!                  acknowledged                 broken, or nothing acknowledged for `stall`
//! connecting ─────────────────────▶ streaming ──────────────────────────────────────────────▶ interrupted
//!     │  ▲                             ▲ ▲                                                       │   │
//!     │  └─ wanted ── idle             │ └─────────────────── acknowledged ──────────────────────┘   │
//!     │                 ▲              └───────────────────── acknowledged ─ failed ◀─ refused ──────┤
//!     └── broken: interrupted; refused: failed          (from any: on slate, or not in use ─▶ idle)
//! ```
//!
//! What a person has to mend (a wrong passphrase, a wrong key) is tried again, but seldom. A connection that streamed
//! for [`HEALTHY`] counts as good: the failure after it is the first again.

use std::time::{Duration, Instant};

use super::carrier::{Broken, Progress};
use crate::model::status::DestinationState;
use crate::policy::{Attempts, Backoff};

const FAST: Backoff =
    Backoff { first: Duration::from_millis(200), cap: Duration::from_secs(5), factor: 2.0, jitter: 0.3 };
const SLOW: Backoff = Backoff { first: Duration::from_secs(5), cap: Duration::from_secs(60), factor: 2.0, jitter: 0.3 };

/// A connection that has streamed for this long was a good one.
pub(super) const HEALTHY: Duration = Duration::from_secs(10);

/// Why it is not to be connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idle {
    /// The program is on slate.
    Paused,
    /// Another endpoint is in use.
    Rests,
}

/// What somebody should hear of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// It streams; again, after so long.
    Streams(Option<Duration>),
    /// It does not any more, or has not yet.
    Interrupted(Broken),
    /// It refuses.
    Failed(Broken),
}

/// See the module's header.
#[derive(Debug)]
pub(super) struct Course {
    state: DestinationState,
    idle: Option<Idle>,
    stall: Duration,
    fast: Attempts,
    slow: Attempts,
    /// Since when it streams, or does not.
    since: Instant,
    streamed: bool,
    broken: Option<Broken>,
    reconnects: u64,
    moved: Moved,
}

/// What was acknowledged last, and what had been sent then.
#[derive(Debug, Clone, Copy)]
struct Moved {
    at: Instant,
    acknowledged: u64,
    sent: u64,
}

impl Course {
    pub(super) fn new(stall: Duration, now: Instant) -> Self {
        Self {
            state: DestinationState::Connecting,
            idle: None,
            stall,
            fast: Attempts::new(FAST),
            slow: Attempts::new(SLOW),
            since: now,
            streamed: false,
            broken: None,
            reconnects: 0,
            moved: Moved { at: now, acknowledged: 0, sent: 0 },
        }
    }

    pub(super) fn state(&self) -> DestinationState {
        if self.idle.is_some() { DestinationState::Disabled } else { self.state }
    }

    /// Times it came back.
    pub(super) fn reconnects(&self) -> u64 {
        self.reconnects
    }

    /// What is wrong, as long as it is.
    pub(super) fn broken(&self) -> Option<&Broken> {
        self.broken.as_ref()
    }

    /// It is not to be connected for now, or again.
    pub(super) fn idle(&mut self, idle: Option<Idle>, now: Instant) {
        if idle.is_none() && self.idle.is_some() {
            self.state = DestinationState::Connecting;
            self.since = now;
            self.broken = None;
            self.streamed = false;
        }
        self.idle = idle;
    }

    /// Why it is not connected, if that is wanted.
    pub(super) fn idles(&self) -> Option<Idle> {
        self.idle
    }

    /// A connection was opened.
    pub(super) fn opened(&mut self, now: Instant) {
        self.moved = Moved { at: now, acknowledged: 0, sent: 0 };
    }

    /// How far the connection has come; the second tells that it stands still.
    pub(super) fn progress(&mut self, progress: &Progress, now: Instant) -> (Option<Change>, Option<Broken>) {
        if progress.heard == Some(false) {
            // Nobody listens: that is no stall, and no success either.
            self.moved = Moved { at: now, acknowledged: 0, sent: progress.sent };
            return (self.unheard(now), None);
        }
        // Who cannot tell is believed to receive what is sent.
        let acknowledged = progress.acknowledged.unwrap_or(progress.sent);
        if acknowledged > self.moved.acknowledged {
            self.moved = Moved { at: now, acknowledged, sent: progress.sent };
            return (self.streams(now), None);
        }
        if progress.sent == self.moved.sent && progress.queue.is_zero() {
            // Nothing new to be acknowledged.
            self.moved.at = now;
        }
        let still = now.saturating_duration_since(self.moved.at);
        let stalled = still >= self.stall;
        let broken = || {
            let reason = format!("the peer acknowledged nothing for {:.1} s", still.as_secs_f64());
            Broken::passing(reason, "check the network to the peer, and whether the peer hangs")
        };
        (None, stalled.then(broken))
    }

    fn streams(&mut self, now: Instant) -> Option<Change> {
        if self.state == DestinationState::Streaming {
            if now.saturating_duration_since(self.since) >= HEALTHY {
                self.fast.reset();
                self.slow.reset();
            }
            return None;
        }
        let away = self.streamed.then(|| now.saturating_duration_since(self.since));
        self.reconnects += u64::from(self.streamed);
        (self.state, self.streamed, self.since, self.broken) = (DestinationState::Streaming, true, now, None);
        Some(Change::Streams(away))
    }

    /// A listener without a caller.
    fn unheard(&mut self, now: Instant) -> Option<Change> {
        if self.state != DestinationState::Streaming {
            return None;
        }
        let left = Broken::passing("the caller has left", "check the receiver and the network between");
        (self.state, self.since, self.broken) = (DestinationState::Interrupted, now, Some(left.clone()));
        Some(Change::Interrupted(left))
    }

    /// The connection broke, or did not come about: how long to wait, and what to tell.
    pub(super) fn broke(&mut self, broken: Broken, now: Instant, random: f64) -> (Duration, Option<Change>) {
        let state = if broken.by_hand { DestinationState::Failed } else { DestinationState::Interrupted };
        let wait = if broken.by_hand { self.slow.failed(random) } else { self.fast.failed(random) };
        // Each attempt fails anew; that is told once.
        let told = self.state == state && self.broken.as_ref().is_some_and(|before| before.reason == broken.reason);
        if self.state == DestinationState::Streaming || !self.streamed && self.broken.is_none() {
            self.since = now;
        }
        (self.state, self.broken) = (state, Some(broken.clone()));
        let change = if broken.by_hand { Change::Failed(broken) } else { Change::Interrupted(broken) };
        (wait, (!told).then_some(change))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STALL: Duration = Duration::from_secs(3);

    fn progress(sent: u64, acknowledged: Option<u64>) -> Progress {
        Progress { sent, acknowledged, ..Progress::default() }
    }

    fn lost() -> Broken {
        Broken::passing("the connection broke", "look")
    }

    #[test]
    fn it_streams_when_something_is_acknowledged() {
        let now = Instant::now();
        let mut course = Course::new(STALL, now);
        course.opened(now);
        assert_eq!(course.progress(&progress(1000, Some(0)), now), (None, None));
        assert_eq!(course.state(), DestinationState::Connecting);
        assert_eq!(course.progress(&progress(2000, Some(500)), now).0, Some(Change::Streams(None)));
        let (wait, change) = course.broke(lost(), now, 0.0);
        assert_eq!((wait, change), (FAST.first, Some(Change::Interrupted(lost()))));
        assert_eq!(course.broke(lost(), now, 0.0), (FAST.first * 2, None), "the same is told once");
        let back = now + Duration::from_secs(7);
        course.opened(back);
        let (change, _) = course.progress(&progress(10, Some(10)), back);
        assert_eq!((change, course.reconnects()), (Some(Change::Streams(Some(Duration::from_secs(7)))), 1));
        assert!(course.broken().is_none());
    }

    #[test]
    fn standing_still_is_seen_by_what_is_acknowledged() {
        let now = Instant::now();
        let mut course = Course::new(STALL, now);
        course.opened(now);
        course.progress(&progress(1000, Some(1000)), now);
        for seconds in 1..60 {
            let idle = course.progress(&progress(1000, Some(1000)), now + Duration::from_secs(seconds));
            assert_eq!(idle, (None, None), "nothing was sent");
        }
        let sent = now + Duration::from_secs(60);
        assert_eq!(course.progress(&progress(5000, Some(1000)), sent).1, None);
        let (_, stalled) = course.progress(&progress(9000, Some(1000)), sent + STALL);
        assert!(stalled.unwrap().reason.contains("acknowledged nothing for"));
        let mut blind = Course::new(STALL, now);
        blind.opened(now);
        assert_eq!(blind.progress(&progress(1, None), now).0, Some(Change::Streams(None)));
    }

    #[test]
    fn what_a_person_has_to_mend_is_tried_seldom() {
        let now = Instant::now();
        let mut course = Course::new(STALL, now);
        let refused = Broken::refused("the passphrase is wrong", "compare");
        let (wait, change) = course.broke(refused.clone(), now, 0.0);
        assert_eq!((wait, change), (SLOW.first, Some(Change::Failed(refused))));
        assert_eq!(course.state(), DestinationState::Failed);
    }

    #[test]
    fn a_listener_waits_for_its_caller_without_a_stall() {
        let now = Instant::now();
        let mut course = Course::new(STALL, now);
        course.opened(now);
        let alone = Progress { sent: 10, acknowledged: Some(0), heard: Some(false), ..Progress::default() };
        for seconds in 0..100 {
            let told =
                course.progress(&Progress { sent: seconds, ..alone.clone() }, now + Duration::from_secs(seconds));
            assert_eq!(told, (None, None));
        }
        assert_eq!(course.state(), DestinationState::Connecting);
        let heard = Progress { heard: Some(true), sent: 200, acknowledged: Some(50), ..Progress::default() };
        course.progress(&heard, now + Duration::from_secs(100));
        assert_eq!(course.state(), DestinationState::Streaming);
        let (change, _) = course.progress(&alone, now + Duration::from_secs(101));
        assert!(matches!(change, Some(Change::Interrupted(_))));
    }

    #[test]
    fn a_pause_is_no_fault() {
        let now = Instant::now();
        let mut course = Course::new(STALL, now);
        course.broke(lost(), now, 0.0);
        course.idle(Some(Idle::Paused), now);
        assert_eq!(course.state(), DestinationState::Disabled);
        course.idle(None, now);
        assert_eq!((course.state(), course.broken()), (DestinationState::Connecting, None));
    }

    proptest! {
        #[test]
        fn waits_are_bounded_and_good_runs_make_the_next_failure_the_first(
            runs in prop::collection::vec((any::<bool>(), 0u64..30, 0.0f64..1.0), 1..40),
        ) {
            let start = Instant::now();
            let (mut now, mut course) = (start, Course::new(STALL, start));
            for (by_hand, streamed, random) in runs {
                course.opened(now);
                for second in 0..streamed {
                    now += Duration::from_secs(1);
                    let (_, stalled) = course.progress(&progress(second + 1, Some(second + 1)), now);
                    prop_assert_eq!(stalled, None);
                }
                let good = streamed > HEALTHY.as_secs() + 1;
                let (wait, _) = course.broke(Broken { by_hand, ..lost() }, now, random);
                let backoff = if by_hand { SLOW } else { FAST };
                prop_assert!(wait <= backoff.cap);
                prop_assert!(!good || wait <= backoff.first, "{:?}", wait);
                now += wait;
            }
        }
    }
}

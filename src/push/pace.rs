//! How fast backfill may go beside the live edge: a token bucket of one piece, shut while a segment of the live edge is
//! under way.
//!
//! ```text
//!   live segment ── hold ──▶ ┌──────────────────────────────┐
//!   backfill ───── turn ───▶ │ held? wait   too early? wait │ ──piece──▶ connection
//!   measured rate ─ limit ─▶ └──────────────────────────────┘
//! ```
//!
//! Backfill hands its body to the connection piece by piece and waits for its turn before each. As it never goes faster
//! than a part of what the line carries, no pieces pile up in front of a live segment: it is delayed by the one that is
//! on its way. A piece is held for [`TRICKLE`] at most, so that no receiver takes the request for dead.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// A piece of backfill: the most that a live segment has to wait for.
pub(crate) const PIECE: usize = 16 * 1024;
/// A piece is not held longer; receivers give up a body that stands still after some 10 s.
const TRICKLE: Duration = Duration::from_secs(3);
/// A request is over after this, however slow: receivers do not wait for ever.
const SLOWEST: Duration = Duration::from_secs(40);
/// What a timer may be late without slowing backfill down.
const SLACK: Duration = Duration::from_millis(10);

/// What a piece is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Go,
    Held,
    NotBefore(Instant),
}

#[derive(Debug, Default)]
struct State {
    /// Live segments under way.
    live: u32,
    /// Bytes per second for backfill; none: as fast as it goes.
    limit: Option<u64>,
    /// When the next piece may go.
    next: Option<Instant>,
    /// Pieces that wait for their turn.
    waiting: u32,
    /// Pieces that have been held.
    held: u64,
}

impl State {
    /// Whether a piece of `bytes` may go at `now`; if so, it goes. `least` is the slowest that its request may be.
    fn ask(&mut self, bytes: u64, metered: bool, least: u64, now: Instant) -> Answer {
        if self.live > 0 {
            return Answer::Held;
        }
        let Some(limit) = self.limit.filter(|_| metered) else { return Answer::Go };
        if let Some(at) = self.next.filter(|at| *at > now) {
            return Answer::NotBefore(at);
        }
        let from = self.next.map_or(now, |at| at.max(now.checked_sub(SLACK).unwrap_or(now)));
        self.next = Some(from + Duration::from_secs_f64(bytes as f64 / limit.max(least).max(1) as f64));
        Answer::Go
    }
}

/// See the module's header. One for each endpoint.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    state: Mutex<State>,
    changed: Notify,
}

impl Pace {
    /// Bytes per second for backfill from now on; none: as fast as it goes.
    pub(crate) fn limit(&self, bytes_per_second: Option<u64>) {
        let mut state = self.state();
        if bytes_per_second.is_none() {
            state.next = None;
        }
        if std::mem::replace(&mut state.limit, bytes_per_second) != bytes_per_second {
            self.changed.notify_waiters();
        }
    }

    /// Backfill stands still until this is dropped.
    pub(crate) fn hold(self: &Arc<Self>) -> Hold {
        self.state().live += 1;
        Hold(Arc::clone(self))
    }

    /// For a request of backfill of `bytes` to wait with; `metered` if it is bound by the limit.
    pub(crate) fn turn(self: &Arc<Self>, bytes: u64, metered: bool) -> Turn {
        Turn { pace: Arc::clone(self), metered, least: bytes / SLOWEST.as_secs() }
    }

    /// Whether pieces wait for their time, and for nothing else: that nothing moves is no stall then.
    pub(crate) fn is_metering(&self) -> bool {
        let state = self.state();
        state.waiting > 0 && state.live == 0
    }

    /// Pieces held so far.
    pub(crate) fn held(&self) -> u64 {
        self.state().held
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A live segment under way.
#[derive(Debug)]
pub(crate) struct Hold(Arc<Pace>);

impl Drop for Hold {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.live = state.live.saturating_sub(1);
        if state.live == 0 {
            self.0.changed.notify_waiters();
        }
    }
}

tokio::task_local! {
    static TURN: Turn;
}

/// A request of backfill, which waits before each piece.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pace: Arc<Pace>,
    metered: bool,
    least: u64,
}

impl Turn {
    /// Does `act` as backfill, if there is a `turn` to wait for.
    pub(crate) async fn scope<T>(turn: Option<Self>, act: impl Future<Output = T>) -> T {
        match turn {
            Some(turn) => TURN.scope(turn, act).await,
            None => act.await,
        }
    }

    /// What a request that is made now has to wait for.
    pub(crate) fn current() -> Option<Self> {
        TURN.try_with(Clone::clone).ok()
    }

    /// Waits until a piece of `bytes` may go.
    pub(crate) async fn wait(&self, bytes: u64) {
        let held_until = Instant::now() + TRICKLE;
        let mut waits: Option<Waits<'_>> = None;
        loop {
            let changed = self.pace.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let now = Instant::now();
            let answer = self.pace.state().ask(bytes, self.metered, self.least, now);
            let until = match answer {
                Answer::Go => return,
                Answer::Held if now >= held_until => return,
                Answer::Held => held_until,
                Answer::NotBefore(at) => at,
            };
            if waits.is_none() {
                waits = Some(Waits::begin(&self.pace, answer == Answer::Held));
            }
            let _ = tokio::time::timeout_at(until.into(), changed).await;
        }
    }
}

/// A piece that waits; also if its request is given up.
struct Waits<'a>(&'a Pace);

impl<'a> Waits<'a> {
    fn begin(pace: &'a Pace, held: bool) -> Self {
        let mut state = pace.state();
        state.waiting += 1;
        state.held += u64::from(held);
        drop(state);
        Self(pace)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.waiting = state.waiting.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn backfill_takes_its_share_and_not_a_piece_while_a_live_segment_is_under_way(
            limit in 1_000u64..50_000_000,
            steps in prop::collection::vec((0u64..50, prop_oneof![4 => Just(0u8), 1 => Just(1), 1 => Just(2)]), 1..300),
        ) {
            let start = Instant::now();
            let (mut now, mut gone) = (start, 0u64);
            let mut state = State { limit: Some(limit), ..State::default() };
            for (millis, what) in steps {
                now += Duration::from_millis(millis);
                match what {
                    1 => state.live += 1,
                    2 => state.live = state.live.saturating_sub(1),
                    _ => {}
                }
                for _ in 0..64 {
                    match state.ask(PIECE as u64, true, 0, now) {
                        Answer::Go => {
                            prop_assert_eq!(state.live, 0);
                            gone += PIECE as u64;
                        }
                        Answer::Held => { prop_assert!(state.live > 0); break }
                        Answer::NotBefore(at) => { prop_assert!(at > now); break }
                    }
                }
                let allowed = limit as f64 * ((now - start) + SLACK).as_secs_f64() + PIECE as f64;
                prop_assert!(gone as f64 <= allowed + 1.0, "{gone} of {allowed}");
            }
        }
    }

    #[test]
    fn without_a_limit_and_for_a_trial_it_goes_as_it_can() {
        let now = Instant::now();
        let mut state = State { limit: Some(1000), ..State::default() };
        assert!((0..100).all(|_| state.ask(PIECE as u64, false, 0, now) == Answer::Go));
        state.limit = None;
        assert!((0..100).all(|_| state.ask(PIECE as u64, true, 0, now) == Answer::Go));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_held_goes_on_when_the_live_segment_has_gone() {
        let pace = Arc::new(Pace::default());
        let (hold, turn) = (pace.hold(), pace.turn(1 << 20, true));
        let piece = tokio::spawn(async move { turn.wait(PIECE as u64).await });
        tokio::time::timeout(Duration::from_millis(100), async {
            while pace.held() == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        assert!(!piece.is_finished() && !pace.is_metering());
        drop(hold);
        tokio::time::timeout(Duration::from_millis(100), piece).await.unwrap().unwrap();
    }
}

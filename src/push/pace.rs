//! How fast backfill may go beside the live edge: a token bucket, shut for whatever has to wait for what goes before it.
//!
//! ```text
//!   live edge ────────── hold ───────▶ ┌──────────────────────────────┐
//!   window ───── hold ── turn ───────▶ │ held? wait   too early? wait │ ──piece──▶ connection
//!   older ────────────── turn ───────▶ └──────────────────────────────┘
//!   measured rate ────── limit ──────▶
//! ```
//!
//! Backfill hands its body to the connection piece by piece and asks before each. Nobody asks for the live edge: it never
//! waits here. What is missing in the playlist's window waits for the live edge, what is older for both, also in the
//! middle of a transfer. As backfill never goes faster than a part of what the line carries, no pieces pile up in front of
//! a live segment: it is delayed by what is on its way. A piece is held for [`TRICKLE`] at most, so that no receiver takes
//! the request for dead.
//!
//! Over a long line a live segment is under way for most of its duration, though little of that is sending. What backfill
//! could not use in that time it may use afterwards, up to [`DEPTH`].

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// A piece of backfill: the most that a live segment has to wait for.
pub(crate) const PIECE: usize = 16 * 1024;
/// A piece is not held longer; receivers give up a body that stands still after some 10 s.
const TRICKLE: Duration = Duration::from_secs(3);
/// A request is over after this, however slow: receivers do not wait for ever.
const SLOWEST: Duration = Duration::from_secs(40);
/// So much of the time that backfill was held, or a timer late, is made up for: with half of the line for its share, an
/// eighth of a second's worth of it may be in front of a live segment.
const DEPTH: Duration = Duration::from_millis(250);

/// What goes before what: a rank waits for those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// A segment of the live edge.
    Live,
    /// One that is missing in the playlist's window.
    Window,
    /// An older one.
    Older,
}

/// What a piece is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Go,
    Held,
    NotBefore(Instant),
}

#[derive(Debug, Default)]
struct State {
    /// Segments under way, of the live edge and of the window.
    under_way: [u32; 2],
    /// Nobody waits for anybody, and nothing is metered: there is no live edge, or a first window is being filled.
    open: bool,
    /// Bytes per second for backfill; none: as fast as it goes.
    limit: Option<u64>,
    /// When the next piece may go.
    next: Option<Instant>,
    /// Pieces that wait for their time.
    metered: u32,
    /// Times that a piece had to wait.
    waits: u64,
}

impl State {
    /// Whether a piece of `bytes` may go at `now`; if so, it goes.
    fn ask(&mut self, turn: &Turn, bytes: u64, now: Instant) -> Answer {
        if self.open {
            return Answer::Go;
        }
        if self.under_way.iter().take(turn.rank as usize).any(|count| *count > 0) {
            return Answer::Held;
        }
        let Some(limit) = self.limit.filter(|_| turn.metered) else { return Answer::Go };
        if let Some(at) = self.next.filter(|at| *at > now) {
            return Answer::NotBefore(at);
        }
        let from = self.next.map_or(now, |at| at.max(now.checked_sub(DEPTH).unwrap_or(now)));
        self.next = Some(from + Duration::from_secs_f64(bytes as f64 / limit.max(turn.least).max(1) as f64));
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
    /// Backfill yields to the live edge from now on, and has so many bytes per second; none: as fast as it goes.
    pub(crate) fn limit(&self, bytes_per_second: Option<u64>) {
        self.set(false, bytes_per_second);
    }

    /// Everything goes as fast as it can from now on.
    pub(crate) fn open(&self) {
        self.set(true, None);
    }

    fn set(&self, open: bool, limit: Option<u64>) {
        let mut state = self.state();
        if limit.is_none() {
            state.next = None;
        }
        if (state.open, state.limit) != (open, limit) {
            (state.open, state.limit) = (open, limit);
            self.changed.notify_waiters();
        }
    }

    /// What comes after `rank` stands still until this is dropped.
    pub(crate) fn hold(self: &Arc<Self>, rank: Rank) -> Hold {
        if let Some(count) = self.state().under_way.get_mut(rank as usize) {
            *count += 1;
        }
        Hold { pace: Arc::clone(self), rank }
    }

    /// For a request of `bytes` to wait with; `metered` if it is bound by the limit.
    pub(crate) fn turn(self: &Arc<Self>, rank: Rank, bytes: u64, metered: bool) -> Turn {
        Turn { pace: Arc::clone(self), rank, metered, least: bytes / SLOWEST.as_secs() }
    }

    /// Whether pieces wait for their time, and for nothing else: that nothing moves is no stall then.
    pub(crate) fn is_metering(&self) -> bool {
        let state = self.state();
        state.metered > 0 && state.under_way[Rank::Live as usize] == 0
    }

    /// How often a piece had to wait so far.
    pub(crate) fn waits(&self) -> u64 {
        self.state().waits
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A segment under way that others wait for.
#[derive(Debug)]
pub(crate) struct Hold {
    pace: Arc<Pace>,
    rank: Rank,
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(count) = self.pace.state().under_way.get_mut(self.rank as usize) {
            *count = count.saturating_sub(1);
        }
        self.pace.changed.notify_waiters();
    }
}

tokio::task_local! {
    static TURN: Turn;
}

/// A request of backfill, which waits before each piece.
#[derive(Debug, Clone)]
pub(crate) struct Turn {
    pace: Arc<Pace>,
    rank: Rank,
    metered: bool,
    /// Bytes per second: the slowest that it may be.
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
        let mut metered = None;
        for waited in 0_u64.. {
            let changed = self.pace.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let now = Instant::now();
            let answer = self.pace.state().ask(self, bytes, now);
            let until = match answer {
                Answer::Go => return,
                Answer::Held if now >= held_until => return,
                Answer::Held => {
                    metered = None;
                    held_until
                }
                Answer::NotBefore(at) => {
                    metered.get_or_insert_with(|| Metered::begin(&self.pace));
                    at
                }
            };
            if waited == 0 {
                self.pace.state().waits += 1;
            }
            let _ = tokio::time::timeout_at(until, changed).await;
        }
    }
}

/// A piece that waits for its time; also if its request is given up.
struct Metered<'a>(&'a Pace);

impl<'a> Metered<'a> {
    fn begin(pace: &'a Pace) -> Self {
        pace.state().metered += 1;
        Self(pace)
    }
}

impl Drop for Metered<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.metered = state.metered.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests;

//! The life of a channel's worker as a pure state machine: `(state, input, now) → (state, actions)`. It knows no
//! process, no socket and no clock; the actor carries out what it asks for and tells it what happened.
//!
//! ```text
//!          wanted                    hello, start(plan)          ready
//!   idle ─────────▶ launching ──────────────────────────────────────────▶ up ──┐ beat, unlinked, linked
//!    ▲ ▲               │  │ ended                                  ended │ ◀──┘
//!    │ │ not wanted    │  └──────────────▶ waiting ◀────────────────────┤
//!    │ └───────────────┼──────────────────   │ backoff over: launching   │ no beat, or no progress
//!    │                 │ not ready in time,  ▲                           │
//!    │                 │ refused, no common  │ ended, after a fault      │
//!    │                 ▼ protocol            │                           ▼
//!    └──────────── ending (asked → terminated → killed) ◀────────────────┘
//!      ended, not wanted    │ ended, wanted again: launching
//! ```
//!
//! Off air, a worker may still have to deliver what destinations have not got (`owed`). It goes through the same phases, told
//! `deliver` in place of `start`; its end in order is that of the task. A start ends it first.
//!
//! ```text
//!   ending, or idle ── off air, owed ──▶ launching ──▶ up ── all there ─▶ idle
//!                                            ▲         ├── fault ─────▶ waiting ── backoff over ──▶ launching
//!                                  other plan└─────────┴── wanted ────▶ ending ──▶ launching, on air
//! ```
//!
//! Every phase but `idle` has a deadline, so nothing waits for ever. The first restart is immediate; the budget says
//! when the next may come (`policy`).

mod machine;

use std::time::Duration;

use crate::model::MediaTime;
use crate::policy::RestartPolicy;
use crate::system::Exit;

pub(crate) use machine::Lifecycle;

/// How long things may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// From launch to ready.
    pub ready_within: Duration,
    /// What a worker is given to go off air in order.
    pub stop_within: Duration,
    /// Between the end of that and SIGTERM, and between SIGTERM and SIGKILL.
    pub patience: Duration,
    /// When a worker is started again.
    pub restarts: RestartPolicy,
}

impl Default for Limits {
    /// Ready in 10 s; off air in 5 s, 5.7 s (SIGTERM) or 6.4 s (SIGKILL), so that the daemon is down within 8 s.
    fn default() -> Self {
        Self {
            ready_within: Duration::from_secs(10),
            stop_within: Duration::from_secs(5),
            patience: Duration::from_millis(700),
            restarts: RestartPolicy::default(),
        }
    }
}

impl Limits {
    /// The longest an orderly stop takes, by SIGKILL at the last.
    pub(crate) fn longest_stop(&self) -> Duration {
        self.stop_within + self.patience * 3
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Input {
    /// Somebody wants the channel on air, or off.
    Want(bool),
    /// Whether destinations are to get what they have not got yet although the channel is off air.
    Owe(bool),
    /// The plan changed: the worker is to be replaced.
    Renew,
    /// A worker was found; its hello is in and its plan is equal.
    FoundFit,
    /// A worker was found that delivers what is left, and nothing else is wanted; its hello is in.
    FoundDelivering,
    /// A worker was found that is on air with something else; it is linked.
    FoundUnfit,
    /// A worker was found that cannot be talked to.
    FoundForeign,
    /// A worker was found that does not answer.
    FoundHung,
    /// The process could not be started.
    LaunchFailed,
    /// Hellos are exchanged.
    Linked,
    /// The connection is gone; the process may live.
    Unlinked,
    /// The worker speaks no protocol of ours.
    Incompatible,
    /// On air.
    Ready,
    /// A heartbeat with the program's position.
    Beat(MediaTime),
    /// A sign of life of a worker that delivers what is left.
    Pulse,
    /// The start was refused.
    Refused(String),
    /// The process is gone.
    Ended(Exit),
    /// The deadline has come.
    Tick,
    /// No more patience: kill.
    Hurry,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// Start a process.
    Launch,
    /// Connect to the process and exchange hellos.
    Link,
    /// Send the plan.
    Start,
    /// Send the plan, of which what is left is to be delivered.
    Deliver,
    /// Ask to stop.
    Stop(Duration),
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
    /// Tell.
    Note(Note),
}

/// What is worth telling.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Note {
    /// A running worker was taken over.
    Adopted,
    /// A found worker is replaced.
    Replacing(&'static str),
    /// The worker is on air.
    Up,
    /// The worker ended unasked; the next one comes after this.
    Died(Exit, Duration),
    /// The worker made no progress and is killed: what stood still, for how long.
    Stalled(&'static str, Duration),
    /// The worker refused the start.
    Refused(String),
    /// The budget is used up; next attempt after this.
    GaveUp(Duration),
    /// The worker is gone, as asked.
    Gone,
    /// The worker that delivered what was left is gone: nothing is left, or it was asked to end.
    Rested(bool),
    /// SIGKILL does not help.
    Unkillable,
}

/// The phase, for status and confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stand {
    /// No worker.
    Idle,
    /// A worker is coming up, or will in a moment.
    Starting,
    /// On air.
    Up,
    /// A worker is going away.
    Ending,
    /// Off air: a worker delivers what is left, or will in a moment.
    Delivering,
    /// Given up for now.
    GivenUp,
}

#[cfg(test)]
mod tests;

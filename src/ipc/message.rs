//! The messages between daemon and worker.

use serde::{Deserialize, Serialize};

use crate::model::status::{ProgramOrder, RemainderStatus, WorkerReport};
use crate::model::{Act, Acted, ChannelId, Event, LiveSettings, MediaTime, MeterReading};
use crate::plan::ChannelPlan;

/// Grows with every incompatible change of these messages.
pub const PROTOCOL: u32 = 5;

/// The build both sides compare; a difference is reported, not refused, as long as [`PROTOCOL`] agrees.
pub const BUILD: &str = env!("CARGO_PKG_VERSION");

/// Daemon → worker. The first is always `Hello`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Down {
    /// Who the daemon is.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
        /// [`BUILD`].
        build: String,
        /// Whether it wants meters.
        #[serde(default)]
        meters: bool,
    },
    /// Go on air with this plan. Answered by `Ready`. A worker already on air with an equal plan stays as it is and
    /// answers `Ready`; with a different plan it answers `Refused` (the supervisor replaces the process).
    Start {
        /// The plan.
        plan: Box<ChannelPlan>,
        /// What the program shall show from the start.
        program: ProgramOrder,
        /// What operators have set.
        live: Box<LiveSettings>,
    },
    /// Deliver what the channel's spool has, without going on air, and exit when nothing is left. Answered by `Ready`;
    /// one that has begun stays as it is.
    Deliver {
        /// The plan.
        plan: Box<ChannelPlan>,
        /// What operators have set.
        live: Box<LiveSettings>,
    },
    /// What the program shall show.
    Program {
        /// The order.
        order: ProgramOrder,
    },
    /// Do this and say what came of it: answered by `Acted` with the same number.
    Act {
        /// Tells the answers apart.
        id: u64,
        /// What to do.
        act: Act,
    },
    /// Become this plan without going off air: answered by `Acted` with the same number. A worker that cannot says so and
    /// stays as it is.
    Change {
        /// Tells the answers apart.
        id: u64,
        /// The plan.
        plan: Box<ChannelPlan>,
    },
    /// Go off air: last segments written and delivered as far as the deadline allows, then exit. Answered by
    /// `Stopped`.
    Stop {
        /// From receipt, milliseconds.
        deadline_ms: u64,
        /// Another worker takes its place at once: what goes on over that is not ended.
        #[serde(default)]
        replaced: bool,
    },
}

/// Worker → daemon. The first is always `Hello`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Up {
    /// Who the worker is and what it does.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
        /// [`BUILD`].
        build: String,
        /// The channel it was started for.
        channel: ChannelId,
        /// Its process id.
        pid: u32,
        /// When the process started.
        since: MediaTime,
        /// The plan it is on air with, if any; with secrets, as it was received. Lets a new daemon diff.
        plan: Option<Box<ChannelPlan>>,
        /// What the program was last asked to show.
        program: ProgramOrder,
        /// What operators have set.
        live: Box<LiveSettings>,
        /// It is not on air, it delivers what is left of that plan.
        #[serde(default)]
        delivering: bool,
    },
    /// On air: the first frame has left the switch. Or: what is left is being delivered.
    Ready,
    /// At least twice a second while on air, whatever else happens.
    Heartbeat {
        /// Positions and counters.
        report: Box<WorkerReport>,
    },
    /// The same while it only delivers what is left.
    Remainder {
        /// What is left.
        report: Box<RemainderStatus>,
    },
    /// Levels, twenty times a second while on air: only for a daemon that wants them, and left out where it does not keep up.
    Meters {
        /// Since the last ones.
        reading: MeterReading,
    },
    /// Something happened.
    Event {
        /// What.
        event: Event,
    },
    /// What came of an `Act`.
    Acted {
        /// Its number.
        id: u64,
        /// What happened, or in one sentence why nothing did.
        result: Result<Acted, String>,
    },
    /// A command was not carried out.
    Refused {
        /// One sentence.
        reason: String,
    },
    /// Off air; the process exits after this.
    Stopped {
        /// One sentence.
        cause: String,
    },
}

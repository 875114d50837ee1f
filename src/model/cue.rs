//! Cues: breaks in the programme, signalled as SCTE 35 and cut on the frame.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::id::CueId;
use super::splice::SpliceInsert;
use super::time::MediaTime;

/// A cue has to be known this long before its frame: what it moves must not have been encoded yet, in any worker that
/// gets the same cue ([`REACH`](super::boundaries::REACH), and a second for the way). The usual pre-roll of a splicer.
pub const CUE_LEAD: Duration = Duration::from_secs(4);

/// The longest break, and the furthest that a cue may lie ahead.
pub const FURTHEST: Duration = Duration::from_secs(24 * 3600);

/// A break: a cue out, and, once it is known, the cue in that ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Cue {
    /// Its name, the ID of its EXT-X-DATERANGE.
    pub id: CueId,
    /// `splice_event_id` of SCTE 35.
    pub event_id: u32,
    /// `unique_program_id` of SCTE 35.
    #[serde(default)]
    pub unique_program_id: u16,
    /// The first frame of the break.
    pub out_at: MediaTime,
    /// How long it shall last, milliseconds.
    pub planned_ms: Option<u64>,
    /// Whether it ends by itself when its planned duration is over.
    pub auto_return: bool,
    /// The first frame behind the break.
    pub in_at: Option<MediaTime>,
}

impl Cue {
    /// The section of the cue out.
    pub fn out_section(&self) -> Vec<u8> {
        self.splice(true).section()
    }

    /// The section of the cue in, once it is known when.
    pub fn in_section(&self) -> Option<Vec<u8>> {
        self.in_at.map(|_| self.splice(false).section())
    }

    /// The cue out or in as SCTE 35 has it.
    pub fn splice(&self, out: bool) -> SpliceInsert {
        let at = if out { self.out_at } else { self.in_at.unwrap_or(self.out_at) };
        let planned = self.planned_ms.filter(|_| out).map(Duration::from_millis);
        SpliceInsert {
            event_id: self.event_id,
            out,
            at,
            break_duration: planned.map(|planned| (planned, self.auto_return)),
            unique_program_id: self.unique_program_id,
        }
    }

    /// Whether `time` is within the break.
    pub fn covers(&self, time: MediaTime) -> bool {
        self.out_at <= time && self.in_at.is_none_or(|back| time < back)
    }
}

/// What an operator or an automation asks for. Without `at` it is as soon as possible after `pre_roll_ms`; both are
/// brought to the next frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum CueAsk {
    /// Leave the programme.
    Out {
        /// Name of the break; made from its frame if it is not given. The same cue again changes nothing.
        #[serde(default)]
        id: Option<CueId>,
        /// `splice_event_id`; made from `id` if it is not given.
        #[serde(default)]
        event_id: Option<u32>,
        /// `unique_program_id`.
        #[serde(default)]
        unique_program_id: u16,
        /// Planned duration of the break, milliseconds.
        #[serde(default)]
        duration_ms: Option<u64>,
        /// Whether the break ends by itself after `duration_ms`; so it does if not given.
        #[serde(default)]
        auto_return: Option<bool>,
        /// When, UTC.
        #[serde(default)]
        at: Option<MediaTime>,
        /// How long from now, milliseconds.
        #[serde(default)]
        pre_roll_ms: Option<u64>,
    },
    /// Return to the programme.
    In {
        /// Which break; the one that is open if not given.
        #[serde(default)]
        id: Option<CueId>,
        /// When, UTC.
        #[serde(default)]
        at: Option<MediaTime>,
        /// How long from now, milliseconds.
        #[serde(default)]
        pre_roll_ms: Option<u64>,
    },
    /// Take a break back that has not begun.
    Cancel {
        /// Which.
        id: CueId,
    },
}

/// The frame that a cue names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CuePoint {
    /// Media time of the frame, UTC.
    pub at: MediaTime,
    /// Its index: frames since the Unix epoch.
    pub frame: u64,
    /// The segment that begins with it: its media sequence number, the same in every rendition.
    pub segment: u64,
}

/// What became of a [`CueAsk`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CuePlaced {
    /// The break.
    pub id: CueId,
    /// `splice_event_id`.
    pub event_id: u32,
    /// Whether anything changed; false if it was so already.
    pub changed: bool,
    /// Whether the break was taken back.
    pub cancelled: bool,
    /// Where the programme is left.
    pub out: CuePoint,
    /// Where it is returned to, if that is known.
    pub back: Option<CuePoint>,
}

/// Why a cue is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum CueRefusal {
    /// What is asked for has been encoded already, or is about to be.
    #[error("{asked} is too late: the earliest possible is {earliest}")]
    TooLate {
        /// What was asked for.
        asked: MediaTime,
        /// What is possible.
        earliest: MediaTime,
    },
    /// Another cue is so near that no segment fits between.
    #[error("{asked} is too close to another cue for a segment between them; from {earliest} on it is possible")]
    TooClose {
        /// What was asked for.
        asked: MediaTime,
        /// What is possible.
        earliest: MediaTime,
    },
    /// Too far ahead, or too long.
    #[error("{what} is more than 24 hours: give a shorter one")]
    TooFar {
        /// What it is.
        what: String,
    },
    /// Two breaks would overlap.
    #[error("it overlaps the break `{other}`: end or cancel that one first")]
    Overlap {
        /// The other break.
        other: CueId,
    },
    /// There is a break of this name already, elsewhere.
    #[error("there is a break `{id}` already, at {at}: choose another id")]
    Taken {
        /// The break.
        id: CueId,
        /// Its cue out.
        at: MediaTime,
    },
    /// No such break.
    #[error("there is no break `{id}`")]
    Unknown {
        /// The break.
        id: CueId,
    },
    /// No break to return from.
    #[error("no break is open at {at}: nothing to return from")]
    NoneOpen {
        /// When it would have ended.
        at: MediaTime,
    },
    /// The break cannot be taken back any more.
    #[error("the break `{id}` begins at {at}, that is on its way already: end it with a cue in")]
    Underway {
        /// The break.
        id: CueId,
        /// Its cue out.
        at: MediaTime,
    },
    /// The break has its end already.
    #[error("the break `{id}` ends at {at}, that is on its way already")]
    Ending {
        /// The break.
        id: CueId,
        /// Its cue in.
        at: MediaTime,
    },
    /// Both or neither of two keys that exclude each other.
    #[error("{0}")]
    Malformed(String),
    /// Too many are kept.
    #[error("{most} breaks are known already: no more are taken before some are over")]
    Full {
        /// The limit.
        most: usize,
    },
}

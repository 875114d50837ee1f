//! What every protocol offers: a connection that takes units and tells how far the peer has come.

use std::time::{Duration, Instant};

use crate::media::encode::AccessUnit;
use crate::model::status::LinkFigures;
use crate::model::{Cued, Fault};

/// Why a connection ended, or did not come about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// One sentence without a full stop.
    pub reason: String,
    /// Whose fault it is.
    pub fault: Fault,
    /// What to do about it.
    pub hint: &'static str,
    /// Whether a person has to mend it: it is tried seldom then.
    pub by_hand: bool,
}

impl Broken {
    /// The network or the peer; it may be better at the next attempt.
    pub(super) fn passing(reason: impl Into<String>, hint: &'static str) -> Self {
        Self { reason: reason.into(), fault: Fault::Destination, hint, by_hand: false }
    }

    /// The peer refuses, and will until somebody changes something.
    pub(super) fn refused(reason: impl Into<String>, hint: &'static str) -> Self {
        Self { by_hand: true, ..Self::passing(reason, hint) }
    }

    /// This box.
    pub(super) fn ours(reason: impl Into<String>) -> Self {
        let hint = "this is a fault of uplink, see the worker's log";
        Self { reason: reason.into(), fault: Fault::Internal, hint, by_hand: false }
    }
}

/// How far a connection has come.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Progress {
    /// Bytes handed to the network in this connection.
    pub sent: u64,
    /// Of these, what the peer has acknowledged; none where the protocol does not tell.
    pub acknowledged: Option<u64>,
    /// Whether somebody receives; none where the protocol does not tell. False for a listener without a caller.
    pub heard: Option<bool>,
    /// Program time that waits here to be sent.
    pub queue: Duration,
    /// Figures of the link.
    pub link: LinkFigures,
}

/// A track of the programme that is sent, by its index: pictures first.
pub(super) type TrackIndex = usize;

/// One connection. Nothing in it waits for the peer for longer than a moment.
pub(super) trait Carrier {
    /// Takes over what a track is, before its first unit and when it changes.
    fn configure(&mut self, track: TrackIndex, unit: &AccessUnit) -> Result<(), Broken>;

    /// Sends a unit on. Units come in the order of their decoding. With it the cues of the programme, for those who can
    /// tell them.
    fn put(&mut self, track: TrackIndex, unit: &AccessUnit, cued: &Cued) -> Result<(), Broken>;

    /// Whether more waits than should: then nothing is put before the next keyframe.
    fn is_full(&self) -> bool;

    /// Goes on with what waits. Called every few milliseconds.
    fn tick(&mut self, now: Instant) -> Result<Progress, Broken>;

    /// Says goodbye and closes, within `bound`.
    fn close(self: Box<Self>, bound: Duration);
}

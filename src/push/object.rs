//! What is sent to a destination, and how that went.

use crate::policy::RetryDecision;

/// Something to send, or to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Object {
    /// An initialisation.
    Init {
        /// Which rendition, by place.
        lane: usize,
        /// Its file name.
        name: String,
    },
    /// A segment.
    Segment {
        /// Which rendition, by place.
        lane: usize,
        /// Its number.
        number: u64,
        /// Whether as backfill.
        backfill: bool,
    },
    /// A part of a segment at the live edge.
    Part {
        /// Which rendition, by place.
        lane: usize,
        /// The number of its segment.
        number: u64,
        /// Its place in it.
        index: u32,
    },
    /// A media playlist.
    Playlist {
        /// Which rendition, by place.
        lane: usize,
        /// Its text.
        text: String,
    },
    /// The multivariant playlist.
    Multivariant {
        /// Its text.
        text: String,
    },
    /// A segment that has had its time.
    Remove {
        /// Which rendition, by place.
        lane: usize,
        /// Its number.
        number: u64,
    },
    /// What were players told of a rendition?
    Look {
        /// Which rendition, by place.
        lane: usize,
        /// Nobody else can tell more.
        survey: bool,
    },
    /// Is a segment still there?
    Check {
        /// Which rendition, by place.
        lane: usize,
        /// Its number.
        number: u64,
    },
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Acknowledged; a check: it is there.
    Acknowledged,
    /// A check: it is not there.
    Absent,
    /// A check: the origin does not tell.
    Untold,
    /// The file cannot be read.
    Unreadable,
    /// Failed, and what `policy` says to that.
    Failed(RetryDecision),
}

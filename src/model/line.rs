//! The line to a destination: how it is shared, what is done when it is too slow, and what is told of it; and what a spool
//! lets go when it is full.

use serde::{Deserialize, Serialize};

use super::id::{DestinationId, RenditionId};
use super::time::MediaTime;
use super::units::BitRate;

/// What is done when the line cannot carry the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenSlow {
    /// Renditions are left out, the highest first, and taken up again when the line has become better.
    #[default]
    DropRenditions,
    /// Everything waits in the spool.
    Wait,
}

/// How the line is shared, and what is done when it is too slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinePolicy {
    /// Most that backfill takes of the measured upload rate while there is a live edge to deliver, percent. At 100 it
    /// takes what it can get.
    pub backfill_share: u8,
    /// What is done when the line cannot carry the ladder.
    pub when_slow: WhenSlow,
    /// It must be too slow for this long before a rendition is left out.
    pub enter_ms: u32,
    /// It must be good enough for this long, with a margin, before one is taken up again.
    pub clear_ms: u32,
    /// Whether segments of a rendition that is left out are delivered behind everything else.
    pub backfill_dropped: bool,
}

impl Default for LinePolicy {
    fn default() -> Self {
        Self {
            backfill_share: 50,
            when_slow: WhenSlow::DropRenditions,
            enter_ms: 10_000,
            clear_ms: 60_000,
            backfill_dropped: false,
        }
    }
}

/// How long it takes until all that waits is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum CatchUp {
    /// Nothing waits.
    Even,
    /// About this long from now; while the destination is away, from when it is back.
    Takes {
        /// Seconds.
        seconds: f64,
    },
    /// At this rate never: what is left of the line beside the live edge is nothing.
    Never,
    /// Nothing has been measured yet.
    #[default]
    Unknown,
}

/// Whether a destination gets a rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Carried {
    /// It does.
    #[default]
    Whole,
    /// The line is too slow: players are told to take another.
    Dropped,
    /// It does again; players are told as soon as there is enough of it.
    Returning,
    /// Its budget is spent: players are told to take another.
    Withheld,
}

/// A rendition on its way to a destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CarriedRendition {
    /// The rendition.
    pub id: RenditionId,
    /// Whether the destination gets it.
    pub carried: Carried,
    /// Since when it is left out, if it is.
    pub since: Option<MediaTime>,
    /// Segments left out, for whatever reason, since the worker started.
    pub left_out: u64,
}

/// The line to a destination of segments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LineStatus {
    /// Upload rate while something of the live edge was under way; none before anything was.
    pub measured: Option<BitRate>,
    /// What the renditions need that the destination gets.
    pub needed: BitRate,
    /// How long it takes until all that waits is delivered.
    pub catch_up: CatchUp,
    /// The video renditions, best first.
    #[serde(default)]
    pub renditions: Vec<CarriedRendition>,
}

/// What a full spool lets go that is still owed to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenFull {
    /// The oldest, of all renditions.
    #[default]
    DropOldest,
    /// What waits of the highest rendition, then of the next: the lower ones reach back further.
    DropRenditions,
}

/// What a destination has lost because the spool was full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct OverflowReport {
    /// Which destination.
    pub destination: DestinationId,
    /// Segments of all renditions since the worker started.
    pub segments: u64,
    /// The renditions that they are of.
    pub renditions: Vec<RenditionId>,
    /// Start of the first of them.
    pub from: MediaTime,
    /// End of the last of them.
    pub to: MediaTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_older_version_wrote_is_read() {
        assert_eq!(serde_json::from_str::<LinePolicy>("{}").unwrap(), LinePolicy::default());
        let told = serde_json::to_string(&CatchUp::Takes { seconds: 2.0 }).unwrap();
        assert_eq!(told, r#"{"is":"takes","seconds":2.0}"#);
    }
}

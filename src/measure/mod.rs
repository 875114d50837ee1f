//! Plays what was delivered, as a player does, and reports from picture and sound what became of it.
//!
//! Owns the playing, the counting and the report. Must not know how the stream was made: playlists and boxes are read
//! by code of their own here, so that a fault of the writer is not forgiven by its own reader.
//!
//! ```text
//!   multivariant playlist ─► one `follow` per media playlist ──► Deck (decoders) ─► Recording ─┐
//!                              poll, Continuity, fetch             marks, ticks, timing         ├─► report ─► judge
//!   file ────────────────────────────────────────────────────► decoders ─────────► Recording ─┘
//! ```
//!
//! `timeline`, `counter`, `offset`, `keyframes`, `continuity` and `judge` are pure; `follow`, `fetch` and `deck` do the
//! work.

mod continuity;
mod counter;
mod deck;
mod fetch;
mod file;
mod follow;
mod judge;
mod keyframes;
mod offset;
mod playlist;
mod recording;
mod report;
mod run;
mod summary;
mod text;
mod timeline;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use report::{
    AudioReport, AvOffset, CounterReport, EdgeReport, Fault, FaultCode, KeyframeReport, LatencyReport, Occurrence,
    PlaylistReport, Report, SegmentReport, SequenceJump, StreamReport, VideoReport,
};
pub use run::run;
pub use text::text;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Options {
    /// An `http://` or `https://` address of a multivariant or media playlist, or a local file: media, or a playlist.
    pub target: String,
    /// How long to play a live stream, from its first playlist on; how much of a recorded one. None: 30 s of a live
    /// stream, all of a recorded one.
    pub seconds: Option<u32>,
    /// Begin with the oldest segment of the playlist instead of three segments behind the live edge.
    pub from_start: bool,
    /// Only media playlists whose address or resolution contains this.
    pub rendition: Option<String>,
    /// How long to wait for the first playlist to become available.
    pub patience: Duration,
    /// Cancelled, it ends the playing of a live stream early; what was played so far is reported.
    pub stop: CancellationToken,
    /// Counts as it plays, for whoever shows it.
    pub progress: Arc<Progress>,
}

impl Options {
    /// Plays `target` with the defaults of the command line.
    pub fn new(target: impl Into<String>) -> Self {
        Self {
            target: target.into(),
            seconds: None,
            from_start: false,
            rendition: None,
            patience: Duration::from_secs(5),
            stop: CancellationToken::new(),
            progress: Arc::default(),
        }
    }
}

/// Counters that grow while a measurement runs.
#[derive(Debug, Default)]
pub struct Progress {
    /// Segments fetched, of all renditions.
    pub segments: AtomicU64,
    /// Pictures decoded.
    pub pictures: AtomicU64,
    /// Pictures whose mark was read.
    pub marks: AtomicU64,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The target is neither an address nor a file.
    #[error("`{target}` is neither an http(s) address nor a file on this machine")]
    Target {
        /// As given.
        target: String,
    },
    /// The first playlist or a media playlist cannot be had.
    #[error("cannot fetch {url}: {reason}")]
    Unreachable {
        /// Its address.
        url: String,
        /// What happened.
        reason: String,
    },
    /// What came is not a playlist that can be played.
    #[error("{url} is not a playlist that can be played: {reason}")]
    Playlist {
        /// Its address.
        url: String,
        /// The rule that it breaks.
        reason: String,
    },
    /// `rendition` matches nothing.
    #[error("no rendition matches `{wanted}`; there are: {available}")]
    Rendition {
        /// As given.
        wanted: String,
        /// What could have been asked for.
        available: String,
    },
    /// Not one picture or sound could be decoded.
    #[error("no media could be measured in {target}: {reason}")]
    NoMedia {
        /// As given.
        target: String,
        /// The first thing that went wrong.
        reason: String,
    },
    /// This machine cannot decode.
    #[error(transparent)]
    Decode(#[from] crate::media::decode::DecodeError),
}

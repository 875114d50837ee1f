//! Decoding what was delivered: fragmented MP4 fed piece by piece, or a whole local file.
//!
//! Owns the reading of fragmented MP4 and the decoding pipelines. Must not fetch anything and must not judge what it
//! decodes.
//!
//! ```text
//!   init ────► fmp4::read_init ──► tracks ─┐
//!   segment ─► fmp4::read_segment ► samples ┴► TrackDecoder: appsrc ► avdec_h264 / avdec_aac ► convert ► appsink ► sink
//!   file ───────────────────────────────────► play_file:    uridecodebin ─────────────────────► convert ► appsink ► sink
//! ```
//!
//! Timestamps of fragmented MP4 are read from the boxes, exactly: a demuxer may rebase them or smooth over the very
//! faults that a measurement looks for. The decoder sees them relative to its first sample, so that times counted from
//! the epoch (about 1.76e18 ns) are far from any limit.

mod file;
pub mod fmp4;
mod outlet;
mod track;

use std::time::Duration;

pub use file::play_file;
pub use track::TrackDecoder;

/// A decoded picture; valid during the call that receives it.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    /// Presentation time in nanoseconds.
    pub pts: u64,
    /// 8-bit luma, `stride` bytes per row.
    pub luma: &'a [u8],
    /// Bytes from row to row.
    pub stride: usize,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
}

/// Decoded sound of the first channel; valid during the call that receives it.
#[derive(Debug, Clone, Copy)]
pub struct Sound<'a> {
    /// Presentation time of the first sample in nanoseconds.
    pub pts: u64,
    /// Samples per second.
    pub rate: u32,
    /// Samples from −1 to 1.
    pub samples: &'a [f32],
}

/// Why nothing, or nothing more, can be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// This machine lacks a GStreamer element.
    #[error("GStreamer element `{element}` is missing; install the package that carries it (packaging/)")]
    Missing {
        /// Factory name.
        element: &'static str,
    },
    /// GStreamer itself cannot start, or refuses the pipeline.
    #[error("GStreamer cannot start: {reason}")]
    Start {
        /// What it said.
        reason: String,
    },
    /// The media is not what it says, or broken beyond decoding.
    #[error("the media cannot be decoded: {reason}")]
    Media {
        /// What the decoder said.
        reason: String,
    },
    /// The decoder took nothing for that long.
    #[error("the decoder made no progress for {} s", bound.as_secs())]
    Stalled {
        /// The bound that was exceeded.
        bound: Duration,
    },
}

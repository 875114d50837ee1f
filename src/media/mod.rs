//! The only user of GStreamer: source bins, program switch, encoders, muxers, decoders.
//!
//! ```text
//! source ─▶ feed ─┐
//! source ─▶ feed ─┼─▶ program ─▶ encode ─▶ chunks
//! slate ──────────┘      └─────▶ confidence
//! ```
//!
//! Must not: touch the spool or the network beyond its sources, or know who listens to its events.

pub mod clock;
mod feed;
pub mod program;
mod source;

use std::sync::Arc;

use crate::model::Event;

/// Where the media side tells what happened. Must not block.
pub type EventSink = Arc<dyn Fn(Event) + Send + Sync>;

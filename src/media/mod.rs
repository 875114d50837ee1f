//! The only user of GStreamer: source bins, program switch, encoders, muxers, decoders.
//!
//! ```text
//! source ─▶ feed ─┐
//! source ─▶ feed ─┼─▶ program ─▶ encode ─▶ chunks
//! slate ──────────┘ overlays    │  └─▶ tap ─▶ send, whip
//!                               ├─────▶ confidence
//!                               └─────▶ companion ─▶ encode ─▶ chunks, of recordings alone
//! ```
//!
//! Owns: every pipeline of a worker. Must not: write files other than the confidence monitor's picture, speak HTTP other
//! than the few requests by which a WebRTC session is set up (`whip`), or decide anything about the channel (that is
//! `worker`).

mod captions;
pub mod clock;
pub mod companion;
pub mod confidence;
pub mod decode;
pub mod encode;
mod error;
mod feed;
mod init;
mod normal;
mod outlet;
pub mod overlay;
pub mod program;
mod promise;
mod recode;
pub mod send;
pub mod slate;
mod sound;
mod source;
mod srt;
pub mod whip;

use std::sync::Arc;

pub use error::MediaError;
pub use init::{has_element, init};
pub use outlet::ProgramOutlet;
pub use recode::encode_edge;
pub use source::check_fragment;

use crate::model::Event;

/// Where the media side tells what happened. Must not block.
pub type EventSink = Arc<dyn Fn(Event) + Send + Sync>;

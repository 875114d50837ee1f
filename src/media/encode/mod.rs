//! Encoders and segmenter: program pictures and sound in, CMAF chunks out.
//!
//! Owns: one pipeline per channel, from the program's buffers to CMAF chunks in memory. Must not: touch the disk or the
//! network, pace anything (buffers are encoded as they come), or know what becomes of a chunk.
//!
//! ```text
//!              keyframe event at each            ┌─ queue ─ scale ─ encoder ─ h264parse ─┬─ cmafmux ─ appsink ─► Output
//! push_picture ─ appsrc ─ segment boundary ─ tee ┤                                 cut events: segment, 500 ms chunk
//!                                                └─ queue ─ …
//! push_sound ─ 1024-sample blocks on the epoch grid ─ appsrc ─ tee ─ queue ─ avenc_aac ─ aacparse ─ cmafmux ─ appsink
//! ```
//!
//! Timestamps are media time (UTC) all the way, so `tfdt` is too. The muxer is told where to cut by events that a probe
//! puts in front of the first sample of a segment or chunk; it passes a chunk on when it sees the sample after it.
//!
//! Nothing here blocks who pushes: pictures that no encoder can take in time are dropped in front of that encoder
//! alone, and counted. An error of any element ends the whole graph ([`Output::Failed`]); the worker is restarted.
//!
//! States: running → finishing ([`Encoders::finish`]: the tail leaves as short segments) → gone; running → failed.

mod blocks;
mod choose;
mod codec;
mod cut;
mod encoders;
mod entry;
mod failure;
mod format;
mod fragment;
mod ledger;
mod movie;
mod output;
mod picture;
mod sound;
mod tail;
mod watch;

pub use choose::{Choice, Skipped};
pub use encoders::Encoders;
pub use failure::EncodeFailure;
pub use format::{AAC_FRAME, arriving_sound_caps, picture_caps, sound_caps};
pub use ledger::{Counters, RenditionCounters};
pub use output::{ChunkOut, InitOut, Output};

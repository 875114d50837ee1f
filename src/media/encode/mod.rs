//! Encoders and segmenter: program pictures and sound in, CMAF chunks out.
//!
//! Owns: one pipeline per channel, from the program's buffers to CMAF chunks in memory. Must not: touch the disk or the
//! network, pace anything (buffers are encoded as they come), or know what becomes of a chunk.
//!
//! ```text
//!              ┌─ line ── appsrc ─ keyframe event at each segment ─ scale ─ encoder ─ parser ─┬─ cmafmux ─ appsink ─ gate ─► Output
//! push_picture ┼─ line ── …                                 cut events: segment, chunk (part)┘
//!              └─ recent pictures, for a line whose hardware fails
//! push_sound ─ 1024-sample blocks on the epoch grid ─ appsrc ─ tee ─ queue ─ avenc_aac ─ aacparse ─ cmafmux ─ appsink ─ gate ─► Output
//! ```
//!
//! Timestamps are media time (UTC) all the way, so `tfdt` is too. The muxer is told where to cut by events that a probe
//! puts in front of the first sample of a segment or chunk; it passes a chunk on when it sees the sample after it.
//!
//! Where segments begin is the timeline's to say ([`LiveTimeline`](crate::model::LiveTimeline)): the epoch grid, bent to
//! cues. It may change while encoders run, but never closer to now than a second. Timed metadata goes in front of the
//! chunk of its frame as `emsg`.
//!
//! Nothing here blocks who pushes: pictures that no encoder can take in time are dropped in front of that encoder
//! alone, and counted.
//!
//! # When an encoder fails
//!
//! Each video rendition has a pipeline of its own. An error in it, or half a second in which hardware takes pictures
//! and delivers none, ends that pipeline only; the next candidate takes its place ([`Output::Replaced`]) and gets every
//! picture since the last complete segment once more, so that no picture is missing in the end. These are kept for
//! renditions on hardware only, and up to a bound of memory; beyond it the new encoder begins with the next segment.
//! When no candidate is left, or the sound fails, the whole graph has ([`Output::Failed`]); the worker is restarted.
//!
//! A new encoder means a new initialisation, which the media playlist tells (EXT-X-MAP). There is no discontinuity: the
//! timeline goes on, and the tag would have to stand in every rendition at once.
//!
//! Locks, in this order: line, recent pictures, ledger. The gate is only held while an output is handed on.
//!
//! States: running → finishing ([`Encoders::finish`]: the tail leaves as short segments) → gone; running → failed.

mod av1;
mod blocks;
mod chain;
mod choose;
mod codec;
mod cost;
mod cut;
mod emsg;
mod encoders;
mod entry;
mod failure;
mod format;
mod fragment;
mod gate;
mod ledger;
mod line;
mod movie;
mod output;
mod picture;
mod recent;
mod sound;
mod stall;
mod tail;
mod watch;

pub use choose::{Choice, Skipped};
pub use cost::measure_cost;
pub use encoders::Encoders;
pub use failure::EncodeFailure;
pub use format::{AAC_FRAME, arriving_sound_caps, picture_caps, sound_caps};
pub use ledger::{Counters, RenditionCounters};
pub use output::{ChunkOut, InitOut, Output, Replacement};

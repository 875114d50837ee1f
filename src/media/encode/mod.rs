//! Encoders and segmenter: program pictures and sound in, CMAF chunks out.
//!
//! Owns: one pipeline per channel, from the program's buffers to CMAF chunks in memory. Must not: touch the disk or the
//! network, pace anything (buffers are encoded as they come), or know what becomes of a chunk.
//!
//! ```text
//!              ┌─ line ── appsrc ─ keyframe event at each segment ─ scale ─ encoder ─ parser ─┬─ cmafmux ─ appsink ─ gate ─► Output
//! push_picture ┼─ line ── …                    captions, cut events: segment, chunk (part) ───┘
//!              ├─ recent pictures, for a line whose hardware fails
//!              └─ captions ─┬─ beside the encoders, into the SEI of what comes out of each
//!                           └─ cues ─ WebVTT segments ─► Output
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
//! Captions do not pass through encoders: few of them could carry them. They are taken off the pictures in front of all
//! of them and put into the access units in front of the muxers, so that every H.264 and HEVC rendition has them,
//! whatever encodes it, also those of a picture that was dropped. AV1 has none.
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
//! Renditions come and go while the graph runs, each with a segment: `change`.
//!
//! What is encoded is also to be had as it leaves the parsers ([`Tap`]), for destinations that take no segments. One whose
//! network asks for another bit rate from moment to moment has an encoder of its own ([`Solo`]) beside all of this.
//!
//! Locks, in this order: line, recent pictures, ledger, tap. The gate is only held while an output is handed on.
//!
//! States: running → finishing ([`Encoders::finish`]: the tail leaves as short segments) → gone; running → failed.

mod av1;
mod beside;
mod blocks;
mod chain;
mod change;
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
mod lines;
mod memory;
mod movie;
mod output;
mod parts;
mod picture;
mod recent;
mod solo;
mod sound;
mod stall;
mod tail;
mod tap;
mod text;
mod watch;

pub use choose::{Choice, Skipped};
pub use cost::measure_cost;
pub use encoders::Encoders;
pub use failure::EncodeFailure;
pub use format::{AAC_FRAME, arriving_sound_caps, picture_caps, sound_caps};
pub use ledger::{Counters, RenditionCounters};
pub use output::{ChunkOut, InitOut, Output, Replacement};
pub use solo::Solo;
pub use tap::{AccessUnit, NoUnit, Subscription, Tap};

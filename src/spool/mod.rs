//! Segments on disk: write, index, retain, recover.
//!
//! Owns: everything below the directory of a channel that has to do with segments. Must not: know destinations, encode
//! or parse media beyond what recovery needs, read a clock (time is passed in), or log (what happens is returned).
//!
//! ```text
//! <dir>/discontinuities.json               where runs begin, the same for all renditions
//! <dir>/<rendition>/index.jsonl            one checked line per event
//! <dir>/<rendition>/init-<8 hex>.mp4
//! <dir>/<rendition>/<n>.m4s.part           being written
//! <dir>/<rendition>/<n>.m4s                complete
//! <dir>/<captions>/<n>.vtt                 the same for text: written at once, without an initialisation
//!
//!           chunk n            last chunk of n, or chunk n+1                     old and delivered, or no room
//! (nothing) ──────► n.m4s.part ─────────────────────────────► n.m4s, in the index ─────────────────────────► deleted
//!                     │    ▲      fdatasync, rename, line
//!       disk fault    │    │ kill -9, power loss: cut back to whole chunks
//!  lost, counted ◄────┘    └──► closed as a short segment, or appended to by the next run
//! ```
//!
//! One thread writes ([`Spool::put_chunk`] blocks for the disk), any number read; readers never wait for the disk.
//! A segment that readers see is whole, synced and never changes. A second process is kept out by a lock on the
//! directory.
//!
//! # Runs and discontinuities
//!
//! A run is one process' use of the spool, from open on; its encoders start anew, so players have to be told
//! (EXT-X-DISCONTINUITY, rfc8216bis 4.4.4.3). All renditions must tell it at the same place, for players match picture
//! and sound by counting discontinuities. Therefore the place is decided once per run, for all of them:
//!
//! - At the first chunk of the run a **mark** is set: the first number of which no rendition holds anything yet. The
//!   discontinuity sequence of a segment is the number of marks up to its number, whatever its rendition; a segment
//!   carries the tag when its sequence is above that of the one before. The first run of a new spool has no mark.
//! - A run that begins within segment n of the run before **appends** to the recovered part, rendition by rendition, if
//!   the initialisation is identical: one segment n with both runs, whose timestamps say how long the pause was. n was
//!   begun before, so the mark is n + 1 in all renditions, also in one that had no part of n. The pause itself needs no
//!   tag: all timestamps are UTC, the timeline goes on.
//! - A part that cannot be appended to (its time is over, or another initialisation) is closed as a short segment. What
//!   still comes for its number is dropped and counted: a segment that has been delivered never changes.
//! - A mark that some rendition has not reached when the run ends serves the next run, too. So marks never pile up
//!   between two neighbours of one rendition, where a playlist can only say one.
//! - hls.js 1.7 plays this through: the pause inside a shared segment is stepped over, the tag behind it moves neither
//!   picture against sound nor EXT-X-PROGRAM-DATE-TIME, also where the run before ended short and gap entries follow.
//! - Within a run there are no discontinuities. Lost segments are holes on a timeline that goes on.
//!
//! # Parts
//!
//! For low latency the chunks of the last segments can be had one by one ([`Spool::parted`]), each as soon as it is
//! written. A part's place in its segment is its place in the file, also where a run appends to what the one before left
//! behind; so no two parts have one name. Where an encoder has to begin a segment again, its parts are void, and the
//! rest of that segment is not told in parts.
//!
//! # Faults of the disk
//!
//! A segment is whole or not at all: when writing it fails, its part is removed, its other chunks are dropped, it is
//! counted as lost, and the next one is tried. Errors say what to do ([`SpoolError`]); [`Spool::status`] carries them
//! until a segment has been written again.

mod catalog;
pub(crate) mod chunks;
pub(crate) mod disk;
pub(crate) mod error;
mod handle;
mod index;
mod lane;
mod lock;
mod marks;
mod mended;
mod part;
mod parted;
mod reach;
mod recover;
mod retain;
mod segment;
pub(crate) mod timing;
mod writer;

pub use error::SpoolError;
pub use handle::Spool;
pub use mended::Mended;
pub use reach::newest;
pub use retain::Retained;
pub use segment::{Chunk, Init, OpenSegment, PartedSegment, Segment, SegmentPart};

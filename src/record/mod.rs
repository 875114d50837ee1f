//! Recordings: what a channel put on air, kept as files that play at every moment.
//!
//! Owns: everything below the directory of recordings: taking segments over from the spool, the journal, playlists, what
//! is mended after a power cut, what is let go when room runs out. Must not: hold up the encoders or the spool (a thread
//! of its own works for each recording destination), deliver anything to a network, or decode media.
//!
//! ```text
//! <recordings>/<channel>/<id>/                      id: YYYYMMDDTHHMMSSZ of its begin, and -slug of its title
//!   recording.json                                  [`Manifest`]; whole at the begin, the stop and after mending
//!   journal.jsonl                                   [`journal::Entry`], one line per segment, marker, gap
//!   multivariant.m3u8
//!   <rendition>/index.m3u8                          EVENT while it runs (DVR), VOD and ENDLIST when it is over
//!   <rendition>/init-<8 hex of sha256>.mp4
//!   <rendition>/<media sequence>.m4s                complete: a hard link of the spool's file, else a copy
//!   <rendition>/<media sequence>.m4s.part           the segment that is being written; whole chunks are synced at once
//!   <rendition>/<media sequence>.vtt                text
//!
//!                start, or found after a crash                stop, or off air
//! (nothing) ───────────────────────────────────► recording ───────────────────► finished ──┐
//!                                                    │                                     ├─► deleted: quota, age
//!                                                    └───► interrupted ────────────────────┘   (unless protected)
//!                     found running with nobody who could go on: mended from its files
//! ```
//!
//! # What a power cut costs
//!
//! The spool writes chunks of half a second. This module shares the file of the open segment with it (one inode), looks
//! ten times a second whether a chunk has been added, and syncs the file then, on its own thread. So what is lost is the
//! chunk that was in the encoder, and the one that came in the last tenth of a second: less than one second. All else is
//! on disk twice over: `recording.json` and playlists can be made anew from segments and initialisations alone.
//!
//! Reading a recording: [`Manifest::load`] tells all there is of one, running or not; [`lock::hold`] keeps others out
//! while it is changed.

mod inspect;
pub mod journal;
mod lane;
mod link;
pub mod lock;
pub mod manifest;
mod mend;
mod order;
pub(crate) mod playlist;
mod quota;
mod recorder;
mod running;
mod work;

pub use inspect::checksum;
pub use manifest::{
    Gap, JOURNAL, MANIFEST, MEDIA_PLAYLIST, MULTIVARIANT_PLAYLIST, Manifest, Marker, RecordedRendition,
    RecordedSegment, RecordingId, RecordingState, RenditionKind, VERSION,
};
pub use mend::{RecordingMended, repair};
pub use quota::delete;
pub use recorder::{Recorded, Recorder, RecorderSetting, RecorderStatus};

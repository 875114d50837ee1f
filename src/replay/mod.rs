//! What is done with recordings: list, verify, stitch to one MP4, cut, upload.
//!
//! Owns: the jobs that do it, one at a time on the disk and behind everything else, and what they leave beside a
//! recording. Must not: write into a recording's segments, get in the way of a channel on air, or decode media in the
//! daemon (the pictures at the edges of an exact cut are the worker's).
//!
//! ```text
//!                    ┌────────────────── Desk ──────────────────┐
//! API ──ask──────────▶ catalog: list, find, protect, delete     │      <recordings>/<channel>/<id>/
//!     ◀──job─────────│ jobs: waiting ─▶ running ─▶ done         │        segments, playlists, recording.json (record)
//!                    │         │           ├─────▶ failed       │        movies/<name>.mp4       stitch, clip
//!                    │         └───────────┴─────▶ stopped      │        uploads.json            upload, to go on with
//!                    └───┬──────────────┬──────────────┬────────┘
//!                        ▼ a thread     ▼ a worker     ▼ push::store
//!                  verify, stitch,   edges of an    upload: what is there already is not sent again
//!                  clip              exact cut
//! ```
//!
//! - A file appears when it is whole: it is written beside and renamed.
//! - Where a recording is to be uploaded by itself ([`UploadWish`]), that is noted beside it when it begins, and done when it
//!   has ended, by whichever daemon is there then.
//! - An upload goes on after a restart of the daemon, and follows a recording that still runs until it ends.

mod ask;
mod catalog;
mod clip;
mod desk;
mod edge;
mod job;
mod movie;
mod notes;
mod pace;
mod parcel;
mod range;
mod stitch;
mod summary;
mod target;
mod upload;
mod verify;
mod wish;
mod work;

pub use ask::{Ask, DeskError};
pub use catalog::CatalogError;
pub use desk::{Desk, Shop};
pub use job::{JobKind, JobState, JobStatus};
pub use movie::MovieError;
pub use range::Stretch;
pub use stitch::Made;
pub use summary::{MovieFile, RecordingSummary, RenditionSummary};
pub use target::UploadTarget;
pub use verify::Verified;
pub use wish::UploadWish;

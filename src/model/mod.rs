//! The words of the field: identifiers, units, media time, health, events and the status documents.
//!
//! Owns: every type that more than one layer speaks. Must not: do I/O, read a clock, or know GStreamer.
//! One thing has one name in code, API, configuration, log and panel; these are the names.

pub mod act;
pub mod event;
pub mod format;
pub mod health;
pub mod id;
pub mod inventory;
pub mod live;
pub mod secret;
pub mod sound;
pub mod status;
pub mod time;
pub mod units;

pub use act::{Act, Acted};
pub use event::{Event, EventCode, Fault, Severity};
pub use format::{AudioFormat, ProgramFormat};
pub use health::{Health, HealthReport};
pub use id::{ChannelId, DestinationId, RenditionId, SourceId};
pub use inventory::{CaptureDevice, Inventory, SoundDevice};
pub use live::{LiveChange, LiveSettings};
pub use secret::Secret;
pub use time::{FrameGrid, MediaTime, SampleGrid, SegmentGrid};
pub use units::{BitRate, FrameRate, Lufs, PictureSize};

//! Loading and checking what the technician wrote: raw → checked; claims; secrets.
//!
//! ```text
//! uplinkd.toml ─────────────┐
//! pipelines/*.toml, own ────┼─► document (every fault, with its place) ─► Checked ─► plan
//! hardware-profiles/*.toml ─┤                 │
//! --source CHANNEL=WHAT ────┘                 └─► references, claims, secrets, rules between keys
//!          ▲
//!          └ from the disk, or as these files were when they were in force
//! ```
//!
//! Owns: the configuration files and their rules, and putting one in place of another; what two channels may not share;
//! reading secrets. Must not: open a device (one that is unplugged is no fault of the configuration), or stop at the first
//! fault.

mod access;
mod address;
mod budget;
mod cards;
mod channels;
mod checked;
mod claims;
mod classes;
mod companions;
mod destination_keys;
mod destinations;
mod devices;
mod directories;
mod encryption;
mod encryption_keys;
pub(crate) mod file;
mod files;
mod guest;
mod keys;
mod listener;
mod load;
mod notify;
mod overlays;
mod overrides;
mod pair;
mod playlist;
mod recordings;
mod rtmp;
mod rtsp;
mod secrets;
mod sender_keys;
mod senders;
mod source_keys;
mod sources;
mod srt;
pub mod stream_class;
mod surfaces;
mod upload;
mod upload_keys;
mod whip;

pub(crate) use claims::sound_resource;

pub use cards::DECKLINK_MODES;
pub use checked::{
    Channel, Checked, Companion, DeckLinkInput, Destination, DestinationKind, OwnRendition, Record, Recorded, Sent,
    Source, SourceKind, Spool, SrtMode, Tls, TlsFiles, WhipDestination,
};
pub use classes::{ClassFile, ClassTrial, OwnClasses};
pub use file::{Replaced, may_replace, replace};
pub use files::{LostSecret, Texts};
pub use keys::UPLINKD;
pub use load::{Trial, check_class, check_text, load, load_kept, load_text, load_with};
pub use overrides::SourceOverride;
pub use secrets::Credentials;
pub use stream_class::{AudioRendition, STREAM_CLASS, StreamClass};

pub use crate::document::{Fault, Faults, Setting, Spot};

/// What a check finds: faults refuse the configuration, warnings do not.
#[derive(Debug, Default)]
pub struct Findings {
    /// What must be mended.
    pub faults: Faults,
    /// What should be looked at.
    pub warnings: Faults,
}

//! The embedded origin: takes the push (DASH-IF Live Media Ingest, Interface-2) and serves players.
//!
//! Owns: the trees `<state>/live/<channel>/…` and `<state>/vod/<channel>/<recording>/…`, who may write to it, what may lie in it, and how long.
//! Must not: understand media, change what was pushed, or keep anything that the directory does not hold: a restart
//! finds everything it needs on disk.
//!
//! ```text
//!  PUT  ─ name ─ tokens ─ limits ─► incoming/<draft> ─ rename ─► live/<channel>/<rendition>/<object>
//!                                        │ broken, late, too large: the draft goes, the old object stays
//!  GET  ─ ticket, where playback is signed ─ name ───────────────► validators, range, cache rules
//!                                                                   │
//!                                       media playlist with parts: what only a server can offer is added
//!                                       (lowlat); who asks for what comes next waits for it (live)
//!  PUT of a recording ─ the same ─► vod/<channel>/<recording>/…: kept until it is deleted
//!  POST …/lease: which box of a pair may write (lease); a token that is out of force writes nothing
//!  sweep: named by a playlist ─► kept     not named ─ for `retain` ─► deleted
//! ```

mod claim;
mod connection;
mod counters;
mod directives;
mod lease;
mod live;
mod lowlat;
mod name;
mod pages;
mod playback;
mod playlist;
mod problem;
mod receive;
mod refusals;
mod retention;
mod router;
mod serve;
mod settings;
mod shelf;
mod sweep;
mod ticket;
mod tokens;
mod validators;
mod vod;

pub use router::Origin;
pub use settings::{Limits, OriginSettings, Playback, Retention, Scope, SettingsFault, Tokens};
pub use shelf::ShelfFault;
pub use ticket::{LONGEST_BEGIN, Signer, Use};

//! A guest's browser that publishes to the box (WHIP, RFC 9725).
//!
//! ```text
//! vacant ──offer, good key──▶ answering ──sent to the browser──▶ taken ──media──▶ delivering
//!    ▲                            │                                │                  │
//!    └──── cannot be answered ◀───┘      leaves, another guest, never connects, silent for 5 s
//! ```
//!
//! Owns: who may publish (the [`Door`]) and one WebRTC session at a time (the [`Session`]). Must not: speak HTTP; the
//! daemon does, and passes on session descriptions.

mod door;
mod offer;
mod session;

pub(super) use door::{Call, Door, refused};
pub(super) use offer::check;
pub(super) use session::{Servers, Session};

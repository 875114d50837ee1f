//! Files that technicians write: a cursor over a spanned TOML table that records every fault with its place.
//!
//! ```text
//!   text ──► Source (lines, columns) ──► Section (cursor + table of keys) ──► Option<Placed<T>>
//!                                             │ every fault                     value and where it stands
//!                                             ▼
//!                                          Faults
//! ```
//!
//! One table of keys ([`Shape`]) drives the check, the JSON Schema and the configuration reference, so that they cannot
//! disagree. Owns: places, faults, units as they are written, did-you-mean. Must not: know what a channel, a stream class
//! or a profile is, nor read any file but the one it is given.

mod check;
mod fault;
mod nearest;
mod present;
mod reference;
mod schema;
mod section;
mod settings;
mod shape;
mod source;
mod value;

pub use fault::{Fault, Faults, Spot};
pub use nearest::suggestion;
pub(crate) use present::holds_secret;
pub use reference::reference;
pub use schema::schema;
pub use section::{Named, Placed, Section};
pub use settings::{Setting, settings};
pub use shape::{Key, Kind, Need, Shape, Variant};
pub use source::Source;
pub use value::{Bytes, FromWritten};

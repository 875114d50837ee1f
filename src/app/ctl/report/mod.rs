//! Tables and sentences for people, readable at three in the morning: what is on air first, then what is wrong and why.
//!
//! Owns: how documents of the API look as text. Must not: ask the daemon for anything, or know of a terminal.

mod answers;
mod appliance;
mod channel;
mod destinations;
pub(super) mod words;

pub(crate) use answers::{changed, event, failure, outcome};
pub(crate) use appliance::appliance;
pub(crate) use channel::channel;
pub(super) use words::{columns, duration};

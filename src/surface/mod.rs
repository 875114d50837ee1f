//! Control surfaces: what a button shows, tally to displays, orders by OSC.
//!
//! ```text
//!               ┌─▶ buttons ─▶ api ◀── Stream Deck (HTTP)
//! snapshot ─────┼─▶ tally ───▶ tsl ──▶ multiviewers, displays (UDP)
//!               └───────────┐
//! lighting desk ─▶ osc ─────┴▶ a wish, of a sender who may ─▶ api (guards, audit log) ─▶ supervisor
//! ```
//!
//! Owns: how a snapshot looks on a key and on a lamp, the bytes of TSL UMD 5, who may send OSC and what it means. Must
//! not: light what the worker has not confirmed, decide about a channel, or keep anybody waiting: a display that is gone
//! is told again with the next round.

mod account;
mod buttons;
mod desk;
mod listener;
mod osc;
mod packet;
#[cfg(test)]
mod studio;
mod tally;
mod teller;
mod tsl;

pub use account::{OscCounts, OscStatus, SurfacesStatus, TslStatus};
pub use buttons::{Button, ButtonAction, ButtonState, Press, button_named, buttons};
pub use desk::{CarryOut, Surfaces};
pub use osc::Wish;

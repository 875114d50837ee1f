//! One actor per channel, child processes, adoption, snapshots.
//!
//! Owns: orders and their confirmation, the worker processes, the status snapshot. Must not: link GStreamer, block on a
//! worker, or report anything as done before the worker said so.

mod handle;
mod journal;
mod lifecycle;
mod reach;

pub use handle::{Command, Handle, Outcome, Refusal, StampedEvent};
pub use lifecycle::Limits;

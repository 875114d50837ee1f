//! One actor per channel, child processes, adoption, snapshots.
//!
//! Owns: orders and their confirmation, the worker processes, the status snapshot. Must not: link GStreamer, block on a
//! worker, or report anything as done before the worker said so.

mod handle;

pub use handle::{Command, Handle, Outcome, Refusal, StampedEvent};

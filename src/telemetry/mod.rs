//! One event → log line + metric + as-run entry.
//!
//! Owns: the log's format and where it goes (standard error, or the journal field by field), the event counters, and what
//! becomes of repeats. Must not: know where the as-run log is kept (a sink is passed in) or decide anything. A worker
//! uses it too, with a sink of its own.

mod journal;
mod log;
mod recorder;

pub use log::{LogFormat, init};
pub use recorder::{EventCount, Recorder, Sink};

//! One event → log line + metric + as-run entry.
//!
//! Owns: the log's format and where it goes (standard error, or the journal field by field), the event counters, what
//! becomes of repeats, and what this process takes. Must not: know where the as-run log is kept (a sink is passed in) or decide anything. A worker
//! uses it too, with a sink of its own.

mod journal;
mod log;
mod process;
mod recorder;

pub use log::{LogFormat, init};
pub use process::ProcessFigures;
pub use recorder::{EventCount, Recorder, Sink};

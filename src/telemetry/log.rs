//! The log on standard error, or in the journal where that is what standard error leads to.

use std::io::IsTerminal;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use super::journal::Journal;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object per line.
    Json,
}

/// Sets up the log of this program; the second call in a process does nothing. What is shown is set by `RUST_LOG`, by
/// default `info`.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // Whoever asked for JSON reads lines.
    let journal = Journal::behind_standard_error().filter(|_| format == LogFormat::Human);
    if let Some(journal) = journal {
        let _ = tracing_subscriber::registry().with(filter).with(journal).try_init();
        return;
    }
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // Whoever read our standard error may be gone: that must cost the log, not the daemon (the default panics).
    let lines = lines.log_internal_errors(false);
    // A second subscriber in one process (tests) is refused, and the first goes on.
    let _ = match format {
        LogFormat::Human => lines.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}

//! What the daemon is told on the command line.

use std::path::PathBuf;

use clap::Parser;

use super::failure::Failure;
use crate::config::SourceOverride;
use crate::telemetry::LogFormat;

const EXAMPLES: &str = "Examples:
  uplinkd                                       what the packaged service runs
  uplinkd --config packaging/demo/uplinkd.toml --state-dir /tmp/up/state --runtime-dir /tmp/up/run
  uplinkd --source demo=test                    a moving test picture in place of the configured sources
  uplinkd --source demo=srt://0.0.0.0:9000?mode=listener

Signals: SIGTERM or SIGINT takes all channels off air and ends (twice: at once); SIGHUP reads the configuration again.
If the daemon is killed, its workers stay on air, and the next daemon takes them over.";

/// Keeps every channel on air: finds the hardware, runs one worker per channel, serves API and panel.
#[derive(Debug, Parser)]
#[command(name = "uplinkd", version, after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "/etc/uplink/uplinkd.toml")]
    config: PathBuf,
    /// Where orders, logs and segments are kept.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/uplink")]
    state_dir: PathBuf,
    /// Where sockets of the running workers are.
    #[arg(long, value_name = "DIR", default_value = "/run/uplink")]
    runtime_dir: PathBuf,
    /// The worker's executable [default: uplink-worker beside this one].
    #[arg(long, value_name = "FILE")]
    worker: Option<PathBuf>,
    /// Replace a channel's sources for this run: auto, test, /dev/videoN, srt://… or the path of a file; repeatable.
    #[arg(long = "source", value_name = "CHANNEL=WHAT")]
    sources: Vec<String>,
    /// How log lines look.
    #[arg(long, value_enum, default_value_t)]
    pub(super) log_format: LogFormat,
}

/// The arguments, usable: absolute, and with a worker that can be run.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) config: PathBuf,
    pub(super) state: PathBuf,
    pub(super) runtime: PathBuf,
    pub(super) worker: PathBuf,
    pub(super) overrides: Vec<SourceOverride>,
}

impl Arguments {
    pub(super) fn place(&self) -> Result<Place, Failure> {
        let beside = || std::env::current_exe().ok().map(|own| own.with_file_name("uplink-worker"));
        let worker = self.worker.clone().or_else(beside).unwrap_or_else(|| "uplink-worker".into());
        Ok(Place {
            config: self.config.clone(),
            state: absolute(&self.state_dir)?,
            runtime: absolute(&self.runtime_dir)?,
            worker: absolute(&worker)?,
            overrides: self.sources.iter().map(|text| SourceOverride(text.clone())).collect(),
        })
    }
}

fn absolute(path: &PathBuf) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|cause| Failure::Path { path: path.clone(), cause })
}

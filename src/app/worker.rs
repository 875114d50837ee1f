//! `uplink-worker`: one channel.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};

use crate::model::ChannelId;
use crate::system::die_of_faults;
use crate::telemetry::{self, LogFormat};
use crate::worker::{Ended, Setup, run};

/// Keeps one channel on air. Started by uplinkd, which tells it what to do over its socket.
#[derive(Debug, Parser)]
#[command(
    name = "uplink-worker",
    version,
    after_help = "Not for hand use: uplinkd starts one worker per channel.\n\
    A worker whose uplinkd is gone stays on air; SIGTERM takes it off in order."
)]
struct Arguments {
    /// The channel
    #[arg(long)]
    channel: ChannelId,
    /// Runtime directory; the worker's socket is <DIR>/<CHANNEL>/worker.sock
    #[arg(long, value_name = "DIR")]
    runtime_dir: PathBuf,
    /// How log lines look
    #[arg(long, value_enum, default_value = "human")]
    log_format: LogFormat,
}

/// Exit codes: 0 in order, 1 could not start, 70 the channel failed (EX_SOFTWARE).
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    telemetry::init(arguments.log_format);
    die_of_faults();
    let Some(runtime) = runtime() else { return ExitCode::from(1) };
    let setup = Setup { channel: arguments.channel, runtime: arguments.runtime_dir };
    let ended = runtime.block_on(run(setup));
    // Threads that hang in a driver or on a disk do not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    match ended {
        Ok(Ended::Stopped | Ended::Unwanted) => ExitCode::SUCCESS,
        Ok(Ended::Failed(_)) => ExitCode::from(70),
        Err(error) => {
            tracing::error!(%error, "the worker's socket cannot be made; check the runtime directory");
            ExitCode::from(1)
        }
    }
}

fn runtime() -> Option<Runtime> {
    let built = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.inspect_err(|error| tracing::error!(%error, "the box could not start the worker's threads")).ok()
}

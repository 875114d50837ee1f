//! `uplink-worker`: one channel.

use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tokio::runtime::{Builder, Runtime};

use super::probe;
use crate::model::ChannelId;
use crate::model::edge::EdgeOrder;
use crate::system::{die_of_faults, few_heaps, lower_priority, no_core_files};
use crate::telemetry::{self, LogFormat};
use crate::worker::{Ended, Setup, run};

/// Keeps one channel on air. Started by uplinkd, which tells it what to do over its socket.
#[derive(Debug, Parser)]
#[command(
    name = "uplink-worker",
    version,
    after_help = "uplinkd starts one worker per channel; by hand, only --probe is of use.\n\
    A worker whose uplinkd is gone stays on air; SIGTERM takes it off in order."
)]
struct Arguments {
    /// Reads the fragment of a custom source from standard input, says what is wrong with it and exits with 64; 0 if it
    /// is good. Opens no device
    #[arg(long, exclusive = true)]
    check_fragment: bool,
    /// Reads an order from standard input (JSON): a few pictures that are to be encoded anew, for an exact cut of a
    /// recording. Says what came of it on standard output
    #[arg(long, exclusive = true)]
    encode_edge: bool,
    /// The channel
    #[arg(long, required_unless_present_any = ["probe", "check_fragment", "encode_edge"])]
    channel: Option<ChannelId>,
    /// Runtime directory; the worker's socket is <DIR>/<CHANNEL>/worker.sock
    #[arg(long, value_name = "DIR", required_unless_present_any = ["probe", "check_fragment", "encode_edge"])]
    runtime_dir: Option<PathBuf>,
    /// Print what this box can capture and encode, as JSON, and end
    #[arg(long, conflicts_with_all = ["channel", "runtime_dir"])]
    probe: bool,
    /// With --probe: also measure what each encoder costs here, which takes about a minute. Written to
    /// <state>/capacity.json, it is what uplinkd reckons with. Not while channels are on air
    #[arg(long, requires = "probe")]
    measure_cost: bool,
    /// With --probe: also measure how fast the disk of this directory takes what is synced. Its part `disk`, written to
    /// <state>/disk-rate.json, is what uplinkd reckons with; it also measures by itself when it starts with nothing on air
    #[arg(long, requires = "probe", value_name = "DIR")]
    measure_disk: Option<PathBuf>,
    /// With --probe: also say which of these elements are registered, by factory
    #[arg(long, requires = "probe", value_name = "ELEMENT", value_delimiter = ',')]
    elements: Vec<String>,
    /// Where hardware profiles are, for --probe
    #[arg(long, value_name = "DIR", default_value = "/usr/share/uplink/hardware-profiles", requires = "probe")]
    hardware_profiles: PathBuf,
    /// How log lines look
    #[arg(long, value_enum, default_value = "human")]
    log_format: LogFormat,
}

/// Exit codes: 0 in order, 1 could not start, 70 the channel failed (EX_SOFTWARE).
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.check_fragment {
        return check_fragment();
    }
    if arguments.encode_edge {
        return encode_edge();
    }
    telemetry::init(arguments.log_format);
    few_heaps();
    die_of_faults();
    no_core_files();
    let (Some(channel), Some(directory)) = (arguments.channel.clone(), arguments.runtime_dir.clone()) else {
        let Arguments { hardware_profiles, measure_cost, measure_disk, elements, .. } = arguments;
        return probe::run(&hardware_profiles, measure_cost, measure_disk.as_deref(), &elements);
    };
    let Some(runtime) = runtime() else { return ExitCode::from(1) };
    let setup = Setup { channel, runtime: directory };
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

/// On standard input, because a fragment may hold what no list of processes should show.
fn check_fragment() -> ExitCode {
    let mut fragment = String::new();
    if let Err(error) = std::io::stdin().lock().take(64 << 10).read_to_string(&mut fragment) {
        println!("cannot be read: {error}");
        return ExitCode::from(1);
    }
    if let Err(error) = crate::media::init() {
        println!("{error}");
        return ExitCode::from(1);
    }
    match crate::media::check_fragment(&fragment) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("{why}");
            ExitCode::from(64)
        }
    }
}

/// Beside channels on air, which go first.
fn encode_edge() -> ExitCode {
    lower_priority();
    let mut order = Vec::new();
    let read = std::io::stdin().lock().take(16 << 20).read_to_end(&mut order);
    let order: Result<EdgeOrder, String> = match read {
        Ok(_) => serde_json::from_slice(&order).map_err(|error| format!("the order cannot be read: {error}")),
        Err(error) => Err(format!("the order cannot be read: {error}")),
    };
    let encoded = order.and_then(|order| crate::media::encode_edge(&order).map_err(|error| error.to_string()));
    match encoded.and_then(|answer| serde_json::to_string(&answer).map_err(|error| error.to_string())) {
        Ok(answer) => {
            println!("{answer}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            println!("{why}");
            ExitCode::from(1)
        }
    }
}

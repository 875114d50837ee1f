//! `uplink-origin`: arguments → log → configuration → bind → open → serve → exit code.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::origin::{Origin, OriginSettings};

/// The configuration is at fault.
const BAD_CONFIGURATION: u8 = 64;

/// The embedded origin: receives the push of Uplink's channels and serves players.
#[derive(Debug, Parser)]
#[command(name = "uplink-origin", version, after_help = EXAMPLES)]
struct Arguments {
    /// The configuration file
    #[arg(long, value_name = "FILE", default_value = "/etc/uplink/origin.toml")]
    config: PathBuf,
    /// Where to keep what was pushed; goes before the configuration file's `state_dir`
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Where to listen; goes before the configuration file's `listen`
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
}

const EXAMPLES: &str = "Examples:
  uplink-origin --config packaging/demo/origin.toml
  uplink-origin --config /etc/uplink/origin.toml --listen 0.0.0.0:8090 --state-dir /srv/origin

Exit codes: 0 stopped by a signal, 1 could not start, 64 the configuration is at fault.";

/// Runs the origin until a signal stops it.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
    let settings = match OriginSettings::load(&arguments.config) {
        Ok(settings) => settings,
        Err(fault) => {
            tracing::error!("{fault}");
            return ExitCode::from(BAD_CONFIGURATION);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("the threads of the origin could not be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(run(&arguments, &settings));
    // A write that hangs on its disk must not hold up the end.
    runtime.shutdown_background();
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments, settings: &OriginSettings) -> anyhow::Result<()> {
    let address = arguments.listen.unwrap_or(settings.listen);
    let listener = TcpListener::bind(address).await.map_err(|error| bind_fault(address, &error))?;
    let dir = state_dir(arguments, settings);
    let origin = Origin::open(settings, &dir)?;
    let stop = CancellationToken::new();
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let heard = stop.clone();
    tokio::spawn(async move {
        let name = tokio::select! {
            _ = interrupt.recv() => "SIGINT",
            _ = terminate.recv() => "SIGTERM",
        };
        tracing::info!("{name}: stopping");
        heard.cancel();
    });
    let address = listener.local_addr()?;
    tracing::info!("listening on http://{address}/, keeping what is pushed in {}", dir.display());
    origin.run(listener, stop).await;
    tracing::info!("stopped");
    Ok(())
}

fn bind_fault(address: SocketAddr, error: &io::Error) -> anyhow::Error {
    let (ip, port) = (address.ip(), address.port());
    match error.kind() {
        io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "port {port} on {ip} is taken by another program ({error}): stop it, or set `listen` to another port"
        ),
        io::ErrorKind::AddrNotAvailable => {
            anyhow::anyhow!("{ip} is no address of this machine ({error}): set `listen` to one that is")
        }
        io::ErrorKind::PermissionDenied => {
            anyhow::anyhow!("this user may not listen on port {port} ({error}): set `listen` to a port above 1023")
        }
        _ => anyhow::anyhow!("the origin cannot listen on {address}: {error}"),
    }
}

/// The argument, else the configuration, else systemd's StateDirectory=, else the user's own state directory.
fn state_dir(arguments: &Arguments, settings: &OriginSettings) -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    arguments
        .state_dir
        .clone()
        .or_else(|| settings.state_dir.clone())
        .or_else(|| from("STATE_DIRECTORY"))
        .or_else(|| from("XDG_STATE_HOME").map(|dir| dir.join("uplink/origin")))
        .or_else(|| from("HOME").map(|dir| dir.join(".local/state/uplink/origin")))
        .unwrap_or_else(|| PathBuf::from("/var/lib/uplink/origin"))
}

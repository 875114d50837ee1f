//! `uplink-origin`: arguments → log → configuration → bind → open → serve → exit code.

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::origin::{Origin, OriginSettings, SettingsFault};

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

/// `packaging/demo/origin.token`
const DEMO_TOKEN: &str = "demo-token-for-loopback-only";

const EXAMPLES: &str = "Examples:
  uplink-origin --config packaging/demo/origin.toml
  uplink-origin --config /etc/uplink/origin.toml --listen 0.0.0.0:8090 --state-dir /srv/origin

Exit codes: 0 stopped by a signal, 1 could not start, 64 the configuration is at fault.";

/// Runs the origin until a signal stops it.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_log();
    match start(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            if error.is::<SettingsFault>() { ExitCode::from(BAD_CONFIGURATION) } else { ExitCode::FAILURE }
        }
    }
}

fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
}

fn start(arguments: &Arguments) -> anyhow::Result<()> {
    let settings = OriginSettings::load(&arguments.config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the threads of the origin could not be started")?;
    let outcome = runtime.block_on(run(arguments, &settings));
    // A write that hangs on its disk must not hold up the end.
    runtime.shutdown_background();
    outcome
}

async fn run(arguments: &Arguments, settings: &OriginSettings) -> anyhow::Result<()> {
    let address = arguments.listen.unwrap_or(settings.listen);
    let listener = TcpListener::bind(address).await.map_err(|error| bind_fault(address, &error))?;
    let dir = state_dir(arguments, settings);
    let origin = Origin::open(settings, &dir)?;
    let stop = stop_on_signal()?;
    let address = listener.local_addr()?;
    warn_of_demo_token(settings, address);
    tracing::info!("listening on http://{address}/, keeping what is pushed in {}", dir.display());
    origin.run(listener, stop).await;
    tracing::info!("stopped");
    Ok(())
}

/// A token that SIGINT and SIGTERM cancel.
fn stop_on_signal() -> io::Result<CancellationToken> {
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
    Ok(stop)
}

fn warn_of_demo_token(settings: &OriginSettings, address: SocketAddr) {
    if !address.ip().is_loopback() && settings.tokens.iter().any(|(_, token)| token.reveal() == DEMO_TOKEN) {
        tracing::warn!(
            "the demo's token is public, and {address} can be reached from other machines: anyone there can push; \
             put a token of your own into the token file (`openssl rand -hex 24` makes one)"
        );
    }
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

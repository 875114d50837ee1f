//! `uplink-origin`: arguments → log → configuration → bind → open → serve → exit code.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::{Args, Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::model::ChannelId;
use crate::origin::{LONGEST_BEGIN, Origin, OriginSettings, SettingsFault, Use};
use crate::record::RecordingId;
use crate::telemetry::{self, LogFormat};

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
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Print a signed address of a channel, for an origin whose configuration has [playback]
    Sign(Sign),
}

#[derive(Debug, Args)]
struct Sign {
    /// The channel
    channel: ChannelId,
    /// How long it is good to begin with, 30m at most; `[playback] begin` if none
    #[arg(long = "for", value_name = "DURATION")]
    lasts: Option<jiff::SignedDuration>,
    /// Good from this address only
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// Where players reach the origin
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8090")]
    base: Url,
    /// The player's page instead of the playlist
    #[arg(long, conflicts_with = "recording")]
    page: bool,
    /// A recording that was uploaded, instead of what is live
    #[arg(long, value_name = "ID", value_parser = |text: &str| RecordingId::new(text))]
    recording: Option<RecordingId>,
}

/// `packaging/demo/origin.token`
const DEMO_TOKEN: &str = "demo-token-for-loopback-only";

const EXAMPLES: &str = "Examples:
  uplink-origin --config packaging/demo/origin.toml
  uplink-origin --config /etc/uplink/origin.toml --listen 0.0.0.0:8090 --state-dir /srv/origin
  uplink-origin sign demo --for 10m --base https://origin.example
  uplink-origin sign demo --address 192.0.2.7 --page
  uplink-origin sign demo --recording 20261121T190000Z --for 30m

Exit codes: 0 stopped by a signal, 1 could not start, 64 the configuration is at fault.";

/// Runs the origin until a signal stops it.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    telemetry::init(LogFormat::Human);
    crate::system::few_heaps();
    let done = match &arguments.verb {
        Some(Verb::Sign(wanted)) => sign(&arguments, wanted).map(|address| println!("{address}")),
        None => start(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            if error.is::<SettingsFault>() { ExitCode::from(BAD_CONFIGURATION) } else { ExitCode::FAILURE }
        }
    }
}

/// A signed address.
fn sign(arguments: &Arguments, wanted: &Sign) -> anyhow::Result<Url> {
    let settings = OriginSettings::load_to_sign(&arguments.config)?;
    let Some(playback) = &settings.playback else {
        bail!("{} has no [playback]: everybody may watch, no address has to be signed", arguments.config.display());
    };
    let lasts = match wanted.lasts {
        None => playback.begin,
        Some(lasts) => Duration::try_from(lasts)
            .ok()
            .filter(|lasts| (Duration::from_secs(1)..=LONGEST_BEGIN).contains(lasts))
            .context("`--for` must be between 1s and 30m: a viewer who has begun goes on for `[playback] session`")?,
    };
    let expires = (SystemTime::now() + lasts).duration_since(UNIX_EPOCH)?.as_secs();
    let channel = &wanted.channel;
    let ticket = playback.signer().sign(channel, Use::Begin, expires, wanted.address);
    let mut address = wanted.base.clone();
    let path: &[&str] = match &wanted.recording {
        _ if wanted.page => &["watch", channel.as_str()],
        None => &["live", &ticket, channel.as_str(), "multivariant.m3u8"],
        Some(recording) => &["live", &ticket, "vod", channel.as_str(), recording.as_str(), "multivariant.m3u8"],
    };
    match address.path_segments_mut() {
        Ok(mut segments) => segments.pop_if_empty().extend(path),
        Err(()) => bail!("{} is no address of an origin: write for example https://origin.example", wanted.base),
    };
    if wanted.page {
        address.query_pairs_mut().append_pair("ticket", &ticket);
    }
    Ok(address)
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

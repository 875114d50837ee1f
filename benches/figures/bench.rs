//! What every figure works with.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::arguments::Arguments;
use crate::process;
use crate::web::Web;

/// The programs as `cargo bench` built them, a directory to work in, and how long to measure.
#[derive(Debug)]
pub struct Bench {
    pub web: Web,
    pub quick: bool,
    /// How long the long one runs.
    pub soak: Duration,
    /// What was asked for, for those that take it.
    pub minutes: Option<u64>,
    scratch: tempfile::TempDir,
    started: Instant,
}

impl Bench {
    pub fn new(arguments: &Arguments) -> anyhow::Result<Self> {
        // Not below target: paths of unix sockets are short (unix(7), 107 bytes).
        let mut scratch =
            tempfile::Builder::new().prefix("uplink-bench-").tempdir().context("no directory to work in")?;
        scratch.disable_cleanup(arguments.keep);
        uplink::media::init()?;
        let minutes = arguments.minutes.map(|minutes| minutes.max(1));
        let soak = Duration::from_secs(60 * minutes.unwrap_or(if arguments.quick { 2 } else { 10 }));
        let (web, quick, started) = (Web::new()?, arguments.quick, Instant::now());
        let bench = Self { web, quick, soak, minutes, scratch, started };
        bench.end_on_interrupt();
        if arguments.keep {
            bench.say(format!("logs are kept in {}", bench.scratch().display()));
        }
        Ok(bench)
    }

    fn end_on_interrupt(&self) {
        self.web.runtime.spawn(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                eprintln!("interrupted");
                process::end_all();
                std::process::exit(130);
            }
        });
    }

    /// One of the programs, to be given its arguments.
    pub fn program(name: &str) -> Command {
        Command::new(match name {
            "uplinkd" => env!("CARGO_BIN_EXE_uplinkd"),
            "uplink-origin" => env!("CARGO_BIN_EXE_uplink-origin"),
            other => other,
        })
    }

    /// The repository.
    pub fn repository() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// A new directory to work in.
    pub fn directory(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.scratch().join(name);
        std::fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(path)
    }

    /// Progress, for whoever waits.
    pub fn say(&self, what: impl Display) {
        eprintln!("[{:4.0} s] {what}", self.started.elapsed().as_secs_f64());
    }

    /// `full`, or `quick` in a quick run.
    pub fn choose<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }
}

/// Asks `look` every few milliseconds until it finds something; an error of `look` is an answer, too: not yet.
pub fn wait<T>(
    what: &str,
    within: Duration,
    pause: Duration,
    mut look: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let until = Instant::now() + within;
    loop {
        let seen = look();
        if let Ok(Some(found)) = seen {
            return Ok(found);
        }
        if Instant::now() > until {
            let error = seen.err().map(|error| format!(": {error:#}")).unwrap_or_default();
            bail!("waited {} s in vain until {what}{error}", within.as_secs());
        }
        std::thread::sleep(pause);
    }
}

/// A TCP and UDP port that nobody uses now.
pub fn free_port() -> anyhow::Result<u16> {
    for _ in 0..50 {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        if std::net::UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free for TCP and UDP")
}

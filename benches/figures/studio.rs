//! A studio: `uplink-origin` and `uplinkd` with its workers, started as `packaging/demo/run` starts them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context;
use rustix::process::Signal;
use uplink::model::MediaTime;
use uplink::model::status::ChannelStatus;

use crate::bench::{Bench, free_port, wait};
use crate::delivered::Lane;
use crate::faulty_encoder::FaultyEncoder;
use crate::process::{Running, end_workers, remember_workers};

pub const TOKEN: &str = "bench-token-for-loopback-only";
/// From a start to the first segment at the origin, on the slowest machine.
const ON_AIR_WITHIN: Duration = Duration::from_secs(40);
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// What a channel shows and how it is encoded.
#[derive(Debug, Clone)]
pub struct Channel {
    pub id: &'static str,
    pub class: &'static str,
    /// The body of its source's table.
    pub source: String,
    /// Names of more sources, whose tables stand in `source` behind its own.
    pub backups: &'static [&'static str],
    /// More keys of the channel's table.
    pub more: &'static str,
}

impl Channel {
    /// The line-up ladder (360p and 180p) of the test source.
    pub fn test(id: &'static str) -> Self {
        Self::line_up(id, "kind = \"test\"".to_owned())
    }

    /// The line-up ladder of any source.
    pub fn line_up(id: &'static str, source: String) -> Self {
        Self { id, class: "line-up-360p30", source, backups: &[], more: "" }
    }
}

/// Milliseconds since the epoch are too coarse for a kill: nanoseconds.
pub fn utc() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}

pub struct Studio<'a> {
    pub bench: &'a Bench,
    directory: PathBuf,
    api: u16,
    origin_port: u16,
    /// What the daemon's environment has besides this one's.
    environment: Vec<(&'static str, PathBuf)>,
    origin: Option<Running>,
    daemon: Option<Running>,
}

impl<'a> Studio<'a> {
    /// Writes the configuration; nothing runs yet.
    pub fn prepare(bench: &'a Bench, name: &str, channels: &[Channel]) -> anyhow::Result<Self> {
        let directory = bench.directory(name)?;
        for part in ["run", "state", "origin"] {
            std::fs::create_dir_all(directory.join(part))?;
        }
        let (api, origin_port, environment) = (free_port()?, free_port()?, Vec::new());
        let studio = Self { bench, directory, api, origin_port, environment, origin: None, daemon: None };
        remember_workers(&studio.runtime());
        std::fs::write(studio.directory.join("origin.token"), TOKEN)?;
        std::fs::write(studio.directory.join("origin.toml"), studio.origin_configuration())?;
        std::fs::write(studio.configuration(), studio.daemon_configuration(channels))?;
        Ok(studio)
    }

    /// The same, started, and every channel on air.
    pub fn open(bench: &'a Bench, name: &str, channels: &[Channel]) -> anyhow::Result<Self> {
        let mut studio = Self::prepare(bench, name, channels)?;
        studio.begin(channels)?;
        Ok(studio)
    }

    /// Starts what was prepared, and waits until every channel is on air.
    pub fn begin(&mut self, channels: &[Channel]) -> anyhow::Result<()> {
        self.start_origin()?;
        let from = utc();
        self.start_daemon()?;
        for channel in channels {
            self.on_air(channel.id, from)?;
        }
        Ok(())
    }

    /// Has spool and origin keep segments for `time` only, so that what is known of them stops growing while it is measured.
    pub fn keep_for(&self, time: &str) -> anyhow::Result<()> {
        for path in [self.configuration(), self.directory.join("origin.toml")] {
            let text = std::fs::read_to_string(&path)?;
            let text = text.replace("retain = \"20m\"", &format!("retain = \"{time}\""));
            std::fs::write(path, text.replace("retain = \"20min\"", &format!("retain = \"{time}\"")))?;
        }
        Ok(())
    }

    /// Has workers use encoders that fail.
    pub fn equip(&mut self, faulty: &FaultyEncoder) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(self.configuration())?;
        let shipped = format!("{}/hardware-profiles", Bench::repository().display());
        std::fs::write(self.configuration(), text.replace(&shipped, &faulty.profiles().display().to_string()))?;
        self.environment.extend(faulty.environment());
        Ok(())
    }

    /// Has every channel recorded, too; the worker's log says what was synced.
    pub fn record(&mut self) -> anyhow::Result<()> {
        let text = std::fs::read_to_string(self.configuration())?;
        let text = text.replace("destinations = [\"origin\"]", "destinations = [\"origin\", \"archive\"]");
        let more = "[recordings]\nkeep_free = \"100M\"\n[destinations.archive]\nkind = \"recording\"\n";
        std::fs::write(self.configuration(), text + more)?;
        self.environment.push(("RUST_LOG", "info,uplink::record=debug".into()));
        Ok(())
    }

    fn origin_configuration(&self) -> String {
        format!(
            "listen = \"127.0.0.1:{}\"\n[retention]\nretain = \"20m\"\nmax_bytes = \"2GiB\"\n\
             [tokens]\n\"*\" = {{ file = \"origin.token\" }}\n",
            self.origin_port
        )
    }

    fn daemon_configuration(&self, channels: &[Channel]) -> String {
        let repository = Bench::repository().display();
        let mut text = format!(
            "[appliance]\nname = \"bench\"\n[api]\nlisten = \"127.0.0.1:{}\"\naccess = \"open\"\n\
             [paths]\npipelines = \"{repository}/pipelines\"\nhardware_profiles = \"{repository}/hardware-profiles\"\n\
             [spool]\nquota = \"2G\"\nretain = \"20min\"\n\
             [destinations.origin]\nkind = \"hls-push\"\nurl = \"http://127.0.0.1:{}/live/\"\ntoken_file = \"origin.token\"\n",
            self.api, self.origin_port
        );
        for Channel { id, class, source, backups, more } in channels {
            let backups: String = backups.iter().map(|backup| format!(", \"{backup}\"")).collect();
            let _ = write!(
                text,
                "[sources.{id}]\n{source}\n[channels.{id}]\ntitle = \"Bench {id}\"\nstream_class = \"{class}\"\n\
                 sources = [\"{id}\"{backups}]\ndestinations = [\"origin\"]\n{more}\n"
            );
        }
        text
    }

    pub fn origin_port(&self) -> u16 {
        self.origin_port
    }

    /// Makes this a box of a pair, at the origin that listens on `port`.
    pub fn pair(&mut self, port: u16, member: &str, mode: &str) -> anyhow::Result<()> {
        let (own, theirs) =
            (format!("127.0.0.1:{}/live/\"\n", self.origin_port), format!("127.0.0.1:{port}/live/\"\n"));
        let pair = format!("{theirs}pair = {{ member = \"{member}\", mode = \"{mode}\", clock = \"any\" }}\n");
        let text = std::fs::read_to_string(self.configuration())?.replacen(&own, &pair, 1);
        std::fs::write(self.configuration(), text)?;
        self.origin_port = port;
        Ok(())
    }

    pub fn configuration(&self) -> PathBuf {
        self.directory.join("uplinkd.toml")
    }

    fn runtime(&self) -> PathBuf {
        self.directory.join("run")
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn start_origin(&mut self) -> anyhow::Result<()> {
        let mut command = Bench::program("uplink-origin");
        command.arg("--config").arg(self.directory.join("origin.toml"));
        command.arg("--state-dir").arg(self.directory.join("origin"));
        self.origin = Some(Running::start(&mut command, &self.directory.join("origin.log"))?);
        let address = format!("127.0.0.1:{}", self.origin_port);
        wait("the origin listens", Duration::from_secs(10), Duration::from_millis(10), || {
            Ok(std::net::TcpStream::connect(&address).is_ok().then_some(()))
        })
    }

    /// Starts the daemon; returns when that was.
    pub fn start_daemon(&mut self) -> anyhow::Result<Instant> {
        let mut command = Bench::program("uplinkd");
        command.arg("--config").arg(self.configuration());
        command.arg("--state-dir").arg(self.directory.join("state"));
        command.arg("--runtime-dir").arg(self.runtime());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let at = Instant::now();
        self.daemon = Some(Running::start(&mut command, &self.directory.join("uplinkd.log"))?);
        Ok(at)
    }

    pub fn daemon_pid(&self) -> anyhow::Result<u32> {
        Ok(self.daemon.as_ref().context("the daemon does not run")?.pid())
    }

    pub fn origin_pid(&self) -> anyhow::Result<u32> {
        Ok(self.origin.as_ref().context("the origin does not run")?.pid())
    }

    /// `kill -9` of the daemon; its workers go on.
    pub fn kill_daemon(&mut self) {
        self.daemon.take().map(Running::kill);
    }

    /// Has the daemon read its configuration again.
    pub fn reload(&self) -> anyhow::Result<()> {
        let url = format!("{}/config/reload", self.api());
        self.bench.web.post(&url).map(|_| ())
    }

    /// `kill -9` of the origin.
    pub fn kill_origin(&mut self) {
        self.origin.take().map(Running::kill);
    }

    /// Takes all channels off air and ends the daemon.
    pub fn stop_daemon(&mut self) -> anyhow::Result<()> {
        self.daemon.take().map_or(Ok(()), |daemon| daemon.stop(Signal::TERM, STOP_WITHIN))
    }

    /// Waits until the origin's playlist names a picture made after `from`.
    pub fn on_air(&mut self, channel: &str, from: MediaTime) -> anyhow::Result<()> {
        // Every class used here has a rendition of this name.
        let lane = self.lane(channel, "360p");
        let what = format!("channel `{channel}` is on air (logs: --keep)");
        let daemon = &mut self.daemon;
        wait(&what, ON_AIR_WITHIN, Duration::from_millis(20), || {
            daemon.as_mut().map_or(Ok(()), Running::check)?;
            lane.named_after(from)
        })
        .map(|_| ())
        .with_context(|| self.last_words())
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.directory.join("uplinkd.log")).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(5).collect();
        format!("uplinkd said last: {}", tail.into_iter().rev().collect::<Vec<_>>().join(" / "))
    }

    /// Where the API's resources are.
    pub fn api(&self) -> String {
        format!("http://127.0.0.1:{}/api/v1", self.api)
    }

    /// What the API says of a channel.
    pub fn status(&self, channel: &str) -> anyhow::Result<ChannelStatus> {
        let body = self.bench.web.get(&format!("{}/channels/{channel}", self.api()))?;
        serde_json::from_slice(&body).context("the status of a channel cannot be read")
    }

    /// `start`, `stop`, `slate` or `release`.
    pub fn order(&self, channel: &str, verb: &str) -> anyhow::Result<()> {
        let url = format!("{}/channels/{channel}/{verb}", self.api());
        self.bench.web.post(&url).map(|_| ())
    }

    /// Takes something; the answer of the API.
    pub fn take(&self, channel: &str, body: &serde_json::Value) -> anyhow::Result<serde_json::Value> {
        let url = format!("{}/channels/{channel}/take", self.api());
        let answer = self.bench.web.post_json(&url, body)?;
        serde_json::from_slice(&answer).context("the answer to a take cannot be read")
    }

    /// The process of a channel's worker, as soon as the API names one.
    pub fn worker(&self, channel: &str) -> anyhow::Result<u32> {
        wait("the API names the worker", Duration::from_secs(10), Duration::from_millis(20), || {
            Ok(self.status(channel)?.worker.map(|worker| worker.pid))
        })
    }

    /// The address of a channel at the origin.
    pub fn address(&self, channel: &str) -> String {
        format!("http://127.0.0.1:{}/live/{channel}", self.origin_port)
    }

    /// A rendition of a channel at the origin.
    pub fn lane(&self, channel: &str, rendition: &str) -> Lane<'a> {
        let directory = self.directory.join("origin/live").join(channel).join(rendition);
        Lane::new(&self.bench.web, directory, format!("{}/{rendition}", self.address(channel)))
    }

    /// A rendition of a channel in the worker's spool.
    pub fn spooled(&self, channel: &str, rendition: &str) -> PathBuf {
        self.directory.join("state/spool").join(channel).join(rendition)
    }
}

impl Drop for Studio<'_> {
    fn drop(&mut self) {
        // Orderly, so that no worker is left; by force where that fails.
        let _ = self.stop_daemon();
        end_workers(&self.runtime());
    }
}

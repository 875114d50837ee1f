//! One appliance with its origin: directories, free ports, configuration, processes.

use std::collections::HashSet;
use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::http;
use crate::process::{self, exit_code};

/// No state may take longer to come, on however loaded a machine.
pub const SOON: Duration = Duration::from_secs(45);
pub const TOKEN: &str = "the-token-of-the-rig";

/// The least ladder that is one: two renditions and sound.
pub const RENDITIONS: [&str; 3] = ["180p", "144p", "sound"];
const STREAM_CLASS: &str = include_str!("rig.toml");

/// A channel without more than this: a test source, to the origin.
pub const PLAIN: &str = r#"sources = ["test"]"#;

pub struct Rig {
    directory: TempDir,
    pub api: SocketAddr,
    pub origin: SocketAddr,
    daemon: Option<Child>,
    origin_process: Option<Child>,
}

impl Rig {
    /// A configuration with these channels (name and lines), nothing started.
    pub fn new(channels: &[(&str, &str)]) -> Self {
        let directory = tempfile::Builder::new().prefix("rig").tempdir().unwrap();
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let (api, origin) = (address(free_port()), address(free_port()));
        let rig = Self { directory, api, origin, daemon: None, origin_process: None };
        std::fs::create_dir(rig.path("pipelines")).unwrap();
        std::fs::write(rig.path("pipelines/rig.toml"), STREAM_CLASS).unwrap();
        std::fs::write(rig.path("origin.token"), TOKEN).unwrap();
        std::fs::write(rig.path("push.token"), TOKEN).unwrap();
        let text = format!(
            "listen = \"{origin}\"\n[limits]\nsegment = \"4MiB\"\n[tokens]\n\"*\" = {{ file = \"origin.token\" }}\n"
        );
        std::fs::write(rig.path("origin.toml"), text).unwrap();
        std::fs::write(rig.config(), rig.configuration(channels)).unwrap();
        rig
    }

    fn configuration(&self, channels: &[(&str, &str)]) -> String {
        let profiles = concat!(env!("CARGO_MANIFEST_DIR"), "/hardware-profiles");
        let (api, origin) = (self.api, self.origin);
        let mut text = format!(
            "[appliance]\nname = \"rig\"\n[api]\nlisten = \"{api}\"\naccess = \"open\"\n[paths]\nhardware_profiles = \"{profiles}\"\n\
             [spool]\nquota = \"200M\"\n[sources.test]\nkind = \"test\"\n[destinations.origin]\nkind = \"hls-push\"\n\
             url = \"http://{origin}/live/\"\ntoken_file = \"push.token\"\n"
        );
        for (id, lines) in channels {
            text.push_str(&format!(
                "[channels.{id}]\ntitle = \"Channel {id}\"\nstream_class = \"rig\"\ndestinations = [\"origin\"]\n{lines}\n"
            ));
        }
        text
    }

    /// With an origin and a daemon, and every channel on air.
    pub fn on_air(channels: &[(&str, &str)]) -> Self {
        let mut rig = Self::new(channels);
        rig.start_origin();
        rig.start_daemon();
        assert_eq!(rig.status().channels.len(), channels.len(), "all channels are known from the first answer on");
        for (id, _) in channels {
            rig.wait_on_air(id);
        }
        rig
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn config(&self) -> PathBuf {
        self.path("uplinkd.toml")
    }

    /// Changes the configuration file.
    pub fn edit(&self, change: impl FnOnce(String) -> String) {
        let text = change(std::fs::read_to_string(self.config()).unwrap());
        std::fs::write(self.path("new.toml"), text).unwrap();
        std::fs::rename(self.path("new.toml"), self.config()).unwrap();
    }

    /// Where `channel` keeps its segments.
    pub fn spool(&self, channel: &str) -> PathBuf {
        self.path("state/spool").join(channel)
    }

    pub fn daemon_command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uplinkd"));
        command.arg("--config").arg(self.config());
        command.arg("--state-dir").arg(self.path("state")).arg("--runtime-dir").arg(self.path("run"));
        command.env_remove("RUST_LOG").stdin(Stdio::null());
        command
    }

    pub fn origin_command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uplink-origin"));
        command.arg("--config").arg(self.path("origin.toml")).arg("--state-dir").arg(self.path("origin"));
        command.env_remove("RUST_LOG").stdin(Stdio::null());
        command
    }

    /// Starts a daemon and waits until its API answers; returns its process id.
    pub fn start_daemon(&mut self) -> u32 {
        self.start_daemon_by(self.daemon_command())
    }

    /// The same, by a command that differs.
    pub fn start_daemon_by(&mut self, command: Command) -> u32 {
        let api = self.api;
        self.start_daemon_answering(command, || http::get(api, "/healthz").is_ok_and(|answer| answer.status == 200))
    }

    /// The same, where another thing shows that the API answers.
    pub fn start_daemon_answering(&mut self, command: Command, answers: impl FnMut() -> bool) -> u32 {
        let child = self.spawn(command, "daemon.log");
        let pid = child.id();
        self.daemon = Some(child);
        self.until("the API answers", answers);
        pid
    }

    pub fn start_origin(&mut self) {
        self.origin_process = Some(self.spawn(self.origin_command(), "origin.log"));
        self.until("the origin answers", || http::get(self.origin, "/healthz").is_ok());
    }

    fn spawn(&self, mut command: Command, log: &str) -> Child {
        let log = File::options().create(true).append(true).open(self.path(log)).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    /// Sends the daemon a signal; without an end to wait for.
    pub fn signal_daemon(&self, signal: Signal) {
        process::signal(self.daemon.as_ref().expect("a daemon").id(), signal);
    }

    /// Ends the daemon with a signal; its exit code, none if the signal killed it.
    pub fn end_daemon(&mut self, signal: Signal) -> Option<i32> {
        end(self.daemon.take(), signal)
    }

    pub fn end_origin(&mut self, signal: Signal) -> Option<i32> {
        end(self.origin_process.take(), signal)
    }

    /// Runs a command to its end: exit code and everything it said.
    pub fn run(&self, mut command: Command) -> (Option<i32>, String) {
        let path = self.path("said.log");
        let log = File::create(&path).unwrap();
        let mut child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let code = exit_code(&mut child, SOON);
        (code, std::fs::read_to_string(path).unwrap())
    }

    /// Ids of the workers that this rig's runtime directory knows.
    fn workers(&self) -> Vec<u32> {
        let channels = std::fs::read_dir(self.path("run")).into_iter().flatten().flatten();
        let line = |channel: std::fs::DirEntry| std::fs::read_to_string(channel.path().join("worker.pid")).ok();
        channels.filter_map(line).filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
    }

    /// Processes that work for this rig.
    pub fn leftovers(&self) -> Vec<u32> {
        process::naming(self.directory.path())
    }

    fn tell_logs(&self) {
        let channels = std::fs::read_dir(self.path("run")).into_iter().flatten().flatten();
        let workers = channels.map(|channel| channel.path().join("worker.log"));
        let logs = [self.path("daemon.log"), self.path("origin.log")].into_iter().chain(workers);
        for log in logs.filter(|log| log.is_file()) {
            eprintln!("---- {}\n{}", log.display(), tail(&log, 40));
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.tell_logs();
        }
        for mut child in [self.daemon.take(), self.origin_process.take()].into_iter().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // The daemon is gone, so nobody starts others; only what works for this rig is touched.
        let ours = self.leftovers();
        for pid in self.workers().into_iter().filter(|pid| ours.contains(pid)) {
            process::signal(pid, Signal::SIGKILL);
        }
    }
}

fn end(child: Option<Child>, signal: Signal) -> Option<i32> {
    let mut child = child.expect("a process to end");
    process::signal(child.id(), signal);
    exit_code(&mut child, SOON)
}

pub fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// A port that is free now, was never given to another rig of this run, and is none that the system hands out to
/// connections.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);
    let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let given = given.get_or_insert_default();
    loop {
        let port = fastrand::u16(20_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && given.insert(port) {
            return port;
        }
    }
}

/// Says loudly that a test was not made.
pub fn skip(why: &str) {
    eprintln!("SKIPPED: {why}");
}

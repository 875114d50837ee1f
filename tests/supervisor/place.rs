//! Directories, a configuration, and the real `uplinkd` on them with stand-in workers.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use super::rig::{alive, executable_in, until};

/// A place for one daemon after the other.
pub struct Place {
    pub directory: tempfile::TempDir,
    pub port: u16,
}

/// A daemon that runs; killed with its test.
pub struct Running {
    pub child: Child,
    pub log: PathBuf,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits for the end, and returns its exit code.
    pub fn code(&mut self) -> Option<i32> {
        let mut status = None;
        until("the daemon ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }
}

impl Place {
    pub fn new(channels: &[&str]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let place = Self { directory: tempfile::tempdir().unwrap(), port };
        place.configure(channels);
        for channel in channels {
            std::fs::create_dir_all(place.runtime().join(channel)).unwrap();
        }
        place
    }

    pub fn runtime(&self) -> PathBuf {
        self.directory.path().join("run")
    }

    pub fn configure(&self, channels: &[&str]) {
        let repository = env!("CARGO_MANIFEST_DIR");
        let mut text = format!(
            "[appliance]\nname = \"test\"\n[api]\nlisten = \"127.0.0.1:{}\"\naccess = \"open\"\n\
             [paths]\npipelines = \"{repository}/pipelines\"\nhardware_profiles = \"{repository}/hardware-profiles\"\n\
             [sources.bars]\nkind = \"test\"\n\
             [destinations.local]\nkind = \"hls-push\"\nurl = \"http://127.0.0.1:9/live/\"\n",
            self.port
        );
        for name in channels {
            text += &format!(
                "[channels.{name}]\ntitle = \"{name}\"\nstream_class = \"talk-720p30\"\nsources = [\"bars\"]\n\
                 destinations = [\"local\"]\n"
            );
        }
        std::fs::write(self.directory.path().join("uplinkd.toml"), text).unwrap();
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uplinkd"));
        let directory = self.directory.path();
        command.arg("--config").arg(directory.join("uplinkd.toml"));
        command.arg("--state-dir").arg(directory.join("state")).arg("--runtime-dir").arg(self.runtime());
        command.arg("--worker").arg(executable_in(directory));
        command.stdin(Stdio::null());
        command
    }

    pub fn start(&self) -> Running {
        let log = self.directory.path().join("uplinkd.log");
        let file = std::fs::File::create(&log).unwrap();
        Running { child: self.command().stderr(file).spawn().unwrap(), log }
    }

    /// Runs a daemon that is expected to end by itself.
    pub fn fails(&self, extra: &[&str]) -> (Option<i32>, String) {
        let Output { status, stderr, .. } = self.command().args(extra).output().unwrap();
        (status.code(), String::from_utf8_lossy(&stderr).into_owned())
    }

    /// Waits for a worker that has been started and talked to, and returns its pid.
    pub fn worker(&self, channel: &str) -> u32 {
        let mut pid = 0;
        until("a worker is up", || {
            pid = self.worker_now(channel);
            let heard = std::fs::read_to_string(self.runtime().join(channel).join("heard")).unwrap_or_default();
            pid != 0 && alive(pid) && heard.contains("start")
        });
        pid
    }

    pub fn worker_now(&self, channel: &str) -> u32 {
        let text = std::fs::read_to_string(self.runtime().join(channel).join("worker.pid")).unwrap_or_default();
        text.split(' ').next().and_then(|pid| pid.parse().ok()).unwrap_or(0)
    }
}

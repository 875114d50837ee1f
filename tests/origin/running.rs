//! A running origin with a configuration, a state directory and tokens of its own.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::http::{Answer, ask};

pub const ALL: &str = "the-token-for-all-channels";
pub const OF_A: &str = "the-token-of-channel-a";
pub const OF_B: &str = "the-token-of-channel-b";

const BOUND: Duration = Duration::from_secs(20);

/// A directory with `origin.toml` (made of `settings` and the tokens) and what it names.
pub struct Place {
    pub dir: TempDir,
}

impl Place {
    pub fn new(settings: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, token) in [("all", ALL), ("a", OF_A), ("b", OF_B)] {
            std::fs::write(dir.path().join(format!("{name}.token")), format!("{token}\n")).unwrap();
        }
        let text = format!(
            "state_dir = \"state\"\n{settings}\n[tokens]\n\"*\" = {{ file = \"all.token\" }}\n\
             a = {{ file = \"a.token\" }}\nb = {{ file = \"b.token\" }}\n"
        );
        std::fs::write(dir.path().join("origin.toml"), text).unwrap();
        Self { dir }
    }

    pub fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uplink-origin"));
        command.arg("--config").arg(self.dir.path().join("origin.toml")).env_remove("RUST_LOG");
        command
    }

    /// Starts on a free port.
    pub fn start(self) -> Running {
        let mut command = self.command();
        command.args(["--listen", "127.0.0.1:0"]);
        self.start_with(command)
    }

    pub fn start_with(self, mut command: Command) -> Running {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = child.stderr.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                eprintln!("origin: {line}");
                // The other end is gone once the address is known.
                let _ = sender.send(line);
            }
        });
        let deadline = Instant::now() + BOUND;
        let address = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = receiver.recv_timeout(left).expect("the origin says where it listens");
            if let Some((_, rest)) = line.split_once("listening on http://") {
                break rest.split('/').next().unwrap().parse().unwrap();
            }
        };
        Running { child, address, place: self }
    }

    /// Runs to the end, which has to come: exit code and log.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut child = self.command().args(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let status = wait(&mut child);
        let log = std::io::read_to_string(child.stderr.take().unwrap()).unwrap();
        (status.code(), log)
    }
}

pub struct Running {
    child: Child,
    pub address: SocketAddr,
    pub place: Place,
}

impl Running {
    pub fn put(&self, path: &str, token: &str, body: &[u8]) -> Answer {
        let head = format!(
            "PUT {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nContent-Length: {}\r\nConnection: close",
            body.len()
        );
        ask(self.address, &head, body)
    }

    /// Puts what has to be taken.
    pub fn store(&self, path: &str, body: impl AsRef<[u8]>) {
        let answer = self.put(&format!("/live/{path}"), ALL, body.as_ref());
        assert!(matches!(answer.status, 201 | 204), "{path}: {}", answer.text());
    }

    pub fn get(&self, path: &str) -> Answer {
        self.get_with(path, "")
    }

    /// `extra`: header lines, each ended by CR LF.
    pub fn get_with(&self, path: &str, extra: &str) -> Answer {
        ask(self.address, &format!("GET {path} HTTP/1.1\r\n{extra}Connection: close"), b"")
    }

    pub fn delete(&self, path: &str, token: &str) -> Answer {
        let head = format!("DELETE {path} HTTP/1.1\r\nAuthorization: Bearer {token}\r\nConnection: close");
        ask(self.address, &head, b"")
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Waits for its end and gives the place back.
    pub fn ended(mut self) -> (ExitStatus, Place) {
        let status = wait(&mut self.child);
        let place = std::mem::replace(&mut self.place, Place { dir: tempfile::tempdir().unwrap() });
        (status, place)
    }

    pub fn drafts(&self) -> usize {
        std::fs::read_dir(self.place.state().join("incoming")).unwrap().count()
    }

    pub fn holds(&self, path: &str) -> bool {
        self.place.state().join("live").join(path).exists()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already ended is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait(child: &mut Child) -> ExitStatus {
    let mut status = None;
    until("the origin ends", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

/// Waits for `condition`, within a bound.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + BOUND;
    while !condition() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Every file below `dir`, relative to it.
pub fn tree(dir: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in std::fs::read_dir(next).into_iter().flatten().map_while(Result::ok) {
            if entry.path().is_dir() {
                todo.push(entry.path());
            } else {
                files.push(entry.path().strip_prefix(dir).unwrap().display().to_string());
            }
        }
    }
    files.sort();
    files
}

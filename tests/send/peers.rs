//! Programs that receive.

use std::fs::File;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A process that is killed when dropped. What it says on standard error is kept.
pub struct Peer {
    child: Child,
    log: PathBuf,
}

impl Peer {
    /// Runs it; what it prints goes to `out`.
    pub fn run(command: &mut Command, directory: &Path, name: &str, out: Option<&Path>) -> Self {
        let log = directory.join(format!("{name}.log"));
        let out = out.map_or_else(Stdio::null, |out| File::create(out).unwrap().into());
        let child = command.stdin(Stdio::null()).stdout(out).stderr(File::create(&log).unwrap()).spawn();
        Self { child: child.unwrap_or_else(|error| panic!("{name}: {error}")), log }
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    pub fn kill(mut self) {
        self.end();
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it has ended by itself, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for it to end by itself.
    pub fn wait(mut self, bound: Duration) -> bool {
        let end = Instant::now() + bound;
        while Instant::now() < end {
            if self.ended().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.end();
    }
}

/// Whether a program is there; says so if not.
pub fn has(program: &str, package: &str) -> bool {
    let there = Command::new(program).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !there {
        eprintln!(
            "\n*** SKIPPED: no {program} on this machine (Debian: {package}); senders are not tested against it ***\n"
        );
    }
    there
}

pub fn free_udp_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Even, and the next one free as well.
pub fn free_udp_pair() -> u16 {
    (0..100)
        .map(|_| free_udp_port() & !1)
        .find(|port| {
            let free = |port: u16| UdpSocket::bind(("127.0.0.1", port)).is_ok();
            free(*port) && free(port + 1)
        })
        .expect("two ports in a row")
}

pub fn free_tcp_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

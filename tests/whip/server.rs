//! The peer as a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// No state may take longer to come, on however loaded a machine.
pub const SOON: Duration = Duration::from_secs(45);

/// An endpoint that runs.
pub struct Server {
    child: Child,
    _lifeline: ChildStdin,
    pub port: u16,
}

/// The Python that has aiortc; none, and says so, on a machine without.
pub fn python() -> Option<PathBuf> {
    let python = std::env::var_os("UPLINK_PYTHON")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/ndi/bin/python")), PathBuf::from);
    let has = Command::new(&python).args(["-c", "import aiortc, aiohttp, numpy"]).stderr(Stdio::null()).status();
    let has = has.is_ok_and(|status| status.success());
    if !has {
        println!("SKIPPED: WHIP, since aiortc is not installed (packaging/test installs it)");
    }
    has.then_some(python)
}

/// Whether this machine has an address that WebRTC may use: loopback is none.
pub fn has_address() -> bool {
    let out = Command::new("hostname").arg("-I").output();
    let has = out.is_ok_and(|out| !String::from_utf8_lossy(&out.stdout).trim().is_empty());
    if !has {
        println!("SKIPPED: WHIP, since this machine has no address but loopback");
    }
    has
}

impl Server {
    /// Starts one; none where that cannot be.
    pub fn start(settings: Value) -> Option<Self> {
        let python = python().filter(|_| has_address())?;
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/whip/server.py"))
            .arg(settings.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lifeline = child.stdin.take().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("port ").unwrap_or_else(|| panic!("the peer does not start: {line}"));
        Some(Self { child, _lifeline: lifeline, port: port.parse().unwrap() })
    }

    pub fn url(&self) -> url::Url {
        format!("http://127.0.0.1:{}/whip", self.port).parse().unwrap()
    }

    /// What it says of itself.
    pub fn report(&self) -> Value {
        serde_json::from_str(&self.ask("GET", "/report", "")).unwrap()
    }

    pub fn count(&self, name: &str) -> u64 {
        self.report()[name].as_u64().unwrap()
    }

    /// The next offers are refused with these.
    pub fn refuse(&self, statuses: &[u16]) {
        self.ask("POST", "/refuse", &json!(statuses).to_string());
    }

    /// The next requests to restart ICE are answered with these.
    pub fn stay(&self, statuses: &[u16]) {
        self.ask("POST", "/stay", &json!(statuses).to_string());
    }

    /// ICE sessions have another tag from now on.
    pub fn retag(&self) {
        self.ask("POST", "/retag", "");
    }

    /// Another token is expected from now on.
    pub fn admit(&self, token: &str) {
        self.ask("POST", "/token", token);
    }

    /// Has it ask for a keyframe.
    pub fn ask_keyframe(&self) {
        self.ask("POST", "/keyframe", "");
    }

    /// So many of the packets are lost from now on.
    pub fn lose(&self, share: f64) {
        self.ask("POST", "/lose", &share.to_string());
    }

    /// Its address in TLS, with a certificate for it.
    pub fn secure_url(&self) -> url::Url {
        format!("https://127.0.0.1:{}/whip", self.count("secure")).parse().unwrap()
    }

    /// Waits until `what` counts at least `least`.
    pub fn wait(&self, what: &str, least: u64) -> Value {
        self.wait_for(&format!("{least} {what}"), |report| report[what].as_u64().unwrap() >= least)
    }

    /// Waits until `test` likes the report.
    pub fn wait_for(&self, what: &str, test: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + SOON;
        loop {
            let report = self.report();
            if test(&report) {
                return report;
            }
            assert!(Instant::now() < until, "not {what}: {report}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        let length = body.len();
        write!(stream, "{method} {path} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }

    /// Stops or continues the process, as a cut of the line does with all it sends and takes.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Kills it; its port.
    pub fn kill(mut self) -> u16 {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! Somebody who watches at the SFU, and the line to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{SOON, python};

/// A viewer that runs.
pub struct Viewer {
    child: Child,
    _lifeline: ChildStdin,
    port: u16,
}

impl Viewer {
    /// Between the sender and simple-whip-server on port `web`, and in a room of the Janus with its API on port `api`;
    /// none where that cannot be.
    pub fn start(web: u16, api: u16, room: u32) -> Option<Self> {
        let mut child = Command::new(python()?)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/whip/viewer.py"))
            .arg(json!({"web": web, "api": api, "room": room}).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lifeline = child.stdin.take().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("port ").unwrap_or_else(|| panic!("the viewer does not start: {line}"));
        Some(Self { child, _lifeline: lifeline, port: port.parse().unwrap() })
    }

    /// Where to publish, so that media come by here.
    pub fn whip(&self, name: &str) -> url::Url {
        format!("http://127.0.0.1:{}/whip/endpoint/{name}", self.port).parse().unwrap()
    }

    /// Begins to watch.
    pub fn watch(&self) {
        self.ask("POST", "/watch", "");
    }

    /// Wants this layer from now on; 0 is the smallest.
    pub fn choose(&self, layer: u32) {
        self.ask("POST", "/layer", &layer.to_string());
    }

    /// So many of the packets with pictures are lost on the way to the SFU from now on.
    pub fn lose(&self, share: f64) {
        self.ask("POST", "/lose", &share.to_string());
    }

    /// Waits for so many more pictures of this size in a row.
    pub fn shows(&self, size: &str, more: u64) {
        self.wait(|report| report["size"] == size && report["in_a_row"].as_u64() >= Some(more));
    }

    /// Waits for a report that is as wanted.
    pub fn wait(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + SOON;
        loop {
            let report: Value = serde_json::from_str(&self.ask("GET", "/report", "")).unwrap();
            if wanted(&report) {
                return report;
            }
            assert!(Instant::now() < until, "never so: {report}");
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
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.lines().next().unwrap().contains(" 200 "), "{method} {path}: {answer}");
        body.to_owned()
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

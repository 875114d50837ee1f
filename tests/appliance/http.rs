//! A small HTTP client: one request, one connection. It sends exactly what it is told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than any answer of the API may take (a command is bounded by 60 s).
const BOUND: Duration = Duration::from_secs(70);

pub struct Answer {
    pub status: u16,
    head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }
}

pub fn get(address: SocketAddr, path: &str) -> std::io::Result<Answer> {
    ask(address, &format!("GET {path} HTTP/1.0\r\n"), b"")
}

/// A command of the API, confirmed if that is asked for.
pub fn post(address: SocketAddr, path: &str, body: &serde_json::Value) -> std::io::Result<Answer> {
    let body = body.to_string();
    let length = body.len();
    let head = format!("POST {path} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n");
    let answer = ask(address, &head, body.as_bytes())?;
    match answer.status {
        428 => {
            let problem = answer.json();
            let token = problem["confirm"]["token"].as_str().expect("a token");
            ask(address, &format!("{head}Confirm: {token}\r\n"), body.as_bytes())
        }
        _ => Ok(answer),
    }
}

/// Sends `head` (lines, each ended by CR LF, without the empty one) and as much of `body` as is taken.
pub fn ask(address: SocketAddr, head: &str, body: &[u8]) -> std::io::Result<Answer> {
    let mut stream = open(address, head)?;
    // A refusal may come, and the connection end, while the body is still going out.
    let _ = stream.write_all(body);
    let mut all = Vec::new();
    let end = stream.read_to_end(&mut all);
    let Some(split) = all.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Err(end.err().unwrap_or_else(|| std::io::ErrorKind::UnexpectedEof.into()));
    };
    let head = String::from_utf8_lossy(&all[..split]).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status line");
    let answer = Answer { status, head, body: all[split + 4..].to_vec() };
    match answer.header("content-length").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) if length != answer.body.len() => Err(std::io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(answer),
    }
}

fn open(address: SocketAddr, head: &str) -> std::io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, BOUND)?;
    stream.set_read_timeout(Some(BOUND))?;
    stream.set_write_timeout(Some(BOUND))?;
    stream.write_all(format!("{head}Host: {address}\r\nConnection: close\r\n\r\n").as_bytes())?;
    Ok(stream)
}

/// A server-sent event.
#[derive(Debug)]
pub struct Sent {
    pub kind: String,
    pub data: serde_json::Value,
}

/// An open event stream.
pub struct Following(BufReader<TcpStream>);

impl Following {
    pub fn open(address: SocketAddr) -> Self {
        Self::open_at(address, "/api/v1/events")
    }

    /// The same with a query.
    pub fn open_at(address: SocketAddr, path: &str) -> Self {
        let stream = open(address, &format!("GET {path} HTTP/1.0\r\nAccept: text/event-stream\r\n")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(BufReader::new(stream))
    }

    /// The next event. Heartbeats come every two seconds, so this cannot wait for long.
    pub fn next(&mut self) -> Sent {
        let (mut kind, mut data) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            let read = self.0.read_line(&mut line).expect("the event stream speaks");
            assert!(read > 0, "the event stream ended");
            let line = line.trim_end();
            if let Some(value) = line.strip_prefix("event:") {
                value.trim().clone_into(&mut kind);
            } else if let Some(value) = line.strip_prefix("data:") {
                data.push_str(value.trim());
            } else if line.is_empty() && !kind.is_empty() {
                return Sent { kind, data: serde_json::from_str(&data).expect("JSON in the event") };
            }
        }
    }

    /// Waits until `test` likes an event.
    pub fn until(&mut self, what: &str, mut test: impl FnMut(&Sent) -> bool) -> Sent {
        let mut seen = Vec::new();
        for _ in 0..400 {
            let sent = self.next();
            if test(&sent) {
                return sent;
            }
            seen.push(format!("{} {}", sent.kind, sent.data["code"]));
        }
        panic!("{what} never came; came: {seen:?}");
    }
}

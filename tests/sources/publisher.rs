//! A publisher that sends a recording with the timestamps a test wants, which no encoder can be made to send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtmp_rs::amf::AmfValue;
use rtmp_rs::protocol::message::Command;
use rtmp_rs::protocol::{Handshake, HandshakeRole, RtmpMessage};

/// One message of an FLV file.
struct Tag {
    video: bool,
    millis: u32,
    body: Bytes,
}

/// The audio and video tags of an FLV file (Adobe's FLV specification, annex E).
fn tags(file: &Path) -> Vec<Tag> {
    let bytes = std::fs::read(file).unwrap();
    let mut tags = Vec::new();
    let mut at = 13;
    while at + 11 <= bytes.len() {
        let head = &bytes[at..at + 11];
        let size = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        let millis = u32::from_be_bytes([head[7], head[4], head[5], head[6]]);
        if matches!(head[0], 8 | 9) {
            let body = Bytes::copy_from_slice(&bytes[at + 11..at + 11 + size]);
            tags.push(Tag { video: head[0] == 9, millis, body });
        }
        at += 11 + size + 4;
    }
    tags
}

pub struct Publisher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    /// Sends `file` in real time once for each of `begins`, with timestamps that begin there.
    pub fn start(listen: SocketAddr, app: &str, key: &str, file: &Path, begins: &[u32]) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopping, app, key) = (Arc::clone(&stop), app.to_owned(), key.to_owned());
        let (begins, tags) = (begins.to_vec(), tags(file));
        let thread = std::thread::spawn(move || {
            let mut line = Line::publish(listen, &app, &key);
            let _ = line.send_all(&tags, &begins, &stopping);
        });
        Self { stop, thread: Some(thread) }
    }
}

/// A connection that publishes.
struct Line {
    socket: TcpStream,
}

impl Line {
    fn publish(listen: SocketAddr, app: &str, key: &str) -> Self {
        let mut socket = TcpStream::connect(listen).unwrap();
        let mut handshake = Handshake::new(HandshakeRole::Client);
        socket.write_all(&handshake.generate_initial().unwrap()).unwrap();
        let mut answer = vec![0; 3073];
        socket.read_exact(&mut answer).unwrap();
        socket.write_all(&handshake.process(&mut Bytes::from(answer)).unwrap().unwrap()).unwrap();
        // What the server says is read by nobody: it is little, and the socket's buffer takes it.
        let mut line = Self { socket };
        let about = AmfValue::Object([("app".to_owned(), AmfValue::String(app.to_owned()))].into());
        line.command("connect", 1.0, about, Vec::new());
        line.command("createStream", 2.0, AmfValue::Null, Vec::new());
        let name = vec![AmfValue::String(key.to_owned()), AmfValue::String("live".to_owned())];
        line.command("publish", 3.0, AmfValue::Null, name);
        line
    }

    fn command(&mut self, name: &str, transaction_id: f64, command_object: AmfValue, arguments: Vec<AmfValue>) {
        let command = Command { name: name.to_owned(), transaction_id, command_object, arguments, stream_id: 0 };
        let (kind, payload) = RtmpMessage::Command(command).encode();
        self.send(3, 0, kind, &payload).unwrap();
    }

    /// One message in chunks of 128 bytes, its whole timestamp on each of them where it is long (RTMP 5.3.1.3).
    fn send(&mut self, csid: u8, timestamp: u32, message_type: u8, payload: &Bytes) -> std::io::Result<()> {
        let long = timestamp >= 0xff_ffff;
        let mut bytes = vec![csid];
        bytes.extend(&if long { 0xff_ffff } else { timestamp }.to_be_bytes()[1..]);
        bytes.extend(&(payload.len() as u32).to_be_bytes()[1..]);
        bytes.push(message_type);
        bytes.extend(1u32.to_le_bytes());
        for (n, part) in payload.chunks(128).enumerate() {
            if n > 0 {
                bytes.push(0xc0 | csid);
            }
            if long {
                bytes.extend(timestamp.to_be_bytes());
            }
            bytes.extend(part);
        }
        self.socket.write_all(&bytes)
    }

    fn send_all(&mut self, tags: &[Tag], begins: &[u32], stop: &AtomicBool) -> std::io::Result<()> {
        let started = Instant::now();
        let mut base = Duration::ZERO;
        for begin in begins {
            for tag in tags {
                let due = started + base + Duration::from_millis(tag.millis.into());
                std::thread::park_timeout(due.saturating_duration_since(Instant::now()));
                if stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                let (csid, kind) = if tag.video { (6, 9) } else { (4, 8) };
                self.send(csid, begin.wrapping_add(tag.millis), kind, &tag.body)?;
            }
            base += Duration::from_millis(u64::from(tags.last().unwrap().millis) + 21);
        }
        Ok(())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

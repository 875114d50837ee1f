//! The conversation with one publisher: handshake, connect, createStream, publish, then media (Adobe's RTMP 1.0).

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::Weak;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rtmp_rs::amf::AmfValue;
use rtmp_rs::protocol::chunk::RtmpChunk;
use rtmp_rs::protocol::message::Command;
use rtmp_rs::protocol::{
    ChunkDecoder, ChunkEncoder, ConnectResponseBuilder, EnhancedCapabilities, Handshake, HandshakeRole, RtmpMessage,
    constants,
};

use super::gate::{Pass, Refusal};
use super::listener::Listener;
use super::tag;
use super::tracks::Broken;

/// A caller that has not begun to publish by then is hung up on.
const INTRODUCTION: Duration = Duration::from_secs(10);
/// What a caller may send before it is admitted.
const INTRODUCTION_BYTES: u64 = 64 << 10;
/// A publisher that sends nothing at all; the source has noticed long before.
const QUIET: Duration = Duration::from_secs(30);
const WRITE: Duration = Duration::from_secs(2);
/// A wrong key is answered late: guessing takes time.
const WRONG_KEY: Duration = Duration::from_millis(500);
/// Acknowledged this often unless the publisher asks for another measure (RTMP 5.4.3).
const WINDOW: u32 = 2_500_000;
const CHUNK: u32 = 4096;
/// The one message stream a connection gets.
const STREAM: f64 = 1.0;

/// Why a conversation ended.
#[derive(Debug)]
enum Over {
    /// The publisher went, or was cut off.
    Gone,
    /// Nothing to tell anybody.
    Silent(&'static str),
    /// The source has to know.
    Broken(Broken),
}

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Over::Gone
    }
}

impl From<rtmp_rs::Error> for Over {
    fn from(_: rtmp_rs::Error) -> Self {
        Over::Silent("it does not speak RTMP")
    }
}

/// Talks to the caller until it goes, is refused, or is cut off.
pub(super) fn hold(socket: &TcpStream, peer: SocketAddr, listener: &Weak<Listener>) {
    let mut dialogue = Dialogue::new(socket, peer, listener.clone());
    match dialogue.run() {
        Err(Over::Gone) | Ok(()) => {}
        Err(Over::Silent(why)) => {
            tracing::debug!(%peer, "RTMP caller hung up on: {why}");
        }
        Err(Over::Broken(broken)) => dialogue.tell(&broken),
    }
}

struct Dialogue<'a> {
    socket: &'a TcpStream,
    peer: SocketAddr,
    listener: Weak<Listener>,
    read: BytesMut,
    decoder: ChunkDecoder,
    encoder: ChunkEncoder,
    app: Option<String>,
    pass: Option<Pass>,
    since: Instant,
    received: u64,
    acknowledged: u64,
    window: u64,
}

impl<'a> Dialogue<'a> {
    fn new(socket: &'a TcpStream, peer: SocketAddr, listener: Weak<Listener>) -> Self {
        Self {
            socket,
            peer,
            listener,
            read: BytesMut::with_capacity(16 << 10),
            decoder: ChunkDecoder::new(),
            encoder: ChunkEncoder::new(),
            app: None,
            pass: None,
            since: Instant::now(),
            received: 0,
            acknowledged: 0,
            window: u64::from(WINDOW),
        }
    }

    fn run(&mut self) -> Result<(), Over> {
        self.socket.set_nonblocking(false)?;
        self.socket.set_nodelay(true)?;
        self.socket.set_write_timeout(Some(WRITE))?;
        self.shake_hands()?;
        loop {
            self.messages()?;
            self.receive()?;
        }
    }

    fn shake_hands(&mut self) -> Result<(), Over> {
        let mut handshake = Handshake::new(HandshakeRole::Server);
        handshake.generate_initial();
        while !handshake.is_done() {
            let needed = handshake.bytes_needed();
            while self.read.len() < needed {
                self.receive()?;
            }
            let mut packet = self.read.split_to(needed).freeze();
            if let Some(answer) = handshake.process(&mut packet)? {
                (&mut &*self.socket).write_all(&answer)?;
            }
        }
        Ok(())
    }

    /// Reads what has come; ends the conversation if nothing may come any more.
    fn receive(&mut self) -> Result<(), Over> {
        let patience = if self.pass.is_some() { QUIET } else { INTRODUCTION.saturating_sub(self.since.elapsed()) };
        if patience.is_zero() {
            return Err(Over::Silent("it has not published in time"));
        }
        self.socket.set_read_timeout(Some(patience))?;
        let mut piece = [0; 16 << 10];
        let length = (&mut &*self.socket).read(&mut piece)?;
        if length == 0 {
            return Err(Over::Gone);
        }
        self.received += length as u64;
        if self.pass.is_none() && self.received > INTRODUCTION_BYTES {
            return Err(Over::Silent("it sends too much before it publishes"));
        }
        self.read.extend_from_slice(&piece[..length]);
        self.acknowledge()
    }

    fn acknowledge(&mut self) -> Result<(), Over> {
        if self.pass.is_some() && self.received - self.acknowledged >= self.window {
            self.acknowledged = self.received;
            self.send(&RtmpMessage::Acknowledgement { sequence: self.received as u32 }, 0)?;
        }
        Ok(())
    }

    /// Takes every whole message there is.
    fn messages(&mut self) -> Result<(), Over> {
        loop {
            let before = self.read.len();
            match self.decoder.decode(&mut self.read)? {
                Some(chunk) => self.message(RtmpMessage::from_chunk(&chunk)?)?,
                // A part of a message was taken; the next part may be there, too.
                None if self.read.len() < before => {}
                None => return Ok(()),
            }
        }
    }

    fn message(&mut self, message: RtmpMessage) -> Result<(), Over> {
        match message {
            // Chunks smaller than the protocol's own default only serve to take memory.
            RtmpMessage::SetChunkSize(size) if size >= constants::DEFAULT_CHUNK_SIZE => {
                self.decoder.set_chunk_size(size);
                Ok(())
            }
            RtmpMessage::SetChunkSize(_) => Err(Over::Silent("its chunks are too small")),
            RtmpMessage::Abort { csid } => {
                self.decoder.abort(csid);
                Ok(())
            }
            RtmpMessage::WindowAckSize(size) => {
                self.window = u64::from(size.clamp(64 << 10, WINDOW));
                Ok(())
            }
            RtmpMessage::Command(command) | RtmpMessage::CommandAmf3(command) => self.command(&command),
            RtmpMessage::Video { timestamp, data } => self.media(timestamp, &data, true),
            RtmpMessage::Audio { timestamp, data } => self.media(timestamp, &data, false),
            _ => Ok(()),
        }
    }

    fn media(&mut self, timestamp: u32, body: &Bytes, picture: bool) -> Result<(), Over> {
        let Some(pass) = &mut self.pass else { return Err(Over::Silent("it sends media without publishing")) };
        let taken = if picture {
            pass.tracks.picture(timestamp, tag::video(body))
        } else {
            pass.tracks.sound(timestamp, tag::audio(body))
        };
        if taken.map_err(Over::Broken)? {
            pass.inlet.touch();
        }
        Ok(())
    }

    fn command(&mut self, command: &Command) -> Result<(), Over> {
        match command.name.as_str() {
            constants::CMD_CONNECT => self.connect(command),
            constants::CMD_CREATE_STREAM => {
                let answer = Command::result(command.transaction_id, AmfValue::Null, AmfValue::Number(STREAM));
                self.send(&RtmpMessage::Command(answer), 0)
            }
            constants::CMD_PUBLISH => self.publish(command),
            constants::CMD_PLAY | constants::CMD_PLAY2 => Err(Over::Silent("it wants to play")),
            constants::CMD_CLOSE | constants::CMD_DELETE_STREAM | constants::CMD_FC_UNPUBLISH => {
                // It says goodbye: the source is not made to wait for the connection to end.
                self.pass = None;
                Ok(())
            }
            // releaseStream, FCPublish, _checkbw and others that belong to other servers: nothing depends on an answer.
            _ => Ok(()),
        }
    }

    fn connect(&mut self, command: &Command) -> Result<(), Over> {
        let app = command.command_object.get_string("app").unwrap_or_default();
        let app = app.split('?').next().unwrap_or_default().trim_matches('/').to_owned();
        let gates = self.listener.upgrade().map(|listener| listener.gates(&app)).unwrap_or_default();
        if gates.is_empty() {
            self.tell_all("it asked for an application that is not served here");
            let why = status("error", constants::NC_CONNECT_REJECTED, "no such application");
            let answer = Command::error(command.transaction_id, AmfValue::Null, why);
            self.send(&RtmpMessage::Command(answer), 0)?;
            return self.hang_up("it asked for an unknown application");
        }
        self.app = Some(app);
        self.send(&RtmpMessage::WindowAckSize(WINDOW), 0)?;
        self.send(&RtmpMessage::SetPeerBandwidth { size: WINDOW, limit_type: constants::BANDWIDTH_LIMIT_DYNAMIC }, 0)?;
        self.send(&RtmpMessage::SetChunkSize(CHUNK), 0)?;
        self.encoder.set_chunk_size(CHUNK);
        let answer = ConnectResponseBuilder::new()
            .enhanced_capabilities(&EnhancedCapabilities::with_defaults())
            .build(command.transaction_id);
        self.send(&RtmpMessage::Command(answer), 0)
    }

    fn publish(&mut self, command: &Command) -> Result<(), Over> {
        let Some(app) = self.app.clone() else { return Err(Over::Silent("it publishes without connecting")) };
        if self.pass.is_some() {
            return Err(Over::Silent("it publishes twice"));
        }
        let name = command.arguments.first().and_then(AmfValue::as_str).unwrap_or_default();
        let key = name.split('?').next().unwrap_or_default().trim_matches('/');
        let gates = self.listener.upgrade().map(|listener| listener.gates(&app)).unwrap_or_default();
        let Some(gate) = gates.iter().find(|gate| gate.knows(key)) else {
            gates.iter().for_each(|gate| gate.tell_refused(self.peer.ip(), "its stream key is wrong"));
            std::thread::park_timeout(WRONG_KEY);
            return self.refuse(command.stream_id, constants::NS_PUBLISH_BAD_NAME, "the stream key is wrong");
        };
        match gate.admit(self.socket, self.peer) {
            Ok(pass) => self.pass = Some(pass),
            Err(Refusal::Taken) => {
                gate.tell_refused(self.peer.ip(), "another publisher is there and delivers");
                let why = "another publisher is there";
                return self.refuse(command.stream_id, constants::NS_PUBLISH_BAD_NAME, why);
            }
            Err(Refusal::NotReady) => {
                return self.refuse(command.stream_id, constants::NS_PUBLISH_BAD_NAME, "not ready, try again");
            }
        }
        let begin = Command::on_status(command.stream_id, "status", constants::NS_PUBLISH_START, "publishing");
        self.send(&RtmpMessage::Command(begin), command.stream_id)
    }

    fn refuse(&mut self, stream: u32, code: &str, why: &'static str) -> Result<(), Over> {
        let answer = Command::on_status(stream, "error", code, why);
        self.send(&RtmpMessage::Command(answer), stream)?;
        self.hang_up(why)
    }

    /// Lets the peer read what it was told before the connection ends.
    fn hang_up(&mut self, why: &'static str) -> Result<(), Over> {
        self.socket.shutdown(Shutdown::Write)?;
        self.socket.set_read_timeout(Some(WRITE))?;
        let mut rest = [0; 4096];
        let end = Instant::now() + WRITE;
        while Instant::now() < end && matches!((&mut &*self.socket).read(&mut rest), Ok(1..)) {}
        Err(Over::Silent(why))
    }

    fn send(&mut self, message: &RtmpMessage, stream: u32) -> Result<(), Over> {
        let (kind, payload) = message.encode();
        let csid = match message {
            RtmpMessage::Command(_) => constants::CSID_COMMAND,
            _ => constants::CSID_PROTOCOL_CONTROL,
        };
        let mut bytes = BytesMut::new();
        let chunk = RtmpChunk { csid, timestamp: 0, message_type: kind, stream_id: stream, payload };
        self.encoder.encode(&chunk, &mut bytes);
        Ok((&mut &*self.socket).write_all(&bytes)?)
    }

    fn tell_all(&self, why: &str) {
        let gates = self.listener.upgrade().map(|listener| listener.all()).unwrap_or_default();
        let peer: IpAddr = self.peer.ip();
        gates.iter().for_each(|gate| gate.tell_refused(peer, why));
    }

    fn tell(&self, broken: &Broken) {
        if let (Broken::Unfit(why), Some(pass)) = (broken, &self.pass) {
            pass.inlet.finish(why);
        }
    }
}

/// The information object of an answer (RTMP 7.2).
fn status(level: &str, code: &str, why: &str) -> AmfValue {
    let fields = [("level", level), ("code", code), ("description", why)];
    AmfValue::Object(fields.into_iter().map(|(k, v)| (k.to_owned(), AmfValue::String(v.to_owned()))).collect())
}

//! The conversation with a server: handshake, connect, createStream, publish, then media.
//!
//! ```text
//! handshake ─▶ connect ─▶ size of chunks ─▶ createStream ─▶ publish ─▶ media ─▶ deleteStream
//!      └───────────┴──────────────────────────────┴────────────┴── no answer in time, refusal, end of the connection ─▶ broken
//! ```

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtmp_rs::amf::AmfValue;
use rtmp_rs::protocol::message::{Command, DataMessage, UserControlEvent};
use rtmp_rs::protocol::{ChunkDecoder, RtmpMessage, constants};

use super::super::blame;
use super::super::carrier::Broken;
use super::wire::Wire;
use super::{chunk, tag};
use crate::model::{Secret, VideoCodec};
use crate::plan::SendPlan;

/// Each step has to be answered within this.
const ANSWER: Duration = Duration::from_secs(8);
const VERSION: u8 = 3;
/// Bytes of C1, S1, C2 and S2.
const HANDSHAKE: usize = 1536;
const SERVER: &str = "check that the server runs and speaks RTMP, and the network between";
const APPLICATION: &str = "check the application in the destination's url, and what the server expects";
const KEY: &str = "compare the stream key with the one that the server expects, and whether somebody else publishes";

/// A conversation.
pub(super) struct Dialogue {
    wire: Wire,
    read: BytesMut,
    decoder: ChunkDecoder,
    application: String,
    /// Never to be shown, whatever the server says.
    key: Option<Secret>,
    stream: u32,
    transaction: f64,
    /// Largest piece of a message.
    chunk: usize,
}

/// An answer to a command.
struct Answer {
    name: String,
    arguments: Vec<AmfValue>,
}

impl Dialogue {
    /// Connects, up to the point where something can be published.
    pub(super) fn open(
        url: &url::Url,
        ca: Option<&Path>,
        codec: Option<VideoCodec>,
        buffer: u64,
    ) -> Result<Self, Broken> {
        let application = url.path().trim_matches('/').to_owned();
        let wire = Wire::open(url, ca, buffer)?;
        let (read, decoder) = (BytesMut::new(), ChunkDecoder::new());
        let chunk = chunk::FIRST;
        let mut dialogue = Self { wire, read, decoder, application, key: None, stream: 0, transaction: 0.0, chunk };
        dialogue.shake_hands()?;
        dialogue.connect(url, codec)?;
        Ok(dialogue)
    }

    pub(super) fn wire(&self) -> &Wire {
        &self.wire
    }

    fn broke(error: &io::Error) -> Broken {
        match error.kind() {
            io::ErrorKind::InvalidData => Broken::refused(
                format!("TLS with the server failed: {error}"),
                "check the server's certificate, the trusted roots and the clock of this box",
            ),
            _ => blame::socket(error, "the connection to the server broke"),
        }
    }

    /// Reads until `found` finds something.
    fn until<T>(
        &mut self,
        what: &str,
        mut found: impl FnMut(&mut Self) -> Result<Option<T>, Broken>,
    ) -> Result<T, Broken> {
        let end = Instant::now() + ANSWER;
        loop {
            if let Some(found) = found(self)? {
                return Ok(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Broken::passing(format!("the server does not answer ({what})"), SERVER));
            }
            self.wire.flush().map_err(|error| Self::broke(&error))?;
            self.wire.wait(left.min(Duration::from_millis(100)));
            if self.wire.read(&mut self.read).map_err(|error| Self::broke(&error))?.is_none() && self.read.is_empty() {
                return Err(Self::hung_up(what));
            }
        }
    }

    /// Servers that refuse a key or an application say so, or simply end the connection.
    fn hung_up(what: &str) -> Broken {
        match what {
            "publish" => Broken::refused("the server hung up when asked to publish", KEY),
            "connect" | "createStream" => {
                Broken::refused("the server hung up when asked for the application", APPLICATION)
            }
            _ => Broken::passing("the server ended the connection", SERVER),
        }
    }

    /// The plain handshake (RTMP 5.2). What a server sends first is answered at once: some wait for that.
    fn shake_hands(&mut self) -> Result<(), Broken> {
        let mut hello = vec![VERSION];
        // Time and zero, then anything.
        hello.extend([0; 8]);
        hello.extend(std::iter::repeat_with(|| fastrand::u8(..)).take(HANDSHAKE - 8));
        self.wire.write(&hello).map_err(|error| Self::broke(&error))?;
        let theirs = self.take("handshake", 1 + HANDSHAKE)?;
        if theirs[0] < VERSION {
            return Err(Broken::passing("it does not speak RTMP", SERVER));
        }
        self.wire.write(&theirs[1..]).map_err(|error| Self::broke(&error))?;
        self.take("handshake", HANDSHAKE).map(drop)
    }

    fn take(&mut self, what: &str, count: usize) -> Result<BytesMut, Broken> {
        self.until(what, |dialogue| Ok((dialogue.read.len() >= count).then(|| dialogue.read.split_to(count))))
    }

    fn connect(&mut self, url: &url::Url, codec: Option<VideoCodec>) -> Result<(), Broken> {
        let text = |text: &str| AmfValue::String(text.to_owned());
        let mut about = HashMap::from([
            ("app".to_owned(), text(&self.application)),
            ("type".to_owned(), text("nonprivate")),
            ("flashVer".to_owned(), text("FMLE/3.0 (compatible; Uplink)")),
            ("tcUrl".to_owned(), text(url.as_str().trim_end_matches('/'))),
        ]);
        if let Some(four) = codec.and_then(tag::four) {
            let four = AmfValue::Array(vec![text(&String::from_utf8_lossy(four))]);
            about.insert("fourCcList".to_owned(), four);
        }
        let answer = self.ask("connect", AmfValue::Object(about), vec![])?;
        if answer.name == constants::CMD_ERROR {
            let why = self.said(&answer.arguments);
            return Err(Broken::refused(format!("the server refuses the application{why}"), APPLICATION));
        }
        // Not before: FFmpeg's server takes whatever comes first for the connect.
        let size = (chunk::SIZE as u32).to_be_bytes();
        self.send(constants::CSID_PROTOCOL_CONTROL, constants::MSG_SET_CHUNK_SIZE, 0, &size)?;
        self.chunk = chunk::SIZE;
        let answer = self.ask("createStream", AmfValue::Null, vec![])?;
        let stream = answer.arguments.first().and_then(AmfValue::as_number).filter(|number| *number >= 1.0);
        self.stream = stream.ok_or_else(|| Broken::passing("the server gives no stream to publish on", SERVER))? as u32;
        Ok(())
    }

    /// Asks to publish under `key`.
    pub(super) fn publish(&mut self, key: Option<&Secret>) -> Result<(), Broken> {
        self.key = key.cloned();
        let key = AmfValue::String(key.map_or_else(String::new, |key| key.reveal().to_owned()));
        // Some servers want these two first; none answers in a way that matters.
        for name in [constants::CMD_RELEASE_STREAM, constants::CMD_FC_PUBLISH] {
            self.command(name, 0, AmfValue::Null, vec![key.clone()])?;
        }
        let live = AmfValue::String("live".to_owned());
        self.command(constants::CMD_PUBLISH, self.stream, AmfValue::Null, vec![key, live])?;
        let answer = self.until("publish", |dialogue| {
            dialogue.next_answer(|answer, _| {
                let code = code(&answer.arguments);
                answer.name == constants::CMD_ON_STATUS && code.starts_with("NetStream.Publish")
                    || is_error(&answer.arguments)
            })
        })?;
        if code(&answer.arguments) != constants::NS_PUBLISH_START {
            let why = self.said(&answer.arguments);
            return Err(Broken::refused(format!("the server refuses to take the stream{why}"), KEY));
        }
        self.wire.begin();
        Ok(())
    }

    /// Tells what comes (onMetaData).
    pub(super) fn describe(&mut self, plan: &SendPlan) -> Result<(), Broken> {
        let number = |name: &str, value: f64| (name.to_owned(), AmfValue::Number(value));
        let mut about = HashMap::from([("encoder".to_owned(), AmfValue::String("Uplink".to_owned()))]);
        if let Some(video) = &plan.video {
            let codec = tag::four(video.codec).map_or(7.0, |four| f64::from(u32::from_be_bytes(*four)));
            about.extend([
                number("width", video.size.width().into()),
                number("height", video.size.height().into()),
                number("framerate", video.frame_rate.as_f64()),
                number("videocodecid", codec),
                number("videodatarate", video.max_bitrate.bps() as f64 / 1000.0),
            ]);
        }
        if let Some(audio) = plan.audio.first() {
            about.extend([number("audiocodecid", 10.0), number("audiodatarate", audio.bitrate.bps() as f64 / 1000.0)]);
        }
        let values = vec![AmfValue::String("onMetaData".to_owned()), AmfValue::EcmaArray(about)];
        let message = DataMessage { name: "@setDataFrame".to_owned(), values, stream_id: self.stream };
        let (kind, payload) = RtmpMessage::Data(message).encode();
        self.send(constants::CSID_AUDIO, kind, self.stream, &payload)
    }

    /// Sends the body of a tag.
    pub(super) fn media(&mut self, picture: bool, time: u32, body: &[u8]) -> Result<(), Broken> {
        let (csid, kind) = match picture {
            true => (constants::CSID_VIDEO, constants::MSG_VIDEO),
            false => (constants::CSID_AUDIO, constants::MSG_AUDIO),
        };
        let mut bytes = Vec::with_capacity(body.len() + 32);
        let head = chunk::Head { csid: csid as u8, time, kind, stream: self.stream };
        chunk::message(head, body, self.chunk, &mut bytes);
        self.wire.write(&bytes).map_err(|error| Self::broke(&error))
    }

    /// Hears what the server says meanwhile, and goes on sending what waits.
    pub(super) fn attend(&mut self) -> Result<(), Broken> {
        self.wire.flush().map_err(|error| Self::broke(&error))?;
        let open = self.wire.read(&mut self.read).map_err(|error| Self::broke(&error))?;
        if let Some(answer) = self.next_answer(|answer, _| is_error(&answer.arguments))? {
            let why = self.said(&answer.arguments);
            return Err(Broken::refused(format!("the server ends the stream{why}"), KEY));
        }
        match open {
            Some(_) => Ok(()),
            None => Err(Self::hung_up("media")),
        }
    }

    /// Says goodbye.
    pub(super) fn leave(&mut self, bound: Duration) {
        let end = Instant::now() + bound;
        let stream = AmfValue::Number(self.stream.into());
        let said = self.command(constants::CMD_DELETE_STREAM, 0, AmfValue::Null, vec![stream]);
        while said.is_ok() && self.wire.waiting() > 0 && Instant::now() < end && self.wire.flush().is_ok() {
            self.wire.wait(Duration::from_millis(20));
        }
    }

    /// A command and its answer.
    fn ask(&mut self, name: &'static str, object: AmfValue, arguments: Vec<AmfValue>) -> Result<Answer, Broken> {
        let transaction = self.command(name, 0, object, arguments)?;
        self.until(name, |dialogue| dialogue.next_answer(|_, answered| answered == transaction))
    }

    fn command(&mut self, name: &str, stream: u32, object: AmfValue, arguments: Vec<AmfValue>) -> Result<f64, Broken> {
        self.transaction += 1.0;
        let (name, transaction_id) = (name.to_owned(), self.transaction);
        let command = Command { name, transaction_id, command_object: object, arguments, stream_id: stream };
        let (kind, payload) = RtmpMessage::Command(command).encode();
        self.send(constants::CSID_COMMAND, kind, stream, &payload)?;
        Ok(transaction_id)
    }

    fn send(&mut self, csid: u32, kind: u8, stream: u32, payload: &[u8]) -> Result<(), Broken> {
        let mut bytes = Vec::new();
        let head = chunk::Head { csid: csid as u8, time: 0, kind, stream };
        chunk::message(head, payload, self.chunk, &mut bytes);
        self.wire.write(&bytes).map_err(|error| Self::broke(&error))
    }

    /// What the server says itself, to be put behind a sentence.
    fn said(&self, arguments: &[AmfValue]) -> String {
        let said = field(arguments, "description").or_else(|| field(arguments, "code")).unwrap_or_default();
        let key = self.key.as_ref().map_or("", |key| key.reveal());
        let said = if key.is_empty() { said.to_owned() } else { said.replace(key, "[secret]") };
        let said: String = said.chars().filter(|character| !character.is_control()).take(120).collect();
        if said.is_empty() { said } else { format!(": {said}") }
    }

    /// The next answer that is `wanted`, by itself and its transaction. What the protocol itself needs is done on the
    /// way.
    fn next_answer(&mut self, wanted: impl Fn(&Answer, f64) -> bool) -> Result<Option<Answer>, Broken> {
        let strange = |error: rtmp_rs::Error| Broken::passing(format!("it does not speak RTMP: {error}"), SERVER);
        loop {
            let before = self.read.len();
            let Some(chunk) = self.decoder.decode(&mut self.read).map_err(strange)? else {
                // A part of a message was taken; the next part may be there, too.
                if self.read.len() < before {
                    continue;
                }
                return Ok(None);
            };
            // What cannot be read is no answer: FFmpeg's server says `onFCPublish` and no more.
            let Ok(message) = RtmpMessage::from_chunk(&chunk) else { continue };
            match message {
                RtmpMessage::SetChunkSize(size) => self.decoder.set_chunk_size(size.max(1)),
                RtmpMessage::UserControl(UserControlEvent::PingRequest(time)) => {
                    let (kind, payload) = RtmpMessage::UserControl(UserControlEvent::PingResponse(time)).encode();
                    self.send(constants::CSID_PROTOCOL_CONTROL, kind, 0, &payload)?;
                }
                RtmpMessage::Command(command) | RtmpMessage::CommandAmf3(command) => {
                    let answer = Answer { name: command.name, arguments: command.arguments };
                    if wanted(&answer, command.transaction_id) {
                        return Ok(Some(answer));
                    }
                }
                _ => {}
            }
        }
    }
}

fn field<'a>(arguments: &'a [AmfValue], name: &str) -> Option<&'a str> {
    arguments.iter().find_map(|argument| argument.get_string(name))
}

fn code(arguments: &[AmfValue]) -> &str {
    field(arguments, "code").unwrap_or_default()
}

fn is_error(arguments: &[AmfValue]) -> bool {
    field(arguments, "level") == Some("error")
}

//! One connection, typed by what goes out and what comes in.

use std::io;
use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;
use tokio_util::codec::length_delimited::LengthDelimitedCodecError;
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};

use super::message::{Down, Up};
use super::{MAX_MESSAGE, PROTOCOL};

/// How long a peer may leave its end unread before its connection is given up.
const SEND_WITHIN: Duration = Duration::from_secs(2);

/// The daemon's end of a connection.
pub type DaemonEnd = Link<Down, Up>;
/// The worker's end of a connection.
pub type WorkerEnd = Link<Up, Down>;

/// Why a connection ended. All of them end the connection and nothing else.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// Nobody listens: no socket, or a stale one.
    #[error("nobody listens on the worker socket")]
    Unreachable(#[source] io::Error),
    /// The peer closed the connection, or died.
    #[error("the peer closed the connection")]
    Closed,
    /// A frame that is no message.
    #[error("the peer sent a malformed message: {0}")]
    Malformed(String),
    /// A frame longer than [`MAX_MESSAGE`], ours or theirs.
    #[error("a message of more than {MAX_MESSAGE} bytes")]
    TooLarge,
    /// The peer speaks another version of the protocol.
    #[error(
        "the peer speaks protocol {theirs}, this build speaks {PROTOCOL}: install matching builds of uplinkd and uplink-worker"
    )]
    Protocol {
        /// The number in its hello.
        theirs: u32,
    },
    /// The first message was no hello, or a hello for somebody else.
    #[error("the peer did not introduce itself: {0}")]
    Unexpected(String),
    /// The peer runs as another user.
    #[error("the peer runs as user {uid}, not as this user")]
    Foreign {
        /// Its user id.
        uid: u32,
    },
    /// The peer did not say hello in time.
    #[error("the peer did not say hello within {0:?}")]
    Silent(Duration),
    /// The peer does not read what it is sent.
    #[error("the peer read nothing for {SEND_WITHIN:?}")]
    Stuck,
    /// The socket failed.
    #[error("the worker socket failed")]
    Io(#[source] io::Error),
}

impl LinkError {
    /// Whether the peer broke the protocol (rather than being absent or gone).
    pub fn is_violation(&self) -> bool {
        use LinkError::{Foreign, Malformed, Protocol, Silent, TooLarge, Unexpected};
        matches!(self, Malformed(_) | TooLarge | Protocol { .. } | Unexpected(_) | Foreign { .. } | Silent(_))
    }

    fn from_io(error: io::Error) -> Self {
        use io::ErrorKind::{BrokenPipe, ConnectionReset, Other, UnexpectedEof};
        if error.get_ref().is_some_and(|inner| inner.is::<LengthDelimitedCodecError>()) {
            return LinkError::TooLarge;
        }
        match error.kind() {
            // `Other` is the codec's word for an end in the middle of a frame.
            BrokenPipe | ConnectionReset | UnexpectedEof | Other => LinkError::Closed,
            _ => LinkError::Io(error),
        }
    }
}

/// Who is at the other end, from the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Process id when it connected or bound.
    pub pid: u32,
    /// User id.
    pub uid: u32,
}

/// A connection that sends `Out` and receives `In`.
#[derive(Debug)]
pub struct Link<Out, In> {
    peer: Peer,
    sender: Sender<Out>,
    receiver: Receiver<In>,
}

/// The sending half.
#[derive(Debug)]
pub struct Sender<Out> {
    frames: FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>,
    sends: PhantomData<fn(Out)>,
}

/// The receiving half.
#[derive(Debug)]
pub struct Receiver<In> {
    frames: FramedRead<OwnedReadHalf, LengthDelimitedCodec>,
    receives: PhantomData<fn() -> In>,
}

/// Connects to the worker that listens at `path`. Only a peer of the same user is spoken to.
pub async fn connect(path: &Path) -> Result<DaemonEnd, LinkError> {
    // Connecting blocks only while the listener's backlog is full.
    let stream = timeout(SEND_WITHIN, UnixStream::connect(path)).await;
    let stream = stream.unwrap_or_else(|elapsed| Err(elapsed.into())).map_err(LinkError::Unreachable)?;
    Link::new(stream)
}

impl<Out: Serialize, In: DeserializeOwned> Link<Out, In> {
    /// Wraps `stream`; refuses a peer of another user.
    pub(super) fn new(stream: UnixStream) -> Result<Self, LinkError> {
        let credentials = stream.peer_cred().map_err(LinkError::Io)?;
        let peer = Peer { pid: credentials.pid().unwrap_or(0).unsigned_abs(), uid: credentials.uid() };
        if peer.uid != rustix::process::geteuid().as_raw() {
            return Err(LinkError::Foreign { uid: peer.uid });
        }
        let (read, write) = stream.into_split();
        let codec = LengthDelimitedCodec::builder().max_frame_length(MAX_MESSAGE).new_codec();
        let sender = Sender { frames: FramedWrite::new(write, codec.clone()), sends: PhantomData };
        let receiver = Receiver { frames: FramedRead::new(read, codec), receives: PhantomData };
        Ok(Self { peer, sender, receiver })
    }

    /// Who is at the other end.
    pub fn peer(&self) -> Peer {
        self.peer
    }

    /// See [`Sender::send`].
    pub async fn send(&mut self, message: &Out) -> Result<(), LinkError> {
        self.sender.send(message).await
    }

    /// See [`Receiver::recv`].
    pub async fn recv(&mut self) -> Result<In, LinkError> {
        self.receiver.recv().await
    }

    pub(super) async fn recv_frame(&mut self) -> Result<BytesMut, LinkError> {
        self.receiver.frame().await
    }

    /// Both halves, for two tasks.
    pub fn split(self) -> (Sender<Out>, Receiver<In>) {
        (self.sender, self.receiver)
    }
}

impl<Out: Serialize> Sender<Out> {
    /// Sends one message; bounded, and after an error the connection is to be dropped.
    pub async fn send(&mut self, message: &Out) -> Result<(), LinkError> {
        let json = serde_json::to_vec(message).map_err(|error| LinkError::Malformed(error.to_string()))?;
        match timeout(SEND_WITHIN, self.frames.send(Bytes::from(json))).await {
            Ok(sent) => sent.map_err(LinkError::from_io),
            Err(_) => Err(LinkError::Stuck),
        }
    }
}

impl<In: DeserializeOwned> Receiver<In> {
    /// The next message. Unbounded, and safe to cancel; after an error the connection is to be dropped.
    pub async fn recv(&mut self) -> Result<In, LinkError> {
        parse(&self.frame().await?)
    }

    async fn frame(&mut self) -> Result<BytesMut, LinkError> {
        self.frames.next().await.ok_or(LinkError::Closed)?.map_err(LinkError::from_io)
    }
}

/// One frame as a message. The error says where, never what: a frame may hold secrets.
pub(super) fn parse<In: DeserializeOwned>(frame: &[u8]) -> Result<In, LinkError> {
    serde_json::from_slice(frame).map_err(|error| {
        let what = match error.classify() {
            serde_json::error::Category::Data => "JSON of an unknown shape",
            _ => "not JSON",
        };
        LinkError::Malformed(format!("{what} at column {} of {} bytes", error.column(), frame.len()))
    })
}

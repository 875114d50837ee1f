//! The checked configuration: typed, complete, every reference resolved. Later code never checks again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::classes::ClassFile;
use super::files::Texts;
use super::stream_class::{StreamClass, VideoRendition};
use crate::document::{Faults, Setting, Spot};
use crate::model::acme::Acme;
use crate::model::notify::Notified;
use crate::model::pair::Pairing;
use crate::model::sound::SourceSound;
use crate::model::status::ChannelOrder;
use crate::model::surface::Surfaces;
use crate::model::timecode::TimecodeDay;
use crate::model::upload::{TokenSource, Trust, Upload};
use crate::model::{
    BitRate, Budget, Carrier, ChannelId, DeliveryPolicy, DestinationId, DeviceName, ExpectedFormat, Fit, IceServers,
    ImageName, OnSlate, Overlay, PictureSize, RecordedOf, RecordingLimits, RecordingStart, RenditionId, Secret,
    SourceId, TurnServer, WhenFull,
};
use crate::profile::Profiles;

/// A whole configuration without a fault.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The file it was read from.
    pub file: PathBuf,
    /// Name of the appliance.
    pub appliance: String,
    /// Where API and panel listen.
    pub listen: SocketAddr,
    /// Whether everybody who reaches them may everything.
    pub open: bool,
    /// The certificate that they show, if it is not the box's own.
    pub tls: Option<Tls>,
    /// The directory of all recordings; below the state directory if none.
    pub recordings: Option<PathBuf>,
    /// Who is told of alarms.
    pub notified: Notified,
    /// Control surfaces.
    pub surfaces: Surfaces,
    /// Channels in the order of the file.
    pub channels: Vec<Channel>,
    /// Every stream class, by name.
    pub stream_classes: BTreeMap<String, Arc<StreamClass>>,
    /// The directory of those that are not the site's own.
    pub pipelines: PathBuf,
    /// What was read of each stream class, by name.
    pub class_files: BTreeMap<String, ClassFile>,
    /// Every hardware profile of the directory.
    pub profiles: Profiles,
    /// The fragments of custom sources and where they stand: for a check by the worker.
    pub fragments: Vec<(Spot, String)>,
    /// What should be looked at, though it is no fault.
    pub warnings: Faults,
    /// Every key that counts, with its place in the file, or its default.
    pub written: Arc<[Setting]>,
    /// What was read.
    pub files: Arc<Texts>,
}

/// Where the certificate of the API comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Files.
    Files(TlsFiles),
    /// An authority.
    Acme(Acme),
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// Absolute; PEM.
    pub certificate: PathBuf,
    /// Absolute; PEM.
    pub key: PathBuf,
}

/// One channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// The channel.
    pub id: ChannelId,
    /// Name for people.
    pub title: String,
    /// Its stream class.
    pub stream_class: Arc<StreamClass>,
    /// Sources by rank. Never empty.
    pub sources: Vec<Source>,
    /// Destinations.
    pub destinations: Vec<Destination>,
    /// The only hardware profile to take encoders from; any if none.
    pub hardware_profile: Option<String>,
    /// What is ordered when the channel is seen for the first time.
    pub order: ChannelOrder,
    /// Whose midnight timecode counts from.
    pub timecode: TimecodeDay,
    /// What the slate says.
    pub slate_text: String,
    /// What it shows behind its words.
    pub slate_image: Option<ImageName>,
    /// What is laid over the program from the start.
    pub overlays: Vec<Overlay>,
    /// Segments on disk.
    pub spool: Spool,
    /// What its destinations record beside the program, each once.
    pub companions: Vec<Companion>,
    /// Bytes of memory that its worker may take; as its plan needs, if none.
    pub memory_max: Option<u64>,
    /// Its share of processors in relation to other channels.
    pub cpu_weight: u32,
}

/// What is encoded beside the ladder, for recordings alone: the clean feed, or a source.
#[derive(Debug, Clone, PartialEq)]
pub struct Companion {
    /// What it is.
    pub of: RecordedOf,
    /// Its pictures; none of what has none.
    pub video: Option<VideoRendition>,
    /// The rendition of its sound.
    pub sound: RenditionId,
    /// Bit rate of its sound.
    pub sound_bitrate: BitRate,
}

/// Limits of a channel's spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spool {
    /// Most bytes.
    pub quota_bytes: u64,
    /// How long segments stay at least, if the quota allows.
    pub retain: Duration,
    /// What goes first when it is full and everything left is owed to somebody.
    pub when_full: WhenFull,
}

/// One source.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The source.
    pub id: SourceId,
    /// How to open it.
    pub kind: SourceKind,
    /// What it is expected to deliver.
    pub expect: ExpectedFormat,
    /// How its sound is taken.
    pub sound: SourceSound,
    /// How its picture fills the program.
    pub fit: Fit,
}

/// How a source is opened.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceKind {
    /// Every capture device that no other source names, then a test source.
    Auto,
    /// Test picture and tone.
    Test,
    /// A capture device.
    V4l2 {
        /// What it is named by.
        device: DeviceName,
        /// What the kernel calls it on this box now; none if it is not plugged in.
        kernel: Option<String>,
        /// ALSA device of its sound.
        sound: Option<String>,
        /// Size to ask for.
        size: Option<PictureSize>,
    },
    /// Sound only.
    Alsa {
        /// ALSA device.
        device: String,
    },
    /// A media file.
    File {
        /// Absolute.
        path: PathBuf,
    },
    /// Media files, one after the other.
    Playlist {
        /// Absolute; never empty.
        paths: Vec<PathBuf>,
        /// Whether it begins again after the last.
        repeat: bool,
    },
    /// SRT.
    Srt {
        /// Role.
        mode: SrtMode,
        /// Peer, or local address.
        host: String,
        /// UDP port.
        port: u16,
        /// Receive latency, milliseconds.
        latency_ms: u32,
        /// 10 to 79 characters.
        passphrase: Option<Secret>,
        /// Sent or demanded.
        stream_id: Option<String>,
    },
    /// RTMP ingest.
    Rtmp {
        /// Address and TCP port.
        listen: SocketAddr,
        /// Application name.
        app: String,
        /// Any of these admits. Empty only where credentials cannot be looked at.
        keys: Vec<Secret>,
        /// Whether a second publisher takes the place of the first.
        replace: bool,
    },
    /// RTSP.
    Rtsp {
        /// Without user and password.
        url: url::Url,
        /// User.
        user: Option<String>,
        /// Password.
        password: Option<Secret>,
        /// Media in UDP packets of their own.
        udp: bool,
        /// Receive latency, milliseconds.
        latency_ms: u32,
    },
    /// A piece of pipeline in the language of gst-launch. Whether it can be parsed only the worker can say.
    Custom {
        /// As written.
        fragment: String,
    },
    /// A guest's browser publishes.
    Whip {
        /// Key of the guest's link; none, where credentials cannot be looked at, admits nobody.
        key: Option<Secret>,
        /// Receive latency, milliseconds.
        latency_ms: u32,
        /// Whether a second publisher takes the place of the first.
        replace: bool,
        /// STUN server, `host:port`.
        stun: Option<String>,
        /// TURN server.
        turn: Option<TurnServer>,
    },
    /// An NDI sender.
    Ndi {
        /// As announced.
        name: Option<String>,
        /// `host:port`.
        address: Option<String>,
        /// Whether the sender's small picture will do.
        lowest: bool,
    },
    /// An input of a Blackmagic DeckLink card.
    DeckLink {
        /// Which one.
        input: DeckLinkInput,
        /// Connector, as GStreamer calls it.
        connection: String,
        /// Video mode, as GStreamer calls it.
        mode: String,
        /// Where its sound comes from, as GStreamer calls it; silence if none.
        sound: Option<String>,
        /// 2, 8 or 16.
        sound_channels: u32,
        /// Whether captions are taken over.
        captions: bool,
    },
}

/// An input of a DeckLink card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeckLinkInput {
    /// By persistent id.
    Id(i64),
    /// By number, from 0.
    Number(i32),
}

/// SRT roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SrtMode {
    /// Connects to a listener.
    Caller,
    /// Waits for a caller.
    Listener,
}

/// One destination.
#[derive(Debug, Clone, PartialEq)]
pub struct Destination {
    /// The destination.
    pub id: DestinationId,
    /// Whether it is used, as long as operators say nothing else.
    pub enabled: bool,
    /// What it gets while the program is on slate; as the stream class says if none.
    pub on_slate: Option<OnSlate>,
    /// How its endpoints share the work.
    pub policy: DeliveryPolicy,
    /// This box in a pair that shares it.
    pub pair: Option<Pairing>,
    /// The primary, then the backups by rank. Never empty; all of one kind.
    pub endpoints: Vec<DestinationKind>,
    /// What it costs and may cost.
    pub budget: Option<Budget>,
}

/// How to deliver.
#[derive(Debug, Clone, PartialEq)]
pub enum DestinationKind {
    /// HLS by HTTP PUT.
    HlsPush {
        /// Base; ends with a slash.
        url: url::Url,
        /// How objects get there.
        upload: Box<Upload>,
    },
    /// The encoded programme as a stream.
    Send(Box<Sent>),
    /// WebRTC.
    Whip(Box<WhipDestination>),
    /// Files on the box's own disk.
    Recording(Recorded),
}

/// A recording on the box's own disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The directory of all recordings; below the state directory if none.
    pub directory: Option<PathBuf>,
    /// When a recording begins.
    pub start: RecordingStart,
    /// Title of a recording that is not given one.
    pub title: Option<String>,
    /// Where each goes by itself when it has ended: `<destination>`, or `<destination>/<endpoint>`.
    pub upload_to: Option<String>,
    /// Of what, each a recording of its own. Never empty.
    pub record: Vec<Record>,
    /// What is recorded of the program; all renditions if empty.
    pub renditions: Vec<RenditionId>,
    /// How much is kept.
    pub limits: RecordingLimits,
}

/// What a destination records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// This.
    Of(RecordedOf),
    /// Every source of the channel.
    Sources,
}

/// A WHIP endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct WhipDestination {
    /// Where offers are posted.
    pub url: url::Url,
    /// Where the bearer token comes from.
    pub token: Option<TokenSource>,
    /// Whom to trust in TLS, and who this box is.
    pub trust: Trust,
    /// STUN and TURN servers.
    pub servers: IceServers,
    /// Video rendition, by name; the best H.264 one if none.
    pub rendition: Option<String>,
    /// Several of them, each smaller than the one before, instead.
    pub renditions: Vec<RenditionId>,
    /// A rendition of its own, instead.
    pub own: Option<OwnRendition>,
    /// Audio rendition whose channels are sent, by name; the default one if none.
    pub audio: Option<String>,
    /// Of the Opus sound.
    pub audio_bitrate: BitRate,
}

/// Pictures that are encoded for one destination only, at a bit rate that follows its network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRendition {
    /// Pixels.
    pub size: PictureSize,
    /// Most.
    pub bitrate: BitRate,
    /// Least.
    pub min_bitrate: BitRate,
    /// Picture quality against load.
    pub effort: String,
}

/// What is sent as a stream, and by what.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent {
    /// Video rendition; the best of the stream class if none.
    pub rendition: Option<RenditionId>,
    /// Audio renditions; the first of the stream class if empty.
    pub audio: Vec<RenditionId>,
    /// A connection in which nothing is acknowledged for this long is opened anew, milliseconds.
    pub stall_ms: u32,
    /// How. The name of a transport stream is empty if it is to be the channel's title.
    pub carrier: Carrier,
}

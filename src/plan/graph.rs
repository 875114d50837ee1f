//! The channel plan: everything a worker needs to build its graph, as data. Serialisable, because it travels over the
//! worker socket; comparable, because reload goes by diff.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{
    BitRate, ChannelId, DestinationId, PictureSize, ProgramFormat, RenditionId, Secret, SegmentGrid, SourceId,
};

/// One channel, ready to build. Two equal plans need no restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChannelPlan {
    /// The channel.
    pub channel: ChannelId,
    /// Name for people; shown on the slate.
    pub title: String,
    /// The stream class, `name version`.
    pub stream_class: String,
    /// What sources are normalised to.
    pub program: ProgramFormat,
    /// Where segments are cut.
    pub segments: SegmentGrid,
    /// Sources by rank, best first. Never empty.
    pub sources: Vec<SourcePlan>,
    /// What is shown without a healthy source.
    pub slate: SlatePlan,
    /// Video renditions, best first. Empty for an audio-only channel.
    pub video: Vec<VideoRenditionPlan>,
    /// Audio renditions; the first is the default.
    pub audio: Vec<AudioRenditionPlan>,
    /// Segments on disk.
    pub spool: SpoolPlan,
    /// Where to deliver.
    pub destinations: Vec<DestinationPlan>,
    /// When to act.
    pub thresholds: ThresholdPlan,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourcePlan {
    /// The source.
    pub id: SourceId,
    /// How to open it.
    pub kind: SourceKind,
}

/// How a source is opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceKind {
    /// Moving picture with frame counter and UTC, tone with a tick each second.
    Test,
    /// A capture device, with sound from an ALSA device if there is one.
    V4l2 {
        /// Device node.
        device: PathBuf,
        /// ALSA device, such as `hw:1`.
        sound: Option<String>,
        /// Size to ask of the device; its own choice if none.
        size: Option<PictureSize>,
    },
    /// Sound only, from an ALSA device.
    Alsa {
        /// ALSA device.
        device: String,
    },
    /// A media file, played over and over.
    File {
        /// Path.
        path: PathBuf,
    },
    /// Media files, one after the other without a gap.
    Playlist {
        /// Paths in order. Never empty.
        paths: Vec<PathBuf>,
        /// Whether it begins again after the last.
        repeat: bool,
    },
    /// SRT, as caller or listener.
    Srt {
        /// Role.
        mode: SrtMode,
        /// Peer to call, or local address to listen on.
        host: String,
        /// UDP port.
        port: u16,
        /// Receive latency in milliseconds.
        latency_ms: u32,
        /// Encryption passphrase, 10 to 79 characters.
        passphrase: Option<Secret>,
        /// Stream id sent (caller) or required (listener).
        stream_id: Option<String>,
    },
    /// RTMP ingest: an encoder publishes to the box.
    Rtmp {
        /// Address and TCP port; sources of one channel may share it.
        listen: SocketAddr,
        /// Application name, the first part of the path.
        app: String,
        /// Any of these stream keys admits.
        keys: Vec<Secret>,
        /// What happens to a second publisher.
        second_publisher: SecondPublisher,
    },
    /// A camera or server that is asked by RTSP.
    Rtsp {
        /// Address, without user and password.
        url: url::Url,
        /// User.
        user: Option<String>,
        /// Password.
        password: Option<Secret>,
        /// How media travel.
        transport: RtspTransport,
        /// Receive latency in milliseconds.
        latency_ms: u32,
    },
    /// A piece of pipeline in the language of gst-launch.
    Custom {
        /// As written.
        fragment: String,
    },
}

impl SourceKind {
    /// The word for it in configuration, API and panel.
    pub fn word(&self) -> &'static str {
        match self {
            SourceKind::Test => "test",
            SourceKind::V4l2 { .. } => "v4l2",
            SourceKind::Alsa { .. } => "alsa",
            SourceKind::File { .. } | SourceKind::Playlist { .. } => "file",
            SourceKind::Srt { .. } => "srt",
            SourceKind::Rtmp { .. } => "rtmp",
            SourceKind::Rtsp { .. } => "rtsp",
            SourceKind::Custom { .. } => "custom",
        }
    }
}

/// What happens to a publisher that comes with a good key while another one delivers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondPublisher {
    /// It is refused; the first one stays.
    Refuse,
    /// It takes the place of the first one.
    Replace,
}

/// How RTSP media travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RtspTransport {
    /// Within the RTSP connection.
    Tcp,
    /// In UDP packets of their own.
    Udp,
}

/// SRT roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SrtMode {
    /// Connects to a listener.
    Caller,
    /// Waits for a caller.
    Listener,
}

/// The slate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlatePlan {
    /// What it says.
    pub text: String,
}

/// One video rendition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VideoRenditionPlan {
    /// The rendition.
    pub id: RenditionId,
    /// Pixels; the frame rate is the program's.
    pub size: PictureSize,
    /// Average bit rate.
    pub bitrate: BitRate,
    /// Peak bit rate (VBV).
    pub max_bitrate: BitRate,
    /// Encoders to try, best first; the worker takes the first that works on this box.
    pub encoders: Vec<EncoderPlan>,
}

/// One way to encode H.264: a GStreamer element and its settings, resolved from a hardware profile. Bit rates, key
/// frame distance and so on are already in `properties`, in the element's own units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EncoderPlan {
    /// The hardware profile it comes from.
    pub profile: String,
    /// Element factory, such as `x264enc`.
    pub element: String,
    /// Properties to set, by name; strings are parsed by GStreamer (enums and flags by nick).
    pub properties: Vec<(String, Value)>,
    /// Raw format the element takes, such as `I420` or `NV12`.
    pub input_format: String,
    /// H.264 profile to ask for in the caps behind the element, such as `high`.
    pub h264_profile: String,
}

/// One audio rendition (AAC-LC).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AudioRenditionPlan {
    /// The rendition.
    pub id: RenditionId,
    /// Name shown by players.
    pub name: String,
    /// BCP 47 language.
    pub language: Option<String>,
    /// Bit rate.
    pub bitrate: BitRate,
}

/// Segments on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolPlan {
    /// Directory of this channel; one directory per rendition below it.
    pub directory: PathBuf,
    /// Most bytes it may take.
    pub quota_bytes: u64,
    /// How long segments stay at least, delivered or not, seconds, if the quota allows.
    pub retain_seconds: u64,
    /// Segments in a media playlist.
    pub playlist_segments: u32,
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DestinationPlan {
    /// The destination.
    pub id: DestinationId,
    /// How to deliver.
    pub kind: DestinationKind,
}

/// How to deliver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DestinationKind {
    /// HLS over HTTP PUT (DASH-IF Live Media Ingest, Interface-2).
    HlsPush {
        /// Base; `<channel>/multivariant.m3u8` and the renditions' directories go below it.
        url: url::Url,
        /// Bearer token (RFC 6750).
        token: Option<Secret>,
    },
}

/// When to act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThresholdPlan {
    /// A source without a decoded picture (or sound, for sound-only sources) for this long is lost: slate.
    pub loss_ms: u32,
    /// A source that was lost must deliver this long before the program leaves another source for it (wait-to-restore).
    /// From the slate it returns at once.
    pub wait_to_restore_ms: u32,
    /// A worker whose output stands still for this long is killed and replaced.
    pub stall_ms: u32,
}

//! The channel plan: everything a worker needs to build its graph, as data. Serialisable, because it travels over the
//! worker socket; comparable, because reload goes by diff.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::companion::CompanionPlan;
use super::recording::RecordingPlan;
use super::send::SendPlan;
use super::whip::WhipPlan;
use crate::model::pair::Pairing;
use crate::model::sound::{ChannelMap, SoundLayout, SourceSound};
use crate::model::timecode::TimecodeDay;
use crate::model::upload::Upload;
use crate::model::{
    BitRate, ChannelId, DeliveryPolicy, DestinationId, DeviceName, EndpointName, ExpectedFormat, FailoverRules, Fit,
    ImageName, OnSlate, Overlay, PartPace, PictureSize, ProgramFormat, RenditionId, Secret, SegmentGrid,
    SignalThresholds, SourceId, TurnServer, VideoCodec, WhenFull,
};

pub use crate::model::SrtMode;

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
    /// Whose midnight timecode counts from.
    #[serde(default)]
    pub timecode: TimecodeDay,
    /// Where segments are cut.
    pub segments: SegmentGrid,
    /// How long the parts of a segment are; none without low latency.
    #[serde(default)]
    pub parts: Option<PartPace>,
    /// Sources by rank, best first. Never empty.
    pub sources: Vec<SourcePlan>,
    /// What is shown without a healthy source.
    pub slate: SlatePlan,
    /// What is laid over the program, and images.
    #[serde(default)]
    pub graphics: GraphicsPlan,
    /// Video renditions, best first. Empty for an audio-only channel.
    pub video: Vec<VideoRenditionPlan>,
    /// Audio renditions; the first is the default.
    pub audio: Vec<AudioRenditionPlan>,
    /// What players are told of captions; none if they are told of none.
    #[serde(default)]
    pub captions: Option<CaptionsPlan>,
    /// Segments on disk.
    pub spool: SpoolPlan,
    /// Where to deliver.
    pub destinations: Vec<DestinationPlan>,
    /// When to act.
    pub thresholds: ThresholdPlan,
    /// How sound is treated.
    #[serde(default)]
    pub sound: SoundPlan,
    /// What is encoded beside the ladder, for recordings alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub companions: Vec<CompanionPlan>,
}

impl ChannelPlan {
    /// No part of a segment is longer; none without low latency.
    pub fn part_target(&self) -> Option<Duration> {
        Some(self.parts?.target(self.program.frame_rate, self.program.audio.sample_rate))
    }
}

/// One source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourcePlan {
    /// The source.
    pub id: SourceId,
    /// How to open it.
    pub kind: SourceKind,
    /// What it is expected to deliver.
    #[serde(default)]
    pub expect: ExpectedFormat,
    /// How its picture fills the program.
    #[serde(default)]
    pub fit: Fit,
}

/// How a source is opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceKind {
    /// Moving picture with frame counter and UTC, tone with a tick each second.
    Test,
    /// A capture device, with sound from an ALSA device if there is one.
    V4l2 {
        /// Which device; looked for each time it is opened.
        device: DeviceName,
        /// ALSA device, such as `hw:1`.
        sound: Option<String>,
        /// Size to ask of the device; of what it offers, the nearest to the program if none.
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
    /// WHIP ingest: a guest's browser publishes to the box.
    Whip {
        /// Whoever knows it may publish; none admits nobody.
        key: Option<Secret>,
        /// Receive latency in milliseconds.
        latency_ms: u32,
        /// What happens to a second publisher.
        second_publisher: SecondPublisher,
        /// STUN server to ask for the box's own public address, `host:port`.
        stun: Option<String>,
        /// TURN server to be reached through.
        turn: Option<TurnServer>,
    },
    /// An NDI sender.
    Ndi {
        /// Name as announced.
        name: Option<String>,
        /// Address, `host:port`.
        address: Option<String>,
        /// Whether to ask for the sender's small picture.
        lowest: bool,
    },
    /// An input of a Blackmagic DeckLink card.
    DeckLink {
        /// Which input.
        input: DeckLinkInput,
        /// Connector; a nick of the element's `connection`.
        connection: String,
        /// Video mode; a nick of the element's `mode`.
        mode: String,
        /// Where its sound comes from; a nick of the sound element's `connection`. Silence if none.
        sound: Option<String>,
        /// Channels of sound: 2, 8 or 16.
        sound_channels: u32,
        /// Whether captions of the signal are taken over.
        captions: bool,
    },
}

/// An input of a DeckLink card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeckLinkInput {
    /// By persistent id.
    Id(i64),
    /// By number, from 0.
    Number(i32),
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
            SourceKind::Whip { .. } => "whip",
            SourceKind::Ndi { .. } => "ndi",
            SourceKind::DeckLink { .. } => "decklink",
        }
    }
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

/// The slate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlatePlan {
    /// What it says.
    pub text: String,
}

/// What is laid over the program, and where images are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GraphicsPlan {
    /// Directory of images.
    pub images: PathBuf,
    /// What the slate shows behind its words.
    pub slate_image: Option<ImageName>,
    /// Shown as long as operators say nothing else; one of each kind.
    pub overlays: Vec<Overlay>,
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
    /// Better ones that it may not use, in words: their sessions are taken.
    #[serde(default)]
    pub passed_over: Vec<String>,
}

/// One way to encode pictures: a GStreamer element and its settings, resolved from a hardware profile. Bit rates, key
/// frame distance and so on are already in `properties`, in the element's own units.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EncoderPlan {
    /// The hardware profile it comes from.
    pub profile: String,
    /// Element factory, such as `x264enc`.
    pub element: String,
    /// Properties to set, by name; strings are parsed by GStreamer (enums and flags by nick).
    pub properties: Vec<(String, Value)>,
    /// Raw format the element takes, such as `I420` or `NV12`.
    pub input_format: String,
    /// H.264 profile to ask for in the caps behind the element, such as `high`; of no meaning for other codecs.
    pub h264_profile: String,
    /// What it encodes to.
    #[serde(default)]
    pub codec: VideoCodec,
    /// Properties that follow the bit rate.
    #[serde(default)]
    pub rates: Vec<String>,
    /// Its hardware is in the box.
    #[serde(default)]
    pub found: bool,
    /// Processor cores it takes, as far as known.
    #[serde(default)]
    pub cores: Option<f64>,
    /// Elements between the raw pictures and the encoder, by factory: they bring pictures to its memory.
    #[serde(default)]
    pub upload: Vec<String>,
    /// Memory in which the encoder gets its pictures behind `upload`, as caps features name it; none of ordinary memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// `upload` scales and converts, too: it is given the program's pictures as they are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub converts: bool,
    /// Sessions that the box has of this profile; none without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sessions: Option<u32>,
    /// Cannot be asked for a keyframe, but counts pictures: it is started with the first picture of a segment.
    #[serde(default)]
    pub counts: bool,
    /// Runs on hardware that can fail or be lost on air; false for software.
    #[serde(default)]
    pub hardware: bool,
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
    /// Which channels of the program it carries; all of them if none.
    pub map: Option<ChannelMap>,
    /// Loudness correction of its own.
    #[serde(default)]
    pub correction: Option<CorrectionPlan>,
}

impl AudioRenditionPlan {
    /// Channels it has in a program of `program` channels.
    pub fn channels(&self, program: u8) -> u8 {
        self.map.as_ref().map_or(program, ChannelMap::channels)
    }
}

/// Captions of a channel, as players are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionsPlan {
    /// Name shown by players.
    pub name: String,
    /// BCP 47 language.
    pub language: Option<String>,
    /// The rendition that has them as WebVTT, if one does.
    pub webvtt: Option<RenditionId>,
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
    /// What goes first when it is full and everything left is owed to somebody.
    #[serde(default)]
    pub when_full: WhenFull,
}

/// One destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DestinationPlan {
    /// The destination.
    pub id: DestinationId,
    /// Whether it is used, as long as operators say nothing else.
    #[serde(default = "used")]
    pub enabled: bool,
    /// What it gets while the program is on slate.
    #[serde(default)]
    pub on_slate: OnSlate,
    /// How its endpoints share the work.
    #[serde(default)]
    pub policy: DeliveryPolicy,
    /// This box in a pair that shares it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<Pairing>,
    /// The primary, then the backups by rank. Never empty; all of one kind.
    pub endpoints: Vec<EndpointPlan>,
}

fn used() -> bool {
    true
}

/// One place that a destination can be sent to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EndpointPlan {
    /// `primary`, `backup-1`, ….
    pub name: EndpointName,
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
        /// How objects get there.
        upload: Box<Upload>,
    },
    /// The encoded programme as a stream.
    Send(Box<SendPlan>),
    /// WebRTC (WHIP, RFC 9725).
    Whip(Box<WhipPlan>),
    /// Files on the box's own disk.
    Recording(Box<RecordingPlan>),
}

/// When to act.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdPlan {
    /// A source without a decoded picture (or sound, for sound-only sources) for this long is lost: slate.
    pub loss_ms: u32,
    /// A source that was lost must deliver this long before the program leaves another source for it (wait-to-restore).
    /// From the slate it returns at once.
    pub wait_to_restore_ms: u32,
    /// A worker whose output stands still for this long is killed and replaced.
    pub stall_ms: u32,
    /// How the program chooses between sources.
    #[serde(default)]
    pub failover: FailoverRules,
    /// What is watched in the signal of each source.
    #[serde(default)]
    pub signal: SignalThresholds,
}

/// How the sound of a channel is treated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SoundPlan {
    /// How the channels of the program belong together.
    pub layout: SoundLayout,
    /// Sources whose sound is not taken as it comes.
    pub sources: BTreeMap<SourceId, SourceSound>,
    /// True peak not to be exceeded, dBTP.
    pub true_peak_max: f64,
    /// What integrated loudness is to become, LUFS, whether it is corrected or not.
    #[serde(default = "r128")]
    pub loudness_target: f64,
    /// Loudness correction, if it is on.
    pub correction: Option<CorrectionPlan>,
    /// When sound counts as faulty.
    pub alarms: SoundAlarmPlan,
}

impl Default for SoundPlan {
    fn default() -> Self {
        Self {
            layout: SoundLayout::Stereo,
            sources: BTreeMap::new(),
            true_peak_max: -1.0,
            loudness_target: r128(),
            correction: None,
            alarms: SoundAlarmPlan::default(),
        }
    }
}

/// EBU R 128; a plan of a version before had no other.
fn r128() -> f64 {
    -23.0
}

/// Loudness correction: a slow gain towards the target, and a limiter behind it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CorrectionPlan {
    /// Where to, LUFS.
    pub target_lufs: f64,
    /// Most gain in either direction, dB.
    pub max_gain_db: f64,
}

/// When the sound of the program counts as faulty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SoundAlarmPlan {
    /// A channel whose mean level is below this is silent, dBFS.
    pub silence_dbfs: f64,
    /// Silence of this length is a fault.
    pub silence_ms: u32,
    /// A correlation of left and right below this is inverted phase.
    pub phase_correlation: f64,
    /// Inverted phase of this length is a fault.
    pub phase_ms: u32,
    /// One channel silent, and others not, for this long is a fault.
    pub missing_ms: u32,
    /// A fault is over when it was gone for this long.
    pub clear_ms: u32,
}

impl Default for SoundAlarmPlan {
    fn default() -> Self {
        Self {
            silence_dbfs: -60.0,
            silence_ms: 5000,
            phase_correlation: -0.7,
            phase_ms: 3000,
            missing_ms: 10_000,
            clear_ms: 2000,
        }
    }
}

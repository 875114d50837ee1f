//! Destinations that take the encoded programme as a stream: SRT, RTMP, RIST, MPEG-TS over UDP.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::graph::SrtMode;
use crate::model::{BitRate, FrameRate, PictureSize, RenditionId, Secret, VideoCodec};

/// What is sent, and by what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SendPlan {
    /// The video rendition; none for a channel without pictures.
    pub video: Option<SentVideo>,
    /// The audio renditions, the default first.
    pub audio: Vec<SentAudio>,
    /// How.
    pub carrier: CarrierPlan,
    /// A connection in which nothing is acknowledged for this long, though sent, is closed and opened anew.
    pub stall_ms: u32,
}

/// The video rendition that is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentVideo {
    /// The rendition.
    pub rendition: RenditionId,
    /// What it is encoded to.
    pub codec: VideoCodec,
    /// Pixels.
    pub size: PictureSize,
    /// Pictures per second.
    pub frame_rate: FrameRate,
    /// Peak bit rate.
    pub max_bitrate: BitRate,
}

/// An audio rendition that is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentAudio {
    /// The rendition.
    pub rendition: RenditionId,
    /// BCP 47 language.
    pub language: Option<String>,
    /// Bit rate.
    pub bitrate: BitRate,
}

/// By what it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "carrier", rename_all = "snake_case")]
pub enum CarrierPlan {
    /// MPEG-TS over SRT.
    Srt {
        /// Role.
        mode: SrtMode,
        /// Peer to call, or local address to listen on.
        host: String,
        /// UDP port.
        port: u16,
        /// Latency in milliseconds: time to repeat lost packets in.
        latency_ms: u32,
        /// Encryption passphrase, 10 to 79 characters.
        passphrase: Option<Secret>,
        /// Length of the key in bytes: 16, 24 or 32.
        key_length: u8,
        /// Stream id sent (caller) or required (listener).
        stream_id: Option<String>,
        /// What may be added for repeating, percent of the stream.
        overhead_percent: u8,
        /// Most that may be sent, repeating included; by the stream and the overhead if none.
        max_bandwidth: Option<BitRate>,
        /// The transport stream.
        ts: TsPlan,
    },
    /// RTMP or RTMPS, as publisher.
    Rtmp {
        /// `rtmp://host[:port]/application`, without the stream key.
        url: url::Url,
        /// Stream key.
        key: Option<Secret>,
        /// Certificates to trust instead of the box's, PEM.
        ca: Option<PathBuf>,
    },
    /// MPEG-TS over RIST, simple profile (VSF TR-06-1).
    Rist {
        /// Receiver.
        host: String,
        /// UDP port, even; RTCP uses the next one.
        port: u16,
        /// How long packets are kept to be repeated, milliseconds.
        buffer_ms: u32,
        /// The transport stream.
        ts: TsPlan,
    },
    /// MPEG-TS over UDP, unicast or multicast.
    UdpTs {
        /// Receiver or group.
        host: String,
        /// UDP port.
        port: u16,
        /// Hops that packets may make.
        ttl: u8,
        /// Interface for multicast, by name or address.
        interface: Option<String>,
        /// The transport stream.
        ts: TsPlan,
    },
}

impl CarrierPlan {
    /// The word for it in configuration, API and panel.
    pub fn word(&self) -> &'static str {
        match self {
            CarrierPlan::Srt { .. } => "srt",
            CarrierPlan::Rtmp { .. } => "rtmp",
            CarrierPlan::Rist { .. } => "rist",
            CarrierPlan::UdpTs { .. } => "udp-ts",
        }
    }

    /// Where it goes, without secrets.
    pub fn shown(&self) -> String {
        // An IPv6 address stands in brackets.
        let at = |host: &str, port: &u16| {
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
        };
        match self {
            CarrierPlan::Srt { mode: SrtMode::Caller, host, port, .. } => format!("srt://{}", at(host, port)),
            CarrierPlan::Srt { host, port, .. } => format!("srt://{}?mode=listener", at(host, port)),
            CarrierPlan::Rtmp { url, .. } => url.to_string(),
            CarrierPlan::Rist { host, port, .. } => format!("rist://{}", at(host, port)),
            CarrierPlan::UdpTs { host, port, .. } => format!("udp://{}", at(host, port)),
        }
    }
}

/// The transport stream of one programme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TsPlan {
    /// Name of the programme.
    pub name: String,
    /// `program_number`.
    pub program: u16,
    /// PID of the programme map.
    pub map_pid: u16,
    /// PID of the pictures.
    pub video_pid: u16,
    /// PID of the first audio track; the others follow.
    pub audio_pid: u16,
    /// Splice information (SCTE 35): its PID and form.
    pub splices: Option<(u16, SpliceForm)>,
    /// Constant rate, filled up with null packets; none for as much as there is.
    pub bitrate: Option<BitRate>,
}

/// How a cue is told in a transport stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpliceForm {
    /// `splice_insert`.
    Insert,
    /// `time_signal` with a segmentation descriptor.
    TimeSignal,
}

//! By what the encoded programme is sent as a stream: SRT, RTMP, RIST, MPEG-TS over UDP. Written by a technician, carried
//! by the plan, used by `media::send`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::secret::Secret;
use super::splice::SpliceForm;
use super::units::BitRate;

/// SRT roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SrtMode {
    /// Connects to a listener.
    Caller,
    /// Waits for a caller.
    Listener,
}

/// By what it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "carrier", rename_all = "snake_case")]
pub enum Carrier {
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
        ts: TransportStream,
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
        ts: TransportStream,
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
        ts: TransportStream,
    },
}

impl Carrier {
    /// The word for it in configuration, API and panel.
    pub fn word(&self) -> &'static str {
        match self {
            Carrier::Srt { .. } => "srt",
            Carrier::Rtmp { .. } => "rtmp",
            Carrier::Rist { .. } => "rist",
            Carrier::UdpTs { .. } => "udp-ts",
        }
    }

    /// The transport stream that it carries; none for RTMP.
    pub fn transport_stream_mut(&mut self) -> Option<&mut TransportStream> {
        match self {
            Carrier::Srt { ts, .. } | Carrier::Rist { ts, .. } | Carrier::UdpTs { ts, .. } => Some(ts),
            Carrier::Rtmp { .. } => None,
        }
    }

    /// Its constant rate, if it has one.
    pub fn bitrate(&self) -> Option<BitRate> {
        match self {
            Carrier::Srt { ts, .. } | Carrier::Rist { ts, .. } | Carrier::UdpTs { ts, .. } => ts.bitrate,
            Carrier::Rtmp { .. } => None,
        }
    }

    /// Where it goes, without secrets.
    pub fn shown(&self) -> String {
        // An IPv6 address stands in brackets.
        let at = |host: &str, port: &u16| {
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
        };
        match self {
            Carrier::Srt { mode: SrtMode::Caller, host, port, .. } => format!("srt://{}", at(host, port)),
            Carrier::Srt { host, port, .. } => format!("srt://{}?mode=listener", at(host, port)),
            Carrier::Rtmp { url, .. } => url.to_string(),
            Carrier::Rist { host, port, .. } => format!("rist://{}", at(host, port)),
            Carrier::UdpTs { host, port, .. } => format!("udp://{}", at(host, port)),
        }
    }
}

/// The transport stream of one programme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransportStream {
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

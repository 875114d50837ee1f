//! What a protocol tells of the way between this box and a peer.

use serde::{Deserialize, Serialize};

use super::id::RenditionId;

/// What a protocol tells of the way to a peer, since the connection began. What it does not tell is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LinkFigures {
    /// Round trip, milliseconds.
    pub rtt_ms: Option<f64>,
    /// How long the receiver waits for what is sent again, as both have agreed, milliseconds; the shortest of several peers.
    #[serde(default)]
    pub latency_ms: Option<f64>,
    /// What the way carries, as the protocol estimates it, bit/s; the least of several peers.
    #[serde(default)]
    pub bandwidth_bps: Option<u64>,
    /// Packets that were reported lost on the way, and were or were not repeated.
    pub packets_lost: Option<u64>,
    /// Packets that were sent again.
    pub packets_retransmitted: Option<u64>,
    /// Packets that were not sent at all, because they would have come too late.
    pub packets_dropped: Option<u64>,
    /// Callers that are connected, for a listener.
    pub callers: Option<u32>,
    /// What pictures are encoded at now, where that follows the network, bit/s.
    #[serde(default)]
    pub bitrate_bps: Option<u64>,
    /// Sizes of the pictures, largest first, where they are sent in several (simulcast).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<LayerFigures>,
}

/// One size of the pictures that are sent in several, since the connection began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct LayerFigures {
    /// Which rendition it is.
    pub rendition: RenditionId,
    /// Whether it is sent: the peer takes it.
    pub sent: bool,
    /// Bytes sent, retransmissions not counted.
    pub bytes_sent: u64,
    /// Of these, bytes that the peer reported as received.
    pub bytes_acknowledged: u64,
}

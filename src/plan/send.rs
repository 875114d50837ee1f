//! Destinations that take the encoded programme as a stream: SRT, RTMP, RIST, MPEG-TS over UDP.

use serde::{Deserialize, Serialize};

use crate::config::{self, Channel};
use crate::model::{BitRate, FrameRate, PictureSize, RenditionId, VideoCodec};

pub use crate::model::{Carrier as CarrierPlan, SpliceForm, TransportStream as TsPlan};

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

/// What a destination of `channel` sends. Names of renditions were checked with the configuration.
pub(super) fn derive(sent: &config::Sent, channel: &Channel) -> SendPlan {
    let class = &channel.stream_class;
    let wanted = |id: &RenditionId| sent.rendition.as_ref().is_none_or(|wanted| wanted == id);
    let video = class.video.iter().find(|rendition| wanted(&rendition.id)).map(|rendition| SentVideo {
        rendition: rendition.id.clone(),
        codec: rendition.codec,
        size: rendition.size,
        frame_rate: class.program.frame_rate,
        max_bitrate: rendition.max_bitrate,
    });
    let audio = |rendition: &config::AudioRendition| SentAudio {
        rendition: rendition.id.clone(),
        language: rendition.language.clone(),
        bitrate: rendition.bitrate,
    };
    let audio = match sent.audio.is_empty() {
        true => class.audio.iter().take(1).map(audio).collect(),
        false => sent.audio.iter().filter_map(|id| class.audio.iter().find(|r| r.id == *id)).map(audio).collect(),
    };
    let mut carrier = sent.carrier.clone();
    if let Some(ts) = carrier.transport_stream_mut().filter(|ts| ts.name.is_empty()) {
        ts.name.clone_from(&channel.title);
    }
    SendPlan { video, audio, carrier, stall_ms: sent.stall_ms }
}

//! Stream classes: the versioned artefacts in `pipelines/`.
//!
//! Owns: their keys, their types and the rules a broadcast engineer would expect of them. Must not: know channels.

mod h264_level;
mod keys;
mod read;
mod rules;
mod signal;

use crate::model::sound::{ChannelMap, SoundLayout};
use crate::model::{
    BitRate, FailoverRules, Lufs, OnSlate, PartPace, PictureSize, ProgramFormat, RenditionId, SegmentGrid,
    SignalThresholds, VideoCodec,
};
use crate::profile::EncodeRequest;

pub(crate) use read::on_slate;
pub(crate) use rules::{map_rows, slate_text};

pub use keys::STREAM_CLASS;
pub use read::read;

/// One stream class, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamClass {
    /// Name, which is that of its file.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// Who answers for it.
    pub owner: String,
    /// What it is for.
    pub description: String,
    /// Program format.
    pub program: ProgramFormat,
    /// Where segments are cut.
    pub segments: SegmentGrid,
    /// Segments in a media playlist.
    pub playlist_segments: u32,
    /// How long parts are; none without low latency.
    pub parts: Option<PartPace>,
    /// Video renditions, best first.
    pub video: Vec<VideoRendition>,
    /// Audio renditions, the first is the default.
    pub audio: Vec<AudioRendition>,
    /// What players are told of captions.
    pub captions: Option<Captions>,
    /// Sound.
    pub audio_policy: AudioPolicy,
    /// What happens without a healthy source.
    pub fallback: Fallback,
    /// What destinations get while the program is on slate, unless they say otherwise.
    pub on_slate: OnSlate,
    /// How the program chooses between sources.
    pub failover: FailoverRules,
    /// When sound is faulty.
    pub sound_alarms: SoundAlarms,
    /// When to act.
    pub thresholds: Thresholds,
    /// What is watched in the signal of each source.
    pub signal: SignalThresholds,
}

impl StreamClass {
    /// Name and version, as a channel's plan carries it.
    pub fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// What one of its renditions asks of an encoder.
    pub fn encode_request(&self, rendition: &VideoRendition) -> EncodeRequest {
        EncodeRequest {
            size: rendition.size,
            frame_rate: self.program.frame_rate,
            bitrate: rendition.bitrate,
            max_bitrate: rendition.max_bitrate,
            segment_ms: self.segments.duration().as_millis() as u32,
            codec: rendition.codec,
            h264_profile: rendition.h264_profile.clone(),
            effort: rendition.effort.clone(),
            latency: rendition.latency.clone(),
        }
    }
}

/// One video rendition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoRendition {
    /// The rendition.
    pub id: RenditionId,
    /// Pixels.
    pub size: PictureSize,
    /// Average bit rate.
    pub bitrate: BitRate,
    /// Bit rate that no segment exceeds.
    pub max_bitrate: BitRate,
    /// What it is encoded to.
    pub codec: VideoCodec,
    /// H.264 profile.
    pub h264_profile: String,
    /// Picture quality against load.
    pub effort: String,
    /// How long the encoder may hold a picture back.
    pub latency: String,
}

/// One audio rendition.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioRendition {
    /// The rendition.
    pub id: RenditionId,
    /// Shown by players.
    pub name: String,
    /// BCP 47.
    pub language: Option<String>,
    /// Bit rate.
    pub bitrate: BitRate,
    /// Which channels of the program; all of them if none.
    pub map: Option<ChannelMap>,
    /// Loudness that it is corrected to.
    pub loudness_target: Option<Lufs>,
}

/// Captions, as players are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captions {
    /// Shown by players.
    pub name: String,
    /// BCP 47.
    pub language: Option<String>,
    /// The WebVTT rendition.
    pub webvtt: Option<RenditionId>,
}

/// Sound of the program.
#[derive(Debug, Clone, PartialEq)]
pub struct AudioPolicy {
    /// How the channels belong together.
    pub layout: SoundLayout,
    /// Integrated loudness.
    pub loudness_target: Lufs,
    /// dBTP.
    pub true_peak_max: f64,
    /// Whether loudness is corrected.
    pub correction: bool,
    /// Most that the correction raises or lowers, dB.
    pub max_gain_db: f64,
}

/// When the sound of the program counts as faulty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoundAlarms {
    /// dBFS.
    pub silence_dbfs: f64,
    /// Milliseconds.
    pub silence_ms: u32,
    /// Below it phase is inverted.
    pub phase_correlation: f64,
    /// Milliseconds.
    pub phase_ms: u32,
    /// Milliseconds.
    pub missing_ms: u32,
    /// Milliseconds.
    pub clear_ms: u32,
}

/// What happens without a healthy source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// What the slate says; may hold `{title}`.
    pub slate_text: String,
    /// Milliseconds without a picture.
    pub loss_ms: u32,
    /// Milliseconds of health before a return.
    pub wait_to_restore_ms: u32,
}

/// When to act and when to warn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    /// Milliseconds without output.
    pub stall_ms: u32,
    /// Seconds behind the live edge.
    pub backlog_warn_s: u32,
    /// Seconds behind the live edge.
    pub backlog_alarm_s: u32,
    /// Percent of the average.
    pub bitrate_min_percent: u32,
    /// Percent of the average.
    pub bitrate_max_percent: u32,
}

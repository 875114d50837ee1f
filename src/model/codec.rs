//! What pictures are encoded to.

use serde::{Deserialize, Serialize};

/// A video codec of a ladder.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum VideoCodec {
    /// H.264 / AVC (ITU-T H.264).
    #[default]
    H264,
    /// HEVC (ITU-T H.265).
    Hevc,
    /// AV1 (AOMedia).
    Av1,
}

impl VideoCodec {
    /// The word for it in configuration and API.
    pub fn word(self) -> &'static str {
        match self {
            VideoCodec::H264 => "h264",
            VideoCodec::Hevc => "hevc",
            VideoCodec::Av1 => "av1",
        }
    }

    /// The codec that is written like this.
    pub fn from_word(word: &str) -> Option<Self> {
        [VideoCodec::H264, VideoCodec::Hevc, VideoCodec::Av1].into_iter().find(|codec| codec.word() == word)
    }
}

impl std::fmt::Display for VideoCodec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            VideoCodec::H264 => "H.264",
            VideoCodec::Hevc => "HEVC",
            VideoCodec::Av1 => "AV1",
        })
    }
}

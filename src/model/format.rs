//! The program format: what every source is normalised to before the switch.

use serde::{Deserialize, Serialize};

use super::units::{FrameRate, PictureSize};

/// Interleaved sound at one rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AudioFormat {
    /// Samples per second per channel.
    pub sample_rate: u32,
    /// 1 (mono) or 2 (stereo).
    pub channels: u8,
}

/// How a picture of another shape fills the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// All of it, with black bars above and below or at the sides.
    #[default]
    Letterbox,
    /// The middle of it, without bars.
    Crop,
    /// All of it, out of shape.
    Stretch,
}

/// Picture (4:2:0 8 bit, progressive) and sound of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProgramFormat {
    /// Pixels.
    pub size: PictureSize,
    /// Ticks of the house clock per second.
    pub frame_rate: FrameRate,
    /// Sound.
    pub audio: AudioFormat,
}

//! What is watched in the signal of a source, and what is done about it.

use serde::{Deserialize, Serialize};

use super::time::MediaTime;
use super::units::{FrameRate, PictureSize};

/// What a fault of a signal leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriggerAction {
    /// Nothing: it is not looked at.
    #[default]
    Off,
    /// It is told, and shows in the health of the source.
    Alarm,
    /// The program leaves the source, too.
    Failover,
}

/// When a fault of a signal counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Trigger {
    /// What it leads to.
    pub action: TriggerAction,
    /// It must last this long to count.
    pub enter_ms: u32,
    /// It must be gone this long to be over.
    pub clear_ms: u32,
}

/// The limits for all faults of a signal. The default looks at nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SignalThresholds {
    /// The picture is black.
    pub black: Trigger,
    /// Luma that counts as black, 8 bit.
    pub black_luma: u8,
    /// The picture stands still.
    pub freeze: Trigger,
    /// Share of the picture that must change for it not to stand still, percent.
    pub freeze_percent: f64,
    /// A picture that stands still while there is sound is no fault.
    pub freeze_only_if_silent: bool,
    /// The sound is silent.
    pub silence: Trigger,
    /// Level (RMS of the loudest channel) below which sound is silent.
    pub silence_dbfs: f64,
    /// The picture has another size or frame rate than expected.
    pub format: Trigger,
}

/// How the program chooses between sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FailoverRules {
    /// How long a source must be unusable before the program leaves it.
    pub hold_off_ms: u32,
    /// Return to a better source by hand only.
    pub revert_by_hand: bool,
    /// When a source that was taken by hand fails, show the next healthy one instead of the slate.
    pub manual_falls_to_auto: bool,
}

/// What a source is expected to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ExpectedFormat {
    /// Size of the picture; any if none.
    pub size: Option<PictureSize>,
    /// Rate of the picture; any if none.
    pub frame_rate: Option<FrameRate>,
}

/// Faults of a source's signal, each since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct SignalStatus {
    /// The picture is black.
    pub black_since: Option<MediaTime>,
    /// The picture stands still.
    pub freeze_since: Option<MediaTime>,
    /// The sound is silent.
    pub silence_since: Option<MediaTime>,
    /// The picture has not the expected format.
    pub wrong_format_since: Option<MediaTime>,
}

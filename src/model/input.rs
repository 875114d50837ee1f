//! The signal at an input of a capture device, as the device itself sees it.

use serde::{Deserialize, Serialize};

use super::time::MediaTime;

/// What is at an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputState {
    /// The device is not plugged in.
    Absent,
    /// Nothing is connected to the input, or what is connected sends nothing.
    NoSignal,
    /// Something is sent, but the device cannot hold on to it.
    Unstable,
    /// A signal the device reads.
    Locked,
    /// A signal, but one that the device cannot read, or another than expected.
    Mismatch,
}

impl InputState {
    /// Every state.
    pub const ALL: &[InputState] =
        &[InputState::Absent, InputState::NoSignal, InputState::Unstable, InputState::Locked, InputState::Mismatch];

    /// Whether what the device delivers meanwhile (bars, noise, the last picture) is its own and not the sender's.
    pub fn is_dark(self) -> bool {
        matches!(self, InputState::Absent | InputState::NoSignal | InputState::Unstable)
    }
}

/// The signal at an input, since when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct InputStatus {
    /// What is there.
    pub state: InputState,
    /// The format of the signal, such as `1920x1080p60` (the sender's, before the device or Uplink scales it).
    pub format: Option<String>,
    /// One sentence.
    pub reason: String,
    /// Since when.
    pub since: MediaTime,
    /// The device behind the input now, `/dev/videoN`; none while it is absent.
    pub device: Option<String>,
}

impl InputStatus {
    /// Takes over what is known now; an unchanged state keeps its time. Says whether state or format changed.
    pub fn update(&mut self, newer: InputStatus) -> bool {
        let changed = self.state != newer.state || self.format != newer.format;
        let since = if self.state == newer.state { self.since } else { newer.since };
        *self = InputStatus { since, ..newer };
        changed
    }
}

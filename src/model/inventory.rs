//! What is plugged in, as data: filled by `hardware`, read by `plan`.

use serde::{Deserialize, Serialize};

/// A kernel device that captures pictures (V4L2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CaptureDevice {
    /// The node to open, by stable link where there is one (`/dev/v4l/by-path/…`), else `/dev/videoN`.
    pub node: String,
    /// The name the driver gives.
    pub name: String,
    /// Kernel driver.
    pub driver: String,
    /// The sound device of the same hardware, if it has one (ALSA name, such as `hw:1`).
    pub sound: Option<String>,
}

/// A kernel device that captures sound (ALSA).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SoundDevice {
    /// ALSA name, such as `hw:CARD=C4K,DEV=0`.
    pub device: String,
    /// The name the driver gives.
    pub name: String,
}

/// A piece of hardware on a bus that encodes or captures: graphics, codecs of a board, capture cards and sticks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct HardwareDevice {
    /// `pci`, `usb` or `platform`.
    pub bus: String,
    /// Where on the bus, such as `0000:01:00.0`.
    pub place: String,
    /// Four hexadecimal digits; none on a board.
    pub vendor: Option<String>,
    /// Four hexadecimal digits; none on a board.
    pub product: Option<String>,
    /// Kernel driver.
    pub driver: Option<String>,
    /// The name its driver or maker gives, where there is one.
    pub model: Option<String>,
}

/// Everything that can be captured now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Inventory {
    /// V4L2 capture devices in the order of their node numbers.
    pub capture: Vec<CaptureDevice>,
    /// ALSA capture devices.
    pub sound: Vec<SoundDevice>,
    /// Hardware on the buses, by bus and place.
    #[serde(default)]
    pub devices: Vec<HardwareDevice>,
}

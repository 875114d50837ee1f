//! What is plugged in, as data: filled by `hardware`, read by `config`, `plan` and the API.

use serde::{Deserialize, Serialize};

use super::device::{DeviceName, input_word};

/// A kernel device that captures pictures (V4L2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CaptureDevice {
    /// The node to open, by stable link where there is one (`/dev/v4l/by-path/…`), else `/dev/videoN`.
    pub node: String,
    /// The name the driver gives.
    pub name: String,
    /// Kernel driver.
    pub driver: String,
    /// The sound device of the same hardware, if it has one (ALSA name, such as `hw:1`).
    pub sound: Option<String>,
    /// The kernel's name for it now, `/dev/videoN`.
    #[serde(default)]
    pub kernel: String,
    /// Serial number, if it has one.
    #[serde(default)]
    pub serial: Option<String>,
    /// The port it is plugged into, as udev spells the way there (`ID_PATH`).
    #[serde(default)]
    pub path: Option<String>,
    /// Links that lead to it now.
    #[serde(default)]
    pub links: Vec<String>,
    /// What to write as `device` in a configuration, best first: names that stay with the device or with its port.
    #[serde(default)]
    pub names: Vec<String>,
}

impl CaptureDevice {
    /// The name by which it is opened when nobody wrote one: a stable one, if it has any.
    pub fn stable_name(&self) -> &str {
        let link = (self.node != self.kernel).then_some(&self.node);
        link.or(self.names.first()).unwrap_or(&self.node)
    }

    /// Whether `name` means this device, whatever else it may mean.
    pub fn answers_to(&self, name: &DeviceName) -> bool {
        let input_fits = |input: &Option<String>| input.as_ref().is_none_or(|input| *input == input_word(&self.name));
        match name {
            DeviceName::Serial { serial, input } => self.serial.as_ref() == Some(serial) && input_fits(input),
            DeviceName::Port { path, input } => self.path.as_ref() == Some(path) && input_fits(input),
            DeviceName::Link(link) => {
                let mut names = [&self.node, &self.kernel].into_iter().chain(&self.links);
                names.any(|name| link.as_os_str() == name.as_str())
            }
        }
    }
}

/// A kernel device that captures sound (ALSA).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct SoundDevice {
    /// ALSA name, such as `hw:CARD=C4K,DEV=0`.
    pub device: String,
    /// The name the driver gives.
    pub name: String,
    /// The card's short name, such as `C4K`.
    #[serde(default)]
    pub card: String,
    /// Whether it is part of a capture device.
    #[serde(default)]
    pub of_capture: bool,
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

/// What the udev rules made of one node of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct NodeRules {
    /// The kernel's name for it now, `/dev/videoN`.
    pub kernel: String,
    /// The name the driver gives.
    pub name: String,
    /// Each rule, in their order.
    pub rules: Vec<RuleOutcome>,
}

/// What one rule did for a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct RuleOutcome {
    /// `permissions`, `tag`, `input`, `path` or `serial`; `all` where none was tried.
    pub rule: String,
    /// Whether it matched.
    pub matched: bool,
    /// What it gave, or why it did not match.
    pub what: String,
}

impl RuleOutcome {
    /// It matched, and gave `what`.
    pub fn matched(rule: &str, what: impl Into<String>) -> Self {
        Self { rule: rule.to_owned(), matched: true, what: what.into() }
    }
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

/// Why a name leads to no capture device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// Nothing with that name is plugged in.
    #[error("{0} is not plugged in")]
    Absent(String),
    /// Several devices have the name; which one is meant cannot be known.
    #[error("{name} is {} capture devices: name one of them ({})", .candidates.len(), .candidates.join(", "))]
    Ambiguous {
        /// What was looked for.
        name: String,
        /// Names that tell them apart.
        candidates: Vec<String>,
    },
}

impl Inventory {
    /// The one device that `name` means.
    pub fn find(&self, name: &DeviceName) -> Result<&CaptureDevice, NotFound> {
        let found: Vec<&CaptureDevice> = self.capture.iter().filter(|device| device.answers_to(name)).collect();
        match (found.as_slice(), name) {
            ([], _) => Err(NotFound::Absent(name.to_string())),
            ([device], _) => Ok(device),
            // A link leads to one device; another that has it in its list has lost it to that one.
            ([device, ..], DeviceName::Link(_)) => Ok(device),
            (several, _) => {
                let best = |device: &&CaptureDevice| device.stable_name().to_owned();
                Err(NotFound::Ambiguous { name: name.to_string(), candidates: several.iter().map(best).collect() })
            }
        }
    }
}

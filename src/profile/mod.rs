//! Hardware profiles and their matching: what is known of a card or an encoder, as data.
//!
//! ```text
//! hardware-profiles/*.toml ──► Profile ──► Profiles ──► candidates for one rendition, best first
//!                                              └──────► what is known of a capture card
//! ```
//!
//! Owns: the profile files, their rules, and the settings of an encoder in the element's own units. Must not: know
//! which elements are registered on this box (the worker finds that out) or which cards are plugged in (`hardware`).

mod keys;
mod read;
mod resolve;

use crate::model::{HardwareDevice, PictureSize, VideoCodec};

pub use keys::HARDWARE_PROFILE;
pub use read::read;
pub(crate) use resolve::placeholders;
pub use resolve::{Candidate, EFFORTS, EncodeRequest, H264_PROFILES, LATENCIES};

/// One profile file.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Its name, which is the name of its file.
    pub name: String,
    /// Lower is tried first.
    pub priority: u32,
    /// What it is for.
    pub description: String,
    /// Where it was run, and what was not.
    pub tested: String,
    /// Where what it says comes from.
    pub source: String,
    /// Hardware that the encoders run on; empty where that is not known by bus numbers.
    pub accelerators: Vec<Accelerator>,
    /// Encoders, best first.
    pub encoders: Vec<Encoder>,
    /// Capture cards.
    pub cards: Vec<Card>,
}

impl Profile {
    /// Whether what it describes is hardware: it can be missing, used up or fail on air.
    pub fn is_hardware(&self) -> bool {
        self.priority < SOFTWARE
    }
}

/// Priority from which on a profile is software.
pub const SOFTWARE: u32 = 900;

/// One encoder element and how to set it.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoder {
    /// What it encodes to.
    pub codec: VideoCodec,
    /// Element factory.
    pub element: String,
    /// Raw format it takes.
    pub input_format: String,
    /// Memory it works on: `system`, or what GStreamer calls it, such as `CUDAMemory`.
    pub memory: String,
    /// Elements in front of it that bring pictures there.
    pub upload: Vec<String>,
    /// They scale and convert, too.
    pub converts: bool,
    /// Cannot be asked for a keyframe; puts one every so many pictures.
    pub counts: bool,
    /// Unit of its bit rate properties.
    pub bitrate_unit: BitRateUnit,
    /// H.264 profiles it can be asked for.
    pub h264_profiles: Vec<String>,
    /// Smallest picture.
    pub min_size: Option<PictureSize>,
    /// Largest picture.
    pub max_size: Option<PictureSize>,
    /// Encoding sessions the hardware allows at a time.
    pub max_sessions: Option<u32>,
    /// Whether these are sessions of the whole box, not of each card.
    pub sessions_of_box: bool,
    /// Properties that a rendition's latency adds or replaces.
    pub latency: Vec<(String, Vec<(String, serde_json::Value)>)>,
    /// Processor seconds per thousand megapixels, by effort.
    pub cost: Vec<(String, f64)>,
    /// Properties by name; texts may hold `{placeholders}`.
    pub properties: Vec<(String, serde_json::Value)>,
    /// Properties that a rendition's effort adds or replaces.
    pub effort: Vec<(String, Vec<(String, serde_json::Value)>)>,
    /// What to know about it.
    pub quirks: Vec<String>,
}

/// Unit of an element's bit rate properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BitRateUnit {
    /// bit/s.
    Bit,
    /// kbit/s.
    Kilobit,
}

/// One piece of hardware that encodes: how it is recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accelerator {
    /// For people.
    pub name: String,
    /// `pci` or `platform`.
    pub bus: String,
    /// Four hexadecimal digits.
    pub vendor: Option<String>,
    /// Product numbers, or what they begin with; empty for all.
    pub products: Vec<String>,
    /// Kernel driver.
    pub driver: Option<String>,
    /// What the model's name begins with.
    pub model: Option<String>,
}

impl Accelerator {
    /// Whether `device` is one.
    pub fn is(&self, device: &HardwareDevice) -> bool {
        let begins = |given: &str, all: &Option<String>| all.as_ref().is_some_and(|all| all.starts_with(given));
        self.bus == device.bus
            && (self.vendor.is_none() || self.vendor == device.vendor)
            && (self.products.is_empty() || self.products.iter().any(|product| begins(product, &device.product)))
            && (self.driver.is_none() || self.driver == device.driver)
            && self.model.as_ref().is_none_or(|model| begins(model, &device.model))
    }
}

/// One capture card: how it is recognised and what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// `pci`, `usb` or `platform`.
    pub bus: String,
    /// Four hexadecimal digits.
    pub vendor: Option<String>,
    /// Four hexadecimal digits.
    pub product: Option<String>,
    /// Kernel driver.
    pub driver: Option<String>,
    /// For people.
    pub name: String,
    /// Connectors.
    pub connectors: Vec<String>,
    /// Formats it delivers.
    pub formats: Vec<String>,
    /// What to know about it.
    pub quirks: Vec<String>,
}

/// All profiles, in the order in which they are tried.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Profiles(Vec<Profile>);

impl Profiles {
    /// Puts profiles in order: priority, then name.
    pub fn new(mut profiles: Vec<Profile>) -> Self {
        profiles.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
        Self(profiles)
    }

    /// Each in turn, first tried first.
    pub fn iter(&self) -> std::slice::Iter<'_, Profile> {
        self.0.iter()
    }

    /// The profile `name`.
    pub fn get(&self, name: &str) -> Option<&Profile> {
        self.0.iter().find(|profile| profile.name == name)
    }

    /// What is known of a capture device with this kernel driver; the first profile that matches wins.
    pub fn card_for_driver(&self, driver: &str) -> Option<&Card> {
        self.0.iter().flat_map(|profile| &profile.cards).find(|card| card.driver.as_deref() == Some(driver))
    }

    /// What is known of a device on a bus; the first profile that matches wins, a card with a product number before one
    /// of any product.
    pub fn card_for(&self, device: &HardwareDevice) -> Option<&Card> {
        let is = |card: &&Card| {
            card.bus == device.bus
                && (card.vendor.is_none() || card.vendor == device.vendor)
                && (card.product.is_none() || card.product == device.product)
                && (card.driver.is_none() || card.driver == device.driver || card.vendor.is_some())
        };
        let all = || self.0.iter().flat_map(|profile| &profile.cards).filter(is);
        all().find(|card| card.product.is_some()).or_else(|| all().next())
    }

    /// The profiles that fit this box: those of hardware that is not found in it are left out, and general ones where a
    /// particular one with the same elements is found.
    pub fn fitting(&self, devices: &[HardwareDevice]) -> Self {
        let found = |profile: &Profile| devices.iter().any(|device| profile.accelerators.iter().any(|a| a.is(device)));
        let particular: Vec<&Profile> = self.0.iter().filter(|profile| found(profile)).collect();
        let element_of = |profile: &Profile, element: &str| profile.encoders.iter().any(|e| e.element == element);
        let mut fitting = Vec::new();
        for profile in self.0.iter().filter(|profile| profile.accelerators.is_empty() || found(profile)) {
            let mut profile = profile.clone();
            if profile.accelerators.is_empty() && profile.is_hardware() {
                profile.encoders.retain(|e| !particular.iter().any(|found| element_of(found, &e.element)));
            }
            fitting.push(profile);
        }
        Self(fitting)
    }

    /// Encoders that can do what is asked, best first, with their properties resolved. `only` restricts the choice to
    /// one profile.
    pub fn encoders_for(&self, request: &EncodeRequest, only: Option<&str>) -> Vec<Candidate> {
        self.0
            .iter()
            .filter(|profile| only.is_none_or(|name| name == profile.name))
            .flat_map(|profile| profile.encoders.iter().map(move |encoder| (profile, encoder)))
            .filter(|(_, encoder)| encoder.can(request))
            .map(|(profile, encoder)| encoder.resolve(profile, request))
            .collect()
    }
}

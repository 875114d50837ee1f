//! ALSA capture devices by card.

use std::path::{Path, PathBuf};

use super::{attribute, hardware_of, names_in};
use crate::model::SoundDevice;

/// A sound card that captures.
pub(crate) struct Card {
    /// The piece of hardware it belongs to.
    pub(crate) hardware: Option<PathBuf>,
    /// Its capture devices, never empty.
    pub(crate) devices: Vec<SoundDevice>,
}

/// The cards that capture; `capturing` is the hardware that captures pictures.
pub(crate) fn cards(root: &Path, capturing: &[PathBuf]) -> Vec<Card> {
    let class = root.join("sys/class/sound");
    let entries = names_in(&class);
    let listing = std::fs::read_to_string(root.join("proc/asound/cards")).unwrap_or_default();
    let mut numbers: Vec<u32> = entries.iter().filter_map(|name| name.strip_prefix("card")?.parse().ok()).collect();
    numbers.sort_unstable();
    let card = |number: u32| {
        let directory = class.join(format!("card{number}"));
        let id = attribute(&directory.join("id")).unwrap_or_else(|| number.to_string());
        let name = long_name(&listing, number).unwrap_or_else(|| id.clone());
        let hardware = hardware_of(&directory);
        let devices = capture_pcms(&entries, number)
            .into_iter()
            .map(|device| SoundDevice {
                device: format!("hw:CARD={id},DEV={device}"),
                name: name.clone(),
                card: id.clone(),
                of_capture: hardware.as_ref().is_some_and(|hardware| capturing.contains(hardware)),
            })
            .collect();
        Card { hardware, devices }
    };
    numbers.into_iter().map(card).filter(|card| !card.devices.is_empty()).collect()
}

/// `pcmC1D0c` is device 0 of card 1, capture; playback ends in `p`.
fn capture_pcms(entries: &[String], card: u32) -> Vec<u32> {
    let prefix = format!("pcmC{card}D");
    let number = |name: &String| name.strip_prefix(&prefix)?.strip_suffix('c')?.parse().ok();
    let mut devices: Vec<u32> = entries.iter().filter_map(number).collect();
    devices.sort_unstable();
    devices
}

/// ` 1 [Stick          ]: USB-Audio - Capture Stick`
fn long_name(listing: &str, card: u32) -> Option<String> {
    let mine = |line: &&str| line.split_whitespace().next() == Some(&card.to_string()) && line.contains('[');
    let (_, name) = listing.lines().find(mine)?.split_once(" - ")?;
    Some(name.trim().to_owned())
}

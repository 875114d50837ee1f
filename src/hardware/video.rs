//! V4L2 capture devices.

use std::path::{Path, PathBuf};

use super::sound::Card;
use super::{attribute, hardware_of, names_in};
use crate::model::CaptureDevice;

pub(crate) fn devices(root: &Path, cards: &[Card]) -> Vec<CaptureDevice> {
    let class = root.join("sys/class/video4linux");
    let mut numbers: Vec<u32> =
        names_in(&class).iter().filter_map(|name| name.strip_prefix("video")?.parse().ok()).collect();
    numbers.sort_unstable();
    // A card with several inputs has as many sound cards: the n-th picture goes with the n-th sound.
    let mut seen: Vec<Option<PathBuf>> = Vec::new();
    let device = |number: u32| {
        let directory = class.join(format!("video{number}"));
        captures(root, &directory).then(|| {
            let hardware = hardware_of(&directory);
            let driver = directory.join("device/driver").canonicalize().ok();
            let input = seen.iter().filter(|earlier| **earlier == hardware).count();
            let sound = cards.iter().filter(|card| hardware.is_some() && card.hardware == hardware).nth(input);
            seen.push(hardware);
            CaptureDevice {
                node: stable_link(root, number).unwrap_or_else(|| format!("/dev/video{number}")),
                name: attribute(&directory.join("name")).unwrap_or_else(|| format!("video{number}")),
                driver: driver
                    .and_then(|driver| Some(driver.file_name()?.to_str()?.to_owned()))
                    .unwrap_or_else(|| "unknown".to_owned()),
                sound: sound.map(|card| card.devices[0].device.clone()),
            }
        })
    };
    numbers.into_iter().filter_map(device).collect()
}

/// Whether a node captures pictures: udev has asked the driver; where there is no udev, the first node of a device does
/// (further ones carry metadata or VBI).
fn captures(root: &Path, directory: &Path) -> bool {
    let dev = attribute(&directory.join("dev"));
    let udev = dev.and_then(|dev| std::fs::read_to_string(root.join(format!("run/udev/data/c{dev}"))).ok());
    let capabilities =
        udev.as_deref().and_then(|data| data.lines().find_map(|line| line.strip_prefix("E:ID_V4L_CAPABILITIES=")));
    match capabilities {
        Some(capabilities) => capabilities.split(':').any(|word| word == "capture"),
        None => attribute(&directory.join("index")).is_none_or(|index| index == "0"),
    }
}

/// A link that names the socket instead of the order of discovery, so that it survives a reboot with another card.
fn stable_link(root: &Path, number: u32) -> Option<String> {
    let directory = root.join("dev/v4l/by-path");
    let node = format!("video{number}");
    let link = names_in(&directory).into_iter().find(|link| {
        std::fs::read_link(directory.join(link))
            .is_ok_and(|to| to.file_name().is_some_and(|name| name == node.as_str()))
    })?;
    Some(format!("/dev/v4l/by-path/{link}"))
}

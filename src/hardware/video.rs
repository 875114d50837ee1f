//! V4L2 capture devices.

use std::path::{Path, PathBuf};

use super::sound::Card;
use super::{attribute, hardware_of, names_in};
use crate::model::CaptureDevice;

/// The piece of hardware and the number of the node on it: what links in `/dev/v4l/by-path` are made of.
type Place = (Option<PathBuf>, Option<String>);

pub(crate) fn devices(root: &Path, cards: &[Card]) -> Vec<CaptureDevice> {
    let class = root.join("sys/class/video4linux");
    let mut numbers: Vec<u32> =
        names_in(&class).iter().filter_map(|name| name.strip_prefix("video")?.parse().ok()).collect();
    numbers.sort_unstable();
    let nodes: Vec<(u32, PathBuf, Place)> = numbers
        .into_iter()
        .map(|number| (number, class.join(format!("video{number}"))))
        .filter(|(_, directory)| captures(root, directory))
        .map(|(number, directory)| {
            let place = (hardware_of(&directory), attribute(&directory.join("index")));
            (number, directory, place)
        })
        .collect();
    let device = |(n, (number, directory, place)): (usize, &(u32, PathBuf, Place))| {
        // A card with several inputs has as many sound cards: the n-th picture goes with the n-th sound.
        let input = nodes[..n].iter().filter(|(_, _, earlier)| earlier.0 == place.0).count();
        let sound = cards.iter().filter(|card| place.0.is_some() && card.hardware == place.0).nth(input);
        let driver = directory.join("device/driver").canonicalize().ok();
        let alone = place.0.is_none() || nodes.iter().filter(|(_, _, other)| other == place).count() == 1;
        CaptureDevice {
            node: stable_link(root, *number, alone).unwrap_or_else(|| format!("/dev/video{number}")),
            name: attribute(&directory.join("name")).unwrap_or_else(|| format!("video{number}")),
            driver: driver
                .and_then(|driver| Some(driver.file_name()?.to_str()?.to_owned()))
                .unwrap_or_else(|| "unknown".to_owned()),
            sound: sound.map(|card| card.devices[0].device.clone()),
        }
    };
    nodes.iter().enumerate().map(device).collect()
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

/// A link that names the socket instead of the order of discovery, so that it survives a reboot with another card. Inputs
/// of a card that are not `alone` at their place share the usual one, which then leads to any of them: Uplink's own rules
/// give each a link with its name.
fn stable_link(root: &Path, number: u32, alone: bool) -> Option<String> {
    let node = format!("video{number}");
    let link_in = |directory: &str, prefix: &str| {
        let place = root.join(directory);
        let leads_there = |link: &String| {
            std::fs::read_link(place.join(link))
                .is_ok_and(|to| to.file_name().is_some_and(|name| name == node.as_str()))
        };
        let link = names_in(&place).into_iter().find(|link| link.starts_with(prefix) && leads_there(link))?;
        Some(format!("/{directory}/{link}"))
    };
    let usual = alone.then(|| link_in("dev/v4l/by-path", "")).flatten();
    usual.or_else(|| link_in("dev/uplink", "input-"))
}

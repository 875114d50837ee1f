//! V4L2 capture devices.

use std::path::{Path, PathBuf};

use super::ports::{self, Udev};
use super::sound::Card;
use super::{attribute, hardware_of, names_in};
use crate::model::CaptureDevice;
use crate::model::device::input_word;

/// Where udev puts links to capture devices.
const LINKS: [&str; 3] = ["dev/v4l/by-id", "dev/v4l/by-path", "dev/uplink"];

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
        let udev = Udev::of(root, directory);
        let kernel = format!("/dev/video{number}");
        CaptureDevice {
            node: stable_link(root, *number, alone).unwrap_or_else(|| kernel.clone()),
            name: attribute(&directory.join("name")).unwrap_or_else(|| format!("video{number}")),
            driver: driver
                .and_then(|driver| Some(driver.file_name()?.to_str()?.to_owned()))
                .unwrap_or_else(|| "unknown".to_owned()),
            sound: sound.map(|card| card.devices[0].device.clone()),
            kernel,
            serial: ports::serial(&udev, directory),
            path: ports::path(&udev, directory),
            links: LINKS.iter().flat_map(|directory| links_to(root, directory, *number)).collect(),
            names: Vec::new(),
        }
    };
    named(nodes.iter().enumerate().map(device).collect())
}

/// The pieces of hardware that capture pictures.
pub(crate) fn hardware(root: &Path) -> Vec<PathBuf> {
    let class = root.join("sys/class/video4linux");
    names_in(&class).iter().filter_map(|name| hardware_of(&class.join(name))).collect()
}

/// Gives each device the names under which it can be found again: those that no other device has now. Cheap cards share
/// a serial number, inputs of one card share a port.
fn named(mut devices: Vec<CaptureDevice>) -> Vec<CaptureDevice> {
    let each = |device: &CaptureDevice| {
        let serial = |one: &CaptureDevice| one.serial.as_ref().map(|serial| format!("serial:{serial}"));
        let path = |one: &CaptureDevice| one.path.as_ref().map(|path| format!("path:{path}"));
        let once = |name: &dyn Fn(&CaptureDevice) -> Option<String>| {
            let mine = name(device)?;
            let others = devices.iter().filter(|other| name(other).is_some_and(|theirs| theirs == mine)).count();
            (others == 1).then_some(mine)
        };
        let with_input =
            |name: Option<String>, one: &CaptureDevice| Some(format!("{}/{}", name?, input_word(&one.name)));
        let alone = [once(&serial), once(&path)];
        let inputs = [once(&|one| with_input(serial(one), one)), once(&|one| with_input(path(one), one))];
        let names = alone.into_iter().zip(inputs).filter_map(|(alone, input)| alone.or(input));
        let names: Vec<String> = names.collect();
        if names.is_empty() { device.links.clone() } else { names }
    };
    let names: Vec<Vec<String>> = devices.iter().map(each).collect();
    devices.iter_mut().zip(names).for_each(|(device, names)| device.names = names);
    devices
}

/// Whether a node captures pictures: udev has asked the driver; where there is no udev, the first node of a device does
/// (further ones carry metadata or VBI).
fn captures(root: &Path, directory: &Path) -> bool {
    match Udev::of(root, directory).property("ID_V4L_CAPABILITIES") {
        Some(capabilities) => capabilities.split(':').any(|word| word == "capture"),
        None => attribute(&directory.join("index")).is_none_or(|index| index == "0"),
    }
}

/// The links in a directory that lead to a node.
fn links_to(root: &Path, directory: &str, number: u32) -> Vec<String> {
    let (place, node) = (root.join(directory), format!("video{number}"));
    let leads_there = |link: &String| {
        std::fs::read_link(place.join(link)).is_ok_and(|to| to.file_name().is_some_and(|name| name == node.as_str()))
    };
    names_in(&place).into_iter().filter(leads_there).map(|link| format!("/{directory}/{link}")).collect()
}

/// A link that names the socket instead of the order of discovery, so that it survives a reboot with another card. Inputs
/// of a card that are not `alone` at their place share the usual one, which then leads to any of them: Uplink's own rules
/// give each a link with its name.
fn stable_link(root: &Path, number: u32, alone: bool) -> Option<String> {
    let usual = alone.then(|| links_to(root, "dev/v4l/by-path", number).into_iter().next()).flatten();
    let own = || links_to(root, "dev/uplink", number).into_iter().find(|link| link.starts_with("/dev/uplink/input-"));
    usual.or_else(own)
}

//! What is plugged in now, from a given root directory.
//!
//! ```text
//! <root>/sys/class/video4linux ─┐
//! <root>/run/udev/data ─────────┤
//! <root>/dev/v4l, dev/uplink ────┼─► Inventory (V4L2 capture devices with names and sound, ALSA capture devices)
//! <root>/sys/class/sound ───────┤
//! <root>/proc/asound/cards ─────┘
//! <root>/sys/bus/{pci,usb} ─────┐
//! <root>/proc/driver/nvidia ────┼─► Inventory (graphics, codecs and cards on the buses)
//! <root>/dev/mpp_service ───────┘
//! ```
//!
//! Owns: reading what the kernel and udev publish as files. Must not: open a device (that may block, and takes it from
//! whoever uses it), nor fail: what cannot be read is not there.

mod buses;
mod ports;
mod rules;
mod sound;
mod video;

use std::path::{Path, PathBuf};

use crate::model::{CaptureDevice, DeviceName, Inventory, NodeRules, NotFound};

/// What can be captured now. `root` is `/`, or a fake one in tests.
pub fn inventory(root: &Path) -> Inventory {
    let cards = sound::cards(root, &video::hardware(root));
    Inventory {
        capture: video::devices(root, &cards),
        sound: cards.into_iter().flat_map(|card| card.devices).collect(),
        devices: buses::devices(root),
    }
}

/// What the udev rules made of every node that a capture device has, and why not.
pub fn rules(root: &Path) -> Vec<NodeRules> {
    rules::explained(root)
}

/// The device that `name` means now, with the node to open in [`CaptureDevice::kernel`]. A link that udev did not make
/// is followed.
pub fn find(root: &Path, name: &DeviceName) -> Result<CaptureDevice, NotFound> {
    let inventory = inventory(root);
    match (inventory.find(name), name) {
        (Err(NotFound::Absent(_)), DeviceName::Link(link)) => followed(root, link, &inventory),
        (found, _) => found.cloned(),
    }
}

/// What a link that nobody listed leads to: a device of the inventory, or a node that says nothing of itself.
fn followed(root: &Path, link: &Path, inventory: &Inventory) -> Result<CaptureDevice, NotFound> {
    let absent = || NotFound::Absent(link.display().to_string());
    let inside = root.join(link.strip_prefix("/").unwrap_or(link));
    let node = inside.canonicalize().map_err(|_| absent())?;
    let kernel = PathBuf::from("/dev").join(node.file_name().ok_or_else(absent)?);
    let known = inventory.capture.iter().find(|device| Path::new(&device.kernel) == kernel);
    let kernel = kernel.display().to_string();
    let unknown = || CaptureDevice { node: kernel.clone(), kernel: kernel.clone(), ..CaptureDevice::default() };
    Ok(known.cloned().unwrap_or_else(unknown))
}

/// The piece of hardware behind a class device: two class devices of one card have it in common. The functions of a USB
/// device are interfaces below it; those of a PCI card are the card itself.
fn hardware_of(class_device: &Path) -> Option<PathBuf> {
    let device = class_device.join("device").canonicalize().ok()?;
    if device.join("bInterfaceNumber").exists() { device.parent().map(Path::to_owned) } else { Some(device) }
}

/// A small file of sysfs, without its line end.
fn attribute(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Entries of a directory, by name; none if it is missing.
fn names_in(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    names
}

#[cfg(test)]
mod identity_tests;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A root directory with a USB capture stick (picture, metadata, sound), a PCI card with a by-path link, and a codec.
    fn fake_root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let write = |path: &str, text: &str| {
            fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            fs::write(at(path), text).unwrap();
        };
        let link = |from: &str, to: &str| {
            fs::create_dir_all(at(from).parent().unwrap()).unwrap();
            symlink(to, at(from)).unwrap();
        };
        for driver in ["uvcvideo", "hws", "bcm2835-codec", "snd-usb-audio"] {
            fs::create_dir_all(at(&format!("sys/drivers/{driver}"))).unwrap();
        }
        for (interface, driver) in [("1-2:1.0", "uvcvideo"), ("1-2:1.2", "snd-usb-audio")] {
            write(&format!("sys/devices/usb1/1-2/{interface}/bInterfaceNumber"), "00\n");
            link(&format!("sys/devices/usb1/1-2/{interface}/driver"), &format!("../../../../drivers/{driver}"));
        }
        for (device, driver) in [("pci0", "hws"), ("codec0", "bcm2835-codec")] {
            fs::create_dir_all(at(&format!("sys/devices/{device}"))).unwrap();
            link(&format!("sys/devices/{device}/driver"), &format!("../../drivers/{driver}"));
        }
        for (node, device, index, name) in [
            ("video0", "usb1/1-2/1-2:1.0", "0", "Stick: HDMI"),
            ("video1", "usb1/1-2/1-2:1.0", "1", "Stick: metadata"),
            ("video2", "pci0", "0", "Card SDI 1"),
            ("video10", "codec0", "0", "codec"),
        ] {
            write(&format!("sys/class/video4linux/{node}/index"), index);
            write(&format!("sys/class/video4linux/{node}/name"), name);
            write(&format!("sys/class/video4linux/{node}/dev"), &format!("81:{}\n", &node[5..]));
            link(&format!("sys/class/video4linux/{node}/device"), &format!("../../../devices/{device}"));
        }
        write("run/udev/data/c81:2", "E:ID_V4L_VERSION=2\nE:ID_V4L_CAPABILITIES=:capture:\n");
        write("run/udev/data/c81:10", "E:ID_V4L_CAPABILITIES=:video_capture_m2m:\n");
        write("dev/video2", "");
        link("dev/v4l/by-path/pci-0000:05:00.0-video-index0", "../../video2");
        write("sys/class/sound/card1/id", "Stick\n");
        link("sys/class/sound/card1/device", "../../../devices/usb1/1-2/1-2:1.2");
        for pcm in ["pcmC1D0c", "pcmC1D0p"] {
            write(&format!("sys/class/sound/{pcm}/dev"), "116:1");
        }
        write("proc/asound/cards", " 1 [Stick          ]: USB-Audio - Capture Stick\n           Maker at usb-1\n");
        root
    }

    #[test]
    fn capture_devices_come_with_their_sound_and_without_codecs_and_metadata() {
        let inventory = inventory(fake_root().path());
        let seen: Vec<_> = inventory
            .capture
            .iter()
            .map(|device| (device.node.as_str(), device.name.as_str(), device.driver.as_str(), device.sound.as_deref()))
            .collect();
        assert_eq!(
            seen,
            [
                ("/dev/video0", "Stick: HDMI", "uvcvideo", Some("hw:CARD=Stick,DEV=0")),
                ("/dev/v4l/by-path/pci-0000:05:00.0-video-index0", "Card SDI 1", "hws", None),
            ]
        );
        let sound: Vec<_> = inventory.sound.iter().map(|s| (s.device.as_str(), s.name.as_str())).collect();
        assert_eq!(sound, [("hw:CARD=Stick,DEV=0", "Capture Stick")]);
    }

    #[test]
    fn each_input_of_a_card_has_its_own_sound() {
        let root = tempfile::tempdir().unwrap();
        let class = |path: &str| root.path().join("sys/class").join(path);
        fs::create_dir_all(root.path().join("sys/devices/pci0")).unwrap();
        let device = |directory: PathBuf| {
            fs::create_dir_all(&directory).unwrap();
            symlink("../../../devices/pci0", directory.join("device")).unwrap();
        };
        for n in 0..3 {
            device(class(&format!("video4linux/video{n}")));
        }
        for n in 1..3 {
            device(class(&format!("sound/card{n}")));
            fs::create_dir_all(class(&format!("sound/pcmC{n}D0c"))).unwrap();
        }
        let sounds: Vec<_> = inventory(root.path()).capture.into_iter().map(|device| device.sound).collect();
        assert_eq!(sounds, [Some("hw:CARD=1,DEV=0".to_owned()), Some("hw:CARD=2,DEV=0".to_owned()), None]);
    }

    #[test]
    fn inputs_that_share_a_link_are_named_by_their_own() {
        let root = fake_root();
        let at = |path: &str| root.path().join(path);
        fs::create_dir_all(at("sys/class/video4linux/video3")).unwrap();
        fs::write(at("sys/class/video4linux/video3/index"), "0").unwrap();
        symlink("../../../devices/pci0", at("sys/class/video4linux/video3/device")).unwrap();
        let nodes =
            || -> Vec<String> { inventory(root.path()).capture.into_iter().map(|device| device.node).collect() };
        assert_eq!(nodes(), ["/dev/video0", "/dev/video2", "/dev/video3"]);
        fs::create_dir_all(at("dev/uplink")).unwrap();
        symlink("../video2", at("dev/uplink/input-pci-0000:05:00.0-Card_SDI_1")).unwrap();
        symlink("../video3", at("dev/uplink/input-pci-0000:05:00.0-Card_SDI_2")).unwrap();
        symlink("../video3", at("dev/uplink/path-pci-0000:05:00.0")).unwrap();
        let named = |n| format!("/dev/uplink/input-pci-0000:05:00.0-Card_SDI_{n}");
        assert_eq!(nodes(), ["/dev/video0".to_owned(), named(1), named(2)]);
    }

    #[test]
    fn an_empty_root_has_nothing() {
        assert_eq!(inventory(tempfile::tempdir().unwrap().path()), Inventory::default());
    }
}

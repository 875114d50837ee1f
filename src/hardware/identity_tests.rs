//! Identity on fake boxes: moved, numbered otherwise, without a serial number, or all with the same one.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::{find, inventory};
use crate::model::{DeviceName, NotFound};

/// A box without udev: sticks on ports of a USB controller, as sysfs shows them.
struct Fake(tempfile::TempDir);

impl Fake {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        for bus in ["usb", "pci"] {
            fs::create_dir_all(root.path().join("sys/bus").join(bus)).unwrap();
        }
        let fake = Self(root);
        fs::create_dir_all(fake.at("sys/devices/pci0000:00/0000:00:14.0")).unwrap();
        symlink("../../../bus/pci", fake.at("sys/devices/pci0000:00/0000:00:14.0/subsystem")).unwrap();
        fake
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.0.path().join(path)
    }

    /// A stick in `port`, numbered `number`.
    fn plug(&self, number: u32, port: &str, serial: Option<&str>) {
        let usb = format!("sys/devices/pci0000:00/0000:00:14.0/usb1/1-{port}");
        let interface = format!("{usb}/1-{port}:1.0");
        fs::create_dir_all(self.at(&interface)).unwrap();
        fs::write(self.at(&interface).join("bInterfaceNumber"), "00\n").unwrap();
        fs::write(self.at(&usb).join("busnum"), "1\n").unwrap();
        if let Some(serial) = serial {
            fs::write(self.at(&usb).join("serial"), format!("{serial}\n")).unwrap();
        }
        for (place, up) in [(&usb, "../../../../.."), (&interface, "../../../../../..")] {
            let _ = symlink(format!("{up}/bus/usb"), self.at(place).join("subsystem"));
        }
        let class = self.at(&format!("sys/class/video4linux/video{number}"));
        fs::create_dir_all(&class).unwrap();
        fs::write(class.join("name"), "Stick: HDMI\n").unwrap();
        fs::write(class.join("index"), "0\n").unwrap();
        symlink(format!("../../../devices/pci0000:00/0000:00:14.0/usb1/1-{port}/1-{port}:1.0"), class.join("device"))
            .unwrap();
    }

    fn unplug(&self, number: u32) {
        fs::remove_dir_all(self.at(&format!("sys/class/video4linux/video{number}"))).unwrap();
    }

    fn node(&self, name: &str) -> Result<String, NotFound> {
        find(self.0.path(), &name.parse::<DeviceName>().unwrap()).map(|device| device.kernel)
    }

    fn names(&self, number: u32) -> Vec<String> {
        let kernel = format!("/dev/video{number}");
        inventory(self.0.path()).capture.into_iter().find(|device| device.kernel == kernel).unwrap().names
    }
}

#[test]
fn a_device_with_a_serial_number_is_found_in_any_port() {
    let fake = Fake::new();
    fake.plug(0, "2", Some("D206"));
    assert_eq!(fake.node("serial:D206").unwrap(), "/dev/video0");
    fake.unplug(0);
    assert_eq!(fake.node("serial:D206"), Err(NotFound::Absent("serial:D206".into())));
    fake.plug(4, "3.1", Some("D206"));
    assert_eq!(fake.node("serial:D206").unwrap(), "/dev/video4");
    assert_eq!(fake.names(4), ["serial:D206", "path:pci-0000:00:14.0-usb-0:3.1:1.0"]);
}

#[test]
fn identical_devices_without_serial_number_are_told_apart_by_port() {
    let fake = Fake::new();
    let (left, right) = ("path:pci-0000:00:14.0-usb-0:1:1.0", "path:pci-0000:00:14.0-usb-0:2:1.0");
    fake.plug(0, "1", None);
    fake.plug(1, "2", None);
    assert_eq!((fake.names(0), fake.names(1)), (vec![left.to_owned()], vec![right.to_owned()]));
    assert_eq!((fake.node(left).unwrap(), fake.node(right).unwrap()), ("/dev/video0".into(), "/dev/video1".into()));
    // The next time the kernel finds them the other way round.
    (0..2).for_each(|number| fake.unplug(number));
    fake.plug(0, "2", None);
    fake.plug(1, "1", None);
    assert_eq!((fake.node(left).unwrap(), fake.node(right).unwrap()), ("/dev/video1".into(), "/dev/video0".into()));
}

#[test]
fn a_serial_number_that_all_of_a_kind_share_is_no_name() {
    let fake = Fake::new();
    fake.plug(0, "1", Some("20210621"));
    fake.plug(1, "2", Some("20210621"));
    assert_eq!(fake.names(0), ["path:pci-0000:00:14.0-usb-0:1:1.0"]);
    let Err(NotFound::Ambiguous { candidates, .. }) = fake.node("serial:20210621") else { panic!("one was chosen") };
    assert_eq!(candidates, ["path:pci-0000:00:14.0-usb-0:1:1.0", "path:pci-0000:00:14.0-usb-0:2:1.0"]);
}

#[test]
fn inputs_of_one_card_are_told_apart_by_what_the_driver_calls_them() {
    let fake = Fake::new();
    for (number, name) in [(0, "Card SDI 1"), (1, "Card SDI 2")] {
        let class = fake.at(&format!("sys/class/video4linux/video{number}"));
        fs::create_dir_all(&class).unwrap();
        fs::write(class.join("name"), name).unwrap();
        fs::write(class.join("index"), "0").unwrap();
        symlink("../../../devices/pci0000:00/0000:00:14.0", class.join("device")).unwrap();
    }
    assert_eq!(fake.names(1), ["path:pci-0000:00:14.0/Card_SDI_2"]);
    assert_eq!(fake.node("path:pci-0000:00:14.0/Card SDI 2").unwrap(), "/dev/video1");
    assert!(matches!(fake.node("path:pci-0000:00:14.0"), Err(NotFound::Ambiguous { .. })));
}

#[test]
fn a_link_that_udev_did_not_make_is_followed() {
    let fake = Fake::new();
    fake.plug(3, "1", None);
    fs::create_dir_all(fake.at("dev")).unwrap();
    fs::write(fake.at("dev/video3"), "").unwrap();
    symlink("video3", fake.at("dev/studio-camera")).unwrap();
    assert_eq!(fake.node("/dev/studio-camera").unwrap(), "/dev/video3");
    assert_eq!(fake.node("/dev/other"), Err(NotFound::Absent("/dev/other".into())));
    assert!(Path::new(&fake.node("/dev/video3").unwrap()).starts_with("/dev"));
}

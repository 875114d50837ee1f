//! Where a device is plugged in, and its serial number: as udev tells, or from sysfs by udev's own rules where there is
//! no udev (containers).

use std::path::Path;

use super::attribute;

/// What udev knows of a device, by its number (`81:0`).
pub(crate) struct Udev(Option<String>);

impl Udev {
    pub(crate) fn of(root: &Path, class_device: &Path) -> Self {
        let number = attribute(&class_device.join("dev"));
        Self(number.and_then(|number| std::fs::read_to_string(root.join(format!("run/udev/data/c{number}"))).ok()))
    }

    /// Whether udev has looked at it.
    pub(crate) fn knows(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        self.0.as_deref().is_some_and(|text| text.lines().any(|line| line.strip_prefix("G:") == Some(tag)))
    }

    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        let mut lines = self.0.as_deref()?.lines();
        lines.find_map(|line| line.strip_prefix("E:")?.strip_prefix(name)?.strip_prefix('='))
    }
}

/// The serial number of the device that is nearest above `class_device`.
pub(crate) fn serial(udev: &Udev, class_device: &Path) -> Option<String> {
    if let Some(serial) = udev.property("ID_SERIAL_SHORT") {
        return Some(serial.to_owned());
    }
    let device = class_device.join("device").canonicalize().ok()?;
    // The interfaces of a USB device stand below the device itself.
    let usb = device.ancestors().take(2).find(|above| above.join("busnum").exists())?;
    attribute(&usb.join("serial")).map(|serial| serial.replace([' ', '/'], "_"))
}

/// The way to the port, such as `pci-0000:00:14.0-usb-0:2:1.0`.
pub(crate) fn path(udev: &Udev, class_device: &Path) -> Option<String> {
    if let Some(path) = udev.property("ID_PATH") {
        return Some(path.to_owned());
    }
    let device = class_device.join("device").canonicalize().ok()?;
    let name = |place: &Path| Some(place.file_name()?.to_str()?.to_owned());
    let on_bus = |place: &Path, bus: &str| {
        let subsystem = place.join("subsystem").canonicalize().ok();
        subsystem.and_then(|subsystem| name(&subsystem)).is_some_and(|subsystem| subsystem == bus)
    };
    let mut parts = Vec::new();
    for place in device.ancestors() {
        if on_bus(place, "usb") && parts.is_empty() {
            // `3-2.1:1.0` is interface 1.0 behind port 2.1 of a bus whose number depends on the order of discovery.
            parts.push(format!("usb-0:{}", name(place)?.split_once('-')?.1));
        } else if on_bus(place, "platform") && parts.is_empty() {
            return Some(format!("platform-{}", name(place)?));
        } else if on_bus(place, "pci") {
            parts.push(format!("pci-{}", name(place)?));
            break;
        }
    }
    parts.reverse();
    (!parts.is_empty()).then(|| parts.join("-"))
}

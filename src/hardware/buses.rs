//! Hardware on the buses that encodes or captures.

use std::path::Path;

use super::{attribute, names_in};
use crate::model::HardwareDevice;

pub(crate) fn devices(root: &Path) -> Vec<HardwareDevice> {
    let mut devices = pci(root);
    devices.extend(usb(root));
    devices.extend(boards(root));
    devices
}

/// Graphics (class 03), multimedia (04) and processing accelerators (12); PCI Code and ID Assignment, 1.3.
fn pci(root: &Path) -> Vec<HardwareDevice> {
    let bus = root.join("sys/bus/pci/devices");
    let device = |place: String| {
        let at = bus.join(&place);
        let class = attribute(&at.join("class"))?;
        if !["0x03", "0x04", "0x12"].iter().any(|wanted| class.starts_with(wanted)) {
            return None;
        }
        let number = |name: &str| attribute(&at.join(name))?.strip_prefix("0x").map(str::to_owned);
        let model = std::fs::read_to_string(root.join("proc/driver/nvidia/gpus").join(&place).join("information")).ok();
        let model = model.and_then(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix("Model:"))?;
            Some(line.trim().to_owned())
        });
        let (vendor, product, driver) = (number("vendor"), number("device"), driver_of(&at));
        Some(HardwareDevice { bus: "pci".to_owned(), place, vendor, product, driver, model })
    };
    names_in(&bus).into_iter().filter_map(device).collect()
}

/// Devices with a video interface (class 0e), or of a driver of their own.
fn usb(root: &Path) -> Vec<HardwareDevice> {
    let bus = root.join("sys/bus/usb/devices");
    let names = names_in(&bus);
    let device = |place: &String| {
        let at = bus.join(place);
        let (vendor, product) = (attribute(&at.join("idVendor"))?, attribute(&at.join("idProduct"))?);
        let mut interfaces = names.iter().filter(|name| name.starts_with(&format!("{place}:")));
        let video = |name: &&String| attribute(&bus.join(name).join("bInterfaceClass")).as_deref() == Some("0e");
        let interface = interfaces.find(video)?;
        Some(HardwareDevice {
            bus: "usb".to_owned(),
            place: place.clone(),
            vendor: Some(vendor),
            product: Some(product),
            driver: driver_of(&bus.join(interface)),
            model: attribute(&at.join("product")),
        })
    };
    names.iter().filter_map(device).collect()
}

/// Encoders of a board: V4L2 memory-to-memory devices by name, and Rockchip's service.
fn boards(root: &Path) -> Vec<HardwareDevice> {
    let model = || attribute(&root.join("proc/device-tree/model")).map(|name| name.trim_end_matches('\0').to_owned());
    let device = |place: String, driver: String| HardwareDevice {
        bus: "platform".to_owned(),
        place,
        vendor: None,
        product: None,
        driver: Some(driver),
        model: model(),
    };
    let class = root.join("sys/class/video4linux");
    let encoders = names_in(&class).into_iter().filter_map(|node| {
        let name = attribute(&class.join(&node).join("name"))?;
        let encodes = ["encode", "enc", "codec"].iter().any(|word| name.contains(word));
        let driver = driver_of(&class.join(&node).join("device"))?;
        (encodes && !class.join(&node).join("device/bInterfaceNumber").exists()).then(|| device(node, driver))
    });
    let service = root.join("dev/mpp_service").exists();
    let service = service.then(|| device("mpp_service".to_owned(), "mpp_service".to_owned()));
    encoders.chain(service).collect()
}

fn driver_of(device: &Path) -> Option<String> {
    let driver = std::fs::read_link(device.join("driver")).ok()?;
    Some(driver.file_name()?.to_str()?.to_owned())
}

//! Cards that capture or encode: driver, firmware, and what is known of them.

use std::path::Path;

use super::{Finding, Ground};
use crate::model::{CaptureDevice, HardwareDevice};
use crate::profile::Profiles;

/// Makers whose cards do nothing without their driver, by PCI vendor (The PCI ID Repository).
const MAKERS: [(&str, &str); 6] = [
    ("bdbd", "Blackmagic's Desktop Video (desktopvideo_*.deb), then restart"),
    ("1cd7", "Magewell's Pro Capture driver, or `hws` of the kernel"),
    ("f1d0", "AJA's ntv2 driver"),
    ("10de", "NVIDIA's driver (apt install nvidia-driver), then restart"),
    ("8086", "firmware-misc-nonfree and a kernel that knows the chip, then restart"),
    ("1002", "firmware-amd-graphics, then restart"),
];

pub(super) fn examine(ground: &Ground) -> Vec<Finding> {
    let inventory = ground.inventory();
    let profiles = ground.checked.as_ref().ok().map(|checked| &checked.profiles);
    let mut findings: Vec<Finding> =
        inventory.capture.iter().map(|device| card(device, profiles, firmware(ground, device))).collect();
    if findings.is_empty() {
        let text = "no V4L2 capture device is plugged in; DeckLink and NDI have none";
        findings.push(Finding::not_here("card", text));
    }
    findings.extend(inventory.devices.iter().filter_map(on_bus));
    findings.extend(lost(ground));
    findings
}

/// Version of the driver's module and of a USB device's firmware, as far as they tell.
fn firmware(ground: &Ground, device: &CaptureDevice) -> String {
    let node = Path::new(&device.kernel).file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let at = format!("sys/class/video4linux/{node}/device");
    let module = ground.word(&format!("{at}/driver/module/version"));
    // Of an interface, the device stands above.
    let usb = ground.word(&format!("{at}/../bcdDevice")).or_else(|| ground.word(&format!("{at}/bcdDevice")));
    let speed = ground.word(&format!("{at}/../speed")).map(|speed| format!(", USB at {speed} Mbit/s"));
    let module = module.map(|version| format!(" {version}")).unwrap_or_default();
    let usb = usb.map(|version| format!(", firmware {version}")).unwrap_or_default();
    format!("{module}{usb}{}", speed.unwrap_or_default())
}

fn card(device: &CaptureDevice, profiles: Option<&Profiles>, firmware: String) -> Finding {
    let known = profiles.and_then(|profiles| profiles.card_for_driver(&device.driver));
    let seen = format!("{}, driver {}{firmware}", device.name, device.driver);
    let finding = if device.driver == "unknown" {
        Finding::warn("card", seen, "no driver is bound: install that of the maker; `uplinkctl devices`")
    } else if device.names.is_empty() {
        let todo = "give each card a port of its own; a name that stays is what a configuration needs";
        Finding::warn("card", format!("{seen}; nothing names it for good"), todo)
    } else if firmware.contains("USB at 480") || firmware.contains("USB at 12 ") {
        let todo = "a blue USB 3 port and its cable: 1080p does not fit uncompressed";
        Finding::warn("card", seen, todo)
    } else {
        let profile =
            known.map_or("no profile: used as any V4L2 device".to_owned(), |card| format!("profile {}", card.name));
        Finding::ok("card", format!("{seen}; {profile}"))
    };
    finding.of(&device.kernel)
}

/// Hardware of known makers without a driver; others are no business of ours.
fn on_bus(device: &HardwareDevice) -> Option<Finding> {
    let (_, todo) = MAKERS.iter().find(|(vendor, _)| device.vendor.as_deref() == Some(*vendor))?;
    let (vendor, product) = (device.vendor.as_deref()?, device.product.as_deref().unwrap_or("?"));
    let model = device.model.as_ref().map(|model| format!(" {model}")).unwrap_or_default();
    let finding = match &device.driver {
        Some(driver) => Finding::ok("bus", format!("{vendor}:{product}{model}, driver {driver}")),
        None => Finding::warn("bus", format!("{vendor}:{product}{model} has no driver"), *todo),
    };
    Some(finding.of(format!("{} {}", device.bus, device.place)))
}

/// Devices that the configuration names and that are not plugged in.
fn lost(ground: &Ground) -> Vec<Finding> {
    let Ok(checked) = &ground.checked else { return Vec::new() };
    let mut findings = Vec::new();
    for channel in &checked.channels {
        for source in &channel.sources {
            if let crate::config::SourceKind::V4l2 { device, .. } = &source.kind
                && let Err(why) = crate::hardware::find(&ground.root, device)
            {
                let todo = "plug it in; `uplinkctl devices` shows the names of what is there";
                let finding = Finding::fault("card", why.to_string(), todo);
                findings.push(finding.of(format!("source {} of channel {}", source.id, channel.id)));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn device(driver: &str, names: &[&str]) -> CaptureDevice {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        CaptureDevice { kernel: "/dev/video0".to_owned(), driver: driver.to_owned(), names, ..CaptureDevice::default() }
    }

    #[test]
    fn a_card_is_judged_by_its_driver_its_name_and_its_port() {
        let state = |device, firmware: &str| card(&device, None, firmware.to_owned()).state;
        assert_eq!(state(device("uvcvideo", &["serial:1"]), ", USB at 5000 Mbit/s"), State::Ok);
        assert_eq!(state(device("uvcvideo", &["serial:1"]), ", USB at 480 Mbit/s"), State::Warn);
        assert_eq!(state(device("uvcvideo", &[]), ""), State::Warn);
        assert_eq!(state(device("unknown", &["serial:1"]), ""), State::Warn);
    }

    #[test]
    fn a_card_of_a_known_maker_needs_its_driver() {
        let hardware = |vendor: &str, driver: Option<&str>| HardwareDevice {
            bus: "pci".to_owned(),
            place: "0000:05:00.0".to_owned(),
            vendor: Some(vendor.to_owned()),
            product: Some("0010".to_owned()),
            driver: driver.map(str::to_owned),
            model: None,
        };
        let state = |device| on_bus(&device).map(|finding| finding.state);
        assert_eq!(state(hardware("bdbd", None)), Some(State::Warn));
        assert_eq!(state(hardware("10de", Some("nvidia"))), Some(State::Ok));
        assert_eq!(state(hardware("1234", None)), None);
    }
}

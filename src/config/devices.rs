//! The names of capture devices: what they must look like, and what they mean on this box now.

use std::path::Path;

use super::Findings;
use crate::document::Spot;
use crate::hardware::{find, inventory};
use crate::model::{CaptureDevice, DeviceName, NoDeviceName, NotFound};

/// What is thought of the kernel's own names (`/dev/video0`), which go by the order of discovery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Volatile {
    /// In a file that is kept, they are a fault.
    Refuse,
    /// For one run they will do: what they mean now is taken.
    Resolve,
}

/// The name and, if it is plugged in, what the kernel calls it now. A device that is not there may be unplugged.
pub(crate) fn read(
    text: &str,
    spot: &Spot,
    volatile: Volatile,
    findings: &mut Findings,
) -> Option<(DeviceName, Option<String>)> {
    read_in(Path::new("/"), text, spot, volatile, findings)
}

/// The same on a given root directory.
fn read_in(
    root: &Path,
    text: &str,
    spot: &Spot,
    volatile: Volatile,
    findings: &mut Findings,
) -> Option<(DeviceName, Option<String>)> {
    let name = match text.parse::<DeviceName>() {
        Ok(name) => name,
        Err(error @ (NoDeviceName::Form | NoDeviceName::Empty)) => {
            findings.faults.add(spot, error.to_string(), names_to_write(&inventory(root).capture));
            return None;
        }
    };
    let found = find(root, &name);
    if name.is_volatile() && volatile == Volatile::Refuse {
        let fix = match &found {
            Ok(device) if !device.names.is_empty() => {
                let names: Vec<String> = device.names.iter().map(|name| format!("\"{name}\"")).collect();
                format!("write {} for what it is now", names.join(" or "))
            }
            _ => names_to_write(&inventory(root).capture),
        };
        let rule = "is numbered in the order of discovery, so it may be another device after a restart";
        findings.faults.add(spot, rule, fix);
        return None;
    }
    match found {
        Ok(device) if name.is_volatile() => {
            let kernel = Some(device.kernel.clone());
            Some((device.stable_name().parse().unwrap_or(name), kernel))
        }
        Ok(device) => Some((name, Some(device.kernel))),
        Err(NotFound::Absent(_)) => {
            findings.warnings.add(spot, "is not plugged in now", "plug it in, or look for it with `uplinkctl devices`");
            Some((name, None))
        }
        // What is plugged in besides must not keep the other channels from starting.
        Err(error @ NotFound::Ambiguous { .. }) => {
            findings.warnings.add(spot, error.to_string(), "until then the source cannot be opened");
            Some((name, None))
        }
    }
}

/// What can be written on this box now.
fn names_to_write(devices: &[CaptureDevice]) -> String {
    let names: Vec<String> =
        devices.iter().filter_map(|device| Some(format!("\"{}\" ({})", device.names.first()?, device.name))).collect();
    if names.is_empty() {
        return "write serial:…, path:… or a link in /dev/v4l/by-path, as `uplinkctl devices` lists them".to_owned();
    }
    format!("write one of the names that this box has now: {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A box with one card at a known port.
    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let class = root.path().join("sys/class/video4linux/video3");
        fs::create_dir_all(&class).unwrap();
        fs::create_dir_all(root.path().join("sys/devices/card")).unwrap();
        symlink("../../../devices/card", class.join("device")).unwrap();
        for (file, text) in [("name", "Studio camera\n"), ("dev", "81:3\n"), ("index", "0\n")] {
            fs::write(class.join(file), text).unwrap();
        }
        fs::create_dir_all(root.path().join("run/udev/data")).unwrap();
        fs::write(root.path().join("run/udev/data/c81:3"), "E:ID_PATH=pci-1\nE:ID_SERIAL_SHORT=D206\n").unwrap();
        fs::create_dir_all(root.path().join("dev")).unwrap();
        fs::write(root.path().join("dev/video3"), "").unwrap();
        root
    }

    fn said(text: &str, volatile: Volatile) -> (Option<String>, String) {
        let (root, mut findings) = (root(), Findings::default());
        let spot = Spot { key: "device".to_owned(), ..Spot::file("uplinkd.toml") };
        let read = read_in(root.path(), text, &spot, volatile, &mut findings);
        let said: Vec<String> = findings.faults.iter().chain(findings.warnings.iter()).map(|f| f.to_string()).collect();
        (read.map(|(name, kernel)| format!("{name} {}", kernel.unwrap_or_default())), said.join("; "))
    }

    #[test]
    fn the_kernels_names_are_refused_with_what_to_write_instead() {
        let (read, said) = said("/dev/video3", Volatile::Refuse);
        assert_eq!(read, None);
        assert!(said.contains("write \"serial:D206\" or \"path:pci-1\""), "{said}");
    }

    #[test]
    fn a_number_that_is_not_there_is_answered_with_what_is() {
        let (read, said) = said("/dev/video9", Volatile::Refuse);
        assert_eq!(read, None);
        assert!(said.contains("\"serial:D206\" (Studio camera)"), "{said}");
    }

    #[test]
    fn for_one_run_the_kernels_name_means_what_it_is_now() {
        assert_eq!(said("/dev/video3", Volatile::Resolve), (Some("serial:D206 /dev/video3".into()), String::new()));
    }

    #[test]
    fn a_device_that_is_not_there_is_no_fault() {
        let (read, said) = said("serial:other", Volatile::Refuse);
        assert_eq!(read.as_deref(), Some("serial:other "));
        assert!(said.contains("not plugged in"), "{said}");
    }
}

//! How a capture device is named in a configuration: by what stays with it, never by the order of discovery.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of an input of a capture device. In text: `serial:…`, `path:…`, or a link below `/dev`. The first two go on
/// with `/INPUT`, the name that the driver gives, where one device has several inputs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceName {
    /// The device itself, in whatever port.
    Serial {
        /// Its serial number.
        serial: String,
        /// Which of its inputs.
        input: Option<String>,
    },
    /// Whatever is in this port.
    Port {
        /// The way to the port, as udev's `ID_PATH` spells it.
        path: String,
        /// Which of its inputs.
        input: Option<String>,
    },
    /// Whatever this leads to.
    Link(PathBuf),
}

/// Why a text names no capture device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoDeviceName {
    /// It has the wrong form.
    #[error("must be a serial number, a port or a link in /dev")]
    Form,
    /// Nothing stands after the colon or the slash.
    #[error("names nothing: something must stand after the colon and after the slash")]
    Empty,
}

impl DeviceName {
    /// The kernel's own name, which may be another device's after a restart.
    pub fn is_volatile(&self) -> bool {
        matches!(self, DeviceName::Link(link) if is_volatile(link))
    }
}

/// `/dev/video0`
fn is_volatile(link: &Path) -> bool {
    let number = link.to_str().and_then(|path| path.strip_prefix("/dev/video"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A name of a driver as it stands behind a slash: what udev would replace in the name of a link is replaced here, too.
pub fn input_word(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "#+-.:=@_".contains(c);
    name.trim().chars().map(|c| if plain(c) { c } else { '_' }).collect()
}

impl FromStr for DeviceName {
    type Err = NoDeviceName;

    fn from_str(text: &str) -> Result<Self, NoDeviceName> {
        let parts = |rest: &str| {
            let (name, input) = match rest.split_once('/') {
                Some((name, input)) => (name, Some(input_word(input))),
                None => (rest, None),
            };
            let empty = name.is_empty() || input.as_ref().is_some_and(String::is_empty);
            if empty { Err(NoDeviceName::Empty) } else { Ok((name.to_owned(), input)) }
        };
        if let Some(rest) = text.strip_prefix("serial:") {
            return parts(rest).map(|(serial, input)| DeviceName::Serial { serial, input });
        }
        if let Some(rest) = text.strip_prefix("path:") {
            return parts(rest).map(|(path, input)| DeviceName::Port { path, input });
        }
        let link = PathBuf::from(text);
        let goes_back = link.components().any(|part| part.as_os_str() == "..");
        if !link.starts_with("/dev") || link == Path::new("/dev") || goes_back {
            return Err(NoDeviceName::Form);
        }
        Ok(DeviceName::Link(link))
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, name, input) = match self {
            DeviceName::Serial { serial, input } => ("serial", serial, input),
            DeviceName::Port { path, input } => ("path", path, input),
            DeviceName::Link(link) => return write!(f, "{}", link.display()),
        };
        match input {
            Some(input) => write!(f, "{word}:{name}/{input}"),
            None => write!(f, "{word}:{name}"),
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = NoDeviceName;

    fn try_from(text: String) -> Result<Self, NoDeviceName> {
        text.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_as_they_are_written() {
        for text in [
            "serial:D206",
            "serial:D206/Card_SDI_2",
            "path:pci-0000:00:14.0-usb-0:2:1.0",
            "path:platform-vivid.0/vivid-001-vid-cap",
            "/dev/v4l/by-id/usb-Maker_Stick_1-video-index0",
        ] {
            assert_eq!(text.parse::<DeviceName>().unwrap().to_string(), text);
        }
        let spaced: DeviceName = "path:pci-0000:05:00.0/Card SDI 1".parse().unwrap();
        assert_eq!(spaced.to_string(), "path:pci-0000:05:00.0/Card_SDI_1");
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for (text, why) in [
            ("serial:", NoDeviceName::Empty),
            ("path:/1", NoDeviceName::Empty),
            ("path:pci-1/", NoDeviceName::Empty),
            ("video0", NoDeviceName::Form),
            ("/dev/../etc/passwd", NoDeviceName::Form),
            ("/tmp/video0", NoDeviceName::Form),
            ("", NoDeviceName::Form),
        ] {
            assert_eq!(text.parse::<DeviceName>(), Err(why), "{text}");
        }
    }

    #[test]
    fn only_the_kernels_own_name_changes_with_the_order_of_discovery() {
        let volatile = |text: &str| text.parse::<DeviceName>().unwrap().is_volatile();
        assert!(volatile("/dev/video0") && volatile("/dev/video12"));
        assert!(!volatile("/dev/uplink/path-video0") && !volatile("/dev/video") && !volatile("serial:1"));
    }
}

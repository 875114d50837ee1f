//! Images for slates and logos: their names, and what their first bytes say. Whether the rest can be decoded is found
//! out where it is drawn.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Largest file, bytes.
pub const IMAGE_BYTES: usize = 2 << 20;
/// Largest side, pixels: what an image takes in memory is bounded by this, not by its file.
pub const IMAGE_SIDE: u32 = 4096;

/// The name of an image file: letters, digits, `-`, `_` and `.`, with its ending.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct ImageName(String);

impl ImageName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ImageName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let ending = text.rsplit_once('.').is_some_and(|(stem, ending)| {
            !stem.is_empty() && ["png", "jpg", "jpeg"].contains(&ending.to_ascii_lowercase().as_str())
        });
        let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) && !text.starts_with('.');
        match ending && plain && text.len() <= 64 {
            true => Ok(Self(text.to_owned())),
            false => Err(format!(
                "`{text}` is no name of an image: up to 64 letters, digits, `-`, `_` and `.`, ending in .png or .jpg"
            )),
        }
    }
}

impl TryFrom<String> for ImageName {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ImageName> for String {
    fn from(name: ImageName) -> String {
        name.0
    }
}

impl fmt::Display for ImageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an image file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageKind {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
}

/// Reads the head of an image file. The error is a sentence.
pub fn image_head(data: &[u8]) -> Result<(ImageKind, u32, u32), String> {
    if data.len() > IMAGE_BYTES {
        return Err(format!("it has {} bytes; {IMAGE_BYTES} are the most", data.len()));
    }
    let (kind, width, height) = if data.starts_with(b"\x89PNG\r\n\x1a\n") {
        let (width, height) = png_size(data).ok_or("its header is damaged")?;
        (ImageKind::Png, width, height)
    } else if data.starts_with(&[0xff, 0xd8, 0xff]) {
        let (width, height) = jpeg_size(data).ok_or("its header is damaged, or it is cut off")?;
        (ImageKind::Jpeg, width, height)
    } else {
        return Err("it is neither PNG nor JPEG".to_owned());
    };
    let good = |side| (1..=IMAGE_SIDE).contains(&side);
    match good(width) && good(height) {
        true => Ok((kind, width, height)),
        false => Err(format!("it is {width}x{height}; 1x1 to {IMAGE_SIDE}x{IMAGE_SIDE} can be shown")),
    }
}

/// IHDR comes first (PNG, 11.2.2).
fn png_size(data: &[u8]) -> Option<(u32, u32)> {
    let word = |at: usize| Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?));
    (data.get(12..16)? == b"IHDR").then_some((word(16)?, word(20)?))
}

/// The size stands in the start of frame (ITU-T T.81, B.2.2); the segments before it are skipped.
fn jpeg_size(data: &[u8]) -> Option<(u32, u32)> {
    let word = |at: usize| Some(u32::from(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?)));
    let mut at = 2;
    loop {
        let marker = *data.get(at + 1).filter(|_| data[at] == 0xff)?;
        match marker {
            0xff => at += 1,
            0xc0..=0xcf if ![0xc4, 0xc8, 0xcc].contains(&marker) => return Some((word(at + 7)?, word(at + 5)?)),
            _ => at += 2 + word(at + 2)?.max(2) as usize,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let head = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
        [&head[..], &width.to_be_bytes(), &height.to_be_bytes()].concat()
    }

    #[test]
    fn heads_are_read() {
        assert_eq!(image_head(&png(640, 32)), Ok((ImageKind::Png, 640, 32)));
        let jpeg = [&[0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc2, 0, 17, 8][..], &[0, 32, 2, 128, 3]].concat();
        assert_eq!(image_head(&jpeg), Ok((ImageKind::Jpeg, 640, 32)));
    }

    #[test]
    fn what_is_no_image_is_refused() {
        for (data, part) in [
            (&b"<svg/>"[..], "neither"),
            (b"", "neither"),
            (b"\x89PNG\r\n\x1a\n", "damaged"),
            (&[0xff, 0xd8, 0xff, 0xe0, 0, 0, 0], "damaged"),
            (&png(100_000, 100_000), "4096"),
            (&png(0, 1), "4096"),
            (&vec![0; IMAGE_BYTES + 1], "bytes"),
        ] {
            let refusal = image_head(data).unwrap_err();
            assert!(refusal.contains(part), "{refusal}");
        }
    }

    #[test]
    fn names_stay_inside_their_directory() {
        for good in ["logo.png", "Back_soon-2.JPG", "a.b.jpeg"] {
            assert_eq!(good.parse::<ImageName>().unwrap().as_str(), good);
        }
        for bad in ["", "logo", ".png", "../a.png", "a/b.png", "a b.png", "a.svg", &format!("{}.png", "x".repeat(64))] {
            assert!(bad.parse::<ImageName>().is_err(), "{bad}");
        }
    }
}

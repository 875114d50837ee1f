//! Units are types: bit/s, frame rate as a fraction, picture size, LUFS. Never a bare number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a unit could not be read from text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {what}")]
pub struct UnitError {
    text: String,
    what: &'static str,
}

fn bad(text: &str, what: &'static str) -> UnitError {
    UnitError { text: text.to_owned(), what }
}

/// A bit rate in bit/s. Written as a number of bit/s or with a decimal suffix: `128k`, `2.5M`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct BitRate(pub u64);

impl BitRate {
    /// Bits per second.
    pub fn bps(self) -> u64 {
        self.0
    }

    /// Kilobits per second, rounded up (what x264enc takes).
    pub fn kbps(self) -> u64 {
        self.0.div_ceil(1000)
    }
}

impl FromStr for BitRate {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        const WHAT: &str = "a bit rate such as 128k, 2.5M or 2500000 (bit/s)";
        let (number, factor) = match text.as_bytes().last() {
            Some(b'k') => (&text[..text.len() - 1], 1e3),
            Some(b'M') => (&text[..text.len() - 1], 1e6),
            _ => (text, 1.0),
        };
        let value: f64 = number.parse().map_err(|_| bad(text, WHAT))?;
        let bps = value * factor;
        if !(bps.is_finite() && (1.0..=1e11).contains(&bps)) {
            return Err(bad(text, WHAT));
        }
        Ok(Self(bps.round() as u64))
    }
}

impl fmt::Display for BitRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..1_000_000 => write!(f, "{} kbit/s", self.0 as f64 / 1e3),
            _ => write!(f, "{} Mbit/s", self.0 as f64 / 1e6),
        }
    }
}

/// Frames per second as a fraction, so that 30000/1001 is exact. Written `50` or `30000/1001`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FrameRate {
    num: u32,
    den: u32,
}

impl FrameRate {
    /// `num / den` frames per second; both in 1..=240_000, at most 240 frames per second.
    pub fn new(num: u32, den: u32) -> Option<Self> {
        let limit = 1..=240_000;
        let valid = limit.contains(&num) && limit.contains(&den) && num <= den.saturating_mul(240) && num >= den;
        valid.then_some(Self { num, den })
    }

    /// Numerator.
    pub fn num(self) -> u32 {
        self.num
    }

    /// Denominator.
    pub fn den(self) -> u32 {
        self.den
    }

    /// As a decimal number, for display and playlists (FRAME-RATE, rfc8216bis 4.4.6.2).
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// The duration of one frame in nanoseconds, rounded down.
    pub fn frame_nanos(self) -> u64 {
        1_000_000_000 * u64::from(self.den) / u64::from(self.num)
    }
}

impl FromStr for FrameRate {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (num, den) = text.split_once('/').unwrap_or((text, "1"));
        num.parse()
            .ok()
            .zip(den.parse().ok())
            .and_then(|(n, d)| Self::new(n, d))
            .ok_or_else(|| bad(text, "a frame rate such as 50 or 30000/1001 (frames per second, 1 to 240)"))
    }
}

impl TryFrom<String> for FrameRate {
    type Error = UnitError;
    fn try_from(text: String) -> Result<Self, UnitError> {
        text.parse()
    }
}

impl From<FrameRate> for String {
    fn from(rate: FrameRate) -> String {
        rate.to_string()
    }
}

impl schemars::JsonSchema for FrameRate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "FrameRate".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-9]+(/[0-9]+)?$",
            "description": "frames per second: 50 or 30000/1001"})
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.den {
            1 => write!(f, "{}", self.num),
            den => write!(f, "{}/{den}", self.num),
        }
    }
}

/// Width and height in pixels, both even (4:2:0). Written `1280x720`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PictureSize {
    width: u32,
    height: u32,
}

impl PictureSize {
    /// Both sides even, 16 to 8192.
    pub fn new(width: u32, height: u32) -> Option<Self> {
        let side = |n: u32| (16..=8192).contains(&n) && n.is_multiple_of(2);
        (side(width) && side(height)).then_some(Self { width, height })
    }

    /// Pixels across.
    pub fn width(self) -> u32 {
        self.width
    }

    /// Pixels down.
    pub fn height(self) -> u32 {
        self.height
    }
}

impl FromStr for PictureSize {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        text.split_once('x')
            .and_then(|(w, h)| Self::new(w.parse().ok()?, h.parse().ok()?))
            .ok_or_else(|| bad(text, "a picture size such as 1280x720 (pixels, both even, 16 to 8192)"))
    }
}

impl TryFrom<String> for PictureSize {
    type Error = UnitError;
    fn try_from(text: String) -> Result<Self, UnitError> {
        text.parse()
    }
}

impl From<PictureSize> for String {
    fn from(size: PictureSize) -> String {
        size.to_string()
    }
}

impl schemars::JsonSchema for PictureSize {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PictureSize".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^[0-9]+x[0-9]+$",
            "description": "pixels: 1280x720, both even"})
    }
}

impl fmt::Display for PictureSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Loudness in LUFS (EBU R 128).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Lufs(pub f64);

impl fmt::Display for Lufs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} LUFS", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bit_rates_read_and_print() {
        for (text, bps, shown) in
            [("128k", 128_000, "128 kbit/s"), ("2.5M", 2_500_000, "2.5 Mbit/s"), ("64000", 64_000, "64 kbit/s")]
        {
            let rate: BitRate = text.parse().unwrap();
            assert_eq!((rate.bps(), rate.to_string().as_str()), (bps, shown));
        }
        for bad in ["", "k", "-1k", "0", "fast", "1e99", "NaN", "inf"] {
            assert!(bad.parse::<BitRate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn frame_rates_are_fractions() {
        assert_eq!("30000/1001".parse::<FrameRate>().unwrap(), FrameRate::new(30000, 1001).unwrap());
        assert_eq!("50".parse::<FrameRate>().unwrap().to_string(), "50");
        for bad in ["", "0", "25/0", "241", "1/2", "a/b", "-25"] {
            assert!(bad.parse::<FrameRate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn picture_sizes_are_even() {
        assert_eq!("1280x720".parse::<PictureSize>().unwrap(), PictureSize::new(1280, 720).unwrap());
        for bad in ["", "1281x720", "0x0", "1280", "1280x", "9000x100"] {
            assert!(bad.parse::<PictureSize>().is_err(), "{bad}");
        }
    }
}

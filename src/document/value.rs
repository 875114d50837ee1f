//! Values as they are written: what a kind accepts, and how it becomes a type.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::shape::Kind;
use crate::model::id::is_slug;
use crate::model::{BitRate, FrameRate, PictureSize};

/// What can be read from a value that its kind has accepted.
pub trait FromWritten: Sized {
    /// None if the value is of another type; the check has recorded that already.
    fn from_written(value: &DeValue<'_>) -> Option<Self>;
}

/// Whether `value` is what a scalar `kind` accepts. Containers accept nothing here.
pub(crate) fn accepts(kind: &Kind, value: &DeValue<'_>) -> bool {
    let text = value.as_str();
    match kind {
        Kind::Text(most) => text.is_some_and(|text| !text.trim().is_empty() && text.chars().count() <= *most),
        Kind::Id => text.is_some_and(is_slug),
        Kind::Word(words) => text.is_some_and(|text| words.iter().any(|(word, _)| *word == text)),
        Kind::Integer(least, most, _) => i64::from_written(value).is_some_and(|n| (*least..=*most).contains(&n)),
        Kind::Number(least, most, _) => f64::from_written(value).is_some_and(|n| (*least..=*most).contains(&n)),
        Kind::Truth => value.is_bool(),
        Kind::BitRate => BitRate::from_written(value).is_some(),
        Kind::FrameRate => FrameRate::from_written(value).is_some(),
        Kind::Size => PictureSize::from_written(value).is_some(),
        Kind::Bytes => Bytes::from_written(value).is_some(),
        Kind::Span => Duration::from_written(value).is_some(),
        Kind::Url(schemes) => url::Url::from_written(value)
            .is_some_and(|url| schemes.contains(&url.scheme()) && url.host_str().is_some_and(|host| !host.is_empty())),
        Kind::Path => text.is_some_and(|text| !text.is_empty() && !text.contains('\0')),
        Kind::Address => SocketAddr::from_written(value).is_some(),
        Kind::Version => text.is_some_and(is_version),
        Kind::Language => text.is_some_and(is_language),
        Kind::Scalar => !(value.is_array() || value.is_table() || value.is_datetime()),
        Kind::List(_) | Kind::Table(_) | Kind::Tables(_) | Kind::Map(_) | Kind::Names(_) | Kind::Words(..) => false,
    }
}

/// An amount of storage in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

impl FromWritten for Bytes {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        if let Some(number) = i64::from_written(value) {
            return u64::try_from(number).ok().filter(|n| *n > 0).map(Self);
        }
        let (number, unit) = split_unit(value.as_str()?)?;
        let factor = match unit {
            "" => 1,
            "k" => 1_000,
            "M" => 1_000_000,
            "G" => 1_000_000_000,
            "T" => 1_000_000_000_000,
            _ => return None,
        };
        number.checked_mul(factor).filter(|n| *n > 0).map(Self)
    }
}

impl FromWritten for Duration {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        let (number, unit) = split_unit(value.as_str()?)?;
        let millis = match unit {
            "ms" => 1,
            "s" => 1_000,
            "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        // A year is more than any spool keeps, and keeps later arithmetic far from its limits.
        number.checked_mul(millis).filter(|n| *n <= 366 * 86_400_000).map(Self::from_millis)
    }
}

fn split_unit(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    Some((text[..digits].parse().ok()?, &text[digits..]))
}

impl FromWritten for String {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        value.as_str().map(str::to_owned)
    }
}

impl FromWritten for PathBuf {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        value.as_str().map(PathBuf::from)
    }
}

impl FromWritten for bool {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        value.as_bool()
    }
}

impl FromWritten for i64 {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        let number = value.as_integer()?;
        i64::from_str_radix(number.as_str(), number.radix()).ok()
    }
}

impl FromWritten for u32 {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        i64::from_written(value)?.try_into().ok()
    }
}

impl FromWritten for u16 {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        i64::from_written(value)?.try_into().ok()
    }
}

impl FromWritten for f64 {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        match value {
            DeValue::Float(float) => float.as_str().parse().ok().filter(|number: &f64| number.is_finite()),
            _ => i64::from_written(value).map(|number| number as f64),
        }
    }
}

impl FromWritten for BitRate {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        value.as_str().map(str::to_owned).or_else(|| i64::from_written(value).map(|n| n.to_string()))?.parse().ok()
    }
}

impl FromWritten for FrameRate {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        value.as_str().map(str::to_owned).or_else(|| i64::from_written(value).map(|n| n.to_string()))?.parse().ok()
    }
}

impl FromWritten for PictureSize {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

impl FromWritten for SocketAddr {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

impl FromWritten for url::Url {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        value.as_str()?.parse().ok()
    }
}

impl FromWritten for serde_json::Value {
    fn from_written(value: &DeValue<'_>) -> Option<Self> {
        Some(match value {
            DeValue::String(text) => Self::from(text.as_ref()),
            DeValue::Integer(_) => Self::from(i64::from_written(value)?),
            DeValue::Float(_) => Self::from(f64::from_written(value)?),
            DeValue::Boolean(truth) => Self::from(*truth),
            _ => return None,
        })
    }
}

/// Semantic versioning without build metadata: `1.0.0`, `2.1.0-rc.1`.
pub(crate) fn is_version(text: &str) -> bool {
    let (core, pre) = text.split_once('-').unwrap_or((text, "0"));
    let number = |part: &str| {
        !part.is_empty()
            && part.len() <= 9
            && part.bytes().all(|b| b.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let word = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    core.split('.').count() == 3 && core.split('.').all(number) && pre.split('.').all(word)
}

/// A BCP 47 tag by its form: a language of 2 or 3 letters, then subtags.
pub(crate) fn is_language(text: &str) -> bool {
    let mut parts = text.split('-');
    parts.next().is_some_and(|first| (2..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_alphabetic()))
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

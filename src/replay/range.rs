//! From where to where: how people name places in a recording.
//!
//! | written | means |
//! |---|---|
//! | `2026-11-21T20:15:00Z`, `…+01:00` | that moment |
//! | `90`, `1m 30s`, `1:30`, `0:01:30.5` | so long after its begin |
//! | `-30`, `-1m`, `-0:30` | so long before its end |
//! | `marker:2` | its second marker |
//! | `marker:half time` | the first marker whose text begins like that |

use std::ops::Range;
use std::time::Duration;

use crate::model::MediaTime;
use crate::record::{Manifest, Marker};

/// Begin and end as somebody wrote them; its own where nothing is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct Stretch {
    /// Where it begins.
    #[serde(default)]
    pub from: Option<String>,
    /// Where it ends.
    #[serde(default)]
    pub to: Option<String>,
}

impl Stretch {
    /// Whether it is all of a recording.
    pub fn is_everything(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// The times meant in `manifest`, or why they make no sense.
    pub fn within(&self, manifest: &Manifest) -> Result<Range<MediaTime>, String> {
        let whole = media(manifest).ok_or("the recording holds nothing yet")?;
        let place = |text: &Option<String>, default: MediaTime| match text {
            Some(text) => place(text, &whole, &manifest.markers),
            None => Ok(default),
        };
        let (from, to) = (place(&self.from, whole.start)?, place(&self.to, whole.end)?);
        if from >= to {
            return Err(format!("the range ends ({to}) before it begins ({from})"));
        }
        if from >= whole.end || to <= whole.start {
            return Err(format!("the recording holds {} to {}, and nothing of {from} to {to}", whole.start, whole.end));
        }
        Ok(from.max(whole.start)..to.min(whole.end))
    }
}

/// From the first media to the last, of any rendition.
pub(crate) fn media(manifest: &Manifest) -> Option<Range<MediaTime>> {
    let first = manifest.renditions.iter().filter_map(|rendition| rendition.segments.first());
    Some(first.map(|segment| segment.begin).min()?..manifest.last_media()?)
}

/// From when a recording was ordered to begin to when it was ordered to end, as far as it holds that. Its segments are
/// whole ones, so it begins and ends up to a segment beside.
pub(crate) fn ordered(manifest: &Manifest) -> Option<Range<MediaTime>> {
    let whole = media(manifest)?;
    let from = manifest.began.clamp(whole.start, whole.end);
    let to = manifest.ended.map_or(whole.end, |ended| ended.clamp(whole.start, whole.end));
    Some(if from < to { from..to } else { whole })
}

fn place(text: &str, whole: &Range<MediaTime>, markers: &[Marker]) -> Result<MediaTime, String> {
    let text = text.trim();
    if let Some(wanted) = text.strip_prefix("marker:") {
        return marker(wanted.trim(), markers);
    }
    if let Ok(time) = serde_json::from_value(serde_json::Value::String(text.to_owned())) {
        return Ok(time);
    }
    let (back, length) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let length = duration(length).ok_or_else(|| {
        format!(
            "`{text}` is no place in a recording: write a time (2026-11-21T20:15:00Z), how far into it (90s, 1:30), \
                 how far before its end (-30s) or marker:NUMBER"
        )
    })?;
    let nanos = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
    Ok(match back {
        false => whole.start + length,
        true => MediaTime::from_nanos(whole.end.as_nanos().saturating_sub(nanos)),
    })
}

fn marker(wanted: &str, markers: &[Marker]) -> Result<MediaTime, String> {
    let numbered = wanted.parse::<usize>().ok().and_then(|number| markers.get(number.checked_sub(1)?));
    let begins = |marker: &&Marker| marker.text.to_lowercase().starts_with(&wanted.to_lowercase());
    let found = numbered.or_else(|| markers.iter().find(begins).filter(|_| !wanted.is_empty()));
    found.map(|marker| marker.at).ok_or_else(|| match markers.len() {
        0 => "the recording has no markers".to_owned(),
        count => format!("`{wanted}` is none of its {count} markers; `uplinkctl recording show` lists them"),
    })
}

/// `90`, `90.5s`, `1m 30s`, `1:30`, `1:02:03.5`.
fn duration(text: &str) -> Option<Duration> {
    let seconds = |text: &str| {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && !text.is_empty();
        plain.then(|| text.parse::<f64>().ok()).flatten()
    };
    let whole = if text.contains(':') {
        let mut sum = 0.0;
        for part in text.split(':') {
            sum = sum * 60.0 + seconds(part)?;
        }
        sum
    } else if let Some(sum) = seconds(text) {
        sum
    } else {
        text.parse::<jiff::SignedDuration>().ok()?.as_secs_f64()
    };
    Duration::try_from_secs_f64((whole * 1e6).round() / 1e6).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> MediaTime {
        MediaTime::from_secs(1_795_244_400 + seconds)
    }

    fn ask(text: &str) -> Result<MediaTime, String> {
        let marker = |seconds, text: &str| Marker { at: at(seconds), text: text.into(), by: "ada".into() };
        place(text, &(at(0)..at(3600)), &[marker(60, "Kick-off"), marker(2760, "Half time")])
    }

    #[test]
    fn places_are_named_in_many_ways() {
        for (text, seconds) in [
            ("2026-11-21T07:00:05Z", 5),
            ("2026-11-21T08:00:05+01:00", 5),
            ("90", 90),
            ("+90s", 90),
            ("1m 30s", 90),
            ("1:30", 90),
            ("0:01:30", 90),
            ("1:00:00", 3600),
            ("-30", 3570),
            ("-1:00", 3540),
            ("-1m", 3540),
            ("marker:1", 60),
            ("marker:2", 2760),
            ("marker:half", 2760),
        ] {
            assert_eq!(ask(text), Ok(at(seconds)), "{text}");
        }
        let half = MediaTime::from_nanos(at(0).as_nanos() + 1_500_000_000);
        assert_eq!(ask("1.5"), Ok(half));
        for bad in ["", "soon", "1:x", "marker:", "marker:3", "marker:0", "marker:goal", "1e9", "--5", "2026-11-21"] {
            assert!(ask(bad).is_err(), "{bad}");
        }
    }
}

//! Parts in a media playlist (rfc8216bis 4.4.4.9).

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::media::MediaSegment;
use super::name::part_name;

/// PART-HOLD-BACK in part targets: the least that rfc8216bis 4.4.3.8 allows, which is also what it recommends.
const HOLD_BACK: u32 = 3;

/// The parts of so many segments are listed; a part leaves the playlist when it is three target durations from its end.
const LISTED: u64 = 3;

/// A part as its playlist sees it; its index is its place in its segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPart {
    /// Media in it.
    pub duration: Duration,
    /// Whether it begins with a key frame.
    pub independent: bool,
}

/// What a playlist tells of parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// No part is longer.
    pub target: Duration,
    /// By segment, from the first part on.
    pub listed: BTreeMap<u64, Vec<MediaPart>>,
    /// The segment behind the last entry, of which there are only parts; its duration is of no meaning.
    pub open: Option<MediaSegment>,
}

impl Parts {
    /// Without what cannot stand behind `last`, and without parts that are too old.
    pub(super) fn fit(mut self, last: &MediaSegment) -> Self {
        let follows = |open: &MediaSegment| {
            open.number == last.number + 1
                && last.discontinuity_sequence.checked_add(u64::from(open.discontinuity))
                    == Some(open.discontinuity_sequence)
                && self.listed.get(&open.number).is_some_and(|parts| !parts.is_empty())
        };
        self.open = self.open.take().filter(follows);
        let newest = self.open.as_ref().map_or(last.number, |open| open.number);
        self.listed.retain(|number, _| *number <= newest && number + LISTED > last.number);
        self
    }

    /// The tags at the head of the playlist.
    pub(super) fn write_head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = rounded_up(self.target);
        writeln!(f, "#EXT-X-SERVER-CONTROL:PART-HOLD-BACK={}", text(target * HOLD_BACK))?;
        writeln!(f, "#EXT-X-PART-INF:PART-TARGET={}", text(target))
    }

    /// The parts of segment `number`.
    pub(super) fn write(&self, f: &mut fmt::Formatter<'_>, number: u64) -> fmt::Result {
        for (index, part) in (0..).zip(self.listed.get(&number).into_iter().flatten()) {
            let independent = if part.independent { ",INDEPENDENT=YES" } else { "" };
            let (duration, name) = (text(part.duration), part_name(number, index));
            writeln!(f, "#EXT-X-PART:DURATION={duration},URI=\"{name}\"{independent}")?;
        }
        Ok(())
    }
}

/// To the microsecond that is written, so that no part seems longer than the target.
fn rounded_up(duration: Duration) -> Duration {
    Duration::from_micros(duration.as_nanos().div_ceil(1000) as u64)
}

fn text(duration: Duration) -> String {
    format!("{:.6}", duration.as_secs_f64())
}

//! EXT-X-DATERANGE (rfc8216bis 4.4.5.1): breaks with their SCTE 35, and timed metadata.

use std::fmt::Write;
use std::time::Duration;

use crate::model::cue::Cue;
use crate::model::timed::TimedMetadata;
use crate::model::{Boundaries, Cued, MediaTime, Timeline};

/// A date range: one tag, or two of the same ID where its end is told by a tag of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateRange {
    /// The segment it begins in.
    first: u64,
    /// The segment it ends in; none while nobody knows.
    last: Option<u64>,
    /// Tags, each with the segment that it stands before.
    tags: Vec<(u64, String)>,
}

impl DateRange {
    /// All that is cued on `timeline`, by begin.
    pub fn all(timeline: &Timeline) -> Vec<Self> {
        Self::on(timeline.cued(), timeline.boundaries())
    }

    /// The same, where segments begin at `boundaries`.
    pub fn on(cued: &Cued, boundaries: &Boundaries) -> Vec<Self> {
        let cues = cued.cues.iter().map(|cue| Self::of_cue(cue, boundaries));
        let metadata = cued.metadata.iter().map(|metadata| Self::of_metadata(metadata, boundaries));
        let mut ranges: Vec<Self> = cues.chain(metadata).collect();
        ranges.sort_by_key(|range| range.first);
        ranges
    }

    fn of_cue(cue: &Cue, boundaries: &Boundaries) -> Self {
        let head = format!("#EXT-X-DATERANGE:ID=\"{}\",START-DATE=\"{}\"", cue.id, cue.out_at.rfc3339_millis());
        let mut out = head.clone();
        if let Some(planned) = cue.planned_ms {
            let _ = write!(out, ",PLANNED-DURATION={}", seconds(Duration::from_millis(planned)));
        }
        let _ = write!(out, ",SCTE35-OUT=0x{}", hex::encode_upper(cue.out_section()));
        let first = boundaries.number_at(cue.out_at);
        let mut tags = vec![(first, out)];
        if let (Some(back), Some(section)) = (cue.in_at, cue.in_section()) {
            let lasted = seconds(rounded(back).since(rounded(cue.out_at)));
            let end = format!("{head},DURATION={lasted},SCTE35-IN=0x{}", hex::encode_upper(section));
            tags.push((boundaries.number_at(back), end));
        }
        Self { first, last: cue.in_at.map(|back| boundaries.number_at(back)), tags }
    }

    fn of_metadata(metadata: &TimedMetadata, boundaries: &Boundaries) -> Self {
        let mut tag = format!("#EXT-X-DATERANGE:ID=\"{}\"", metadata.id);
        if let Some(class) = &metadata.class {
            let _ = write!(tag, ",CLASS=\"{class}\"");
        }
        let _ = write!(tag, ",START-DATE=\"{}\"", metadata.at.rfc3339_millis());
        let lasts = Duration::from_millis(metadata.duration_ms.unwrap_or(0));
        let _ = write!(tag, ",DURATION={}", seconds(lasts));
        for (name, value) in &metadata.attributes {
            let _ = write!(tag, ",{name}=\"{value}\"");
        }
        if let Some(json) = &metadata.json {
            let _ = write!(tag, ",X-JSON=0x{}", hex::encode_upper(json));
        }
        let first = boundaries.number_at(metadata.at);
        Self { first, last: Some(boundaries.number_at(metadata.at + lasts)), tags: vec![(first, tag)] }
    }

    /// The tags that a playlist of the segments `oldest..=newest` has, each with the segment it stands before. A range is
    /// told when it has begun, and as long as any of it is in the playlist (rfc8216bis 6.2.1); one that began earlier
    /// stands at the front.
    pub(crate) fn within(&self, oldest: u64, newest: u64) -> impl Iterator<Item = (u64, &str)> {
        let listed = self.first <= newest && self.last.is_none_or(|last| last >= oldest);
        let begun = move |tag: &&(u64, String)| listed && tag.0 <= newest;
        self.tags.iter().filter(begun).map(move |(number, text)| ((*number).max(oldest), text.as_str()))
    }
}

/// As START-DATE says it.
fn rounded(time: MediaTime) -> MediaTime {
    MediaTime::from_nanos((time.as_nanos() + 500_000) / 1_000_000 * 1_000_000)
}

fn seconds(duration: Duration) -> String {
    format!("{:.3}", duration.as_secs_f64())
}

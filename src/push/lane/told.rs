//! What players are told of a rendition: its media playlist.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::hls::{DateRange, MediaPlaylist, MediaSegment};
use crate::model::{Boundaries, Timeline};
use crate::spool::Segment;

use super::Lane;

impl Lane {
    /// The media playlist as it should be: the window that ends with the newest acknowledged segment; what is owed in it
    /// is a gap. None before anything was acknowledged, and while it would end before what players have seen already.
    pub(crate) fn wanted_playlist(&self, timing: &Timing, window: u64) -> Option<String> {
        let last = self.edge.max(self.last_acknowledged().map(|segment| segment.number))?;
        // Also if it is refused now: the next one is waited for.
        if self.inherited.is_some_and(|n| n > last && self.segment(n).is_some()) {
            return None;
        }
        let last = if self.parts.is_under_way(last) { last.checked_sub(1)? } else { last };
        if self.parts.is_ahead(last) {
            return None;
        }
        if self.joint.as_ref().is_some_and(|joint| last + 1 < joint.reach()) {
            return None;
        }
        let oldest = (last + 1).saturating_sub(window);
        let from = self.segments.partition_point(|segment| segment.number < oldest);
        let to = self.segments.partition_point(|segment| segment.number <= last);
        let listed: Vec<MediaSegment> = self.segments[from..to].iter().map(|segment| self.entry(segment)).collect();
        let listed = match &self.joint {
            Some(joint) => joint.merge(listed, oldest),
            None => listed,
        };
        let before = listed.last().map(|last| last.discontinuity_sequence);
        let window = usize::try_from(window).unwrap_or(usize::MAX);
        let mut playlist = MediaPlaylist::new(&timing.boundaries, window, &listed)?;
        if let Some(mut parts) = self.parts.parts(last, |number| Some(self.segment(number)?.duration)) {
            if let Some(joint) = &self.joint {
                parts.open = parts.open.map(|open| joint.open(open, before));
            }
            playlist = playlist.with_parts(parts);
        }
        if let Some(keys) = &self.keys {
            playlist = playlist.with_keys(keys.clone())?;
        }
        Some(playlist.with_ranges(&timing.ranges).to_string())
    }

    /// Numbers that its playlist lists, and those that it may list soon.
    pub(crate) fn windows(&self, window: u64) -> Vec<RangeInclusive<u64>> {
        let told = self.edge.max(self.last_acknowledged().map(|segment| segment.number));
        let ends = [told, self.newest().map(|newest| newest + 1)];
        ends.into_iter().flatten().map(|end| (end + 1).saturating_sub(window + 1)..=end).collect()
    }

    pub(super) fn entry(&self, segment: &Segment) -> MediaSegment {
        MediaSegment {
            number: segment.number,
            start: segment.start,
            duration: segment.duration,
            init: segment.init.clone(),
            discontinuity: segment.discontinuity,
            discontinuity_sequence: segment.discontinuity_sequence,
            gap: !self.delivered.acknowledged.contains(segment.number),
        }
    }
}

/// What a playlist says of the channel's time.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    boundaries: Boundaries,
    ranges: Vec<DateRange>,
}

impl From<&Timeline> for Timing {
    fn from(timeline: &Timeline) -> Self {
        Self { boundaries: timeline.boundaries().clone(), ranges: DateRange::all(timeline) }
    }
}

impl Timing {
    /// How long segments are.
    pub(crate) fn segment(&self) -> Duration {
        self.boundaries.grid().duration()
    }
}

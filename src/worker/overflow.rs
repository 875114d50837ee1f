//! What destinations have lost because the spool was full: counted, and told in a sentence now and then, not for each
//! segment.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::model::{DestinationId, MediaTime, OverflowReport, RenditionId};
use crate::spool::Segment;

/// A destination's losses are told at most this often.
const EVERY: Duration = Duration::from_secs(60);

/// Segments that were lost.
#[derive(Debug, Clone, Default)]
struct Loss {
    segments: u64,
    renditions: BTreeSet<RenditionId>,
    span: Option<(MediaTime, MediaTime)>,
}

impl Loss {
    fn add(&mut self, rendition: &RenditionId, segment: &Segment) {
        let end = segment.start + segment.duration;
        self.segments += 1;
        self.renditions.insert(rendition.clone());
        self.span = Some(self.span.map_or((segment.start, end), |(from, to)| (from.min(segment.start), to.max(end))));
    }
}

#[derive(Debug, Default)]
struct Losses {
    all: Loss,
    untold: Loss,
    told: Option<Instant>,
}

/// See the module's header.
#[derive(Debug, Default)]
pub(super) struct Overflow {
    of: Mutex<BTreeMap<DestinationId, Losses>>,
}

impl Overflow {
    /// A segment is gone that was owed to these.
    pub(super) fn note(&self, rendition: &RenditionId, segment: &Segment, owed_to: &[DestinationId]) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        for destination in owed_to {
            let losses = of.entry(destination.clone()).or_default();
            losses.all.add(rendition, segment);
            losses.untold.add(rendition, segment);
        }
    }

    /// What is to be told now, of which destination.
    pub(super) fn due(&self, now: Instant) -> Vec<(DestinationId, String)> {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let mut due = Vec::new();
        for (destination, losses) in of.iter_mut() {
            let quiet = losses.told.is_some_and(|told| now.saturating_duration_since(told) < EVERY);
            let Some((from, to)) = losses.untold.span.filter(|_| !quiet) else { continue };
            let Loss { segments, renditions, .. } = std::mem::take(&mut losses.untold);
            losses.told = Some(now);
            let renditions: Vec<&str> = renditions.iter().map(RenditionId::as_str).collect();
            let plural = if segments == 1 { "segment" } else { "segments" };
            due.push((
                destination.clone(),
                format!(
                    "the spool is full: {segments} {plural} of {} deleted before {destination} had them, from {from} \
                     to {to}; {} since the worker started",
                    renditions.join(", "),
                    losses.all.segments
                ),
            ));
        }
        due
    }

    /// All that was lost.
    pub(super) fn status(&self) -> Vec<OverflowReport> {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let report = |(destination, losses): (&DestinationId, &Losses)| {
            let (from, to) = losses.all.span?;
            Some(OverflowReport {
                destination: destination.clone(),
                segments: losses.all.segments,
                renditions: losses.all.renditions.iter().cloned().collect(),
                from,
                to,
            })
        };
        of.iter().filter_map(report).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(number: u64) -> Segment {
        Segment {
            number,
            start: MediaTime::from_secs(number * 2),
            duration: Duration::from_secs(2),
            bytes: 1,
            init: String::new(),
            discontinuity: false,
            discontinuity_sequence: 0,
        }
    }

    #[test]
    fn losses_are_told_with_counts_at_once_and_then_now_and_then() {
        let (overflow, now) = (Overflow::default(), Instant::now());
        let (high, low) = (RenditionId::new("v1080").unwrap(), RenditionId::new("v360").unwrap());
        let cloud = DestinationId::new("cloud").unwrap();
        overflow.note(&high, &segment(10), std::slice::from_ref(&cloud));
        let told = overflow.due(now);
        assert!(told[0].1.contains("1 segment of v1080 deleted") && told[0].1.contains("00:00:22"), "{told:?}");
        overflow.note(&high, &segment(11), std::slice::from_ref(&cloud));
        overflow.note(&low, &segment(5), std::slice::from_ref(&cloud));
        assert_eq!(overflow.due(now + Duration::from_secs(59)), []);
        let told = overflow.due(now + EVERY);
        assert!(told[0].1.contains("2 segments of v1080, v360") && told[0].1.contains("3 since"), "{told:?}");
        assert_eq!(overflow.due(now + EVERY * 2), []);
        let status = &overflow.status()[0];
        assert_eq!((status.segments, status.from), (3, MediaTime::from_secs(10)));
        assert_eq!((status.to, &status.destination), (MediaTime::from_secs(24), &cloud));
    }
}

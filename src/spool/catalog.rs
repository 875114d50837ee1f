//! What the spool holds, in memory: all that readers see. Its lock is never held over disk I/O.

use std::collections::BTreeMap;

use crate::model::status::SpoolStatus;
use crate::model::{Health, HealthReport, MediaTime, RenditionId};

use super::error::SpoolError;
use super::segment::{OpenSegment, PartedSegment, Segment};

/// One rendition's complete segments.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// By number.
    pub(crate) segments: BTreeMap<u64, Segment>,
    /// Codec string by name of initialisation.
    pub(crate) codecs: BTreeMap<String, String>,
    /// The last segments part by part, where that is wanted; by number.
    pub(crate) parted: BTreeMap<u64, PartedSegment>,
    /// What is being written.
    pub(crate) open: Option<OpenSegment>,
}

/// All renditions.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) shelves: BTreeMap<RenditionId, Shelf>,
    pub(crate) lost_segments: u64,
    pub(crate) health: HealthReport,
}

impl Catalog {
    /// An empty catalog, healthy since `now`.
    pub(crate) fn new(now: MediaTime) -> Self {
        Self { shelves: BTreeMap::new(), lost_segments: 0, health: healthy(now) }
    }

    /// Bytes of all complete segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.shelves.values().flat_map(|shelf| shelf.segments.values()).map(|segment| segment.bytes).sum()
    }

    /// A segment is complete.
    pub(crate) fn insert(&mut self, rendition: &RenditionId, segment: Segment) {
        let shelf = self.shelves.entry(rendition.clone()).or_default();
        shelf.segments.insert(segment.number, segment);
    }

    /// Writing works at `now`.
    pub(crate) fn note_success(&mut self, now: MediaTime) {
        // An overflow is not healed by writing, see `note_retained`.
        if self.health.code != OVERFLOWED {
            self.health.update(healthy(now));
        }
    }

    /// Writing failed at `now`.
    pub(crate) fn note_failure(&mut self, error: &SpoolError, now: MediaTime) {
        let health = match error {
            SpoolError::Behind { .. } => Health::PartiallyHealthy,
            _ => Health::Unhealthy,
        };
        self.health.update(HealthReport::new(health, error.code(), error.to_string(), now));
    }

    /// A round of retention had to delete `overflowed` segments that were still owed.
    pub(crate) fn note_retained(&mut self, overflowed: usize, now: MediaTime) {
        if overflowed > 0 && self.health.health < Health::Unhealthy {
            let reason = "segments were deleted before every destination had them: the spool is full; \
                          bring the destinations back, or give the spool a larger quota";
            self.health = HealthReport::new(Health::PartiallyHealthy, OVERFLOWED, reason, now);
        } else if self.health.code == OVERFLOWED && now.since(self.health.since) > OVERFLOW_SHOWN {
            self.health.update(healthy(now));
        }
    }

    /// The status document.
    pub(crate) fn status(&self, quota_bytes: u64, part_bytes: u64) -> SpoolStatus {
        SpoolStatus {
            health: self.health.clone(),
            bytes: self.bytes() + part_bytes,
            quota_bytes,
            lost_segments: self.lost_segments,
            overflowed: Vec::new(),
        }
    }
}

const OVERFLOWED: &str = "overflowed";

/// How long after the last overflow the health still says so: longer than the longest segment, so that it does not
/// flicker while every new segment pushes an old one out.
const OVERFLOW_SHOWN: std::time::Duration = std::time::Duration::from_secs(30);

fn healthy(now: MediaTime) -> HealthReport {
    HealthReport::new(Health::Healthy, "ok", "segments are written", now)
}

//! The last segments part by part, for low latency.

use std::sync::RwLock;

use crate::model::RenditionId;

use super::catalog::Catalog;
use super::lock::write;
use super::segment::{PartedSegment, SegmentPart};
use super::writer::Writer;

/// Segments that are kept in parts: what playlists list, and some for those who are late.
const KEPT: usize = 6;

impl Writer {
    /// Tells parts from now on; those of segments that an earlier run left unfinished at once.
    pub(crate) fn begin_parts(&mut self, catalog: &RwLock<Catalog>) {
        self.parted = true;
        let ids: Vec<RenditionId> = self.lanes.keys().cloned().collect();
        for id in ids {
            if let Some(open) = self.open_parts(&id).filter(|open| !open.parts.is_empty()) {
                put(catalog, &id, open);
            }
        }
    }

    /// Tells of the chunk that was just written as `part` of the open segment. False if it is not told.
    pub(crate) fn note_part(&mut self, id: &RenditionId, part: SegmentPart, catalog: &RwLock<Catalog>) -> bool {
        // Players must not hear of a segment before it is on disk which discontinuity it belongs to.
        if !self.parted || self.save_marks().is_err() {
            return false;
        }
        let Some((number, index)) = self.lanes.get(id).and_then(|lane| {
            let open = lane.part.as_ref()?;
            (lane.void < Some(open.number)).then_some((open.number, open.chunks.checked_sub(1)?))
        }) else {
            return false;
        };
        let known = write(catalog).shelves.get_mut(id).and_then(|shelf| shelf.parted.remove(&number));
        let Some(mut open) = known.or_else(|| self.open_parts(id)) else { return false };
        // A place was missed: none of its parts can be told any more.
        if open.parts.len() != index {
            return false;
        }
        open.parts.push(part);
        put(catalog, id, open);
        true
    }

    /// What is told of segment `number` and later ones is void.
    pub(crate) fn void_parts(&mut self, id: &RenditionId, number: u64, catalog: &RwLock<Catalog>) {
        let open = self.lanes.get(id).and_then(|lane| lane.part.as_ref()).map(|part| part.number);
        let mut voided = open.filter(|open| *open >= number);
        if let Some(shelf) = write(catalog).shelves.get_mut(id) {
            let complete = &shelf.segments;
            shelf.parted.retain(|told, _| {
                let void = *told >= number && !complete.contains_key(told);
                voided = if void { voided.max(Some(*told)) } else { voided };
                !void
            });
        }
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.void = lane.void.max(voided);
        }
    }

    /// The open segment of `id` with the parts that were found at the start.
    fn open_parts(&self, id: &RenditionId) -> Option<PartedSegment> {
        let lane = self.lanes.get(id)?;
        let open = lane.part.as_ref()?;
        let sequence = self.marks.sequence_of(open.number);
        Some(PartedSegment {
            number: open.number,
            start: open.start,
            init: open.init.clone(),
            discontinuity: lane.newest.is_some_and(|newest| newest.sequence < sequence),
            discontinuity_sequence: sequence,
            parts: open.found.clone(),
        })
    }
}

fn put(catalog: &RwLock<Catalog>, id: &RenditionId, open: PartedSegment) {
    let mut writing = write(catalog);
    let shelf = writing.shelves.entry(id.clone()).or_default();
    shelf.parted.insert(open.number, open);
    while shelf.parted.len() > KEPT {
        shelf.parted.pop_first();
    }
}

//! The one writer: chunks in, segments out. The module's header draws the life of a segment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::RwLock;

use crate::model::RenditionId;

use super::catalog::Catalog;
use super::error::SpoolError;
use super::index::Record;
use super::lane::Lane;
use super::lock::{read, write};
use super::marks::{MARKS, Marks};
use super::part::Part;
use super::segment::{Chunk, Init, Segment, SegmentPart};

/// All renditions' lanes, and what they share.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) directory: PathBuf,
    pub(crate) lanes: BTreeMap<RenditionId, Lane>,
    pub(crate) marks: Marks,
    /// The table of marks on disk is behind.
    pub(crate) marks_unsaved: bool,
    /// The first chunk of this run has come.
    pub(crate) begun: bool,
    /// Whether parts are told.
    pub(crate) parted: bool,
}

impl Writer {
    /// Puts the initialisation of a rendition in force.
    pub(crate) fn put_init(&mut self, init: Init, catalog: &RwLock<Catalog>) -> Result<(), SpoolError> {
        let lane = self.lanes.get_mut(&init.rendition).ok_or(SpoolError::UnknownRendition(init.rendition.clone()))?;
        let codec = init.codec.clone();
        let stored = lane.put_init(init);
        if let Some((name, _)) = &lane.init {
            let (name, record) = (name.clone(), Record::Init { name: name.clone(), codec: codec.clone() });
            if let Some(shelf) = write(catalog).shelves.get_mut(&lane.id) {
                shelf.codecs.insert(name, codec);
            }
            // A broken index is written anew with the next segment.
            let _ = lane.index.append(&record, true);
        }
        stored
    }

    /// Takes a chunk. Every segment that this completes is handed to `done`.
    pub(crate) fn put_chunk(
        &mut self,
        chunk: &Chunk,
        catalog: &RwLock<Catalog>,
        done: &mut Vec<(RenditionId, Segment)>,
    ) -> Result<(), SpoolError> {
        if !self.lanes.contains_key(&chunk.rendition) {
            return Err(SpoolError::UnknownRendition(chunk.rendition.clone()));
        }
        self.begin_run(chunk.number, catalog);
        let closed = self.close_unfit(chunk, catalog, done);
        let Some(lane) = self.lanes.get_mut(&chunk.rendition) else { return closed };
        if lane.broken == Some(chunk.number) {
            return closed;
        }
        lane.broken = None;
        let written = lane.write(chunk);
        if let Err(error) = &written {
            lane.broken = Some(chunk.number);
            lane.suspect |= matches!(error, SpoolError::Missing { .. });
            write(catalog).lost_segments += 1;
            self.void_parts(&chunk.rendition, chunk.number, catalog);
        }
        self.look_again(&chunk.rendition, catalog);
        written?;
        self.note_part(&chunk.rendition, part_of(chunk), catalog);
        let completed = if chunk.last { self.complete(&chunk.rendition, catalog, done) } else { Ok(()) };
        closed.and(completed)
    }

    /// Discards the open segment of a rendition if its number is `number` or above.
    pub(crate) fn begin_again(&mut self, rendition: &RenditionId, number: u64, catalog: &RwLock<Catalog>) {
        self.void_parts(rendition, number, catalog);
        let Some(lane) = self.lanes.get_mut(rendition) else { return };
        if let Some(part) = lane.part.take_if(|part| part.number >= number) {
            part.discard();
        }
    }

    /// Closes every open segment.
    pub(crate) fn finish(
        &mut self,
        catalog: &RwLock<Catalog>,
        done: &mut Vec<(RenditionId, Segment)>,
    ) -> Result<(), SpoolError> {
        let ids: Vec<RenditionId> = self.lanes.keys().cloned().collect();
        ids.iter().map(|id| self.complete(id, catalog, done)).fold(Ok(()), Result::and)
    }

    /// Decides, at the first chunk of a run, where its discontinuity is.
    fn begin_run(&mut self, number: u64, catalog: &RwLock<Catalog>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let Some(held) = self.lanes.values().filter_map(Lane::held).max() else { return };
        let unreached = |mark: u64| {
            let catalog = read(catalog);
            self.lanes.iter().any(|(id, lane)| {
                let listed = catalog.shelves.get(id).is_some_and(|shelf| !shelf.segments.is_empty());
                listed && lane.newest.is_some_and(|newest| newest.number < mark)
            })
        };
        if self.marks.last().is_some_and(unreached) {
            return;
        }
        let oldest = read(catalog).shelves.values().filter_map(|shelf| shelf.segments.keys().next().copied()).min();
        self.marks.add(number.max(held + 1), oldest.unwrap_or(held));
        self.marks_unsaved = true;
    }

    /// Closes the open segment of the chunk's rendition if the chunk does not go in there.
    fn close_unfit(
        &mut self,
        chunk: &Chunk,
        catalog: &RwLock<Catalog>,
        done: &mut Vec<(RenditionId, Segment)>,
    ) -> Result<(), SpoolError> {
        let Some(lane) = self.lanes.get(&chunk.rendition) else { return Ok(()) };
        let (Some(part), Some((init, _))) = (&lane.part, &lane.init) else { return Ok(()) };
        if part.accepts(chunk, init) || (part.number > chunk.number && !part.recovered) {
            return Ok(());
        }
        self.complete(&chunk.rendition, catalog, done)
    }

    /// Completes the open segment of `rendition`, if there is one; with it, what an earlier run left behind in other
    /// renditions and no chunk will come for any more.
    fn complete(
        &mut self,
        rendition: &RenditionId,
        catalog: &RwLock<Catalog>,
        done: &mut Vec<(RenditionId, Segment)>,
    ) -> Result<(), SpoolError> {
        let Some(number) = self.complete_one(rendition, catalog, done)? else { return Ok(()) };
        let left = |lane: &&Lane| lane.part.as_ref().is_some_and(|part| part.recovered && part.number < number);
        let left: Vec<RenditionId> = self.lanes.values().filter(left).map(|lane| lane.id.clone()).collect();
        left.iter().map(|id| self.complete_one(id, catalog, done).map(drop)).fold(Ok(()), Result::and)
    }

    /// Completes one open segment and gives its number.
    pub(crate) fn complete_one(
        &mut self,
        rendition: &RenditionId,
        catalog: &RwLock<Catalog>,
        done: &mut Vec<(RenditionId, Segment)>,
    ) -> Result<Option<u64>, SpoolError> {
        let Some(part) = self.lanes.get_mut(rendition).and_then(|lane| lane.part.take()) else { return Ok(None) };
        let saved = self.save_marks();
        let (number, sequence) = (part.number, self.marks.sequence_of(part.number));
        let Some(lane) = self.lanes.get_mut(rendition) else { return Ok(None) };
        let discontinuity = lane.newest.is_some_and(|newest| newest.sequence < sequence);
        let completed = match saved {
            Ok(()) => part.complete(sequence, discontinuity),
            Err(error) => {
                part.discard();
                Err(error)
            }
        };
        match completed {
            Ok(segment) => {
                let mut writing = write(catalog);
                writing.insert(rendition, segment.clone());
                writing.note_success(segment.start + segment.duration);
                drop(writing);
                lane.record(&segment, catalog);
                done.push((rendition.clone(), segment));
                Ok(Some(number))
            }
            Err(error) => {
                write(catalog).lost_segments += 1;
                lane.broken = Some(number);
                lane.suspect |= matches!(error, SpoolError::Missing { .. });
                self.void_parts(rendition, number, catalog);
                self.look_again(rendition, catalog);
                Err(error)
            }
        }
    }

    /// Where something was found missing: forgets the segments whose files are gone, and counts them as lost.
    fn look_again(&mut self, rendition: &RenditionId, catalog: &RwLock<Catalog>) {
        let Some(lane) = self.lanes.get_mut(rendition).filter(|lane| lane.suspect) else { return };
        lane.suspect = false;
        let vanished = lane.vanished(catalog);
        let mut writing = write(catalog);
        if let Some(shelf) = writing.shelves.get_mut(rendition) {
            shelf.segments.retain(|number, _| !vanished.contains(number));
        }
        writing.lost_segments += vanished.len() as u64;
        drop(writing);
        // Where that fails, it is tried again with the next segment.
        let _ = lane.rewrite_index(catalog);
        self.marks_unsaved |= !self.directory.join(MARKS).exists();
    }

    /// Before a segment of a run is there, it must be on disk where the run begins.
    pub(crate) fn save_marks(&mut self) -> Result<(), SpoolError> {
        if self.marks_unsaved {
            self.marks.write(&self.directory)?;
            self.marks_unsaved = false;
        }
        Ok(())
    }

    /// Tells readers what is being written.
    pub(crate) fn note_open(&self, catalog: &RwLock<Catalog>) {
        let mut writing = write(catalog);
        for (id, lane) in &self.lanes {
            if let Some(shelf) = writing.shelves.get_mut(id) {
                shelf.open = lane.part.as_ref().and_then(Part::told);
            }
        }
    }

    /// Bytes of open segments.
    pub(crate) fn part_bytes(&self) -> u64 {
        self.lanes.values().filter_map(|lane| lane.part.as_ref()).map(|part| part.bytes).sum()
    }
}

fn part_of(chunk: &Chunk) -> SegmentPart {
    SegmentPart { duration: chunk.duration, independent: chunk.independent, data: chunk.data.clone() }
}

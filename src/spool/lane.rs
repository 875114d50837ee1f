//! One rendition's directory, as its writer sees it.

use std::fs;
use std::path::PathBuf;
use std::sync::RwLock;

use crate::hls::{init_name, segment_file};
use crate::model::{MediaTime, RenditionId};

use super::catalog::{Catalog, Shelf};
use super::disk::write_atomic;
use super::error::{At, SpoolError};
use super::index::{Index, Record};
use super::lock::read;
use super::part::Part;
use super::segment::{Chunk, Init, Segment};

/// The newest segment there ever was in a rendition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) number: u64,
    pub(crate) sequence: u64,
}

/// What belongs to the writing of one rendition.
#[derive(Debug)]
pub(crate) struct Lane {
    pub(crate) id: RenditionId,
    pub(crate) directory: PathBuf,
    pub(crate) index: Index,
    /// The initialisation of this run, and its name.
    pub(crate) init: Option<(String, Init)>,
    /// The segment being written.
    pub(crate) part: Option<Part>,
    pub(crate) newest: Option<Newest>,
    /// No parts are told of this segment and those before it.
    pub(crate) void: Option<u64>,
    /// A segment that is lost already: the rest of its chunks is dropped without a further word.
    pub(crate) broken: Option<u64>,
    /// Something that should be on disk was not: what the catalog lists has to be looked for.
    pub(crate) suspect: bool,
}

impl Lane {
    /// The highest number of which there is anything.
    pub(crate) fn held(&self) -> Option<u64> {
        self.newest.map(|newest| newest.number).max(self.part.as_ref().map(|part| part.number))
    }

    /// The end of the segment being written, for telling the time in reports.
    pub(crate) fn position(&self) -> Option<MediaTime> {
        self.part.as_ref().map(|part| part.end)
    }

    /// Puts a new initialisation in force and writes it.
    pub(crate) fn put_init(&mut self, init: Init) -> Result<(), SpoolError> {
        let name = if init.data.is_empty() { String::new() } else { init_name(&init.data) };
        self.init = Some((name, init));
        self.store_init()
    }

    /// Makes sure that the directory and the initialisation in force are on disk.
    fn store_init(&mut self) -> Result<(), SpoolError> {
        let Some((name, init)) = &self.init else { return Err(SpoolError::NoInit(self.id.clone())) };
        if name.is_empty() {
            // Text has none.
            return fs::create_dir_all(&self.directory).at(&self.directory);
        }
        let path = self.directory.join(name);
        if fs::metadata(&path).is_ok_and(|found| found.len() == init.data.len() as u64) {
            return Ok(());
        }
        self.suspect = true;
        match write_atomic(&path, &init.data) {
            // The directory was deleted under the spool.
            Err(SpoolError::Missing { .. }) => {
                fs::create_dir_all(&self.directory).at(&self.directory)?;
                write_atomic(&path, &init.data)
            }
            written => written,
        }
    }

    /// Writes `chunk` into the open segment, opening it if there is none. The segments before it are closed.
    pub(crate) fn write(&mut self, chunk: &Chunk) -> Result<(), SpoolError> {
        let behind = |last| SpoolError::Behind { rendition: self.id.clone(), number: chunk.number, last };
        if let Some(newest) = self.newest.filter(|newest| newest.number >= chunk.number) {
            return Err(behind(newest.number));
        }
        if let Some(part) = self.part.as_ref().filter(|part| part.number > chunk.number) {
            return Err(behind(part.number));
        }
        let mut part = match self.part.take() {
            Some(part) => part,
            None => {
                self.store_init()?;
                let Some((init, _)) = &self.init else { return Err(SpoolError::NoInit(self.id.clone())) };
                Part::create(&self.directory, chunk, init.clone())?
            }
        };
        match part.write(chunk) {
            Ok(()) => {
                self.part = Some(part);
                Ok(())
            }
            Err(error) => {
                part.discard();
                Err(error)
            }
        }
    }

    /// Notes a complete segment in the index. Not durable, and a failure is made good later: the index is no witness that
    /// media needs. A segment whose line is lost is read back at the next open, and waiting for the disk once less brings
    /// it to players sooner.
    pub(crate) fn record(&mut self, segment: &Segment, catalog: &RwLock<Catalog>) {
        self.newest = Some(Newest { number: segment.number, sequence: segment.discontinuity_sequence });
        let written = self.index.append(&Record::Segment(segment.clone()), false);
        if written.is_err() {
            let _ = self.rewrite_index(catalog);
        }
    }

    /// Notes that segments were deleted.
    pub(crate) fn record_deleted(&mut self, numbers: &[u64], catalog: &RwLock<Catalog>) {
        let left = read(catalog).shelves.get(&self.id).map_or(0, |shelf| shelf.segments.len());
        let crowded = self.index.lines() > 2 * left + 64;
        // Not durable: a line that outlives its file is dropped at the next open.
        let noted = numbers.iter().try_for_each(|number| self.index.append(&Record::Deleted(*number), false));
        if crowded || noted.is_err() {
            let _ = self.rewrite_index(catalog);
        }
    }

    /// Writes the index anew.
    pub(crate) fn rewrite_index(&mut self, catalog: &RwLock<Catalog>) -> Result<(), SpoolError> {
        let records = read(catalog).shelves.get(&self.id).map(|shelf| self.records(shelf));
        self.index.rewrite(records.unwrap_or_default().iter())
    }

    fn records(&self, shelf: &Shelf) -> Vec<Record> {
        let current = self.current_init(shelf);
        let init = |name: &String| Some(Record::Init { name: name.clone(), codec: shelf.codecs.get(name)?.clone() });
        let older = shelf.codecs.keys().filter(|name| Some(*name) != current.as_ref());
        let mut records: Vec<Record> = older.chain(&current).filter_map(init).collect();
        records.extend(shelf.segments.values().cloned().map(Record::Segment));
        let last = |Newest { number, sequence }| Record::Last { number, discontinuity_sequence: sequence };
        records.extend(self.newest.map(last));
        records
    }

    /// Which segments of the catalog are on disk no more.
    pub(crate) fn vanished(&self, catalog: &RwLock<Catalog>) -> Vec<u64> {
        let file = |segment: &Segment| (segment.number, segment_file(segment.number, &segment.init), segment.bytes);
        let listed = |shelf: &Shelf| shelf.segments.values().map(file).collect();
        let listed: Vec<(u64, String, u64)> = read(catalog).shelves.get(&self.id).map(listed).unwrap_or_default();
        let gone = |(_, file, bytes): &(u64, String, u64)| {
            let found = fs::metadata(self.directory.join(file));
            !found.is_ok_and(|found| found.len() == *bytes)
        };
        listed.into_iter().filter(gone).map(|(number, ..)| number).collect()
    }

    /// The initialisation that parts without a word of their own belong to: the last one in the index.
    fn current_init(&self, shelf: &Shelf) -> Option<String> {
        let written = self.init.as_ref().map(|(name, _)| name.clone());
        let open = || self.part.as_ref().map(|part| part.init.clone());
        written.or_else(open).or_else(|| shelf.segments.values().next_back().map(|segment| segment.init.clone()))
    }
}

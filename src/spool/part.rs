//! The segment being written: `<number>.m4s.part`.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::hls::{segment_file, segment_name};
use crate::model::MediaTime;

use super::disk::sync_parent;
use super::error::{At, SpoolError};
use super::segment::{Chunk, OpenSegment, Segment, SegmentPart};

/// What a segment's file is called, behind its name, until it is complete.
pub(crate) const PART: &str = "part";

/// How far a chunk may reach back into the chunk before: less than half a frame at 60 frames per second.
pub(crate) const TOLERANCE: Duration = Duration::from_millis(5);

/// Counts the files of this process.
static SERIAL: AtomicU64 = AtomicU64::new(1);

/// An open segment.
#[derive(Debug)]
pub(crate) struct Part {
    file: File,
    path: PathBuf,
    serial: u64,
    /// Its number.
    pub(crate) number: u64,
    /// File name of its initialisation.
    pub(crate) init: String,
    /// Presentation time of its first sample.
    pub(crate) start: MediaTime,
    /// Where its last chunk ends.
    pub(crate) end: MediaTime,
    /// Bytes written.
    pub(crate) bytes: u64,
    /// Chunks written.
    pub(crate) chunks: usize,
    /// The chunks that an earlier run left behind.
    pub(crate) found: Vec<SegmentPart>,
    /// Left behind by an earlier run; no chunk of this run is in it.
    pub(crate) recovered: bool,
}

/// The path of the part of segment `number`.
pub(crate) fn part_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{}.{PART}", segment_name(number)))
}

impl Part {
    /// Begins the segment of `chunk`; nothing is written yet.
    pub(crate) fn create(directory: &Path, chunk: &Chunk, init: String) -> Result<Self, SpoolError> {
        let path = directory.join(format!("{}.{PART}", segment_file(chunk.number, &init)));
        let file = File::create(&path).at(&path)?;
        let (number, start) = (chunk.number, chunk.start);
        Ok(Self {
            file,
            path,
            serial: SERIAL.fetch_add(1, Ordering::Relaxed),
            number,
            init,
            start,
            end: start,
            bytes: 0,
            chunks: 0,
            found: Vec::new(),
            recovered: false,
        })
    }

    /// Takes up a segment that an earlier run left behind: `bytes` of whole chunks playing from `start` to `end`.
    pub(crate) fn resume(
        path: PathBuf,
        (number, bytes): (u64, u64),
        init: String,
        (start, end): (MediaTime, MediaTime),
        found: Vec<SegmentPart>,
    ) -> Result<Self, SpoolError> {
        let file = OpenOptions::new().append(true).open(&path).at(&path)?;
        file.set_len(bytes).at(&path)?;
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        Ok(Self { file, path, serial, number, init, start, end, bytes, chunks: found.len(), found, recovered: true })
    }

    /// Whether `chunk` can follow in this segment: the same initialisation, and, where runs meet, no way back in time.
    pub(crate) fn accepts(&self, chunk: &Chunk, init: &str) -> bool {
        self.number == chunk.number && self.init == init && (!self.recovered || chunk.start + TOLERANCE >= self.end)
    }

    /// Appends a chunk. After a failure the part is of no use any more: [discard](Self::discard) it.
    pub(crate) fn write(&mut self, chunk: &Chunk) -> Result<(), SpoolError> {
        self.file.write_all(&chunk.data).at(&self.path)?;
        self.bytes += chunk.data.len() as u64;
        self.chunks += 1;
        self.end = self.end.max(chunk.start + chunk.duration);
        self.recovered = false;
        Ok(())
    }

    /// As others may see it; none of text, which is written at once.
    pub(crate) fn told(&self) -> Option<OpenSegment> {
        let Self { number, serial, start, end, bytes, .. } = *self;
        (!self.init.is_empty()).then(|| OpenSegment { number, serial, init: self.init.clone(), start, end, bytes })
    }

    /// Makes the file last and gives it its name. A failure leaves nothing behind.
    pub(crate) fn complete(self, sequence: u64, discontinuity: bool) -> Result<Segment, SpoolError> {
        let path = self.path.with_extension("");
        let outcome = self.file.sync_data().and_then(|()| fs::rename(&self.path, &path)).at(&path);
        if let Err(error) = outcome.and_then(|()| sync_parent(&path)) {
            let _ = fs::remove_file(&path);
            self.discard();
            return Err(error);
        }
        Ok(Segment {
            number: self.number,
            start: self.start,
            duration: self.end.since(self.start),
            bytes: self.bytes,
            init: self.init,
            discontinuity,
            discontinuity_sequence: sequence,
        })
    }

    /// Removes the file, so that half a segment does not take the room of the next.
    pub(crate) fn discard(self) {
        // Best effort: the fault that led here is the one to report; what stays is removed at the next open.
        let _ = self.file.set_len(0);
        let _ = fs::remove_file(&self.path);
    }
}

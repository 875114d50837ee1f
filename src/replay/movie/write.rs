//! The file: index in front, media behind it, seen whole or not at all.

use std::fs::{File, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::NamedTempFile;

use super::strand::Strand;
use super::tables::Index;
use super::{MovieError, nanos};
use crate::bmff::Boxes;

/// Media of one track in a row, before the other track has its turn.
const CHUNK_NANOS: i64 = 1_000_000_000;
/// Brought to the disk each time so much has been written: the segments of channels on air share the disk, and their
/// syncs must not wait behind gigabytes.
const SYNCED: u64 = 16 << 20;
/// The head of `mdat`, with a size of 64 bits.
const MDAT_HEAD: u64 = 16;

/// A place in the movie with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chapter {
    /// Nanoseconds since the epoch.
    pub(crate) at: i64,
    /// Its name.
    pub(crate) title: String,
}

/// What is to be written.
#[derive(Debug, Clone)]
pub(crate) struct Movie {
    /// Its tracks.
    pub(crate) strands: Vec<Strand>,
    /// Its chapters, ascending.
    pub(crate) chapters: Vec<Chapter>,
    /// What of its samples is presented, nanoseconds since the epoch.
    pub(crate) presented: Range<i64>,
}

/// Samples that lie in a row in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) strand: usize,
    pub(super) samples: Range<usize>,
    pub(super) entry: u16,
    pub(super) bytes: u64,
    /// When its first sample is decoded, nanoseconds.
    at: i64,
}

impl Movie {
    /// Bytes of the file, to within the size of its index.
    pub(crate) fn bytes(&self) -> u64 {
        self.strands.iter().map(Strand::bytes).sum()
    }

    /// Writes it to `path`, which it replaces when it is whole. `go_on` hears the bytes of media written so far.
    pub(crate) fn write(&self, path: &Path, mut go_on: impl FnMut(u64) -> bool) -> Result<u64, MovieError> {
        let failed = |cause| MovieError::File { path: path.to_owned(), cause };
        if self.strands.iter().all(|strand| strand.samples.is_empty()) {
            return Err(MovieError::Empty);
        }
        let directory = path.parent().unwrap_or(Path::new("."));
        let mut file = NamedTempFile::new_in(directory).map_err(failed)?;
        let chunks = self.chunks();
        let head = self.head(&chunks);
        file.write_all(&head).map_err(failed)?;
        self.copy(&chunks, file.as_file_mut(), path, &mut go_on)?;
        file.as_file().set_permissions(Permissions::from_mode(0o644)).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
        Ok(head.len() as u64 + self.bytes())
    }

    /// Everything up to the first byte of media.
    fn head(&self, chunks: &[Chunk]) -> Vec<u8> {
        let mut boxes = Boxes::default();
        boxes.begin(b"ftyp").bytes(b"isom").u32(0x200).bytes(b"isomiso6mp41").end();
        let media = self.bytes();
        let (begin, end) = (self.presented.start, self.presented.end);
        let index = Index { strands: &self.strands, chunks, chapters: &self.chapters, begin, end };
        // Offsets do not change the size of the index, but whether they are wide does: reckoned with a generous index.
        let room = 64 * self.strands.iter().map(|strand| strand.samples.len() as u64).sum::<u64>() + (1 << 20);
        let length = media + room;
        let before = (boxes.data.len() + index.moov(0, length).len()) as u64 + MDAT_HEAD;
        boxes.bytes(&index.moov(before, length));
        boxes.u32(1).bytes(b"mdat").u64(MDAT_HEAD + media);
        boxes.data
    }

    /// The samples of all tracks, in the order in which players need them.
    fn chunks(&self) -> Vec<Chunk> {
        let mut chunks: Vec<Chunk> = Vec::new();
        for (place, strand) in self.strands.iter().enumerate() {
            let (begun, scale) = (chunks.len(), strand.head.timescale);
            for (index, sample) in strand.samples.iter().enumerate() {
                let at = nanos(sample.dts, scale);
                let follows = index.checked_sub(1).is_some_and(|before| {
                    let before = &strand.samples[before];
                    (before.file, before.offset + u64::from(before.size), before.entry)
                        == (sample.file, sample.offset, sample.entry)
                });
                match chunks[begun..].last_mut() {
                    Some(chunk) if follows && at - chunk.at < CHUNK_NANOS => {
                        chunk.samples.end = index + 1;
                        chunk.bytes += u64::from(sample.size);
                    }
                    _ => {
                        let (samples, entry, bytes) = (index..index + 1, sample.entry, sample.size.into());
                        chunks.push(Chunk { strand: place, samples, entry, bytes, at });
                    }
                }
            }
        }
        chunks.sort_by_key(|chunk| (chunk.at, chunk.strand));
        chunks
    }

    fn copy(
        &self,
        chunks: &[Chunk],
        out: &mut File,
        path: &Path,
        go_on: &mut impl FnMut(u64) -> bool,
    ) -> Result<(), MovieError> {
        let mut open: Vec<Option<(u32, File)>> = self.strands.iter().map(|_| None).collect();
        let (mut written, mut synced) = (0, 0);
        for chunk in chunks {
            if !go_on(written) {
                return Err(MovieError::Stopped);
            }
            let strand = &self.strands[chunk.strand];
            let first = &strand.samples[chunk.samples.start];
            let source = &strand.files[first.file as usize];
            let unreadable = |cause| MovieError::File { path: source.clone(), cause };
            let slot = &mut open[chunk.strand];
            let input = match slot.take().filter(|(file, _)| *file == first.file) {
                Some((_, input)) => input,
                None => File::open(source).map_err(unreadable)?,
            };
            let (_, input) = slot.insert((first.file, input));
            input.seek(SeekFrom::Start(first.offset)).map_err(unreadable)?;
            let copied = io::copy(&mut input.take(chunk.bytes), out)
                .map_err(|cause| MovieError::File { path: path.to_owned(), cause })?;
            if copied != chunk.bytes {
                return Err(unreadable(io::ErrorKind::UnexpectedEof.into()));
            }
            written += copied;
            if written - synced >= SYNCED {
                out.sync_data().map_err(|cause| MovieError::File { path: path.to_owned(), cause })?;
                synced = written;
            }
        }
        go_on(written);
        Ok(())
    }
}

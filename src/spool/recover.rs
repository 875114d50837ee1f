//! Opening a rendition's directory after whatever happened to it: power loss, `kill -9`, a technician with `rm`.
//!
//! ```text
//! n.m4s, index agrees ───────────────────────────────► kept as it is
//! n.m4s, no line or another size ─► whole chunks? ──yes─► adopted: start, duration read from the media
//!                                        └──────no──► discarded
//! n.m4s.part ─► whole chunks? ──yes─► resumed: this run may append to it
//!                     └──────no──► discarded
//! n.vtt, no line ─► begins as text? ──yes─► adopted: it is whole, and lasts as long as its number says
//! n.vtt.part ─► discarded: it is written at once, so what is there is torn
//! line without file ─► dropped;  *.tmp ─► deleted;  anything else is not ours and stays
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::hls::{init_name, is_init_name, segment_name, segment_number, text_name, text_number};
use crate::model::boundaries::MOST_AHEAD;
use crate::model::{Boundaries, MediaTime, RenditionId};

use super::catalog::Shelf;
use super::chunks::scan_chunks;
use super::disk::TEMPORARY;
use super::error::{At, SpoolError};
use super::index::{Index, Record};
use super::lane::{Lane, Newest};
use super::mended::Mended;
use super::part::{PART, Part, TOLERANCE, part_path};
use super::segment::{Segment, SegmentPart};
use super::timing::Track;

/// A directory that has been put in order.
pub(crate) struct Recovered {
    pub(crate) lane: Lane,
    pub(crate) shelf: Shelf,
    /// Numbers of the segments whose discontinuity sequence has yet to be told from the marks.
    pub(crate) adopted: BTreeSet<u64>,
    /// The newest segment that the index remembers; perhaps deleted since.
    pub(crate) remembered: Option<Newest>,
}

/// Puts the directory of rendition `id` in order. What lies beyond `latest` was written under a wrong clock: as long as
/// it stood, every new segment would come too late.
pub(crate) fn recover(
    id: &RenditionId,
    directory: PathBuf,
    (boundaries, latest): (&Boundaries, u64),
    mended: &mut Mended,
) -> Result<Recovered, SpoolError> {
    fs::create_dir_all(&directory).at(&directory)?;
    let (records, torn) = Index::read(&directory).at(&directory)?;
    mended.index_lines_dropped += torn as u64;
    let memory = Memory::replay(records, latest);
    let mut recovery =
        Recovery { listing: Listing::read(&directory)?, directory, boundaries, inits: BTreeMap::new(), mended };
    recovery.discard_temporaries();
    recovery.discard_future(latest);
    recovery.read_inits();
    let current = recovery.current_init(&memory);
    let (segments, adopted) = recovery.segments(&memory, current.as_deref())?;
    let newest = segments
        .values()
        .next_back()
        .map(|segment| Newest { number: segment.number, sequence: segment.discontinuity_sequence });
    let newest = newest.into_iter().chain(memory.newest).max_by_key(|newest| newest.number);
    let part = recovery.part(newest, current)?;
    let Recovery { directory, inits, .. } = recovery;
    let codec = |(name, track): (String, Track)| Some((memory.codecs.get(&name).cloned().or(track.codec)?, name));
    let of_text = memory.codecs.get_key_value("").map(|(name, codec)| (name.clone(), codec.clone()));
    let codecs = inits.into_iter().filter_map(codec).map(|(codec, name)| (name, codec)).chain(of_text).collect();
    let index = Index::new(&directory);
    let lane =
        Lane { id: id.clone(), directory, index, init: None, part, newest, void: None, broken: None, suspect: false };
    Ok(Recovered { lane, shelf: Shelf { segments, codecs, ..Shelf::default() }, adopted, remembered: memory.newest })
}

/// What the index remembers.
#[derive(Default)]
struct Memory {
    segments: BTreeMap<u64, Segment>,
    codecs: BTreeMap<String, String>,
    current: Option<String>,
    newest: Option<Newest>,
}

impl Memory {
    fn replay(records: Vec<Record>, latest: u64) -> Self {
        let mut memory = Self::default();
        for record in records {
            let newest = match record {
                Record::Init { name, codec } => {
                    memory.codecs.insert(name.clone(), codec);
                    memory.current = Some(name);
                    continue;
                }
                Record::Deleted(number) => {
                    memory.segments.remove(&number);
                    continue;
                }
                Record::Segment(Segment { number, .. }) | Record::Last { number, .. } if number > latest => continue,
                Record::Segment(segment) => {
                    let newest = Newest { number: segment.number, sequence: segment.discontinuity_sequence };
                    memory.segments.insert(segment.number, segment);
                    newest
                }
                Record::Last { number, discontinuity_sequence } => Newest { number, sequence: discontinuity_sequence },
            };
            memory.newest = memory.newest.into_iter().chain([newest]).max_by_key(|newest| newest.number);
        }
        memory
    }
}

/// What is in the directory.
#[derive(Default)]
struct Listing {
    segments: BTreeMap<u64, u64>,
    parts: BTreeSet<u64>,
    /// Segments of text.
    texts: BTreeMap<u64, u64>,
    /// Text that is not whole.
    torn: Vec<String>,
    inits: Vec<(String, SystemTime)>,
    temporaries: Vec<String>,
}

impl Listing {
    fn read(directory: &Path) -> Result<Self, SpoolError> {
        let mut listing = Self::default();
        for entry in fs::read_dir(directory).at(directory)? {
            let entry = entry.at(directory)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(metadata) = entry.metadata() else { continue };
            if !metadata.is_file() {
                continue;
            }
            let unfinished = name.strip_suffix(PART).and_then(|rest| rest.strip_suffix('.'));
            let part = unfinished.and_then(segment_number);
            if let Some(number) = text_number(&name) {
                listing.texts.insert(number, metadata.len());
            } else if unfinished.and_then(text_number).is_some() {
                listing.torn.push(name);
            } else if let Some(number) = segment_number(&name) {
                listing.segments.insert(number, metadata.len());
            } else if let Some(number) = part {
                listing.parts.insert(number);
            } else if is_init_name(&name) {
                listing.inits.push((name, metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)));
            } else if name.ends_with(TEMPORARY) {
                listing.temporaries.push(name);
            }
        }
        Ok(listing)
    }
}

struct Recovery<'a> {
    directory: PathBuf,
    boundaries: &'a Boundaries,
    listing: Listing,
    /// Whole initialisations by name.
    inits: BTreeMap<String, Track>,
    mended: &'a mut Mended,
}

/// What the media of a file says.
struct Media {
    bytes: u64,
    start: MediaTime,
    end: MediaTime,
    /// Where each of its chunks ends, and how long it lasts.
    chunks: Vec<(u64, Duration)>,
}

impl Recovery<'_> {
    /// An atomic write that was never finished lost nothing: whoever wrote did not count on it.
    fn discard_temporaries(&self) {
        for name in &self.listing.temporaries {
            let _ = fs::remove_file(self.directory.join(name));
        }
    }

    fn discard_future(&mut self, latest: u64) {
        let segments = self.listing.segments.split_off(&(latest + 1));
        let parts = self.listing.parts.split_off(&(latest + 1));
        let texts = self.listing.texts.split_off(&(latest + 1));
        self.mended.from_the_future += (segments.len() + parts.len() + texts.len()) as u64;
        let names = segments.keys().map(|number| segment_name(*number)).chain(texts.keys().map(|n| text_name(*n)));
        let paths = names.map(|name| self.directory.join(name));
        let paths: Vec<_> = paths.chain(parts.iter().map(|number| part_path(&self.directory, *number))).collect();
        for path in paths {
            self.discard(&path);
        }
    }

    fn read_inits(&mut self) {
        for (name, _) in self.listing.inits.clone() {
            let path = self.directory.join(&name);
            let data = fs::read(&path).unwrap_or_default();
            match Track::read(&data).filter(|_| init_name(&data) == name) {
                Some(track) => drop(self.inits.insert(name, track)),
                None => self.discard(&path),
            }
        }
    }

    /// The initialisation that media without a word in the index belongs to: the last one written.
    fn current_init(&self, memory: &Memory) -> Option<String> {
        let listed = self.listing.inits.iter().filter(|(name, _)| self.inits.contains_key(name));
        let last = || listed.max_by_key(|(_, modified)| *modified).map(|(name, _)| name.clone());
        memory.current.clone().filter(|name| self.inits.contains_key(name)).or_else(last)
    }

    fn segments(
        &mut self,
        memory: &Memory,
        current: Option<&str>,
    ) -> Result<(BTreeMap<u64, Segment>, BTreeSet<u64>), SpoolError> {
        let (mut segments, mut adopted) = (BTreeMap::new(), BTreeSet::new());
        for (number, length) in self.listing.segments.clone() {
            let known = memory.segments.get(&number);
            let init = known.map(|known| known.init.as_str()).or(current);
            if let Some(known) = known.filter(|known| known.bytes == length && self.inits.contains_key(&known.init)) {
                segments.insert(number, known.clone());
            } else if let Some(segment) = self.adopt(number, length, init)? {
                segments.insert(number, segment);
                adopted.insert(number);
            }
        }
        for (number, length) in self.listing.texts.clone() {
            let known = memory.segments.get(&number).filter(|known| known.bytes == length && known.init.is_empty());
            if let Some(known) = known {
                segments.insert(number, known.clone());
            } else if let Some(segment) = self.adopt_text(number, length) {
                segments.insert(number, segment);
                adopted.insert(number);
            }
        }
        for name in std::mem::take(&mut self.listing.torn) {
            self.discard(&self.directory.join(name));
        }
        let there =
            |number: &u64| self.listing.segments.contains_key(number) || self.listing.texts.contains_key(number);
        self.mended.segments_missing += memory.segments.keys().filter(|number| !there(number)).count() as u64;
        Ok((segments, adopted))
    }

    /// A segment of text without a word in the index. It was renamed when it was whole.
    fn adopt_text(&mut self, number: u64, length: u64) -> Option<Segment> {
        let path = self.directory.join(text_name(number));
        if !fs::read(&path).is_ok_and(|text| text.starts_with(b"WEBVTT")) {
            self.discard(&path);
            return None;
        }
        self.mended.adopted += 1;
        Some(Segment {
            number,
            start: self.boundaries.start_of(number),
            duration: self.boundaries.duration_of(number),
            bytes: length,
            init: String::new(),
            discontinuity: false,
            discontinuity_sequence: 0,
        })
    }

    fn adopt(&mut self, number: u64, length: u64, init: Option<&str>) -> Result<Option<Segment>, SpoolError> {
        let path = self.directory.join(segment_name(number));
        let (Some(init), Some(media)) = (init, self.read_media(&path, number, init)?) else {
            self.discard(&path);
            return Ok(None);
        };
        if media.bytes < length {
            self.cut(&path, length, media.bytes)?;
        }
        self.mended.adopted += 1;
        Ok(Some(Segment {
            number,
            start: media.start,
            duration: media.end.since(media.start),
            bytes: media.bytes,
            init: init.to_owned(),
            discontinuity: false,
            discontinuity_sequence: 0,
        }))
    }

    /// The segment that was being written. Only one is at a time; a part that is not above all complete segments was
    /// given up by its own run.
    fn part(&mut self, newest: Option<Newest>, current: Option<String>) -> Result<Option<Part>, SpoolError> {
        let mut resumed = None;
        for number in std::mem::take(&mut self.listing.parts).into_iter().rev() {
            let path = part_path(&self.directory, number);
            let wanted = resumed.is_none() && newest.is_none_or(|newest| newest.number < number);
            let media = if wanted { self.read_media(&path, number, current.as_deref())? } else { None };
            let (Some(media), Some(init)) = (media, current.clone()) else {
                self.discard(&path);
                continue;
            };
            let length = fs::metadata(&path).at(&path)?.len();
            if media.bytes < length {
                self.cut(&path, length, media.bytes)?;
            }
            self.mended.resumed += 1;
            let found = chunks_of(&path, &media.chunks)?;
            resumed = Some(Part::resume(path, (number, media.bytes), init, (media.start, media.end), found)?);
        }
        Ok(resumed)
    }

    /// Reads when the whole chunks of a file play. None if there is not one, or nothing says how to read it.
    fn read_media(&self, path: &Path, number: u64, init: Option<&str>) -> Result<Option<Media>, SpoolError> {
        let Some(track) = init.and_then(|init| self.inits.get(init)) else { return Ok(None) };
        let chunks = File::open(path).and_then(|file| scan_chunks(&file)).at(path)?;
        let spans: Option<Vec<_>> = chunks.moofs.iter().map(|moof| track.span(moof)).collect();
        let Some((first, spans)) = spans.and_then(|spans| Some((*spans.first()?, spans))) else { return Ok(None) };
        let end = spans.iter().map(|span| span.start + span.duration).max().unwrap_or(first.start);
        if end <= first.start || end.since(first.start) > self.boundaries.grid().duration() * 2 {
            return Ok(None);
        }
        // Media that claims to play elsewhere than its number says is not believed.
        let inside = self.boundaries.number_at(first.start + TOLERANCE) == number || self.bent(first.start, number);
        let start = if inside { first.start } else { self.boundaries.start_of(number) };
        let chunks_of = chunks.ends.iter().copied().zip(spans.iter().map(|span| span.duration)).collect();
        Ok(Some(Media { bytes: chunks.end, start, end: start + end.since(first.start), chunks: chunks_of }))
    }

    /// Whether segment `number` may have begun at `start` for the sake of a cue that nobody remembers.
    fn bent(&self, start: MediaTime, number: u64) -> bool {
        let grid = self.boundaries.grid();
        let (nominal, most) = (grid.start_of(number), grid.duration() * MOST_AHEAD);
        if start < nominal { nominal.since(start) <= most } else { start.since(nominal) <= grid.duration() * 3 / 2 }
    }

    fn cut(&mut self, path: &Path, length: u64, whole: u64) -> Result<(), SpoolError> {
        OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(whole)).at(path)?;
        self.mended.truncated += 1;
        self.mended.bytes_discarded += length - whole;
        Ok(())
    }

    fn discard(&mut self, path: &Path) {
        self.mended.files_discarded += 1;
        self.mended.bytes_discarded += fs::metadata(path).map_or(0, |metadata| metadata.len());
        // What cannot be removed now is found again at the next open.
        let _ = fs::remove_file(path);
    }
}

/// The bytes of whole chunks. Only the first is known to begin with a key frame: that is where encoders are made to.
fn chunks_of(path: &Path, chunks: &[(u64, Duration)]) -> Result<Vec<SegmentPart>, SpoolError> {
    let data = Bytes::from(fs::read(path).at(path)?);
    let mut from = 0;
    let parts = chunks.iter().map(|(end, duration)| {
        let to = (*end as usize).min(data.len());
        let part = SegmentPart { duration: *duration, independent: from == 0, data: data.slice(from.min(to)..to) };
        from = to;
        part
    });
    Ok(parts.collect())
}

//! Puts a recording in order after whatever happened to it: power loss, `kill -9`, a technician with `rm`. The files are
//! the witnesses; manifest, journal and playlists are believed as far as they agree with them.
//!
//! ```text
//! n.m4s, manifest or journal agree ─────────────────────► kept as it is
//! n.m4s, unknown or of another size ─► whole chunks? ─yes─► cut to them, taken in
//! n.m4s.part ────────────────────────► whole chunks? ─yes─► cut to them, n.m4s, taken in
//!                                             └──────no───► deleted
//! n.vtt, unknown ─► begins as text? ─yes─► taken in
//! listed without a file ─► a gap;  *.tmp ─► deleted;  recording.json unreadable ─► made anew
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::SystemTime;

use super::inspect::{Initialisation, checksum, media};
use super::journal;
use super::lock::Held;
use super::manifest::{
    Gap, JOURNAL, Manifest, RecordedRendition, RecordedSegment, RecordingId, RecordingState, RenditionKind, VERSION,
};
use super::playlist::{self, Marks};
use crate::hls::{PlaylistKind, init_name, is_init_name, segment_name, segment_number, text_number};
use crate::model::{BitRate, ChannelId, Cued, DestinationId, MediaTime, RecordedOf, RenditionId, SegmentGrid};
use crate::spool::SpoolError;
use crate::spool::disk::{TEMPORARY, sync_parent};
use crate::spool::error::At;

/// The codec string of WebVTT.
pub(crate) const TEXT_CODEC: &str = "wvtt";

/// What was mended. All zero after an orderly stop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordingMended {
    /// Segments that were being written, closed as short ones.
    pub closed: u64,
    /// Segments that nothing but their files knew of.
    pub adopted: u64,
    /// Files whose torn end was cut off.
    pub truncated: u64,
    /// Files without a whole chunk, deleted.
    pub discarded: u64,
    /// Bytes cut off or deleted.
    pub bytes_discarded: u64,
    /// Segments without a file.
    pub missing: u64,
    /// `recording.json` could not be read, and was made anew.
    pub rebuilt: bool,
}

impl RecordingMended {
    /// Nothing had to be done.
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for RecordingMended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { closed, adopted, truncated, discarded, bytes_discarded, missing, rebuilt } = self;
        write!(f, "{closed} segments closed, {adopted} found, {truncated} files cut, {discarded} deleted ")?;
        write!(f, "({bytes_discarded} bytes), {missing} segments missing")?;
        if *rebuilt { write!(f, ", its manifest made anew") } else { Ok(()) }
    }
}

/// Mends the recording in `directory` and tells all there is of it; `recording.json` and playlists are left as they are.
/// Segments that `spooled` says the spool has, or is writing, are not touched: they come from there.
pub(crate) fn mend(
    directory: &Path,
    _held: &Held,
    spooled: &dyn Fn(&RenditionId, u64) -> bool,
) -> Result<(Manifest, RecordingMended), SpoolError> {
    let mut mended = RecordingMended::default();
    let mut manifest = match Manifest::stored(directory) {
        Ok(manifest) => manifest,
        Err(SpoolError::Io { .. } | SpoolError::Missing { .. }) => {
            mended.rebuilt = true;
            bare(directory).ok_or_else(|| SpoolError::Io {
                path: directory.to_owned(),
                source: io::Error::new(io::ErrorKind::InvalidData, "this is not the directory of a recording"),
            })?
        }
        Err(error) => return Err(error),
    };
    for entry in journal::read(directory)? {
        manifest.take_in(entry);
    }
    find_renditions(directory, &mut manifest)?;
    let marks = Marks::of(&manifest);
    let mut gaps = Vec::new();
    for rendition in &mut manifest.renditions {
        let path = directory.join(rendition.id.as_str());
        if path.is_dir() {
            let spooled = |number| spooled(&rendition.id, number);
            let mut room = Room { path: &path, mended: &mut mended, listing: Listing::read(&path)? };
            let found = room.mend(&rendition.segments, &marks, manifest.segment_ms, &spooled)?;
            gaps.extend(missing(rendition, &found));
            rendition.segments = found;
            room.describe(rendition);
        }
    }
    mended.missing += gaps.len() as u64;
    manifest.gaps.extend(gaps);
    manifest.bytes = manifest.renditions.iter().flat_map(|r| &r.segments).map(|segment| segment.bytes).sum();
    if mended.rebuilt {
        complete_bare(&mut manifest);
    }
    Ok((manifest, mended))
}

/// Ends a recording that has been mended: writes what says of it, then the journal is not needed any more.
pub(crate) fn close(directory: &Path, mut manifest: Manifest, state: RecordingState) -> Result<Manifest, SpoolError> {
    if let Some(grid) = SegmentGrid::new(manifest.segment_ms) {
        manifest.renditions.iter_mut().for_each(|rendition| playlist::measure(rendition, grid));
    }
    manifest.state = state;
    manifest.ended = manifest.ended.or_else(|| manifest.last_media()).or(Some(manifest.began));
    manifest.gaps.sort_by_key(|gap| gap.begin);
    playlist::write_all(directory, &manifest, PlaylistKind::Vod)?;
    manifest.store(directory)?;
    let _ = fs::remove_file(directory.join(JOURNAL));
    Ok(manifest)
}

/// Mends a recording that nobody goes on with, and closes it as interrupted. None if somebody has it.
pub fn repair(directory: &Path) -> Result<Option<(Manifest, RecordingMended)>, SpoolError> {
    let Some(held) = super::lock::hold(directory)? else { return Ok(None) };
    let (manifest, mended) = mend(directory, &held, &|_, _| false)?;
    let state = match manifest.state {
        RecordingState::Recording => RecordingState::Interrupted,
        state => state,
    };
    Ok(Some((close(directory, manifest, state)?, mended)))
}

/// A manifest that knows nothing but its place; none if that is not one of a recording.
fn bare(directory: &Path) -> Option<Manifest> {
    let name = |path: Option<&Path>| path.and_then(|path| path.file_name()?.to_str()).unwrap_or_default().to_owned();
    Some(Manifest {
        version: VERSION,
        channel: ChannelId::new(name(directory.parent())).ok()?,
        destination: DestinationId::new("recording").ok()?,
        of: RecordedOf::default(),
        id: RecordingId::new(name(Some(directory))).ok()?,
        title: None,
        began: MediaTime::default(),
        ended: None,
        state: RecordingState::Recording,
        protected: false,
        segment_ms: 0,
        bytes: 0,
        interruptions: 0,
        gaps: Vec::new(),
        renditions: Vec::new(),
        markers: Vec::new(),
        cued: Cued::default(),
    })
}

/// What only the segments tell.
fn complete_bare(manifest: &mut Manifest) {
    let segments = || manifest.renditions.iter().flat_map(|rendition| &rendition.segments);
    let first = segments().map(|segment| segment.begin).min();
    // A number is the segment's begin, counted in segments since the epoch.
    let grid = segments().find(|segment| segment.sequence > 0).map(|segment| {
        let millis = segment.begin.as_nanos() as f64 / 1e6 / segment.sequence as f64;
        millis.round() as u32
    });
    (manifest.began, manifest.segment_ms) = (first.unwrap_or_default(), grid.unwrap_or(2000));
}

/// Directories with initialisations that the manifest does not know.
fn find_renditions(directory: &Path, manifest: &mut Manifest) -> Result<(), SpoolError> {
    for entry in fs::read_dir(directory).at(directory)? {
        let path = entry.at(directory)?.path();
        let Some(id) = path.file_name().and_then(|name| RenditionId::new(name.to_str()?).ok()) else { continue };
        if !path.is_dir() || manifest.renditions.iter().any(|known| known.id == id) {
            continue;
        }
        let listing = Listing::read(&path)?;
        let kind = match listing.inits.keys().next().and_then(|name| Initialisation::read(&path.join(name))) {
            Some(init) => init.kind,
            None if !listing.texts.is_empty() => RenditionKind::Text,
            None => continue,
        };
        manifest.renditions.push(RecordedRendition::new(id, kind));
    }
    manifest.renditions.sort_by_key(|rendition| rendition.kind as u8);
    Ok(())
}

/// One gap per run of segments that have vanished.
fn missing(rendition: &RecordedRendition, found: &[RecordedSegment]) -> Vec<Gap> {
    let there: BTreeSet<u64> = found.iter().map(|segment| segment.sequence).collect();
    let gone = rendition.segments.iter().filter(|segment| !there.contains(&segment.sequence));
    let gap = |segment: &RecordedSegment| Gap {
        rendition: Some(rendition.id.clone()),
        begin: segment.begin,
        end: segment.end(),
        reason: "the segment's file is gone, or holds nothing that plays".to_owned(),
    };
    gone.map(gap).collect()
}

/// What is in the directory of a rendition.
#[derive(Default)]
struct Listing {
    segments: BTreeMap<u64, u64>,
    texts: BTreeMap<u64, u64>,
    parts: BTreeSet<u64>,
    /// By name, with their age.
    inits: BTreeMap<String, SystemTime>,
    temporaries: Vec<String>,
}

impl Listing {
    fn read(directory: &Path) -> Result<Self, SpoolError> {
        let mut listing = Self::default();
        for entry in fs::read_dir(directory).at(directory)? {
            let entry = entry.at(directory)?;
            let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata()) else { continue };
            if !metadata.is_file() {
                continue;
            }
            let part = name.strip_suffix(".part").and_then(segment_number);
            if let Some(number) = segment_number(&name) {
                listing.segments.insert(number, metadata.len());
            } else if let Some(number) = text_number(&name) {
                listing.texts.insert(number, metadata.len());
            } else if let Some(number) = part {
                listing.parts.insert(number);
            } else if is_init_name(&name) {
                listing.inits.insert(name, metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH));
            } else if name.ends_with(TEMPORARY) {
                listing.temporaries.push(name);
            }
        }
        Ok(listing)
    }
}

/// The directory of one rendition, being mended.
struct Room<'a> {
    path: &'a Path,
    mended: &'a mut RecordingMended,
    listing: Listing,
}

impl Room<'_> {
    fn mend(
        &mut self,
        known: &[RecordedSegment],
        marks: &Marks,
        segment_ms: u32,
        spooled: &dyn Fn(u64) -> bool,
    ) -> Result<Vec<RecordedSegment>, SpoolError> {
        for name in std::mem::take(&mut self.listing.temporaries) {
            let _ = fs::remove_file(self.path.join(name));
        }
        let inits = self.inits();
        let known: BTreeMap<u64, &RecordedSegment> = known.iter().map(|segment| (segment.sequence, segment)).collect();
        self.close_parts(&known, &inits, spooled)?;
        let mut found = Vec::new();
        for (number, length) in std::mem::take(&mut self.listing.segments) {
            match known.get(&number) {
                Some(segment) if segment.bytes == length && inits.contains_key(&segment.init) => {
                    found.push((*segment).clone());
                }
                // It is taken from there again.
                None if spooled(number) => {}
                known_as => {
                    let init = known_as.map(|segment| segment.init.clone()).filter(|init| inits.contains_key(init));
                    let init = init.or_else(|| self.init_at(number, &known, &inits));
                    found.extend(self.adopt(number, length, init, &inits, marks)?);
                }
            }
        }
        for (number, length) in std::mem::take(&mut self.listing.texts) {
            match known.get(&number) {
                Some(segment) if segment.bytes == length && segment.init.is_empty() => found.push((*segment).clone()),
                _ => found.extend(self.adopt_text(number, length, segment_ms, marks)?),
            }
        }
        found.sort_by_key(|segment| segment.sequence);
        Ok(found)
    }

    /// Whole initialisations by name.
    fn inits(&self) -> BTreeMap<String, Initialisation> {
        let whole = |name: &String| {
            let path = self.path.join(name);
            let sound = fs::read(&path).is_ok_and(|data| init_name(&data) == *name);
            Some((name.clone(), Initialisation::read(&path).filter(|_| sound)?))
        };
        self.listing.inits.keys().filter_map(whole).collect()
    }

    /// The initialisation of a segment that nothing knows of: that of the one before, or the newest.
    fn init_at(
        &self,
        number: u64,
        known: &BTreeMap<u64, &RecordedSegment>,
        inits: &BTreeMap<String, Initialisation>,
    ) -> Option<String> {
        let before = known.range(..number).next_back().map(|(_, segment)| segment.init.clone());
        let newest = || self.listing.inits.iter().max_by_key(|(_, age)| **age).map(|(name, _)| name.clone());
        // An initialisation that came after the last known segment is in force for what follows.
        let last = known.keys().next_back().is_none_or(|last| *last < number);
        let candidates = if last { [newest(), before] } else { [before, newest()] };
        candidates.into_iter().flatten().find(|name| inits.contains_key(name))
    }

    /// Segments that were being written become short ones.
    fn close_parts(
        &mut self,
        known: &BTreeMap<u64, &RecordedSegment>,
        inits: &BTreeMap<String, Initialisation>,
        spooled: &dyn Fn(u64) -> bool,
    ) -> Result<(), SpoolError> {
        for number in std::mem::take(&mut self.listing.parts) {
            if spooled(number) {
                continue;
            }
            let path = self.path.join(format!("{}.part", segment_name(number)));
            let init = self.init_at(number, known, inits).and_then(|name| inits.get(&name));
            let whole = init.map(|init| media(&path, init)).transpose().at(&path)?.flatten();
            let (false, Some(whole)) = (self.listing.segments.contains_key(&number), whole) else {
                self.discard(&path);
                continue;
            };
            let length = fs::metadata(&path).at(&path)?.len();
            self.cut(&path, length, whole.bytes)?;
            let to = self.path.join(segment_name(number));
            fs::rename(&path, &to).at(&path)?;
            sync_parent(&to)?;
            self.listing.segments.insert(number, whole.bytes);
            self.mended.closed += 1;
        }
        Ok(())
    }

    fn adopt(
        &mut self,
        number: u64,
        length: u64,
        init: Option<String>,
        inits: &BTreeMap<String, Initialisation>,
        marks: &Marks,
    ) -> Result<Option<RecordedSegment>, SpoolError> {
        let file = segment_name(number);
        let path = self.path.join(&file);
        let init = init.and_then(|name| inits.get_key_value(&name));
        let whole = init.map(|(_, init)| media(&path, init)).transpose().at(&path)?.flatten();
        let (Some((init, _)), Some(whole)) = (init, whole) else {
            self.discard(&path);
            return Ok(None);
        };
        self.cut(&path, length, whole.bytes)?;
        self.mended.adopted += 1;
        let (sha256, bytes) = checksum(&path).at(&path)?;
        Ok(Some(RecordedSegment {
            sequence: number,
            file,
            init: init.clone(),
            begin: whole.begin,
            duration: whole.end.since(whole.begin),
            bytes,
            sha256,
            keyframe: whole.keyframe,
            discontinuity: false,
            discontinuity_sequence: marks.at(number).unwrap_or(0),
        }))
    }

    fn adopt_text(
        &mut self,
        number: u64,
        length: u64,
        segment_ms: u32,
        marks: &Marks,
    ) -> Result<Option<RecordedSegment>, SpoolError> {
        let file = crate::hls::text_name(number);
        let path = self.path.join(&file);
        let Some(grid) =
            SegmentGrid::new(segment_ms).filter(|_| fs::read(&path).is_ok_and(|text| text.starts_with(b"WEBVTT")))
        else {
            self.discard(&path);
            return Ok(None);
        };
        self.mended.adopted += 1;
        let (sha256, _) = checksum(&path).at(&path)?;
        Ok(Some(RecordedSegment {
            sequence: number,
            file,
            init: String::new(),
            begin: grid.start_of(number),
            duration: grid.duration(),
            bytes: length,
            sha256,
            keyframe: true,
            discontinuity: false,
            discontinuity_sequence: marks.at(number).unwrap_or(0),
        }))
    }

    /// Cuts a file to its whole chunks and makes that last. A file that the spool has, too, is copied first: what the
    /// spool does with it is its own business.
    fn cut(&mut self, path: &Path, length: u64, whole: u64) -> Result<(), SpoolError> {
        let file = OpenOptions::new().read(true).write(true).open(path).at(path)?;
        if whole >= length {
            return file.sync_data().at(path);
        }
        self.mended.truncated += 1;
        self.mended.bytes_discarded += length - whole;
        if file.metadata().at(path)?.nlink() < 2 {
            return file.set_len(whole).and_then(|()| file.sync_data()).at(path);
        }
        let temporary = path.with_extension(TEMPORARY);
        let copied = OpenOptions::new().create(true).write(true).truncate(true).open(&temporary).and_then(|mut to| {
            io::copy(&mut io::Read::take(&file, whole), &mut to)?;
            to.sync_data()?;
            fs::rename(&temporary, path)
        });
        copied.at(path)
    }

    fn discard(&mut self, path: &Path) {
        self.mended.discarded += 1;
        self.mended.bytes_discarded += fs::metadata(path).map_or(0, |metadata| metadata.len());
        // What cannot be removed now is found again the next time.
        let _ = fs::remove_file(path);
    }

    /// What an initialisation tells of a rendition that nothing described.
    fn describe(&self, rendition: &mut RecordedRendition) {
        let Some(init) = rendition.segments.last().map(|segment| segment.init.clone()) else { return };
        if init.is_empty() {
            TEXT_CODEC.clone_into(&mut rendition.codecs);
            return;
        }
        if !rendition.codecs.is_empty() {
            return;
        }
        let Some(read) = Initialisation::read(&self.path.join(init)) else { return };
        rendition.codecs = read.track.codec.unwrap_or_default();
        rendition.size = rendition.size.or(read.size);
    }
}

impl RecordedRendition {
    /// A rendition of which nothing else is known.
    pub fn new(id: RenditionId, kind: RenditionKind) -> Self {
        Self {
            id,
            kind,
            codecs: String::new(),
            bandwidth: BitRate(0),
            average_bandwidth: BitRate(0),
            size: None,
            frame_rate: None,
            name: None,
            language: None,
            channels: None,
            captions: false,
            segments: Vec::new(),
        }
    }
}

//! The spool as everybody else sees it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use rustix::fs::FlockOperation;
use tokio::sync::watch;

use crate::hls::segment_name;
use crate::model::status::SpoolStatus;
use crate::model::{Boundaries, MediaTime, RenditionId, WhenFull};

use super::catalog::Catalog;
use super::error::{At, SpoolError};
use super::index::INDEX;
use super::lock::{lock, read, write};
use super::marks::Marks;
use super::mended::Mended;
use super::part::part_path;
use super::recover::{Recovered, recover};
use super::segment::{Chunk, Init, OpenSegment, PartedSegment, Segment};
use super::writer::Writer;

/// How far ahead of `now` a segment may be: a clock that is set back a little costs a pause, not what is on disk.
const CLOCK_SLACK: Duration = Duration::from_secs(60);

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeps {
    pub(crate) quota_bytes: u64,
    pub(crate) retain: Duration,
}

/// What goes first where room runs out.
#[derive(Debug, Default)]
pub(crate) struct Sacrifice {
    pub(crate) when_full: WhenFull,
    /// Renditions, the one that goes first in front.
    pub(crate) ranked: Vec<RenditionId>,
    /// How far back playlists reach.
    pub(crate) reach: Duration,
}

/// Segments on disk. Cheap to clone; all clones are one spool.
#[derive(Debug, Clone)]
pub struct Spool {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) directory: PathBuf,
    /// How much is kept.
    pub(crate) keeps: RwLock<Keeps>,
    /// What goes first.
    pub(crate) sacrifice: RwLock<Sacrifice>,
    renditions: RwLock<Vec<RenditionId>>,
    /// Taken before `catalog`, and for as long as the disk takes.
    pub(crate) writer: Mutex<Writer>,
    /// Never held over disk I/O.
    pub(crate) catalog: RwLock<Catalog>,
    changes: watch::Sender<u64>,
    /// Released by the system when the process ends, however it ends.
    _lock: File,
}

impl Spool {
    /// Opens the spool of a channel in `dir` for `renditions`, setting it up or putting it in order first. `now` tells
    /// which unfinished segments this run can still append to. Name all renditions of the channel, also one whose encoder
    /// fails: what is found of others is removed. `boundaries`: where segments are cut.
    pub fn open(
        dir: &Path,
        quota_bytes: u64,
        retain: Duration,
        boundaries: impl Into<Boundaries>,
        renditions: &[RenditionId],
        now: MediaTime,
    ) -> Result<(Self, Mended), SpoolError> {
        fs::create_dir_all(dir).at(dir)?;
        let held = take_lock(dir)?;
        let mut mended = Mended::default();
        remove_retired(dir, renditions, &mut mended)?;
        let boundaries = boundaries.into();
        let latest = boundaries.number_at(now + CLOCK_SLACK);
        let recovered: Vec<Recovered> = renditions
            .iter()
            .map(|id| recover(id, dir.join(id.as_str()), (&boundaries, latest), &mut mended))
            .collect::<Result<_, _>>()?;
        let catalog = RwLock::new(Catalog::new(now));
        let mut writer = assemble(dir, recovered, &catalog, &mut mended)?;
        writer.marks.take_back(latest);
        close_past(&mut writer, &catalog, boundaries.number_at(now));
        writer.note_open(&catalog);
        let inner = Inner {
            directory: dir.to_owned(),
            keeps: RwLock::new(Keeps { quota_bytes, retain }),
            sacrifice: RwLock::default(),
            renditions: RwLock::new(renditions.to_vec()),
            writer: Mutex::new(writer),
            catalog,
            changes: watch::Sender::new(0),
            _lock: held,
        };
        Ok((Self { inner: Arc::new(inner) }, mended))
    }

    /// Keeps another amount from the next round of retention on.
    pub fn keep(&self, quota_bytes: u64, retain: Duration) {
        *write(&self.inner.keeps) = Keeps { quota_bytes, retain };
    }

    /// What goes first from the next round of retention on, where everything that could go is owed to somebody: by
    /// `when_full`, of the renditions `ranked` the first one first. Playlists reach back for `reach`, or a minute.
    pub fn give_up_first(&self, when_full: WhenFull, ranked: Vec<RenditionId>, reach: Duration) {
        *write(&self.inner.sacrifice) = Sacrifice { when_full, ranked, reach };
    }

    /// Takes in a rendition while the run goes on; nothing is there of it yet. Blocks for the disk.
    pub fn add(
        &self,
        rendition: &RenditionId,
        boundaries: impl Into<Boundaries>,
        now: MediaTime,
    ) -> Result<(), SpoolError> {
        let directory = self.inner.directory.join(rendition.as_str());
        let mut writer = lock(&self.inner.writer);
        if writer.lanes.contains_key(rendition) {
            return Ok(());
        }
        remove_rendition(&directory)?;
        let boundaries = boundaries.into();
        let latest = boundaries.number_at(now + CLOCK_SLACK);
        let recovered = recover(rendition, directory, (&boundaries, latest), &mut Mended::default())?;
        write(&self.inner.catalog).shelves.insert(rendition.clone(), recovered.shelf);
        writer.lanes.insert(rendition.clone(), recovered.lane);
        write(&self.inner.renditions).push(rendition.clone());
        Ok(())
    }

    /// Forgets a rendition and deletes what there is of it: whoever should have had it has it. Blocks for the disk.
    pub fn retire(&self, rendition: &RenditionId) -> Result<(), SpoolError> {
        let mut writer = lock(&self.inner.writer);
        write(&self.inner.renditions).retain(|one| one != rendition);
        write(&self.inner.catalog).shelves.remove(rendition);
        writer.lanes.remove(rendition);
        remove_rendition(&self.inner.directory.join(rendition.as_str()))
    }

    /// Puts the initialisation of a rendition in force: what follows belongs to it. Blocks for the disk. After an error
    /// it is in force all the same, and written again with the next segment.
    pub fn put_init(&self, init: Init) -> Result<(), SpoolError> {
        lock(&self.inner.writer).put_init(init, &self.inner.catalog)
    }

    /// Writes a chunk; gives the segment that it completed, if it did: by being its last, or by belonging to a higher
    /// number. Where it does both (a segment of one chunk), the newer is given; [`changes`](Self::changes) tells of
    /// both. Blocks for the disk. After an error the segment is lost and counted; go on with the next chunk.
    pub fn put_chunk(&self, chunk: Chunk) -> Result<Option<Segment>, SpoolError> {
        let mut done = Vec::new();
        let (outcome, parted) = {
            let mut writer = lock(&self.inner.writer);
            let outcome = writer.put_chunk(&chunk, &self.inner.catalog, &mut done);
            writer.note_open(&self.inner.catalog);
            (outcome, writer.parted)
        };
        self.publish(done.len().max(parted.into()), &outcome, chunk.start + chunk.duration);
        outcome?;
        Ok(done.into_iter().rfind(|(rendition, _)| *rendition == chunk.rendition).map(|(_, segment)| segment))
    }

    /// Gives up what there is of segment `number` and later ones of a rendition: their chunks come once more, from
    /// another encoder. What is complete stays.
    pub fn begin_again(&self, rendition: &RenditionId, number: u64) {
        let mut writer = lock(&self.inner.writer);
        writer.begin_again(rendition, number, &self.inner.catalog);
        writer.note_open(&self.inner.catalog);
    }

    /// From now on the chunks of the last segments can be had one by one: [`parted`](Self::parted).
    pub fn tell_parts(&self) {
        lock(&self.inner.writer).begin_parts(&self.inner.catalog);
    }

    /// The last segments of a rendition part by part, ascending, the open one included; nothing before
    /// [`tell_parts`](Self::tell_parts). A part is on disk, and never changes. A segment that is not complete may be taken
    /// back: then it is not here any more, and no other part will have the name of one of its parts.
    pub fn parted(&self, rendition: &RenditionId) -> Vec<PartedSegment> {
        let catalog = read(&self.inner.catalog);
        catalog.shelves.get(rendition).map_or_else(Vec::new, |shelf| shelf.parted.values().cloned().collect())
    }

    /// Closes the open segments, at a stop; gives those that this completed.
    pub fn finish(&self) -> Result<Vec<(RenditionId, Segment)>, SpoolError> {
        let mut done = Vec::new();
        let (outcome, now) = {
            let mut writer = lock(&self.inner.writer);
            let now = writer.lanes.values().filter_map(|lane| lane.position()).max();
            let outcome = writer.finish(&self.inner.catalog, &mut done);
            writer.note_open(&self.inner.catalog);
            (outcome, now)
        };
        self.publish(done.len(), &outcome, now.unwrap_or_default());
        outcome.map(|()| done)
    }

    /// The renditions that it has now.
    pub fn renditions(&self) -> Vec<RenditionId> {
        read(&self.inner.renditions).clone()
    }

    /// The complete segments of a rendition, ascending.
    pub fn segments(&self, rendition: &RenditionId) -> Vec<Segment> {
        self.segments_from(rendition, 0)
    }

    /// The complete segments of a rendition from `number` on, ascending.
    pub fn segments_from(&self, rendition: &RenditionId, number: u64) -> Vec<Segment> {
        let catalog = read(&self.inner.catalog);
        let shelf = catalog.shelves.get(rendition);
        shelf
            .map_or_else(Vec::new, |shelf| shelf.segments.range(number..).map(|(_, segment)| segment.clone()).collect())
    }

    /// The segment of a rendition that is being written, if it is one of pictures or sound.
    pub fn open_segment(&self, rendition: &RenditionId) -> Option<OpenSegment> {
        read(&self.inner.catalog).shelves.get(rendition)?.open.clone()
    }

    /// Where the file of an open segment is, until it is complete.
    pub fn open_segment_path(&self, rendition: &RenditionId, number: u64) -> PathBuf {
        part_path(&self.inner.directory.join(rendition.as_str()), number)
    }

    /// The newest complete segment of a rendition.
    pub fn last(&self, rendition: &RenditionId) -> Option<Segment> {
        let catalog = read(&self.inner.catalog);
        catalog.shelves.get(rendition)?.segments.values().next_back().cloned()
    }

    /// The codec string of an initialisation, by its file name.
    pub fn codec(&self, rendition: &RenditionId, init_name: &str) -> Option<String> {
        read(&self.inner.catalog).shelves.get(rendition)?.codecs.get(init_name).cloned()
    }

    /// Where a file of a rendition is. It may be deleted any time after [`retain`](Self::retain) had reason to.
    pub fn path(&self, rendition: &RenditionId, file_name: &str) -> PathBuf {
        self.inner.directory.join(rendition.as_str()).join(file_name)
    }

    /// Where the file of a segment of pictures or sound is.
    pub fn segment_path(&self, rendition: &RenditionId, number: u64) -> PathBuf {
        self.path(rendition, &segment_name(number))
    }

    /// The channel's directory: others may keep small files of their own there, next to the renditions' directories.
    pub fn directory(&self) -> &Path {
        &self.inner.directory
    }

    /// A generation that grows with each completed segment, and with each part where they are told.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.subscribe()
    }

    /// The status document. Does not wait for the disk.
    pub fn status(&self) -> SpoolStatus {
        // A writer that waits for the disk must not keep the heartbeat waiting: then the open segments are left out.
        let part_bytes = self.inner.writer.try_lock().map_or(0, |writer| writer.part_bytes());
        read(&self.inner.catalog).status(read(&self.inner.keeps).quota_bytes, part_bytes)
    }

    fn publish(&self, completed: usize, outcome: &Result<(), SpoolError>, now: MediaTime) {
        if let Err(error) = outcome {
            write(&self.inner.catalog).note_failure(error, now);
        }
        if completed > 0 {
            self.inner.changes.send_modify(|generation| *generation += completed as u64);
        }
    }
}

/// A process that is just ending, or a child of this one that has not begun its own program yet, holds the lock for a
/// moment longer than its owner.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// Two processes must not write one spool. The directory itself is locked, for it is there on a full disk, too.
fn take_lock(dir: &Path) -> Result<File, SpoolError> {
    let directory = File::open(dir).at(dir)?;
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match rustix::fs::flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < until => {
                std::thread::park_timeout(Duration::from_millis(10));
            }
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(SpoolError::InUse { path: dir.to_owned() }),
            taken => return taken.at(dir).map(|()| directory),
        }
    }
}

/// Removes the directories of renditions that the channel no longer has: nobody would ever push what is in them.
fn remove_retired(dir: &Path, renditions: &[RenditionId], mended: &mut Mended) -> Result<(), SpoolError> {
    for entry in fs::read_dir(dir).at(dir)? {
        let path = entry.at(dir)?.path();
        let Some(id) = path.file_name().and_then(|name| RenditionId::new(name.to_str()?).ok()) else { continue };
        // The index tells a rendition's directory from one that somebody else keeps here.
        if !renditions.contains(&id) && path.join(INDEX).is_file() {
            remove_rendition(&path)?;
            mended.renditions_removed.push(id.to_string());
        }
    }
    Ok(())
}

/// The index tells a rendition's directory from one that somebody else keeps here.
fn remove_rendition(path: &Path) -> Result<(), SpoolError> {
    if path.join(INDEX).is_file() { fs::remove_dir_all(path).at(path) } else { Ok(()) }
}

/// Puts what was recovered together: marks, discontinuities of what was adopted, indexes.
fn assemble(
    directory: &Path,
    recovered: Vec<Recovered>,
    catalog: &RwLock<Catalog>,
    mended: &mut Mended,
) -> Result<Writer, SpoolError> {
    let stored = Marks::read(directory)?;
    let marks_unsaved = stored.is_none();
    let marks = stored.unwrap_or_else(|| rebuild_marks(&recovered));
    mended.discontinuities_rebuilt = marks_unsaved && marks != Marks::default();
    let mut lanes = BTreeMap::new();
    for Recovered { mut lane, mut shelf, adopted, remembered } in recovered {
        for number in adopted {
            let listed = shelf.segments.range(..number).next_back().map(|(_, segment)| segment.discontinuity_sequence);
            let remembered = remembered.filter(|remembered| remembered.number < number);
            let before = listed.or(remembered.map(|remembered| remembered.sequence));
            let sequence = marks.sequence_of(number);
            if let Some(segment) = shelf.segments.get_mut(&number) {
                segment.discontinuity_sequence = sequence;
                segment.discontinuity = before.is_some_and(|before| before < sequence);
            }
            if let Some(newest) = lane.newest.as_mut().filter(|newest| newest.number == number) {
                newest.sequence = sequence;
            }
        }
        write(catalog).shelves.insert(lane.id.clone(), shelf);
        match lane.rewrite_index(catalog) {
            // A full disk is no reason not to go on air: retention makes room, then the index is written.
            Ok(()) | Err(SpoolError::Full { .. }) => {}
            Err(error) => return Err(error),
        }
        lanes.insert(lane.id.clone(), lane);
    }
    Ok(Writer { directory: directory.to_owned(), lanes, marks, marks_unsaved, begun: false, parted: false })
}

fn rebuild_marks(recovered: &[Recovered]) -> Marks {
    let listed = |recovered: &Recovered| -> Vec<(u64, u64)> {
        let known = recovered.shelf.segments.values().filter(|segment| !recovered.adopted.contains(&segment.number));
        let newest = recovered.lane.newest.filter(|newest| !recovered.adopted.contains(&newest.number));
        let known = known.map(|segment| (segment.number, segment.discontinuity_sequence));
        known.chain(newest.map(|newest| (newest.number, newest.sequence))).collect()
    };
    Marks::rebuild(recovered.iter().flat_map(listed))
}

/// Closes unfinished segments whose time is over: this run cannot append to them.
fn close_past(writer: &mut Writer, catalog: &RwLock<Catalog>, current: u64) {
    let past = |lane: &&super::lane::Lane| lane.part.as_ref().is_some_and(|part| part.number < current);
    let past: Vec<RenditionId> = writer.lanes.values().filter(past).map(|lane| lane.id.clone()).collect();
    for id in past {
        // A failure is counted in the catalog, and met again by the first chunk.
        let _ = writer.complete_one(&id, catalog, &mut Vec::new());
    }
}

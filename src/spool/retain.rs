//! Which segments to let go, and when.
//!
//! A segment goes when it is old enough *and* every destination has it. When room runs out (the quota, or the disk
//! itself) segments go before that: first those that every destination has, except the newest, which playlists still
//! name; then what is owed: the oldest of all, or what waits of the highest rendition, then of the next, as configured.
//! Whoever is owed one of those is told.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::time::Duration;

use crate::model::{MediaTime, RenditionId, WhenFull};

use super::catalog::Shelf;
use super::disk::free_bytes;
use super::error::{At, SpoolError};
use super::handle::{Inner, Spool};
use super::lock::{lock, read, write};
use super::segment::Segment;

/// What a round of retention did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retained {
    /// Segments deleted, those in `overflowed` included.
    pub deleted: u64,
    /// Segments deleted although a destination was still owed them: lost to it.
    pub overflowed: Vec<(RenditionId, Segment)>,
}

/// How far back playlists may reach: what is newer is deleted early only when nothing else is left.
const PLAYLIST_REACH: Duration = Duration::from_secs(60);

/// How many segments of each rendition have to fit on the disk besides what is there.
const RESERVE_ROUNDS: u64 = 4;

/// The least reserve, for a spool that has no segments yet.
const RESERVE_BYTES: u64 = 256 << 10;

/// Whether it is a candidate's turn.
type MayGo<'a> = Box<dyn Fn(&Candidate) -> bool + 'a>;

struct Candidate {
    rendition: RenditionId,
    number: u64,
    file: String,
    bytes: u64,
    age: Duration,
    delivered: bool,
}

impl Spool {
    /// Deletes segments: the old ones that `delivered(rendition, number)` says every destination has, and as many more
    /// as the quota and the free space of the disk demand. Call it after each completed segment and after each error.
    /// Blocks for the disk.
    pub fn retain(&self, now: MediaTime, delivered: &dyn Fn(&RenditionId, u64) -> bool) -> Retained {
        let inner = &*self.inner;
        let excess = inner.excess();
        let chosen = inner.choose(excess, inner.candidates(excess > 0, now, delivered));
        let retained = inner.delete(chosen, now);
        write(&inner.catalog).note_retained(retained.overflowed.len(), now);
        retained
    }
}

impl Inner {
    /// Bytes that are too many: beyond the quota, or beyond what the disk can bear.
    fn excess(&self) -> u64 {
        let catalog = read(&self.catalog);
        let bytes = catalog.bytes();
        let largest = |shelf: &Shelf| shelf.segments.values().rev().take(16).map(|segment| segment.bytes).max();
        let round: u64 = catalog.shelves.values().filter_map(largest).sum();
        drop(catalog);
        // A disk that cannot be asked reports itself when it is written to.
        let free = free_bytes(&self.directory).unwrap_or(u64::MAX);
        let bearable = bytes.saturating_add(free).saturating_sub((round * RESERVE_ROUNDS).max(RESERVE_BYTES));
        bytes.saturating_sub(read(&self.keeps).quota_bytes.min(bearable))
    }

    /// Segments that may have to go, the oldest first: those that are old enough, or all.
    fn candidates(&self, all: bool, now: MediaTime, delivered: &dyn Fn(&RenditionId, u64) -> bool) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let retain = read(&self.keeps).retain;
        for (id, shelf) in &read(&self.catalog).shelves {
            let aged = shelf.segments.values().map(|segment| (segment, now.since(segment.start + segment.duration)));
            for (segment, age) in aged.take_while(|(_, age)| all || *age > retain) {
                let (rendition, number, file) = (id.clone(), segment.number, segment.file_name());
                candidates.push(Candidate { rendition, number, file, bytes: segment.bytes, age, delivered: false });
            }
        }
        // Asked without the lock: whoever answers may look into the spool.
        for candidate in &mut candidates {
            candidate.delivered = delivered(&candidate.rendition, candidate.number);
        }
        candidates.sort_by_key(|candidate| candidate.number);
        candidates
    }

    /// Splits off what has to go.
    fn choose(&self, mut excess: u64, candidates: Vec<Candidate>) -> Vec<Candidate> {
        let retain = read(&self.keeps).retain;
        let due = |candidate: &Candidate| candidate.delivered && candidate.age > retain;
        let sacrifice = read(&self.sacrifice);
        let reach = sacrifice.reach.max(PLAYLIST_REACH);
        let spare = move |candidate: &Candidate| candidate.delivered && candidate.age > reach;
        let mut turns: Vec<MayGo<'_>> = vec![Box::new(spare)];
        if sacrifice.when_full == WhenFull::DropRenditions {
            for rendition in &sacrifice.ranked {
                let goes = move |candidate: &Candidate| candidate.rendition == *rendition && candidate.age > reach;
                turns.push(Box::new(goes));
            }
        }
        turns.push(Box::new(|_| true));
        let (mut chosen, mut rest): (Vec<_>, Vec<_>) = candidates.into_iter().partition(due);
        excess = excess.saturating_sub(chosen.iter().map(|candidate| candidate.bytes).sum());
        for may_go in turns {
            let goes = |candidate: &Candidate| {
                let goes = excess > 0 && may_go(candidate);
                excess = excess.saturating_sub(if goes { candidate.bytes } else { 0 });
                goes
            };
            let (gone, kept): (Vec<_>, Vec<_>) = rest.into_iter().partition(goes);
            chosen.extend(gone);
            rest = kept;
        }
        chosen
    }

    fn delete(&self, chosen: Vec<Candidate>, now: MediaTime) -> Retained {
        let mut retained = Retained::default();
        if chosen.is_empty() {
            return retained;
        }
        let mut writer = lock(&self.writer);
        let mut touched: BTreeMap<RenditionId, Vec<u64>> = BTreeMap::new();
        for candidate in chosen {
            let segment = match self.unlink(&candidate) {
                Ok(segment) => segment,
                Err(error) => {
                    write(&self.catalog).note_failure(&error, now);
                    break;
                }
            };
            retained.deleted += 1;
            touched.entry(candidate.rendition.clone()).or_default().push(candidate.number);
            if let Some(segment) = segment.filter(|_| !candidate.delivered) {
                retained.overflowed.push((candidate.rendition, segment));
            }
        }
        for (id, numbers) in touched {
            if let Some(lane) = writer.lanes.get_mut(&id) {
                lane.record_deleted(&numbers, &self.catalog);
            }
        }
        retained
    }

    fn unlink(&self, candidate: &Candidate) -> Result<Option<Segment>, SpoolError> {
        let path = self.directory.join(candidate.rendition.as_str()).join(&candidate.file);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.at(&path)?,
        }
        let mut catalog = write(&self.catalog);
        Ok(catalog.shelves.get_mut(&candidate.rendition).and_then(|shelf| shelf.segments.remove(&candidate.number)))
    }
}

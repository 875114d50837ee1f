//! Which segments to let go, and when.
//!
//! A segment goes when it is old enough *and* every destination has it. When room runs out (the quota, or the disk
//! itself) segments go before that: first those that every destination has, except the newest, which playlists still
//! name; then the oldest of all. Whoever is owed one of those is told.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::time::Duration;

use crate::hls::segment_name;
use crate::model::{MediaTime, RenditionId};

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

/// How many of the largest segments have to fit on the disk besides what is there.
const RESERVE_SEGMENTS: u64 = 4;

/// The least reserve, for a spool that has no segments yet.
const RESERVE_BYTES: u64 = 256 << 10;

struct Candidate {
    rendition: RenditionId,
    segment: Segment,
    delivered: bool,
    age: Duration,
}

impl Spool {
    /// Deletes segments: the old ones that `delivered(rendition, number)` says every destination has, and as many more
    /// as the quota and the free space of the disk demand. Call it after each completed segment and after each error.
    /// Blocks for the disk.
    pub fn retain(&self, now: MediaTime, delivered: &dyn Fn(&RenditionId, u64) -> bool) -> Retained {
        let inner = &*self.inner;
        let candidates = inner.candidates(now, delivered);
        let chosen = inner.choose(candidates);
        let retained = inner.delete(chosen, now);
        write(&inner.catalog).note_retained(retained.overflowed.len(), now);
        retained
    }
}

impl Inner {
    /// All segments, the oldest first.
    fn candidates(&self, now: MediaTime, delivered: &dyn Fn(&RenditionId, u64) -> bool) -> Vec<Candidate> {
        let catalog = read(&self.catalog);
        let all = catalog.shelves.iter().flat_map(|(id, shelf)| shelf.segments.values().map(move |one| (id, one)));
        let candidate = |(id, segment): (&RenditionId, &Segment)| Candidate {
            rendition: id.clone(),
            segment: segment.clone(),
            delivered: false,
            age: now.since(segment.start + segment.duration),
        };
        let mut candidates: Vec<Candidate> = all.map(candidate).collect();
        drop(catalog);
        // Asked without the lock: whoever answers may look into the spool.
        for candidate in &mut candidates {
            candidate.delivered = delivered(&candidate.rendition, candidate.segment.number);
        }
        candidates.sort_by_key(|candidate| candidate.segment.number);
        candidates
    }

    /// Splits off what has to go.
    fn choose(&self, candidates: Vec<Candidate>) -> Vec<Candidate> {
        let bytes: u64 = candidates.iter().map(|candidate| candidate.segment.bytes).sum();
        let mut excess = bytes.saturating_sub(self.allowed(bytes, &candidates));
        let due = |candidate: &Candidate| candidate.delivered && candidate.age > self.retain;
        let spare = |candidate: &Candidate| candidate.delivered && candidate.age > PLAYLIST_REACH;
        let (mut chosen, mut rest): (Vec<_>, Vec<_>) = candidates.into_iter().partition(due);
        excess = excess.saturating_sub(chosen.iter().map(|candidate| candidate.segment.bytes).sum());
        for may_go in [&spare as &dyn Fn(&Candidate) -> bool, &|_: &Candidate| true] {
            let (mut kept, mut next) = (Vec::new(), rest.into_iter());
            while let Some(candidate) = (excess > 0).then(|| next.next()).flatten() {
                if may_go(&candidate) {
                    excess = excess.saturating_sub(candidate.segment.bytes);
                    chosen.push(candidate);
                } else {
                    kept.push(candidate);
                }
            }
            kept.extend(next);
            rest = kept;
        }
        chosen
    }

    /// Bytes that segments may take now: the quota, or less where the disk is nearly full.
    fn allowed(&self, bytes: u64, candidates: &[Candidate]) -> u64 {
        let largest = candidates.iter().map(|candidate| candidate.segment.bytes).max().unwrap_or(0);
        let renditions: BTreeSet<_> = candidates.iter().map(|candidate| &candidate.rendition).collect();
        let reserve = (largest * RESERVE_SEGMENTS * renditions.len() as u64).max(RESERVE_BYTES);
        // A disk that cannot be asked reports itself when it is written to.
        let free = free_bytes(&self.directory).unwrap_or(u64::MAX);
        self.quota_bytes.min(bytes.saturating_add(free).saturating_sub(reserve))
    }

    fn delete(&self, chosen: Vec<Candidate>, now: MediaTime) -> Retained {
        let mut retained = Retained::default();
        if chosen.is_empty() {
            return retained;
        }
        let mut writer = lock(&self.writer);
        let mut touched: Vec<(RenditionId, u64)> = Vec::new();
        for candidate in chosen {
            let (id, number) = (candidate.rendition, candidate.segment.number);
            if let Err(error) = self.unlink(&id, number) {
                write(&self.catalog).note_failure(&error, now);
                break;
            }
            touched.push((id.clone(), number));
            retained.deleted += 1;
            if !candidate.delivered {
                retained.overflowed.push((id, candidate.segment));
            }
        }
        for (id, lane) in &mut writer.lanes {
            let numbers: Vec<u64> = touched.iter().filter(|(of, _)| of == id).map(|(_, number)| *number).collect();
            let catalog = read(&self.catalog);
            if let Some(shelf) = catalog.shelves.get(id).filter(|_| !numbers.is_empty()) {
                lane.record_deleted(&numbers, shelf);
            }
        }
        retained
    }

    fn unlink(&self, id: &RenditionId, number: u64) -> Result<(), SpoolError> {
        let path = self.directory.join(id.as_str()).join(segment_name(number));
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.at(&path)?,
        }
        if let Some(shelf) = write(&self.catalog).shelves.get_mut(id) {
            shelf.segments.remove(&number);
        }
        Ok(())
    }
}

//! What is owed of a rendition, what of it may be sent, and how it went.

use std::time::Instant;

use super::{Lane, Slot};

impl Lane {
    /// The live edge, if it is owed and may be sent.
    pub(crate) fn live(&self, now: Instant) -> Option<u64> {
        if self.is_dropped() {
            return None;
        }
        let live = self.under_way.values().filter(|backfill| !**backfill).count();
        self.newest().filter(|n| live < LIVE_REQUESTS && self.pending.contains(n) && self.ready(*n, now))
    }

    /// The newest that is owed and may be sent: what a probe takes.
    pub(crate) fn newest_owed(&self, now: Instant) -> Option<u64> {
        self.pending.iter().rev().copied().find(|n| self.ready(*n, now))
    }

    /// Behind the live edge, but still in the playlist's window: the newest first.
    pub(crate) fn backfill_in_window(&self, window: u64, now: Instant) -> Option<u64> {
        let newest = self.newest()?;
        let oldest = (newest + 1).saturating_sub(window);
        self.pending.range(oldest..newest).rev().copied().find(|n| self.ready(*n, now))
    }

    /// Behind the live edge: the oldest first.
    pub(crate) fn backfill_oldest(&self, now: Instant) -> Option<u64> {
        self.pending.range(..self.newest()?).copied().find(|n| self.ready(*n, now))
    }

    /// Whether a segment of the live edge is under way.
    pub(crate) fn is_live(&self) -> bool {
        self.under_way.values().any(|backfill| !backfill)
    }

    /// Segment `number` is being sent.
    pub(crate) fn start(&mut self, number: u64, backfill: bool) {
        self.pending.remove(&number);
        self.under_way.insert(number, backfill);
    }

    /// Segment `number` was acknowledged.
    pub(crate) fn acknowledge(&mut self, number: u64) {
        self.under_way.remove(&number);
        self.waits.remove(&number);
        self.delivered.acknowledged.insert(number);
        self.delivered.skipped.remove(number);
        if self.sweeps {
            self.delivered.stored.insert(number);
        }
        self.edge = self.edge.max(Some(number));
    }

    /// Segment `number` will never be delivered.
    pub(crate) fn skip(&mut self, number: u64) {
        self.under_way.remove(&number);
        self.waits.remove(&number);
        self.delivered.skipped.insert(number);
    }

    /// Segment `number` is owed again, after a while.
    pub(crate) fn put_back(&mut self, number: u64, now: Instant, random: f64) {
        self.under_way.remove(&number);
        if self.segment(number).is_some() && !self.resting && !self.delivered.settled(number) {
            self.pending.insert(number);
            self.waits.entry(number).or_insert_with(|| Slot::new(self.backoff)).failed(now, random);
        }
    }

    /// The destination lost segment `number`.
    pub(crate) fn owe_again(&mut self, number: u64) {
        self.delivered.acknowledged.remove(number);
        if self.segment(number).is_some() && !self.resting {
            self.pending.insert(number);
        }
    }

    /// The destination is back after an outage: nothing waits, everything is told anew, and what players can see is
    /// looked for.
    pub(crate) fn reconnected(&mut self, window: u64) {
        self.waits.clear();
        self.init.reset();
        self.look.reset();
        self.playlist.reset();
        self.published = None;
        self.parts.reconnected(self.newest());
        self.delivered.inits.clear();
        let oldest = self.newest().map_or(0, |newest| (newest + 1).saturating_sub(window));
        self.check_from(oldest);
    }

    /// All that is acknowledged from `oldest` on is to be looked for.
    pub(crate) fn check_from(&mut self, oldest: u64) {
        let numbers = self.segments.iter().map(|segment| segment.number).filter(|n| *n >= oldest);
        self.unchecked = numbers.filter(|n| self.delivered.acknowledged.contains(*n)).collect();
    }

    /// Numbers owed, under way or not.
    pub(crate) fn owed(&self) -> impl Iterator<Item = u64> {
        self.pending.iter().chain(self.under_way.keys()).copied()
    }

    /// Whether anything behind the live edge is owed.
    pub(crate) fn behind(&self) -> bool {
        self.newest().is_some_and(|newest| self.owed().any(|number| number < newest))
    }

    /// Whether more than the segment before the live edge is owed: an upload that takes a little longer than the segment
    /// lasts is no backlog.
    pub(crate) fn well_behind(&self) -> bool {
        self.newest().is_some_and(|newest| self.owed().any(|number| number + 1 < newest))
    }

    /// Segments owed beyond the newest that the destination has; none before it has any.
    pub(crate) fn behind_by(&self) -> Option<usize> {
        let last = self.last_acknowledged()?.number;
        Some(self.owed().filter(|number| *number > last).count())
    }

    /// Whether nothing in the window that ends with the newest segment is owed, and the destination has that one.
    pub(crate) fn is_whole(&self, window: u64) -> bool {
        let Some(newest) = self.newest() else { return false };
        let oldest = (newest + 1).saturating_sub(window);
        // The newest of all may be on its way at any time.
        let behind = |number: &u64| (oldest..newest).contains(number);
        let settled =
            self.delivered.settled(newest) || newest.checked_sub(1).is_some_and(|n| self.delivered.settled(n));
        settled && !self.owed().any(|number| behind(&number)) && self.last_acknowledged().is_some()
    }

    /// The next instant after `now` at which something that waits may be sent.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Instant> {
        let waits = self.waits.values().chain([&self.init, &self.playlist, &self.look]);
        let look = self.look_at.filter(|at| *at > now);
        waits.filter_map(|slot| slot.due_after(now)).chain(look).min()
    }

    pub(super) fn ready(&self, number: u64, now: Instant) -> bool {
        self.waits.get(&number).is_none_or(|slot| slot.ready(now))
    }
}

/// Requests for segments of one rendition at the live edge; a second one starts when a segment takes longer than it
/// lasts.
const LIVE_REQUESTS: usize = 2;

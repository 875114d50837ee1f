//! One rendition on its way to one destination: what is owed, what is under way, what players were told. Pure.

use crate::hls::{DateRange, Keys, MediaPlaylist, MediaSegment, ToldPlaylist};
use crate::model::{Boundaries, MediaTime, RenditionId, Timeline};
use crate::policy::{Attempts, Backoff};
use crate::spool::Segment;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use super::description::Medium;
use super::edge::Edge;
use super::pair::joint::{Joint, Seam, Side};
use super::protect::Renamed;
use super::record::Delivered;

/// Requests for segments of one rendition at the live edge; a second one starts when a segment takes longer than it
/// lasts.
const LIVE_REQUESTS: usize = 2;

/// A rendition that was left out is told again when its last so many segments have arrived.
const SOLID: u64 = 3;

/// What a playlist says of the channel's time.
#[derive(Debug, Clone)]
pub(crate) struct Timing {
    boundaries: Boundaries,
    ranges: Vec<DateRange>,
}

impl From<&Timeline> for Timing {
    fn from(timeline: &Timeline) -> Self {
        Self { boundaries: timeline.boundaries().clone(), ranges: DateRange::all(timeline) }
    }
}

impl Timing {
    /// How long segments are.
    pub(crate) fn segment(&self) -> Duration {
        self.boundaries.grid().duration()
    }
}

/// How an object stands that is not divided into numbers: an initialisation or a playlist.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// Under way.
    pub(crate) busy: bool,
    attempts: Attempts,
    not_before: Option<Instant>,
}

impl Slot {
    /// Idle, nothing failed.
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self { busy: false, attempts: Attempts::new(backoff), not_before: None }
    }

    /// Whether it may be sent.
    pub(crate) fn ready(&self, now: Instant) -> bool {
        !self.busy && self.not_before.is_none_or(|at| at <= now)
    }

    /// When it may be sent, if it has to wait at `now`.
    pub(crate) fn due_after(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|at| *at > now)
    }

    /// It was delivered.
    pub(crate) fn done(&mut self) {
        self.busy = false;
        self.reset();
    }

    /// It failed.
    pub(crate) fn failed(&mut self, now: Instant, random: f64) {
        self.busy = false;
        self.not_before = Some(now + self.attempts.failed(random));
    }

    /// Earlier failures no longer count.
    pub(crate) fn reset(&mut self) {
        self.attempts.reset();
        self.not_before = None;
    }
}

/// See the module's header.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    /// The rendition.
    pub(crate) id: RenditionId,
    /// Picture, sound or text.
    pub(crate) medium: Medium,
    /// What the destination has.
    pub(crate) delivered: Delivered,
    /// What the spool has, ascending.
    segments: Vec<Segment>,
    /// In the spool, neither delivered nor under way.
    pending: BTreeSet<u64>,
    /// Under way; whether as backfill.
    under_way: BTreeMap<u64, bool>,
    waits: BTreeMap<u64, Slot>,
    /// Whether segments are to be deleted there some day.
    pub(crate) sweeps: bool,
    /// Acknowledged once, to be looked for after an outage.
    pub(crate) unchecked: BTreeSet<u64>,
    /// The initialisations.
    pub(crate) init: Slot,
    /// The media playlist.
    pub(crate) playlist: Slot,
    /// The media playlist as the destination has it.
    pub(crate) published: Option<String>,
    /// The last number that players may have been told of: a playlist never goes back behind it.
    edge: Option<u64>,
    /// The newest number that the process before this one may have told players of: the record of what was acknowledged
    /// is written now and then, so it may be older.
    inherited: Option<u64>,
    /// Parts at the live edge.
    pub(crate) parts: Edge,
    /// Initialisations that are called otherwise there than in the spool.
    pub(crate) renamed: Renamed,
    /// The keys of what is encrypted there, as far as players can have them.
    pub(crate) keys: Option<Keys>,
    /// Looking at what another box of a pair tells.
    pub(crate) look: Slot,
    /// When to look again.
    pub(crate) look_at: Option<Instant>,
    /// It was looked at since nobody else can write.
    pub(crate) surveyed: bool,
    /// What was told when it was looked at last.
    pub(crate) told: Option<ToldPlaylist>,
    /// How this box goes on with what another one told.
    pub(crate) joint: Option<Joint>,
    /// On standby: nothing is owed.
    resting: bool,
    /// Players are not told of it: it is left out, or there is not enough of it yet since it was.
    pub(crate) hidden: bool,
    /// It is left out because of a spent budget, whatever the line carries.
    barred: bool,
    backoff: Backoff,
}

impl Lane {
    /// A rendition of which `delivered` is known.
    pub(crate) fn new(id: RenditionId, medium: Medium, delivered: Delivered, backoff: Backoff) -> Self {
        Self {
            id,
            medium,
            hidden: delivered.dropped_from.is_some(),
            delivered,
            segments: Vec::new(),
            pending: BTreeSet::new(),
            under_way: BTreeMap::new(),
            waits: BTreeMap::new(),
            sweeps: false,
            unchecked: BTreeSet::new(),
            init: Slot::new(backoff),
            playlist: Slot::new(backoff),
            published: None,
            edge: None,
            inherited: None,
            parts: Edge::default(),
            renamed: Renamed::new(),
            keys: None,
            look: Slot::new(backoff),
            look_at: None,
            surveyed: false,
            told: None,
            joint: None,
            resting: false,
            barred: false,
            backoff,
        }
    }

    /// What the spool has now was written by the process before this one.
    pub(crate) fn inherit(&mut self) {
        self.inherited = self.newest();
        self.parts.inherit();
    }

    /// Takes over what the spool has now.
    pub(crate) fn refresh(&mut self, segments: Vec<Segment>) {
        self.segments = segments;
        if let Some(oldest) = self.segments.first().map(|segment| segment.number) {
            self.delivered.acknowledged.forget_below(oldest);
            self.delivered.skipped.forget_below(oldest);
            self.waits = self.waits.split_off(&oldest);
            self.unchecked = self.unchecked.split_off(&oldest);
        }
        let owed = self.segments.iter().filter(|_| !self.resting).map(|segment| segment.number);
        self.pending = owed.filter(|n| !self.delivered.settled(*n) && !self.under_way.contains_key(n)).collect();
        let in_use = |name: &String| self.segments.iter().any(|segment| segment.init == *name);
        if !self.segments.is_empty() && self.delivered.inits.len() > 1 {
            self.delivered.inits.retain(in_use);
        }
    }

    /// Whatever was under way has been given up.
    pub(crate) fn forget_requests(&mut self) {
        let given_up = std::mem::take(&mut self.under_way).into_keys();
        let numbers: Vec<u64> = given_up.filter(|number| self.segment(*number).is_some()).collect();
        self.pending.extend(numbers);
        (self.init.busy, self.playlist.busy, self.look.busy) = (false, false, false);
    }

    /// The segment numbered `number`.
    pub(crate) fn segment(&self, number: u64) -> Option<&Segment> {
        let found = self.segments.binary_search_by_key(&number, |segment| segment.number);
        found.ok().and_then(|index| self.segments.get(index))
    }

    /// The live edge: the newest number in the spool.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.segments.last().map(|segment| segment.number)
    }

    /// The oldest number in the spool.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.segments.first().map(|segment| segment.number)
    }

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

    /// The part that goes next: its segment, its place in it.
    pub(crate) fn next_part(&self) -> Option<(u64, u32)> {
        let (number, index, init) = self.parts.next(self.newest())?;
        (!self.resting && !self.is_dropped() && self.delivered.has_init(init)).then_some((number, index))
    }

    /// The initialisation that players need next and the destination lacks.
    pub(crate) fn missing_init(&self) -> Option<&str> {
        let newest = self.segments.last().map(|segment| segment.init.as_str());
        // With parts the one of the segment that is being written.
        newest.into_iter().chain(self.parts.init()).find(|name| !self.delivered.has_init(name))
    }

    /// Owes nothing from now on.
    pub(crate) fn rest(&mut self) {
        self.resting = true;
        // Of the line there nothing will be known when it is needed again.
        if !self.barred {
            (self.delivered.dropped_from, self.hidden) = (None, false);
        }
        self.pending.clear();
        self.unchecked.clear();
    }

    /// Owes what is in the playlist's window, and what comes; no more of what was missed on standby.
    pub(crate) fn wake(&mut self, window: u64) {
        let floor = self.newest().map_or(0, |newest| (newest + 1).saturating_sub(window));
        for number in self.segments.iter().map(|segment| segment.number).take_while(|number| *number < floor) {
            if !self.delivered.settled(number) {
                self.delivered.skipped.insert(number);
            }
        }
        self.resting = false;
        let segments = std::mem::take(&mut self.segments);
        self.refresh(segments);
    }

    /// Gives up what is owed and `withheld`; whether that was anything.
    pub(crate) fn withhold(&mut self, withheld: impl Fn(&Segment) -> bool) -> bool {
        let owed = self.pending.iter().filter_map(|number| self.segment(*number));
        let numbers: Vec<u64> = owed.filter(|segment| withheld(segment)).map(|segment| segment.number).collect();
        for number in &numbers {
            self.pending.remove(number);
            self.skip(*number);
        }
        !numbers.is_empty()
    }

    /// Whether it is left out: no live edge, and players are told of gaps.
    pub(crate) fn is_dropped(&self) -> bool {
        self.delivered.dropped_from.is_some()
    }

    /// Whether that is because of a spent budget.
    pub(crate) fn is_barred(&self) -> bool {
        self.barred
    }

    /// Whether it is left out because the line is too slow for it.
    pub(crate) fn outgrows_line(&self) -> bool {
        self.is_dropped() && !self.barred
    }

    /// Leaves it out from the next segment on.
    pub(crate) fn leave_out(&mut self) {
        self.leave_out_from(self.newest().map_or(0, |newest| newest + 1));
    }

    fn leave_out_from(&mut self, number: u64) {
        self.delivered.dropped_from = Some(number);
        self.hidden = true;
        self.parts.withdraw();
    }

    /// Leaves it out because of a spent budget, with all that is owed; or takes it up again with the next segment.
    pub(crate) fn bar(&mut self, barred: bool) {
        self.barred = barred;
        if barred { self.leave_out_from(0) } else { self.take_up() }
    }

    /// Takes it up again with the next segment. Players are told when there is [enough](Self::show_if_solid) of it.
    pub(crate) fn take_up(&mut self) {
        self.delivered.dropped_from = None;
    }

    /// Gives up what has become owed since it is left out; how many segments.
    pub(crate) fn pass_over(&mut self) -> u64 {
        let Some(from) = self.delivered.dropped_from else { return 0 };
        let numbers = self.pending.split_off(&from);
        numbers.iter().for_each(|number| self.skip(*number));
        numbers.len() as u64
    }

    /// Lets players know of it again once it has its newest segments.
    pub(crate) fn show_if_solid(&mut self) {
        let last = self.last_acknowledged().map(|segment| segment.number);
        let Some((last, newest)) = last.zip(self.newest()).filter(|_| self.hidden && !self.is_dropped()) else {
            return;
        };
        let run = (last + 1).saturating_sub(SOLID)..=last;
        self.hidden = last + 1 < newest || !run.into_iter().all(|n| self.delivered.acknowledged.contains(n));
    }

    /// Players are told of it as far as of the others, which reach to `edge`.
    pub(crate) fn follow(&mut self, edge: u64) {
        if let Some(newest) = self.newest().filter(|_| self.is_dropped()) {
            self.edge = self.edge.max(Some(edge.min(newest)));
        }
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

    /// Segments owed beyond the newest that the destination has; none before it has any.
    pub(crate) fn behind_by(&self) -> Option<usize> {
        let last = self.last_acknowledged()?.number;
        Some(self.owed().filter(|number| *number > last).count())
    }

    /// The initialisation in use.
    pub(crate) fn current_init(&self) -> Option<&str> {
        self.segments.last().map(|segment| segment.init.as_str())
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

    /// The media playlist as it should be: the window that ends with the newest acknowledged segment; what is owed in it
    /// is a gap. None before anything was acknowledged, and while it would end before what players have seen already.
    pub(crate) fn wanted_playlist(&self, timing: &Timing, window: u64) -> Option<String> {
        let last = self.edge.max(self.last_acknowledged().map(|segment| segment.number))?;
        // Also if it is refused now: the next one is waited for.
        if self.inherited.is_some_and(|n| n > last && self.segment(n).is_some()) {
            return None;
        }
        let last = if self.parts.is_under_way(last) { last.checked_sub(1)? } else { last };
        if self.parts.is_ahead(last) {
            return None;
        }
        if self.joint.as_ref().is_some_and(|joint| last + 1 < joint.reach()) {
            return None;
        }
        let oldest = (last + 1).saturating_sub(window);
        let from = self.segments.partition_point(|segment| segment.number < oldest);
        let to = self.segments.partition_point(|segment| segment.number <= last);
        let listed: Vec<MediaSegment> = self.segments[from..to].iter().map(|segment| self.entry(segment)).collect();
        let listed = match &self.joint {
            Some(joint) => joint.merge(listed, oldest),
            None => listed,
        };
        let before = listed.last().map(|last| last.discontinuity_sequence);
        let window = usize::try_from(window).unwrap_or(usize::MAX);
        let mut playlist = MediaPlaylist::new(&timing.boundaries, window, &listed)?;
        if let Some(mut parts) = self.parts.parts(last, |number| Some(self.segment(number)?.duration)) {
            if let Some(joint) = &self.joint {
                parts.open = parts.open.map(|open| joint.open(open, before));
            }
            playlist = playlist.with_parts(parts);
        }
        if let Some(keys) = &self.keys {
            playlist = playlist.with_keys(keys.clone())?;
        }
        Some(playlist.with_ranges(&timing.ranges).to_string())
    }

    /// The newest segment that the destination has, of those in the spool.
    pub(crate) fn last_acknowledged(&self) -> Option<&Segment> {
        self.segments.iter().rev().find(|segment| self.delivered.acknowledged.contains(segment.number))
    }

    /// Numbers that its playlist lists, and those that it may list soon.
    pub(crate) fn windows(&self, window: u64) -> Vec<RangeInclusive<u64>> {
        let told = self.edge.max(self.last_acknowledged().map(|segment| segment.number));
        let ends = [told, self.newest().map(|newest| newest + 1)];
        ends.into_iter().flatten().map(|end| (end + 1).saturating_sub(window + 1)..=end).collect()
    }

    /// The initialisation of segment `number`, complete or not; empty for text.
    pub(crate) fn init_of(&self, number: u64) -> Option<&str> {
        let whole = self.segment(number).map(|segment| segment.init.as_str());
        whole.or_else(|| self.parts.init_of(number))
    }

    /// What the spool calls the initialisation `name`.
    pub(crate) fn spool_init<'a>(&'a self, name: &'a str) -> &'a str {
        self.renamed.get(name).map_or(name, |(plain, _)| plain)
    }

    /// End of what the destination has.
    pub(crate) fn position(&self) -> Option<MediaTime> {
        self.last_acknowledged().map(|segment| segment.start + segment.duration)
    }

    /// Newest segments in the spool, for measuring.
    pub(crate) fn recent(&self, count: usize) -> &[Segment] {
        &self.segments[self.segments.len().saturating_sub(count)..]
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

    /// The next instant after `now` at which something that waits may be sent.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Instant> {
        let waits = self.waits.values().chain([&self.init, &self.playlist, &self.look]);
        let look = self.look_at.filter(|at| *at > now);
        waits.filter_map(|slot| slot.due_after(now)).chain(look).min()
    }

    fn ready(&self, number: u64, now: Instant) -> bool {
        self.waits.get(&number).is_none_or(|slot| slot.ready(now))
    }

    fn entry(&self, segment: &Segment) -> MediaSegment {
        MediaSegment {
            number: segment.number,
            start: segment.start,
            duration: segment.duration,
            init: segment.init.clone(),
            discontinuity: segment.discontinuity,
            discontinuity_sequence: segment.discontinuity_sequence,
            gap: !self.delivered.acknowledged.contains(segment.number),
        }
    }
}

/// What belongs to a box of a pair.
impl Lane {
    /// What was looked at before is not known any more.
    pub(crate) fn look_anew(&mut self) {
        self.look.done();
        (self.look_at, self.surveyed, self.told) = (None, false, None);
    }

    /// Players were told this by another box: what they can have is not owed.
    pub(crate) fn learn(&mut self, told: Option<ToldPlaylist>) {
        if let Some(told) = &told {
            for number in told.there() {
                self.delivered.acknowledged.insert(number);
                self.pending.remove(&number);
                self.waits.remove(&number);
            }
            // What is older is the other's business, as long as it lives.
            self.delivered.elsewhere = Some(told.first());
        }
        self.told = told;
    }

    /// What this box has, and what was told.
    pub(crate) fn side(&self) -> Side<'_> {
        let own = self.segments.iter().map(|s| (s.number, s.discontinuity_sequence, s.init.as_str())).collect();
        Side { told: self.told.as_ref(), own }
    }

    /// Goes on with what was told.
    pub(crate) fn join(&mut self, seam: Option<&Seam>) {
        self.delivered.elsewhere = None;
        self.inherited = None;
        self.joint = seam.map(|seam| seam.joint(self.told.as_ref()));
        if let Some(seam) = seam {
            let last = self.told.as_ref().and_then(|told| told.entries.last()).map(|last| last.number);
            self.edge = self.edge.max(last);
            self.parts.begin_at(seam.number);
        }
        self.told = None;
    }
}

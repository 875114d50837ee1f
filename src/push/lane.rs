//! One rendition on its way to one destination: what is owed, what is under way, what players were told. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use crate::hls::{Keys, ToldPlaylist};
use crate::model::{MediaTime, RenditionId};
use crate::policy::Backoff;
use crate::spool::Segment;

use super::description::Medium;
use super::edge::Edge;
use super::pair::joint::Joint;
use super::protect::Renamed;
use super::record::Delivered;

mod joined;
mod left_out;
mod owed;
mod slot;
mod told;

pub(crate) use slot::Slot;
pub(crate) use told::Timing;

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

    /// The initialisation in use.
    pub(crate) fn current_init(&self) -> Option<&str> {
        self.segments.last().map(|segment| segment.init.as_str())
    }

    /// The newest segment that the destination has, of those in the spool.
    pub(crate) fn last_acknowledged(&self) -> Option<&Segment> {
        self.segments.iter().rev().find(|segment| self.delivered.acknowledged.contains(segment.number))
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
}

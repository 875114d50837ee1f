//! What to send next. Pure: the task asks, sends, and says how it went.
//!
//! ```text
//! gate open:   initialisation in use → parts → live edge → playlists → what is missing in the playlist's window, newest
//!              first → checks after an outage → what is older, the oldest first; last what is left out
//! gate probe:  one object: the newest segment owed, with its initialisation, else a playlist
//! gate closed: nothing
//!
//! restoring:   the same without playlists
//! standby:     an initialisation every few seconds
//! watching:    playlists are looked at, because another box of a pair delivers (`watch`)
//! ```
//!
//! A segment that is not the newest any more is backfill: that is the one segment duration it gets at the live edge. What
//! players can see has a request of its own: neither an old segment that is being sent nor a long search takes its place.
//!
//! A rendition that the line does not carry is left out ([`Lane::is_dropped`]): no live edge, and a playlist that goes on
//! with the others', as gaps. Now and then one segment of it is sent to see what the line carries (`trial`).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::hls;
use crate::model::{ChannelId, Duty, RenditionId, SegmentGrid, Timeline};
use crate::policy::{Backoff, RetryDecision};

use super::description::Medium;
use super::lane::{Lane, Slot, Timing};
use super::link::Gate;
use super::object::{Object, Outcome};
use super::store::Label;

mod watch;

pub(crate) use watch::{Continued, Post};

/// One object that failed, while others did not.
const OBJECT: Backoff =
    Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(2), factor: 2.0, jitter: 0.3 };

/// On standby something small is sent this often, to know whether more would be taken.
const LOOK: Duration = Duration::from_secs(5);

/// Requests in the playlist's window behind the live edge, and again for what is older: one, so that the live edge has the
/// line.
const BEHIND: usize = 1;
/// Requests in the window of a destination that has just become active, and at most behind the live edge.
const FILLING: usize = 4;

/// The search for what an origin lost while it was away. An origin that does not serve what it takes would seem to have
/// lost everything: so a segment which it has just acknowledged is looked for first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Search {
    Off,
    AwaitingControl,
    Control { lane: usize, number: u64 },
    Running { thorough: bool },
}

/// See the module's header.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// The renditions: video, then audio, as described.
    pub(crate) lanes: Vec<Lane>,
    /// The multivariant playlist.
    pub(crate) multivariant: Slot,
    /// The multivariant playlist as the destination has it.
    pub(crate) published: Option<String>,
    timing: Timing,
    window: u64,
    /// Segments under way that were missing in the playlist's window when they were begun: lane, number.
    catching: BTreeSet<(usize, u64)>,
    /// Other requests behind the live edge.
    backfilling: usize,
    probing: bool,
    search: Search,
    duty: Duty,
    /// Playlists wait for a whole window, until then.
    filling: Option<Instant>,
    /// When an endpoint on standby is looked at next.
    look_at: Option<Instant>,
    post: Post,
    /// Backfill begins only while no segment of the live edge is under way.
    pub(crate) yields: bool,
    /// The lane of which a segment is to be sent, to see what the line carries.
    trial: Option<usize>,
    /// That segment, once it has been sent.
    trying: Option<(usize, u64)>,
}

impl Delivery {
    /// Renditions without segments yet.
    pub(crate) fn new(lanes: Vec<Lane>, timeline: &Timeline, window: u32) -> Self {
        Self {
            lanes,
            multivariant: Slot::new(OBJECT),
            published: None,
            timing: timeline.into(),
            window: u64::from(window.max(1)),
            catching: BTreeSet::new(),
            backfilling: 0,
            probing: false,
            search: Search::Off,
            duty: Duty::Active,
            filling: None,
            look_at: None,
            post: Post::Deliver,
            yields: false,
            trial: None,
            trying: None,
        }
    }

    /// Other renditions; nothing is under way. A playlist of another length is told at once.
    pub(crate) fn list(&mut self, lanes: Vec<Lane>, window: u32) {
        self.lanes = lanes;
        let joint = self.lanes.iter().find_map(|lane| lane.joint.as_ref()).map(super::pair::joint::Joint::bare);
        for lane in self.lanes.iter_mut().filter(|lane| lane.joint.is_none()) {
            lane.joint.clone_from(&joint);
        }
        self.lanes.iter_mut().for_each(Lane::forget_requests);
        if self.duty == Duty::Standby {
            self.lanes.iter_mut().for_each(Lane::rest);
        }
        self.multivariant.busy = false;
        self.catching.clear();
        (self.backfilling, self.probing) = (0, false);
        (self.trial, self.trying) = (None, None);
        self.window = u64::from(window.max(1));
        let owed = self.lanes.iter().any(|lane| !lane.unchecked.is_empty());
        self.search = if owed { Search::AwaitingControl } else { Search::Off };
    }

    /// What the destination is there for from now on. One that becomes active waits with its playlists until the window is
    /// whole, at most for `patience`.
    pub(crate) fn assign(&mut self, duty: Duty, patience: Duration, now: Instant) {
        let was = std::mem::replace(&mut self.duty, duty);
        match (was, duty) {
            (_, Duty::Standby) => {
                self.lanes.iter_mut().for_each(Lane::rest);
                self.filling = None;
            }
            (Duty::Standby, _) => {
                let window = self.window;
                self.lanes.iter_mut().for_each(|lane| lane.wake(window));
                self.reconnected();
                self.filling = Some(now + patience);
            }
            // Players were told nothing meanwhile.
            (Duty::Restoring, Duty::Active) => self.filling = Some(now + patience),
            _ => {}
        }
    }

    /// What the destination is there for.
    pub(crate) fn duty(&self) -> Duty {
        self.duty
    }

    /// Whether the destination has a whole window in every rendition, and the playlists that it is to have.
    pub(crate) fn is_playable(&self, multivariant: Option<&str>) -> bool {
        let whole = !self.lanes.is_empty() && self.carried().all(|lane| lane.is_whole(self.window));
        let told = || {
            self.lanes.iter().all(|lane| lane.published.is_some())
                && self.published.is_some()
                && self.published.as_deref() == multivariant
        };
        whole && (self.duty != Duty::Active || self.post != Post::Deliver || told())
    }

    /// Whether players may be told of what is there.
    fn tells(&self, now: Instant) -> bool {
        let whole = || self.carried().all(|lane| lane.is_whole(self.window));
        self.duty == Duty::Active && (self.filling.is_none_or(|until| until <= now) || whole())
    }

    /// Whether a first window is being filled: players have not been told of it.
    pub(crate) fn is_filling(&self) -> bool {
        self.filling.is_some()
    }

    /// The renditions that are not left out.
    pub(crate) fn carried(&self) -> impl Iterator<Item = &Lane> {
        self.lanes.iter().filter(|lane| !lane.is_dropped())
    }

    /// Sends a segment of a rendition that is left out, when nothing else is under way.
    pub(crate) fn try_line(&mut self, lane: usize) {
        self.trial = Some(lane);
    }

    /// Whether this is the segment of [`try_line`](Self::try_line).
    pub(crate) fn is_trial(&self, lane: usize, number: u64) -> bool {
        self.trying == Some((lane, number))
    }

    /// What is told of renditions that are left out goes on with the others.
    fn follow(&mut self) {
        let carried = self.carried().filter(|lane| lane.medium != Medium::Text);
        let edge = carried.filter_map(|lane| Some(lane.last_acknowledged()?.number)).min();
        if let Some(edge) = edge {
            self.lanes.iter_mut().for_each(|lane| lane.follow(edge));
        }
        self.lanes.iter_mut().filter(|lane| lane.hidden).for_each(Lane::show_if_solid);
    }

    /// Whether this segment under way was missing in the playlist's window.
    pub(crate) fn is_catching(&self, lane: usize, number: u64) -> bool {
        self.catching.contains(&(lane, number))
    }

    /// How many requests may be under way in the window behind the live edge.
    fn room_in_window(&self, now: Instant) -> usize {
        if self.filling.is_some_and(|until| now < until) { FILLING - self.backfilling.min(FILLING) } else { BEHIND }
    }

    /// Whether the line belongs to a segment of the live edge.
    fn is_yielding(&self) -> bool {
        self.yields && self.lanes.iter().any(Lane::is_live)
    }

    /// Cues or metadata have changed.
    pub(crate) fn retime(&mut self, timeline: &Timeline) {
        self.timing = timeline.into();
    }

    /// The backoff of a single object.
    pub(crate) fn object_backoff() -> Backoff {
        OBJECT
    }

    /// What to send now; the caller must report its outcome. `multivariant` is the text that playlist should have.
    pub(crate) fn next(&mut self, gate: Gate, multivariant: Option<&str>, now: Instant) -> Option<(Object, bool)> {
        match gate {
            Gate::Closed(_) => None,
            Gate::Probe if self.probing => None,
            Gate::Probe => {
                let object = match self.post {
                    Post::Deliver => self.probe(multivariant, now)?,
                    _ => self.look_around(now)?,
                };
                self.probing = true;
                Some((object, true))
            }
            Gate::Open if self.post != Post::Deliver => Some((self.at_post(now)?, false)),
            Gate::Open if self.duty == Duty::Standby => Some((self.look(now)?, false)),
            Gate::Open => {
                if self.lanes.iter().any(|lane| lane.hidden) {
                    self.follow();
                }
                if self.tells(now) {
                    self.filling = None;
                }
                let object = self
                    .init(now)
                    .or_else(|| self.part())
                    .or_else(|| self.live(now))
                    .or_else(|| self.playlist(multivariant, now))
                    .or_else(|| self.catch(now))
                    .or_else(|| self.check())
                    .or_else(|| self.try_one(now))
                    .or_else(|| self.backfill(now))?;
                Some((object, false))
            }
        }
    }

    /// Says how `object` went.
    pub(crate) fn settle(&mut self, object: &Object, probe: bool, outcome: Outcome, now: Instant, random: f64) {
        if probe {
            self.probing = false;
        }
        match object {
            Object::Init { lane, name } => self.settle_init(*lane, name, outcome, now, random),
            Object::Segment { lane, number, backfill } => {
                let caught = self.catching.remove(&(*lane, *number));
                self.backfilling = self.backfilling.saturating_sub(usize::from(*backfill && !caught));
                self.settle_segment(*lane, *number, outcome, now, random);
            }
            Object::Part { lane, number, index } => {
                self.lanes[*lane].parts.settle(*number, *index, outcome == Outcome::Acknowledged);
                if outcome == Outcome::Failed(RetryDecision::Never) {
                    self.lanes.iter_mut().for_each(|lane| lane.parts.give_up());
                }
            }
            Object::Playlist { lane, text } => {
                let lane = &mut self.lanes[*lane];
                settle_playlist(&mut lane.playlist, &mut lane.published, text, outcome, now, random);
            }
            Object::Multivariant { text } => {
                settle_playlist(&mut self.multivariant, &mut self.published, text, outcome, now, random);
            }
            Object::Check { lane, number } => {
                self.backfilling = self.backfilling.saturating_sub(1);
                self.settle_check(*lane, *number, outcome);
            }
            Object::Look { lane, survey } => self.settle_look(*lane, *survey, outcome, now, random),
            // `sweep` sees to it.
            Object::Remove { .. } => {}
        }
    }

    /// The destination is back after an outage.
    pub(crate) fn reconnected(&mut self) {
        for lane in &mut self.lanes {
            lane.reconnected(self.window);
        }
        self.multivariant.reset();
        self.published = None;
        let owed = self.lanes.iter().any(|lane| !lane.unchecked.is_empty());
        self.search = if owed { Search::AwaitingControl } else { Search::Off };
    }

    /// Whether nothing is owed and every playlist says so.
    pub(crate) fn finished(&self, multivariant: Option<&str>) -> bool {
        match self.post {
            Post::Watch { share: false } | Post::Survey => return true,
            Post::Watch { share: true } => return self.lanes.iter().all(|lane| lane.owed().next().is_none()),
            Post::Deliver => {}
        }
        if self.duty != Duty::Active {
            return self.lanes.iter().all(|lane| lane.owed().next().is_none());
        }
        let told = |lane: &Lane| lane.wanted_playlist(&self.timing, self.window) == lane.published;
        self.lanes.iter().all(|lane| lane.owed().next().is_none() && told(lane))
            && self.published.as_deref() == multivariant
    }

    /// The next instant after `now` at which something that waits may be sent.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Instant> {
        let lanes = self.lanes.iter().filter_map(|lane| lane.next_due(now));
        let own = [self.multivariant.due_after(now), self.filling, self.look_at];
        lanes.chain(own.into_iter().flatten().filter(|at| *at > now)).min()
    }

    /// Usual path below the base url, and what is told of it; `grid` says how often playlists change.
    pub(crate) fn address(&self, channel: &ChannelId, grid: SegmentGrid, object: &Object) -> (String, Label) {
        let lane = |index: usize| -> (&RenditionId, Label) {
            (&self.lanes[index].id, Label::media(self.lanes[index].medium.content_type()))
        };
        match object {
            Object::Init { lane: index, name } => (hls::object_path(channel, lane(*index).0, name), lane(*index).1),
            Object::Segment { lane: index, number, .. }
            | Object::Check { lane: index, number }
            | Object::Remove { lane: index, number } => {
                let name = self.lanes[*index].medium.segment_name(*number);
                (hls::object_path(channel, lane(*index).0, &name), lane(*index).1)
            }
            Object::Part { lane: index, number, index: part } => {
                (hls::object_path(channel, lane(*index).0, &hls::part_name(*number, *part)), lane(*index).1)
            }
            Object::Playlist { lane: index, .. } | Object::Look { lane: index, .. } => {
                let every = self.lanes[*index].parts.target().unwrap_or(grid.duration());
                (hls::media_playlist_path(channel, lane(*index).0), Label::playlist(every))
            }
            Object::Multivariant { .. } => (hls::multivariant_path(channel), Label::playlist(grid.duration())),
        }
    }

    /// Something small that the destination has to take some day anyway.
    fn look(&mut self, now: Instant) -> Option<Object> {
        if self.look_at.is_some_and(|at| now < at) {
            return None;
        }
        let object = self.small(now)?;
        self.look_at = Some(now + LOOK);
        Some(object)
    }

    fn small(&mut self, now: Instant) -> Option<Object> {
        let ready = |lane: &Lane| lane.current_init().filter(|_| lane.init.ready(now)).map(str::to_owned);
        let (lane, name) = self.lanes.iter().enumerate().find_map(|(index, lane)| Some((index, ready(lane)?)))?;
        self.lanes[lane].init.busy = true;
        Some(Object::Init { lane, name })
    }

    fn probe(&mut self, multivariant: Option<&str>, now: Instant) -> Option<Object> {
        // One that is owed but has to wait keeps its turn: a file that cannot be read would be tried without end.
        let newest = self.lanes.iter().enumerate().filter_map(|(index, lane)| Some((lane.newest_owed(now)?, index)));
        // Of equal numbers the first lane: the best picture.
        let mut newest: Vec<(u64, usize)> = newest.collect();
        newest.sort_by_key(|(number, index)| (std::cmp::Reverse(*number), *index));
        newest
            .into_iter()
            .find_map(|(number, lane)| self.segment_if(lane, number, false, now))
            .or_else(|| if self.tells(now) { self.any_playlist(multivariant, now) } else { self.small(now) })
    }

    /// A playlist, whether it is known there or not.
    fn any_playlist(&mut self, multivariant: Option<&str>, now: Instant) -> Option<Object> {
        for index in 0..self.lanes.len() {
            let text = self.lanes[index].playlist.ready(now).then(|| self.wanted(index)).flatten();
            if let Some(text) = text {
                self.lanes[index].playlist.busy = true;
                return Some(Object::Playlist { lane: index, text });
            }
        }
        let text = multivariant.filter(|_| self.multivariant.ready(now))?.to_owned();
        self.multivariant.busy = true;
        Some(Object::Multivariant { text })
    }

    fn init(&mut self, now: Instant) -> Option<Object> {
        let (lane, name) = self.lanes.iter().enumerate().find_map(|(index, lane)| {
            let name = lane.missing_init().filter(|_| lane.init.ready(now))?;
            Some((index, name.to_owned()))
        })?;
        self.lanes[lane].init.busy = true;
        Some(Object::Init { lane, name })
    }

    fn part(&mut self) -> Option<Object> {
        let next =
            |(lane, rendition): (usize, &Lane)| rendition.next_part().map(|(number, index)| (number, index, lane));
        // The oldest of all renditions first: none runs away from the others.
        let (number, index, lane) = self.lanes.iter().enumerate().filter_map(next).min()?;
        self.lanes[lane].parts.start(number, index);
        Some(Object::Part { lane, number, index })
    }

    fn live(&mut self, now: Instant) -> Option<Object> {
        (0..self.lanes.len()).find_map(|index| self.segment_if(index, self.lanes[index].live(now)?, false, now))
    }

    fn playlist(&mut self, multivariant: Option<&str>, now: Instant) -> Option<Object> {
        if !self.tells(now) {
            return None;
        }
        for index in 0..self.lanes.len() {
            let wanted = self.lanes[index].playlist.ready(now).then(|| self.wanted(index)).flatten();
            if wanted.is_some() && wanted != self.lanes[index].published {
                self.lanes[index].playlist.busy = true;
                return wanted.map(|text| Object::Playlist { lane: index, text });
            }
        }
        let text = multivariant.filter(|text| self.published.as_deref() != Some(text))?;
        self.multivariant.ready(now).then(|| {
            self.multivariant.busy = true;
            Object::Multivariant { text: text.to_owned() }
        })
    }

    fn check(&mut self) -> Option<Object> {
        if self.backfilling > 0 || self.catching.len() >= FILLING {
            return None;
        }
        let (lane, number) = match self.search {
            Search::Off | Search::AwaitingControl => return None,
            Search::Control { lane, number } => (lane, number),
            Search::Running { .. } => {
                let last = |(index, lane): (usize, &Lane)| Some((index, *lane.unchecked.last()?));
                let Some(found) = self.lanes.iter().enumerate().filter_map(last).max_by_key(|(_, number)| *number)
                else {
                    self.search = Search::Off;
                    return None;
                };
                found
            }
        };
        self.backfilling += 1;
        Some(Object::Check { lane, number })
    }

    /// What is missing in the playlist's window: it waits for the live edge, and for nothing else.
    fn catch(&mut self, now: Instant) -> Option<Object> {
        if self.catching.len() >= self.room_in_window(now) || self.is_yielding() {
            return None;
        }
        let (number, lane) = self.missing(false, now)?;
        let object = self.segment_if(lane, number, true, now)?;
        if matches!(object, Object::Segment { .. }) {
            self.catching.insert((lane, number));
        }
        Some(object)
    }

    /// The newest that is missing in the window behind the live edge, of renditions that are left out or of the others.
    fn missing(&self, dropped: bool, now: Instant) -> Option<(u64, usize)> {
        let lanes = self.lanes.iter().enumerate().filter(|(_, lane)| lane.is_dropped() == dropped);
        lanes
            .filter_map(|(index, lane)| Some((lane.backfill_in_window(self.window, now)?, index)))
            .max_by_key(|(number, index)| (*number, std::cmp::Reverse(*index)))
    }

    /// What is older, while nothing else is under way behind the live edge.
    fn backfill(&mut self, now: Instant) -> Option<Object> {
        if self.backfilling >= BEHIND || !self.catching.is_empty() || self.is_yielding() {
            return None;
        }
        let oldest = |dropped: bool| {
            let lanes = self.lanes.iter().enumerate().filter(|(_, lane)| lane.is_dropped() == dropped);
            lanes.filter_map(|(index, lane)| Some((lane.backfill_oldest(now)?, index))).min()
        };
        let (number, lane) = oldest(false).or_else(|| self.missing(true, now)).or_else(|| oldest(true))?;
        let object = self.segment_if(lane, number, true, now)?;
        self.backfilling += usize::from(matches!(object, Object::Segment { .. }));
        Some(object)
    }

    /// The newest segment of the rendition that is to be tried, if the line is free.
    fn try_one(&mut self, now: Instant) -> Option<Object> {
        let idle = self.backfilling == 0 && self.catching.is_empty() && !self.lanes.iter().any(Lane::is_live);
        let index = self.trial.filter(|_| idle)?;
        self.trial = None;
        let lane = self.lanes.get(index).filter(|lane| lane.is_dropped())?;
        let number = lane.newest().filter(|number| !lane.delivered.acknowledged.contains(*number))?;
        let object = self.segment_if(index, number, true, now)?;
        self.trying = matches!(object, Object::Segment { .. }).then_some((index, number));
        self.backfilling += usize::from(self.trying.is_some());
        Some(object)
    }

    /// Segment `number`, unless its initialisation has to go first and may not yet.
    fn segment_if(&mut self, lane: usize, number: u64, backfill: bool, now: Instant) -> Option<Object> {
        let known = self.lanes[lane].segment(number).is_some_and(|s| self.lanes[lane].delivered.has_init(&s.init));
        if known || self.lanes[lane].init.ready(now) { self.segment(lane, number, backfill) } else { None }
    }

    /// Segment `number`, or its initialisation if that has to go first.
    fn segment(&mut self, index: usize, number: u64, backfill: bool) -> Option<Object> {
        let lane = &mut self.lanes[index];
        let init = lane.segment(number)?.init.clone();
        if !lane.delivered.has_init(&init) {
            lane.init.busy = true;
            return Some(Object::Init { lane: index, name: init });
        }
        lane.start(number, backfill);
        Some(Object::Segment { lane: index, number, backfill })
    }

    fn wanted(&self, lane: usize) -> Option<String> {
        self.lanes[lane].wanted_playlist(&self.timing, self.window)
    }

    fn settle_init(&mut self, lane: usize, name: &str, outcome: Outcome, now: Instant, random: f64) {
        let lane = &mut self.lanes[lane];
        if outcome == Outcome::Acknowledged {
            lane.init.done();
            lane.delivered.inits.insert(name.to_owned());
        } else {
            // Nothing plays without it: it is tried for ever, whatever the origin says.
            lane.init.failed(now, random);
        }
    }

    fn settle_segment(&mut self, index: usize, number: u64, outcome: Outcome, now: Instant, random: f64) {
        let lane = &mut self.lanes[index];
        match outcome {
            Outcome::Acknowledged => {
                lane.acknowledge(number);
                if self.search == Search::AwaitingControl {
                    self.search = Search::Control { lane: index, number };
                }
            }
            Outcome::Unreadable | Outcome::Failed(RetryDecision::Never) => lane.skip(number),
            _ => lane.put_back(number, now, random),
        }
    }

    fn settle_check(&mut self, index: usize, number: u64, outcome: Outcome) {
        let control = matches!(self.search, Search::Control { .. });
        match outcome {
            Outcome::Acknowledged if control => self.search = Search::Running { thorough: false },
            Outcome::Acknowledged => {
                self.lanes[index].unchecked.remove(&number);
            }
            Outcome::Absent if !control => self.lost(index, number),
            Outcome::Failed(RetryDecision::Retry) => {}
            _ => {
                self.search = Search::Off;
                self.lanes.iter_mut().for_each(|lane| lane.unchecked.clear());
            }
        }
    }

    /// What players can see is gone: then the rest may be gone, too.
    fn lost(&mut self, index: usize, number: u64) {
        self.lanes[index].unchecked.remove(&number);
        self.lanes[index].owe_again(number);
        if self.search == (Search::Running { thorough: false }) {
            self.search = Search::Running { thorough: true };
            self.lanes.iter_mut().for_each(|lane| lane.check_from(0));
        }
    }
}

/// Playlists are tried for ever.
fn settle_playlist(
    slot: &mut Slot,
    published: &mut Option<String>,
    text: &str,
    outcome: Outcome,
    now: Instant,
    random: f64,
) {
    if outcome == Outcome::Acknowledged {
        slot.done();
        *published = Some(text.to_owned());
    } else {
        slot.failed(now, random);
    }
}

#[cfg(test)]
mod interleavings;
#[cfg(test)]
pub(in crate::push) mod straw;
#[cfg(test)]
mod tests;

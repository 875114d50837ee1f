//! What to send next. Pure: the task asks, sends, and says how it went.
//!
//! ```text
//! gate open:   initialisation in use → live edge → playlists → checks after an outage → backfill (one at a time):
//!              first what is in the playlist's window, newest first; then the oldest
//! gate probe:  one object: the newest segment owed, with its initialisation, else a playlist
//! gate closed: nothing
//! ```
//!
//! A segment that is not the newest any more is backfill: that is the one segment duration it gets at the live edge.

use std::time::{Duration, Instant};

use crate::hls;
use crate::model::{ChannelId, RenditionId, Timeline};
use crate::policy::{Backoff, RetryDecision};

use super::lane::{Lane, Slot, Timing};
use super::link::Gate;
use super::object::{Object, Outcome};

/// One object that failed, while others did not.
const OBJECT: Backoff =
    Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(2), factor: 2.0, jitter: 0.3 };

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
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The renditions: video, then audio, as described.
    pub(crate) lanes: Vec<Lane>,
    /// The multivariant playlist.
    pub(crate) multivariant: Slot,
    /// The multivariant playlist as the destination has it.
    pub(crate) published: Option<String>,
    timing: Timing,
    window: u64,
    backfilling: bool,
    probing: bool,
    search: Search,
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
            backfilling: false,
            probing: false,
            search: Search::Off,
        }
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
                let object = self.probe(multivariant, now)?;
                self.probing = true;
                Some((object, true))
            }
            Gate::Open => {
                let object = self
                    .init(now)
                    .or_else(|| self.live(now))
                    .or_else(|| self.playlist(multivariant, now))
                    .or_else(|| self.check())
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
                if *backfill {
                    self.backfilling = false;
                }
                self.settle_segment(*lane, *number, outcome, now, random);
            }
            Object::Playlist { lane, text } => {
                let lane = &mut self.lanes[*lane];
                settle_playlist(&mut lane.playlist, &mut lane.published, text, outcome, now, random);
            }
            Object::Multivariant { text } => {
                settle_playlist(&mut self.multivariant, &mut self.published, text, outcome, now, random);
            }
            Object::Check { lane, number } => {
                self.backfilling = false;
                self.settle_check(*lane, *number, outcome);
            }
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
        let told = |lane: &Lane| lane.wanted_playlist(&self.timing, self.window) == lane.published;
        self.lanes.iter().all(|lane| lane.owed().next().is_none() && told(lane))
            && self.published.as_deref() == multivariant
    }

    /// The next instant after `now` at which something that waits may be sent.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Instant> {
        let lanes = self.lanes.iter().filter_map(|lane| lane.next_due(now));
        lanes.chain(self.multivariant.due_after(now)).min()
    }

    /// Path below the base url, and content type.
    pub(crate) fn address(&self, channel: &ChannelId, object: &Object) -> (String, &'static str) {
        const PLAYLIST: &str = "application/vnd.apple.mpegurl";
        let lane = |index: usize| -> (&RenditionId, &'static str) {
            (&self.lanes[index].id, self.lanes[index].medium.content_type())
        };
        match object {
            Object::Init { lane: index, name } => (hls::object_path(channel, lane(*index).0, name), lane(*index).1),
            Object::Segment { lane: index, number, .. } | Object::Check { lane: index, number } => {
                let name = self.lanes[*index].medium.segment_name(*number);
                (hls::object_path(channel, lane(*index).0, &name), lane(*index).1)
            }
            Object::Playlist { lane: index, .. } => (hls::media_playlist_path(channel, lane(*index).0), PLAYLIST),
            Object::Multivariant { .. } => (hls::multivariant_path(channel), PLAYLIST),
        }
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
            .or_else(|| self.any_playlist(multivariant, now))
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

    fn live(&mut self, now: Instant) -> Option<Object> {
        (0..self.lanes.len()).find_map(|index| self.segment_if(index, self.lanes[index].live(now)?, false, now))
    }

    fn playlist(&mut self, multivariant: Option<&str>, now: Instant) -> Option<Object> {
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
        if self.backfilling {
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
        self.backfilling = true;
        Some(Object::Check { lane, number })
    }

    fn backfill(&mut self, now: Instant) -> Option<Object> {
        if self.backfilling {
            return None;
        }
        let lanes = || self.lanes.iter().enumerate();
        let window = self.window;
        let in_window = lanes()
            .filter_map(|(index, lane)| Some((lane.backfill_in_window(window, now)?, index)))
            .max_by_key(|(number, index)| (*number, std::cmp::Reverse(*index)));
        let (number, lane) = in_window
            .or_else(|| lanes().filter_map(|(index, lane)| Some((lane.backfill_oldest(now)?, index))).min())?;
        self.segment_if(lane, number, true, now)
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
        self.backfilling |= backfill;
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
mod tests;

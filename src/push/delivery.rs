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

use crate::model::{Duty, Timeline};
use crate::policy::Backoff;

use super::lane::{Lane, Slot, Timing};
use super::link::Gate;
use super::object::Object;

mod address;
mod choice;
mod outcome;
mod watch;

pub(crate) use watch::{Continued, Post};

/// One object that failed, while others did not.
const OBJECT: Backoff =
    Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(2), factor: 2.0, jitter: 0.3 };

/// On standby something small is sent this often, to know whether more would be taken.
const LOOK: Duration = Duration::from_secs(5);

/// Requests in the playlist's window behind the live edge, and again for what is older, while nothing is known of the line:
/// one, so that the live edge has it.
pub(crate) const BEHIND: usize = 1;
/// Requests in the window of a destination that has just become active, and at most behind the live edge.
pub(crate) const FILLING: usize = 4;

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
    /// Requests behind the live edge, at most: over a long line one alone would wait for its answers most of the time.
    pub(crate) behind: usize,
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
            behind: BEHIND,
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

    /// Whether this segment under way was missing in the playlist's window.
    pub(crate) fn is_catching(&self, lane: usize, number: u64) -> bool {
        self.catching.contains(&(lane, number))
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
        // What an origin has lost is owed as soon as it is missed. A search that waits for a segment may wait for ever.
        if matches!(self.search, Search::Control { .. } | Search::Running { .. }) {
            return false;
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
}
#[cfg(test)]
mod interleavings;
#[cfg(test)]
pub(in crate::push) mod straw;
#[cfg(test)]
mod tests;

//! Who is here: whoever follows the event stream now, counted by who that is.
//!
//! ```text
//! enter(caller) ─▶ Here, held by the stream ─▶ dropped with it
//!        └────── both wake who watches the arrivals ──┘
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::caller::{By, Caller};
use super::porter::{Access, now};
use super::role::Role;
use crate::model::MediaTime;

/// As what somebody is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Seat {
    /// With a session, or where nobody has to log in: a browser.
    Panel,
    /// With a token, or by the box's own socket.
    Program,
}

/// Somebody who is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Present {
    /// The user's name, that of the token, or who it is on this box.
    pub name: String,
    /// What it may; none for a token that has scopes alone.
    pub role: Option<Role>,
    /// As what.
    pub seat: Seat,
    /// Event streams that it has open.
    pub streams: usize,
    /// Since when the first of these is open.
    pub since: MediaTime,
}

/// Who follows the event stream now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Presence {
    /// Panels that show this box.
    pub panels: usize,
    /// Programs that follow it.
    pub programs: usize,
    /// Whose they are, by name.
    pub present: Vec<Present>,
}

/// One who is here; a user may be so by several sessions.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Who {
    name: String,
    role: Option<Role>,
    seat: Seat,
    session: Option<String>,
}

/// Whoever is here, with the moment of each stream.
#[derive(Debug, Default)]
pub(super) struct Roll {
    streams: Mutex<BTreeMap<Who, Vec<MediaTime>>>,
    arrivals: watch::Sender<()>,
}

/// An event stream that is open, until it is dropped.
#[must_use]
pub struct Here {
    roll: Arc<Roll>,
    who: Who,
    since: MediaTime,
}

impl Access {
    /// The caller follows the event stream, for as long as this is held.
    pub fn enter(&self, caller: &Caller) -> Here {
        let seat = match caller.by {
            By::Session(_) | By::Open => Seat::Panel,
            By::Token { .. } | By::Socket | By::Osc => Seat::Program,
        };
        let session = caller.session().map(str::to_owned);
        let who = Who { name: caller.name.clone(), role: caller.role, seat, session };
        let (roll, since) = (self.0.roll.clone(), now());
        roll.streams().entry(who.clone()).or_default().push(since);
        roll.arrivals.send_replace(());
        Here { roll, who, since }
    }

    /// Who is here.
    pub fn presence(&self) -> Presence {
        let mut all = BTreeMap::<(String, Option<Role>, Seat), Present>::new();
        for (Who { name, role, seat, .. }, streams) in &*self.0.roll.streams() {
            let Some(since) = streams.iter().min().copied() else { continue };
            let none = || Present { name: name.clone(), role: *role, seat: *seat, streams: 0, since };
            let one = all.entry((name.clone(), *role, *seat)).or_insert_with(none);
            one.streams += streams.len();
            one.since = one.since.min(since);
        }
        let present: Vec<Present> = all.into_values().collect();
        let of = |seat| present.iter().filter(|one| one.seat == seat).map(|one| one.streams).sum();
        Presence { panels: of(Seat::Panel), programs: of(Seat::Program), present }
    }

    /// Wakes when somebody has come or gone.
    pub fn arrivals(&self) -> watch::Receiver<()> {
        self.0.roll.arrivals.subscribe()
    }

    /// Event streams that this session has open.
    pub(super) fn streams_of(&self, session: &str) -> usize {
        let streams = self.0.roll.streams();
        let own = streams.iter().filter(|(who, _)| who.session.as_deref() == Some(session));
        own.map(|(_, streams)| streams.len()).sum()
    }
}

impl Roll {
    fn streams(&self) -> MutexGuard<'_, BTreeMap<Who, Vec<MediaTime>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let mut all = self.roll.streams();
        if let Some(streams) = all.get_mut(&self.who) {
            if let Some(place) = streams.iter().position(|since| *since == self.since) {
                streams.swap_remove(place);
            }
            if streams.is_empty() {
                all.remove(&self.who);
            }
        }
        drop(all);
        self.roll.arrivals.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::super::caller::Via;
    use super::*;

    fn caller(name: &str, role: Role, by: By) -> Caller {
        Caller { name: name.into(), role: Some(role), by, via: Via::default() }
    }

    #[test]
    fn who_is_here_is_counted_until_the_last_stream_is_gone() {
        let access = Access::open_to_all();
        let session = |id: &str| By::Session(id.into());
        let mut arrivals = access.arrivals();
        let ada = [
            access.enter(&caller("ada", Role::Admin, session("s1"))),
            access.enter(&caller("ada", Role::Admin, session("s1"))),
            access.enter(&caller("ada", Role::Admin, session("s2"))),
        ];
        let robot = By::Token { id: "t1".into(), scopes: Vec::new() };
        // A token that is called like a user is not that user.
        let robot = access.enter(&caller("ada", Role::Admin, robot));
        assert!(arrivals.has_changed().unwrap());
        let found = access.presence();
        let told = |all: &Presence| -> Vec<(String, Seat, usize)> {
            all.present.iter().map(|one| (one.name.clone(), one.seat, one.streams)).collect()
        };
        assert_eq!((found.panels, found.programs), (3, 1));
        assert_eq!(told(&found), [("ada".into(), Seat::Panel, 3), ("ada".into(), Seat::Program, 1)]);
        assert_eq!(["s1", "s2", "s3"].map(|id| access.streams_of(id)), [2, 1, 0]);
        arrivals.mark_unchanged();
        drop(ada);
        assert!(arrivals.has_changed().unwrap(), "who watches is woken");
        assert_eq!(told(&access.presence()), [("ada".into(), Seat::Program, 1)]);
        drop(robot);
        assert_eq!(access.presence(), Presence::default());
        assert!(access.0.roll.streams().is_empty(), "nothing is left behind");
    }
}

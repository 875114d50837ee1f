//! A box of a pair: two boxes with the same channel and synchronised clocks push to one origin, and players see one.
//!
//! Owns: the lease of this box, what it does while it has none, and where its playlists join those of the other box.
//! Must not: tell players anything without the lease, or replace what they were told.
//!
//! ```text
//!                    ┌ tenure ── ask, renew, give back ──▶ origin: POST <channel>/lease
//!  task ─ has a Pair ┤
//!                    └ turn ──▶ delivery::watch: watch, survey, deliver ──▶ joint: told by the other ┊ own
//! ```
//!
//! - **active-standby**: who has the lease delivers. The other one encodes and spools as well, looks at the playlists
//!   once per segment, and thus knows what nobody has delivered yet. When the lease is free it takes it; from then on
//!   the origin refuses what the other one still sends (each write carries the lease's token). It reads the playlists,
//!   delivers what is missing and goes on: same names, same boundaries, same numbers.
//! - **active-active**: both deliver media, and what is there already is not replaced. Playlists are told by who has the
//!   lease only: discontinuities are counted by each box for itself, so two that tell in turn would contradict each
//!   other. Boxes whose initialisations differ, and parts of segments, are as in active-standby.
//! - A box whose clock nobody keeps right does not ask for the lease, unless it was told not to mind; one that had it
//!   goes on: it is off by what it drifts, and the other box may be no better.
//! - A box without anything new gives its lease back; one whose spool has holes asks for it later than the other one.
//! - An origin that is away for longer than the lease takes it from both. What was made meanwhile is owed by either, and
//!   delivered by who gets the lease then.

pub(crate) mod clock;
pub(crate) mod joint;
pub(crate) mod tenure;
pub(crate) mod words;

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::sync::oneshot;

use self::tenure::{Stock, Tenure, Wanted};
use super::delivery::Delivery;
use super::store::Store;
use super::tally::now as time;
use crate::model::pair::{LEASE, LeaseAnswer, LeaseAsk, PairMode, Pairing};
use crate::model::{ChannelId, MediaTime};
use crate::policy::HttpFailure;

/// A box whose spool stands still for this long has nothing to give.
const STALE: Duration = Duration::from_secs(5);

/// The other box would have it soon enough without a word.
const LEAVE: Duration = Duration::from_millis(300);

/// Somebody who wants to know what came of a hand-over.
pub(crate) type HandOver = oneshot::Sender<Result<String, String>>;

/// An answer about a lease.
pub(crate) struct Claimed {
    pub(crate) asked: Instant,
    pub(crate) result: Result<LeaseAnswer, HttpFailure>,
}

/// See the module.
pub(crate) struct Pair {
    pub(crate) settings: Pairing,
    pub(crate) tenure: Tenure,
    instance: String,
    path: String,
    claims: FuturesUnordered<BoxFuture<'static, Claimed>>,
    /// Since when the role is what it is.
    pub(crate) since: MediaTime,
    pub(crate) takeovers: u64,
    pub(crate) fenced: u64,
    /// What is not as it should be; told once.
    pub(crate) trouble: Option<String>,
    /// Why the origin gives no leases at all.
    pub(crate) refused: Option<String>,
    /// Who had the channel before.
    pub(crate) previous: Option<String>,
    /// Nothing is begun any more: the lease is about to be given back.
    pub(crate) yielding: Option<Instant>,
    pub(crate) handing: Option<HandOver>,
    /// Since when a box of this one's own name has the lease.
    namesake: Option<Instant>,
    /// It had the lease before, so a clock that nobody keeps right any more is no reason to leave viewers without.
    pub(crate) held: bool,
    /// A segment was made since this box began to look: what it has is of now.
    pub(crate) goes_on: bool,
    /// The newest numbers, and since when they are.
    newest: (Vec<Option<u64>>, Instant),
}

impl Pair {
    /// Nothing asked yet.
    pub(crate) fn new(settings: Pairing, channel: &ChannelId, now: Instant) -> Self {
        let ttl = Duration::from_millis(settings.lease_ms.into());
        Self {
            tenure: Tenure::new(ttl, now),
            instance: format!("{:016x}", fastrand::u64(..)),
            path: format!("{channel}/{LEASE}"),
            claims: FuturesUnordered::new(),
            since: time(),
            takeovers: 0,
            fenced: 0,
            trouble: None,
            refused: None,
            previous: None,
            yielding: None,
            handing: None,
            namesake: None,
            held: false,
            goes_on: false,
            newest: (Vec::new(), now),
            settings,
        }
    }

    /// Whether media is to come from both.
    pub(crate) fn shares(&self) -> bool {
        self.settings.mode == PairMode::ActiveActive
    }

    /// Sends what the tenure wants.
    pub(crate) fn claim(&mut self, store: &Store, wanted: Wanted, asked: Instant) {
        let (store, path, ask) = (store.clone(), self.path.clone(), self.ask(wanted));
        let patience = self.tenure.patience();
        self.claims.push(Box::pin(async move {
            let late = || HttpFailure::Stalled("no answer about the lease in time".to_owned());
            let answer = tokio::time::timeout(patience, store.lease(&path, &ask)).await;
            Claimed { asked, result: answer.unwrap_or_else(|_| Err(late())) }
        }));
    }

    /// The next answer; none at once if none is awaited.
    pub(crate) async fn next(pair: &mut Option<Self>) -> Option<Claimed> {
        pair.as_mut()?.claims.next().await
    }

    /// Gives the lease back when this box stops, so that the other one need not wait for it to run out.
    pub(crate) async fn leave(&mut self, store: &Store) {
        self.claims.clear();
        if let Some(token) = self.tenure.token() {
            let wanted = Wanted { token: Some(token), wait: Duration::ZERO, release: true };
            let ask = self.ask(wanted);
            let left = tokio::time::timeout(LEAVE, store.lease(&self.path, &ask)).await;
            if !matches!(left, Ok(Ok(_))) {
                tracing::info!(path = self.path, "the lease could not be given back: it runs out by itself");
            }
        }
    }

    fn ask(&self, wanted: Wanted) -> LeaseAsk {
        LeaseAsk {
            member: self.settings.member.clone(),
            instance: self.instance.clone(),
            ttl_ms: self.tenure.ttl().as_millis() as u64,
            wait_ms: wanted.wait.as_millis() as u64,
            shared: self.shares(),
            token: wanted.token,
            release: wanted.release,
        }
    }

    /// Whether it does not take its turn, because nothing keeps its clock right.
    pub(crate) fn waits_for(&self, clock: &clock::PairClock) -> bool {
        clock.is_wrong() && !self.held
    }

    /// How much this box has to give.
    /// Where it only delivers what is left (`ends`), that is reason enough; the other box goes first.
    pub(crate) fn stock(&mut self, delivery: &Delivery, segment: Duration, ends: bool, now: Instant) -> Stock {
        if ends {
            return Stock::Holed;
        }
        let newest: Vec<Option<u64>> = delivery.lanes.iter().map(super::lane::Lane::newest).collect();
        if newest != self.newest.0 {
            self.goes_on |= !self.newest.0.is_empty();
            self.newest = (newest, now);
        }
        let stale = now.saturating_duration_since(self.newest.1) > (segment * 3).max(STALE);
        match delivery.unbroken() {
            _ if stale => Stock::Stale,
            None => Stock::Stale,
            Some(true) => Stock::Whole,
            Some(false) => Stock::Holed,
        }
    }

    /// Looks for another box of the same name: one that was replaced is forgotten within a lease.
    pub(crate) fn look_for_namesake(&mut self, now: Instant) -> bool {
        let here = self.tenure.other() == Some(self.settings.member.as_str());
        let since = match (here, self.namesake) {
            (true, Some(since)) => since,
            (true, None) => *self.namesake.insert(now),
            (false, _) => {
                self.namesake = None;
                return false;
            }
        };
        now.saturating_duration_since(since) > self.tenure.ttl() * 3
    }
}

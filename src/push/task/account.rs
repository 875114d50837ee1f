//! What the task says of itself: its status, and what it leaves.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::super::delivery::{Delivery, Post};
use super::super::description::PushDescription;
use super::super::lane::Lane;
use super::super::link::{Gate, Link};
use super::super::pair::Pair;
use super::super::pusher::Left;
use super::super::report::{self, Counters};
use super::super::tally::now;
use super::{Seams, Task};

impl Task {
    pub(super) fn publish(&self) {
        self.status.send_if_modified(|status| {
            let before = status.clone();
            let sent = self.store.sent().get();
            let post = self.delivery.post();
            let pair = self.pair.as_ref().and_then(|pair| pair.health(post, now()));
            report::update(status, &self.delivery, &self.link, (self.tally.counters(), pair), sent, now());
            status.pair = self.pair.as_ref().map(|pair| pair.status(post));
            status.duty = self.delivery.duty();
            status.playable = self.delivery.is_playable(self.ladder.text());
            status.slow = self.is_slow();
            status.line = Some(self.flow.status(&self.delivery, &self.link, Instant::now()));
            status.deleted_segments = self.sweep.as_ref().map_or(0, |sweep| sweep.deleted);
            *status != before
        });
    }

    /// It acknowledges, but the program runs away from it.
    fn is_slow(&self) -> bool {
        let most = self.description.limits.map_or(0, |limits| limits.slow_segments);
        let behind = self.delivery.carried().filter_map(Lane::behind_by).max().unwrap_or(0);
        most > 0 && (self.tally.slow_in_a_row() >= most || (behind > most as usize && !self.delivery.is_filling()))
    }

    pub(super) fn gate_opens(&self, now: Instant) -> Option<Instant> {
        match self.link.gate(now) {
            Gate::Closed(at) => Some(at),
            _ => None,
        }
    }

    pub(super) fn finished(&self) -> bool {
        self.delivery.finished(self.ladder.text())
    }

    /// Says whether nothing is left, where nothing new will come.
    pub(super) fn tell_done(&self) {
        if let Some(done) = &self.done {
            done.store(self.is_settled() && self.finished(), Ordering::Relaxed);
        }
    }

    /// Whether it is known who delivers: the other box of a pair, or this one.
    fn is_settled(&self) -> bool {
        let known = |pair: &Pair| match pair.tenure.token() {
            Some(_) => self.delivery.post() == Post::Deliver,
            None => pair.tenure.other().is_some(),
        };
        self.pair.as_ref().is_none_or(known)
    }

    pub(super) fn left(&self) -> Left {
        if self.delivery.post() != Post::Deliver && self.is_settled() {
            return Left::default();
        }
        let segments = self.delivery.lanes.iter().map(|lane| lane.owed().count() as u64).sum();
        Left { segments, playlists: !self.finished() }
    }
}

/// A destination that cannot be pushed to: says so, and waits to be stopped.
pub(super) async fn idle(description: &PushDescription, seams: Seams, why: &str) {
    (seams.events)(report::misconfigured(description, why, now()));
    let counters = Counters { disabled: Some(why.to_owned()), last_error: Some(why.to_owned()), ..Counters::default() };
    let nothing = Delivery::new(Vec::new(), &description.timeline.get(), description.playlist_segments);
    seams.status.send_modify(|status| report::update(status, &nothing, &Link::new(), (&counters, None), 0, now()));
    // Waiting would not help.
    if let Some(done) = &seams.done {
        done.store(true, Ordering::Relaxed);
    }
    if let Ok((_, answer)) = seams.stop.await {
        let owed = description.renditions().map(|(id, _)| seams.spool.segments(id).len() as u64).sum();
        let _ = answer.send(Left { segments: owed, playlists: true });
    }
}

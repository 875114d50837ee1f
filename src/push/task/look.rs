//! What the task looks at whenever it wakes: silence, the line, tokens, keys.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::Duty;
use crate::policy::{HttpFailure, judge};

use super::super::delivery::Post;
use super::super::glance::{Glance, Glanced};
use super::super::link::Phase;
use super::super::protect::Protection;
use super::{LOOK, Task, note};

impl Task {
    /// What has a backup is looked at more closely.
    pub(super) fn look_every(&self) -> Duration {
        self.description.limits.map_or(LOOK, |limits| LOOK.min(limits.silence / 8))
    }

    /// Looks for silence, and whether it is up to date.
    pub(super) fn look(&mut self, stopping: bool, now: Instant) {
        let patient = self.description.grid.duration() * 2 + Duration::from_secs(1);
        let limit = self.description.limits.map_or(patient, |limits| limits.silence.min(patient));
        let verdict = judge(&HttpFailure::Stalled(format!("nothing acknowledged for {:.1} s", limit.as_secs_f64())));
        let unanswered = self.glance.as_ref().and_then(Glance::silent_since).filter(|_| self.is_glanced_at());
        let oldest = self.oldest(now).into_iter().chain(unanswered).min();
        if let Some(change) = self.link.silent(oldest, limit, &verdict, now) {
            if let Some(glance) = &mut self.glance {
                glance.forget(now);
            }
            self.tally.link_changed(&self.description, self.delivery.duty(), &change);
            self.store.renew();
        }
        self.look_at_token(now);
        if self.protection.as_ref().is_some_and(|protection| protection.generation() != self.keys) {
            self.look_at_keys();
            self.link.hurry(now);
        }
        self.tally.look_at_keys(&self.description, self.protection.as_ref().and_then(Protection::trouble));
        self.leave_out();
        if self.delivery.post() == Post::Deliver {
            self.look_at_line(stopping, now);
            self.tally.look(&self.description, &self.delivery.lanes, false);
        }
        self.ladder.refresh(&self.description, &self.delivery.lanes, &self.spool, now);
        let timeline = self.description.timeline.get();
        if !Arc::ptr_eq(&timeline, &self.timeline) {
            self.delivery.retime(&timeline);
            self.timeline = timeline;
        }
    }

    /// Whether what it says counts: players are there, and nothing is known to be wrong.
    fn is_glanced_at(&self) -> bool {
        self.delivery.duty() == Duty::Active
            && self.delivery.post() == Post::Deliver
            && matches!(self.link.phase(), Phase::Streaming | Phase::Faltering)
    }

    /// Asks an endpoint that is quiet for a sign of life.
    pub(super) fn glance(&mut self, now: Instant) {
        let asks = self.is_glanced_at() && self.requests.is_idle() && self.store.token_trouble().is_none();
        if let Some(glance) = self.glance.as_mut().filter(|_| asks) {
            glance.ask_if_due(&self.store, now);
        }
    }

    /// When to do so.
    pub(super) fn glance_due(&self, now: Instant) -> Option<Instant> {
        let asks = self.is_glanced_at() && self.requests.is_idle() && self.store.token_trouble().is_none();
        self.glance.as_ref().filter(|_| asks)?.due().map(|due| due.max(now + Duration::from_millis(1)))
    }

    /// It answered, or did not.
    pub(super) fn settle_glance(&mut self, glanced: &Glanced) {
        tracing::debug!(destination = %self.description.destination, ?glanced, "asked for a sign of life");
        if let Some(glance) = &mut self.glance {
            glance.settle(glanced, Instant::now());
        }
    }

    /// Since when a request is under way without progress. Where there is a backup each is looked at by itself: what a
    /// hanging endpoint still takes of the next segment keeps nobody waiting. Else a line that moves anything is no outage.
    fn oldest(&mut self, now: Instant) -> Option<Instant> {
        let sent = self.store.sent().get();
        if sent != self.moved.0 || self.flow.is_metering() {
            self.moved = (sent, now);
        }
        if self.description.limits.is_some() {
            return self.requests.stillest(|at| self.link.is_current(at));
        }
        self.requests.oldest(|at| self.link.is_current(at)).map(|started| started.max(self.moved.1))
    }

    /// Leaves out what the line does not carry, and takes it up again.
    fn look_at_line(&mut self, stopping: bool, now: Instant) {
        let Some(turned) = self.flow.look(&mut self.delivery, &self.link, stopping, now) else { return };
        self.tally.turned(&self.description, &turned);
        for lane in &self.delivery.lanes {
            note(lane, &self.settled, &mut self.record);
        }
    }

    /// Tells lanes of the keys that there are, and sees to those that playlists will need.
    pub(super) fn look_at_keys(&mut self) {
        let Some(protection) = &self.protection else { return };
        self.keys = protection.generation();
        for lane in &mut self.delivery.lanes {
            lane.keys = protection.keys(lane.medium, &lane.windows(u64::from(self.description.playlist_segments)));
            if let Some(newest) = lane.newest() {
                protection.look_ahead(newest);
            }
        }
    }

    /// Tries a new token at once, and tells of a source that fails before the token expires.
    fn look_at_token(&mut self, now: Instant) {
        let generation = self.store.token_generation();
        if generation != self.token {
            self.token = generation;
            self.link.hurry(now);
        }
        self.tally.look_at_token(&self.description, self.store.token_trouble());
    }
}

//! What follows from how a request went.

use std::io;
use std::time::Instant;

use crate::policy::{HttpFailure, RetryDecision, Verdict, judge};

use super::super::link::Change;
use super::super::object::{Object, Outcome};
use super::super::requests::{Done, Ended, Trouble};
use super::{Task, note};

impl Task {
    /// Takes over how a request went.
    pub(super) fn settle(&mut self, done: Done) {
        let now = Instant::now();
        let bytes = if let Ok(Ended::Stored(bytes)) = &done.result { Some(*bytes) } else { None };
        self.flow.end(done.measured, bytes, done.started, now);
        if let Object::Remove { lane, number } = done.object {
            return self.settle_removal(lane, number, &done.result, now);
        }
        let (outcome, change) = match &done.result {
            Ok(Ended::Stored(bytes)) => {
                self.heard(&done.object, now);
                self.tally.stored(&done.object, *bytes);
                let lasted = now.saturating_duration_since(done.started);
                self.tally.timed(&done.object, lasted > self.description.grid.duration());
                (Outcome::Acknowledged, self.link.acknowledged(now))
            }
            // The other box of a pair was first.
            Ok(Ended::There) => (Outcome::Acknowledged, self.link.acknowledged(now)),
            Ok(Ended::Read(text)) => {
                if let Object::Look { lane, survey } = done.object {
                    self.looked(lane, survey, text.as_deref());
                }
                (Outcome::Acknowledged, self.link.acknowledged(now))
            }
            Ok(Ended::Checked(there)) => (checked(*there), None),
            // See above.
            Ok(Ended::Removed) => (Outcome::Acknowledged, None),
            Err(Trouble::Disk(error)) => (self.unreadable(&done.object, error, now), None),
            Err(Trouble::Abandoned) => (Outcome::Failed(RetryDecision::Retry), None),
            Err(Trouble::Http(HttpFailure::Fenced)) if self.pair.is_some() => {
                let outcome = self.fenced(done.terms, now);
                (outcome.unwrap_or(Outcome::Failed(RetryDecision::Retry)), None)
            }
            Err(Trouble::Http(failure)) => self.failed(&done, failure, now),
        };
        self.delivery.settle(&done.object, done.probe, outcome, now, fastrand::f64());
        self.remember(&done.object);
        if let Some(change) = change {
            self.tally.link_changed(&self.description, self.delivery.duty(), &change);
            if matches!(change, Change::Connected(Some(_))) {
                self.reconnected(done.started);
            }
        }
    }

    /// It has acknowledged: that is a sign of life, and something to ask for.
    fn heard(&mut self, object: &Object, now: Instant) {
        let Some(glance) = &mut self.glance else { return };
        let is_segment = matches!(object, Object::Segment { .. });
        let address = || self.delivery.address(&self.description.channel, self.description.grid, object).0;
        glance.acknowledged(is_segment.then(|| self.layout.path(&address())), now);
    }

    /// Takes over how a deletion went: not a word about the link.
    fn settle_removal(&mut self, lane: usize, number: u64, result: &Result<Ended, Trouble>, now: Instant) {
        let outcome = match result {
            Ok(_) => Outcome::Acknowledged,
            Err(Trouble::Http(failure)) => Outcome::Failed(judge(failure).decision),
            Err(_) => Outcome::Failed(RetryDecision::Retry),
        };
        let (Some(sweep), Some(lane)) = (&mut self.sweep, self.delivery.lanes.get_mut(lane)) else { return };
        sweep.settle(lane, number, outcome, now, fastrand::f64());
        note(lane, &self.settled, &mut self.record);
        if let Err(Trouble::Http(failure)) = result {
            self.tally.not_deleted(&self.description, &judge(failure));
        }
    }

    /// The destination is back: a request that was `started` then was acknowledged.
    pub(super) fn reconnected(&mut self, started: Instant) {
        // What hangs since before the outage must not hold the place of what goes through now. But if one of those was
        // acknowledged, then they do not hang: the origin is only slow.
        if self.link.is_current(started) {
            self.requests.abandon(|started| !self.link.is_current(started));
        }
        self.delivery.reconnected();
        self.tally.look(&self.description, &self.delivery.lanes, true);
    }

    /// The file is gone: skipped. It cannot be read: owed, until retention has to take it.
    fn unreadable(&mut self, object: &Object, error: &io::Error, at: Instant) -> Outcome {
        // What is no segment will not become one either.
        let gone = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData);
        if let (true, Object::Segment { lane, number, .. }) = (gone, object) {
            let listed = self.spool.segments_from(&self.delivery.lanes[*lane].id, *number);
            if listed.first().is_none_or(|segment| segment.number != *number) {
                // Retention took it between the list and the read, and tells of it if that was a loss.
                return Outcome::Unreadable;
            }
        }
        let gone = gone && matches!(object, Object::Segment { .. });
        self.tally.unreadable(&self.description, error, gone, at);
        if gone { Outcome::Unreadable } else { Outcome::Failed(RetryDecision::Retry) }
    }

    pub(super) fn failed(&mut self, done: &Done, failure: &HttpFailure, now: Instant) -> (Outcome, Option<Change>) {
        let verdict: Verdict = judge(failure);
        tracing::debug!(destination = %self.description.destination, object = ?done.object, ?failure, "push failed");
        self.tally.failed(&done.object, &verdict);
        let outcome = Outcome::Failed(verdict.decision);
        // The origin answers and takes the live edge: one old object it chokes on, or that had to wait until the line gave
        // it up, is no outage.
        let backfill = matches!(done.object, Object::Segment { backfill: true, .. } | Object::Check { .. });
        let takes = verdict.decision == RetryDecision::Retry && self.link.has_acknowledged_since(done.started);
        if backfill && (takes || matches!(failure, HttpFailure::Status(500..))) {
            return (outcome, None);
        }
        // It takes whole segments, and only those: that is no outage.
        if matches!((&done.object, verdict.decision), (Object::Part { .. }, RetryDecision::Never)) {
            self.tally.parts_refused(&self.description, &verdict);
            return (outcome, None);
        }
        self.flow.failed(now);
        let change = self.link.failed(&verdict, done.started, now, fastrand::f64());
        // The next attempt resolves the name anew, on a new connection.
        self.store.renew();
        (outcome, change)
    }

    /// Copies what changed at the destination to where retention and the next run look.
    fn remember(&mut self, object: &Object) {
        let (Object::Init { lane, .. } | Object::Segment { lane, .. } | Object::Check { lane, .. }) = object else {
            return;
        };
        note(&self.delivery.lanes[*lane], &self.settled, &mut self.record);
    }
}

fn checked(there: Option<bool>) -> Outcome {
    match there {
        Some(true) => Outcome::Acknowledged,
        Some(false) => Outcome::Absent,
        None => Outcome::Untold,
    }
}

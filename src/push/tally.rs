//! What is counted and what is told: outages and their end, backlogs and theirs, files that cannot be read.

use std::io;
use std::time::{Duration, Instant, SystemTime};

use crate::model::{Duty, Event, MediaTime};
use crate::policy::{RetryDecision, Verdict};

use super::credential::TokenTrouble;
use super::description::PushDescription;
use super::flow::Turned;
use super::lane::Lane;
use super::link::Change;
use super::object::Object;
use super::protect::KeyTrouble;
use super::report::{self, Counters};

/// A disk that cannot be read is told of at most this often.
const DISK_TOLD_EVERY: Duration = Duration::from_secs(60);

/// Where events go.
pub(crate) type Events = Box<dyn Fn(Event) + Send + Sync>;

/// A backlog that is being worked off.
#[derive(Debug, Clone, Copy)]
struct Backlog {
    /// Segments delivered behind the live edge since it began.
    delivered: u64,
    /// Segments skipped before it began.
    skipped_before: u64,
}

/// See the module's header.
pub(crate) struct Tally {
    events: Events,
    counters: Counters,
    disk_told: Option<Instant>,
    backlog: Option<Backlog>,
    /// Segments at the live edge that took longer to send than they last, in a row.
    slow: u32,
    /// Why there is no newer token, if that was told.
    token: Option<TokenTrouble>,
    /// Why there is no further content key, if that was told.
    keys: Option<KeyTrouble>,
    /// A deletion failed, and that was told.
    not_deleted: bool,
}

impl Tally {
    /// Nothing counted yet; tells `events`.
    pub(crate) fn new(events: Events) -> Self {
        Self {
            events,
            counters: Counters::default(),
            disk_told: None,
            backlog: None,
            slow: 0,
            token: None,
            keys: None,
            not_deleted: false,
        }
    }

    /// The counters.
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Tells what happened.
    pub(crate) fn tell(&self, event: Event) {
        (self.events)(event);
    }

    /// The link changed.
    pub(crate) fn link_changed(&self, description: &PushDescription, duty: Duty, change: &Change) {
        (self.events)(report::link_event(description, duty, change, now()));
    }

    /// `bytes` of media were acknowledged.
    pub(crate) fn stored(&mut self, object: &Object, bytes: u64) {
        self.counters.bytes_acknowledged += bytes;
        if let (Object::Segment { backfill: true, .. }, Some(backlog)) = (object, &mut self.backlog) {
            backlog.delivered += 1;
        }
    }

    /// Something was acknowledged, and took longer than a segment lasts or not.
    pub(crate) fn timed(&mut self, object: &Object, too_long: bool) {
        if let Object::Segment { backfill: false, .. } = object {
            self.slow = if too_long { self.slow.saturating_add(1) } else { 0 };
        }
    }

    /// Segments in a row that took too long.
    pub(crate) fn slow_in_a_row(&self) -> u32 {
        self.slow
    }

    /// The destination takes no parts.
    pub(crate) fn parts_refused(&self, description: &PushDescription, verdict: &Verdict) {
        (self.events)(report::parts_refused(description, &verdict.text, now()));
    }

    /// A rendition is left out, or taken up again.
    pub(crate) fn turned(&self, description: &PushDescription, turned: &Turned) {
        (self.events)(report::turned(description, turned, now()));
    }

    /// Tells when the source of the token begins to fail.
    pub(crate) fn look_at_token(&mut self, description: &PushDescription, trouble: Option<TokenTrouble>) {
        if let (None, Some(trouble)) = (&self.token, &trouble) {
            (self.events)(report::token_failed(description, trouble, now()));
        }
        self.token = trouble;
    }

    /// Tells when content keys begin to be missing.
    pub(crate) fn look_at_keys(&mut self, description: &PushDescription, trouble: Option<KeyTrouble>) {
        if let (None, Some(trouble)) = (&self.keys, &trouble) {
            (self.events)(report::keys_failed(description, trouble, now()));
        }
        self.keys = trouble;
    }

    /// A segment could not be deleted; told once.
    pub(crate) fn not_deleted(&mut self, description: &PushDescription, verdict: &Verdict) {
        if !std::mem::replace(&mut self.not_deleted, true) {
            (self.events)(report::not_deleted(description, verdict, now()));
        }
    }

    /// A request failed.
    pub(crate) fn failed(&mut self, object: &Object, verdict: &Verdict) {
        self.counters.last_error = Some(format!("{}: {}", now(), verdict.text));
        let refused = verdict.decision == RetryDecision::Never && matches!(object, Object::Segment { .. });
        self.counters.skipped += u64::from(refused);
    }

    /// A file could not be read; `skipped` if it is not there although the spool lists it.
    pub(crate) fn unreadable(&mut self, description: &PushDescription, error: &io::Error, skipped: bool, at: Instant) {
        self.counters.skipped += u64::from(skipped);
        self.counters.last_error = Some(format!("{}: the spool cannot be read: {error}", now()));
        let told = self.disk_told.is_some_and(|told| at.saturating_duration_since(told) < DISK_TOLD_EVERY);
        if !told {
            self.disk_told = Some(at);
            (self.events)(report::unreadable(description, &error.to_string(), now()));
        }
    }

    /// Notes when a backlog begins, and tells when it is gone. One late segment is no backlog, unless it comes from an
    /// outage that has just ended (`reconnected`).
    pub(crate) fn look(&mut self, description: &PushDescription, lanes: &[Lane], reconnected: bool) {
        let behind = lanes.iter().any(Lane::behind);
        let begins = lanes.iter().any(Lane::well_behind) || (reconnected && behind);
        match self.backlog {
            None if begins => {
                self.backlog = Some(Backlog { delivered: 0, skipped_before: self.counters.skipped });
            }
            Some(backlog) if !behind => {
                self.backlog = None;
                let skipped = self.counters.skipped - backlog.skipped_before;
                (self.events)(report::caught_up(description, backlog.delivered, skipped, now()));
            }
            _ => {}
        }
    }
}

/// The house clock.
pub(crate) fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}

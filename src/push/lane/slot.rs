//! How an object stands that is not divided into numbers: an initialisation or a playlist.

use std::time::Instant;

use crate::policy::{Attempts, Backoff};

/// How an object stands that is not divided into numbers: an initialisation or a playlist.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    /// Under way.
    pub(crate) busy: bool,
    attempts: Attempts,
    not_before: Option<Instant>,
}

impl Slot {
    /// Idle, nothing failed.
    pub(crate) fn new(backoff: Backoff) -> Self {
        Self { busy: false, attempts: Attempts::new(backoff), not_before: None }
    }

    /// Whether it may be sent.
    pub(crate) fn ready(&self, now: Instant) -> bool {
        !self.busy && self.not_before.is_none_or(|at| at <= now)
    }

    /// When it may be sent, if it has to wait at `now`.
    pub(crate) fn due_after(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|at| *at > now)
    }

    /// It was delivered.
    pub(crate) fn done(&mut self) {
        self.busy = false;
        self.reset();
    }

    /// It failed.
    pub(crate) fn failed(&mut self, now: Instant, random: f64) {
        self.busy = false;
        self.not_before = Some(now + self.attempts.failed(random));
    }

    /// Earlier failures no longer count.
    pub(crate) fn reset(&mut self) {
        self.attempts.reset();
        self.not_before = None;
    }
}

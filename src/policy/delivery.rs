//! Which endpoint of a destination is used: failover with hold-off, wait-to-restore and revert (ITU-T G.808.1). Pure.
//!
//! ```text
//!              active is bad for hold-off, and another one is good
//!   primary ────────────────────────────────────────────────────────▶ backup
//!      ▲                                                                │
//!      └──── primary is good and ready for wait-to-restore, revert auto ┘
//!
//!   forced: an operator's choice stands until it is released, whatever the endpoints do
//! ```
//!
//! Exactly one endpoint is active in `failover`, all are in `mirror`. An endpoint that says nothing while it is not used
//! is tried when nothing better is known, one at a time. A primary that fails again soon after it was restored has to
//! wait longer each time.

use std::time::{Duration, Instant};

use crate::model::{DeliveryKind, DeliveryPolicy, Duty, Revert};

/// An endpoint of which nothing is known gets this long to show what it is worth.
const TRIAL: Duration = Duration::from_secs(5);
/// A primary that fails within this time after it was restored waits twice as long the next time.
const SOON: Duration = Duration::from_secs(60);
/// At most so many times the wait-to-restore time.
const LONGEST: u32 = 16;

/// How an endpoint stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is known: it is coming up, or is not used and cannot be looked at.
    Unknown,
    /// It acknowledges, and keeps up.
    Good,
    /// It does not, in one sentence.
    Bad(String),
}

/// An endpoint as it is seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// How it stands.
    pub standing: Standing,
    /// It has what players need, so that a change to it can wait until nothing is missing there.
    pub ready: bool,
}

/// Why another endpoint is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The one before is bad: why.
    Fault(String),
    /// The primary is good again.
    Restored,
    /// An operator said so.
    Forced,
}

/// A change of the active endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Switch {
    /// Which was active, by place.
    pub from: usize,
    /// Which is active now.
    pub to: usize,
    /// Why.
    pub reason: Reason,
}

/// See the module's header.
#[derive(Debug, Clone)]
pub struct Failover {
    policy: DeliveryPolicy,
    active: usize,
    forced: Option<usize>,
    /// Since when the active one is bad.
    bad_since: Option<Instant>,
    /// Since when the primary is good, while another one is active.
    good_since: Option<Instant>,
    switched: Option<Instant>,
    /// When the primary was last restored.
    restored: Option<Instant>,
    /// Times the wait-to-restore time.
    patience: u32,
}

impl Failover {
    /// `active` is used to begin with.
    pub fn new(policy: DeliveryPolicy, active: usize) -> Self {
        Self {
            policy,
            active,
            forced: None,
            bad_since: None,
            good_since: None,
            switched: None,
            restored: None,
            patience: 1,
        }
    }

    /// The endpoint in use; in `mirror` the one that would be.
    pub fn active(&self) -> usize {
        self.active
    }

    /// What the endpoint at `place` is there for.
    pub fn duty(&self, place: usize) -> Duty {
        match self.policy.kind {
            DeliveryKind::Mirror => Duty::Active,
            DeliveryKind::Failover if place == self.active => Duty::Active,
            // It is owed everything, in the end.
            DeliveryKind::Failover if place == 0 => Duty::Restoring,
            DeliveryKind::Failover => Duty::Standby,
        }
    }

    /// Other rules, from now on.
    pub fn set_policy(&mut self, policy: DeliveryPolicy) {
        self.policy = policy;
    }

    /// The endpoint that an operator wants, or none for the rules.
    pub fn force(&mut self, place: Option<usize>) {
        self.forced = place;
    }

    /// Looks at the endpoints at `now`; at most one change at a time.
    pub fn look(&mut self, seen: &[Seen], now: Instant) -> Option<Switch> {
        if self.policy.kind == DeliveryKind::Mirror || seen.is_empty() {
            return None;
        }
        self.note(seen, now);
        if let Some(forced) = self.forced.filter(|place| *place < seen.len()) {
            return (forced != self.active).then(|| self.switch(forced, Reason::Forced, now));
        }
        if let Some(to) = self.refuge(seen, now) {
            let why = match seen.get(self.active).map(|seen| &seen.standing) {
                Some(Standing::Bad(why)) => why.clone(),
                _ => "it is not configured any more".to_owned(),
            };
            self.note_relapse(now);
            return Some(self.switch(to, Reason::Fault(why), now));
        }
        if self.is_restored(seen, now) {
            self.restored = Some(now);
            return Some(self.switch(0, Reason::Restored, now));
        }
        None
    }

    /// Takes down since when it is so.
    fn note(&mut self, seen: &[Seen], now: Instant) {
        match seen.get(self.active).map(|seen| &seen.standing) {
            Some(Standing::Good | Standing::Unknown) => self.bad_since = None,
            Some(Standing::Bad(_)) | None => {
                self.bad_since.get_or_insert(now);
            }
        }
        match seen[0].standing {
            Standing::Good if self.active != 0 => {
                self.good_since.get_or_insert(now);
            }
            _ => self.good_since = None,
        }
    }

    /// Where to go from an active endpoint that was bad for long enough: to the best that is good, else to one of which
    /// nothing is known.
    fn refuge(&self, seen: &[Seen], now: Instant) -> Option<usize> {
        let held = now.saturating_duration_since(self.bad_since?);
        if held < Duration::from_millis(self.policy.hold_off_ms.into()) {
            return None;
        }
        let find = |wanted: Standing| {
            let others = seen.iter().enumerate().filter(|(place, _)| *place != self.active);
            let mut fitting = others.filter(|(_, seen)| seen.standing == wanted).map(|(place, _)| place);
            // Of those that cannot be told apart, the one after the last that was tried.
            let first = fitting.clone().next();
            if wanted == Standing::Good { first } else { fitting.find(|place| *place > self.active).or(first) }
        };
        let tried = self.switched.is_none_or(|at| now.saturating_duration_since(at) >= TRIAL);
        find(Standing::Good).or_else(|| if tried { find(Standing::Unknown) } else { None })
    }

    fn is_restored(&self, seen: &[Seen], now: Instant) -> bool {
        let wait = Duration::from_millis(self.policy.wait_to_restore_ms.into()) * self.patience;
        let good = self.good_since.is_some_and(|since| now.saturating_duration_since(since) >= wait);
        good && seen[0].ready && self.policy.revert == Revert::Auto
    }

    /// The active endpoint is left because it is bad: a primary that was restored a moment ago loses trust.
    fn note_relapse(&mut self, now: Instant) {
        if self.active != 0 {
            return;
        }
        let soon = SOON.max(Duration::from_millis(self.policy.wait_to_restore_ms.into()));
        let relapse = self.restored.is_some_and(|at| now.saturating_duration_since(at) < soon);
        self.patience = if relapse { (self.patience * 2).min(LONGEST) } else { 1 };
    }

    fn switch(&mut self, to: usize, reason: Reason, now: Instant) -> Switch {
        let from = std::mem::replace(&mut self.active, to);
        self.bad_since = None;
        self.good_since = None;
        self.switched = Some(now);
        Switch { from, to, reason }
    }
}

#[cfg(test)]
mod tests;

//! The lease of a box: when to ask for it, and until when it holds. Pure.
//!
//! ```text
//!            given                      not renewed in time, refused, or a write was refused
//! watching ─────────▶ holding, token n ──────────────────────────────────────────────────▶ watching
//!    ▲                   │ ▲  │
//!    │                   └─┘  │ step aside: an operator, or nothing to deliver
//!    └── refused: who has it  └──▶ given back ──▶ watching, and slow to ask again
//! ```
//!
//! A lease holds from when it was asked for, not from when the answer came: the box believes less than the origin does.

use std::time::{Duration, Instant};

use crate::model::pair::LeaseAnswer;

/// A lease is asked for and renewed so many times before it is over.
const TRIES: u32 = 3;
/// Who stands aside lets the other box have this many leases of time.
const ASIDE: u32 = 5;

/// How much this box has to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stock {
    /// Nothing new: it would be a bad holder.
    Stale,
    /// It goes on, but what players would be told has holes.
    Holed,
    /// All of it.
    Whole,
}

/// What to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The token to renew; none for a new lease.
    pub(crate) token: Option<u64>,
    /// For how long others may have it first.
    pub(crate) wait: Duration,
    /// It is to be given back.
    pub(crate) release: bool,
}

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The lease is this box's; who had it before.
    Taken(Option<String>),
    /// It is no more; why.
    Lost(&'static str),
    /// It was given back.
    Released,
    /// Somebody else has it, or nobody.
    Held(Option<String>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Standing {
    /// No answer yet.
    Unknown,
    Watching(Option<String>),
    Holding {
        token: u64,
        until: Instant,
    },
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Tenure {
    ttl: Duration,
    standing: Standing,
    /// The next time to ask.
    ask_at: Instant,
    /// An answer is awaited.
    asked: bool,
    /// Others go first until then.
    aside_until: Option<Instant>,
    releasing: bool,
}

impl Tenure {
    /// Nothing asked yet.
    pub(crate) fn new(ttl: Duration, now: Instant) -> Self {
        Self { ttl, standing: Standing::Unknown, ask_at: now, asked: false, aside_until: None, releasing: false }
    }

    /// How long an answer is waited for: then there is time for another try.
    pub(crate) fn patience(&self) -> Duration {
        (self.ttl / TRIES).max(Duration::from_millis(250))
    }

    /// How long the lease lasts.
    pub(crate) fn ttl(&self) -> Duration {
        self.ttl
    }

    /// The token, while the lease holds.
    pub(crate) fn token(&self) -> Option<u64> {
        match self.standing {
            Standing::Holding { token, .. } => Some(token),
            _ => None,
        }
    }

    /// Who else has it, as far as is known.
    pub(crate) fn other(&self) -> Option<&str> {
        match &self.standing {
            Standing::Watching(holder) => holder.as_deref(),
            _ => None,
        }
    }

    /// Whether the origin has answered.
    pub(crate) fn knows(&self) -> bool {
        self.standing != Standing::Unknown
    }

    /// When to look again.
    pub(crate) fn due(&self) -> Option<Instant> {
        let ask = (!self.asked).then_some(self.ask_at);
        let over = match self.standing {
            Standing::Holding { until, .. } => Some(until),
            _ => None,
        };
        ask.into_iter().chain(over).min()
    }

    /// What to ask for now, if anything; the caller must tell what came of it.
    pub(crate) fn ask(&mut self, stock: Stock, now: Instant) -> Option<Wanted> {
        if self.asked || now < self.ask_at {
            return None;
        }
        let token = self.token();
        if token.is_none() && stock == Stock::Stale {
            self.ask_at = now + self.ttl / TRIES;
            return None;
        }
        self.asked = true;
        self.ask_at = now + self.ttl / TRIES;
        let aside = self.aside_until.filter(|until| now < *until).map(|_| self.ttl * ASIDE);
        let wait = aside.unwrap_or(if stock == Stock::Whole { Duration::ZERO } else { self.ttl });
        let release = token.is_some() && self.releasing;
        Some(Wanted { token, wait, release })
    }

    /// The origin has said `answer` to what was `asked` for then.
    pub(crate) fn answered(&mut self, answer: &LeaseAnswer, asked: Instant, now: Instant) -> Option<Turn> {
        self.asked = false;
        if answer.released {
            self.releasing = false;
            self.standing = Standing::Watching(None);
            return Some(Turn::Released);
        }
        let Some(token) = answer.token else { return self.refused(answer, now) };
        let until = asked + self.ttl;
        if until <= now {
            // It came too late to be of use.
            self.ask_at = now;
            return None;
        }
        let was = std::mem::replace(&mut self.standing, Standing::Holding { token, until });
        match was {
            Standing::Holding { token: before, .. } if before == token => None,
            _ => {
                self.releasing = false;
                self.aside_until = None;
                Some(Turn::Taken(answer.previous.clone()))
            }
        }
    }

    fn refused(&mut self, answer: &LeaseAnswer, now: Instant) -> Option<Turn> {
        // The moment it may be free, if nobody renews it.
        if answer.left_ms > 0 {
            let free = now + Duration::from_millis(answer.left_ms + 5);
            self.ask_at = self.ask_at.min(free);
        }
        if answer.holder.is_some() {
            // It has had its turn.
            self.aside_until = None;
        }
        let held = Standing::Watching(answer.holder.clone());
        let was = std::mem::replace(&mut self.standing, held);
        match was {
            Standing::Holding { .. } => Some(Turn::Lost("it was given to the other box")),
            was if was == self.standing => None,
            _ => Some(Turn::Held(answer.holder.clone())),
        }
    }

    /// There was no answer.
    pub(crate) fn failed(&mut self) {
        self.asked = false;
    }

    /// A write was refused because another token is in force.
    pub(crate) fn fenced(&mut self, token: Option<u64>, now: Instant) -> Option<Turn> {
        // One that was sent with an earlier token says nothing of this one.
        if token.is_none() || self.token() != token {
            return None;
        }
        self.standing = Standing::Watching(None);
        self.ask_at = now;
        Some(Turn::Lost("a write was refused: the other box has it"))
    }

    /// Looks at the clock.
    pub(crate) fn look(&mut self, now: Instant) -> Option<Turn> {
        match self.standing {
            Standing::Holding { until, .. } if until <= now => {
                self.standing = Standing::Watching(None);
                self.ask_at = self.ask_at.min(now);
                Some(Turn::Lost("the origin has not renewed it in time"))
            }
            _ => None,
        }
    }

    /// Gives the lease back with the next request, which is due now, and lets the other box go first for a while.
    pub(crate) fn step_aside(&mut self, now: Instant) {
        self.aside_until = Some(now + self.ttl * ASIDE);
        self.releasing = self.token().is_some();
        self.ask_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(3);

    fn given(token: u64) -> LeaseAnswer {
        LeaseAnswer { token: Some(token), ..LeaseAnswer::default() }
    }

    fn held(by: &str, left_ms: u64) -> LeaseAnswer {
        LeaseAnswer { holder: Some(by.to_owned()), left_ms, ..LeaseAnswer::default() }
    }

    fn holding(now: Instant) -> Tenure {
        let mut tenure = Tenure::new(TTL, now);
        assert_eq!(tenure.ask(Stock::Whole, now), Some(Wanted { token: None, wait: Duration::ZERO, release: false }));
        assert_eq!(tenure.answered(&given(7), now, now), Some(Turn::Taken(None)));
        tenure
    }

    #[test]
    fn a_lease_is_renewed_three_times_as_often_as_needed() {
        let now = Instant::now();
        let mut tenure = holding(now);
        assert_eq!(tenure.ask(Stock::Whole, now + TTL / 4), None);
        let at = now + TTL / 3;
        assert_eq!(tenure.due(), Some(at));
        assert_eq!(tenure.ask(Stock::Holed, at).unwrap().token, Some(7));
        assert_eq!(tenure.ask(Stock::Whole, at), None, "an answer is awaited");
        assert_eq!(tenure.answered(&given(7), at, at + TTL / 6), None);
        assert_eq!(tenure.look(at + TTL * 9 / 10), None);
        assert!(matches!(tenure.look(at + TTL), Some(Turn::Lost(_))));
        assert_eq!(tenure.token(), None);
    }

    #[test]
    fn it_lasts_from_when_it_was_asked_for() {
        let now = Instant::now();
        let mut tenure = Tenure::new(TTL, now);
        tenure.ask(Stock::Whole, now).unwrap();
        assert_eq!(tenure.answered(&given(1), now, now + TTL), None, "over before it came");
        tenure.ask(Stock::Whole, now + TTL).unwrap();
        assert!(tenure.answered(&given(2), now + TTL, now + TTL * 3 / 2).is_some());
        assert!(tenure.look(now + TTL * 2).is_some());
    }

    #[test]
    fn who_watches_asks_again_when_it_may_be_free() {
        let now = Instant::now();
        let mut tenure = Tenure::new(TTL, now);
        tenure.ask(Stock::Whole, now).unwrap();
        assert_eq!(tenure.answered(&held("a", 400), now, now), Some(Turn::Held(Some("a".to_owned()))));
        assert_eq!(tenure.due(), Some(now + Duration::from_millis(405)));
        tenure.ask(Stock::Whole, now + Duration::from_millis(405)).unwrap();
        assert_eq!(tenure.answered(&held("a", 2900), now, now), None, "no news");
        assert_eq!(tenure.other(), Some("a"));
    }

    #[test]
    fn who_has_nothing_new_does_not_ask_and_who_has_holes_waits() {
        let now = Instant::now();
        let mut tenure = Tenure::new(TTL, now);
        assert_eq!(tenure.ask(Stock::Stale, now), None);
        assert_eq!(tenure.ask(Stock::Holed, now + TTL).unwrap().wait, TTL);
    }

    #[test]
    fn who_steps_aside_gives_back_and_waits_long() {
        let now = Instant::now();
        let mut tenure = holding(now);
        tenure.step_aside(now);
        assert_eq!(tenure.ask(Stock::Whole, now), Some(Wanted { token: Some(7), wait: TTL * 5, release: true }));
        let released = LeaseAnswer { released: true, ..LeaseAnswer::default() };
        assert_eq!(tenure.answered(&released, now, now), Some(Turn::Released));
        let next = tenure.ask(Stock::Whole, now + TTL).unwrap();
        assert_eq!(next, Wanted { token: None, wait: TTL * 5, release: false });
    }

    #[test]
    fn a_refused_write_ends_it_only_if_it_was_of_this_lease() {
        let now = Instant::now();
        let mut tenure = holding(now);
        assert_eq!(tenure.fenced(Some(6), now), None);
        assert!(matches!(tenure.fenced(Some(7), now), Some(Turn::Lost(_))));
        assert_eq!(tenure.fenced(Some(7), now), None);
    }
}

//! What the task of a destination does for a pair: it asks for the lease, and does what follows from having it or not.

use std::time::{Duration, Instant};

use super::super::delivery::Post;
use super::super::object::{Object, Outcome};
use super::super::pair::tenure::{Stock, Turn};
use super::super::pair::{Claimed, HandOver, words};
use super::super::store::Terms;
use super::super::tally::now as clock;
use super::{DRAIN, Task};
use crate::hls::ToldPlaylist;
use crate::model::Duty;
use crate::policy::{HttpFailure, judge};

/// The other box may have told so many segments that this one is about to have.
const AHEAD: u64 = 2;

impl Task {
    /// Asks for the lease, or renews it, and sees whether it still holds.
    pub(super) fn look_at_pair(&mut self, now: Instant) {
        let Some(pair) = &mut self.pair else { return };
        if let Some(turn) = pair.tenure.look(now) {
            self.turn(turn);
        }
        self.ask_if_due(now);
        self.look_for_trouble(now);
    }

    fn ask_if_due(&mut self, now: Instant) {
        let Some(pair) = &mut self.pair else { return };
        if pair.yielding.is_some_and(|since| self.requests.is_idle() || now >= since + DRAIN) {
            pair.yielding = None;
            pair.tenure.step_aside(now);
        }
        let due = pair.tenure.due().is_some_and(|due| due <= now);
        if self.delivery.duty() != Duty::Active || !due {
            return;
        }
        let mut stock = pair.stock(&self.delivery, self.description.grid.duration(), self.done.is_some(), now);
        if pair.waits_for(&self.description.clock) {
            stock = Stock::Stale;
        }
        if stock == Stock::Stale && pair.tenure.token().is_some() && pair.yielding.is_none() {
            pair.yielding = Some(now);
        }
        if let Some(wanted) = pair.tenure.ask(stock, now) {
            pair.claim(&self.store, wanted, now);
        }
    }

    /// When the pair wants to be looked at.
    pub(super) fn pair_due(&self, now: Instant) -> Option<Instant> {
        let pair = self.pair.as_ref().filter(|_| self.delivery.duty() == Duty::Active)?;
        let yields = pair.yielding.map(|since| since + DRAIN);
        let asks = pair.tenure.due().map(|at| at.max(now + Duration::from_millis(1)));
        asks.into_iter().chain(yields).min()
    }

    /// Whether nothing is to be begun, because the lease is about to be given back.
    pub(super) fn is_yielding(&self) -> bool {
        self.pair.as_ref().is_some_and(|pair| pair.yielding.is_some())
    }

    /// The origin has answered.
    pub(super) fn settle_claim(&mut self, claimed: Claimed) {
        let now = Instant::now();
        let Some(pair) = &mut self.pair else { return };
        let turn = match &claimed.result {
            Ok(answer) => {
                pair.refused = None;
                let turn = pair.tenure.answered(answer, claimed.asked, now);
                if let Some(other) = pair.tenure.other()
                    && let Some(handing) = pair.handing.take()
                {
                    let _ = handing.send(Ok(format!("{other} delivers now")));
                }
                turn
            }
            Err(failure) => {
                pair.tenure.failed();
                tracing::debug!(destination = %self.description.destination, ?failure, "no answer about the lease");
                if matches!(failure, HttpFailure::Status(400..=499 | 501)) {
                    pair.refused = Some(format!("the origin gives no lease for a pair: {}", judge(failure).text));
                }
                None
            }
        };
        if let Some(turn) = turn {
            self.turn(turn);
        }
    }

    /// Does what follows.
    fn turn(&mut self, turn: Turn) {
        let Some(pair) = &mut self.pair else { return };
        tracing::info!(destination = %self.description.destination, ?turn, "the lease of the pair");
        match turn {
            Turn::Taken(previous) => {
                pair.previous = previous;
                pair.held = true;
                if let Some(handing) = pair.handing.take() {
                    let _ = handing.send(Err("the other box has not taken it: this one goes on".to_owned()));
                }
                self.delivery.survey();
                return;
            }
            Turn::Lost(why) => {
                pair.yielding = None;
                if self.delivery.post() == Post::Deliver {
                    self.tally.tell(words::lost(&self.description, why, clock()));
                }
            }
            Turn::Released => self.tally.tell(words::released(&self.description, clock())),
            Turn::Held(_) => {}
        }
        if matches!(self.delivery.post(), Post::Deliver | Post::Survey) {
            pair.since = clock();
            self.delivery.watch();
        }
    }

    /// A playlist was looked at.
    pub(super) fn looked(&mut self, lane: usize, survey: bool, text: Option<&str>) {
        self.delivery.looked(lane, survey, text.and_then(ToldPlaylist::read));
        if let Some(lane) = self.delivery.lanes.get(lane) {
            super::note(lane, &self.settled, &mut self.record);
        }
        let alike = self.delivery.alike() == Some(true);
        self.delivery
            .share(alike && self.pair.as_ref().is_some_and(|pair| pair.shares() && pair.tenure.other().is_some()));
    }

    /// Goes on after the other box, once all is known that it told.
    pub(super) fn go_on_if_surveyed(&mut self, now: Instant) {
        let Some(pair) = self.pair.as_mut().filter(|pair| pair.tenure.token().is_some()) else { return };
        if !self.delivery.is_surveyed() {
            return;
        }
        let same_box = pair.previous.as_deref() == Some(pair.settings.member.as_str());
        let how = self.delivery.go_on(same_box, self.description.grid.duration() * 2, now);
        pair.since = clock();
        pair.takeovers += u64::from(pair.previous.is_some() && !same_box);
        self.tally.tell(words::taken(&self.description, pair, how, clock()));
        for lane in &self.delivery.lanes {
            super::note(lane, &self.settled, &mut self.record);
        }
    }

    /// A write was refused for the sake of another box: not a word about the link.
    pub(super) fn fenced(&mut self, terms: Terms, now: Instant) -> Option<Outcome> {
        let pair = self.pair.as_mut()?;
        pair.fenced += 1;
        if let Some(turn) = pair.tenure.fenced(terms.fence, now) {
            self.turn(turn);
        }
        Some(Outcome::Failed(crate::policy::RetryDecision::Retry))
    }

    /// Under which conditions `object` is sent.
    pub(super) fn terms(&self, object: &Object) -> Terms {
        let Some(pair) = &self.pair else { return Terms::default() };
        let create = match object {
            Object::Segment { lane, number, .. } => self.delivery.keeps(*lane, *number, pair.shares()),
            // Named by its content.
            Object::Init { .. } => pair.shares(),
            _ => false,
        };
        Terms { fence: pair.tenure.token(), create }
    }

    /// Gives the channel to the other box.
    pub(super) fn hand_over(&mut self, answer: HandOver) {
        let refusal = match &mut self.pair {
            None => "this destination has no pair".to_owned(),
            Some(pair) if pair.tenure.token().is_none() => match pair.tenure.other() {
                Some(other) => format!("{other} delivers: there is nothing to hand over"),
                None => "this box does not deliver: there is nothing to hand over".to_owned(),
            },
            Some(pair) if pair.handing.is_some() => "it is being handed over".to_owned(),
            Some(pair) => {
                pair.handing = Some(answer);
                pair.yielding = Some(Instant::now());
                return;
            }
        };
        let _ = answer.send(Err(refusal));
    }

    /// Tells, once, what is not as a pair needs it.
    fn look_for_trouble(&mut self, now: Instant) {
        let watches = self.delivery.post() != Post::Deliver;
        let differ = watches && self.delivery.alike() == Some(false);
        let Some(pair) = &mut self.pair else { return };
        let namesake = pair.look_for_namesake(now);
        let trouble = if pair.waits_for(&self.description.clock) {
            Some(words::WRONG_CLOCK.to_owned())
        } else if let Some(refused) = &pair.refused {
            Some(refused.clone())
        } else if namesake {
            Some(format!("another box calls itself {}, too: give each box a `member` of its own", pair.settings.member))
        } else if watches && pair.goes_on && self.delivery.overtaken() > AHEAD {
            Some("the other box is ahead: compare the clocks of both".to_owned())
        } else if differ && pair.shares() {
            Some("the other box encodes otherwise: this one only stands by".to_owned())
        } else {
            None
        };
        if trouble.is_some() && trouble != pair.trouble {
            self.tally.tell(words::trouble(&self.description, trouble.as_deref().unwrap_or_default(), clock()));
        }
        pair.trouble = trouble;
    }
}

//! What follows from how an object went.

use std::time::Instant;

use crate::policy::RetryDecision;

use super::super::lane::Slot;
use super::super::object::{Object, Outcome};
use super::{Delivery, Search};

impl Delivery {
    /// Says how `object` went.
    pub(crate) fn settle(&mut self, object: &Object, probe: bool, outcome: Outcome, now: Instant, random: f64) {
        if probe {
            self.probing = false;
        }
        match object {
            Object::Init { lane, name } => self.settle_init(*lane, name, outcome, now, random),
            Object::Segment { lane, number, backfill } => {
                let caught = self.catching.remove(&(*lane, *number));
                self.backfilling = self.backfilling.saturating_sub(usize::from(*backfill && !caught));
                self.settle_segment(*lane, *number, outcome, now, random);
            }
            Object::Part { lane, number, index } => {
                self.lanes[*lane].parts.settle(*number, *index, outcome == Outcome::Acknowledged);
                if outcome == Outcome::Failed(RetryDecision::Never) {
                    self.lanes.iter_mut().for_each(|lane| lane.parts.give_up());
                }
            }
            Object::Playlist { lane, text } => {
                let lane = &mut self.lanes[*lane];
                settle_playlist(&mut lane.playlist, &mut lane.published, text, outcome, now, random);
            }
            Object::Multivariant { text } => {
                settle_playlist(&mut self.multivariant, &mut self.published, text, outcome, now, random);
            }
            Object::Check { lane, number } => {
                self.backfilling = self.backfilling.saturating_sub(1);
                self.settle_check(*lane, *number, outcome);
            }
            Object::Look { lane, survey } => self.settle_look(*lane, *survey, outcome, now, random),
            // `sweep` sees to it.
            Object::Remove { .. } => {}
        }
    }

    fn settle_init(&mut self, lane: usize, name: &str, outcome: Outcome, now: Instant, random: f64) {
        let lane = &mut self.lanes[lane];
        if outcome == Outcome::Acknowledged {
            lane.init.done();
            lane.delivered.inits.insert(name.to_owned());
        } else {
            // Nothing plays without it: it is tried for ever, whatever the origin says.
            lane.init.failed(now, random);
        }
    }

    fn settle_segment(&mut self, index: usize, number: u64, outcome: Outcome, now: Instant, random: f64) {
        let lane = &mut self.lanes[index];
        match outcome {
            Outcome::Acknowledged => {
                lane.acknowledge(number);
                if self.search == Search::AwaitingControl {
                    self.search = Search::Control { lane: index, number };
                }
            }
            Outcome::Unreadable | Outcome::Failed(RetryDecision::Never) => lane.skip(number),
            _ => lane.put_back(number, now, random),
        }
    }

    fn settle_check(&mut self, index: usize, number: u64, outcome: Outcome) {
        let control = matches!(self.search, Search::Control { .. });
        match outcome {
            Outcome::Acknowledged if control => self.search = Search::Running { thorough: false },
            Outcome::Acknowledged => {
                self.lanes[index].unchecked.remove(&number);
            }
            Outcome::Absent if !control => self.lost(index, number),
            // Asked again when it takes something: a stop does not wait for an answer that may never come.
            Outcome::Failed(RetryDecision::Retry) => self.search = Search::AwaitingControl,
            _ => {
                self.search = Search::Off;
                self.lanes.iter_mut().for_each(|lane| lane.unchecked.clear());
            }
        }
    }

    /// What players can see is gone: then the rest may be gone, too.
    pub(super) fn lost(&mut self, index: usize, number: u64) {
        self.lanes[index].unchecked.remove(&number);
        self.lanes[index].owe_again(number);
        if self.search == (Search::Running { thorough: false }) {
            self.search = Search::Running { thorough: true };
            self.lanes.iter_mut().for_each(|lane| lane.check_from(0));
        }
    }
}

/// Playlists are tried for ever.
fn settle_playlist(
    slot: &mut Slot,
    published: &mut Option<String>,
    text: &str,
    outcome: Outcome,
    now: Instant,
    random: f64,
) {
    if outcome == Outcome::Acknowledged {
        slot.done();
        *published = Some(text.to_owned());
    } else {
        slot.failed(now, random);
    }
}

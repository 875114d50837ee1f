//! Takes: what the program shall show, now or at a time to come.
//!
//! The order is kept before the worker is told, so that whatever worker comes next shows it. A worker that is up is told
//! by an act and answers with the first frame; one that is coming up is given the order with its start, and its reports
//! confirm it. Scheduled takes are carried out by the worker, which needs no daemon for it; what it did is learnt from
//! its reports.

use std::time::{Duration, Instant};

use super::asks::{Ask, Pending, Reply, SHOW_WITHIN, outcome, shows};
use super::channel::Channel;
use super::handle::{Outcome, Refusal};
use super::journal::now;
use super::lifecycle::Stand;
use crate::ipc::Down;
use crate::model::status::{ChannelOrder, ProgramOrder};
use crate::model::take::{FARTHEST_TAKE, MOST_TAKES};
use crate::model::{Act, Acted, MediaTime, ScheduledTake, TakeOrder};
use crate::plan::ChannelPlan;

impl Channel {
    pub(super) async fn on_take(&mut self, take: TakeOrder, reply: Reply) {
        if self.leaving {
            let _ = reply.send(Err(Refusal::ShuttingDown));
            return;
        }
        let order = match self.possible(&take) {
            Ok(order) => order,
            Err(refusal) => {
                let _ = reply.send(Err(refusal));
                return;
            }
        };
        match take.at {
            Some(at) => self.take_later(order, &take, at, reply).await,
            None => self.take_now(order, take, reply).await,
        }
    }

    /// The order, if this channel can carry it out.
    fn possible(&self, take: &TakeOrder) -> Result<ProgramOrder, Refusal> {
        if self.order == ChannelOrder::OffAir {
            return Err(Refusal::OffAir(self.id.clone()));
        }
        take.check().map_err(Refusal::Impossible)?;
        if let Some(expected) = &take.expect
            && self.live.preview.as_ref() != Some(expected)
        {
            let found = self.live.preview.as_ref().map_or_else(|| "nothing".to_owned(), ProgramOrder::to_string);
            let (channel, expected) = (self.id.clone(), expected.to_string());
            return Err(Refusal::PreviewChanged { channel, expected, found });
        }
        let nothing = || Refusal::Impossible("nothing is in preview: name a source".to_owned());
        let order = take.order.clone().or_else(|| self.live.preview.clone()).ok_or_else(nothing)?;
        self.check_sources(&order)?;
        Ok(order)
    }

    /// Whether the channel has every source that `order` names.
    pub(super) fn check_sources(&self, order: &ProgramOrder) -> Result<(), Refusal> {
        let Some(plan) = &self.plan else { return Ok(()) };
        let unknown = order.sources().iter().find(|id| !plan.sources.iter().any(|source| source.id == **id));
        unknown.map_or(Ok(()), |source| Err(Refusal::UnknownSource(self.id.clone(), source.clone())))
    }

    async fn take_now(&mut self, order: ProgramOrder, take: TakeOrder, reply: Reply) {
        let from_preview = take.order.is_none();
        let take = TakeOrder { order: Some(order.clone()), ..take };
        let ask = Ask::Show(take.clone());
        self.overtake(&ask);
        let up = self.life.stand() == Stand::Up && self.sender.is_some();
        if !up && self.program == order && self.report.as_ref().is_some_and(|report| shows(report, &order)) {
            let text = "the program shows it already".to_owned();
            let _ = reply.send(Ok(outcome(false, &self.status.borrow(), text)));
            return;
        }
        let before = std::mem::replace(&mut self.program, order.clone());
        if from_preview && before != order {
            // As on every desk: what was on air is next.
            self.live.preview = Some(before.clone());
        }
        if from_preview || before != order {
            self.save();
        }
        let pending = Pending::new(ask, SHOW_WITHIN, reply, Instant::now());
        if !up {
            self.tell_program = true;
            self.pending.push(pending);
            return;
        }
        if from_preview {
            let live = Box::new(self.live.clone());
            self.act(Act::Live { live }, None).await;
        }
        self.acts += 1;
        let id = self.acts;
        self.pending.push(pending.by_act(id));
        self.send(&Down::Act { id, act: Act::Take { order, transition: take.transition } }).await;
    }

    async fn take_later(&mut self, order: ProgramOrder, take: &TakeOrder, at: MediaTime, reply: Reply) {
        let refused = if at <= now() {
            Some(Refusal::Impossible("that time has passed".to_owned()))
        } else if at.since(now()) > Duration::from_secs(FARTHEST_TAKE) {
            Some(Refusal::Impossible("a take is scheduled at most 24 hours ahead".to_owned()))
        } else if self.live.scheduled.len() >= MOST_TAKES {
            Some(Refusal::Impossible(format!("{MOST_TAKES} takes are scheduled already: cancel one")))
        } else if self.life.stand() != Stand::Up || self.sender.is_none() {
            Some(Refusal::Failed("the channel is coming up: try again when it is".to_owned()))
        } else {
            None
        };
        if let Some(refusal) = refused {
            let _ = reply.send(Err(refusal));
            return;
        }
        // The time of the request, in milliseconds, names it; of two in one millisecond the second takes the next.
        let newest = self.live.scheduled.iter().map(|known| known.id).max().unwrap_or(0);
        let id = (now().as_nanos() / 1_000_000).max(newest + 1);
        self.schedule(ScheduledTake { id, order, transition: take.transition, at }, reply).await;
    }

    /// The worker says that a take is shown.
    pub(super) fn on_take_acted(&mut self, id: u64, result: Result<Acted, String>) {
        let at = result.as_ref().ok().and_then(|acted| acted.at);
        self.program_at = self.program_at.max(at);
        let Some(place) = self.pending.iter().position(|pending| pending.act() == Some(id)) else { return };
        let pending = self.pending.swap_remove(place);
        let status = self.status.borrow().clone();
        let answer = match result {
            Ok(acted) => {
                let said = outcome(!acted.unchanged, &status, acted.text.clone());
                Ok(Outcome { acted: Some(acted), ..said })
            }
            Err(reason) => Err(Refusal::Failed(reason)),
        };
        self.settle(pending, answer);
    }

    /// Learns from a report which takes have been carried out.
    pub(super) fn carry_over(&mut self) {
        // While a take is under way, what it replaces does not matter.
        if self.live.scheduled.is_empty() || self.pending.iter().any(|pending| pending.act().is_some()) {
            return;
        }
        let Some(report) = &self.report else { return };
        let (scheduled, position) = (report.program.scheduled.clone(), report.program.position);
        self.carried_out(&scheduled, position);
    }

    /// Takes that a worker at `position` does not list any more have been carried out; the last one is what it shows,
    /// unless something was taken by hand since.
    pub(super) fn carried_out(&mut self, listed: &[ScheduledTake], position: MediaTime) {
        let gone = |take: &ScheduledTake| take.at <= position && !listed.iter().any(|known| known.id == take.id);
        self.settle_takes(gone);
    }

    /// What comes due before there is a worker is shown by the next one from its start.
    pub(super) fn come_due(&mut self) {
        let at = now();
        self.settle_takes(|take| take.at <= at);
    }

    fn settle_takes(&mut self, settled: impl Fn(&ScheduledTake) -> bool) {
        let (done, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.live.scheduled).into_iter().partition(|take| settled(take));
        self.live.scheduled = waiting;
        let Some(last) = done.into_iter().next_back() else { return };
        if self.program_at.is_none_or(|known| last.at >= known) {
            self.program = last.order;
            self.program_at = Some(last.at);
        }
        self.save();
    }

    /// Drops orders that name sources which the new plan does not have.
    pub(super) fn forget_sources(&mut self, plan: &ChannelPlan) {
        let known = |id: &crate::model::SourceId| plan.sources.iter().any(|source| source.id == *id);
        let before = (self.program.clone(), self.live.clone());
        if !self.program.sources().iter().all(known) {
            self.program = ProgramOrder::Auto;
        }
        self.live.keep_to(known);
        self.live.bitrates.retain(|id, _| plan.video.iter().any(|rendition| rendition.id == *id));
        if before != (self.program.clone(), self.live.clone()) {
            self.save();
        }
    }
}

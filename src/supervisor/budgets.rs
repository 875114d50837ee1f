//! The channel and what its destinations cost: it counts what its worker reports, and has the worker do what budgets say.

use super::channel::Channel;
use super::journal::now;
use super::lifecycle::Stand;
use crate::model::Act;

impl Channel {
    /// Counts what the worker reports.
    pub(super) fn count(&self) {
        let reported = self.report.as_ref().map(|report| &report.destinations);
        let reported = reported.or(self.remainder.as_ref().map(|rest| &rest.destinations));
        if let (Some(worker), Some(reported)) = (&self.worker, reported) {
            self.shared.costs.see(&self.id, worker.since, reported, now());
        }
    }

    /// Holds back, or uses again, what budgets want held back or not. Kept as an order, so that the next worker does the
    /// same.
    pub(super) async fn keep_to_budgets(&mut self) {
        if self.leaving {
            return;
        }
        let judged = self.shared.costs.judge(&self.id, &self.live.destinations, now());
        judged.events.into_iter().for_each(|event| self.shared.journal.tell(event));
        if judged.orders.is_empty() {
            return;
        }
        judged.orders.into_iter().for_each(|(destination, order)| self.live.hold(&destination, order));
        self.save();
        // What was counted stands before what follows from it.
        self.shared.costs.write();
        if self.life.stand() == Stand::Up && self.sender.is_some() {
            let live = Box::new(self.live.clone());
            self.act(Act::Live { live }, None).await;
        }
        self.renew_rest();
    }
}

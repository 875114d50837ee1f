//! What delivery costs, and budgets: counted from what workers report, kept by the store, judged by `policy`.
//!
//! Owns: the ledger of bytes by endpoint, day and show, the budgets in force, their alarms. Must not: act on a channel
//! (its actor does), count anything twice (a counter is kept together with what was counted of it), or write to disk more
//! often than once in [`WRITE_EVERY`] without an order.
//!
//! ```text
//!  heartbeats ─▶ see ─▶ ledger ──pages, once a minute, and at the end──▶ store
//!                         │  ▲─────── what was kept, joined when it can be read ──┘
//!                         ├─▶ judge (policy::budget) ─▶ orders and events, for the channel's actor
//!                         └─▶ status ─▶ API
//! ```

mod ledger;
mod pages;
mod report;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::ledger::Ledger;
use crate::model::cost::{Amount, Budget, BudgetOrder, CostStatus, Hold, Month, Traffic, WhenSpent};
use crate::model::status::DestinationStatus;
use crate::model::{ChannelId, DestinationId, DestinationOrder, Event, EventCode, Fault, MediaTime, Severity};
use crate::policy::{BudgetLevel, budget_alarm, budget_order};
use crate::store::Store;

/// Between two writes that nobody asked for: what a power cut may cost of the counts.
const WRITE_EVERY: Duration = Duration::from_secs(60);

/// Budgets by destination, of one channel; a destination without a price or a budget has none.
pub type Budgets = BTreeMap<DestinationId, Budget>;

/// Cheap to clone; all are one.
#[derive(Debug, Clone, Default)]
pub struct Costs {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    ledger: Ledger,
    /// In the order of the configuration.
    budgets: Vec<(ChannelId, Budgets)>,
    store: Option<Store>,
    /// What was counted before this daemon is in the ledger.
    complete: bool,
    /// Something is not written yet.
    changed: bool,
    written: Option<Instant>,
}

/// What budgets make of a channel's destinations.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// What is to change.
    pub(super) orders: Vec<(DestinationId, Option<BudgetOrder>)>,
    /// What is to be told.
    pub(super) events: Vec<Event>,
}

impl Costs {
    /// Goes on with what `store` has kept.
    pub(super) fn kept_by(store: Store, now: MediaTime) -> Self {
        let costs = Self::default();
        let mut inner = costs.lock();
        inner.store = Some(store);
        inner.find(now);
        drop(inner);
        costs
    }

    /// The budgets of a channel, from now on.
    pub(crate) fn set_budgets(&self, channel: &ChannelId, budgets: Budgets) {
        let mut inner = self.lock();
        match inner.budgets.iter_mut().find(|(known, _)| known == channel) {
            Some((_, ours)) => *ours = budgets,
            None => inner.budgets.push((channel.clone(), budgets)),
        }
    }

    /// The channel is not configured any more. What it has cost stays.
    pub(super) fn forget_budgets(&self, channel: &ChannelId) {
        self.lock().budgets.retain(|(known, _)| known != channel);
    }

    /// Counts what a worker, started at `worker`, reports.
    pub(crate) fn see(&self, channel: &ChannelId, worker: MediaTime, reported: &[DestinationStatus], now: MediaTime) {
        let mut inner = self.lock();
        inner.find(now);
        inner.changed |= inner.ledger.see(channel, worker, reported, now);
        inner.write_if_due();
    }

    /// What is to become of a channel's destinations, of which `orders` are in force.
    pub(super) fn judge(
        &self,
        channel: &ChannelId,
        orders: &BTreeMap<DestinationId, DestinationOrder>,
        now: MediaTime,
    ) -> Judged {
        let mut inner = self.lock();
        let budgets = inner.budgets_of(channel);
        let held = |order: &DestinationOrder| order.budget.is_some();
        let others = orders.iter().filter(|(id, order)| held(order) && !budgets.contains_key(*id)).map(|(id, _)| id);
        let ids: Vec<DestinationId> = budgets.keys().chain(others).cloned().collect();
        let mut judged = Judged::default();
        for id in ids {
            let order = orders.get(&id).and_then(|order| order.budget);
            inner.judge_one(channel, &id, (budgets.get(&id), order), now, &mut judged);
        }
        judged
    }

    /// A show begins.
    pub(super) fn begin_show(&self, channel: &ChannelId, title: Option<String>, now: MediaTime) {
        let mut inner = self.lock();
        inner.ledger.begin(channel, title, now);
        inner.write();
    }

    /// A show without a title begins, unless one is on; whether it has.
    pub(super) fn begin_if_none(&self, channel: &ChannelId, now: MediaTime) -> bool {
        let mut inner = self.lock();
        let begins = !inner.ledger.is_on(channel);
        if begins {
            inner.ledger.begin(channel, None, now);
            inner.write();
        }
        begins
    }

    /// The show that is on ends; what it was called and what it sent. None if there is none.
    pub(super) fn end_show(&self, channel: &ChannelId, now: MediaTime) -> Option<(Option<String>, Traffic)> {
        let mut inner = self.lock();
        let show = inner.ledger.end(channel, now)?;
        let sent = show.traffic.values().copied().fold(Traffic::default(), Traffic::plus);
        let ended = (show.title.clone(), sent);
        inner.write();
        Some(ended)
    }

    /// Writes what is not written.
    pub(super) fn write(&self) {
        self.lock().write();
    }

    /// What delivery has cost in `month`.
    pub fn status(&self, month: Month, now: MediaTime) -> CostStatus {
        let inner = self.lock();
        report::status(&inner.ledger, &inner.budgets, inner.complete, month, now)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn budgets_of(&self, channel: &ChannelId) -> Budgets {
        let ours = self.budgets.iter().find(|(known, _)| known == channel);
        ours.map(|(_, budgets)| budgets.clone()).unwrap_or_default()
    }

    /// Joins what was counted before, as soon as it can be read.
    fn find(&mut self, now: MediaTime) {
        if self.complete {
            return;
        }
        // A store that fails is asked as often as it would be written to.
        if self.written.is_some_and(|asked| asked.elapsed() < WRITE_EVERY) {
            return;
        }
        match self.store.as_ref().and_then(Store::take_ledger) {
            Some(pages) => {
                self.ledger.join(pages::read(&pages), now);
                self.complete = true;
            }
            None => self.written = Some(Instant::now()),
        }
    }

    fn write_if_due(&mut self) {
        if self.changed && self.written.is_none_or(|written| written.elapsed() >= WRITE_EVERY) {
            self.write();
        }
    }

    fn write(&mut self) {
        // What is kept must not be written over by a part of it.
        let (Some(store), true) = (&self.store, self.complete) else { return };
        self.ledger.prune();
        store.keep_ledger(pages::write(&self.ledger));
        (self.written, self.changed) = (Some(Instant::now()), false);
    }

    fn judge_one(
        &mut self,
        channel: &ChannelId,
        id: &DestinationId,
        (budget, order): (Option<&Budget>, Option<BudgetOrder>),
        now: MediaTime,
        judged: &mut Judged,
    ) {
        let month = Month::of(now);
        let spent = self.ledger.spent(id, month);
        let level = budget.map_or(BudgetLevel::Within, |budget| BudgetLevel::of(budget, spent));
        let told = self.ledger.told.get(id).copied();
        if let (Some(alarm), Some(budget)) = (budget_alarm(told, month, level), budget) {
            judged.events.push(alarmed(alarm, budget, spent, month, now).channel(channel).subject(id));
        }
        // Nothing is told of most destinations, and nothing is kept of that.
        if told != Some((month, level)) && (told.is_some() || level > BudgetLevel::Within) {
            self.ledger.told.insert(id.clone(), (month, level));
            self.changed = true;
        }
        let wanted = budget_order(budget, spent, month, order);
        // A hold is not lifted because what was counted cannot be read.
        if wanted == order || wanted.is_none() && !self.complete {
            return;
        }
        judged.orders.push((id.clone(), wanted));
        let held = |order: Option<BudgetOrder>| order.is_some_and(|order| order.hold != Hold::Lifted);
        if held(order) && !held(wanted) {
            let text = "used as configured again: its budget is not spent any more";
            let event = Event::new(now, Severity::Info, EventCode::BudgetFreed, text);
            judged.events.push(event.channel(channel).subject(id));
        }
    }
}

fn alarmed(level: BudgetLevel, budget: &Budget, spent: Traffic, month: Month, now: MediaTime) -> Event {
    let amount = report::worded(&Amount { traffic: spent, cost: budget.cost(spent) }, budget);
    let percent = budget.used(spent).unwrap_or_default() * 100.0;
    if level < BudgetLevel::Spent {
        let text = format!("{percent:.0} % of the budget for {month} is spent: {amount}");
        let hint = "uplinkctl cost says by what; a smaller ladder, fewer endpoints, or a larger budget";
        return Event::new(now, Severity::Warning, EventCode::BudgetNear, text).blame(Fault::Configuration, hint);
    }
    let (then, hint) = match budget.when_spent {
        WhenSpent::Keep => ("it goes on, as configured", "raise the budget, or disable the destination"),
        WhenSpent::DropRenditions => (
            "only its lowest rendition goes on, as configured",
            "raise the budget, or lift it for this month with uplinkctl destination enable",
        ),
        WhenSpent::Stop => (
            "it is not used until the month is over, as configured",
            "raise the budget, or lift it for this month with uplinkctl destination enable",
        ),
    };
    let text = format!("the budget for {month} is spent: {amount}; {then}");
    Event::new(now, Severity::Error, EventCode::BudgetSpent, text).blame(Fault::Configuration, hint)
}

//! What delivery has cost, as the API tells it. Pure.

use std::collections::BTreeMap;

use super::Budgets;
use super::ledger::{Ledger, Place, Show, of_month};
use crate::model::cost::Day;
use crate::model::cost::{
    Amount, Budget, BudgetStatus, ChannelCost, CostStatus, Counted, DayCost, DestinationCost, EndpointCost, GB, Month,
    ShowCost, ShowShare, Traffic,
};
use crate::model::{ChannelId, DestinationId, MediaTime};

/// Endpoints and what went there.
type Places<'a> = Vec<(&'a Place, &'a BTreeMap<Day, Traffic>)>;

/// The document for `month`: configured channels in their order, then those that are gone and sent something in it.
pub(super) fn status(
    ledger: &Ledger,
    budgets: &[(ChannelId, Budgets)],
    complete: bool,
    month: Month,
    now: MediaTime,
) -> CostStatus {
    let none = Budgets::new();
    let gone = |channel: &ChannelId| !budgets.iter().any(|(known, _)| known == channel);
    let mut others: Vec<&ChannelId> = ledger.days.keys().map(|place| &place.channel).filter(|id| gone(id)).collect();
    others.dedup();
    let configured = budgets.iter().map(|(channel, budgets)| channel_cost(ledger, channel, budgets, month));
    let others = others.into_iter().map(|channel| channel_cost(ledger, channel, &none, month));
    let sent = |cost: &ChannelCost| !cost.destinations.is_empty();
    CostStatus { now, month, complete, channels: configured.chain(others.filter(sent)).collect() }
}

fn channel_cost(ledger: &Ledger, channel: &ChannelId, budgets: &Budgets, month: Month) -> ChannelCost {
    let mut by_destination: BTreeMap<&DestinationId, Places<'_>> = budgets.keys().map(|id| (id, Vec::new())).collect();
    for (place, days) in ledger.days.iter().filter(|(place, _)| place.channel == *channel) {
        if days.keys().any(|day| day.month() == month) {
            by_destination.entry(&place.destination).or_default().push((place, days));
        }
    }
    let destinations = by_destination
        .into_iter()
        .map(|(id, places)| destination_cost(ledger, id, &places, budgets.get(id), month))
        .collect();
    let shows = ledger.shows.get(channel).map(Vec::as_slice).unwrap_or_default();
    let on = |show: &&Show| Month::of(show.began) <= month && show.ended.is_none_or(|ended| Month::of(ended) >= month);
    let shows = shows.iter().rev().filter(on).map(|show| show_cost(show, budgets)).collect();
    ChannelCost { channel: channel.clone(), destinations, shows }
}

fn destination_cost(
    ledger: &Ledger,
    id: &DestinationId,
    places: &[(&Place, &BTreeMap<Day, Traffic>)],
    budget: Option<&Budget>,
    month: Month,
) -> DestinationCost {
    let mut days: BTreeMap<Day, Traffic> = BTreeMap::new();
    let mut endpoints = Vec::new();
    for (place, of_place) in places {
        for (day, traffic) in of_place.iter().filter(|(day, _)| day.month() == month) {
            let of_day = days.entry(*day).or_default();
            *of_day = of_day.plus(*traffic);
        }
        let amount = amount(of_month(of_place, month), budget);
        endpoints.push(EndpointCost { endpoint: place.endpoint.clone(), amount });
    }
    let spent = ledger.spent(id, month);
    let standing = |budget: &Budget| {
        Some(BudgetStatus {
            allowance: budget.allowance?,
            spent: amount(spent, Some(budget)),
            used: budget.used(spent)?,
            alarm_percent: budget.alarm_percent,
            when_spent: budget.when_spent,
            hold: None,
        })
    };
    DestinationCost {
        destination: id.clone(),
        price: budget.and_then(|budget| budget.price.clone()),
        month: amount(of_month(&days, month), budget),
        days: days.into_iter().map(|(day, traffic)| DayCost { day, amount: amount(traffic, budget) }).collect(),
        endpoints,
        budget: budget.and_then(standing),
    }
}

fn show_cost(show: &Show, budgets: &Budgets) -> ShowCost {
    let share = |(id, traffic): (&DestinationId, &Traffic)| ShowShare {
        destination: id.clone(),
        amount: amount(*traffic, budgets.get(id)),
    };
    ShowCost {
        title: show.title.clone(),
        began: show.began,
        ended: show.ended,
        destinations: show.traffic.iter().map(share).collect(),
    }
}

fn amount(traffic: Traffic, budget: Option<&Budget>) -> Amount {
    Amount { traffic, cost: budget.and_then(|budget| budget.cost(traffic)) }
}

/// An amount by its budget, for people: `41.2 GB, 3.30 EUR`.
pub(super) fn worded(amount: &Amount, budget: &Budget) -> String {
    let bytes = match budget.counted {
        Counted::Acknowledged => amount.traffic.acknowledged,
        Counted::Sent => amount.traffic.sent,
    };
    let gigabytes = format!("{:.2} GB", bytes as f64 / GB);
    match (amount.cost, &budget.price) {
        (Some(cost), Some(price)) => format!("{gigabytes}, {cost:.2} {}", price.currency),
        _ => gigabytes,
    }
}

//! What delivery costs, and shows: `/api/v1/cost`, `…/show/begin`, `…/show/end`, and the same as metrics.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Tagged;
use super::body::{Asked, Body};
use super::channels::{Answer, ask, channel};
use super::problem::Problem;
use super::routes::Api;
use super::sheet::{Labels, Sheet};
use crate::model::cost::{ChannelCost, CostStatus, DestinationCost, Hold, Month};
use crate::model::status::ApplianceStatus;
use crate::model::{ChannelId, MediaTime};
use crate::supervisor::Command;

/// What is asked for: all channels and this month if nothing is said.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// Such as `2026-11`; this month if not given.
    month: Option<Month>,
    /// This channel alone.
    channel: Option<ChannelId>,
}

/// `GET /api/v1/cost`, with `?month=2026-11` and `?channel=demo`: a [`CostStatus`].
pub(crate) async fn cost(
    State(api): State<Api>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Tagged<CostStatus>, Problem> {
    let Query(wanted) = wanted.map_err(|error| Problem::malformed(error.body_text()))?;
    let mut document = document(&api, wanted.month);
    if let Some(id) = wanted.channel {
        document.channels.retain(|one| one.channel == id);
        if document.channels.is_empty() {
            return Err(Problem::unknown_channel(id.as_str()));
        }
    }
    Tagged::new(&headers, &document)
}

/// What was counted, with what budgets make of each destination as the channels say.
pub(crate) fn document(api: &Api, month: Option<Month>) -> CostStatus {
    let status = api.handle.status().borrow().clone();
    let now = MediaTime::from_system(std::time::SystemTime::now());
    let mut document = api.handle.costs().status(month.unwrap_or_else(|| Month::of(now)), now);
    let this_month = document.month == Month::of(now);
    for one in document.channels.iter_mut().filter(|_| this_month) {
        one.destinations.iter_mut().for_each(|destination| hold(&status, &one.channel, destination));
    }
    document
}

fn hold(status: &ApplianceStatus, channel: &ChannelId, destination: &mut DestinationCost) {
    let channel = status.channels.iter().find(|one| one.id == *channel);
    let order = channel.and_then(|one| one.live.destinations.get(&destination.destination));
    if let Some(budget) = &mut destination.budget {
        budget.hold = order.and_then(crate::model::DestinationOrder::hold);
    }
}

/// A show that begins.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BeginShow")]
pub(crate) struct Begin {
    /// For people.
    title: Option<String>,
}

impl Asked for Begin {
    const SHAPE: &'static str = "{\"title\": \"…\"}, or {}";
}

/// `POST …/show/begin` with `{"title": "…"}`, or `{}`: what is counted from now on is this show's, and its loudness is
/// measured by itself.
pub(crate) async fn begin_show(
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(Begin { title }): Body<Begin>,
) -> Answer {
    ask(&api, Command::BeginShow(channel(&id)?, title)).await
}

/// `POST …/show/end`.
pub(crate) async fn end_show(State(api): State<Api>, Path(id): Path<String>) -> Answer {
    ask(&api, Command::EndShow(channel(&id)?)).await
}

/// The month so far, and budgets. Gauges: they begin anew with the month.
pub(crate) fn measure(sheet: &mut Sheet, document: &CostStatus) {
    let rows = || {
        let each = |channel: &'_ ChannelCost| {
            let labels = |destination: &DestinationCost| of(channel, destination);
            channel.destinations.iter().map(|one| (labels(one), one.clone())).collect::<Vec<_>>()
        };
        document.channels.iter().flat_map(each)
    };
    let help = "Bytes acknowledged by the destination this month (UTC), over restarts";
    let bytes = rows().map(|(labels, one)| (labels, one.month.traffic.acknowledged as f64));
    sheet.gauge("cost_month_acknowledged_bytes", help, bytes);
    let bytes = rows().map(|(labels, one)| (labels, one.month.traffic.sent as f64));
    sheet.gauge("cost_month_sent_bytes", "Bytes sent to the destination this month (UTC), over restarts", bytes);
    let priced = rows().filter_map(|(mut labels, one)| {
        labels.push(("currency", one.price?.currency));
        Some((labels, one.month.cost?))
    });
    sheet.gauge("cost_month_amount", "What that costs, in the currency", priced);
    let used = rows().filter_map(|(labels, one)| Some((labels, one.budget?.used)));
    let help = "Share of the destination's budget that this month has used, all channels together; 1 is all";
    sheet.gauge("cost_budget_used_ratio", help, used);
    let held = rows().filter_map(|(labels, one)| {
        let held = matches!(one.budget?.hold, Some(Hold::Stopped | Hold::Lowest));
        Some((labels, f64::from(u8::from(held))))
    });
    sheet.gauge("cost_budget_held", "1 while a spent budget holds the destination back", held);
    let shows = document.channels.iter().filter_map(|channel| {
        let on = channel.shows.iter().find(|show| show.ended.is_none())?;
        let sum: u64 = on.destinations.iter().map(|share| share.amount.traffic.acknowledged).sum();
        Some((vec![("channel", channel.channel.to_string())], sum as f64))
    });
    sheet.gauge("cost_show_acknowledged_bytes", "Bytes acknowledged since the show began, all destinations", shows);
}

fn of(channel: &ChannelCost, destination: &DestinationCost) -> Labels {
    vec![("channel", channel.channel.to_string()), ("destination", destination.destination.to_string())]
}

//! Alarms: the list, and what people say about one. They are few, so the list comes whole.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use super::channels::json;
use super::problem::Problem;
use super::routes::Api;
use super::sheet::{Labels, Sheet};
use super::status::tagged;
use crate::model::alarm::ALARM_TEXT;
use crate::model::{Alarm, AlarmCounts, AlarmPriority};
use crate::policy::{AlarmRefusal, Ordered};

/// The routes of this file.
pub(crate) fn alarm_routes() -> Router<Api> {
    Router::new()
        .route("/api/v1/alarms", get(list))
        .route("/api/v1/alarms/{id}", get(one))
        .route("/api/v1/alarms/{id}/ack", post(ack))
        .route("/api/v1/alarms/{id}/shelve", post(shelve))
        .route("/api/v1/alarms/{id}/unshelve", post(unshelve))
}

/// What `GET /api/v1/alarms` answers.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct AlarmList {
    /// How many.
    counts: AlarmCounts,
    /// What needs somebody first.
    items: Vec<Alarm>,
}

/// What an order about an alarm answers.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct AlarmOutcome {
    /// False if it was so already.
    changed: bool,
    /// One sentence: what happened.
    text: String,
    /// The alarm as it is now.
    alarm: Alarm,
}

type Answer = Result<Json<AlarmOutcome>, Problem>;

/// `GET /api/v1/alarms`.
async fn list(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    let items = api.alarms.list();
    tagged(&headers, &AlarmList { counts: AlarmCounts::of(&items), items })
}

/// `GET /api/v1/alarms/{id}`.
async fn one(State(api): State<Api>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    match api.alarms.list().into_iter().find(|alarm| alarm.id == id) {
        Some(alarm) => tagged(&headers, &alarm),
        None => Err(AlarmRefusal::Unknown(id).into()),
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Ack {
    /// Who.
    by: Option<String>,
}

/// `POST …/ack` with `{"by": "…"}`, or without a body.
async fn ack(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let Ack { by } = match &body {
        Ok(body) if body.is_empty() => Ack::default(),
        _ => json(&headers, body, "{\"by\": \"…\"}, or nothing")?,
    };
    answer(api.alarms.ack(&id, named(by)?), |alarm| match alarm.active {
        true => format!("alarm {} is acknowledged", alarm.id),
        false => format!("alarm {} was over and is gone from the list", alarm.id),
    })
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shelve {
    minutes: u32,
    reason: String,
    #[serde(default)]
    by: Option<String>,
}

/// `POST …/shelve` with `{"minutes": 10, "reason": "…"}`.
async fn shelve(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let Shelve { minutes, reason, by } =
        json(&headers, body, "{\"minutes\": 10, \"reason\": \"the camera is being moved\"}")?;
    if !fits(&reason) {
        return Err(Problem::malformed(format!("`reason` has 1 to {ALARM_TEXT} characters, in one line")));
    }
    answer(api.alarms.shelve(&id, minutes, reason, named(by)?), |alarm| {
        let until = alarm.shelved.as_ref().map(|shelf| shelf.until.to_string()).unwrap_or_default();
        format!("alarm {} is shelved until {until}", alarm.id)
    })
}

/// `POST …/unshelve`.
async fn unshelve(State(api): State<Api>, Path(id): Path<String>) -> Answer {
    answer(api.alarms.unshelve(&id), |alarm| format!("alarm {} is not shelved", alarm.id))
}

fn answer(ordered: Ordered, text: impl Fn(&Alarm) -> String) -> Answer {
    let (alarm, changed) = ordered?;
    Ok(Json(AlarmOutcome { changed, text: text(&alarm), alarm }))
}

fn named(by: Option<String>) -> Result<Option<String>, Problem> {
    match by {
        Some(by) if !fits(&by) => {
            Err(Problem::malformed(format!("`by` has 1 to {ALARM_TEXT} characters, in one line")))
        }
        by => Ok(by),
    }
}

fn fits(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= ALARM_TEXT && !text.chars().any(char::is_control)
}

/// Every priority, and every kind that was ever raised.
pub(super) fn measure(sheet: &mut Sheet, api: &Api) {
    let counts = api.alarms.counts();
    let of = |priority: &AlarmPriority| vec![("priority", priority.as_str().to_owned())];
    let active = AlarmPriority::ALL.iter().map(|priority| (of(priority), counts.active(*priority) as f64));
    sheet.gauge("alarms_active", "Alarms that are active and not shelved", active);
    let unacknowledged = [(Labels::new(), counts.unacknowledged as f64)];
    sheet.gauge("alarms_unacknowledged", "Alarms that nobody has acknowledged, active or over", unacknowledged);
    sheet.gauge("alarms_shelved", "Alarms that are put aside", [(Labels::new(), counts.shelved as f64)]);
    let raised = api.alarms.raised().into_iter().map(|((code, priority), count)| {
        (vec![("code", code.as_str().to_owned()), ("priority", priority.as_str().to_owned())], count)
    });
    sheet.counter("alarms_raised", "Alarms raised since the daemon came up", raised);
    if let Some(clock) = api.alarms.clock() {
        let synchronised = f64::from(u8::from(clock.synchronised));
        sheet.gauge("clock_synchronized", "1 if something keeps the clock right", [(Labels::new(), synchronised)]);
        let error = [(Labels::new(), clock.error_ms / 1000.0)];
        sheet.gauge("clock_max_error_seconds", "By how much the clock may be wrong, as the kernel says", error);
    }
}

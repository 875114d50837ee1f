//! Who is told of alarms: how it stands with each, and a test.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Serialize;

use super::answer::Tagged;
use super::openapi::Routes;
use super::problem::Problem;
use super::routes::Api;
use super::sheet::{Labels, Sheet};
use crate::model::notify::NotifyStatus;

/// The routes of this file.
pub(super) fn routes() -> Routes {
    Routes::new().get("/api/v1/notify", "Who is told of alarms, and how it stands with each", list).post(
        "/api/v1/notify/{name}/test",
        "Tells one of them of a test, and says whether it arrived",
        test,
    )
}

/// What a test answers.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct NotifyTest {
    /// One sentence: what happened.
    text: String,
    /// How it stands with whoever was told.
    status: NotifyStatus,
}

/// `GET /api/v1/notify`.
async fn list(State(api): State<Api>, headers: HeaderMap) -> Result<Tagged<Vec<NotifyStatus>>, Problem> {
    Tagged::new(&headers, &api.notifier.status())
}

/// `POST /api/v1/notify/{name}/test`: answered when it has arrived, or has not.
async fn test(State(api): State<Api>, Path(name): Path<String>) -> Result<Json<NotifyTest>, Problem> {
    let status = api.notifier.test(&name).await?;
    Ok(Json(NotifyTest { text: format!("the test arrived: {name} ({})", status.to), status }))
}

/// By name, as configured.
pub(super) fn measure(sheet: &mut Sheet, api: &Api) {
    let all = api.notifier.status();
    let of = |one: &NotifyStatus| -> Labels { vec![("receiver", one.name.clone())] };
    let gauge = |value: fn(&NotifyStatus) -> u64| all.iter().map(move |one| (of(one), value(one) as f64));
    sheet.gauge("notify_waiting", "Notices of alarms that wait to be delivered", gauge(|one| one.waiting));
    sheet.gauge(
        "notify_failing",
        "1 while the last attempt to deliver failed",
        gauge(|one| u64::from(one.failures > 0)),
    );
    let disabled = gauge(|one| u64::from(one.disabled));
    sheet.gauge("notify_disabled", "1 if the receiver has said that it wants nothing any more", disabled);
    let counter = |value: fn(&NotifyStatus) -> u64| all.iter().map(move |one| (of(one), value(one)));
    sheet.counter("notify_delivered", "Notices that arrived", counter(|one| one.delivered));
    sheet.counter("notify_dropped", "Notices that were given up", counter(|one| one.dropped));
}

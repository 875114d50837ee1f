//! Destinations of a channel. Enabling, disabling and forcing are settings (`POST …/set`); a drill and a
//! hand-over are carried out.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;

use super::channels::{Answer, ask, channel, json};
use super::routes::Api;
use crate::model::{Act, DestinationId};
use crate::supervisor::Command;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    destination: DestinationId,
}

/// `POST …/drill` with `{"destination": "…"}`: answered when the backup could be played, with a
/// [`crate::model::DrillReport`].
pub(crate) async fn drill(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let Named { destination } = json(&headers, body, "{\"destination\": \"…\"}")?;
    ask(&api, Command::Act(channel(&id)?, Act::Drill { destination })).await
}

/// `POST …/hand-over` with `{"destination": "…"}`: answered when the other box of the pair delivers, or does not.
pub(crate) async fn hand_over(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let Named { destination } = json(&headers, body, "{\"destination\": \"…\"}")?;
    ask(&api, Command::Act(channel(&id)?, Act::HandOver { destination })).await
}

//! Destinations of a channel. Enabling, disabling and forcing are settings (`POST …/set`); a drill, a hand-over and what
//! is asked of a recording are carried out.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;

use super::channels::{self, Answer, channel, json};
use super::problem::Problem;
use super::routes::Api;
use crate::model::{Act, DestinationId, RecordingAsk};
use crate::supervisor::{Command, Refusal};

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
    channels::ask(&api, Command::Act(channel(&id)?, Act::Drill { destination })).await
}

/// `POST …/destinations/{destination}/recording` with `{"action": "start", "title": …}`, `{"action": "stop"}` or
/// `{"action": "marker", "text": …}`: answered when it is done, with a [`crate::model::RecordingStatus`].
pub(crate) async fn recording(
    State(api): State<Api>,
    Path((id, destination)): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let ask: RecordingAsk = json(&headers, body, "{\"action\": \"start\", \"title\": \"Evening show\"}")?;
    let channel = channel(&id)?;
    let unknown = |_| Problem::from(Refusal::UnknownDestination(channel.clone(), destination.clone()));
    let known: DestinationId = destination.parse().map_err(unknown)?;
    ask.check().map_err(Problem::malformed)?;
    channels::ask(&api, Command::Act(channel, Act::Record { destination: known, ask })).await
}

/// `POST …/hand-over` with `{"destination": "…"}`: answered when the other box of the pair delivers, or does not.
pub(crate) async fn hand_over(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let Named { destination } = json(&headers, body, "{\"destination\": \"…\"}")?;
    channels::ask(&api, Command::Act(channel(&id)?, Act::HandOver { destination })).await
}

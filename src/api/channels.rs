//! Channels and their commands: one address per verb, answered when the engine has confirmed.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::Deserialize;

use super::problem::Problem;
use super::routes::Api;
use super::status::tagged;
use crate::model::{Act, ChannelId, LiveChange, SourceId};
use crate::supervisor::{Command, Outcome, Refusal};

/// The supervisor bounds every command; this catches a supervisor that does not.
const BOUND: Duration = Duration::from_secs(60);

type Answer = Result<Json<Outcome>, Problem>;

/// `GET /api/v1/channels`.
pub(crate) async fn list(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    let status = api.handle.status().borrow().clone();
    tagged(&headers, &status.channels)
}

/// `GET /api/v1/channels/{id}`.
pub(crate) async fn one(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let status = api.handle.status().borrow().clone();
    match status.channels.iter().find(|channel| channel.id.as_str() == id) {
        Some(channel) => tagged(&headers, channel),
        None => Err(Problem::unknown_channel(&id)),
    }
}

/// `POST …/start`.
pub(crate) async fn start(State(api): State<Api>, Path(id): Path<String>) -> Answer {
    ask(&api, Command::Start(channel(&id)?)).await
}

/// `POST …/stop`.
pub(crate) async fn stop(State(api): State<Api>, Path(id): Path<String>) -> Answer {
    ask(&api, Command::Stop(channel(&id)?)).await
}

/// `POST …/slate`.
pub(crate) async fn slate(State(api): State<Api>, Path(id): Path<String>) -> Answer {
    ask(&api, Command::Slate(channel(&id)?)).await
}

/// `POST …/release`.
pub(crate) async fn release(State(api): State<Api>, Path(id): Path<String>) -> Answer {
    ask(&api, Command::Release(channel(&id)?)).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Take {
    source: SourceId,
}

/// `POST …/take` with `{"source": "…"}`.
pub(crate) async fn take(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let take: Take = json(&headers, body, "{\"source\": \"…\"}")?;
    ask(&api, Command::Take(channel(&id)?, take.source)).await
}

/// `POST …/set` with one [`LiveChange`], such as `{"set": "slate_text", "text": "Back at nine"}`.
pub(crate) async fn set(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let change: LiveChange = json(&headers, body, "one change, such as {\"set\": \"slate_text\", \"text\": \"…\"}")?;
    ask(&api, Command::Change(channel(&id)?, change)).await
}

/// `POST …/loudness/restart`: integrated loudness, LRA and true peaks anew, as for a new show.
pub(crate) async fn restart_loudness(State(api): State<Api>, Path(id): Path<String>) -> Answer {
    ask(&api, Command::Act(channel(&id)?, Act::RestartLoudness)).await
}

/// The JSON body of a command; `shape` says what it must be.
fn json<T: serde::de::DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    shape: &str,
) -> Result<T, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Problem::not_json());
    }
    serde_json::from_slice(&body?).map_err(|error| Problem::malformed(format!("the body must be {shape}: {error}")))
}

/// `POST /api/v1/config/reload`.
pub(crate) async fn reload(State(api): State<Api>) -> Answer {
    ask(&api, Command::Reload).await
}

fn channel(id: &str) -> Result<ChannelId, Problem> {
    ChannelId::new(id).map_err(|_| Problem::unknown_channel(id))
}

async fn ask(api: &Api, command: Command) -> Answer {
    match tokio::time::timeout(BOUND, api.handle.ask(command)).await {
        Ok(answer) => Ok(Json(answer?)),
        Err(_) => {
            Err(Refusal::NotConfirmed { seconds: BOUND.as_secs(), known: "the supervisor does not answer".into() })?
        }
    }
}

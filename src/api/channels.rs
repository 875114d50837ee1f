//! Channels and their commands: one address per verb, answered when the engine has confirmed.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::Deserialize;

use super::problem::Problem;
use super::routes::Api;
use super::status::tagged;
use crate::model::overlay::OVERLAY_TEXT;
use crate::model::status::ProgramOrder;
use crate::model::{Act, ChannelId, LiveChange, MediaTime, Scene, SourceId, TakeOrder, Transition};
use crate::supervisor::{Command, Outcome, Refusal};

/// The supervisor bounds every command; this catches a supervisor that does not.
const BOUND: Duration = Duration::from_secs(60);

pub(crate) type Answer = Result<Json<Outcome>, Problem>;

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

#[derive(Deserialize)]
pub(crate) struct Start {
    /// Whether the box can carry it or not.
    #[serde(default)]
    force: bool,
}

/// `POST …/start`, or `…/start?force=true` where the box is said not to be able to carry it.
pub(crate) async fn start(State(api): State<Api>, Path(id): Path<String>, Query(start): Query<Start>) -> Answer {
    let id = channel(&id)?;
    ask(&api, if start.force { Command::StartAnyway(id) } else { Command::Start(id) }).await
}

/// `GET /api/v1/capacity`.
pub(crate) async fn capacity(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    let status = api.handle.status().borrow().clone();
    tagged(&headers, &status.capacity)
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
    source: Option<SourceId>,
    scene: Option<Scene>,
    show: Option<Plain>,
    #[serde(default)]
    transition: Transition,
    at: Option<MediaTime>,
}

/// What a program can show that is no source.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Plain {
    Slate,
    Auto,
}

/// One of the three, or none.
fn wanted(
    source: Option<SourceId>,
    scene: Option<Scene>,
    show: Option<Plain>,
) -> Result<Option<ProgramOrder>, Problem> {
    Ok(match (source, scene, show) {
        (None, None, None) => None,
        (Some(source), None, None) => Some(ProgramOrder::Source { source }),
        (None, Some(scene), None) => Some(ProgramOrder::Scene { scene }),
        (None, None, Some(Plain::Slate)) => Some(ProgramOrder::Slate),
        (None, None, Some(Plain::Auto)) => Some(ProgramOrder::Auto),
        _ => return Err(Problem::malformed("name one of `source`, `scene` and `show`, not several")),
    })
}

const TAKE: &str = "{\"source\": \"…\", \"transition\": {\"kind\": \"dissolve\", \"duration_ms\": 500}, \"at\": \"2026-…Z\"}, \
                    all optional; in place of `source` a `scene`, or `show`: \"slate\" or \"auto\"; without any what is in preview";

/// `POST …/take` with `{"source": "…"}` and more, see [`TAKE`].
pub(crate) async fn take(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let id = channel(&id)?;
    match json(&headers, body, TAKE)? {
        Take { source: Some(source), scene: None, show: None, transition, at: None } if transition.millis() == 0 => {
            transition.check().map_err(Refusal::Impossible)?;
            ask(&api, Command::Take(id, source)).await
        }
        Take { source, scene, show, transition, at } => {
            let order = wanted(source, scene, show)?;
            ask(&api, Command::Show(id, Box::new(TakeOrder { order, transition, at }))).await
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Preview {
    source: Option<SourceId>,
    scene: Option<Scene>,
    show: Option<Plain>,
}

/// `POST …/preview` with `{"source": "…"}`, a `scene` or `show` as for a take; `{}` for nothing.
pub(crate) async fn preview(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let shape = "{\"source\": \"…\"}, or a `scene`, or `show`: \"slate\" or \"auto\", or {} for nothing";
    let Preview { source, scene, show } = json(&headers, body, shape)?;
    let order = wanted(source, scene, show)?;
    ask(&api, Command::Change(channel(&id)?, LiveChange::Preview { order })).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancel {
    take: u64,
}

/// `POST …/cancel` with `{"take": …}`: the number of a take to come.
pub(crate) async fn cancel(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let Cancel { take: number } = json(&headers, body, "{\"take\": 1763…}, the number of a take to come")?;
    ask(&api, Command::Change(channel(&id)?, LiveChange::CancelTake { id: number })).await
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Captions {
    text: Option<String>,
}

/// `POST …/captions` with `{"text": "…"}`; without a text, captions are taken off the screen.
pub(crate) async fn captions(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Answer {
    let Captions { text } = json(&headers, body, "{\"text\": \"…\"}")?;
    if text.as_ref().is_some_and(|text| text.chars().count() > OVERLAY_TEXT) {
        return Err(Refusal::Impossible(format!("captions have room for {OVERLAY_TEXT} characters at a time")).into());
    }
    ask(&api, Command::Act(channel(&id)?, Act::Captions { text })).await
}

/// The JSON body of a command; `shape` says what it must be.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
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

#[derive(Deserialize)]
pub(crate) struct Reload {
    /// Only say what it would do.
    #[serde(default)]
    dry_run: bool,
}

/// `POST /api/v1/config/reload`, or `…/reload?dry_run=true` to be told what it would do to each channel.
pub(crate) async fn reload(State(api): State<Api>, Query(reload): Query<Reload>) -> Answer {
    ask(&api, if reload.dry_run { Command::DryReload } else { Command::Reload }).await
}

pub(crate) fn channel(id: &str) -> Result<ChannelId, Problem> {
    ChannelId::new(id).map_err(|_| Problem::unknown_channel(id))
}

pub(crate) async fn ask(api: &Api, command: Command) -> Answer {
    match tokio::time::timeout(BOUND, api.handle.ask(command)).await {
        Ok(answer) => Ok(Json(answer?)),
        Err(_) => {
            Err(Refusal::NotConfirmed { seconds: BOUND.as_secs(), known: "the supervisor does not answer".into() })?
        }
    }
}

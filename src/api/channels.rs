//! Channels and their commands: one address per verb, answered when the engine has confirmed.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer::Tagged;
use super::body::{Asked, Body};
use super::problem::Problem;
use super::routes::Api;
use crate::model::overlay::OVERLAY_TEXT;
use crate::model::status::{ChannelStatus, ProgramOrder};
use crate::model::{Act, CapacityStatus, ChannelId, LiveChange, MediaTime, Scene, SourceId, TakeOrder, Transition};
use crate::supervisor::{Command, Handle, Outcome, Refusal};

/// The supervisor bounds every command; this catches a supervisor that does not.
pub(super) const BOUND: Duration = Duration::from_secs(60);

pub(crate) type Answer = Result<Json<Outcome>, Problem>;

/// `GET /api/v1/channels`.
pub(crate) async fn list(State(api): State<Api>, headers: HeaderMap) -> Result<Tagged<Vec<ChannelStatus>>, Problem> {
    let status = api.handle.status().borrow().clone();
    Tagged::new(&headers, &status.channels)
}

/// `GET /api/v1/channels/{id}`.
pub(crate) async fn one(
    State(api): State<Api>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Tagged<ChannelStatus>, Problem> {
    let status = api.handle.status().borrow().clone();
    match status.channels.iter().find(|channel| channel.id.as_str() == id) {
        Some(channel) => Tagged::new(&headers, channel),
        None => Err(Problem::unknown_channel(&id)),
    }
}

#[derive(Deserialize, JsonSchema)]
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
pub(crate) async fn capacity(State(api): State<Api>, headers: HeaderMap) -> Result<Tagged<CapacityStatus>, Problem> {
    let status = api.handle.status().borrow().clone();
    Tagged::new(&headers, &status.capacity)
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Stop {
    /// Whether what destinations have not got yet is to stay in the spool until the next start.
    #[serde(default)]
    pub(super) now: bool,
}

/// `POST …/stop`, or `…/stop?now=true` where what is left is not to be delivered.
pub(crate) async fn stop(State(api): State<Api>, Path(id): Path<String>, Query(stop): Query<Stop>) -> Answer {
    let id = channel(&id)?;
    ask(&api, if stop.now { Command::StopNow(id) } else { Command::Stop(id) }).await
}

/// `POST …/slate`.
pub(crate) async fn slate(State(api): State<Api>, Path(id): Path<String>) -> Answer {
    ask(&api, Command::Slate(channel(&id)?)).await
}

/// `POST …/release`.
pub(crate) async fn release(State(api): State<Api>, Path(id): Path<String>) -> Answer {
    ask(&api, Command::Release(channel(&id)?)).await
}

/// What to show, one of `source`, `scene` and `show`; what is in preview if none.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Take {
    /// This source.
    source: Option<SourceId>,
    /// Two sources in one picture.
    scene: Option<Scene>,
    /// What is no source.
    show: Option<Plain>,
    /// How to get there.
    #[serde(default)]
    transition: Transition,
    /// When; at once if not given.
    at: Option<MediaTime>,
    /// What is in preview, as who takes sees it; refused (409) if something else is.
    expect: Option<ProgramOrder>,
}

impl Asked for Take {
    const SHAPE: &'static str = TAKE;
}

/// What a program can show that is no source.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Plain {
    /// The slate.
    Slate,
    /// The first healthy source.
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

const TAKE: &str = "{\"source\": \"…\", \"transition\": {\"kind\": \"dissolve\", \"duration_ms\": 500}, \"at\": \"2026-…Z\", \
                    \"expect\": {\"show\": \"source\", \"source\": \"…\"}}, \
                    all optional; in place of `source` a `scene`, or `show`: \"slate\" or \"auto\"; without any what is in preview";

/// `POST …/take` with `{"source": "…"}` and more, see [`TAKE`].
pub(crate) async fn take(State(api): State<Api>, Path(id): Path<String>, Body(take): Body<Take>) -> Answer {
    let id = channel(&id)?;
    match take {
        Take { source: Some(source), scene: None, show: None, transition, at: None, expect: None }
            if transition.millis() == 0 =>
        {
            transition.check().map_err(Refusal::Impossible)?;
            ask(&api, Command::Take(id, source)).await
        }
        Take { source, scene, show, transition, at, expect } => {
            let order = wanted(source, scene, show)?;
            ask(&api, Command::Show(id, Box::new(TakeOrder { order, transition, at, expect }))).await
        }
    }
}

/// What to have in preview, one of the three; nothing if none.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preview {
    /// This source.
    source: Option<SourceId>,
    /// Two sources in one picture.
    scene: Option<Scene>,
    /// What is no source.
    show: Option<Plain>,
}

impl Asked for Preview {
    const SHAPE: &'static str =
        "{\"source\": \"…\"}, or a `scene`, or `show`: \"slate\" or \"auto\", or {} for nothing";
}

/// `POST …/preview` with `{"source": "…"}`, a `scene` or `show` as for a take; `{}` for nothing.
pub(crate) async fn preview(
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(Preview { source, scene, show }): Body<Preview>,
) -> Answer {
    let order = wanted(source, scene, show)?;
    ask(&api, Command::Change(channel(&id)?, LiveChange::Preview { order })).await
}

/// Which take is not wanted any more.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancel {
    /// Its number.
    take: u64,
}

impl Asked for Cancel {
    const SHAPE: &'static str = "{\"take\": 1763…}, the number of a take to come";
}

impl Asked for LiveChange {
    const SHAPE: &'static str = "one change, such as {\"set\": \"slate_text\", \"text\": \"…\"}";
}

/// `POST …/cancel` with `{"take": …}`: the number of a take to come.
pub(crate) async fn cancel(
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(Cancel { take: number }): Body<Cancel>,
) -> Answer {
    ask(&api, Command::Change(channel(&id)?, LiveChange::CancelTake { id: number })).await
}

/// `POST …/set` with one [`LiveChange`], such as `{"set": "slate_text", "text": "Back at nine"}`.
pub(crate) async fn set(State(api): State<Api>, Path(id): Path<String>, Body(change): Body<LiveChange>) -> Answer {
    ask(&api, Command::Change(channel(&id)?, change)).await
}

/// `POST …/loudness/restart`: integrated loudness, LRA and true peaks anew, as for a new show.
pub(crate) async fn restart_loudness(State(api): State<Api>, Path(id): Path<String>) -> Answer {
    ask(&api, Command::Act(channel(&id)?, Act::RestartLoudness)).await
}

/// Captions to be inserted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Captions {
    /// One or more lines; without any, captions are taken off the screen.
    text: Option<String>,
}

impl Asked for Captions {
    const SHAPE: &'static str = "{\"text\": \"…\"}";
}

/// `POST …/captions` with `{"text": "…"}`; without a text, captions are taken off the screen.
pub(crate) async fn captions(
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(Captions { text }): Body<Captions>,
) -> Answer {
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
    let body = body?;
    // A list of values in the order of the fields would be read as well, and the contract knows nothing of that.
    if body.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(Problem::malformed(format!("the body must be {shape}: it is no JSON object")));
    }
    serde_json::from_slice(&body).map_err(|error| Problem::malformed(format!("the body must be {shape}: {error}")))
}

pub(crate) fn channel(id: &str) -> Result<ChannelId, Problem> {
    ChannelId::new(id).map_err(|_| Problem::unknown_channel(id))
}

pub(crate) async fn ask(api: &Api, command: Command) -> Answer {
    carried_out(&api.handle, command).await.map(Json)
}

/// What came of it.
pub(super) async fn carried_out(handle: &Handle, command: Command) -> Result<Outcome, Problem> {
    match tokio::time::timeout(BOUND, handle.ask(command)).await {
        Ok(answer) => Ok(answer?),
        Err(_) => {
            Err(Refusal::NotConfirmed { seconds: BOUND.as_secs(), known: "the supervisor does not answer".into() })?
        }
    }
}

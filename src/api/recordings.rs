//! Recordings: what there is, what is to be done with it, and how far that is. Their files are served by `recorded`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::channels::json;
use super::problem::Problem;
use super::routes::Api;
use crate::model::{BitRate, ChannelId, RenditionId};
use crate::record::RecordingId;
use crate::replay::{Ask, Desk, DeskError, JobStatus, RecordingSummary, Stretch};

/// A recording with what is being done with it.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Detail {
    #[serde(flatten)]
    recording: RecordingSummary,
    jobs: Vec<JobStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Of {
    channel: Option<ChannelId>,
}

/// `GET /api/v1/recordings`, or `?channel=…` for those of one channel; newest first.
pub(crate) async fn list(
    State(api): State<Api>,
    of: Result<Query<Of>, QueryRejection>,
) -> Result<Json<Vec<RecordingSummary>>, Problem> {
    let Query(Of { channel }) = of.map_err(|error| Problem::malformed(error.body_text()))?;
    let mut found = at_desk(&api, |desk| Ok(desk.list())).await?;
    found.retain(|recording| channel.as_ref().is_none_or(|channel| recording.channel == *channel));
    Ok(Json(found))
}

/// `GET /api/v1/recordings/{channel}/{id}`.
pub(crate) async fn one(State(api): State<Api>, Path(named): Path<(String, String)>) -> Result<Json<Detail>, Problem> {
    let (channel, id) = name(&named)?;
    let detail = at_desk(&api, move |desk| {
        let recording = desk.show(&channel, &id)?;
        let of = |job: &JobStatus| job.channel == channel && job.recording == id;
        Ok(Detail { recording, jobs: desk.jobs().into_iter().filter(of).collect() })
    });
    Ok(Json(detail.await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    protected: bool,
}

/// `PATCH /api/v1/recordings/{channel}/{id}` with `{"protected": true}`: not deleted for lack of room, nor for its age.
pub(crate) async fn change(
    State(api): State<Api>,
    Path(named): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<RecordingSummary>, Problem> {
    let Change { protected } = json(&headers, body, "{\"protected\": true}")?;
    let (channel, id) = name(&named)?;
    let changed = at_desk(&api, move |desk| {
        desk.protect(&channel, &id, protected)?;
        desk.show(&channel, &id)
    });
    Ok(Json(changed.await?))
}

/// `DELETE /api/v1/recordings/{channel}/{id}`.
pub(crate) async fn delete(
    State(api): State<Api>,
    Path(named): Path<(String, String)>,
) -> Result<Json<serde_json::Value>, Problem> {
    let (channel, id) = name(&named)?;
    let text = format!("recording {id} of channel {channel} is deleted");
    at_desk(&api, move |desk| desk.delete(&channel, &id)).await?;
    Ok(Json(serde_json::json!({ "text": text })))
}

/// `DELETE …/movies/{file}`.
pub(crate) async fn delete_movie(
    State(api): State<Api>,
    Path((channel, id, file)): Path<(String, String, String)>,
) -> Result<Json<serde_json::Value>, Problem> {
    let (channel, id) = name(&(channel, id))?;
    let text = format!("{file} is deleted");
    at_desk(&api, move |desk| desk.delete_movie(&channel, &id, &file)).await?;
    Ok(Json(serde_json::json!({ "text": text })))
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Stitch {
    video: Option<RenditionId>,
    audio: Vec<RenditionId>,
}

/// `POST …/stitch` with `{}` for the best picture and the default sound, or `{"video": "…", "audio": ["…"]}`.
pub(crate) async fn stitch(
    State(api): State<Api>,
    Path(named): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Stitch { video, audio } = json(&headers, body, "{\"video\": \"…\", \"audio\": [\"…\"]}, both optional")?;
    ask(&api, &named, Ask::Stitch { video, audio }).await
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Clip {
    from: Option<String>,
    to: Option<String>,
    title: Option<String>,
    movie: bool,
    exact: bool,
    video: Option<RenditionId>,
    audio: Vec<RenditionId>,
}

/// `POST …/clip` with `{"from": "1:30", "to": "-10", "title": "…", "movie": true, "exact": true}`, all optional. How
/// places are written says [`crate::replay`]'s `range`.
pub(crate) async fn clip(
    State(api): State<Api>,
    Path(named): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let shape =
        "{\"from\": \"1:30\", \"to\": \"2026-…Z\", \"title\": \"…\", \"movie\": true, \"exact\": true}, all optional";
    let Clip { from, to, title, movie, exact, video, audio } = json(&headers, body, shape)?;
    ask(&api, &named, Ask::Clip { stretch: Stretch { from, to }, title, movie, exact, video, audio }).await
}

/// `POST …/verify`.
pub(crate) async fn verify(State(api): State<Api>, Path(named): Path<(String, String)>) -> Result<Response, Problem> {
    ask(&api, &named, Ask::Verify).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upload {
    to: String,
    #[serde(default)]
    limit: Option<BitRate>,
}

/// `POST …/upload` with `{"to": "<destination>"}`, and `"limit"` in bit/s.
pub(crate) async fn upload(
    State(api): State<Api>,
    Path(named): Path<(String, String)>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Upload { to, limit } = json(&headers, body, "{\"to\": \"<destination>\", \"limit\": 5000000}")?;
    ask(&api, &named, Ask::Upload { to, limit }).await
}

/// `GET /api/v1/recording-jobs`, newest first.
pub(crate) async fn jobs(State(api): State<Api>) -> Json<Vec<JobStatus>> {
    Json(api.desk.jobs())
}

/// `GET /api/v1/recording-jobs/{job}`.
pub(crate) async fn job(State(api): State<Api>, Path(job): Path<u64>) -> Result<Json<JobStatus>, Problem> {
    Ok(Json(api.desk.job(job)?))
}

/// `DELETE /api/v1/recording-jobs/{job}`: it ends as soon as it can.
pub(crate) async fn stop(State(api): State<Api>, Path(job): Path<u64>) -> Result<Json<JobStatus>, Problem> {
    Ok(Json(api.desk.stop(job)?))
}

/// Answered with 202 and the job, which goes on.
async fn ask(api: &Api, named: &(String, String), ask: Ask) -> Result<Response, Problem> {
    let (channel, id) = name(named)?;
    let job = at_desk(api, move |desk| desk.ask(&channel, &id, ask)).await?;
    Ok((StatusCode::ACCEPTED, Json(job)).into_response())
}

pub(super) fn name((channel, id): &(String, String)) -> Result<(ChannelId, RecordingId), Problem> {
    let unknown = || Problem::unknown_recording(channel, id);
    Ok((
        ChannelId::new(channel.as_str()).map_err(|_| unknown())?,
        RecordingId::new(id.as_str()).map_err(|_| unknown())?,
    ))
}

/// The desk reads the disk.
pub(super) async fn at_desk<T: Send + 'static>(
    api: &Api,
    work: impl FnOnce(&Desk) -> Result<T, DeskError> + Send + 'static,
) -> Result<T, Problem> {
    let desk = api.desk.clone();
    let done = tokio::task::spawn_blocking(move || work(&desk)).await;
    done.map_err(|error| Problem::internal(error.to_string()))?.map_err(Problem::from)
}

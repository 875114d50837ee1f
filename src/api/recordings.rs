//! Recordings: what there is, what is to be done with it, and how far that is. Their files are served by `recorded`.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::{Accepted, Linked, Noted, Said, Tagged, Wanted};
use super::body::{Asked, Body};
use super::condition::IfMatch;
use super::problem::Problem;
use super::routes::Api;
use super::status::tag_of;
use crate::model::{BitRate, ChannelId, RenditionId};
use crate::record::RecordingId;
use crate::replay::{Ask, Desk, DeskError, JobStatus, RecordingSummary, Stretch};

/// A job that was taken up.
type Job = Result<Accepted<JobStatus>, Problem>;

/// A recording with what is being done with it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RecordingDetail")]
pub(crate) struct Detail {
    #[serde(flatten)]
    recording: RecordingSummary,
    /// What is being done with it, and was.
    jobs: Vec<JobStatus>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Of {
    /// Those of this channel alone.
    channel: Option<ChannelId>,
    /// Most recordings of the answer, 1 to 500; 100 if not given.
    limit: Option<usize>,
    /// `next_cursor` of the answer before.
    cursor: Option<String>,
}

/// `GET /api/v1/recordings`, or `?channel=…` for those of one channel; newest first, in pages.
pub(crate) async fn list(
    State(api): State<Api>,
    of: Result<Query<Of>, QueryRejection>,
) -> Result<Linked<RecordingSummary>, Problem> {
    let Query(Of { channel, limit, cursor }) = of.map_err(|error| Problem::malformed(error.body_text()))?;
    let mut found = at_desk(&api, |desk| Ok(desk.list())).await?;
    found.retain(|recording| channel.as_ref().is_none_or(|channel| recording.channel == *channel));
    // Newest first, and among those of one moment in the order of their places.
    found.sort_by_key(|recording| std::cmp::Reverse(place(recording)));
    let asked = channel.map(|channel| format!("?channel={channel}")).unwrap_or_default();
    Wanted { limit, cursor }.linked(&format!("/api/v1/recordings{asked}"), found, place)
}

/// Begins with the time, so that places fall from the newest to the oldest.
fn place(recording: &RecordingSummary) -> String {
    format!("{}.{}", recording.id, recording.channel)
}

/// `GET /api/v1/recordings/{channel}/{id}`.
pub(crate) async fn one(
    State(api): State<Api>,
    Path(named): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Tagged<Detail>, Problem> {
    Tagged::new(&headers, &detail(&api, &named).await?)
}

async fn detail(api: &Api, named: &(String, String)) -> Result<Detail, Problem> {
    let (channel, id) = name(named)?;
    let detail = at_desk(api, move |desk| {
        let recording = desk.show(&channel, &id)?;
        let of = |job: &JobStatus| job.channel == channel && job.recording == id;
        Ok(Detail { recording, jobs: desk.jobs().into_iter().filter(of).collect() })
    });
    detail.await
}

/// Refuses to change a recording that is not any more what `If-Match` names, if that is said.
async fn as_named(api: &Api, named: &(String, String), condition: &IfMatch) -> Result<(), Problem> {
    if !condition.is_given() {
        return Ok(());
    }
    let body = serde_json::to_vec(&detail(api, named).await?).map_err(|error| Problem::internal(error.to_string()))?;
    condition.holds(Some(&tag_of(&body)), &format!("recording {}", named.1))
}

/// What is changed of a recording.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ChangeRecording")]
pub(crate) struct Change {
    /// Not deleted for lack of room, nor for its age.
    protected: bool,
}

impl Asked for Change {
    const SHAPE: &'static str = "{\"protected\": true}";
}

/// `PATCH /api/v1/recordings/{channel}/{id}` with `{"protected": true}`: not deleted for lack of room, nor for its age.
pub(crate) async fn change(
    State(api): State<Api>,
    Path(named): Path<(String, String)>,
    condition: IfMatch,
    Body(Change { protected }): Body<Change>,
) -> Result<Noted<Json<RecordingSummary>>, Problem> {
    as_named(&api, &named, &condition).await?;
    let (channel, id) = name(&named)?;
    let changed = at_desk(&api, move |desk| {
        let before = desk.show(&channel, &id)?;
        desk.protect(&channel, &id, protected)?;
        Ok((before, desk.show(&channel, &id)?))
    });
    let (before, after) = changed.await?;
    let noted = |one: &RecordingSummary| json!({"protected": one.protected});
    let (before, now) = (noted(&before), noted(&after));
    Ok(Noted::new(Json(after), &before, &now))
}

/// `DELETE /api/v1/recordings/{channel}/{id}`.
pub(crate) async fn delete(
    State(api): State<Api>,
    Path(named): Path<(String, String)>,
    condition: IfMatch,
) -> Result<Noted<Json<Said>>, Problem> {
    as_named(&api, &named, &condition).await?;
    let (channel, id) = name(&named)?;
    let text = format!("recording {id} of channel {channel} is deleted");
    let gone = at_desk(&api, move |desk| {
        let before = desk.show(&channel, &id)?;
        desk.delete(&channel, &id)?;
        Ok(before)
    });
    let gone = gone.await?;
    let before = json!({"title": gone.title, "begins": gone.begins, "ends": gone.ends, "bytes": gone.bytes});
    Ok(Noted::new(Said::so(text), &before, &Value::Null))
}

/// `DELETE …/movies/{file}`.
pub(crate) async fn delete_movie(
    State(api): State<Api>,
    Path((channel, id, file)): Path<(String, String, String)>,
) -> Result<Json<Said>, Problem> {
    let (channel, id) = name(&(channel, id))?;
    let text = format!("{file} is deleted");
    at_desk(&api, move |desk| desk.delete_movie(&channel, &id, &file)).await?;
    Ok(Said::so(text))
}

/// What a movie is made of.
#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Stitch {
    /// The best picture if not given.
    video: Option<RenditionId>,
    /// The default sound if none.
    audio: Vec<RenditionId>,
    /// From the picture at which the recording was ordered to begin to that of its end, with the first and last group of
    /// pictures encoded anew; else on the key frames around that.
    exact: bool,
}

impl Asked for Stitch {
    const SHAPE: &'static str = "{\"video\": \"…\", \"audio\": [\"…\"], \"exact\": false}, all optional";
}

/// `POST …/stitch` with `{}` for the best picture and the default sound, or `{"video": "…", "audio": ["…"]}`.
pub(crate) async fn stitch(
    State(api): State<Api>,
    Path(named): Path<(String, String)>,
    Body(Stitch { video, audio, exact }): Body<Stitch>,
) -> Job {
    ask(&api, &named, Ask::Stitch { video, audio, exact }).await
}

/// What is cut out.
#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Clip {
    /// From where: `1:30` from the beginning, `-10` from the end, a time, or the text of a marker.
    from: Option<String>,
    /// To where, the same.
    to: Option<String>,
    /// For people.
    title: Option<String>,
    /// One MP4 in place of a recording.
    movie: bool,
    /// Cut on the frame, which encodes the picture around the cuts anew.
    exact: bool,
    /// The best picture if not given.
    video: Option<RenditionId>,
    /// The default sound if none.
    audio: Vec<RenditionId>,
}

impl Asked for Clip {
    const SHAPE: &'static str =
        "{\"from\": \"1:30\", \"to\": \"2026-…Z\", \"title\": \"…\", \"movie\": true, \"exact\": true}, all optional";
}

/// `POST …/clip` with `{"from": "1:30", "to": "-10", "title": "…", "movie": true, "exact": true}`, all optional. How
/// places are written says [`crate::replay`]'s `range`.
pub(crate) async fn clip(
    State(api): State<Api>,
    Path(named): Path<(String, String)>,
    Body(Clip { from, to, title, movie, exact, video, audio }): Body<Clip>,
) -> Job {
    ask(&api, &named, Ask::Clip { stretch: Stretch { from, to }, title, movie, exact, video, audio }).await
}

/// `POST …/verify`.
pub(crate) async fn verify(State(api): State<Api>, Path(named): Path<(String, String)>) -> Job {
    ask(&api, &named, Ask::Verify).await
}

/// Where it is sent.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UploadRecording")]
pub(crate) struct Upload {
    /// A destination.
    to: String,
    /// Most that it takes of the line, bit/s.
    #[serde(default)]
    limit: Option<BitRate>,
}

impl Asked for Upload {
    const SHAPE: &'static str = "{\"to\": \"<destination>\", \"limit\": 5000000}";
}

/// `POST …/upload` with `{"to": "<destination>"}`, and `"limit"` in bit/s.
pub(crate) async fn upload(
    State(api): State<Api>,
    Path(named): Path<(String, String)>,
    Body(Upload { to, limit }): Body<Upload>,
) -> Job {
    ask(&api, &named, Ask::Upload { to, limit }).await
}

/// `GET /api/v1/recording-jobs`, newest first, in pages.
pub(crate) async fn jobs(State(api): State<Api>, Query(wanted): Query<Wanted>) -> Result<Linked<JobStatus>, Problem> {
    wanted.linked("/api/v1/recording-jobs", api.desk.jobs(), |job| job.id)
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
async fn ask(api: &Api, named: &(String, String), ask: Ask) -> Job {
    let (channel, id) = name(named)?;
    let job = at_desk(api, move |desk| desk.ask(&channel, &id, ask)).await?;
    Ok(Accepted(job))
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

//! Cues, timed metadata and timecode of a channel.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{Asked, Body};
use super::channels::{Answer, ask, channel};
use super::problem::Problem;
use super::routes::Api;
use crate::model::cue::CueAsk;
use crate::model::status::ChannelStatus;
use crate::model::timecode::{Timecode, TimecodeClock, TimecodeDay, is_drop_frame};
use crate::model::timed::MetadataAsk;
use crate::model::{Act, FrameRate, MediaTime};
use crate::supervisor::Command;

impl Asked for CueAsk {
    const SHAPE: &'static str = "a cue, such as {\"type\": \"out\", \"duration_ms\": 30000}";
}

impl Asked for MetadataAsk {
    const SHAPE: &'static str = "metadata, such as {\"attributes\": {\"X-TITLE\": \"…\"}}";
}

/// `POST …/cue` with a [`CueAsk`].
pub(crate) async fn cue(State(api): State<Api>, Path(id): Path<String>, Body(cue): Body<CueAsk>) -> Answer {
    ask(&api, Command::Act(channel(&id)?, Act::Cue { ask: cue })).await
}

/// `POST …/metadata` with a [`MetadataAsk`].
pub(crate) async fn metadata(
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(metadata): Body<MetadataAsk>,
) -> Answer {
    ask(&api, Command::Act(channel(&id)?, Act::Metadata { ask: metadata })).await
}

/// What is to be converted; now if nothing is given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// A time, UTC.
    at: Option<MediaTime>,
    /// A timecode, `HH:MM:SS:FF`, with `;` for drop-frame.
    timecode: Option<String>,
    /// The day that a timecode is looked for next to.
    near: Option<MediaTime>,
}

/// One frame, in every way to name it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FrameName {
    /// Media time: UTC of the frame.
    time: MediaTime,
    /// Nanoseconds since the Unix epoch.
    nanos: u64,
    /// Frames since the Unix epoch.
    frame: u64,
    /// As clocks on the box show it.
    timecode: String,
    /// Whether labels are left out, to keep up with the clock.
    drop_frame: bool,
    /// Whose midnight it counts from.
    day: TimecodeDay,
    /// Frames per second.
    frame_rate: FrameRate,
}

/// `GET …/timecode`, `?at=<UTC>` or `?timecode=<HH:MM:SS:FF>`.
pub(crate) async fn timecode(
    State(api): State<Api>,
    Path(id): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<FrameName>, Problem> {
    let Query(wanted) = wanted.map_err(|error| Problem::malformed(error.body_text()))?;
    let status = api.handle.status().borrow().clone();
    let found = status.channels.iter().find(|channel| channel.id.as_str() == id);
    let found = found.ok_or_else(|| Problem::unknown_channel(&id))?;
    let rate = found.frame_rate.ok_or_else(|| Problem::unknown_channel(&id))?;
    name(found, rate, &wanted).map(Json)
}

fn name(channel: &ChannelStatus, rate: FrameRate, wanted: &Wanted) -> Result<FrameName, Problem> {
    let day = channel.timecode;
    let clock = |time| TimecodeClock::new(rate, offset(day, time));
    let now = channel.report.as_ref().map(|report| report.program.position);
    let now = || now.unwrap_or_else(|| MediaTime::from_system(std::time::SystemTime::now()));
    let time = match (&wanted.timecode, wanted.at) {
        (Some(_), Some(_)) => return Err(Problem::malformed("give `at` or `timecode`, not both")),
        (None, at) => at.unwrap_or_else(now),
        (Some(text), None) => {
            let label: Timecode = text.parse().map_err(|error| Problem::malformed(format!("{error}")))?;
            let near = wanted.near.unwrap_or_else(now);
            let found = clock(near).time_of(label, near);
            found
                .ok_or_else(|| Problem::malformed(format!("no frame at {rate} frames per second is labelled {text}")))?
                .1
        }
    };
    let (frame, time, label) = clock(time).at(time);
    let (timecode, drop_frame) = (label.to_string(), is_drop_frame(rate));
    Ok(FrameName { time, nanos: time.as_nanos(), frame, timecode, drop_frame, day, frame_rate: rate })
}

/// Seconds that clocks of `day` show more than UTC at `time`.
fn offset(day: TimecodeDay, time: MediaTime) -> i32 {
    match (day, Timestamp::from_nanosecond(i128::from(time.as_nanos()))) {
        (TimecodeDay::Local, Ok(timestamp)) => TimeZone::system().to_offset(timestamp).seconds(),
        _ => 0,
    }
}

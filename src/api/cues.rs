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
use crate::model::status::{ChannelStatus, ProgramTimecode};
use crate::model::timecode::{FollowedTimecode, Timecode, TimecodeClock, TimecodeDay};
use crate::model::timed::MetadataAsk;
use crate::model::{Act, FrameRate, MediaTime, SourceId};
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
    /// The source whose timecode it is; none if it is the clock's.
    source: Option<SourceId>,
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

/// What gives frames their labels.
enum Labels {
    Clock(TimecodeDay, FrameRate),
    Source(SourceId, FollowedTimecode),
}

impl Labels {
    /// Of a program of `rate`: its sources' where it follows them and the one on air carries timecode.
    fn of(day: TimecodeDay, program: Option<&ProgramTimecode>, rate: FrameRate) -> Self {
        let followed = program.filter(|_| day == TimecodeDay::Source).and_then(|known| {
            let label: Timecode = known.timecode.parse().ok()?;
            Some(Self::Source(known.source.clone()?, FollowedTimecode::new(rate, known.frame, label)))
        });
        followed.unwrap_or(Self::Clock(day, rate))
    }

    fn at(&self, time: MediaTime) -> (u64, MediaTime, Timecode) {
        match self {
            Self::Clock(day, rate) => TimecodeClock::new(*rate, offset(*day, time)).at(time),
            Self::Source(_, clock) => clock.at(time),
        }
    }

    fn time_of(&self, label: Timecode, near: MediaTime) -> Option<(u64, MediaTime)> {
        match self {
            Self::Clock(day, rate) => TimecodeClock::new(*rate, offset(*day, near)).time_of(label, near),
            Self::Source(_, clock) => clock.time_of(label, near),
        }
    }
}

fn name(channel: &ChannelStatus, rate: FrameRate, wanted: &Wanted) -> Result<FrameName, Problem> {
    let day = channel.timecode;
    let program = channel.report.as_ref().and_then(|report| report.program.timecode.as_ref());
    let labels = Labels::of(day, program, rate);
    let now = channel.report.as_ref().map(|report| report.program.position);
    let now = || now.unwrap_or_else(|| MediaTime::from_system(std::time::SystemTime::now()));
    let time = match (&wanted.timecode, wanted.at) {
        (Some(_), Some(_)) => return Err(Problem::malformed("give `at` or `timecode`, not both")),
        (None, at) => at.unwrap_or_else(now),
        (Some(text), None) => {
            let label: Timecode = text.parse().map_err(|error| Problem::malformed(format!("{error}")))?;
            let found = labels.time_of(label, wanted.near.unwrap_or_else(now));
            found
                .ok_or_else(|| Problem::malformed(format!("no frame at {rate} frames per second is labelled {text}")))?
                .1
        }
    };
    let (frame, time, label) = labels.at(time);
    let (timecode, drop_frame) = (label.to_string(), label.is_drop_frame());
    let source = match labels {
        Labels::Source(source, _) => Some(source),
        Labels::Clock(..) => None,
    };
    Ok(FrameName { time, nanos: time.as_nanos(), frame, timecode, drop_frame, day, source, frame_rate: rate })
}

/// Seconds that clocks of `day` show more than UTC at `time`.
fn offset(day: TimecodeDay, time: MediaTime) -> i32 {
    match (day, Timestamp::from_nanosecond(i128::from(time.as_nanos()))) {
        (TimecodeDay::Local, Ok(timestamp)) => TimeZone::system().to_offset(timestamp).seconds(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_named_by_the_source_only_if_it_is_followed_and_has_labels() {
        let rate: FrameRate = "25".parse().unwrap();
        let at = |secs: u64| MediaTime::from_secs(1_763_683_200 + secs);
        let mut known = ProgramTimecode {
            timecode: "10:00:00:00".to_owned(),
            frame: 1_763_683_200 * 25,
            source: SourceId::new("cam").ok(),
            reason: None,
        };
        let said = |day, known: &ProgramTimecode| {
            let labels = Labels::of(day, Some(known), rate);
            let label = labels.at(at(2)).2;
            assert_eq!(labels.time_of(label, at(2)).map(|found| found.1), Some(at(2)));
            label.to_string()
        };
        assert_eq!(said(TimecodeDay::Source, &known), "10:00:02:00");
        assert_eq!(said(TimecodeDay::Utc, &known), "00:00:02:00");
        known.source = None;
        assert_eq!(said(TimecodeDay::Source, &known), "00:00:02:00");
    }
}

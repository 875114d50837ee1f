//! Destinations of a channel. Enabling, disabling and forcing are settings (`POST …/set`); a drill, a hand-over and what
//! is asked of a recording are carried out by the worker, a probe by the daemon: it needs no channel on air.

use axum::Json;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::Deserialize;

use super::body::{Asked, Body};
use super::channels::{self, Answer, channel};
use super::guards::Who;
use super::problem::Problem;
use super::routes::Api;
use crate::doctor::{Configured, Load, NoProbe, Probe};
use crate::model::status::{ApplianceStatus, ChannelOrder, ChannelState};
use crate::model::{Act, DestinationId, RecordingAsk};
use crate::supervisor::{Command, Refusal};

/// A destination of the channel.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfDestination {
    /// Which.
    destination: DestinationId,
}

impl Asked for OfDestination {
    const SHAPE: &'static str = "{\"destination\": \"…\"}";
}

impl Asked for RecordingAsk {
    const SHAPE: &'static str = "{\"action\": \"start\", \"title\": \"Evening show\"}";
}

/// `POST …/drill` with `{"destination": "…"}`: answered when the backup could be played, with a
/// [`crate::model::DrillReport`].
pub(crate) async fn drill(
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(OfDestination { destination }): Body<OfDestination>,
) -> Answer {
    channels::ask(&api, Command::Act(channel(&id)?, Act::Drill { destination })).await
}

/// `POST …/destinations/{destination}/recording` with `{"action": "start", "title": …}`, `{"action": "stop"}` or
/// `{"action": "marker", "text": …}`: answered when it is done, with a [`crate::model::RecordingStatus`].
pub(crate) async fn recording(
    State(api): State<Api>,
    Path((id, destination)): Path<(String, String)>,
    who: Who,
    Body(ask): Body<RecordingAsk>,
) -> Answer {
    let channel = channel(&id)?;
    let unknown = |_| Problem::from(Refusal::UnknownDestination(channel.clone(), destination.clone()));
    let known: DestinationId = destination.parse().map_err(unknown)?;
    ask.check().map_err(Problem::malformed)?;
    // Who has logged in cannot be somebody else.
    let ask = match (ask, who.0) {
        (RecordingAsk::Marker { text, .. }, by @ Some(_)) => RecordingAsk::Marker { text, by },
        (ask, _) => ask,
    };
    channels::ask(&api, Command::Act(channel, Act::Record { destination: known, ask })).await
}

/// `GET /api/v1/destinations`: what a probe can try.
pub(crate) async fn list(State(api): State<Api>) -> Json<Vec<Configured>> {
    Json(api.prober.configured())
}

/// `POST …/destinations/{destination}/probe`: answered when all is tried, whatever came of it.
pub(crate) async fn probe(
    State(api): State<Api>,
    Path((id, destination)): Path<(String, String)>,
) -> Result<Json<Probe>, Problem> {
    let channel = channel(&id)?;
    let status = api.handle.status().borrow().clone();
    if !status.channels.iter().any(|one| one.id == channel) {
        return Err(Problem::unknown_channel(&id));
    }
    let unknown = || Problem::from(Refusal::UnknownDestination(channel.clone(), destination.clone()));
    let known: DestinationId = destination.parse().map_err(|_| unknown())?;
    let load = if delivers(&status) { Load::Light } else { Load::Full };
    api.prober.probe(&channel, &known, load).await.map(Json).map_err(|none| match none {
        NoProbe::Unknown => unknown(),
        NoProbe::Busy => Problem::busy("another probe is under way: ask again in some seconds"),
        NoProbe::Failed => Problem::internal("the probe failed".to_owned()),
    })
}

/// Whether anything of this box may go out now.
fn delivers(status: &ApplianceStatus) -> bool {
    let may = |state| !matches!(state, ChannelState::Idle | ChannelState::Failed);
    status.channels.iter().any(|one| one.order == ChannelOrder::OnAir || one.on_air || may(one.state))
}

/// `POST …/hand-over` with `{"destination": "…"}`: answered when the other box of the pair delivers, or does not.
pub(crate) async fn hand_over(
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(OfDestination { destination }): Body<OfDestination>,
) -> Answer {
    channels::ask(&api, Command::Act(channel(&id)?, Act::HandOver { destination })).await
}

//! The handle: how the API talks to the supervisor. Commands go down, snapshots and events come back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::cards::Cards;
use super::costs::Costs;
use super::written::Written;
use crate::config::{Setting, Texts, Trial};
use crate::model::status::{ApplianceStatus, ChannelOrder, ChannelState, ProgramOrder, Showing};
use crate::model::{Act, Acted, ChannelEffect, ChannelId, Event, LiveChange, MeterReading, SourceId, TakeOrder};

/// An event with its place in the stream of this daemon run, from 1.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct StampedEvent {
    /// Place in the stream; no gaps.
    pub seq: u64,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// What can be asked. Every command is idempotent.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Put a channel on air.
    Start(ChannelId),
    /// Put a channel on air, whether the box can carry it or not.
    StartAnyway(ChannelId),
    /// Take a channel off air. What destinations have not got yet is delivered all the same.
    Stop(ChannelId),
    /// Take a channel off air and deliver nothing more: what is left stays in the spool until the next start.
    StopNow(ChannelId),
    /// Show the slate until released.
    Slate(ChannelId),
    /// Show the first healthy source again.
    Release(ChannelId),
    /// Show this source.
    Take(ChannelId, SourceId),
    /// Show something, with a transition, now or at a time to come.
    Show(ChannelId, Box<TakeOrder>),
    /// Change what operators set. Kept, and carried out at once if the channel is on air.
    Change(ChannelId, LiveChange),
    /// Have the worker do something, which it decides and answers itself. Not kept: the channel must be on air.
    Act(ChannelId, Act),
    /// A show begins, with a title or without; one that is on ends.
    BeginShow(ChannelId, Option<String>),
    /// The show that is on ends.
    EndShow(ChannelId),
    /// Read the configuration again.
    Reload,
    /// Read the configuration again and say what a reload would do. Nothing is changed.
    DryReload,
    /// The same with what is not on disk.
    Try(Box<Trial>),
}

/// What was asked and what happened.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Outcome {
    /// Whether anything changed; false if it was so already.
    pub changed: bool,
    /// The channel's order now; none for a reload.
    pub order: Option<ChannelOrder>,
    /// What the program was asked to show; none for a reload.
    pub program: Option<ProgramOrder>,
    /// What the engine confirmed; none for a reload.
    pub state: Option<ChannelState>,
    /// What the program shows, as the worker confirmed it.
    pub showing: Option<Showing>,
    /// What the worker said of a command that it carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acted: Option<Acted>,
    /// What a reload did, or would do, to each channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<ChannelEffect>>,
    /// One sentence: what happened.
    pub text: String,
}

/// Why a command was not carried out.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// No such channel.
    #[error("there is no channel `{0}`")]
    UnknownChannel(ChannelId),
    /// The channel has no such source.
    #[error("channel `{0}` has no source `{1}`")]
    UnknownSource(ChannelId, SourceId),
    /// The channel has no such destination, or the destination no such endpoint.
    #[error("channel `{0}` has no destination or endpoint `{1}`")]
    UnknownDestination(ChannelId, String),
    /// The channel is off air, so it cannot show anything.
    #[error("channel `{0}` is off air: start it first")]
    OffAir(ChannelId),
    /// In preview is not what whoever takes it has seen there.
    #[error(
        "{found} is in preview of channel `{channel}` now, and not {expected}: somebody has changed it; look, and take again"
    )]
    PreviewChanged {
        /// The channel.
        channel: ChannelId,
        /// What was expected, in words.
        expected: String,
        /// What is there, in words.
        found: String,
    },
    /// The order stands, but the worker has not confirmed it in time.
    #[error("not confirmed within {seconds} s: {known}")]
    NotConfirmed {
        /// How long was waited.
        seconds: u64,
        /// What is known.
        known: String,
    },
    /// The box cannot carry it.
    #[error(
        "channel `{channel}` does not fit: {lacks}; take another one off air, choose a lighter stream class, or force it"
    )]
    NoRoom {
        /// The channel.
        channel: ChannelId,
        /// What is missing.
        lacks: String,
    },
    /// A reload was refused: a channel on air would take more than the box has.
    #[error(
        "the old configuration stays in force: channel `{channel}` is on air, and with the new one it would not fit any \
         more: {lacks}; take less into it, take another channel off air, or stop it, reload, and start it with --force"
    )]
    NoRoomOnAir {
        /// The channel.
        channel: ChannelId,
        /// What is missing.
        lacks: String,
    },
    /// It is not possible, whatever the engine does.
    #[error("{0}")]
    Impossible(String),
    /// The engine reported that it cannot be done.
    #[error("{0}")]
    Failed(String),
    /// The new configuration is faulty; the old one stays in force.
    #[error("the configuration has {} fault(s); the old one stays in force", .0.len())]
    FaultyConfiguration(Vec<String>),
    /// The daemon is going down.
    #[error("the daemon is shutting down")]
    ShuttingDown,
}

/// A command with the place for its answer.
pub(crate) type Request = (Command, oneshot::Sender<Result<Outcome, Refusal>>);

/// Cheap to clone; one for each task of the API.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) status: watch::Receiver<Arc<ApplianceStatus>>,
    pub(crate) events: broadcast::Sender<Arc<StampedEvent>>,
    pub(crate) runtime: PathBuf,
    pub(crate) images: PathBuf,
    pub(crate) cards: Cards,
    pub(crate) costs: Costs,
    pub(crate) written: Written,
    pub(crate) meters: Meters,
}

/// Readings of all channels as they come in; who is slow loses the oldest.
pub(crate) type Meters = broadcast::Sender<Arc<(ChannelId, MeterReading)>>;

impl Handle {
    /// Asks and waits for the engine to confirm (bounded by the supervisor).
    pub async fn ask(&self, command: Command) -> Result<Outcome, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.requests.send((command, reply)).await.map_err(|_| Refusal::ShuttingDown)?;
        answer.await.map_err(|_| Refusal::ShuttingDown)?
    }

    /// The newest snapshot; watch it for changes.
    pub fn status(&self) -> watch::Receiver<Arc<ApplianceStatus>> {
        self.status.clone()
    }

    /// Events from now on. A receiver that lags loses the oldest and is told how many.
    pub fn events(&self) -> broadcast::Receiver<Arc<StampedEvent>> {
        self.events.subscribe()
    }

    /// Meters of all channels from now on, twenty times a second each.
    pub fn meters(&self) -> broadcast::Receiver<Arc<(ChannelId, MeterReading)>> {
        self.meters.subscribe()
    }

    /// What delivery costs.
    pub fn costs(&self) -> &Costs {
        &self.costs
    }

    /// What was written of the configuration in force.
    pub fn written(&self) -> Arc<[Setting]> {
        self.written.get()
    }

    /// The files that the configuration in force was read from.
    pub fn files(&self) -> Arc<Texts> {
        self.written.files()
    }

    /// Where images for slates and logos are. It may not be there yet.
    pub fn images(&self) -> &Path {
        &self.images
    }

    /// The same, with the cards that the hardware profiles know.
    pub fn knowing(self, cards: Cards) -> Self {
        Self { cards, ..self }
    }

    /// Where the worker of `channel` leaves its newest confidence picture (JPEG, replaced atomically; its
    /// modification time is the capture time).
    pub fn confidence_picture(&self, channel: &ChannelId) -> PathBuf {
        self.runtime.join(channel.as_str()).join("confidence.jpg")
    }

    /// The same for what is in preview.
    pub fn preview_picture(&self, channel: &ChannelId) -> PathBuf {
        self.runtime.join(channel.as_str()).join("preview.jpg")
    }
}

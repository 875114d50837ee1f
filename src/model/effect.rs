//! What a reload does to a channel, said before it or after it.

use serde::{Deserialize, Serialize};

use super::id::{ChannelId, DestinationId};

/// What a changed configuration means to one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Nothing changes.
    Unchanged,
    /// It is changed on air, without a frame lost.
    Live,
    /// Its worker is replaced: it is off air meanwhile.
    Restart,
    /// It is changed, and off air: the next start has it.
    NextStart,
    /// It is new, and goes on air.
    Starts,
    /// It is new, and stays off air.
    Added,
    /// It is gone, and goes off air.
    Stops,
    /// It is gone, and was off air.
    Removed,
}

impl Effect {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Effect::Unchanged => "unchanged",
            Effect::Live => "live",
            Effect::Restart => "restart",
            Effect::NextStart => "next start",
            Effect::Starts => "starts",
            Effect::Added => "added",
            Effect::Stops => "stops",
            Effect::Removed => "removed",
        }
    }
}

/// One channel's part of a reload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ChannelEffect {
    /// The channel.
    pub channel: ChannelId,
    /// What it means.
    pub effect: Effect,
    /// What changes on air.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub live: Vec<String>,
    /// Why the worker has to be replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub restart: Vec<String>,
    /// What becomes of its destinations; those that are not named go on as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<DestinationEffect>,
    /// How long it is off air, seconds: as its worker took last time to come up, or about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub off_air_seconds: Option<f64>,
    /// What became of it; none where nothing was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub happened: Option<String>,
}

/// What becomes of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DestinationChange {
    /// It gets nothing while the worker is replaced; what is written meanwhile is nothing.
    Interrupted,
    /// It is delivered to in another way, from a segment on: what it has not got yet follows.
    Reopened,
    /// It is new.
    Added,
    /// It gets nothing any more.
    Removed,
}

/// A destination's part of a reload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct DestinationEffect {
    /// The destination.
    pub destination: DestinationId,
    /// What becomes of it.
    pub change: DestinationChange,
    /// How long it gets nothing, seconds, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

//! `uplinkctl destination`, `failover`, `drill`, `probe` and `pair`.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::model::{ChannelId, DestinationId, EndpointName};

/// `uplinkctl destination …`.
#[derive(Debug, Subcommand)]
pub(crate) enum DestinationVerb {
    /// Use it, whatever the configuration says.
    Enable(Named),
    /// Do not use it, whatever the configuration says. What the channel does meanwhile is not owed to it.
    Disable(Named),
    /// As the configuration says.
    AsConfigured(Named),
}

/// One destination of one channel.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The channel's id.
    pub(crate) channel: ChannelId,
    /// The destination's id.
    pub(crate) destination: DestinationId,
}

/// `uplinkctl pair …`.
#[derive(Debug, Subcommand)]
pub(crate) enum PairVerb {
    /// Let the other box of the pair deliver to the destination; this one stands by.
    Release(Named),
}

/// `uplinkctl failover …`.
#[derive(Debug, Args)]
pub(crate) struct Failover {
    #[command(flatten)]
    pub(crate) named: Named,
    /// `primary`, `backup-1`, …: used whatever its state; `auto` leaves it to the rules again.
    pub(crate) endpoint: EndpointName,
}

impl DestinationVerb {
    /// The channel, and the change to send.
    pub(crate) fn body(&self) -> (&ChannelId, Value) {
        let (named, enabled) = match self {
            DestinationVerb::Enable(named) => (named, Some(true)),
            DestinationVerb::Disable(named) => (named, Some(false)),
            DestinationVerb::AsConfigured(named) => (named, None),
        };
        (&named.channel, json!({ "set": "destination", "destination": named.destination, "enabled": enabled }))
    }
}

impl Failover {
    /// The change to send.
    pub(crate) fn body(&self) -> Value {
        let endpoint = Some(&self.endpoint).filter(|endpoint| endpoint.as_str() != "auto");
        json!({ "set": "endpoint", "destination": self.named.destination, "endpoint": endpoint })
    }
}

impl Named {
    /// Address and body of a hand-over.
    pub(crate) fn hand_over(&self) -> (String, Value) {
        (format!("channels/{}/hand-over", self.channel), json!({ "destination": self.destination }))
    }

    /// Address of a probe.
    pub(crate) fn probe(&self) -> String {
        format!("api/v1/channels/{}/destinations/{}/probe", self.channel, self.destination)
    }

    /// Address and body of a drill.
    pub(crate) fn drill(&self) -> (String, Value) {
        (format!("channels/{}/drill", self.channel), json!({ "destination": self.destination }))
    }
}

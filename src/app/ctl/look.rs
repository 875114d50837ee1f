//! Verbs that only look: what the API says, as a table or as it is.

use std::time::SystemTime;

use clap::Subcommand;
use serde_json::Value;

use super::client::{Client, Failure};
use super::{alarms, capacity, certificate, cost, devices, follow, people, report, surfaces, timecode, timeline, top};
use crate::model::status::ApplianceStatus;
use crate::model::{CapacityStatus, ChannelId, MediaTime};

/// What can be looked at.
#[derive(Debug, Subcommand)]
pub(super) enum Look {
    /// What is on air, how well, and what is wrong.
    Status {
        /// Only this channel, with all its parts.
        channel: Option<ChannelId>,
    },
    /// The channels live in a terminal: what they show, levels, destinations, alarms.
    Top(top::TopArguments),
    /// What is wrong, until it is put right and somebody has seen it.
    Alarms,
    /// What happened lately.
    Events {
        /// Go on with what happens now, until interrupted.
        #[arg(short, long)]
        follow: bool,
        /// How many of the past.
        #[arg(short = 'n', long, default_value_t = 20)]
        number: usize,
    },
    /// What happened and who did what, also before the daemon was started last.
    Timeline(timeline::TimelineArguments),
    /// Who did what, from where, and what came of it.
    Audit {
        /// How many entries of the past.
        #[arg(short = 'n', long, default_value_t = 20)]
        number: usize,
    },
    /// What the box can carry, what is taken, and what else fits.
    Capacity,
    /// What delivery has cost this month: bytes, price, budgets. What viewers take elsewhere is not in it.
    Cost(cost::CostArguments),
    /// What is plugged in, what to write for it in a configuration, who uses it, and what signal it has.
    Devices,
    /// How tally displays and orders by OSC stand.
    Surfaces,
    /// The certificate that the API shows: where it comes from, for whom, until when.
    Certificate,
    /// A frame in every way to name it: time, timecode, number.
    Timecode(timecode::TimecodeArguments),
}

impl Look {
    /// What it says.
    pub(super) async fn perform(&self, client: &Client, json: bool) -> Result<String, Failure> {
        match self {
            Self::Status { channel: None } => every_channel(client, json).await,
            Self::Status { channel: Some(channel) } => one_channel(client, channel, json).await,
            Self::Top(wanted) => top::perform(client, wanted, json).await,
            Self::Alarms => alarms::list(client, json).await,
            Self::Events { follow: false, number } => follow::recent(client, *number, json).await,
            Self::Events { follow: true, number } => follow::follow(client, *number, json).await,
            Self::Timeline(wanted) => timeline::timeline(client, wanted, json).await,
            Self::Audit { number } => people::audit(client, *number, json).await,
            Self::Capacity => room(client, json).await,
            Self::Cost(wanted) => cost::cost(client, wanted, json).await,
            Self::Devices => plugged(client, json).await,
            Self::Surfaces => surfaces::list(client, json).await,
            Self::Certificate => certificate::show(client, json).await,
            Self::Timecode(wanted) => timecode::timecode(client, wanted, json).await,
        }
    }
}

async fn plugged(client: &Client, json: bool) -> Result<String, Failure> {
    let (text, found): (_, Value) = client.get("api/v1/devices").await?;
    Ok(if json { text } else { devices::list(&found) })
}

async fn room(client: &Client, json: bool) -> Result<String, Failure> {
    let (text, status): (_, CapacityStatus) = client.get("api/v1/capacity").await?;
    Ok(if json { text } else { capacity::report(&status, MediaTime::from_system(SystemTime::now())) })
}

async fn every_channel(client: &Client, json: bool) -> Result<String, Failure> {
    let (text, status): (_, ApplianceStatus) = client.get("api/v1/status").await?;
    Ok(if json { text } else { report::appliance(&status) })
}

/// The whole document is asked for, because its clock gives the ages.
async fn one_channel(client: &Client, id: &ChannelId, json: bool) -> Result<String, Failure> {
    if json {
        return Ok(client.get::<Value>(&format!("api/v1/channels/{id}")).await?.0);
    }
    let (_, status): (_, ApplianceStatus) = client.get("api/v1/status").await?;
    match status.channels.iter().find(|channel| channel.id == *id) {
        Some(channel) => Ok(report::channel(channel, status.now)),
        None => Err(Failure::unknown_channel(id, status.channels.iter().map(|channel| &channel.id))),
    }
}

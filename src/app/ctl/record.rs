//! `uplinkctl record`: begins and ends recordings, and marks them.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::client::{Client, Failure};
use crate::model::status::ChannelStatus;
use crate::model::{ChannelId, DestinationId};

/// `uplinkctl record …`.
#[derive(Debug, Subcommand)]
pub(crate) enum RecordVerb {
    /// Begin a recording with the segment that is on air.
    Start {
        #[command(flatten)]
        which: Which,
        /// Its title, for people; also part of the name of its directory.
        #[arg(long)]
        title: Option<String>,
    },
    /// End it with the segment that is on air; answered when the recording is closed and can be replayed.
    Stop {
        #[command(flatten)]
        which: Which,
    },
    /// Mark this moment, to find it again.
    Marker {
        #[command(flatten)]
        which: Which,
        /// What is to be found again.
        text: String,
        /// Who you are, where nobody logs in.
        #[arg(long)]
        by: Option<String>,
    },
}

/// Which recording.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The channel's id.
    channel: ChannelId,
    /// The destination's id; not needed if the channel has one recording destination.
    #[arg(long, value_name = "ID")]
    destination: Option<DestinationId>,
}

impl RecordVerb {
    /// Address and body of what is asked.
    pub(crate) async fn request(&self, client: &Client) -> Result<(String, Value), Failure> {
        let (which, body) = match self {
            RecordVerb::Start { which, title } => (which, json!({ "action": "start", "title": title })),
            RecordVerb::Stop { which } => (which, json!({ "action": "stop" })),
            RecordVerb::Marker { which, text, by } => (which, json!({ "action": "marker", "text": text, "by": by })),
        };
        let destination = match &which.destination {
            Some(destination) => destination.clone(),
            None => only(client, &which.channel).await?,
        };
        Ok((format!("channels/{}/destinations/{destination}/recording", which.channel), body))
    }
}

/// The only recording destination of a channel.
async fn only(client: &Client, channel: &ChannelId) -> Result<DestinationId, Failure> {
    let (_, status): (_, ChannelStatus) = client.get(&format!("api/v1/channels/{channel}")).await?;
    let destinations = status.report.map(|report| report.destinations).unwrap_or_default();
    let recordings: Vec<DestinationId> =
        destinations.into_iter().filter(|one| one.recording.is_some()).map(|one| one.id).collect();
    match recordings.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(refused(format!(
            "channel `{channel}` records nothing now: it has no destination of kind \"recording\""
        ))),
        several => {
            let ids: Vec<&str> = several.iter().map(DestinationId::as_str).collect();
            Err(refused(format!(
                "channel `{channel}` has several recordings: say --destination, one of {}",
                ids.join(", ")
            )))
        }
    }
}

fn refused(detail: String) -> Failure {
    Failure::Refused { code: "no_recording".to_owned(), detail, errors: Vec::new() }
}

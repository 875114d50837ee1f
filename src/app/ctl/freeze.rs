//! `uplinkctl freeze` and `unfreeze`.

use std::time::{Duration, SystemTime};

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, Failure};
use super::cues::millis;
use super::graphics::time;
use super::report;
use crate::model::{ChannelId, Freeze, MediaTime};

const FREEZE: &str = "api/v1/freeze";

/// `uplinkctl freeze`.
#[derive(Debug, Args)]
pub(crate) struct FreezeArguments {
    /// Why, for whoever is held by it; without one, says what is frozen.
    #[arg(long)]
    reason: Option<String>,
    /// It ends then by itself, such as 2026-11-21T22:00:00Z; else `unfreeze` ends it.
    #[arg(long, value_parser = time, value_name = "TIME", requires = "reason")]
    until: Option<MediaTime>,
    /// It ends by itself after so long, such as 3h or 90min.
    #[arg(long = "for", value_parser = millis, value_name = "TIME", requires = "reason", conflicts_with = "until")]
    long: Option<u64>,
    /// Only this channel; may be given several times.
    #[arg(long = "channel", value_name = "ID", requires = "reason")]
    channels: Vec<ChannelId>,
    /// Who you are.
    #[arg(long, requires = "reason")]
    by: Option<String>,
}

/// `uplinkctl unfreeze`.
#[derive(Debug, Args)]
pub(crate) struct UnfreezeArguments {
    /// Who you are.
    #[arg(long)]
    by: Option<String>,
}

#[derive(Deserialize)]
struct State {
    freeze: Option<Freeze>,
}

/// Freezes, or says what is frozen.
pub(crate) async fn freeze(client: &Client, wanted: &FreezeArguments, json: bool) -> Result<String, Failure> {
    let Some(reason) = &wanted.reason else {
        let (text, state): (_, State) = client.get(FREEZE).await?;
        let said = state.freeze.map_or_else(|| "nothing is frozen\n".to_owned(), |freeze| format!("{freeze}\n"));
        return Ok(if json { text } else { said });
    };
    let now = MediaTime::from_system(SystemTime::now());
    let until = wanted.until.or_else(|| wanted.long.map(|millis| now + Duration::from_millis(millis)));
    let body = json!({ "reason": reason, "until": until, "channels": wanted.channels, "by": wanted.by });
    said(client.put_json(FREEZE, &body).await?, json)
}

/// Ends it.
pub(crate) async fn unfreeze(client: &Client, wanted: &UnfreezeArguments, json: bool) -> Result<String, Failure> {
    said(client.delete_json(FREEZE, &json!({ "by": wanted.by })).await?, json)
}

fn said((text, answer): (String, Value), json: bool) -> Result<String, Failure> {
    Ok(if json { text } else { report::outcome(&answer) })
}

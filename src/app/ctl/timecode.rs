//! `uplinkctl timecode`: a frame in every way to name it.

use clap::Args;
use serde_json::Value;

use super::client::{Client, Failure};
use super::graphics::time;
use crate::model::{ChannelId, MediaTime};

/// `uplinkctl timecode …`.
#[derive(Debug, Args)]
pub(crate) struct TimecodeArguments {
    /// The channel's id.
    channel: ChannelId,
    /// Of this time, such as 2026-11-21T20:00:00Z; of now if nothing is given.
    #[arg(long, value_parser = time, value_name = "TIME", conflicts_with = "timecode")]
    at: Option<MediaTime>,
    /// Of this timecode, HH:MM:SS:FF, with ; before FF for drop-frame.
    timecode: Option<String>,
    /// The day that the timecode is looked for next to.
    #[arg(long, value_parser = time, value_name = "TIME", requires = "timecode")]
    near: Option<MediaTime>,
}

pub(crate) async fn timecode(client: &Client, wanted: &TimecodeArguments, json: bool) -> Result<String, Failure> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, time) in [("at", wanted.at), ("near", wanted.near)] {
        if let Some(time) = time {
            query.append_pair(name, &time.to_string());
        }
    }
    if let Some(timecode) = &wanted.timecode {
        query.append_pair("timecode", timecode);
    }
    let path = format!("api/v1/channels/{}/timecode?{}", wanted.channel, query.finish());
    let (text, frame): (_, Value) = client.get(&path).await?;
    if json {
        return Ok(text);
    }
    let word = |name: &str| frame[name].as_str().unwrap_or_default().to_owned();
    let whose = frame["source"].as_str().map_or_else(|| "the clock".to_owned(), |source| format!("source {source}"));
    Ok(format!("{}  {}  frame {}  timecode of {whose}\n", word("timecode"), word("time"), frame["frame"]))
}

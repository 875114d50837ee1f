//! `uplinkctl config` and `timecode`: what the daemon has in force, and a frame in every way to name it.

use std::fmt::Write as _;

use clap::Args;
use serde_json::Value;

use super::client::{Client, Failure};
use super::graphics::time;
use crate::model::{ChannelId, MediaTime};

/// `uplinkctl config …`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArguments {
    /// Only keys that begin like this, such as `channels.demo`.
    prefix: Option<String>,
    /// What is left at its default, too.
    #[arg(long)]
    defaults: bool,
    /// The file as it is on disk, which a reload would read, instead.
    #[arg(long, conflicts_with_all = ["prefix", "defaults"])]
    text: bool,
}

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

pub(crate) async fn config(client: &Client, wanted: &ConfigArguments, json: bool) -> Result<String, Failure> {
    let (text, found): (_, Value) = client.get("api/v1/config").await?;
    if json {
        return Ok(text);
    }
    let file = found["file"].as_str().unwrap_or_default();
    if wanted.text {
        return found["text"].as_str().map(str::to_owned).ok_or_else(|| Failure::File {
            path: file.into(),
            cause: "the daemon cannot read it any more; what is in force shows without --text".to_owned(),
        });
    }
    let mut said = format!("{file}, in force since {}\n", found["loaded_at"].as_str().unwrap_or_default());
    for setting in found["settings"].as_array().into_iter().flatten() {
        let key = setting["key"].as_str().unwrap_or_default();
        let line = setting["line"].as_u64();
        if wanted.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix)) && (wanted.defaults || line.is_some()) {
            let place = line.map_or("default".to_owned(), |line| format!("line {line}"));
            let secret = setting["value"]["set"].as_bool() == Some(true);
            let value = if secret { "(set)".to_owned() } else { setting["value"].to_string() };
            let _ = writeln!(said, "{place:<10}  {key} = {value}");
        }
    }
    Ok(said)
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

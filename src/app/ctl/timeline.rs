//! `uplinkctl timeline`: what happened and who did what, also before this run of the daemon.

use clap::Args;
use serde_json::Value;

use super::client::{Client, Failure};
use super::report;
use crate::model::Event;

/// Entries of one request.
const PAGE: usize = 500;

/// What of it is wanted.
#[derive(Debug, Args)]
pub(super) struct TimelineArguments {
    /// From when on, such as 2026-11-21T20:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until when.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Which kinds, with commas between them: program, alarm, act, gap, event.
    #[arg(long, value_name = "KINDS")]
    types: Option<String>,
    /// About this channel alone.
    #[arg(long)]
    channel: Option<String>,
    /// How many entries, the newest.
    #[arg(short = 'n', long, default_value_t = 50)]
    number: usize,
}

/// Asks for page after page, and gives them oldest first.
pub(super) async fn timeline(client: &Client, wanted: &TimelineArguments, json: bool) -> Result<String, Failure> {
    let mut entries: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    while entries.len() < wanted.number {
        let limit = (wanted.number - entries.len()).min(PAGE).to_string();
        let parts = [
            ("limit", Some(&limit)),
            ("from", wanted.from.as_ref()),
            ("to", wanted.to.as_ref()),
            ("types", wanted.types.as_ref()),
            ("channel", wanted.channel.as_ref()),
            ("cursor", cursor.as_ref()),
        ];
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parts.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let (_, mut page): (_, Value) = client.get(&format!("api/v1/timeline?{}", query.finish())).await?;
        if let Value::Array(items) = page["items"].take() {
            entries.extend(items);
        }
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    entries.reverse();
    Ok(match json {
        true => format!("{}\n", Value::Array(entries)),
        false => entries.iter().map(line).collect(),
    })
}

fn line(entry: &Value) -> String {
    if let Ok(event) = serde_json::from_value::<Event>(entry["event"].clone()) {
        return report::event(&event);
    }
    let act = &entry["act"];
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let answer = act["code"].as_str().unwrap_or("done");
    let asked = if act["asked"].is_null() { String::new() } else { format!(" {}", act["asked"]) };
    let method = word(&act["action"]).split(' ').next().unwrap_or_default().to_owned();
    let (at, who, target) = (word(&entry["at"]), word(&act["who"]), word(&act["target"]));
    format!("{at}  act      {who}: {method} {target}{asked}: {answer}\n")
}

//! Which recording is meant.

use serde_json::Value;

use super::table::word;
use crate::app::ctl::client::{Client, Failure};
use crate::app::ctl::graphics::local;

/// The address of a recording: by CHANNEL/ID, CHANNEL/last, or its id alone.
pub(super) async fn address(client: &Client, name: &str) -> Result<String, Failure> {
    let (channel, id) = match name.split_once('/') {
        Some((channel, id)) => (Some(channel), id),
        None => (None, name),
    };
    if let (Some(channel), true) = (channel, id != "last") {
        return Ok(format!("api/v1/recordings/{channel}/{id}"));
    }
    let of = channel.map(|channel| format!("&channel={channel}")).unwrap_or_default();
    let (_, found) = pages(client, &of).await?;
    let matches = |recording: &&Value| {
        channel.is_none_or(|channel| recording["channel"] == channel) && (id == "last" || recording["id"] == id)
    };
    let mut matching: Vec<&Value> = found.iter().filter(matches).collect();
    if id == "last" {
        // Those of the clean feed and of sources have the same begin.
        matching.sort_by_key(|recording| recording["of"].as_str().is_some_and(|of| of != "program"));
    }
    let mut matching = matching.into_iter();
    let first = matching.next().ok_or_else(|| {
        local("unknown_recording", format!("there is no recording `{name}`; `uplinkctl recording list` shows all"))
    })?;
    if id != "last" && matching.next().is_some() {
        return Err(local("ambiguous", format!("several channels have a recording `{id}`: name it CHANNEL/{id}")));
    }
    Ok(format!("api/v1/recordings/{}/{}", word(&first["channel"]), word(&first["id"])))
}

/// All recordings, newest first, as one list.
pub(super) async fn pages(client: &Client, of: &str) -> Result<(String, Vec<Value>), Failure> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let (_, mut page): (_, Value) = client.get(&format!("api/v1/recordings?limit=500{of}{cursor}")).await?;
        if let Some(items) = page["items"].as_array_mut() {
            all.append(items);
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok((format!("{}\n", Value::from(all.clone())), all)),
        }
    }
}

//! Events: the past once, or the stream for as long as somebody looks.

use std::time::Duration;

use futures::StreamExt;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::client::{Client, Failure};
use super::frames::Frames;
use super::{report, say};
use crate::model::Event;

/// The daemon says something every two seconds; after so long it is gone or frozen.
const SILENCE: Duration = Duration::from_secs(6);
const AGAIN: Duration = Duration::from_secs(1);
/// Most events that the daemon gives at once.
const PAGE: usize = 500;

/// The newest events, oldest first.
pub(crate) async fn recent(client: &Client, number: usize, json: bool) -> Result<String, Failure> {
    let events = newest(client, number).await?;
    if json {
        return Ok(format!("{}\n", Value::from(events)));
    }
    let known = events.iter().filter_map(|event| Event::deserialize(event).ok());
    Ok(known.map(|event| report::event(&event)).collect())
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Value>,
    next_cursor: Option<String>,
}

/// So many of the newest, oldest first, page by page.
async fn newest(client: &Client, number: usize) -> Result<Vec<Value>, Failure> {
    let mut events: Vec<Value> = Vec::new();
    let mut place = String::new();
    while events.len() < number {
        let limit = (number - events.len()).min(PAGE);
        let (_, page): (_, Page) = client.get(&format!("api/v1/events/recent?limit={limit}{place}")).await?;
        events.extend(page.items);
        let Some(next) = page.next_cursor else { break };
        place = format!("&cursor={next}");
    }
    events.reverse();
    Ok(events)
}

/// The past, then what happens; comes back after an interruption where it was. Ends when nobody reads any more.
pub(crate) async fn follow(client: &Client, number: usize, json: bool) -> Result<String, Failure> {
    let mut place = past(client, number, json).await?;
    let mut told = String::new();
    loop {
        let interruption = match client.open(&path(place.as_deref())).await {
            Ok(answer) => match read(answer, &mut place, &mut told, json).await {
                Ended::Unread => return Ok(String::new()),
                Ended::Interrupted => "the stream of events ended".to_owned(),
                Ended::Silent => format!("no word from the daemon for {} s", SILENCE.as_secs()),
                Ended::Reset => {
                    eprintln!("uplinkctl: another run of the daemon, or too much was missed; what it holds:");
                    match past(client, number, json).await {
                        Ok(newer) => {
                            place = newer;
                            continue;
                        }
                        Err(failure) => failure.to_string(),
                    }
                }
            },
            Err(failure) => failure.to_string(),
        };
        // Said once, not with every attempt.
        if interruption != told {
            eprintln!("uplinkctl: {interruption}; trying again, channels may still be on air");
            told = interruption;
        }
        sleep(AGAIN).await;
    }
}

/// Shows the past and gives the place behind it. The daemon's run is known from the status document's start.
async fn past(client: &Client, number: usize, json: bool) -> Result<Option<String>, Failure> {
    let events = newest(client, number).await?;
    for event in &events {
        show(event, json);
    }
    let (_, status): (_, crate::model::status::ApplianceStatus) = client.get("api/v1/status").await?;
    let run = status.started_at.as_nanos() / 1_000_000;
    Ok(events.last().and_then(|event| Some(format!("{run:x}-{}", event.get("seq")?))))
}

fn path(place: Option<&str>) -> String {
    match place {
        Some(place) => format!("api/v1/events?after={place}"),
        None => "api/v1/events".to_owned(),
    }
}

enum Ended {
    Unread,
    Interrupted,
    Silent,
    /// The place is gone.
    Reset,
}

async fn read(answer: reqwest::Response, place: &mut Option<String>, told: &mut String, json: bool) -> Ended {
    let mut body = answer.bytes_stream();
    let mut frames = Frames::default();
    loop {
        match timeout(SILENCE, body.next()).await {
            Err(_) => return Ended::Silent,
            Ok(None | Some(Err(_))) => return Ended::Interrupted,
            Ok(Some(Ok(bytes))) => frames.push(&bytes),
        }
        while let Some(frame) = frames.next() {
            if let Some(id) = frame.id {
                *place = Some(id);
            }
            match frame.kind.as_str() {
                "event" if !show(&serde_json::from_str(&frame.data).unwrap_or_default(), json) => return Ended::Unread,
                "reset" => return Ended::Reset,
                // Only a heartbeat proves that the daemon is well: then the next interruption is news again.
                "heartbeat" if !told.is_empty() => {
                    eprintln!("uplinkctl: the daemon answers again");
                    told.clear();
                }
                _ => {}
            }
        }
    }
}

/// Whether somebody reads.
fn show(event: &Value, json: bool) -> bool {
    match json {
        true => say(&format!("{event}\n")),
        false => Event::deserialize(event).map_or(true, |event| say(&report::event(&event))),
    }
}

//! Events: the past once, or the stream for as long as somebody looks.

use std::time::Duration;

use futures::StreamExt;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::client::{Client, Failure};
use super::{report, say};
use crate::model::Event;

/// The daemon says something every two seconds; after so long it is gone or frozen.
const SILENCE: Duration = Duration::from_secs(6);
const AGAIN: Duration = Duration::from_secs(1);

/// The newest events, oldest first.
pub(crate) async fn recent(client: &Client, number: usize, json: bool) -> Result<String, Failure> {
    let (text, events): (_, Vec<Event>) = client.get(&format!("api/v1/events/recent?limit={number}")).await?;
    if json {
        return Ok(text);
    }
    Ok(events.iter().map(report::event).collect())
}

/// The past, then what happens; comes back after an interruption where it was. Ends when nobody reads any more.
pub(crate) async fn follow(client: &Client, number: usize, json: bool) -> Result<String, Failure> {
    let mut place = past(client, number, json).await?;
    loop {
        let interruption = match client.open(&path(place.as_deref())).await {
            Ok(answer) => match read(answer, &mut place, json).await {
                Ended::Unread => return Ok(String::new()),
                Ended::Interrupted => "the stream of events ended".to_owned(),
                Ended::Silent => format!("no word from the daemon for {} s", SILENCE.as_secs()),
            },
            Err(failure) => failure.to_string(),
        };
        eprintln!("uplinkctl: {interruption}; trying again, channels may still be on air");
        sleep(AGAIN).await;
    }
}

/// Shows the past and gives the place behind it. The daemon's run is known from the status document's start.
async fn past(client: &Client, number: usize, json: bool) -> Result<Option<String>, Failure> {
    let (_, events): (_, Vec<Value>) = client.get(&format!("api/v1/events/recent?limit={number}")).await?;
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
}

async fn read(answer: reqwest::Response, place: &mut Option<String>, json: bool) -> Ended {
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
                "gap" | "reset" => eprintln!("uplinkctl: some events were missed"),
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

/// Server-sent events out of bytes, as the daemon writes them: one line of data per frame.
#[derive(Default)]
struct Frames {
    bytes: Vec<u8>,
}

#[derive(Debug, Default, PartialEq)]
struct Frame {
    kind: String,
    id: Option<String>,
    data: String,
}

impl Frames {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn next(&mut self) -> Option<Frame> {
        let end = self.bytes.windows(2).position(|pair| pair == b"\n\n")?;
        let rest = self.bytes.split_off(end + 2);
        let frame = std::mem::replace(&mut self.bytes, rest);
        let mut found = Frame::default();
        for line in String::from_utf8_lossy(&frame).lines() {
            match line.split_once(": ") {
                Some(("event", kind)) => found.kind = kind.to_owned(),
                Some(("id", id)) => found.id = Some(id.to_owned()),
                Some(("data", data)) => found.data = data.to_owned(),
                _ => {}
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_in_any_pieces() {
        let mut frames = Frames::default();
        let mut found = Vec::new();
        for byte in b"id: a-1\nevent: event\ndata: {\"x\": 1}\n\n:\n\nevent: heartbeat\ndata: {}\n\n" {
            frames.push(&[*byte]);
            found.extend(frames.next());
        }
        assert_eq!(found.len(), 3);
        let first = Frame { kind: "event".into(), id: Some("a-1".into()), data: "{\"x\": 1}".into() };
        assert_eq!((&found[0], found[2].kind.as_str()), (&first, "heartbeat"));
    }
}

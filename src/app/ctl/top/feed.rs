//! News from the daemon, again and again.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::board::{Board, News, SILENCE};
use crate::app::ctl::client::{Client, Failure};
use crate::app::ctl::frames::{Frame, Frames};
use crate::model::status::ApplianceStatus;
use crate::model::{Alarm, ChannelId, MeterReading};

/// Between two attempts.
const AGAIN: Duration = Duration::from_secs(1);
/// Between two looks at the alarms.
const ALARMS: Duration = Duration::from_secs(2);
/// How long `--once` waits for levels, which a channel off air never has.
const LEVELS: Duration = Duration::from_secs(1);

const STREAM: &str = "api/v1/events?meters=5";

#[derive(Deserialize)]
struct Meters {
    channels: BTreeMap<ChannelId, MeterReading>,
}

#[derive(Deserialize)]
struct AlarmList {
    items: Vec<Alarm>,
}

/// Tells `news` until nobody listens. A stream that breaks is opened anew, and begins with everything.
pub(super) async fn follow(client: &Client, news: mpsc::Sender<News>) {
    tokio::select! {
        () = stream(client, &news) => {}
        () = alarms(client, &news) => {}
    }
}

async fn stream(client: &Client, news: &mpsc::Sender<News>) {
    loop {
        let why = match client.open(STREAM).await {
            Ok(answer) => read(answer, news).await,
            Err(failure) => failure.to_string(),
        };
        if news.send(News::Away(why)).await.is_err() {
            return;
        }
        sleep(AGAIN).await;
    }
}

async fn alarms(client: &Client, news: &mpsc::Sender<News>) {
    while !news.is_closed() {
        // That the daemon is away is the stream's to tell.
        if let Ok((_, list)) = client.get::<AlarmList>("api/v1/alarms?limit=500").await {
            let _ = news.send(News::Alarms(list.items)).await;
        }
        sleep(ALARMS).await;
    }
}

/// Until it breaks; says why.
async fn read(answer: reqwest::Response, news: &mpsc::Sender<News>) -> String {
    let mut body = answer.bytes_stream();
    let mut frames = Frames::default();
    loop {
        match timeout(SILENCE, body.next()).await {
            Err(_) => return "no word from the daemon".to_owned(),
            Ok(None | Some(Err(_))) => return "the stream of events ended".to_owned(),
            Ok(Some(Ok(bytes))) => frames.push(&bytes),
        }
        while let Some(frame) = frames.next() {
            if news.send(told(&frame)).await.is_err() {
                return "nobody looks".to_owned();
            }
        }
    }
}

/// What cannot be read, of a newer daemon, is a sign of life all the same.
fn told(frame: &Frame) -> News {
    match frame.kind.as_str() {
        "snapshot" | "status" => serde_json::from_str(&frame.data).map_or(News::Beat, News::Status),
        "meters" => serde_json::from_str(&frame.data).map_or(News::Beat, |Meters { channels }| News::Meters(channels)),
        _ => News::Beat,
    }
}

/// Everything once: the status as the daemon said it.
pub(super) async fn fill(client: &Client, board: &mut Board) -> Result<String, Failure> {
    let (text, status): (_, ApplianceStatus) = client.get("api/v1/status").await?;
    let (_, list): (_, AlarmList) = client.get("api/v1/alarms?limit=500").await?;
    board.take(News::Status(Box::new(status)), Instant::now());
    board.take(News::Alarms(list.items), Instant::now());
    if let Ok(Ok(meters)) = timeout(LEVELS, levels(client)).await {
        board.take(News::Meters(meters), Instant::now());
    }
    Ok(text)
}

/// The next levels; waits for ever if there are none.
async fn levels(client: &Client) -> Result<BTreeMap<ChannelId, MeterReading>, Failure> {
    let mut body = client.open(STREAM).await?.bytes_stream();
    let mut frames = Frames::default();
    while let Some(Ok(bytes)) = body.next().await {
        frames.push(&bytes);
        while let Some(frame) = frames.next() {
            if let News::Meters(meters) = told(&frame) {
                return Ok(meters);
            }
        }
    }
    std::future::pending().await
}

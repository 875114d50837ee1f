//! Many panels and pollers at once: 500 event streams with meters and 200 requests a second, beside two channels on air.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::StreamExt;
use serde_json::json;
use tokio::task::JoinSet;

use crate::bench::Bench;
use crate::judged::{LINE_UP, described, frames_missing, judge, newest};
use crate::process::cpu_seconds;
use crate::row::Row;
use crate::studio::{Channel, Studio};

const STREAMS: usize = 500;
const REQUESTS_A_SECOND: u32 = 200;
/// Meters as the panel asks for them.
const METERS: u32 = 20;

const CHANNELS: [&str; 2] = ["a", "b"];

/// What the event streams got.
#[derive(Default)]
struct Heard {
    bytes: AtomicU64,
    meters: AtomicU64,
    ended: AtomicU64,
}

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let time = Duration::from_secs(bench.choose(60, 10));
    let mut studio = Studio::open(bench, "clients", &CHANNELS.map(Channel::test))?;
    let daemon = studio.daemon_pid()?;
    // The first segment of a channel may be a part of one.
    let first = CHANNELS.iter().map(|id| Ok(newest(&studio, id, &LINE_UP)? + 1)).collect::<anyhow::Result<Vec<_>>>()?;
    let api = studio.api();
    let (mut seconds, heard, cpu) = bench.web.runtime.block_on(async {
        let heard = Arc::new(Heard::default());
        let mut streams = listen(&api, &heard).await?;
        // Everybody has the snapshot.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let (before, used) = (heard.meters.load(Ordering::Relaxed), cpu_seconds(daemon)?);
        let started = Instant::now();
        // Reading five hundred streams holds nobody's questions back: they come from other machines.
        let url = format!("{api}/status");
        let seconds = tokio::task::spawn_blocking(move || {
            tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(ask(&url, time))
        });
        let seconds = seconds.await??;
        let cpu = (cpu_seconds(daemon)? - used) / started.elapsed().as_secs_f64();
        let frames = heard.meters.load(Ordering::Relaxed) - before;
        let rate = frames as f64 / started.elapsed().as_secs_f64() / STREAMS as f64;
        let ended = heard.ended.load(Ordering::Relaxed);
        streams.abort_all();
        anyhow::Ok((seconds, (rate, ended, heard.bytes.load(Ordering::Relaxed)), cpu))
    })?;
    std::thread::sleep(Duration::from_secs(2));
    let (mut missing, mut judged, mut reports) = (0, 0, Vec::new());
    for (id, first) in CHANNELS.into_iter().zip(first) {
        let last = newest(&studio, id, &LINE_UP)?;
        let report = judge(&studio, id, &LINE_UP, first..=last)?;
        (missing, judged) = (missing + frames_missing(&report), judged + last - first + 1);
        reports.push(described(&report));
    }
    studio.stop_daemon()?;
    seconds.sort_by(f64::total_cmp);
    let part = |share: f64| seconds[((seconds.len() - 1) as f64 * share) as usize] * 1e3;
    let (rate, ended, bytes) = heard;
    Ok(vec![
        Row::new(
            format!(
                "{STREAMS} event streams and {REQUESTS_A_SECOND} requests/s for the status: answers, 99th percentile"
            ),
            "≤ 50 ms",
            format!("{:.1} ms (median {:.1}, max {:.1} of {})", part(0.99), part(0.5), part(1.0), seconds.len()),
            part(0.99) <= 50.0,
        )
        .details(json!({ "daemon_cores": cpu, "stream_bytes": bytes })),
        Row::new(
            "the same: frames missing at the origin",
            "0",
            format!("{missing} in {judged} segments of {} channels", CHANNELS.len()),
            missing == 0,
        )
        .details(json!(reports)),
        Row::new("the same: event streams cut off", "0", ended.to_string(), ended == 0),
        Row::shown(
            "the same: meters for each stream; CPU of the daemon",
            format!("{rate:.1} frames/s of {METERS}; {cpu:.2} of a core"),
        ),
    ])
}

/// Opens all event streams; each is read until it ends.
async fn listen(api: &str, heard: &Arc<Heard>) -> anyhow::Result<JoinSet<()>> {
    // A connection each, as from as many machines.
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build()?;
    let mut streams = JoinSet::new();
    for _ in 0..STREAMS {
        let response = client.get(format!("{api}/events?meters={METERS}")).send().await?;
        ensure!(response.status().is_success(), "an event stream was answered {}", response.status());
        let heard = Arc::clone(heard);
        streams.spawn(async move {
            let mut pieces = response.bytes_stream();
            while let Some(Ok(piece)) = pieces.next().await {
                heard.bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
                let frames = piece.windows(13).filter(|at| at == b"event: meters").count();
                heard.meters.fetch_add(frames as u64, Ordering::Relaxed);
            }
            heard.ended.fetch_add(1, Ordering::Relaxed);
        });
    }
    Ok(streams)
}

/// Asks for so long, whether earlier answers have come or not. Seconds from the moment that each question was due to its
/// answer: one that could not be put in time counts as one that was answered late.
async fn ask(url: &str, time: Duration) -> anyhow::Result<Vec<f64>> {
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(Duration::from_secs(10)).build()?;
    let mut every = tokio::time::interval(Duration::from_secs(1) / REQUESTS_A_SECOND);
    let mut answers = JoinSet::new();
    let end = Instant::now() + time;
    while Instant::now() < end {
        let due = every.tick().await;
        let request = client.get(url);
        answers.spawn(async move {
            request.send().await?.error_for_status()?.bytes().await?;
            Ok::<f64, reqwest::Error>(due.elapsed().as_secs_f64())
        });
    }
    let answers: Result<Vec<f64>, _> = answers.join_all().await.into_iter().collect();
    answers.context("the API did not answer")
}

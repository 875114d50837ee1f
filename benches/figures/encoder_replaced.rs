//! Hardware that fails on air, with an error and in silence: until software has the place, and what a viewer misses.
//!
//! What plays is `uplink-measure`, live, as a viewer does. When the other encoder's first picture is there is read from
//! the worker's spool: its initialisation is written with it.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use serde_json::json;
use uplink::measure::{Options, Report};

use crate::bench::{Bench, wait};
use crate::faulty_encoder::{ELEMENT, Fault, FaultyEncoder};
use crate::judged::{LINE_UP, described, frames_missing, newest, play, timestamp_faults};
use crate::row::{Row, largest, median};
use crate::studio::{Channel, Studio, utc};

const CHANNELS: [&str; 10] = ["r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"];
const FAULTS: [(Fault, &str); 2] = [(Fault::Error, "an error"), (Fault::Silence, "silence")];
/// How long a viewer plays, and when the hardware fails meanwhile, at the earliest.
const PLAYED: u32 = 10;
const BEFORE: Duration = Duration::from_secs(3);

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let rounds = bench.choose(CHANNELS.len(), 2);
    let faulty = FaultyEncoder::build(&bench.directory("faulty-encoder")?).map_err(|reason| anyhow!(reason))?;
    let off = |id: &&'static str| Channel { more: "order = \"off-air\"", ..Channel::test(id) };
    let channels: Vec<Channel> = CHANNELS[..rounds].iter().map(off).collect();
    let mut studio = Studio::prepare(bench, "encoder", &channels)?;
    studio.equip(&faulty)?;
    studio.start_origin()?;
    studio.start_daemon()?;
    wait("the daemon answers", Duration::from_secs(60), Duration::from_millis(20), || studio.status("r0").map(Some))?;
    let (mut times, mut reports) = ([Vec::new(), Vec::new()], Vec::new());
    for (round, channel) in CHANNELS[..rounds].iter().enumerate() {
        let kind = round % 2;
        let (took, report) = one(&mut studio, &faulty, channel, FAULTS[kind].0)?;
        bench.say(format!("  {}: the first picture of software after {took:.0} ms", FAULTS[kind].1));
        times[kind].push(took);
        reports.push(report);
    }
    studio.stop_daemon()?;
    let mut rows: Vec<Row> = FAULTS.iter().zip(&times).map(|((_, name), times)| row(name, times)).collect();
    let (missing, faults): (Vec<u64>, Vec<u64>) =
        reports.iter().map(|report| (frames_missing(report), timestamp_faults(report))).unzip();
    let (missing, faults) = (missing.iter().sum::<u64>(), faults.iter().sum::<u64>());
    rows.push(
        Row::new(
            format!("the same, {rounds} times, played by a viewer: frames missing, timestamps missing or repeated"),
            "0",
            format!("{missing} frames, {faults} timestamps in {} s", rounds as u32 * PLAYED),
            missing + faults == 0,
        )
        .details(json!({ "rounds": reports.iter().map(described).collect::<Vec<_>>() })),
    );
    Ok(rows)
}

fn row(name: &str, times: &[f64]) -> Row {
    Row::new(
        format!("hardware encoder fails on air by {name}: until the first picture of the encoder that replaces it"),
        "≤ 1 s",
        format!("median {:.0} ms, max {:.0} ms of {}", median(times), largest(times), times.len()),
        !times.is_empty() && largest(times) <= 1000.0,
    )
    .details(json!({ "ms": times }))
}

/// One channel, from its start to its end: how long it took, ms, and what a viewer got.
fn one(studio: &mut Studio<'_>, faulty: &FaultyEncoder, channel: &str, fault: Fault) -> anyhow::Result<(f64, Report)> {
    let from = utc();
    studio.order(channel, "start")?;
    studio.on_air(channel, from)?;
    let first = newest(studio, channel, &LINE_UP)?;
    // A player that joins now does not meet the first segment, which is a part of one.
    wait("five segments are there", Duration::from_secs(20), Duration::from_millis(50), || {
        Ok(newest(studio, channel, &LINE_UP).ok().filter(|last| *last >= first + 5))
    })?;
    let encoder = studio.status(channel)?.report.context("no report")?.renditions[0].encoder.clone();
    ensure!(encoder == ELEMENT, "{encoder} encodes, not the hardware that is to fail");
    let target = format!("{}/multivariant.m3u8", studio.address(channel));
    let options = Options { seconds: Some(PLAYED), ..Options::new(target) };
    let (bench, spool) = (studio.bench, studio.spooled(channel, "360p"));
    let (took, report) = std::thread::scope(|scope| {
        let viewer = scope.spawn(|| play(bench, options));
        // Any phase of a segment.
        std::thread::sleep(BEFORE + Duration::from_millis(fastrand::u64(0..1000)));
        let took = fail(faulty, fault, &spool);
        (took, viewer.join())
    });
    let report = report.map_err(|_| anyhow!("the viewer failed"))??;
    studio.order(channel, "stop")?;
    faulty.mend()?;
    Ok((took?, report))
}

/// Fails, and waits for the initialisation of the encoder that comes after, ms.
fn fail(faulty: &FaultyEncoder, fault: Fault, spool: &Path) -> anyhow::Result<f64> {
    let since = Instant::now();
    faulty.fail(fault)?;
    wait("the next encoder's first picture is there", Duration::from_secs(20), Duration::from_millis(1), || {
        Ok((initialisations(spool)? == 2).then_some(()))
    })?;
    Ok(since.elapsed().as_secs_f64() * 1e3)
}

fn initialisations(spool: &Path) -> anyhow::Result<usize> {
    let names = std::fs::read_dir(spool)?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    Ok(names.filter(|name| name.starts_with("init-") && name.ends_with(".mp4")).count())
}

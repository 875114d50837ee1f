//! A long show with senders whose clocks are wrong, 200 ppm to either side: does sound stay with picture, does a timestamp
//! go missing, does anybody's memory grow.
//!
//! Every slice of what was delivered is judged while it goes on, so that the origin need not keep it all. Eight hours in
//! little time through the frame store alone: `src/media/feed/soak_tests.rs`.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;
use uplink::model::status::{ChannelState, Showing};

use crate::bench::{Bench, free_port, wait};
use crate::drifting::Drifting;
use crate::judged::{judge, newest, timestamp_faults};
use crate::process;
use crate::row::{Row, median};
use crate::studio::{Channel, Studio};

/// Channel, and how fast its sender's clock is.
const SENDERS: [(&str, i32); 2] = [("fast", 200), ("slow", -200)];
/// What is judged: no viewer watches both renditions.
const JUDGED: [&str; 2] = ["360p", "sound"];
const SLICE: Duration = Duration::from_secs(30);
/// Sound against picture, ms, and growth of memory, percent.
const OFFSET: f64 = 20.0;
const GROWTH: f64 = 5.0;

/// What was seen of one channel.
#[derive(Default)]
struct Seen {
    /// The last segment that was judged.
    last: u64,
    seconds: u64,
    faults: u64,
    offsets: Vec<[f64; 3]>,
    repeated: u64,
    skipped: u64,
}

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let ports = [free_port()?, free_port()?];
    let source =
        |port| format!("kind = \"srt\"\nmode = \"listener\"\nhost = \"127.0.0.1\"\nport = {port}\nlatency_ms = 100");
    let channels: Vec<Channel> =
        SENDERS.iter().zip(ports).map(|((id, _), port)| Channel::line_up(id, source(port))).collect();
    let mut studio = Studio::prepare(bench, "soak", &channels)?;
    // Longer than a slice, and over before the first look at memory.
    studio.keep_for("90s")?;
    studio.begin(&channels)?;
    let senders = SENDERS.iter().zip(ports).map(|((_, ppm), port)| Drifting::start(port, *ppm));
    let _senders = senders.collect::<anyhow::Result<Vec<_>>>()?;
    let mut seen = Vec::new();
    for (id, _) in SENDERS {
        shown(&studio, id)?;
        // From when the slate has left the segments.
        seen.push(Seen { last: newest(&studio, id, &JUDGED)? + 2, ..Seen::default() });
    }
    let processes = [
        ("daemon", studio.daemon_pid()?),
        ("origin", studio.origin_pid()?),
        ("worker, fast sender", studio.worker(SENDERS[0].0)?),
        ("worker, slow sender", studio.worker(SENDERS[1].0)?),
    ];
    let mut memory: Vec<Vec<f64>> = vec![Vec::new(); processes.len()];
    let end = Instant::now() + bench.soak;
    while Instant::now() < end {
        std::thread::sleep(SLICE.min(end.saturating_duration_since(Instant::now())));
        for ((id, ppm), seen) in SENDERS.iter().zip(&mut seen) {
            look(&studio, id, seen)?;
            let newest = seen.offsets.last().map_or(f64::NAN, |offsets| offsets[1]);
            bench.say(format!(
                "  {ppm:+} ppm: {} s judged, {} faults, sound {newest:+.1} ms",
                seen.seconds, seen.faults
            ));
        }
        for ((_, pid), memory) in processes.iter().zip(&mut memory) {
            memory.push(process::memory(*pid)?.0);
        }
    }
    for ((id, _), seen) in SENDERS.iter().zip(&mut seen) {
        let report = studio.status(id)?.report.context("no report")?;
        (seen.repeated, seen.skipped) = (report.program.repeated, report.sources[0].late);
    }
    studio.stop_daemon()?;
    let minutes = bench.soak.as_secs() / 60;
    let mut rows: Vec<Row> = SENDERS.iter().zip(&seen).flat_map(|((_, ppm), seen)| rows(minutes, *ppm, seen)).collect();
    rows.push(memory_row(minutes, &processes.map(|(name, _)| name), &memory));
    Ok(rows)
}

/// Waits until the sender is shown.
fn shown(studio: &Studio<'_>, id: &str) -> anyhow::Result<()> {
    wait("the sender is shown", Duration::from_secs(60), Duration::from_millis(50), || {
        let status = studio.status(id)?;
        let showing = status.report.map(|report| report.program.showing);
        Ok((status.state == ChannelState::Running && matches!(showing, Some(Showing::Source { .. }))).then_some(()))
    })
}

/// Judges what has come since the last time.
fn look(studio: &Studio<'_>, id: &str, seen: &mut Seen) -> anyhow::Result<()> {
    let until = newest(studio, id, &JUDGED)?;
    if until <= seen.last {
        return Ok(());
    }
    let report = judge(studio, id, &JUDGED, seen.last + 1..=until)?;
    seen.seconds += until - seen.last;
    seen.last = until;
    seen.faults += timestamp_faults(&report);
    seen.offsets.extend(report.av_offset.map(|offset| [offset.min_ms, offset.median_ms, offset.max_ms]));
    Ok(())
}

fn rows(minutes: u64, ppm: i32, seen: &Seen) -> [Row; 2] {
    let (all, faults) = (&seen.offsets, seen.faults);
    let least = |place: usize| all.iter().map(|offsets| offsets[place]).fold(f64::INFINITY, f64::min);
    let most = |place: usize| all.iter().map(|offsets| offsets[place]).fold(f64::NEG_INFINITY, f64::max);
    let medians: Vec<f64> = all.iter().map(|offsets| offsets[1]).collect();
    [
        Row::new(
            format!("{minutes} min of a sender whose clock is {ppm:+} ppm off: sound against picture"),
            format!("±{OFFSET:.0} ms"),
            format!(
                "{:+.1} to {:+.1} ms in slices of 30 s, median {:+.1} ms; single ticks {:+.1} to {:+.1} ms",
                least(1),
                most(1),
                median(&medians),
                least(0),
                most(2)
            ),
            !all.is_empty() && least(1) >= -OFFSET && most(1) <= OFFSET,
        )
        .details(json!({ "slices_ms": all })),
        Row::new(
            format!("the same, {ppm:+} ppm: timestamps missing or repeated, picture and sound"),
            "0",
            format!(
                "{faults} in {} s ({} pictures shown again, {} late, for the clocks differ)",
                seen.seconds, seen.repeated, seen.skipped
            ),
            faults == 0 && seen.seconds > 0,
        ),
    ]
}

/// Memory at the end against that after a fifth of the time, when everything has its size.
fn memory_row(minutes: u64, names: &[&str], memory: &[Vec<f64>]) -> Row {
    let growth = |samples: &[f64]| {
        let fifth = (samples.len() / 5).max(1);
        let early = median(samples.get(fifth..2 * fifth).unwrap_or(samples));
        let late = median(&samples[samples.len().saturating_sub(fifth)..]);
        (early, late, (late / early - 1.0) * 100.0)
    };
    let each: Vec<(f64, f64, f64)> = memory.iter().map(|samples| growth(samples)).collect();
    let text: Vec<String> =
        names.iter().zip(&each).map(|(name, (early, late, _))| format!("{name} {early:.0} → {late:.0} MB")).collect();
    Row::new(
        format!("{minutes} min of it: resident memory, second fifth of the time → last fifth"),
        format!("≤ {GROWTH:.0} % more"),
        text.join(", "),
        each.iter().all(|(.., percent)| *percent <= GROWTH),
    )
    .details(json!({ "megabytes": names.iter().zip(memory).collect::<std::collections::BTreeMap<_, _>>() }))
}

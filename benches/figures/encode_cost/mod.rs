//! CPU of a 720p ladder: `uplink-worker` against `gst-launch-1.0` with the same elements and against ffmpeg with the
//! same x264 settings, one after the other, several rounds, over the same wall time each.
//!
//! The worker does more than its peers: it draws marks (test picture only) and the confidence picture, follows the
//! house clock, writes a spool that survives power loss, and pushes every segment over HTTP. That is in its figure.

mod peers;
mod settings;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::json;

use crate::bench::{Bench, wait};
use crate::clips;
use crate::process::{Running, cpu_by_thread, cpu_seconds};
use crate::row::{Row, median};
use crate::studio::{Channel, Studio, utc};
use settings::{Ladder, Picture};

/// Before the clock starts: everything is open and flows.
const SETTLE: Duration = Duration::from_secs(2);
const BAR: f64 = 1.10;
const CLASS: &str = "talk-720p30";
/// The same encoders for all, whatever hardware is here.
const SOFTWARE: &str = "hardware_profile = \"software-x264\"\norder = \"off-air\"";

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let clip = clips::talk(bench, 60)?;
    let file = format!("kind = \"file\"\npath = \"{}\"", clip.path.display());
    let channel = |id, source| Channel { id, class: CLASS, source, more: SOFTWARE };
    let channels = [channel("clip", file), channel("pattern", "kind = \"test\"".to_owned())];
    let mut studio = Studio::prepare(bench, "cost", &channels)?;
    studio.start_origin()?;
    studio.start_daemon()?;
    let mut rows = Vec::new();
    for (id, name, picture) in
        [("clip", clip.name, Picture::File(clip.path.clone())), ("pattern", "test pattern", Picture::Pattern)]
    {
        let ladder = settings::read(&studio.configuration(), id, picture)?;
        rows.extend(compare(&mut studio, id, name, &ladder)?);
    }
    studio.stop_daemon()?;
    Ok(rows)
}

/// CPU seconds per second of the three, round by round.
#[derive(Debug, Default)]
struct Costs {
    worker: Vec<f64>,
    gst: Vec<f64>,
    ffmpeg: Vec<f64>,
    threads: BTreeMap<String, f64>,
}

fn compare(studio: &mut Studio<'_>, id: &str, name: &str, ladder: &Ladder) -> anyhow::Result<Vec<Row>> {
    let bench = studio.bench;
    let (rounds, time) = (bench.choose(3, 1), Duration::from_secs(bench.choose(20, 6)));
    let output = bench.directory(&format!("peers-{id}"))?;
    let (gst, ffmpeg) = (peers::gst_launch(ladder, &output), peers::ffmpeg(ladder, &output));
    bench.say(format!("  gst-launch-1.0 {}", gst.join(" ")));
    bench.say(format!("  ffmpeg {}", ffmpeg.join(" ")));
    let mut costs = Costs::default();
    for round in 1..=rounds {
        costs.worker.push(worker(studio, id, time, &mut costs.threads)?);
        costs.gst.push(peer(bench, "gst-launch-1.0", &gst, time)?);
        costs.ffmpeg.push(peer(bench, "ffmpeg", &ffmpeg, time)?);
        let last = |list: &[f64]| list.last().copied().unwrap_or(0.0) * 100.0;
        bench.say(format!(
            "  {name}, round {round}: worker {:.1} %, gst-launch {:.1} %, ffmpeg {:.1} % of a core",
            last(&costs.worker),
            last(&costs.gst),
            last(&costs.ffmpeg)
        ));
    }
    let mut threads: Vec<(&String, &f64)> = costs.threads.iter().collect();
    threads.sort_by(|a, b| b.1.total_cmp(a.1));
    bench.say(format!("  threads of the last worker, CPU s: {}", listed(&threads)));
    let row = |peer: &str, theirs: &[f64], command: &[String]| {
        let ratios: Vec<f64> = costs.worker.iter().zip(theirs).map(|(own, their)| own / their).collect();
        let ratio = median(&ratios);
        Row::new(
            format!("CPU of a 720p ladder, {name}, against {peer}"),
            format!("≤ {BAR:.2} ×"),
            format!("{ratio:.3} × ({:.1} % of a core)", median(&costs.worker) * 100.0),
            ratio <= BAR,
        )
        .peer(format!("{peer} {:.1} %", median(theirs) * 100.0))
        .details(json!({
            "worker": costs.worker, "peer": theirs, "ratios": ratios, "seconds_each": time.as_secs(),
            "command": command.join(" "), "worker_threads_cpu_s": costs.threads,
        }))
    };
    Ok(vec![row("gst-launch-1.0", &costs.gst, &gst), row("ffmpeg", &costs.ffmpeg, &ffmpeg)])
}

fn listed(threads: &[(&String, &f64)]) -> String {
    threads.iter().take(12).map(|(name, cpu)| format!("{name} {cpu:.2}")).collect::<Vec<_>>().join(", ")
}

fn worker(
    studio: &mut Studio<'_>,
    id: &str,
    time: Duration,
    threads: &mut BTreeMap<String, f64>,
) -> anyhow::Result<f64> {
    let from = utc();
    wait("the daemon takes the order", Duration::from_secs(20), Duration::from_millis(50), || {
        studio.order(id, "start").map(Some)
    })?;
    studio.on_air(id, from)?;
    let pid = studio.worker(id)?;
    std::thread::sleep(SETTLE);
    let cost = cost(pid, time)?;
    *threads = cpu_by_thread(pid);
    let report = studio.status(id)?.report.context("the worker reports nothing")?;
    ensure!(report.program.missed == 0, "the worker missed {} ticks: the machine is too busy", report.program.missed);
    studio.order(id, "stop")?;
    Ok(cost)
}

fn peer(bench: &Bench, program: &str, arguments: &[String], time: Duration) -> anyhow::Result<f64> {
    let log = bench.scratch().join(format!("{program}.log"));
    let mut running = Running::start(Command::new(program).args(arguments), &log)?;
    std::thread::sleep(SETTLE);
    let cost = cost(running.pid(), time)?;
    let words = || std::fs::read_to_string(&log).unwrap_or_default();
    running.check().with_context(|| words())?;
    running.kill();
    Ok(cost)
}

/// CPU seconds per second over `time`.
fn cost(pid: u32, time: Duration) -> anyhow::Result<f64> {
    let (started, used) = (Instant::now(), cpu_seconds(pid)?);
    std::thread::sleep(time);
    Ok((cpu_seconds(pid)? - used) / started.elapsed().as_secs_f64())
}

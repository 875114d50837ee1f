//! CPU of a 720p ladder: `uplink-worker` against `gst-launch-1.0` with the same elements and against ffmpeg with the
//! same x264 settings, one after the other, several rounds, over the same wall time each.
//!
//! The worker does more than its peers: it draws the confidence picture, follows the house clock, writes a spool that
//! survives power loss, and pushes every segment over HTTP. That is in its figure.

mod peers;
mod settings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::Signal;
use serde_json::json;

use crate::bench::{Bench, wait};
use crate::clips;
use crate::delivered::samples_in;
use crate::judged::newest;
use crate::process::{Running, cpu_by_thread, cpu_seconds};
use crate::row::{Row, Verdict, median};
use crate::studio::{Channel, Studio, utc};
use settings::Ladder;

/// Before the clock starts: everything is open and flows.
const SETTLE: Duration = Duration::from_secs(2);
/// What a peer may take until its first picture, before it counts as late.
const STARTUP: Duration = Duration::from_millis(700);
/// Share of the pictures due that must have been encoded for a round to count.
const PACE: f64 = 0.98;
const PEERS: [&str; 2] = ["gst-launch-1.0", "ffmpeg"];
const BAR: f64 = 1.10;
/// Clips are longer than a round, so that no peer has to repeat them.
const SECONDS: u32 = 60;
const CLASS: &str = "talk-720p30";
/// The same encoders for all, whatever hardware is here.
const SOFTWARE: &str = "hardware_profile = \"software-x264\"\norder = \"off-air\"";

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let (talk, pattern) = (clips::talk(bench, SECONDS)?, record(bench)?);
    let file = |path: &Path| format!("kind = \"file\"\npath = \"{}\"", path.display());
    let channel = |id, path: &Path| Channel { id, class: CLASS, source: file(path), backups: &[], more: SOFTWARE };
    let channels = [channel("talk", &talk.path), channel("pattern", &pattern)];
    let mut studio = Studio::prepare(bench, "cost", &channels)?;
    studio.start_origin()?;
    studio.start_daemon()?;
    let mut rows = Vec::new();
    for (id, name, clip) in [("talk", talk.name, &talk.path), ("pattern", "test pattern", &pattern)] {
        let ladder = settings::read(&studio.configuration(), id, clip)?;
        rows.extend(compare(&mut studio, id, name, &ladder)?);
    }
    studio.stop_daemon()?;
    Ok(rows)
}

/// The test pattern with its marks, as a worker delivers it: what all three can be given alike.
fn record(bench: &Bench) -> anyhow::Result<PathBuf> {
    let source = "kind = \"test\"".to_owned();
    let channel =
        Channel { id: "test", class: CLASS, source, backups: &[], more: "hardware_profile = \"software-x264\"" };
    let mut studio = Studio::open(bench, "record", &[channel])?;
    let parts = ["720p", "sound"];
    let first = newest(&studio, "test", &parts)? + 1;
    let last = wait("the pattern is recorded", Duration::from_secs(60), Duration::from_millis(200), || {
        Ok(newest(&studio, "test", &parts).ok().filter(|last| *last >= first + 8))
    })?;
    studio.stop_daemon()?;
    let directory = bench.directory("pattern")?;
    let files = parts.map(|part| directory.join(format!("{part}.mp4")));
    for (part, file) in parts.iter().zip(&files) {
        studio.lane("test", part).save(first..=last, file)?;
    }
    let [picture, sound] = files.map(|file| file.display().to_string());
    let whole = directory.join("whole.mp4");
    let joined = ["-i", &picture, "-i", &sound, "-c", "copy"].map(str::to_owned);
    clips::ffmpeg(joined, &whole)?;
    let path = directory.join("pattern.mp4");
    clips::repeat(&whole, SECONDS, &path)?;
    Ok(path)
}

/// One round: CPU seconds per second, and the share of the pictures due that were encoded.
#[derive(Debug, Clone)]
struct Round {
    cost: f64,
    pace: f64,
    /// CPU seconds of each thread since its process began.
    threads: BTreeMap<String, f64>,
}

/// All rounds of one of the three.
type Rounds = Vec<Round>;

fn costs(rounds: &Rounds) -> Vec<f64> {
    rounds.iter().map(|round| round.cost).collect()
}

fn last_threads(rounds: &Rounds) -> BTreeMap<String, f64> {
    rounds.last().map(|round| round.threads.clone()).unwrap_or_default()
}

fn paces(rounds: &Rounds) -> Vec<f64> {
    rounds.iter().map(|round| round.pace).collect()
}

fn compare(studio: &mut Studio<'_>, id: &str, name: &str, ladder: &Ladder) -> anyhow::Result<Vec<Row>> {
    let bench = studio.bench;
    let (rounds, time) = (bench.choose(3, 1), Duration::from_secs(bench.choose(20, 6)));
    let output = bench.directory(&format!("peers-{id}"))?;
    let commands = [peers::gst_launch(ladder, &output), peers::ffmpeg(ladder, &output)];
    for (program, arguments) in PEERS.iter().zip(&commands) {
        bench.say(format!("  {program} {}", arguments.join(" ")));
    }
    let (mut own, mut theirs) = (Rounds::new(), [Rounds::new(), Rounds::new()]);
    for round in 1..=rounds {
        own.push(worker(studio, id, ladder, time)?);
        for ((program, arguments), rounds) in PEERS.iter().zip(&commands).zip(&mut theirs) {
            rounds.push(peer(bench, program, arguments, ladder, &output, time)?);
        }
        bench.say(format!("  {name}, round {round}: {}", told(&own, &theirs)));
    }
    for (name, rounds) in [("worker", &own), (PEERS[0], &theirs[0]), (PEERS[1], &theirs[1])] {
        bench.say(format!("  threads of {name}, CPU s: {}", listed(&last_threads(rounds))));
    }
    let details = |program: usize| {
        json!({
            "worker": costs(&own), "worker_pace": paces(&own), "seconds_each": time.as_secs(),
            "peer": costs(&theirs[program]), "peer_pace": paces(&theirs[program]),
            "command": format!("{} {}", PEERS[program], commands[program].join(" ")), "worker_threads_cpu_s": last_threads(&own), "peer_threads_cpu_s": last_threads(&theirs[program]),
        })
    };
    Ok((0..PEERS.len()).map(|n| row(name, PEERS[n], &own, &theirs[n]).details(details(n))).collect())
}

fn told(own: &Rounds, theirs: &[Rounds; 2]) -> String {
    let last = |name: &str, rounds: &Rounds| {
        let (cost, pace) = rounds.last().map_or((0.0, 0.0), |round| (round.cost, round.pace));
        format!("{name} {:.1} % of a core ({:.0} % of the pictures)", cost * 100.0, pace * 100.0)
    };
    [last("worker", own), last(PEERS[0], &theirs[0]), last(PEERS[1], &theirs[1])].join(", ")
}

fn row(name: &str, peer: &str, own: &Rounds, theirs: &Rounds) -> Row {
    let figure = format!("CPU of a 720p ladder, {name}, against {peer}");
    let limit = format!("≤ {BAR:.2} ×");
    let slowest = |rounds: &Rounds| rounds.iter().map(|round| round.pace).fold(f64::INFINITY, f64::min);
    let (own_pace, their_pace) = (slowest(own), slowest(theirs));
    if own_pace.min(their_pace) < PACE {
        // Whoever drops or lags does less work: there is nothing to compare.
        let (own, their) = (own_pace * 100.0, their_pace * 100.0);
        let reason = format!("machine too busy: the worker encoded {own:.0} % of the pictures, {peer} {their:.0} %");
        return Row { measured: reason, verdict: Verdict::Unmeasured, ..Row::new(figure, limit, "", false) };
    }
    let ratios: Vec<f64> = own.iter().zip(theirs).map(|(own, their)| own.cost / their.cost).collect();
    let ratio = median(&ratios);
    let measured = format!("{ratio:.3} × ({:.1} % of a core)", median(&costs(own)) * 100.0);
    Row::new(figure, limit, measured, ratio <= BAR).peer(format!("{peer} {:.1} %", median(&costs(theirs)) * 100.0))
}

fn listed(threads: &BTreeMap<String, f64>) -> String {
    let mut threads: Vec<(&String, &f64)> = threads.iter().collect();
    threads.sort_by(|a, b| b.1.total_cmp(a.1));
    threads.iter().take(12).map(|(name, cpu)| format!("{name} {cpu:.2}")).collect::<Vec<_>>().join(", ")
}

fn worker(studio: &mut Studio<'_>, id: &str, ladder: &Ladder, time: Duration) -> anyhow::Result<Round> {
    let from = utc();
    wait("the daemon takes the order", Duration::from_secs(20), Duration::from_millis(50), || {
        studio.order(id, "start").map(Some)
    })?;
    studio.on_air(id, from)?;
    let pid = studio.worker(id)?;
    std::thread::sleep(SETTLE);
    let began = utc();
    let cost = cost(pid, time)?;
    let threads = cpu_by_thread(pid);
    studio.order(id, "stop")?;
    // Segments of one second whose number is their second: those that lie in the window whole.
    let first = began.as_nanos() / 1_000_000_000 + 1;
    let last = first + time.as_secs() - 2;
    let encoded = studio.lane(id, &ladder.rungs[0].id).samples(first..=last)?;
    let due = (last - first + 1) as f64 * ladder.rate.as_f64();
    Ok(Round { cost, pace: encoded as f64 / due, threads })
}

fn peer(
    bench: &Bench,
    program: &str,
    arguments: &[String],
    ladder: &Ladder,
    output: &Path,
    time: Duration,
) -> anyhow::Result<Round> {
    let log = bench.scratch().join(format!("{program}.log"));
    let started = Instant::now();
    let mut running = Running::start(Command::new(program).args(arguments), &log)?;
    std::thread::sleep(SETTLE);
    let cost = cost(running.pid(), time)?;
    let threads = cpu_by_thread(running.pid());
    let words = || std::fs::read_to_string(&log).unwrap_or_default();
    running.check().with_context(words)?;
    running.stop(Signal::INT, Duration::from_secs(10)).with_context(words)?;
    // What waited in queues is encoded at the clock's pace until the end.
    let due = (started.elapsed() - STARTUP).as_secs_f64() * ladder.rate.as_f64();
    let encoded = samples_in(&output.join(format!("{program}-0.mp4")))?;
    Ok(Round { cost, pace: encoded as f64 / due, threads })
}

/// CPU seconds per second over `time`.
fn cost(pid: u32, time: Duration) -> anyhow::Result<f64> {
    let (started, used) = (Instant::now(), cpu_seconds(pid)?);
    std::thread::sleep(time);
    Ok((cpu_seconds(pid)? - used) / started.elapsed().as_secs_f64())
}

//! `kill -9` and SIGSEGV of a worker: until its first new frame is at the origin's live edge; the neighbour goes on.
//!
//! Two channels are killed in turn, so that each has run for more than ten seconds before it dies again: a worker that
//! dies sooner is restarted more slowly on purpose.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use uplink::model::MediaTime;

use crate::bench::{Bench, wait};
use crate::judged::{LINE_UP, described, frames_missing, judge, newest};
use crate::process::{lives, send};
use crate::row::{Row, largest, median};
use crate::studio::{Channel, Studio, utc};

const NAMES: [&str; 2] = ["kill -9", "SIGSEGV"];
const VICTIMS: [&str; 2] = ["a", "b"];
/// Twice this, less the spread of the phases, is more than the ten seconds of a healthy run.
const SLOT: Duration = Duration::from_millis(5700);

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let count = bench.choose(10, 2);
    let channels = [Channel::test("a"), Channel::test("b"), Channel::test("neighbour")];
    let mut studio = Studio::open(bench, "worker", &channels)?;
    // The first segment of a channel may be a part of one.
    let first = newest(&studio, "neighbour", &LINE_UP)? + 1;
    let mut slot = Instant::now() + 2 * SLOT;
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..2 * count {
        // The victims in turn, so that each has its time; the signals in turn for each victim.
        let (victim, kind) = (VICTIMS[round % 2], round / 2 % 2);
        let signal = [Signal::KILL, Signal::SEGV][kind];
        let part = 1.0 / count as f64;
        sleep_until(slot);
        wait_for_phase(times[kind].len() as f64 * part, part);
        let (at, since) = kill(studio.worker(victim)?, signal)?;
        slot += SLOT;
        let lane = studio.lane(victim, "360p");
        wait("a new frame is at the live edge", Duration::from_secs(40), Duration::from_millis(8), || {
            lane.named_after(at)
        })?;
        let took = since.elapsed().as_secs_f64();
        bench.say(format!(
            "  {} of `{victim}` at .{:03}: back after {took:.2} s",
            NAMES[kind],
            at.as_nanos() / 1_000_000 % 1000
        ));
        times[kind].push(took);
        slot = slot.max(Instant::now() + Duration::from_secs(1));
    }
    std::thread::sleep(Duration::from_secs(3));
    let last = newest(&studio, "neighbour", &LINE_UP)?;
    let report = judge(&studio, "neighbour", &LINE_UP, first..=last)?;
    studio.stop_daemon()?;
    let missing = frames_missing(&report);
    let row = |name: &str, times: &[f64]| {
        let (middle, worst) = (median(times), largest(times));
        Row::new(
            format!("{name} of a worker: until its first new frame is at the origin's live edge"),
            "≤ 2 s",
            format!("median {middle:.2} s, max {worst:.2} s of {}", times.len()),
            worst <= 2.0,
        )
        .details(json!({ "seconds": times }))
    };
    Ok(vec![
        row(NAMES[0], &times[0]),
        row(NAMES[1], &times[1]),
        Row::new(
            "the neighbour meanwhile: frames missing at the origin",
            "0",
            format!("{missing} in {} s", last - first + 1),
            missing == 0,
        )
        .details(described(&report)),
    ])
}

/// Kills, and says when that was on both clocks. A Rust program takes the first SIGSEGV that somebody sends for a fault
/// that will come again, so it is sent until the process has gone.
fn kill(pid: u32, signal: Signal) -> anyhow::Result<(MediaTime, Instant)> {
    let (at, since) = (utc(), Instant::now());
    send(pid, signal);
    wait("the worker dies", Duration::from_secs(5), Duration::from_millis(1), || {
        send(pid, signal);
        Ok((!lives(pid)).then_some(()))
    })?;
    Ok((at, since))
}

fn sleep_until(instant: Instant) {
    std::thread::sleep(instant.saturating_duration_since(Instant::now()));
}

/// Waits for a random instant in the part of a segment (of one second, on the epoch) that begins at `from`.
fn wait_for_phase(from: f64, width: f64) {
    let target = from + width * fastrand::f64();
    let now = utc().as_secs_f64().fract();
    std::thread::sleep(Duration::from_secs_f64((target - now).rem_euclid(1.0)));
}

//! `kill -9` of the daemon while on air, then a restart: no frame missing at the origin, the same worker adopted.

use std::time::Duration;

use anyhow::ensure;
use serde_json::json;

use crate::bench::{Bench, wait};
use crate::judged::{LINE_UP, described, frames_missing, judge, newest};
use crate::row::Row;
use crate::studio::{Channel, Studio};

/// How long the box goes without a daemon.
const AWAY: Duration = Duration::from_secs(4);

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let rounds = bench.choose(3, 1);
    let mut studio = Studio::open(bench, "daemon", &[Channel::test("a"), Channel::test("b")])?;
    let workers = [studio.worker("a")?, studio.worker("b")?];
    // The first segment of a channel may be a part of one.
    let first = newest(&studio, "a", &LINE_UP)? + 1;
    let mut adopted_after = Vec::new();
    let mut same = true;
    for round in 1..=rounds {
        studio.kill_daemon();
        std::thread::sleep(AWAY);
        let started = studio.start_daemon()?;
        let adopted = wait("the daemon adopts its workers", Duration::from_secs(20), Duration::from_millis(5), || {
            let found = [studio.status("a")?, studio.status("b")?].map(|channel| channel.worker);
            let known = found.iter().flatten().filter(|worker| worker.adopted).count() == found.len();
            Ok(known.then(|| found.map(|worker| worker.map_or(0, |worker| worker.pid))))
        })?;
        adopted_after.push(started.elapsed().as_secs_f64() * 1e3);
        same &= adopted == workers;
        bench.say(format!("  round {round}: workers {adopted:?} adopted after {:.0} ms", adopted_after[round - 1]));
    }
    std::thread::sleep(Duration::from_secs(3));
    let last = newest(&studio, "a", &LINE_UP)?;
    ensure!(last > first, "the channel delivered nothing");
    let report = judge(&studio, "a", &LINE_UP, first..=last)?;
    let missing = frames_missing(&report);
    let adopted = if same { "same workers adopted" } else { "OTHER WORKERS" };
    let seconds = last - first + 1;
    Ok(vec![
        Row::new(
            "kill -9 of the daemon on air, restart: frames missing at the origin",
            "0, same worker",
            format!("{missing} in {seconds} s, {rounds} kills, {adopted}"),
            missing == 0 && same,
        )
        .details(json!({ "adopted_after_ms": adopted_after, "workers": workers, "played": described(&report) })),
    ])
}

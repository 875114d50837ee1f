//! WHIP over a bad line that is cut for ten seconds, in which nothing is refused and nothing comes back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use serde_json::Value;

use super::line::{FAR, Line, SPACE};
use crate::bench::{Bench, wait};
use crate::row::Row;
use crate::whip::{CUT, Peer, SOON, healing, studio};

/// From a return to the next cut.
const SETTLE: Duration = Duration::from_secs(12);
/// A report is long, and goes over the line itself.
const LOOK: Duration = Duration::from_secs(2);

pub fn measure(bench: &Bench, line: &mut Line) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for percent in [0, 5] {
        let measured = at(bench, line, percent);
        line.cut(false)?;
        line.lose(0.0)?;
        let (healed, report) = measured.with_context(|| format!("at {percent} % loss"))?;
        let figure = format!(
            "WHIP (360p of `interactive-720p30`) over a line of 2 Mb/s, 200 ms, {percent} % loss, after a cut of 10 s"
        );
        rows.push(healing(figure, &healed, &report, percent == 0));
    }
    Ok(rows)
}

fn at(bench: &Bench, line: &mut Line, percent: u32) -> anyhow::Result<(Vec<f64>, Value)> {
    let peer = Peer::start(FAR, Some(SPACE))?;
    let mut studio = studio(bench, &format!("line-whip-{percent}"), &peer)?;
    wait("pictures arrive", SOON, LOOK, || Ok((peer.report(bench)?["video"].as_u64() > Some(60)).then_some(())))?;
    line.lose(f64::from(percent) / 100.0)?;
    std::thread::sleep(Duration::from_secs(3));
    let mut healed = Vec::new();
    for round in 0..bench.choose(10, 1) {
        line.cut(true)?;
        std::thread::sleep(CUT);
        line.cut(false)?;
        let up = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1000.0;
        std::thread::sleep(SETTLE);
        // The gap that the cut made: it began before the line was back.
        let end = |report: &Value| {
            let gaps = report["gaps_ms"].as_array()?.iter();
            let ends = gaps.filter_map(|gap| Some((gap.get(0)?.as_f64()?, gap.get(1)?.as_f64()?)));
            ends.filter(|(begin, end)| *begin < up && *end > up).map(|(_, end)| end).next_back()
        };
        let end = wait("pictures arrive again", SOON, LOOK, || Ok(end(&peer.report(bench)?)))?;
        bench.say(format!("    {percent} %, cut {round}: pictures again after {:.2} s", (end - up) / 1000.0));
        healed.push((end - up) / 1000.0);
    }
    line.lose(0.0)?;
    let report = peer.report(bench)?;
    studio.stop_daemon()?;
    Ok((healed, report))
}

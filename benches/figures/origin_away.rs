//! The origin stopped for a minute and back: every segment arrives, as it is in the spool, and playlists are right.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;
use uplink::measure::Options;

use crate::bench::{Bench, wait};
use crate::delivered::numbers;
use crate::judged::{LINE_UP, described, newest, play};
use crate::row::Row;
use crate::studio::{Channel, Studio, utc};

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let away = Duration::from_secs(bench.choose(60, 8));
    let mut studio = Studio::open(bench, "outage", &[Channel::test("a")])?;
    std::thread::sleep(Duration::from_secs(3));
    let first = newest(&studio, "a", &LINE_UP)?;
    studio.kill_origin();
    bench.say(format!("  the origin is away for {} s", away.as_secs()));
    std::thread::sleep(away);
    studio.start_origin()?;
    let (back, back_utc) = (Instant::now(), utc());
    studio.on_air("a", back_utc)?;
    let live = back.elapsed().as_secs_f64();
    let whole = |studio: &Studio<'_>| {
        LINE_UP.iter().all(|rendition| {
            let here = studio.lane("a", rendition).numbers();
            let spooled = numbers(&studio.spooled("a", rendition));
            // The newest may be on its way.
            spooled.range(first..).rev().skip(2).all(|number| here.contains(number))
        })
    };
    wait("the backlog is delivered", Duration::from_secs(90), Duration::from_millis(20), || {
        Ok(whole(&studio).then_some(()))
    })?;
    let caught_up = back.elapsed().as_secs_f64();
    bench.say(format!("  live edge after {live:.2} s, everything after {caught_up:.2} s"));
    let seconds = Some(bench.choose(10, 4));
    let address = format!("{}/multivariant.m3u8", studio.address("a"));
    let report = play(bench, Options { seconds, ..Options::new(address) })?;
    let last = newest(&studio, "a", &LINE_UP)?;
    let (mut missing, mut differing, mut gaps) = (BTreeMap::new(), BTreeMap::new(), 0);
    for rendition in LINE_UP {
        let (lost, other) = studio.lane("a", rendition).compare(&studio.spooled("a", rendition), first..=last)?;
        missing.insert(rendition, lost);
        differing.insert(rendition, other);
        let playlist = bench.web.get(&format!("{}/{rendition}/media.m3u8", studio.address("a")))?;
        gaps += String::from_utf8_lossy(&playlist).matches("#EXT-X-GAP").count();
    }
    let count = |lists: &BTreeMap<&str, Vec<u64>>| lists.values().map(Vec::len).sum::<usize>();
    let (lost, other) = (count(&missing), count(&differing));
    let details = json!({
        "missing": missing, "differing": differing, "live_edge_after_s": live, "caught_up_after_s": caught_up,
        "played_afterwards": described(&report),
    });
    Ok(vec![
        Row::new(
            format!("origin stopped for {} s and back: segments missing, or other than in the spool", away.as_secs()),
            "0, 0",
            format!("{lost}, {other} of {} × {}", last - first + 1, LINE_UP.len()),
            lost + other == 0,
        )
        .details(details),
        Row::new(
            "playlists afterwards: gaps, faults that a player meets",
            "0, 0",
            format!("{gaps}, {}", report.faults.len()),
            gaps == 0 && report.faults.is_empty(),
        )
        .details(described(&report)),
        Row::shown(
            "origin back: live edge, and all that was missed, delivered after",
            format!("{live:.1} s, {caught_up:.1} s"),
        ),
    ])
}

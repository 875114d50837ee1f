//! The only origin is away for long, and the daemon and a worker are killed meanwhile: nothing is missing afterwards, and
//! the live edge is there first.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant, UNIX_EPOCH};

use anyhow::Context;
use rustix::process::Signal;
use serde_json::json;
use uplink::measure::Options;

use crate::bench::{Bench, wait};
use crate::delivered::numbers;
use crate::judged::{LINE_UP, described, newest, play, timestamp_faults};
use crate::process::send;
use crate::row::{Row, largest};
use crate::studio::{Channel, Studio};

const SOON: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(5);
/// Segments of `line-up-360p30` last a second: what the live edge may be late.
const SEGMENT_S: f64 = 1.0;

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let away = Duration::from_secs(bench.minutes.map_or(bench.choose(120, 16), |minutes| 60 * minutes));
    let mut studio = studio(bench, away)?;
    let first = newest(&studio, "a", &LINE_UP)?;
    studio.kill_origin();
    bench.say(format!("  the origin is away for {} s", away.as_secs()));
    let kills = suffer(bench, &mut studio, away)?;
    let owed = before_or_at(&studio, first..=u64::MAX).values().map(BTreeSet::len).sum::<usize>() - LINE_UP.len();
    studio.start_origin()?;
    let (back, ready) = (Instant::now(), finished(&studio)?);
    let edge = live_edge(&studio, back, ready)?;
    wait("all that was missed is delivered", away.max(Duration::from_secs(60)), LOOK, || {
        let there = |rendition: &&str| {
            let here = studio.lane("a", rendition).numbers();
            // The newest may be on its way.
            numbers(&studio.spooled("a", rendition)).range(first..).rev().skip(1).all(|number| here.contains(number))
        };
        Ok(LINE_UP.iter().all(there).then_some(()))
    })?;
    let caught_up = back.elapsed().as_secs_f64();
    bench.say(format!("  live edge after {edge:.2} s, all {owed} segments after {caught_up:.2} s"));
    let seconds = Some(bench.choose(10, 4));
    let report =
        play(bench, Options { seconds, ..Options::new(format!("{}/multivariant.m3u8", studio.address("a"))) })?;
    let found = Found::at(&studio, first, ready)?;
    // Source frames that a busy box has not shown are another figure's.
    let (gaps, stamps) = (gaps(bench, &studio)?, timestamp_faults(&report));
    let late = largest(&found.late);
    let (missing, differing) = (found.missing.len(), found.differing.len());
    Ok(vec![
        Row::new(
            format!(
                "only origin away for {} s, kill -9 of daemon and worker meanwhile: segments missing, or other than in the spool",
                away.as_secs()
            ),
            "0, 0",
            format!("{missing}, {differing} of {}", found.spooled),
            missing + differing == 0,
        )
        .details(json!({
            "missing": found.missing, "differing": found.differing, "owed": owed, "never_made": found.holes,
            "kills": kills,
        })),
        Row::new(
            "origin back: newest segment of all renditions there and told; those after it, late at most while the rest follows",
            "≤ 1 s (a segment)",
            format!("{edge:.2} s; {late:.2} s"),
            edge <= SEGMENT_S && late <= SEGMENT_S,
        )
        .details(json!({ "late_s": found.late })),
        Row::new(
            "playlists afterwards: gaps; for a player, timestamps or segments missing or repeated",
            "0, 0",
            format!("{gaps}, {stamps}"),
            gaps + stamps == 0,
        )
        .details(described(&report)),
        Row::shown("origin back: all that was missed delivered after", format!("{caught_up:.1} s ({owed} segments)")),
    ])
}

/// On air, with an origin and a spool that keep what is compared in the end.
fn studio(bench: &Bench, away: Duration) -> anyhow::Result<Studio<'_>> {
    let mut studio = Studio::prepare(bench, "long-outage", &[Channel::test("a")])?;
    let keep = (away.as_secs() / 60 + 20).to_string();
    for (file, from, to) in
        [("origin.toml", "\"20m\"", format!("\"{keep}m\"")), ("uplinkd.toml", "\"20min\"", format!("\"{keep}min\""))]
    {
        let path = studio.directory().join(file);
        let text = std::fs::read_to_string(&path)?;
        anyhow::ensure!(text.contains(from), "{file} keeps something else than {from}");
        std::fs::write(&path, text.replace(from, &to))?;
    }
    studio.start_origin()?;
    let from = crate::studio::utc();
    studio.start_daemon()?;
    studio.on_air("a", from)?;
    std::thread::sleep(Duration::from_secs(3));
    Ok(studio)
}

/// Waits as long as the outage lasts, kills the daemon after a quarter and a worker after half of it.
fn suffer(bench: &Bench, studio: &mut Studio<'_>, away: Duration) -> anyhow::Result<serde_json::Value> {
    let begun = Instant::now();
    let until = |share: f64| std::thread::sleep(away.mul_f64(share).saturating_sub(begun.elapsed()));
    until(0.25);
    let worker = studio.worker("a")?;
    studio.kill_daemon();
    std::thread::sleep(Duration::from_secs(2));
    studio.start_daemon()?;
    wait("the daemon adopts its worker", SOON, LOOK, || {
        let known = studio.status("a")?.worker.filter(|known| known.adopted && known.pid == worker);
        Ok(known.map(|_| ()))
    })?;
    until(0.5);
    send(worker, Signal::KILL);
    let new = wait("there is another worker", SOON, LOOK, || {
        Ok(studio.status("a")?.worker.map(|worker| worker.pid).filter(|pid| *pid != worker))
    })?;
    bench.say(format!("  daemon killed and back, worker {worker} killed, {new} took over"));
    until(1.0);
    Ok(json!({ "daemon_after_s": away.as_secs_f64() * 0.25, "worker_after_s": away.as_secs_f64() * 0.5 }))
}

/// Numbers that the spool has of each rendition.
fn before_or_at(studio: &Studio<'_>, wanted: RangeInclusive<u64>) -> BTreeMap<&'static str, BTreeSet<u64>> {
    let of = |rendition| numbers(&studio.spooled("a", rendition)).range(wanted.clone()).copied().collect();
    LINE_UP.into_iter().map(|rendition| (rendition, of(rendition))).collect()
}

/// The newest number that is finished in every rendition.
fn finished(studio: &Studio<'_>) -> anyhow::Result<u64> {
    let last = LINE_UP.iter().map(|rendition| numbers(&studio.spooled("a", rendition)).last().copied());
    last.min().flatten().context("the spool is empty")
}

/// Seconds from `back` until segment `edge` is at the origin in every rendition, and players are told.
fn live_edge(studio: &Studio<'_>, back: Instant, edge: u64) -> anyhow::Result<f64> {
    let told = |rendition: &str| -> anyhow::Result<bool> {
        let text = studio.bench.web.get(&format!("{}/{rendition}/media.m3u8", studio.address("a")))?;
        Ok(last_playable(&String::from_utf8_lossy(&text)).is_some_and(|number| number >= edge))
    };
    wait("the live edge is at the origin", SOON, LOOK, || {
        for rendition in LINE_UP {
            if !studio.lane("a", rendition).numbers().contains(&edge) || !told(rendition)? {
                return Ok(None);
            }
        }
        Ok(Some(back.elapsed().as_secs_f64()))
    })
}

/// The newest number that a playlist tells, gaps aside.
fn last_playable(playlist: &str) -> Option<u64> {
    let (mut gap, mut last) = (false, None);
    for line in playlist.lines() {
        gap |= line == "#EXT-X-GAP";
        if let Some(number) = line.strip_suffix(".m4s").and_then(|number| number.parse().ok())
            && !std::mem::take(&mut gap)
        {
            last = Some(number);
        }
    }
    last
}

fn gaps(bench: &Bench, studio: &Studio<'_>) -> anyhow::Result<u64> {
    let mut gaps = 0;
    for rendition in LINE_UP {
        let playlist = bench.web.get(&format!("{}/{rendition}/media.m3u8", studio.address("a")))?;
        gaps += String::from_utf8_lossy(&playlist).matches("#EXT-X-GAP").count() as u64;
    }
    Ok(gaps)
}

/// What is at the origin in the end, against the spool.
struct Found {
    spooled: usize,
    missing: Vec<String>,
    differing: Vec<String>,
    /// Numbers in between that the spool has not, either: nobody encoded while the worker was dead.
    holes: usize,
    /// How long after its end each segment was there, of those that ended after the origin was back.
    late: Vec<f64>,
}

impl Found {
    fn at(studio: &Studio<'_>, first: u64, ready: u64) -> anyhow::Result<Self> {
        let last = newest(studio, "a", &LINE_UP)?;
        let (mut missing, mut differing, mut late, mut holes) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let spooled = before_or_at(studio, first..=last);
        for (rendition, numbers) in &spooled {
            let there = studio.directory().join("origin/live/a").join(rendition);
            holes += (last - first + 1) as usize - numbers.len();
            for number in numbers {
                let name = format!("{number}.m4s");
                let Ok(delivered) = std::fs::read(there.join(&name)) else {
                    missing.push(format!("{rendition}/{number}"));
                    continue;
                };
                if delivered != std::fs::read(studio.spooled("a", rendition).join(&name))? {
                    differing.push(format!("{rendition}/{number}"));
                }
                if *number > ready {
                    let stored = std::fs::metadata(there.join(&name))?.modified()?;
                    late.push(stored.duration_since(UNIX_EPOCH)?.as_secs_f64() - (number + 1) as f64 * SEGMENT_S);
                }
            }
        }
        Ok(Self { spooled: spooled.values().map(BTreeSet::len).sum(), missing, differing, holes, late })
    }
}

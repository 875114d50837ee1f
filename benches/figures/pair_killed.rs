//! Two boxes with one channel at one origin: the one that delivers is killed, all of it, and the other goes on. The roles
//! change with each round.

use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::Signal;
use serde_json::{Value, json};
use uplink::hls::ToldPlaylist;
use uplink::measure::Options;
use uplink::model::pair::{PairRole, PairStatus};

use crate::across;
use crate::bench::{Bench, wait};
use crate::judged::{LINE_UP, described, play};
use crate::process::{lives, send};
use crate::row::{Row, largest, median};
use crate::studio::{Channel, Studio, utc};

const WITHIN: Duration = Duration::from_secs(40);

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for mode in ["active-standby", "active-active"] {
        rows.extend(in_mode(bench, mode)?);
    }
    Ok(rows)
}

fn in_mode(bench: &Bench, mode: &str) -> anyhow::Result<Vec<Row>> {
    let channels = [Channel::test("a")];
    let mut one = Studio::prepare(bench, &format!("{mode}-1"), &channels)?;
    let mut two = Studio::prepare(bench, &format!("{mode}-2"), &channels)?;
    let port = one.origin_port();
    one.pair(port, "one", mode)?;
    two.pair(port, "two", mode)?;
    one.start_origin()?;
    let from = utc();
    one.start_daemon()?;
    one.on_air("a", from)?;
    two.start_daemon()?;
    let rounds = bench.choose(6, 2);
    let (mut seconds, mut found) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let (holder, other) = if round % 2 == 0 { (&mut one, &two) } else { (&mut two, &one) };
        role(holder, |role| role == PairRole::Holder)?;
        role(other, |role| matches!(role, PairRole::Standby | PairRole::Active))?;
        // A whole window, so that there is one to go on with; and not always at the same place in a segment.
        std::thread::sleep(Duration::from_secs(11) + Duration::from_secs_f64(fastrand::f64()));
        let (took, window) = killed(bench, holder, port).with_context(|| format!("{mode}, round {round}"))?;
        bench.say(format!("  {mode}: told again after {took:.2} s"));
        seconds.push(took);
        found.push(window);
        holder.start_daemon()?;
    }
    role(&one, |role| role == PairRole::Holder)?;
    role(&two, |role| matches!(role, PairRole::Standby | PairRole::Active))?;
    let in_browser = in_browser(bench, mode, &mut one, port)?;
    let sum = |of: fn(&Window) -> u64| found.iter().map(of).sum::<u64>();
    let (gaps, breaks, frames) = (sum(|w| w.gaps), sum(|w| w.discontinuities), sum(|w| w.frames_missing));
    let details = json!({ "seconds": seconds, "windows": found.iter().map(Window::json).collect::<Vec<Value>>() });
    let worst = largest(&seconds);
    Ok(vec![
        Row::new(
            format!(
                "two boxes, {mode}, the one that delivers killed ({rounds} ×): gaps and discontinuities at the origin"
            ),
            "0, 0",
            format!("{gaps}, {breaks}"),
            gaps + breaks == 0,
        )
        .details(details),
        Row::new(
            format!("{mode}: a player across it, frames missing by their timestamps, all renditions"),
            "0",
            format!("{frames}"),
            frames == 0,
        ),
        Row::shown(
            format!("{mode}: longest time without a new segment for players (segments of 1 s, a lease of 2 s)"),
            format!("median {:.2} s, max {worst:.2} s", median(&seconds)),
        ),
        in_browser,
    ])
}

/// One more kill, with the player page in Chromium.
fn in_browser(bench: &Bench, mode: &str, holder: &mut Studio<'_>, port: u16) -> anyhow::Result<Row> {
    let base = format!("http://127.0.0.1:{port}");
    let worker = holder.worker("a")?;
    let seen = across::across(bench, &format!("{mode}-signs"), &base, 30, || end(holder, worker))?;
    let figure =
        format!("{mode}: the player page in Chromium across it: pauses, errors, pictures missing by their count");
    let Some(seen) = seen else {
        let why = anyhow::anyhow!("the packages of web-ui are not installed (`npm install` there)");
        return Ok(Row::unmeasured(&figure, &why));
    };
    let count = |name: &str| seen[name].as_i64().with_context(|| format!("the page gave no {name}"));
    let (waits, errors, missing) = (count("waits")?, count("errors")?, count("missing")?);
    // Pictures are decoded ahead of what is shown, not always as many.
    let whole = waits == 0 && errors == 0 && missing.abs() < 20;
    Ok(Row::new(figure, "0, 0, less than 20", format!("{waits}, {errors}, {missing}"), whole).details(seen))
}

/// `kill -9` of everything that is a box.
fn end(holder: &mut Studio<'_>, worker: u32) -> anyhow::Result<()> {
    holder.kill_daemon();
    send(worker, Signal::KILL);
    wait("the worker dies", WITHIN, Duration::from_millis(1), || Ok((!lives(worker)).then_some(())))
}

/// What players had around a kill.
struct Window {
    gaps: u64,
    discontinuities: u64,
    frames_missing: u64,
    played: Value,
}

impl Window {
    fn json(&self) -> Value {
        json!({ "gaps": self.gaps, "discontinuities": self.discontinuities, "played": self.played })
    }
}

/// Kills a box while a player plays; the longest time between two new segments, and what was told.
fn killed(bench: &Bench, holder: &mut Studio<'_>, port: u16) -> anyhow::Result<(f64, Window)> {
    let base = format!("http://127.0.0.1:{port}/live/a");
    let worker = holder.worker("a")?;
    let options = Options { seconds: Some(12), patience: WITHIN, ..Options::new(format!("{base}/multivariant.m3u8")) };
    let (longest, report) = std::thread::scope(|scope| {
        let player = scope.spawn(|| play(bench, options));
        let watched = watch(bench, &base, || end(holder, worker));
        let report = player.join().map_err(|_| anyhow::anyhow!("the player failed"))?;
        anyhow::Ok((watched?, report?))
    })?;
    let (mut gaps, mut discontinuities) = (0, 0);
    for rendition in LINE_UP {
        let told = told(bench, &base, rendition)?;
        gaps += told.entries.iter().filter(|entry| entry.gap).count() as u64;
        discontinuities += told.entries.iter().filter(|entry| entry.discontinuity).count() as u64;
    }
    let missing = |stream: &uplink::measure::StreamReport| {
        let sound = stream.audio.map_or(0, |audio| audio.gaps);
        stream.video.map_or(0, |video| video.missing) + sound + stream.playlist.map_or(0, |list| list.gap_entries)
    };
    let frames_missing = report.streams.iter().map(missing).sum();
    Ok((longest, Window { gaps, discontinuities, frames_missing, played: described(&report) }))
}

/// Kills after three segments and looks for five more; the longest time between two.
fn watch(bench: &Bench, base: &str, kill: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let (mut kill, mut longest) = (Some(kill), 0f64);
    let mut last = told(bench, base, LINE_UP[0])?.last();
    let mut since = Instant::now();
    for segment in 0..8 {
        let next = wait("another segment is told", WITHIN, Duration::from_millis(5), || {
            Ok(Some(told(bench, base, LINE_UP[0])?.last()).filter(|now| *now > last))
        })?;
        if segment > 0 {
            longest = longest.max(since.elapsed().as_secs_f64());
        }
        (last, since) = (next, Instant::now());
        if segment == 2
            && let Some(kill) = kill.take()
        {
            kill()?;
        }
    }
    Ok(longest)
}

fn told(bench: &Bench, base: &str, rendition: &str) -> anyhow::Result<ToldPlaylist> {
    let text = bench.web.get(&format!("{base}/{rendition}/media.m3u8"))?;
    ToldPlaylist::read(&String::from_utf8_lossy(&text)).context("no playlist")
}

fn role(studio: &Studio<'_>, wanted: impl Fn(PairRole) -> bool) -> anyhow::Result<PairStatus> {
    wait("a box is in its role", WITHIN, Duration::from_millis(50), || {
        let report = studio.status("a").ok().and_then(|status| status.report);
        let pair = report.and_then(|report| report.destinations.into_iter().next()?.endpoints.into_iter().next()?.pair);
        Ok(pair.filter(|pair| wanted(pair.role)))
    })
}

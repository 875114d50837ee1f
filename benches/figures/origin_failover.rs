//! A destination with a backup, in failover: its primary is killed, or hangs, and the backup takes over.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use rustix::process::Signal;
use serde_json::{Value, json};
use uplink::measure::Options;
use uplink::model::SwitchReport;
use uplink::model::status::DestinationStatus;

use crate::bench::{Bench, free_port, wait};
use crate::judged::{LINE_UP, described, frames_missing, play};
use crate::process::{Running, send};
use crate::row::{Row, largest};
use crate::studio::{Channel, Studio, utc};

/// Longer than any detection here may take.
const SWITCHED_WITHIN: Duration = Duration::from_secs(20);
const BACK_WITHIN: Duration = Duration::from_secs(40);

/// What a round measured.
struct Round {
    detected: f64,
    first: f64,
    missing: u64,
    /// Numbers that a player of the primary would not find at the backup.
    torn: u64,
    details: Value,
}

/// The line-up class has segments of a second.
const SHIPPED: u64 = 1000;

/// Segments of one second and of two: an endpoint that hangs is not heard of for longer with the latter.
pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    Ok([of_segments(bench, SHIPPED)?, of_segments(bench, 2000)?].concat())
}

/// The line-up class with other segments, and key frames as far apart.
fn lengthen(studio: &Studio<'_>, millis: u64) -> anyhow::Result<()> {
    let (own, theirs) = (studio.directory().join("pipelines"), Bench::repository().join("pipelines"));
    std::fs::create_dir_all(&own)?;
    let shipped = std::fs::read_to_string(theirs.join("line-up-360p30.toml"))?;
    let longer = shipped.replace(&format!("duration_ms = {SHIPPED}"), &format!("duration_ms = {millis}"));
    anyhow::ensure!(longer != shipped, "the class has other segments than it had");
    std::fs::write(own.join("line-up-360p30.toml"), longer)?;
    let text = std::fs::read_to_string(studio.configuration())?;
    let text = text.replace(&theirs.display().to_string(), &own.display().to_string());
    Ok(std::fs::write(studio.configuration(), text)?)
}

fn of_segments(bench: &Bench, millis: u64) -> anyhow::Result<Vec<Row>> {
    let mut studio = Studio::prepare(bench, &format!("failover-{millis}"), &[Channel::test("a")])?;
    if millis != SHIPPED {
        lengthen(&studio, millis)?;
    }
    let backup = Backup::start(bench, millis)?;
    let text = std::fs::read_to_string(studio.configuration())?.replacen(
        "token_file = \"origin.token\"\n",
        &format!(
            "token_file = \"origin.token\"\nbackups = [{{ url = \"{}\", token_file = \"origin.token\" }}]\n\
             [destinations.origin.failover]\nwait_to_restore_ms = 2000\n",
            backup.url()
        ),
        1,
    );
    std::fs::write(studio.configuration(), text)?;
    studio.start_origin()?;
    let from = utc();
    studio.start_daemon()?;
    studio.on_air("a", from)?;
    // A whole window, so that there is one to hand over.
    std::thread::sleep(Duration::from_millis(11 * millis));
    let mut rounds = Vec::new();
    for n in 0..bench.choose(3, 1) {
        // Anywhere between two segments.
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..millis)));
        rounds.push(killed(bench, &mut studio, &backup).with_context(|| format!("round {n}, primary killed"))?);
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..millis)));
        rounds.push(hanging(bench, &studio, &backup).with_context(|| format!("round {n}, primary hangs"))?);
    }
    let largest_of = |value: fn(&Round) -> f64| largest(&rounds.iter().map(value).collect::<Vec<_>>());
    let (detected, first) = (largest_of(|round| round.detected), largest_of(|round| round.first));
    let missing: u64 = rounds.iter().map(|round| round.missing).sum();
    let torn: u64 = rounds.iter().map(|round| round.torn).sum();
    let details = json!(rounds.iter().map(|round| round.details.clone()).collect::<Vec<_>>());
    let (count, seconds) = (rounds.len(), millis / 1000);
    let mut rows = vec![
        Row::new(
            format!("primary origin killed or stopped ({count} ×), segments of {seconds} s: detection, slowest"),
            "≤ 3 s",
            format!("{detected:.2} s"),
            detected <= 3.0,
        )
        .details(details),
        Row::new(
            "then: first segment of all renditions at the backup after detection, slowest",
            format!("≤ {seconds} s (a segment)"),
            format!("{first:.2} s"),
            first <= seconds as f64,
        ),
        Row::new(
            "then: segments missing in the backup's window; numbers a player of the primary lacks there",
            "0, 0",
            format!("{missing}, {torn}"),
            missing + torn == 0,
        ),
    ];
    if millis == SHIPPED {
        rows.push(played(bench, &mut studio, &backup)?);
    }
    Ok(rows)
}

/// A player that turns to the backup's address when the primary is gone.
fn played(bench: &Bench, studio: &mut Studio<'_>, backup: &Backup) -> anyhow::Result<Row> {
    studio.kill_origin();
    let options = Options {
        seconds: Some(bench.choose(12, 5)),
        patience: SWITCHED_WITHIN,
        ..Options::new(format!("{}a/multivariant.m3u8", backup.url()))
    };
    // What is left of the turn before is an old playlist: a player would wait for a newer one, too.
    switched(studio, utc().as_nanos())?;
    let report = play(bench, options)?;
    let (frames, faults) = (frames_missing(&report), report.faults.len());
    Ok(Row::new(
        "player on the backup: frames missing, faults met",
        "0, 0",
        format!("{frames}, {faults}"),
        frames == 0 && faults == 0,
    )
    .details(described(&report)))
}

fn killed(bench: &Bench, studio: &mut Studio<'_>, backup: &Backup) -> anyhow::Result<Round> {
    let told = last_numbers(studio)?;
    let at = utc().as_nanos();
    studio.kill_origin();
    let round = look(bench, studio, backup, at, &told)?;
    studio.start_origin()?;
    back(studio)?;
    Ok(round)
}

fn hanging(bench: &Bench, studio: &Studio<'_>, backup: &Backup) -> anyhow::Result<Round> {
    let told = last_numbers(studio)?;
    let at = utc().as_nanos();
    let origin = studio.origin_pid()?;
    send(origin, Signal::STOP);
    let round = look(bench, studio, backup, at, &told);
    send(origin, Signal::CONT);
    let round = round?;
    back(studio)?;
    Ok(round)
}

/// The number behind the last one that the primary's playlists tell, by rendition.
fn last_numbers(studio: &Studio<'_>) -> anyhow::Result<Vec<u64>> {
    let of = |rendition: &&str| {
        let text = studio.bench.web.get(&format!("{}/{rendition}/media.m3u8", studio.address("a")))?;
        let (first, entries) = listed(&text)?;
        Ok(first + entries.len() as u64)
    };
    LINE_UP.iter().map(of).collect()
}

fn look(bench: &Bench, studio: &Studio<'_>, backup: &Backup, since: u64, told: &[u64]) -> anyhow::Result<Round> {
    let before: Vec<u64> = LINE_UP.iter().map(|rendition| backup.newest(rendition)).collect();
    let arrived = wait("the backup has a segment", SWITCHED_WITHIN, Duration::from_millis(5), || {
        let new = LINE_UP.iter().zip(&before).all(|(rendition, before)| backup.newest(rendition) > *before);
        Ok(new.then(utc))
    })?;
    let last = switched(studio, since)?;
    let seconds = |later: u64, earlier: u64| (later as f64 - earlier as f64) / 1e9;
    let detected = seconds(last.at.as_nanos(), since);
    let first = seconds(arrived.as_nanos(), last.at.as_nanos()).max(0.0);
    // The first playlist that a player would take for new.
    let (mut missing, mut torn, mut windows) = (0, 0, Vec::new());
    for (rendition, told) in LINE_UP.iter().zip(told) {
        let (first, entries) = wait("the backup tells of it", SWITCHED_WITHIN, Duration::from_millis(5), || {
            let list = listed(&bench.web.get(&format!("{}a/{rendition}/media.m3u8", backup.url()))?)?;
            Ok((list.0 + list.1.len() as u64 > *told).then_some(list))
        })?;
        missing += entries.iter().filter(|gap| **gap).count() as u64;
        torn += first.saturating_sub(*told);
        windows
            .push(json!({ "rendition": rendition, "first": first, "segments": entries.len(), "primary_told": told }));
    }
    bench.say(format!("  detected after {detected:.2} s, first segments {first:.2} s later: {}", last.why));
    let details = json!({ "detected_s": detected, "first_segment_s": first, "windows": windows, "switch": last });
    Ok(Round { detected, first, missing, torn, details })
}

/// Media sequence number and, for each entry, whether it is a gap.
fn listed(playlist: &[u8]) -> anyhow::Result<(u64, Vec<bool>)> {
    let text = String::from_utf8_lossy(playlist);
    let first = text.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
    let first = first.context("no media sequence number")?.parse()?;
    let (mut gap, mut entries) = (false, Vec::new());
    for line in text.lines() {
        gap |= line == "#EXT-X-GAP";
        if !line.starts_with('#') {
            entries.push(std::mem::take(&mut gap));
        }
    }
    Ok((first, entries))
}

fn destination(studio: &Studio<'_>) -> anyhow::Result<DestinationStatus> {
    let report = studio.status("a")?.report.context("no report")?;
    report.destinations.into_iter().next().context("no destination")
}

/// The change to the backup that was made after `since`.
fn switched(studio: &Studio<'_>, since: u64) -> anyhow::Result<SwitchReport> {
    wait("the backup is used and has a window", SWITCHED_WITHIN, Duration::from_millis(20), || {
        let last = destination(studio)?.last_switch;
        let new = |last: &SwitchReport| {
            last.at.as_nanos() > since && last.to.as_str() == "backup-1" && last.playable_seconds.is_some()
        };
        Ok(last.filter(new))
    })
}

/// Waits until the primary is used again and nothing waits.
fn back(studio: &Studio<'_>) -> anyhow::Result<()> {
    wait("the primary is used again", BACK_WITHIN, Duration::from_millis(50), || {
        let one = destination(studio)?;
        let to_primary = one.last_switch.is_some_and(|last| last.to.as_str() == "primary");
        Ok((to_primary && one.queue_segments == 0).then_some(()))
    })
}

/// Another origin.
struct Backup {
    port: u16,
    directory: PathBuf,
    _process: Running,
}

impl Backup {
    fn start(bench: &Bench, millis: u64) -> anyhow::Result<Self> {
        let (port, directory) = (free_port()?, bench.directory(&format!("backup-origin-{millis}"))?);
        std::fs::write(directory.join("origin.token"), crate::studio::TOKEN)?;
        let text = format!("listen = \"127.0.0.1:{port}\"\n[tokens]\n\"*\" = {{ file = \"origin.token\" }}\n");
        std::fs::write(directory.join("origin.toml"), text)?;
        let mut command = Bench::program("uplink-origin");
        command.arg("--config").arg(directory.join("origin.toml")).arg("--state-dir").arg(&directory);
        let process = Running::start(&mut command, &directory.join("origin.log"))?;
        wait("the backup listens", Duration::from_secs(10), Duration::from_millis(10), || {
            Ok(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(()))
        })?;
        Ok(Self { port, directory, _process: process })
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/live/", self.port)
    }

    /// The newest segment that it has of a rendition; 0 if none.
    fn newest(&self, rendition: &str) -> u64 {
        let directory = self.directory.join("live/a").join(rendition);
        crate::delivered::numbers(&directory).last().copied().unwrap_or(0)
    }
}

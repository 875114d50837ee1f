//! HLS over a bad line: a minute of it, then the line is good again. Nothing may be lost.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;
use uplink::model::status::DestinationStatus;

use super::line::{FAR, Line};
use crate::bench::{Bench, wait};
use crate::delivered::{Lane, numbers};
use crate::process::Running;
use crate::row::Row;
use crate::studio::{Channel, Studio, TOKEN, utc};

/// 0.7 Mb/s: a line of 2 Mb/s wants a thin ladder.
const CLASS: &str = "audio-first";
const RENDITIONS: [&str; 4] = ["360p", "240p", "sound", "sound-low"];
/// In its own namespace every port is free.
const PORT: u16 = 8080;
const LOOK: Duration = Duration::from_millis(200);
/// For what could not be sent meanwhile, once the line is good.
const CATCH_UP: Duration = Duration::from_secs(180);
const TOLD: Duration = Duration::from_secs(10);

pub fn measure(bench: &Bench, line: &mut Line) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for percent in [5, 20] {
        let measured = at(bench, line, percent);
        line.lose(0.0)?;
        rows.extend(measured.with_context(|| format!("at {percent} % loss"))?);
    }
    Ok(rows)
}

fn at(bench: &Bench, line: &mut Line, percent: u32) -> anyhow::Result<Vec<Row>> {
    let name = format!("line-hls-{percent}");
    let far = FarOrigin::start(bench, &format!("{name}-far"))?;
    let mut studio = Studio::prepare(bench, &name, &[Channel { class: CLASS, ..Channel::test("a") }])?;
    let table =
        format!("[destinations.far]\nkind = \"hls-push\"\nurl = \"{}\"\ntoken_file = \"origin.token\"\n", far.url());
    let text = std::fs::read_to_string(studio.configuration())?;
    let text = text.replace("destinations = [\"origin\"]", "destinations = [\"origin\", \"far\"]");
    std::fs::write(studio.configuration(), format!("{text}\n{table}"))?;
    line.lose(f64::from(percent) / 100.0)?;
    let before = line.counts()?;
    studio.start_origin()?;
    let from = utc();
    studio.start_daemon()?;
    // The origin nearby, which has a line of its own.
    studio.on_air("a", from)?;
    let seconds = bench.choose(60, 15);
    std::thread::sleep(Duration::from_secs(seconds));
    let (bad, after) = (status(&studio)?, line.counts()?);
    line.lose(0.0)?;
    let good = Instant::now();
    let last = RENDITIONS.iter().map(|rendition| numbers(&studio.spooled("a", rendition)).last().copied());
    let last = last.min().flatten().context("the spool is empty")?;
    wait("all that waits is delivered", CATCH_UP, LOOK, || Ok(far.has_all(&studio, last).then_some(())))?;
    let caught_up = good.elapsed().as_secs_f64();
    // Playlists follow the last segment.
    let told = wait("playlists are whole", TOLD, LOOK, || Ok((gaps(bench, &far, last)? == 0).then_some(())));
    let gaps = if told.is_ok() { 0 } else { gaps(bench, &far, last)? };
    let (mut lost, mut differing, mut segments) = (0, 0, 0);
    for rendition in RENDITIONS {
        let spool = studio.spooled("a", rendition);
        let first = numbers(&spool).first().copied().context("the spool is empty")?;
        let (missing, other) = far.lane(bench, rendition).compare(&spool, first..=last)?;
        (lost, differing, segments) = (lost + missing.len(), differing + other.len(), segments + last - first + 1);
    }
    studio.stop_daemon()?;
    bench.say(format!(
        "    {percent} %: {:.0} s behind at the end, caught up after {caught_up:.1} s",
        bad.queue_seconds
    ));
    let details = json!({
        "line_before": before, "line_after": after, "status_at_the_end": bad, "caught_up_after_s": caught_up,
    });
    Ok(vec![
        Row::new(
            format!("HLS ({CLASS}) over a line of 2 Mb/s, 200 ms, {percent} % loss, for {seconds} s: segments lost, changed; gaps afterwards"),
            "0, 0; 0",
            format!("{lost}, {differing} of {segments}; {gaps}"),
            lost + differing + gaps == 0,
        )
        .details(details),
        Row::shown(
            format!("the same, {percent} % loss: program behind at the end; all there after the line was good again"),
            format!("{:.1} s; {caught_up:.1} s", bad.queue_seconds),
        ),
    ])
}

fn status(studio: &Studio<'_>) -> anyhow::Result<DestinationStatus> {
    let report = studio.status("a")?.report.context("no report")?;
    report.destinations.into_iter().find(|one| one.id.as_str() == "far").context("no destination")
}

/// Gap entries in the playlists at the far end, up to `last`: behind it, one may have overtaken another.
fn gaps(bench: &Bench, far: &FarOrigin, last: u64) -> anyhow::Result<usize> {
    let mut gaps = 0;
    for rendition in RENDITIONS {
        let playlist = bench.web.get(&format!("{}a/{rendition}/media.m3u8", far.url()))?;
        let mut gap = false;
        for line in String::from_utf8_lossy(&playlist).lines() {
            gap |= line == "#EXT-X-GAP";
            if let Some(number) = line.strip_suffix(".m4s").and_then(|number| number.parse::<u64>().ok()) {
                gaps += usize::from(std::mem::take(&mut gap) && number <= last);
            }
        }
    }
    Ok(gaps)
}

/// An origin behind the line.
struct FarOrigin {
    directory: PathBuf,
    _process: Running,
}

impl FarOrigin {
    fn start(bench: &Bench, name: &str) -> anyhow::Result<Self> {
        let directory = bench.directory(name)?;
        std::fs::write(directory.join("origin.token"), TOKEN)?;
        let text = format!("listen = \"{FAR}:{PORT}\"\n[tokens]\n\"*\" = {{ file = \"origin.token\" }}\n");
        std::fs::write(directory.join("origin.toml"), text)?;
        let mut command = Bench::program("uplink-origin");
        command.arg("--config").arg(directory.join("origin.toml")).arg("--state-dir").arg(&directory);
        let process = Running::start(&mut Line::at_far_end(&command), &directory.join("origin.log"))?;
        wait("the far origin listens", Duration::from_secs(10), Duration::from_millis(50), || {
            Ok(std::net::TcpStream::connect((FAR, PORT)).is_ok().then_some(()))
        })?;
        Ok(Self { directory, _process: process })
    }

    fn url(&self) -> String {
        format!("http://{FAR}:{PORT}/live/")
    }

    fn lane<'a>(&self, bench: &'a Bench, rendition: &str) -> Lane<'a> {
        Lane::new(&bench.web, self.directory.join("live/a").join(rendition), format!("{}a/{rendition}", self.url()))
    }

    /// Whether it has everything that the spool has up to `last`.
    fn has_all(&self, studio: &Studio<'_>, last: u64) -> bool {
        RENDITIONS.iter().all(|rendition| {
            let here = numbers(&self.directory.join("live/a").join(rendition));
            numbers(&studio.spooled("a", rendition)).range(..=last).all(|number| here.contains(number))
        })
    }
}

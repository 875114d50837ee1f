//! SRT over a bad line: what its receiver had to do without.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;
use uplink::model::status::{DestinationState, DestinationStatus};

use super::line::{FAR, Line, SPACE};
use crate::bench::{Bench, wait};
use crate::process::Running;
use crate::row::Row;
use crate::studio::{Channel, Studio, utc};

const PORT: u16 = 9000;
/// Loss in percent, the latency for it in milliseconds, and whether that has to do.
const CASES: [(u32, u32, bool); 2] = [(5, 1000, true), (20, 2500, false)];
/// Ticks of a picture at 30 fps.
const PICTURE: i64 = 3000;

pub fn measure(bench: &Bench, line: &mut Line) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (percent, latency, bar) in CASES {
        let measured = at(bench, line, percent, latency);
        line.lose(0.0)?;
        let (measured, lost) = measured.with_context(|| format!("at {percent} % loss"))?;
        let title = format!(
            "SRT (360p of `line-up-360p30`) over a line of 2 Mb/s, 200 ms, {percent} % loss, latency {latency} ms: packets not recovered, pictures missing"
        );
        let row = if bar { Row::new(title, "0, 0", measured, lost.0 == 0) } else { Row::shown(title, measured) };
        rows.push(row.details(lost.1));
    }
    Ok(rows)
}

type Lost = (u64, serde_json::Value);

fn at(bench: &Bench, line: &mut Line, percent: u32, latency: u32) -> anyhow::Result<(String, Lost)> {
    let name = format!("line-srt-{percent}");
    let receiver = Receiver::start(bench, &name, latency)?;
    let mut studio = Studio::prepare(bench, &name, &[Channel::test("a")])?;
    let table = format!(
        "[destinations.far]\nkind = \"srt\"\nurl = \"srt://{FAR}:{PORT}?mode=caller&latency={latency}\"\nrendition = \"360p\"\n\
         overhead_percent = 60\n"
    );
    let text = std::fs::read_to_string(studio.configuration())?;
    let text = text.replace("destinations = [\"origin\"]", "destinations = [\"origin\", \"far\"]");
    std::fs::write(studio.configuration(), format!("{text}\n{table}"))?;
    studio.start_origin()?;
    let from = utc();
    studio.start_daemon()?;
    studio.on_air("a", from)?;
    wait("the receiver is connected", Duration::from_secs(20), Duration::from_millis(100), || {
        Ok((status(&studio)?.state == DestinationState::Streaming).then_some(()))
    })?;
    line.lose(f64::from(percent) / 100.0)?;
    std::thread::sleep(Duration::from_secs(bench.choose(60, 15)));
    let sender = status(&studio)?;
    line.lose(0.0)?;
    // What is on its way may still come.
    std::thread::sleep(Duration::from_millis(u64::from(latency) + 500));
    studio.stop_daemon()?;
    let (of, missing) = receiver.pictures()?;
    let figures = receiver.figures()?;
    let link = sender.endpoints.first().and_then(|endpoint| endpoint.link.clone()).unwrap_or_default();
    let unsent = link.packets_dropped.unwrap_or(0);
    let unrecovered = figures.dropped + unsent;
    ensure!(figures.packets > 1000 && of > 100, "only {} packets and {of} pictures came", figures.packets);
    let details = json!({
        "received": figures.packets, "lost_on_the_way": figures.lost, "dropped_by_receiver": figures.dropped,
        "never_sent": unsent, "sender": link, "pictures": of, "pictures_missing": missing,
    });
    let measured =
        format!("{unrecovered} of {} ({} lost on the way), {missing} of {of}", figures.packets, figures.lost);
    Ok((measured, (unrecovered + missing, details)))
}

fn status(studio: &Studio<'_>) -> anyhow::Result<DestinationStatus> {
    let report = studio.status("a")?.report.context("no report")?;
    report.destinations.into_iter().find(|one| one.id.as_str() == "far").context("no destination")
}

/// srt-live-transmit behind the line.
struct Receiver {
    stream: PathBuf,
    statistics: PathBuf,
    _process: Running,
}

/// What it says in the end.
#[derive(Debug)]
struct Figures {
    packets: u64,
    lost: u64,
    dropped: u64,
}

impl Receiver {
    fn start(bench: &Bench, name: &str, latency: u32) -> anyhow::Result<Self> {
        let directory = bench.directory(&format!("{name}-far"))?;
        let (stream, statistics) = (directory.join("received.ts"), directory.join("statistics.json"));
        // A file for each: `file://` of srt-live-transmit itself takes no path.
        let run = "exec srt-live-transmit -q -f -s:200 -pf:json -statsout:\"$1\" \"$2\" file://con >\"$3\"";
        let mut command = Command::new("ip");
        command.args(["netns", "exec", SPACE, "sh", "-c", run, "sh"]).arg(&statistics);
        command.arg(format!("srt://:{PORT}?mode=listener&latency={latency}")).arg(&stream);
        let there =
            Command::new("srt-live-transmit").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        there.context("SKIPPED: there is no srt-live-transmit (Debian: srt-tools)")?;
        let process = Running::start(&mut command, &directory.join("receiver.log"))?;
        Ok(Self { stream, statistics, _process: process })
    }

    fn figures(&self) -> anyhow::Result<Figures> {
        let text = std::fs::read_to_string(&self.statistics).context("the receiver wrote no statistics")?;
        let last = text.rfind("\"recv\"").context("the receiver has no statistics")?;
        let figure = |name: &str| -> anyhow::Result<u64> {
            let after = text[last..].split_once(&format!("\"{name}\":")).with_context(|| format!("no {name}"))?.1;
            let digits: String = after.trim_start().chars().take_while(char::is_ascii_digit).collect();
            digits.parse().with_context(|| format!("no {name}"))
        };
        Ok(Figures { packets: figure("packets")?, lost: figure("packetsLost")?, dropped: figure("packetsDropped")? })
    }

    /// Pictures that came, and those that should have come between them.
    fn pictures(&self) -> anyhow::Result<(usize, u64)> {
        let mut stamps = stamps(&self.stream)?;
        stamps.sort_unstable();
        let missing = |pair: &[i64]| ((pair[1] - pair[0] + PICTURE / 2) / PICTURE - 1).max(0).unsigned_abs();
        Ok((stamps.len(), stamps.windows(2).map(missing).sum()))
    }
}

/// Timestamps of the pictures of a transport stream, in ticks of 90 kHz.
fn stamps(file: &Path) -> anyhow::Result<Vec<i64>> {
    let out = Command::new("timeout")
        .args([
            "60",
            "ffprobe",
            "-v",
            "error",
            "-select_streams",
            "v:0",
            "-show_entries",
            "packet=pts",
            "-of",
            "csv=p=0",
        ])
        .arg(file)
        .output()
        .context("there is no ffprobe")?;
    let text = String::from_utf8_lossy(&out.stdout);
    Ok(text.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect())
}

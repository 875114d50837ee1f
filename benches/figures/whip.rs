//! WebRTC: how far a viewer behind a WHIP server is behind the program, and how soon a cut line is mended. The peer is
//! aiortc (`tests/whip/server.py`), which decodes the pictures and reads the time out of them.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use uplink::model::status::DestinationState;

use crate::bench::{Bench, wait};
use crate::row::Row;
use crate::studio::{Channel, Studio};

const CLASS: &str = "interactive-720p30";
pub const SOON: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(100);
/// The line is away for this long.
pub const CUT: Duration = Duration::from_secs(10);
/// Of the network namespace at the far end of the line.
const SPACE: &str = "uplink-whip";
const NEAR: &str = "10.213.77.1";
const FAR: &str = "10.213.77.2";

/// Glass to glass, from the time in the picture to the decoded picture.
pub fn latency(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let peer = Peer::start("127.0.0.1", None)?;
    let mut studio = studio(bench, "whip-latency", &peer)?;
    wait("pictures arrive", SOON, LOOK, || Ok((peer.report(bench)?["video"].as_u64() > Some(60)).then_some(())))?;
    let before = peer.latencies(bench)?.len();
    std::thread::sleep(Duration::from_secs(bench.choose(60, 15)));
    let mut all = peer.latencies(bench)?.split_off(before);
    studio.stop_daemon()?;
    all.sort_by(f64::total_cmp);
    ensure!(all.len() > 100, "only {} pictures could be read", all.len());
    let part = |share: f64| all[((all.len() - 1) as f64 * share) as usize];
    let measured = format!("p50 {:.0} ms, p95 {:.0} ms ({} pictures)", part(0.5), part(0.95), all.len());
    let row = Row::new("WHIP glass to glass over loopback", "p95 ≤ 250 ms", measured, part(0.95) <= 250.0);
    Ok(vec![row.details(json!({ "p50": part(0.5), "p95": part(0.95), "max": part(1.0), "pictures": all.len() }))])
}

/// From the return of a line that was cut for ten seconds to the first decoded picture.
pub fn cut(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let line = Line::lay()?;
    let peer = Peer::start(FAR, Some(SPACE))?;
    let mut studio = studio(bench, "whip-cut", &peer)?;
    wait("pictures arrive", SOON, LOOK, || Ok((peer.report(bench)?["video"].as_u64() > Some(60)).then_some(())))?;
    let mut healed = Vec::new();
    for round in 0..bench.choose(10, 2) {
        line.set("down")?;
        std::thread::sleep(CUT);
        line.set("up")?;
        let up = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1000.0;
        let after = |report: &Value| report["gaps_ms"].as_array()?.last()?.get(1)?.as_f64().filter(|end| *end > up);
        let end = wait("pictures arrive again", SOON, LOOK, || Ok(after(&peer.report(bench)?)))?;
        bench.say(format!("    cut {round}: pictures again after {:.2} s", (end - up) / 1000.0));
        healed.push((end - up) / 1000.0);
        std::thread::sleep(Duration::from_secs(12));
    }
    let report = peer.report(bench)?;
    studio.stop_daemon()?;
    Ok(vec![healing("WHIP after a cut of 10 s", &healed, &report, true)])
}

/// From the return to the first picture, and what was missing behind it: nothing, on a line that loses nothing.
pub fn healing(figure: impl Into<String>, healed: &[f64], report: &Value, lossless: bool) -> Row {
    let missing = missing_behind(report);
    let lost = missing.iter().flatten().count();
    let (worst, cuts, posts) = (crate::row::largest(healed), healed.len(), &report["posts"]);
    let measured = format!(
        "p50 {:.1} s, p95 {:.1} s, {worst:.1} s at most of {cuts} cuts, {posts} session(s); {lost} pictures missing behind \
         them",
        part(healed, 0.5),
        part(healed, 0.95),
    );
    let bar = match lossless {
        true => "decoded pictures ≤ 3 s after the line is back, 0 missing afterwards",
        false => "decoded pictures ≤ 3 s after the line is back",
    };
    Row::new(figure, bar, measured, worst <= 3.0 && (lost == 0 || !lossless))
        .details(json!({ "seconds": healed, "missing": missing, "posts": posts, "all_gaps_ms": report["gaps_ms"] }))
}

fn part(of: &[f64], share: f64) -> f64 {
    let mut all = of.to_vec();
    all.sort_by(f64::total_cmp);
    let at = (all.len().saturating_sub(1) as f64 * share).ceil() as usize;
    all.get(at).copied().unwrap_or(f64::NAN)
}

/// Of the whole pictures from one gap to the next, those that were never decoded: how many pictures after the first.
fn missing_behind(report: &Value) -> Vec<Vec<u64>> {
    let numbers =
        |name: &str| -> Vec<u64> { report[name].as_array().into_iter().flatten().filter_map(Value::as_u64).collect() };
    let (frames, mut begins) = (numbers("frames"), numbers("behind_gaps"));
    begins.push(frames.len() as u64);
    let between = begins.windows(2).map(|pair| frames.get(pair[0] as usize..pair[1] as usize).unwrap_or_default());
    let missing = |frames: &[u64]| -> Vec<u64> {
        let Some((first, last)) = frames.first().zip(frames.last()) else { return Vec::new() };
        (*first..*last).filter(|number| !frames.contains(number)).map(|number| number - first).collect()
    };
    between.map(missing).collect()
}

/// On air and received by `peer`.
pub fn studio<'a>(bench: &'a Bench, name: &str, peer: &Peer) -> anyhow::Result<Studio<'a>> {
    let mut studio = Studio::prepare(bench, name, &[Channel { class: CLASS, ..Channel::test("a") }])?;
    let text = std::fs::read_to_string(studio.configuration())?;
    let text = text.replace("destinations = [\"origin\"]", "destinations = [\"origin\", \"cloud\"]");
    let table = format!("[destinations.cloud]\nkind = \"whip\"\nurl = \"{}\"\nrendition = \"360p\"\n", peer.url());
    std::fs::write(studio.configuration(), format!("{text}\n{table}"))?;
    studio.start_origin()?;
    studio.start_daemon()?;
    wait("the channel is published", SOON, LOOK, || {
        let report = studio.status("a")?.report.context("no report")?;
        let cloud = report.destinations.iter().find(|one| one.id.as_str() == "cloud").context("no destination")?;
        Ok((cloud.state == DestinationState::Streaming).then_some(()))
    })?;
    Ok(studio)
}

pub struct Peer {
    child: Child,
    _lifeline: ChildStdin,
    host: String,
    port: u16,
}

impl Peer {
    /// At an address of this machine, or of a network namespace.
    pub fn start(host: &str, space: Option<&str>) -> anyhow::Result<Self> {
        let python = std::env::var_os("UPLINK_PYTHON")
            .map_or_else(|| Bench::repository().join("target/ndi/bin/python"), PathBuf::from);
        let mut command = match space {
            None => Command::new(&python),
            Some(space) => {
                let mut command = Command::new("ip");
                command.args(["netns", "exec", space]).arg(&python);
                command
            }
        };
        command.arg(Bench::repository().join("tests/whip/server.py")).arg(json!({ "host": host }).to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("no Python")?;
        let lifeline = child.stdin.take().context("no lifeline")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no output")?).read_line(&mut line)?;
        let port = line.trim().strip_prefix("port ").and_then(|port| port.parse().ok());
        let port = port.context("aiortc is not installed (`packaging/test` installs it)")?;
        Ok(Self { child, _lifeline: lifeline, host: host.to_owned(), port })
    }

    fn url(&self) -> String {
        format!("http://{}:{}/whip", self.host, self.port)
    }

    pub fn report(&self, bench: &Bench) -> anyhow::Result<Value> {
        let body = bench.web.get(&format!("http://{}:{}/report", self.host, self.port))?;
        Ok(serde_json::from_slice(&body)?)
    }

    fn latencies(&self, bench: &Bench) -> anyhow::Result<Vec<f64>> {
        let report = self.report(bench)?;
        Ok(report["latency_ms"].as_array().context("no latencies")?.iter().filter_map(Value::as_f64).collect())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line to a network namespace, which can be cut.
struct Line;

impl Line {
    fn lay() -> anyhow::Result<Self> {
        let line = Self;
        // What an earlier run may have left.
        let _ = ip(&["netns", "del", SPACE]);
        ip(&["netns", "add", SPACE])?;
        ip(&["link", "add", "uplink-whip0", "type", "veth", "peer", "name", "uplink-whip1", "netns", SPACE])?;
        ip(&["addr", "add", &format!("{NEAR}/30"), "dev", "uplink-whip0"])?;
        ip(&["link", "set", "uplink-whip0", "up"])?;
        ip(&["-n", SPACE, "addr", "add", &format!("{FAR}/30"), "dev", "uplink-whip1"])?;
        ip(&["-n", SPACE, "link", "set", "lo", "up"])?;
        line.set("up")?;
        Ok(line)
    }

    /// `down` cuts it at the far end: nothing is refused, nothing comes back.
    fn set(&self, state: &str) -> anyhow::Result<()> {
        ip(&["-n", SPACE, "link", "set", "uplink-whip1", state])
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Takes both ends of the line with it.
        let _ = ip(&["netns", "del", SPACE]);
    }
}

fn ip(arguments: &[&str]) -> anyhow::Result<()> {
    let out = Command::new("ip").args(arguments).output().context("no `ip`")?;
    let said = String::from_utf8_lossy(&out.stderr);
    ensure!(out.status.success(), "ip {}: {} (needs to be root)", arguments.join(" "), said.trim());
    Ok(())
}

//! A good destination alone, then beside one that is dead, one that takes a few kilobytes a second, and one that answers
//! garbage: how much later its segments come.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use crate::bench::{Bench, free_port};
use crate::judged::{LINE_UP, newest};
use crate::row::{Row, largest, median};
use crate::studio::{Channel, Studio};

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let seconds = bench.choose(30, 6);
    let mut studio = Studio::open(bench, "neighbours", &[Channel::test("a")])?;
    std::thread::sleep(Duration::from_secs(3));
    let alone = lateness(&studio, seconds)?;
    let (slow, garbage, dead) = (Neighbour::start(crawl)?, Neighbour::start(babble)?, free_port()?);
    let text = std::fs::read_to_string(studio.configuration())?;
    let mut tables = String::new();
    for (name, port) in [("slow", slow.port), ("garbage", garbage.port), ("dead", dead)] {
        tables += &format!("[destinations.{name}]\nkind = \"hls-push\"\nurl = \"http://127.0.0.1:{port}/live/\"\n");
    }
    let text = text
        .replace("destinations = [\"origin\"]", "destinations = [\"origin\", \"slow\", \"garbage\", \"dead\"]")
        .replacen("[sources.", &format!("{tables}[sources."), 1);
    std::fs::write(studio.configuration(), text)?;
    let worker = studio.worker("a")?;
    studio.reload()?;
    std::thread::sleep(Duration::from_secs(5));
    let beside = lateness(&studio, seconds)?;
    let same_worker = studio.worker("a")? == worker;
    let (bad, tried) = (states(&studio)?, slow.tried() + garbage.tried());
    studio.stop_daemon()?;
    let worst = |all: &[f64]| largest(all);
    let gap = (worst(&beside) - worst(&alone)).max(0.0);
    let details = json!({
        "alone_ms": { "median": median(&alone), "largest": worst(&alone) },
        "beside_ms": { "median": median(&beside), "largest": worst(&beside) },
        "others": bad, "connections_to_bad_ones": tried, "same_worker": same_worker,
    });
    Ok(vec![
        Row::new(
            format!("one dead, one slow, one garbage-answering destination beside a good one, {seconds} s: largest gap on the good one against its schedule alone"),
            "≤ 50 ms",
            format!("{gap:.0} ms"),
            gap <= 50.0 && same_worker && tried > 0,
        )
        .details(details),
        Row::shown(
            "a segment at the good one after its end: median and largest, alone; beside the bad ones",
            format!("{:.0}, {:.0} ms; {:.0}, {:.0} ms", median(&alone), worst(&alone), median(&beside), worst(&beside)),
        ),
    ])
}

/// How long after its end each segment was at the origin, milliseconds, for `seconds` from now on, all renditions.
fn lateness(studio: &Studio<'_>, seconds: u64) -> anyhow::Result<Vec<f64>> {
    let from = newest(studio, "a", &LINE_UP)? + 1;
    std::thread::sleep(Duration::from_secs(seconds + 1));
    let mut late = Vec::new();
    for rendition in LINE_UP {
        let directory = studio.directory().join("origin/live/a").join(rendition);
        for number in from..from + seconds {
            let stored = std::fs::metadata(directory.join(format!("{number}.m4s")))?.modified()?;
            // Segments of a second, numbered since the epoch.
            let end = (number + 1) as f64;
            late.push((stored.duration_since(UNIX_EPOCH)?.as_secs_f64() - end) * 1000.0);
        }
    }
    Ok(late)
}

fn states(studio: &Studio<'_>) -> anyhow::Result<BTreeMap<String, String>> {
    let report = studio.status("a")?.report;
    let of = |one: uplink::model::status::DestinationStatus| (one.id.to_string(), one.health.reason);
    Ok(report.into_iter().flat_map(|report| report.destinations).map(of).collect())
}

/// A server that does nobody any good, until it is dropped.
struct Neighbour {
    port: u16,
    stop: Arc<AtomicBool>,
    tried: Arc<AtomicU64>,
}

impl Neighbour {
    fn start(serve: fn(TcpStream, &AtomicBool)) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let (stop, tried) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ending, counting) = (Arc::clone(&stop), Arc::clone(&tried));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ending.load(Ordering::Relaxed) {
                    return;
                }
                counting.fetch_add(1, Ordering::Relaxed);
                let ending = Arc::clone(&ending);
                std::thread::spawn(move || serve(stream, &ending));
            }
        });
        Ok(Self { port, stop, tried })
    }

    fn tried(&self) -> u64 {
        self.tried.load(Ordering::Relaxed)
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Takes 2 kB ten times a second, and never answers.
fn crawl(mut stream: TcpStream, stop: &AtomicBool) {
    let mut piece = [0; 2048];
    while !stop.load(Ordering::Relaxed) && matches!(stream.read(&mut piece), Ok(1..)) {
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Answers whatever it is sent with something that is no HTTP.
fn babble(mut stream: TcpStream, _: &AtomicBool) {
    let mut piece = [0; 512];
    let _ = stream.read(&mut piece);
    let _ = stream.write_all(b"\x00\xff\x7f HTTP/9.9 banana\r\n\r\n\x00\x00\x00\x18ftypcmfc");
}

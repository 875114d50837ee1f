//! Hours of segments through push, as fast as it takes them, to a real `uplink-origin`: what a core carries, whether memory
//! stays, and whether the origin ever was told to promise what it had not got.
//!
//! `uplink::push` runs in this process, on threads of its own that are counted alone; the segments are made beside it
//! (`maker`). All files lie in memory where there is room, or a disk would be measured. What came when is read from the
//! origin's log (`order`).

mod maker;
mod order;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::json;
use uplink::push::Pusher;

use crate::bench::{Bench, free_port, wait};
use crate::process::{Running, cpu_by_thread};
use crate::row::Row;
use crate::studio::TOKEN;

use maker::Maker;
use order::Order;

/// The threads that are counted.
const THREADS: &str = "pusher";
const SOON: Duration = Duration::from_secs(30);
/// What a run may take where files lie in memory.
const ROOM: u64 = 6 << 30;

/// A ladder: name, bit/s, and the size of its picture, if it is one.
type Ladder = [(&'static str, u64, Option<&'static str>); 3];

/// What is pushed.
struct Case {
    title: &'static str,
    hours: f64,
    segment_ms: u32,
    ladder: Ladder,
}

const CASES: [Case; 2] = [
    Case {
        title: "12 h of a small picture and two sounds (as `audio-first`, 0.6 Mb/s), segments of 6 s",
        hours: 12.0,
        segment_ms: 6000,
        ladder: [("360p", 300_000, Some("640x360")), ("sound", 192_000, None), ("low", 64_000, None)],
    },
    Case {
        title: "1 h of a 720p ladder (as `talk-720p30`, 3.4 Mb/s), segments of 2 s",
        hours: 1.0,
        segment_ms: 2000,
        ladder: [("720p", 2_500_000, Some("1280x720")), ("360p", 800_000, Some("640x360")), ("sound", 128_000, None)],
    },
];

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for case in &CASES {
        rows.extend(run(bench, case).with_context(|| case.title)?);
    }
    Ok(rows)
}

fn run(bench: &Bench, case: &Case) -> anyhow::Result<Vec<Row>> {
    let place = place(bench)?;
    let origin = Origin::start(place.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(THREADS)
        // A thread that has ended is not counted.
        .thread_keep_alive(Duration::from_secs(3600))
        .enable_all()
        .build()?;
    let maker = Maker::new(case, place.path(), bench.choose(1.0, 0.05))?;
    let description = maker.description(case, &origin.url)?;
    let pusher = {
        let _inside = runtime.enter();
        Pusher::start(description, maker.spool(), |_| {})
    };
    let status = pusher.status();
    let (begun, before) = (Instant::now(), cpu());
    let resident = maker.make_all(&pusher)?;
    let left = runtime.block_on(pusher.stop(SOON));
    let (took, used) = (begun.elapsed().as_secs_f64(), cpu() - before);
    ensure!(left.is_nothing(), "{left}");
    let bits = status.borrow().bytes_acknowledged as f64 * 8.0;
    drop(runtime);
    let order = Order::read(&origin.log)?;
    let missing = maker.segments().filter(|(rendition, number)| !order.has(rendition, *number)).count();
    let differing = maker.differing(&place.path().join("origin/live"))?;
    let segments = maker.segments().count();
    let (per_core, early) = (bits / used / 1e6, order.early.len());
    let (before, last) = quarters(&resident);
    bench.say(format!("  {:.0} MB in {took:.1} s of the clock, {used:.1} s of CPU", bits / 8e6));
    let details = json!({
        "bytes": bits / 8.0, "seconds": took, "cpu_s": used, "segments": segments, "playlists": order.playlists,
        "stored_again": order.again, "named_too_early": order.early, "resident_mb": resident,
    });
    Ok(vec![
        Row::new(
            format!("push, {}: rate per core", case.title),
            "≥ 400 Mb/s",
            format!("{per_core:.0} Mb/s ({:.0} Mb/s by the clock)", bits / took / 1e6),
            per_core >= 400.0,
        )
        .details(details),
        Row::new(
            "the same: segments missing, other than made; playlists that named what had not come, by the origin's log",
            "0, 0; 0",
            format!("{missing}, {differing} of {segments}; {early} of {}", order.playlists),
            missing + differing + early == 0 && order.playlists > 0,
        ),
        // What a leak costs grows with what is delivered, so a quarter of that shows it as well as all of it. The first
        // half is the heap's: each thread that reads files gets its own, and keeps the largest segments that it has had.
        Row::new(
            "the same: memory, third and last quarter",
            "≤ 5 % more",
            format!("{before:.1}, {last:.1} MB ({:+.1} %)", (last / before - 1.0) * 100.0),
            last <= before * 1.05,
        ),
    ])
}

/// CPU seconds of the threads that push.
fn cpu() -> f64 {
    cpu_by_thread(std::process::id()).get(THREADS).copied().unwrap_or(0.0)
}

/// The means of the third and of the last quarter.
fn quarters(values: &[f64]) -> (f64, f64) {
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
    let second_half = &values[values.len() / 2..];
    let (third, last) = second_half.split_at(second_half.len() / 2);
    (mean(third), mean(last))
}

/// In memory, or where the other figures work.
fn place(bench: &Bench) -> anyhow::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    let free = rustix::fs::statvfs(memory).map_or(0, |stat| stat.f_bavail * stat.f_frsize);
    if free > 2 * ROOM
        && let Ok(place) = tempfile::Builder::new().prefix("uplink-bench-push-").tempdir_in(memory)
    {
        return Ok(place);
    }
    bench.say("  no room in /dev/shm: the disk takes part");
    Ok(tempfile::Builder::new().prefix("push-").tempdir_in(bench.scratch())?)
}

/// A real one, which tells in what order things came.
struct Origin {
    url: String,
    log: PathBuf,
    _process: Running,
}

impl Origin {
    fn start(place: &Path) -> anyhow::Result<Self> {
        let (port, log) = (free_port()?, place.join("origin.log"));
        std::fs::write(place.join("origin.token"), TOKEN)?;
        let text = format!(
            "listen = \"127.0.0.1:{port}\"\n[retention]\nretain = \"10m\"\nmax_bytes = \"8GiB\"\n\
             [tokens]\n\"*\" = {{ file = \"origin.token\" }}\n"
        );
        std::fs::write(place.join("origin.toml"), text)?;
        let mut command = Bench::program("uplink-origin");
        command.arg("--config").arg(place.join("origin.toml")).arg("--state-dir").arg(place.join("origin"));
        command.env("RUST_LOG", "info,uplink::origin::receive=debug");
        let process = Running::start(&mut command, &log)?;
        wait("the origin listens", SOON, Duration::from_millis(10), || {
            Ok(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(()))
        })?;
        Ok(Self { url: format!("http://127.0.0.1:{port}/live/"), log, _process: process })
    }
}

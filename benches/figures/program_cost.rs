//! What the program costs beside its encoders: switch, sound and meters, detectors, confidence monitor, at 720p30.
//!
//! The same channel with and without detectors, by turns. By thread: the program's and the monitor's are theirs alone;
//! the detectors work on the source's threads, so they are the difference. Encoding is what runs in the encoders' queues,
//! scaling included.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;

use crate::bench::{Bench, wait};
use crate::process::cpu_by_thread;
use crate::row::{Row, median};
use crate::studio::{Channel, Studio, utc};

const CLASS: &str = "talk-720p30";
const UNWATCHED: &str = "talk-720p30-unwatched";
const SETTLE: Duration = Duration::from_secs(2);
const BAR: f64 = 8.0;

/// CPU seconds per second of some threads.
#[derive(Debug, Clone, Copy, Default)]
struct Shares {
    encoders: f64,
    program: f64,
    monitor: f64,
    source: f64,
    /// The sender of the test picture, spool, network.
    rest: f64,
}

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let (rounds, time) = (bench.choose(3, 1), Duration::from_secs(bench.choose(20, 6)));
    let more = "hardware_profile = \"software-x264\"\norder = \"off-air\"";
    let channel = |id, class| Channel { id, class, source: "kind = \"test\"".to_owned(), backups: &[], more };
    let mut studio = Studio::prepare(bench, "program-cost", &[channel("watched", CLASS), channel("bare", UNWATCHED)])?;
    with_classes(&studio)?;
    studio.start_origin()?;
    studio.start_daemon()?;
    let (mut watched, mut bare, mut threads) = (Vec::new(), Vec::new(), BTreeMap::new());
    for _ in 0..rounds {
        let (shares, by_thread) = run(&mut studio, "watched", time)?;
        watched.push(shares);
        threads = by_thread;
        bare.push(run(&mut studio, "bare", time)?.0);
    }
    studio.stop_daemon()?;
    let of = |shares: &[Shares], part: fn(&Shares) -> f64| median(&shares.iter().map(part).collect::<Vec<_>>());
    let (program, monitor) = (of(&watched, |s| s.program), of(&watched, |s| s.monitor));
    let detectors = (of(&watched, |s| s.source) - of(&bare, |s| s.source)).max(0.0);
    let encoders = of(&watched, |s| s.encoders);
    let percent = (program + monitor + detectors) / encoders.max(1e-9) * 100.0;
    let core = |share: f64| share * 100.0;
    let rest = of(&watched, |s| s.rest);
    Ok(vec![
        Row::new(
            "CPU of program switch, sound, meters, detectors and confidence monitor over the bare encode, 720p30",
            format!("≤ {BAR:.0} %"),
            format!(
                "{percent:.1} % (switch and sound {:.2}, detectors {:.2}, monitor {:.2}, encoders {:.1} % of a core)",
                core(program),
                core(detectors),
                core(monitor),
                core(encoders)
            ),
            percent <= BAR,
        )
        .details(json!({ "threads_cpu_s": threads, "seconds": time.as_secs(), "rest": rest })),
    ])
}

/// Stream classes of the bench's own: the shipped one, and the same without detectors.
fn with_classes(studio: &Studio<'_>) -> anyhow::Result<()> {
    let directory = studio.directory().join("pipelines");
    std::fs::create_dir_all(&directory)?;
    let shipped = std::fs::read_to_string(Bench::repository().join(format!("pipelines/{CLASS}.toml")))?;
    let mut unwatched = shipped.replace(&format!("name = \"{CLASS}\""), &format!("name = \"{UNWATCHED}\""));
    for part in ["black", "freeze", "silence", "format"] {
        unwatched.push_str(&format!("\n[thresholds.{part}]\naction = \"off\"\n"));
    }
    std::fs::write(directory.join(format!("{CLASS}.toml")), shipped)?;
    std::fs::write(directory.join(format!("{UNWATCHED}.toml")), unwatched)?;
    let text = std::fs::read_to_string(studio.configuration())?;
    let theirs = Bench::repository().join("pipelines").display().to_string();
    std::fs::write(studio.configuration(), text.replace(&theirs, &directory.display().to_string()))
        .context("the configuration cannot be written")
}

fn run(studio: &mut Studio<'_>, id: &str, time: Duration) -> anyhow::Result<(Shares, BTreeMap<String, f64>)> {
    let from = utc();
    wait("the daemon takes the order", Duration::from_secs(20), Duration::from_millis(50), || {
        studio.order(id, "start").map(Some)
    })?;
    studio.on_air(id, from)?;
    let pid = studio.worker(id)?;
    std::thread::sleep(SETTLE);
    let (before, began) = (cpu_by_thread(pid), Instant::now());
    std::thread::sleep(time);
    let (after, seconds) = (cpu_by_thread(pid), began.elapsed().as_secs_f64());
    studio.order(id, "stop")?;
    let mut shares = Shares::default();
    let mut spent = BTreeMap::new();
    for (name, used) in after {
        let used = (used - before.get(&name).copied().unwrap_or(0.0)) / seconds;
        spent.insert(name.clone(), used * seconds);
        *part(&mut shares, &name) += used;
    }
    Ok((shares, spent))
}

/// Which part a thread belongs to.
fn part<'a>(shares: &'a mut Shares, thread: &str) -> &'a mut f64 {
    match thread {
        "program" => &mut shares.program,
        name if name.starts_with("confidence") => &mut shares.monitor,
        // As the encoders' own module names its elements: `pictures-720p`, `queue-sound`.
        name if ["queue-", "mux-", "pictures-", "sound:"].iter().any(|own| name.starts_with(own)) => {
            &mut shares.encoders
        }
        // A source's streaming threads carry GStreamer's own names (`queue0`).
        name if name.starts_with("queue") => &mut shares.source,
        _ => &mut shares.rest,
    }
}

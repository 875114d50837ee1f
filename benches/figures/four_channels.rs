//! Four channels on air: memory and CPU of the daemon, and the keyframes of all renditions.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;

use crate::bench::Bench;
use crate::judged::{LINE_UP, described, judge, newest};
use crate::process::{cpu_seconds, memory};
use crate::row::{Row, largest};
use crate::studio::{Channel, Studio};

const CHANNELS: [&str; 4] = ["a", "b", "c", "d"];

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let time = Duration::from_secs(bench.choose(60, 10));
    let mut studio = Studio::open(bench, "four", &CHANNELS.map(Channel::test))?;
    let daemon = studio.daemon_pid()?;
    // The first segment of a channel may be a part of one.
    let first = newest(&studio, "a", &LINE_UP)? + 1;
    let (started, used) = (Instant::now(), cpu_seconds(daemon)?);
    let (mut resident, mut share) = (Vec::new(), Vec::new());
    while started.elapsed() < time {
        std::thread::sleep(Duration::from_secs(1));
        let (rss, pss) = memory(daemon)?;
        resident.push(rss);
        share.push(pss);
    }
    let percent = (cpu_seconds(daemon)? - used) / started.elapsed().as_secs_f64() * 100.0;
    std::thread::sleep(Duration::from_secs(2));
    let last = newest(&studio, "a", &LINE_UP)?;
    let report = judge(&studio, "a", &LINE_UP, first..=last)?;
    studio.stop_daemon()?;
    let keyframes = report.keyframes.context("there are not two renditions to compare")?;
    let differing = keyframes.differing + keyframes.differing_segment_starts;
    let (rss, pss) = (largest(&resident), largest(&share));
    Ok(vec![
        Row::new(
            format!("renditions: keyframes not at the same time in all, over {:.0} s", keyframes.seconds),
            "0",
            format!("{differing} of {} in {} renditions", keyframes.keyframes, keyframes.renditions),
            differing == 0 && keyframes.keyframes > 0,
        )
        .details(described(&report)),
        Row::new(
            "daemon memory with 4 channels on air, largest",
            "≤ 40 MB",
            format!("{rss:.1} MB resident ({pss:.1} MB its share)"),
            rss <= 40.0,
        )
        .details(json!({ "resident_mb": resident, "share_mb": share })),
        Row::new("daemon CPU with 4 channels on air", "≤ 1 % of a core", format!("{percent:.2} %"), percent <= 1.0),
    ])
}

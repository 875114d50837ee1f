//! What the program's thread takes: the switch, and with it every mixer, meter, loudness meter, corrector and limiter.
//! Once with one stereo mix that is measured, once with two of them that are corrected.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;

use crate::bench::Bench;
use crate::process::cpu_by_thread;
use crate::row::Row;
use crate::studio::{Channel, Studio};

/// The thread's name, as `src/media/program` gives it.
const THREAD: &str = "program";

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let cases =
        [("audio-first", "one stereo mix, measured"), ("bilingual-720p25", "two stereo mixes, measured and corrected")];
    cases.into_iter().map(|(class, what)| one(bench, class, what)).collect()
}

fn one(bench: &Bench, class: &'static str, what: &str) -> anyhow::Result<Row> {
    let channel = Channel { class, ..Channel::test("a") };
    let mut studio = Studio::prepare(bench, class, &[channel])?;
    studio.start_origin()?;
    studio.start_daemon()?;
    let worker = studio.worker("a")?;
    // The start is no part of it.
    std::thread::sleep(Duration::from_secs(5));
    let used = || cpu_by_thread(worker).get(THREAD).copied().context("the worker has no program thread");
    let (started, before) = (Instant::now(), used()?);
    std::thread::sleep(Duration::from_secs(bench.choose(60, 20)));
    let percent = (used()? - before) / started.elapsed().as_secs_f64() * 100.0;
    studio.stop_daemon()?;
    Ok(Row::shown(format!("program switch at 25 fps with {what}"), format!("{percent:.1} % of a core"))
        .details(json!({ "class": class, "percent": percent })))
}

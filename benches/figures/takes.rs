//! Two hundred takes at random times by the API, while a third source flaps: every one on the frame that its answer names.
//!
//! Which source a frame shows is read from the delivered pictures: one source carries marks, the other none.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::json;
use uplink::model::MediaTime;

use crate::bench::{Bench, free_port};
use crate::clips::ffmpeg;
use crate::judged::{LINE_UP, described, judge, newest, timestamp_faults};
use crate::row::{Row, largest, median};
use crate::source_killed::send;
use crate::studio::{Channel, Studio};

/// A take and what the API said of it.
struct Take {
    marked: bool,
    at: MediaTime,
    /// From the request to the answer, ms.
    took: f64,
}

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let count = bench.choose(200, 30);
    let (port, clip) = (free_port()?, bench.directory("takes-clip")?.join("plain.mp4"));
    let plain = ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30", "-f", "lavfi", "-i", "sine=frequency=400"];
    let coding =
        ["-t", "10", "-c:v", "libx264", "-preset", "ultrafast", "-g", "30", "-pix_fmt", "yuv420p", "-c:a", "aac"];
    ffmpeg(plain.iter().chain(&coding).map(|argument| (*argument).to_owned()), &clip)?;
    let source = format!(
        "kind = \"file\"\npath = \"{}\"\n[sources.marks]\nkind = \"test\"\n\
         [sources.flapping]\nkind = \"srt\"\nmode = \"listener\"\nhost = \"127.0.0.1\"\nport = {port}\nlatency_ms = 100",
        clip.display()
    );
    let channel = Channel { backups: &["marks", "flapping"], ..Channel::line_up("desk", source) };
    let mut studio = Studio::open(bench, "takes", &[channel])?;
    take(&studio, "marks")?;
    let first = newest(&studio, "desk", &LINE_UP)? + 1;
    let mut takes = Vec::new();
    let (mut sender, mut flips) = (Some(send(&studio, &clip, port)?), 0);
    let mut flip = Instant::now() + Duration::from_secs(2);
    for n in 0..count {
        let marked = n % 2 == 1;
        let (at, took) = take(&studio, if marked { "marks" } else { "desk" })?;
        takes.push(Take { marked, at, took });
        if Instant::now() > flip {
            flips += 1;
            sender = match sender.take() {
                Some(sender) => {
                    sender.kill();
                    None
                }
                None => Some(send(&studio, &clip, port)?),
            };
            flip = Instant::now() + Duration::from_millis(fastrand::u64(500..2500));
        }
        std::thread::sleep(Duration::from_millis(fastrand::u64(60..300)));
    }
    drop(sender);
    std::thread::sleep(Duration::from_secs(3));
    let last = newest(&studio, "desk", &LINE_UP)?;
    let report = judge(&studio, "desk", &LINE_UP, first..=last)?;
    let pictures = studio.lane("desk", "360p").pictures(first..=last)?;
    studio.stop_daemon()?;
    let wrong = takes.iter().filter(|take| {
        // A track's times are rounded to its time scale.
        let place = pictures.iter().position(|shown| shown.pts + 1_000_000 >= take.at.as_nanos());
        place.is_none_or(|place| {
            let before = place.checked_sub(1).and_then(|before| pictures.get(before));
            pictures[place].marked != take.marked || before.is_none_or(|before| before.marked == take.marked)
        })
    });
    let wrong: Vec<String> = wrong.map(|take| take.at.to_string()).collect();
    let faults = timestamp_faults(&report);
    let took: Vec<f64> = takes.iter().map(|take| take.took).collect();
    Ok(vec![
        Row::new(
            format!("{count} takes at random times while a source flaps: takes not on the frame that the answer named"),
            "0",
            format!("{} of {count}, with {flips} changes of the flapping source", wrong.len()),
            wrong.is_empty(),
        )
        .details(json!({ "wrong": wrong })),
        Row::new(
            "the same: timestamps missing or repeated, picture and sound",
            "0",
            format!("{faults} in {} s", last - first + 1),
            faults == 0,
        )
        .details(described(&report)),
        Row::shown(
            "a take by the API: from the request to the answer that names the frame",
            format!("median {:.0} ms, max {:.0} ms", median(&took), largest(&took)),
        ),
    ])
}

fn take(studio: &Studio<'_>, source: &str) -> anyhow::Result<(MediaTime, f64)> {
    let asked = Instant::now();
    let answer = studio.take("desk", &json!({ "source": source }))?;
    let took = asked.elapsed().as_secs_f64() * 1e3;
    let at = answer.pointer("/acted/at").cloned().context("the answer names no frame")?;
    Ok((serde_json::from_value(at)?, took))
}

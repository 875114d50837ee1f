//! From the start of `uplinkd` until the origin's playlist names the first segment, with a warm plug-in registry.

use std::time::Duration;

use serde_json::json;

use crate::bench::{Bench, wait};
use crate::row::{Row, largest, median};
use crate::studio::{Channel, Studio, utc};

/// The segment duration of the class.
const SEGMENT: f64 = 1.0;
const BAR: f64 = SEGMENT + 1.5;

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut studio = Studio::prepare(bench, "start", &[Channel::test("a")])?;
    studio.start_origin()?;
    let mut times = Vec::new();
    // The first start warms what can be warm, and does not count.
    for run in 0..=bench.choose(5, 2) {
        // Any phase of a segment is as likely as any other.
        std::thread::sleep(Duration::from_millis(fastrand::u64(0..1000)));
        let from = utc();
        let started = studio.start_daemon()?;
        let lane = studio.lane("a", "360p");
        wait("the first segment is at the origin", Duration::from_secs(40), Duration::from_millis(5), || {
            lane.named_after(from)
        })?;
        let took = started.elapsed().as_secs_f64();
        bench.say(format!("  start {run}: {took:.2} s"));
        if run > 0 {
            times.push(took);
        }
        studio.stop_daemon()?;
    }
    let (middle, worst) = (median(&times), largest(&times));
    Ok(vec![
        Row::new(
            "uplinkd start to first segment at the origin, warm, segments of 1 s",
            format!("≤ {BAR} s"),
            format!("median {middle:.2} s, max {worst:.2} s of {}", times.len()),
            worst <= BAR,
        )
        .details(json!({ "seconds": times })),
    ])
}

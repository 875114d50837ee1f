//! Glass to glass: from the UTC that the test source draws into a picture to that picture in a player in Chromium.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::bench::{Bench, wait};
use crate::browser;
use crate::row::Row;
use crate::studio::{Channel, Studio, utc};

/// A stream class, one of its renditions, and the bar for its 95th percentile in seconds.
const CASES: [(&str, &str, &str, f64); 2] = [
    ("low-latency-720p30", "360p", "LL-HLS, segments of 1 s in parts of 200 ms", 2.0),
    ("bilingual-720p25", "432p", "HLS, segments of 2 s", 7.0),
];

pub fn measure(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (class, rendition, title, bar) in CASES {
        let mut studio = Studio::prepare(bench, class, &[Channel { class, ..Channel::test("a") }])?;
        studio.start_origin()?;
        let from = utc();
        studio.start_daemon()?;
        let lane = studio.lane("a", rendition);
        wait("the channel is on air", Duration::from_secs(40), Duration::from_millis(50), || lane.named_after(from))?;
        let seen = watch(bench, &studio)?;
        let figure = |name: &str| seen[name].as_f64().with_context(|| format!("the page gave no {name}"));
        let (p50, p95, max, pictures) = (figure("p50")?, figure("p95")?, figure("max")?, figure("pictures")?);
        ensure!(pictures >= 100.0, "only {pictures} pictures were read: {seen}");
        rows.push(
            Row::new(
                format!("{title}: test source to picture in Chromium, 95th percentile"),
                format!("≤ {bar:.1} s"),
                format!("{p95:.2} s (median {p50:.2} s, max {max:.2} s, {pictures} pictures)"),
                p95 <= bar,
            )
            .details(seen),
        );
        studio.stop_daemon()?;
    }
    Ok(rows)
}

/// Lets the page play for a while, and gives what it saw.
fn watch(bench: &Bench, studio: &Studio<'_>) -> anyhow::Result<Value> {
    let address = studio.address("a");
    let base = address.trim_end_matches("/live/a");
    let settings = [
        ("UPLINK_BASE", base.to_owned()),
        ("UPLINK_CHANNEL", "a".to_owned()),
        ("UPLINK_SETTLE", bench.choose("20", "10").to_owned()),
        ("UPLINK_SECONDS", bench.choose("60", "20").to_owned()),
    ];
    browser::run("latency.mjs", &[], &settings, 240, |_| Ok(()))
}

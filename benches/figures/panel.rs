//! The panel in Chromium: how soon a press is confirmed, how soon a silence is said, what it costs.

use anyhow::ensure;
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::browser;
use crate::row::{Row, largest, median};
use crate::studio::{Channel, Studio};

/// The bar for presses, ms; people take what is sooner for immediate.
const PRESS_MS: f64 = 150.0;
const SILENCE_S: f64 = 6.0;
const CHANNELS: u64 = 16;
/// Of a core, all of Chromium's processes together.
const CORES: f64 = 0.25;
const BUNDLE: f64 = 120.0 * 1024.0;
const PAINT_MS: f64 = 1000.0;
/// An hour of documents, meters and events in so many times less.
const SPEED: u64 = 20;

/// TAKE, and silences, with a real daemon and worker.
pub fn presses(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let count = bench.choose(120, 10);
    let source = "kind = \"test\"\n[sources.other]\nkind = \"test\"".to_owned();
    let channel = Channel { backups: &["other"], ..Channel::line_up("desk", source) };
    let mut studio = Studio::open(bench, "presses", &[channel])?;
    let settings = [
        ("UPLINK_PANEL_URL", studio.api().trim_end_matches("/api/v1").to_owned()),
        ("UPLINK_PANEL_PID", studio.daemon_pid()?.to_string()),
    ];
    // The script has killed the daemon, and asks for another one.
    let again = |line: &str| match line {
        "restart" => {
            studio.kill_daemon();
            studio.start_daemon().map(|_| ())
        }
        _ => Ok(()),
    };
    let found = browser::run("presses.mjs", &[count.to_string()], &settings, 600, again)?;
    studio.stop_daemon()?;
    let takes = numbers(&found["takes_ms"]);
    let p95 = percentile(&takes, 0.95);
    let silences: Vec<&Value> =
        ["stopped", "killed", "cut", "offline"].iter().map(|name| &found["silences"][name]).collect();
    let of = |name: &str| silences.iter().map(|one| one[name].as_f64().unwrap_or(f64::NAN)).collect::<Vec<f64>>();
    let (lost, back, pressable) = (of("lost"), of("back"), of("pressable"));
    let good = lost.iter().all(|seconds| *seconds <= SILENCE_S) && pressable.iter().all(|count| *count == 0.0);
    let each = |values: &[f64]| values.iter().map(|value| format!("{value:.1}")).collect::<Vec<_>>().join(", ");
    Ok(vec![
        Row::new(
            format!(
                "press TAKE → confirmed in the panel, 95th percentile of {} (Chromium on the same machine)",
                takes.len()
            ),
            format!("≤ {PRESS_MS:.0} ms"),
            format!("{p95:.0} ms (median {:.0}, max {:.0})", median(&takes), largest(&takes)),
            p95 <= PRESS_MS && takes.len() as u64 >= count,
        )
        .details(json!({ "ms": takes })),
        Row::new(
            "daemon stopped, killed, network cut, network gone: until the panel says LAST KNOWN, nothing to press",
            format!("≤ {SILENCE_S:.0} s"),
            format!("{} s; {:.0} controls", each(&lost), largest(&pressable)),
            good,
        )
        .details(found["silences"].clone()),
        Row::shown("the same, over: until the panel is back and can be pressed", format!("{} s", each(&back))),
    ])
}

/// What it costs with many channels on air.
pub fn load(bench: &Bench) -> anyhow::Result<Vec<Row>> {
    let bundle = Bench::repository().join("web-ui/dist/index.html");
    ensure!(bundle.is_file(), "the panel is not bundled (packaging/web-ui)");
    let seconds: u64 = bench.choose(60, 15);
    let hour = bench.choose(3600 / SPEED, 30);
    let run = |seconds: u64, speed: u64| {
        let arguments = [seconds, CHANNELS, speed].map(|number| number.to_string());
        browser::run("load.mjs", &arguments, &[], seconds + 120, |_| Ok(()))
    };
    let (load, long) = (run(seconds, 1)?, run(hour, SPEED)?);
    let number = |name: &str| load[name].as_f64().unwrap_or(f64::NAN);
    let (bundle, paint, cores) = (number("bundle_gzip_bytes"), number("first_paint_ms"), number("chromium_cores"));
    let part = |kind: &str| load["cores"][kind].as_f64().unwrap_or(0.0);
    let heaps = numbers(&long["heap_bytes"]);
    let growth = heaps.last().zip(heaps.get(1)).map_or(f64::NAN, |(last, second)| last / second - 1.0);
    Ok(vec![
        Row::new("the panel's bundle, gzip", "≤ 120 KB", format!("{:.0} KB", bundle / 1024.0), bundle <= BUNDLE),
        Row::new("its first paint", "≤ 1 s", format!("{paint:.0} ms"), paint <= PAINT_MS),
        Row::new(
            format!(
                "{CHANNELS} channels with meters and pictures: CPU of Chromium, all its processes, no graphics card, the middle of five slices"
            ),
            "≤ 0.25 of a core",
            format!("{cores:.2} (renderer {:.2}, drawing {:.2})", part("renderer"), part("gpu-process")),
            cores <= CORES,
        )
        .details(load.clone()),
        Row::new(
            format!("an hour of it in {} min: heap after collection, second fifth → last fifth", hour / 60),
            "≤ 5 % more",
            format!("{:+.1} % of {:.1} MB", growth * 100.0, heaps.first().copied().unwrap_or(f64::NAN) / 1e6),
            growth <= 0.05,
        )
        .details(long.clone()),
    ])
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
}

/// The least value that so large a share does not exceed.
fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

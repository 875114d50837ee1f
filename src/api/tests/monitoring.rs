//! What packaging/monitoring names is served, and what is served keeps the conventions.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::alarms::listing;
use super::resources::{call, request};
use super::rig::{Rig, budgets, endpoint, id, now, rig};
use crate::access::{Certificate, Names};
use crate::alarm::ChannelLimits;
use crate::api::routes::Api;
use crate::api::vitals::Vitals;
use crate::model::MediaTime;
use crate::model::notify::{Notified, Wanted, Webhook};
use crate::model::pair::ClockState;
use crate::model::status::WorkerReport;
use crate::model::surface::{self, OscInput, TslTarget};
use crate::notify::{Notifier, Pace};
use crate::store::Store;
use crate::surface::Surfaces;

const RULES: &str = include_str!("../../../packaging/monitoring/alerts.yml");
const TESTS: &str = include_str!("../../../packaging/monitoring/alerts_test.yml");
const DASHBOARD: &str = include_str!("../../../packaging/monitoring/dashboard.json");

/// Everything that a worker can report.
fn everything(report: &mut WorkerReport) {
    let of = |value| serde_json::from_value(value).unwrap();
    report.program.loudness = vec![
        serde_json::from_value(json!({
            "channels": [1, 2], "momentary": -22.0, "short_term": -22.5, "integrated": -23.1, "lra": 4.0,
            "true_peak": [-3.0, -3.5], "since": now(), "correction_db": 0.5, "limiter_db": 0.0
        }))
        .unwrap(),
    ];
    let state = json!({"fault": "silence", "channels": [1, 2], "active": false, "since": now(), "count": 0});
    report.program.sound_states = vec![serde_json::from_value(state).unwrap()];
    let input = json!({"state": "locked", "format": null, "reason": "fine", "since": now(), "device": null});
    report.sources[0].link = Some(
        serde_json::from_value(
            json!({"rtt_ms": 20.0, "latency_ms": 120.0, "bandwidth_bps": 1_000_000, "packets_lost": 1,
                                            "packets_retransmitted": null, "packets_dropped": null, "callers": null}),
        )
        .unwrap(),
    );
    report.sources[0].input = Some(serde_json::from_value(input).unwrap());
    let overflow = json!({"destination": "origin-a", "segments": 3, "renditions": [], "from": now(), "to": now()});
    report.spool.overflowed = vec![serde_json::from_value(overflow).unwrap()];
    let line = json!({
        "measured": 5_000_000, "needed": 3_000_000, "catch_up": {"is": "takes", "seconds": 4.0},
        "renditions": [{"id": "video-720p", "carried": "whole", "since": null, "left_out": 0}]
    });
    let one = &mut report.destinations[0];
    one.line = Some(serde_json::from_value(line).unwrap());
    one.last_switch = Some(of(json!({"at": now(), "from": "primary", "to": "backup-1", "why": "it is away",
                                     "first_segment_seconds": 1.0, "playable_seconds": 2.0})));
    let recording = json!({"running": true, "directory": "/srv/recordings/demo/show", "room_bytes": 1_000_000_000,
                           "began": MediaTime::from_secs(1), "synced": MediaTime::from_secs(61), "bytes": 6_000_000});
    one.recording = Some(serde_json::from_value(recording).unwrap());
    let mut primary = endpoint();
    primary.link = Some(
        serde_json::from_value(json!({"rtt_ms": 20.0, "latency_ms": 120.0, "bandwidth_bps": 8_000_000, "packets_lost": 1, "packets_retransmitted": 1,
                                                      "packets_dropped": 0, "callers": 1}))
        .unwrap(),
    );
    primary.pair = Some(
        serde_json::from_value(json!({"mode": "active-standby", "member": "a", "role": "holder", "holder": "a",
                                                      "since": now(), "takeovers": 0, "fenced": 0, "trouble": null}))
        .unwrap(),
    );
    one.endpoints = vec![primary];
}

struct Studio {
    router: axum::Router,
    _rig: Rig,
    _dir: tempfile::TempDir,
}

/// A box that shows every metric there is.
fn studio() -> Studio {
    let dir = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(dir.path());
    rig.change(|status| everything(status.channels[0].report.as_mut().unwrap()));
    let status = rig.status.borrow().clone();
    rig.costs.set_budgets(&id("demo"), budgets());
    rig.costs.see(&id("demo"), now(), &status.channels[0].report.as_ref().unwrap().destinations, now());
    let (store, _) = Store::open(&dir.path().join("uplink.db"), |_| {});
    let alarms = listing(store.clone());
    let limits = ChannelLimits { loudness_target: Some(-23.0), ..ChannelLimits::default() };
    alarms.learn(BTreeMap::from([(id("demo"), limits)]));
    alarms.set_clock(ClockState { synchronised: true, error_ms: 1.0 });
    (0..10).for_each(|secs| alarms.look(&status, now() + Duration::from_secs(secs)));
    let notifier = Notifier::new(store, Box::new(|_| {}), Pace::default());
    let wanted = Wanted { priorities: Vec::new(), news: Vec::new() };
    let hook = Webhook { name: "ops".into(), url: "http://127.0.0.1:9/".parse().unwrap(), secret: None, wanted };
    notifier.learn(Notified { webhooks: vec![hook], mail: None }, "studio-box");
    let surfaces = Surfaces::default();
    let (address, from) = ("127.0.0.1:9".parse().unwrap(), vec!["127.0.0.1".parse().unwrap()]);
    let wall = TslTarget { name: "wall".into(), address, screen: 0, first_index: 0, displays: Vec::new() };
    surfaces.learn(surface::Surfaces { tsl: vec![wall], osc: Some(OscInput { listen: address, from }) });
    let api = Api::new(handle, CancellationToken::new()).with_alarms(alarms, notifier).with_surfaces(surfaces);
    let api = api.with_vitals(Vitals::of(dir.path()));
    sensor(dir.path());
    let certificate = Certificate::of_its_own(&dir.path().join("tls"), &Names::of_this_box(&[])).unwrap();
    let api = api.with_certificate(Some(certificate));
    rig.emit(1, "an event");
    Studio { router: api.router(), _rig: rig, _dir: dir }
}

/// As the kernel shows one.
fn sensor(root: &Path) {
    let zone = root.join("sys/class/thermal/thermal_zone0");
    std::fs::create_dir_all(&zone).unwrap();
    let files = [
        ("type", "x86_pkg_temp"),
        ("temp", "61500"),
        ("trip_point_0_type", "critical"),
        ("trip_point_0_temp", "100000"),
    ];
    files.into_iter().for_each(|(name, text)| std::fs::write(zone.join(name), text).unwrap());
}

async fn scrape() -> String {
    let studio = studio();
    // Refused before anybody is asked; but an order, and an answer.
    let order = request(Method::POST, "/api/v1/channels/demo/take").body(Body::from("x")).unwrap();
    call(&studio.router, order).await;
    for _ in 0..10_000 {
        let answer = call(&studio.router, request(Method::GET, "/metrics").body(Body::empty()).unwrap()).await;
        if answer.text().contains("uplink_events_total{") {
            return answer.text();
        }
        tokio::task::yield_now().await;
    }
    panic!("events are not counted");
}

/// Names of metrics in a text.
fn named(text: &str) -> BTreeSet<&str> {
    let part = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    text.split(part).filter(|word| word.starts_with("uplink_")).collect()
}

fn samples(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(|line| line.split_at(line.find(['{', ' ']).unwrap_or(line.len())))
}

#[tokio::test]
async fn every_metric_of_rules_and_dashboard_is_served() {
    let text = scrape().await;
    let served: BTreeSet<&str> = samples(&text).map(|(name, _)| name).collect();
    for (file, says) in [("alerts.yml", RULES), ("alerts_test.yml", TESTS), ("dashboard.json", DASHBOARD)] {
        let names = named(says);
        assert!(names.len() >= 10, "{file}: {names:?}");
        let missing: Vec<_> = names.difference(&served).collect();
        assert!(missing.is_empty(), "{file} names {missing:?}, which /metrics does not serve");
    }
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    assert!(panels.iter().all(|panel| panel["title"].as_str().is_some_and(|title| !title.is_empty())));
}

#[tokio::test]
async fn metrics_keep_the_conventions() {
    let text = scrape().await;
    let (mut kinds, mut helps) = (BTreeMap::new(), BTreeSet::new());
    for line in text.lines() {
        if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            assert!(kinds.insert(name, kind).is_none(), "{name} comes twice");
        } else if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            assert!(help.len() > 5, "{name}: {help}");
            helps.insert(name);
        }
    }
    // Words of the code, ids of the configuration, sensors of the box.
    let labels = [
        "audio_channel",
        "certificate",
        "channel",
        "code",
        "command",
        "currency",
        "destination",
        "duty",
        "encoder",
        "endpoint",
        "fault",
        "health",
        "kind",
        "le",
        "method",
        "mix",
        "part",
        "priority",
        "receiver",
        "rendition",
        "result",
        "role",
        "route",
        "severity",
        "source",
        "state",
        "status",
        "version",
        "zone",
    ];
    for (name, rest) in samples(&text) {
        let part = ["_total", "_bucket", "_count", "_sum"].into_iter().find_map(|end| name.strip_suffix(end));
        let family = part.filter(|family| kinds.contains_key(family)).unwrap_or(name);
        assert!(family.starts_with("uplink_") || family.starts_with("process_"), "{name}");
        assert!(helps.contains(family), "{name} has no help");
        let kind = kinds.get(family).unwrap_or_else(|| panic!("{name} has no type"));
        assert_eq!(name.ends_with("_total"), *kind == "counter", "{name} is a {kind}");
        assert_eq!(family != name, ["counter", "histogram"].contains(kind), "{name} is a {kind}");
        for unit in ["_ms", "_milliseconds", "_minutes", "_hours", "_percent", "_bits", "_kbps", "_mb", "_kilobytes"] {
            assert!(!family.ends_with(unit), "{name} is in no base unit");
        }
        let inside = rest.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')).map_or("", |(inside, _)| inside);
        for label in inside.split("\",").filter_map(|pair| pair.split_once('=')).map(|(label, _)| label) {
            assert!(labels.contains(&label), "{name} has the label {label}, which is not known to be bounded");
        }
    }
}

#[tokio::test]
async fn answers_orders_and_the_process_are_measured() {
    let studio = studio();
    for path in ["/api/v1/status", "/api/v1/channels/demo", "/api/v1/channels/other", "/no/such/page", "/api/v1/none"] {
        call(&studio.router, request(Method::GET, path).body(Body::empty()).unwrap()).await;
    }
    let text = call(&studio.router, request(Method::GET, "/metrics").body(Body::empty()).unwrap()).await.text();
    for row in [
        "uplink_http_request_duration_seconds_count{route=\"/api/v1/status\",method=\"GET\",status=\"2xx\"} 1",
        "uplink_http_request_duration_seconds_count{route=\"/api/v1/channels/{id}\",method=\"GET\",status=\"2xx\"} 1",
        "uplink_http_request_duration_seconds_count{route=\"/api/v1/channels/{id}\",method=\"GET\",status=\"4xx\"} 1",
        "uplink_http_request_duration_seconds_count{route=\"none\",method=\"GET\",status=\"4xx\"} 2",
        // By this name the alert rule asks for it.
        "uplink_destination_failover_duration_seconds_bucket{le=\"30.0\",channel=\"demo\",destination=\"origin-a\"} 1",
        "uplink_destination_failover_duration_seconds_bucket{le=\"1.0\",channel=\"demo\",destination=\"origin-a\"} 0",
        "uplink_device_temperature_celsius{zone=\"thermal_zone0\",kind=\"x86_pkg_temp\"} 61.5",
        "uplink_device_temperature_limit_celsius{zone=\"thermal_zone0\",kind=\"x86_pkg_temp\"} 100.0",
        "uplink_panel_sessions{role=\"operator\"} 0",
        "uplink_channel_program_source_info{",
        "process_resident_memory_bytes ",
        "process_cpu_seconds_total ",
    ] {
        assert!(text.contains(row), "no `{row}` in\n{text}");
    }
    assert!(!text.contains("uplink_process_"), "{text}");
}

#[tokio::test]
async fn promtool_has_nothing_to_say() {
    let text = scrape().await;
    let mut promtool = match Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    {
        Ok(promtool) => promtool,
        Err(error) => return eprintln!("SKIPPED: metrics were not checked by promtool: {error}"),
    };
    // It reads the older text format, in which a counter is declared by the name of its samples.
    let older = |line: &str| {
        let declared =
            line.strip_prefix("# TYPE ").or(line.strip_prefix("# HELP ")).and_then(|rest| rest.split_once(' '));
        match declared {
            Some((name, rest)) if text.contains(&format!("# TYPE {name} counter")) => {
                format!("{} {name}_total {rest}\n", &line[..6])
            }
            _ => format!("{line}\n"),
        }
    };
    let lines: String = text.lines().filter(|line| *line != "# EOF").map(older).collect();
    promtool.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let said = promtool.wait_with_output().unwrap();
    let words = [said.stdout, said.stderr].concat();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&words));
}

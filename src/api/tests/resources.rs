//! What can be read: status, channels, picture, health, metrics, panel; and what is refused.

use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::super::Engine;
use super::super::routes::Api;
use super::contract::held;
use super::rig::{Rig, rig};
use crate::model::{BudgetOrder, EndpointStatus, EventCode, Hold, Month};

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A problem as RFC 9457 wants it, with this status and code.
    #[track_caller]
    pub(super) fn is_problem(&self, status: u16, code: &str) -> Value {
        let problem = self.json();
        assert_eq!((self.status.as_u16(), problem["code"].as_str()), (status, Some(code)), "{problem}");
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(problem["type"], format!("urn:uplink:problem:{code}"));
        assert_eq!(problem["status"], status);
        assert!(problem["title"].is_string() && problem["detail"].as_str().is_some_and(|d| d.len() > 10), "{problem}");
        problem
    }
}

pub(super) async fn call(router: &axum::Router, request: Request<Body>) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 8 << 20).await.unwrap().to_vec();
    held(&method, &path, parts.status, &parts.headers, &body);
    Answer { status: parts.status, headers: parts.headers, body }
}

/// The same, and once more with the confirmation if one is asked for.
pub(super) async fn sure(router: &axum::Router, request: Request<Body>) -> Answer {
    let (mut parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 8 << 20).await.unwrap();
    let first = call(router, Request::from_parts(parts.clone(), Body::from(body.clone()))).await;
    if first.status != StatusCode::PRECONDITION_REQUIRED {
        return first;
    }
    let confirm = first.is_problem(428, "confirmation_required")["confirm"].clone();
    parts.headers.insert("confirm", confirm["token"].as_str().unwrap().parse().unwrap());
    if let Some(name) = confirm["name"].as_str() {
        parts.headers.insert("confirm-name", name.parse().unwrap());
    }
    call(router, Request::from_parts(parts, Body::from(body))).await
}

pub(super) fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header("host", "127.0.0.1:8080")
}

async fn get(router: &axum::Router, path: &str) -> Answer {
    call(router, request(Method::GET, path).body(Body::empty()).unwrap()).await
}

fn router() -> (axum::Router, Rig, tempfile::TempDir) {
    let runtime = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(runtime.path());
    (super::super::router(handle), rig, runtime)
}

#[tokio::test]
async fn status_is_one_document_with_a_tag() {
    let (router, rig, _dir) = router();
    let first = get(&router, "/api/v1/status").await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(first.json()["channels"][1]["state"], "slate");
    let tag = first.header("etag").to_owned();
    let again = |tag: String| request(Method::GET, "/api/v1/status").header("if-none-match", tag).body(Body::empty());
    let same = call(&router, again(tag.clone()).unwrap()).await;
    assert_eq!((same.status, same.body.len(), same.header("etag")), (StatusCode::NOT_MODIFIED, 0, tag.as_str()));
    rig.change(|status| status.channels[0].restarts = 9);
    let newer = call(&router, again(tag.clone()).unwrap()).await;
    assert_eq!((newer.status, newer.header("etag") != tag), (StatusCode::OK, true));
}

#[tokio::test]
async fn sixteen_channels_fit_in_a_poll() {
    let (router, rig, _dir) = router();
    rig.change(|status| status.channels = (0..16).map(|n| status.channels[n % 2].clone()).collect());
    let size = get(&router, "/api/v1/status").await.body.len();
    assert!(size < 64 * 1024, "{size} bytes");
}

#[tokio::test]
async fn channels_alone_and_together() {
    let (router, _rig, _dir) = router();
    assert_eq!(get(&router, "/api/v1/channels").await.json().as_array().unwrap().len(), 3);
    let one = get(&router, "/api/v1/channels/studio-b").await;
    assert_eq!((one.status, one.json()["title"].clone()), (StatusCode::OK, "Court 2 (backup)".into()));
    get(&router, "/api/v1/channels/nobody").await.is_problem(404, "unknown_channel");
    get(&router, "/api/v1/channels/..%2fetc").await.is_problem(404, "unknown_channel");
}

#[tokio::test]
async fn devices_are_those_of_this_box() {
    let (router, _rig, _dir) = router();
    let answer = get(&router, "/api/v1/devices").await;
    let found: crate::model::Inventory = serde_json::from_value(answer.json()).unwrap();
    assert_eq!((answer.status, found), (StatusCode::OK, crate::hardware::inventory(std::path::Path::new("/"))));
}

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let (router, _rig, _dir) = router();
    for path in ["/api/v1/nothing", "/api", "/api/v2/status", "/nothing", "/panel/..%2fmod.rs", "/panel/x.js"] {
        get(&router, path).await.is_problem(404, "not_found");
    }
    for path in ["/api/v1/events/recent?limit=many", "/api/v1/channels/%ff", "/panel/%ff"] {
        get(&router, path).await.is_problem(400, "malformed");
    }
    let wrong = call(&router, request(Method::DELETE, "/api/v1/status").body(Body::empty()).unwrap()).await;
    wrong.is_problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), "GET,HEAD");
    let looked = get(&router, "/api/v1/channels/demo/start").await;
    looked.is_problem(405, "method_not_allowed");
    assert_eq!(looked.header("allow"), "POST");
}

#[tokio::test]
async fn foreign_names_and_pages_are_refused() {
    let (router, mut rig, _dir) = router();
    let foreign = Request::builder().uri("/api/v1/status").header("host", "evil.example").body(Body::empty()).unwrap();
    call(&router, foreign).await.is_problem(421, "unknown_host");
    call(&router, Request::builder().uri("/").body(Body::empty()).unwrap()).await.is_problem(421, "unknown_host");
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let post = request(Method::POST, "/api/v1/channels/demo/stop").header(name, value).body(Body::empty()).unwrap();
        call(&router, post).await.is_problem(403, "cross_site");
    }
    assert!(rig.requests.try_recv().is_err(), "a refused request reached the supervisor");
}

#[tokio::test]
async fn a_picture_carries_its_age() {
    let (router, _rig, dir) = router();
    let path = "/api/v1/channels/demo/confidence.jpg";
    get(&router, path).await.is_problem(404, "no_picture");
    get(&router, "/api/v1/channels/nobody/confidence.jpg").await.is_problem(404, "unknown_channel");
    std::fs::create_dir(dir.path().join("demo")).unwrap();
    let file = dir.path().join("demo/confidence.jpg");
    std::fs::write(&file, b"\xff\xd8picture").unwrap();
    let fresh = get(&router, path).await;
    assert_eq!((fresh.header("content-type"), fresh.header("x-frame-stale")), ("image/jpeg", "false"));
    assert_eq!((fresh.body.as_slice(), fresh.header("cache-control")), (&b"\xff\xd8picture"[..], "no-store"));
    let taken = SystemTime::now() - Duration::from_secs(90);
    std::fs::File::options().write(true).open(&file).unwrap().set_modified(taken).unwrap();
    let old = get(&router, path).await;
    let age: f64 = old.header("x-frame-age").parse().unwrap();
    assert!((89.0..200.0).contains(&age) && old.header("x-frame-stale") == "true", "{age}");
    assert!(old.header("last-modified").ends_with(" GMT"));
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    get(&router, path).await.is_problem(404, "no_picture");
}

#[tokio::test]
async fn alive_is_not_ready() {
    let dir = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(dir.path());
    let engine = Engine::unknown();
    let router = Api::new(handle, CancellationToken::new()).with_engine(engine.clone()).router();
    let said = async || get(&router, "/readyz").await.is_problem(503, "not_ready")["errors"][0]["detail"].to_string();
    assert!(said().await.contains("engine: the plugins of this box are being read"));
    engine.found(Err("GStreamer has no avenc_aac".to_owned()));
    assert!(said().await.contains("engine: GStreamer has no avenc_aac"));
    engine.found(Ok(()));
    let ready = get(&router, "/readyz").await.json();
    let checks: Vec<_> = ready["checks"].as_array().unwrap().iter().map(|one| one["check"].as_str().unwrap()).collect();
    assert_eq!((&ready["status"], checks), (&"ready".into(), vec!["supervisor", "config", "database", "engine"]));
    rig.change(|status| status.channels[1].on_air = false);
    assert_eq!(get(&router, "/readyz").await.status, StatusCode::OK, "a channel's fault is not the daemon's");
    rig.change(|status| status.config.rejected = vec!["uplinkd.toml:1:1: not TOML".to_owned()]);
    assert!(said().await.contains("config: what is on disk has 1 fault(s)"));
    assert_eq!(get(&router, "/healthz").await.status, StatusCode::OK);
    drop(rig);
    let dead = get(&router, "/healthz").await;
    dead.is_problem(503, "not_alive");
    assert_eq!(dead.header("retry-after"), "2");
}

#[tokio::test]
async fn metrics_are_the_snapshot() {
    let (router, rig, _dir) = router();
    rig.change(|status| {
        let report = status.channels[0].report.as_mut().unwrap();
        report.destinations[0].endpoints = vec![EndpointStatus { queue_segments: 66, ..super::rig::endpoint() }];
    });
    let mut seen = super::super::journal::HELD;
    rig.emit(1, "gone");
    rig.emit(2, "gone again");
    let scrape = loop {
        let scrape = get(&router, "/metrics").await;
        if scrape.text().contains("uplink_events_total{code=\"source_lost\",severity=\"warning\"} 2") {
            break scrape;
        }
        seen -= 1;
        assert!(seen > 0, "events are not counted");
        tokio::task::yield_now().await;
    };
    assert!(scrape.header("content-type").starts_with("application/openmetrics-text"));
    let text = scrape.text();
    for line in [
        "uplink_build_info{version=\"0.1.0\"} 1.0",
        "uplink_channel_on_air{channel=\"demo\"} 1.0",
        "uplink_channel_on_air{channel=\"late-show\"} 0.0",
        "uplink_channel_expected_on_air{channel=\"late-show\"} 0.0",
        "uplink_channel_state{channel=\"studio-b\",state=\"slate\"} 1.0",
        "uplink_channel_state{channel=\"studio-b\",state=\"running\"} 0.0",
        "uplink_channel_health{channel=\"studio-b\",health=\"partially_healthy\"} 1.0",
        "uplink_channel_frames_total{channel=\"demo\"} 126318",
        "uplink_channel_repeated_frames_total{channel=\"demo\"} 18",
        "uplink_channel_missed_ticks_total{channel=\"demo\"} 0",
        "uplink_channel_restarts_total{channel=\"studio-b\"} 2",
        "uplink_worker_heartbeat_age_seconds{channel=\"demo\"} 0.21",
        "uplink_source_state{channel=\"studio-b\",source=\"cam-1\",state=\"lost\"} 1.0",
        "uplink_rendition_target_bytes_per_second{channel=\"demo\",rendition=\"video-720p\"} 375000.0",
        "uplink_rendition_segments_total{channel=\"demo\",rendition=\"audio-main\"} 2105",
        "uplink_destination_queue_seconds{channel=\"studio-b\",destination=\"origin-b\"} 44.0",
        "uplink_destination_acknowledged_bytes_total{channel=\"demo\",destination=\"origin-a\"} 1609500000",
        "uplink_destination_endpoint_state{channel=\"demo\",destination=\"origin-a\",endpoint=\"primary\",state=\"streaming\"} 1.0",
        "uplink_destination_endpoint_duty{channel=\"demo\",destination=\"origin-a\",endpoint=\"primary\",duty=\"active\"} 1.0",
        "uplink_destination_endpoint_acknowledged_bytes_total{channel=\"demo\",destination=\"origin-a\",endpoint=\"primary\"} 1609500000",
        "uplink_destination_endpoint_queue_segments{channel=\"demo\",destination=\"origin-a\",endpoint=\"primary\"} 66.0",
        "uplink_spool_bytes{channel=\"demo\"} 740000000.0",
        "uplink_event_stream_clients 0.0",
        "# EOF",
    ] {
        assert!(text.lines().any(|l| l == line), "no `{line}` in\n{text}");
    }
    for code in EventCode::ALL {
        assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
    }
}

/// What it costs, in a ledger with one destination.
#[tokio::test]
async fn costs_are_a_document_and_metrics() {
    let (router, rig, _dir) = router();
    let now = super::rig::now();
    let mut report = rig.status.borrow().channels[0].report.clone().unwrap();
    report.destinations[0].endpoints = vec![super::rig::endpoint()];
    rig.costs.set_budgets(&super::rig::id("demo"), super::rig::budgets());
    rig.costs.see(&super::rig::id("demo"), now, &report.destinations, now);
    rig.change(|status| {
        let held = BudgetOrder { month: Month::of(now), hold: Hold::Lifted };
        status.channels[0].live.hold(&"origin-a".parse().unwrap(), Some(held));
    });
    let document = get(&router, "/api/v1/cost?channel=demo").await.json();
    assert_eq!(document["month"], Month::of(now).to_string());
    let one = &document["channels"][0]["destinations"][0];
    assert_eq!((&one["destination"], &one["month"]["bytes_acknowledged"]), (&"origin-a".into(), &1_609_500_000.into()));
    assert_eq!((&one["month"]["cost"], &one["budget"]["used"]), (&160.95.into(), &1.0.into()));
    assert_eq!((&one["budget"]["hold"], &one["endpoints"][0]["endpoint"]), (&"lifted".into(), &"primary".into()));
    assert_eq!(document["channels"][0]["shows"][0]["ended"], Value::Null);
    let past = get(&router, "/api/v1/cost?month=2020-02").await.json();
    assert_eq!(past["channels"][0]["destinations"][0]["month"]["bytes_sent"], 0);
    get(&router, "/api/v1/cost?month=february").await.is_problem(400, "malformed");
    get(&router, "/api/v1/cost?channel=nobody").await.is_problem(404, "unknown_channel");
    let text = get(&router, "/metrics").await.text();
    for line in [
        "uplink_cost_month_acknowledged_bytes{channel=\"demo\",destination=\"origin-a\"} 1609500000.0",
        "uplink_cost_month_amount{channel=\"demo\",destination=\"origin-a\",currency=\"EUR\"} 160.95",
        "uplink_cost_budget_used_ratio{channel=\"demo\",destination=\"origin-a\"} 1.0",
        "uplink_cost_budget_held{channel=\"demo\",destination=\"origin-a\"} 0.0",
        "uplink_cost_show_acknowledged_bytes{channel=\"demo\"} 1609500000.0",
    ] {
        assert!(text.lines().any(|l| l == line), "no `{line}` in\n{text}");
    }
}

#[tokio::test]
async fn the_panel_comes_from_this_box_alone() {
    let (router, _rig, _dir) = router();
    for address in ["/", "/panel/plain"] {
        let page = get(&router, address).await;
        assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe") && !policy.contains("http"),
            "{policy}"
        );
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        // The page at the root is the bundled one, if there is a bundle.
        let text = page.text();
        let named = text.split('"').map(|part| part.trim_start_matches('/'));
        let files: Vec<&str> = named.filter(|part| part.starts_with("panel/") || part.starts_with("assets/")).collect();
        assert!(files.len() >= 3, "{address} names no files");
        for name in files {
            let file = get(&router, &format!("/{name}")).await;
            assert_eq!(file.status, StatusCode::OK, "{name}");
            for foreign in ["https://", "@import", "//cdn", "eval("] {
                assert!(!file.text().contains(foreign), "{name} has {foreign}");
            }
            assert!(name.starts_with("assets/") || !file.text().contains("innerHTML"), "{name}");
        }
    }
}

//! Recordings: what is listed, served, changed and refused.

use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use tokio_util::sync::CancellationToken;

use super::super::routes::Api;
use super::resources::{Answer, call, request, sure};
use super::rig::rig;
use crate::model::{BitRate, ChannelId, DestinationId, MediaTime, RenditionId};
use crate::record::{
    Manifest, RecordedRendition, RecordedSegment, RecordingId, RecordingState, RenditionKind, VERSION,
};
use crate::replay::Desk;

const ID: &str = "20261121T070000Z-show";
const BASE: &str = "/api/v1/recordings/demo/20261121T070000Z-show";

/// A router over one recording of one segment, ten bytes long.
fn stage() -> (axum::Router, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    put(dir.path(), &manifest());
    std::fs::write(dir.path().join("secret"), b"nobody's business").unwrap();
    let desk = Desk::idle();
    desk.learn(vec![dir.path().to_owned()], Vec::new());
    let (handle, _rig) = rig(dir.path());
    (Api::new(handle, CancellationToken::new()).with_recordings(desk).router(), dir)
}

fn put(root: &Path, manifest: &Manifest) {
    let directory = root.join("demo").join(manifest.id.as_str());
    std::fs::create_dir_all(directory.join("v720")).unwrap();
    std::fs::write(directory.join("v720/7.m4s"), b"0123456789").unwrap();
    std::fs::write(directory.join("multivariant.m3u8"), b"#EXTM3U\n").unwrap();
    manifest.store(&directory).unwrap();
}

/// Puts so many of them below `root`, a minute apart.
pub(super) fn shelve(root: &Path, many: usize) {
    for place in 0..many {
        let id = format!("20261121T{:02}{:02}00Z-show-{place}", 7 + place / 60, place % 60);
        let id = RecordingId::new(id.as_str()).unwrap();
        put(root, &Manifest { id, title: Some(format!("Show {place}")), ..manifest() });
    }
}

fn manifest() -> Manifest {
    let segment = RecordedSegment {
        sequence: 7,
        file: "7.m4s".into(),
        init: "init-00c0ffee.mp4".into(),
        begin: MediaTime::from_secs(14),
        duration: Duration::from_secs(2),
        bytes: 10,
        // Of `0123456789`.
        sha256: "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882".into(),
        keyframe: true,
        discontinuity: false,
        discontinuity_sequence: 0,
    };
    let rendition = RecordedRendition {
        id: RenditionId::new("v720").unwrap(),
        kind: RenditionKind::Video,
        codecs: "avc1.64001f".into(),
        bandwidth: BitRate(2),
        average_bandwidth: BitRate(1),
        size: None,
        frame_rate: None,
        name: None,
        language: None,
        channels: None,
        captions: false,
        segments: vec![segment],
    };
    Manifest {
        version: VERSION,
        channel: ChannelId::new("demo").unwrap(),
        destination: DestinationId::new("archive").unwrap(),
        of: Default::default(),
        id: RecordingId::new(ID).unwrap(),
        title: Some("Show".into()),
        began: MediaTime::from_secs(14),
        ended: Some(MediaTime::from_secs(16)),
        state: RecordingState::Finished,
        protected: false,
        segment_ms: 2000,
        bytes: 10,
        interruptions: 0,
        gaps: Vec::new(),
        renditions: vec![rendition],
        markers: Vec::new(),
        cued: Default::default(),
    }
}

async fn ask(router: &axum::Router, method: Method, path: &str, body: &'static str) -> Answer {
    let request = request(method, path).header("content-type", "application/json");
    sure(router, request.body(Body::from(body)).unwrap()).await
}

async fn ranged(router: &axum::Router, range: &str) -> Answer {
    let request = request(Method::GET, &format!("{BASE}/files/v720/7.m4s")).header("range", range);
    call(router, request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn recordings_are_listed_without_their_segments() {
    let (router, _dir) = stage();
    let list = ask(&router, Method::GET, "/api/v1/recordings", "").await.json();
    let (list, next) = (&list["items"], &list["next_cursor"]);
    assert_eq!((&list[0]["id"], &list[0]["seconds"], next.is_null()), (&ID.into(), &2.0.into(), true));
    assert_eq!(list[0]["renditions"][0]["segments"], 1);
    let others = ask(&router, Method::GET, "/api/v1/recordings?channel=other", "").await.json();
    assert_eq!(others["items"], serde_json::json!([]));
    ask(&router, Method::GET, "/api/v1/recordings?limit=0", "").await.is_problem(400, "malformed");
    let one = ask(&router, Method::GET, BASE, "").await.json();
    assert_eq!((&one["title"], &one["jobs"]), (&"Show".into(), &serde_json::json!([])));
    for unknown in ["demo/20261121T070000Z", "other/20261121T070000Z-show", "demo/..%2f..", "DEMO/x"] {
        let answer = ask(&router, Method::GET, &format!("/api/v1/recordings/{unknown}"), "").await;
        answer.is_problem(404, "unknown_recording");
    }
}

#[tokio::test]
async fn files_are_served_in_ranges_and_nothing_else_is() {
    let (router, _dir) = stage();
    let whole = ask(&router, Method::GET, &format!("{BASE}/files/v720/7.m4s"), "").await;
    assert_eq!((whole.status.as_u16(), whole.text().as_str()), (200, "0123456789"));
    assert_eq!((whole.header("content-type"), whole.header("accept-ranges")), ("video/iso.segment", "bytes"));
    let part = ranged(&router, "bytes=2-4").await;
    assert_eq!((part.status.as_u16(), part.text().as_str()), (206, "234"));
    assert_eq!((part.header("content-range"), part.header("content-length")), ("bytes 2-4/10", "3"));
    let beyond = ranged(&router, "bytes=10-").await;
    beyond.is_problem(416, "no_range");
    assert_eq!(beyond.header("content-range"), "bytes */10");
    let playlist = ask(&router, Method::GET, &format!("{BASE}/files/multivariant.m3u8"), "").await;
    assert_eq!(
        (playlist.header("content-type"), playlist.header("cache-control")),
        ("application/vnd.apple.mpegurl", "no-cache")
    );
    for path in
        ["v720/8.m4s", "../../../secret", "..%2f..%2f..%2fsecret", "v720/..%2f..%2fsecret", "journal.jsonl", "secret"]
    {
        let answer = ask(&router, Method::GET, &format!("{BASE}/files/{path}"), "").await;
        assert_eq!(answer.status.as_u16(), 404, "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_protected_recording_is_not_deleted() {
    let (router, dir) = stage();
    let held = ask(&router, Method::PATCH, BASE, "{\"protected\": true}").await;
    assert_eq!(held.json()["protected"], true);
    ask(&router, Method::DELETE, BASE, "").await.is_problem(409, "protected");
    ask(&router, Method::PATCH, BASE, "{\"protected\": false}").await;
    let unsure = call(&router, request(Method::DELETE, BASE).body(Body::empty()).unwrap()).await;
    let confirm = unsure.is_problem(428, "confirmation_required")["confirm"].clone();
    assert_eq!((&confirm["tier"], &confirm["name"]), (&3.into(), &ID.into()));
    let token = confirm["token"].as_str().unwrap();
    let other = request(Method::DELETE, BASE).header("confirm", token).header("confirm-name", "another");
    let other = call(&router, other.body(Body::empty()).unwrap()).await.is_problem(428, "confirmation_required");
    assert!(other["detail"].as_str().unwrap().starts_with("the name is another one: recording 2026"), "{other}");
    assert!(dir.path().join("demo").join(ID).exists());
    assert_eq!(ask(&router, Method::DELETE, BASE, "").await.status.as_u16(), 200);
    assert!(!dir.path().join("demo").join(ID).exists());
    ask(&router, Method::DELETE, BASE, "").await.is_problem(404, "unknown_recording");
}

#[tokio::test]
async fn jobs_are_answered_at_once_and_watched() {
    let (router, _dir) = stage();
    let asked = ask(&router, Method::POST, &format!("{BASE}/verify"), "").await;
    assert_eq!(asked.status.as_u16(), 202);
    let job = format!("/api/v1/recording-jobs/{}", asked.json()["id"]);
    let ended = async {
        loop {
            let job = ask(&router, Method::GET, &job, "").await.json();
            if !job["ended"].is_null() {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap();
    // Its initialisation is missing.
    assert_eq!((&ended["result"]["whole"], &ended["result"]["good"]), (&1.into(), &false.into()), "{ended}");
    ask(&router, Method::GET, "/api/v1/recording-jobs/99", "").await.is_problem(404, "unknown_job");
    let far = ask(&router, Method::POST, &format!("{BASE}/clip"), "{\"from\": \"soon\"}").await;
    far.is_problem(422, "impossible");
    let nowhere = ask(&router, Method::POST, &format!("{BASE}/upload"), "{\"to\": \"moon\"}").await;
    nowhere.is_problem(422, "impossible");
}

//! Commands: each verb becomes its command, each refusal its problem.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use tokio::task::JoinHandle;

use super::resources::{Answer, call, request, sure};
use super::rig::{Rig, id, rig};
use crate::model::status::{ChannelOrder, ChannelState, ProgramOrder, Showing};
use crate::model::{Act, DestinationId, MediaTime, RecordingAsk, SourceId, TakeOrder, Transition};
use crate::supervisor::{Command, Outcome, Refusal};

fn outcome() -> Outcome {
    Outcome {
        changed: true,
        order: Some(ChannelOrder::OnAir),
        program: Some(ProgramOrder::Slate),
        state: Some(ChannelState::Slate),
        showing: Some(Showing::Slate),
        acted: None,
        channels: None,
        text: "the program shows the slate".into(),
    }
}

fn stage() -> (axum::Router, Rig, tempfile::TempDir) {
    let runtime = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(runtime.path());
    (super::super::router(handle), rig, runtime)
}

fn post(path: &str) -> Request<Body> {
    request(Method::POST, path).body(Body::empty()).unwrap()
}

fn take(kind: &str, body: impl Into<Body>) -> Request<Body> {
    request(Method::POST, "/api/v1/channels/demo/take").header("content-type", kind).body(body.into()).unwrap()
}

fn send(router: &axum::Router, request: Request<Body>) -> JoinHandle<Answer> {
    let router = router.clone();
    tokio::spawn(async move { sure(&router, request).await })
}

#[tokio::test]
async fn each_verb_is_its_command() {
    let (router, mut rig, _dir) = stage();
    let json = "application/json; charset=utf-8";
    for (request, expected) in [
        (post("/api/v1/channels/demo/start"), Command::Start(id("demo"))),
        (post("/api/v1/channels/demo/stop"), Command::Stop(id("demo"))),
        (post("/api/v1/channels/demo/stop?now=true"), Command::StopNow(id("demo"))),
        (post("/api/v1/channels/demo/slate"), Command::Slate(id("demo"))),
        (post("/api/v1/channels/demo/release"), Command::Release(id("demo"))),
        (post("/api/v1/channels/demo/show/end"), Command::EndShow(id("demo"))),
        (post("/api/v1/config/reload?dry_run=true"), Command::DryReload),
        (take(json, r#"{"source":"clip"}"#), Command::Take(id("demo"), SourceId::new("clip").unwrap())),
        (take(json, "{}"), Command::Show(id("demo"), Box::default())),
        (
            take(
                json,
                r#"{"show":"slate","transition":{"kind":"dissolve","duration_ms":400},"at":"2026-11-21T20:00:00Z"}"#,
            ),
            Command::Show(
                id("demo"),
                Box::new(TakeOrder {
                    order: Some(ProgramOrder::Slate),
                    transition: Transition::dissolve(400),
                    at: Some(MediaTime::from_secs(1_795_291_200)),
                    expect: None,
                }),
            ),
        ),
        (
            take(json, r#"{"source":"clip","expect":{"show":"source","source":"cam-2"}}"#),
            Command::Show(
                id("demo"),
                Box::new(TakeOrder {
                    expect: Some(ProgramOrder::Source { source: SourceId::new("cam-2").unwrap() }),
                    ..TakeOrder::cut(ProgramOrder::Source { source: SourceId::new("clip").unwrap() })
                }),
            ),
        ),
    ] {
        let answer = send(&router, request);
        let (command, reply) = rig.requests.recv().await.unwrap();
        assert_eq!(command, expected);
        assert!(!answer.is_finished(), "answered before the engine confirmed");
        reply.send(Ok(outcome())).unwrap();
        let answer = answer.await.unwrap();
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.json()["showing"]["showing"], "slate");
        assert_eq!(answer.json()["changed"], true);
    }
}

#[tokio::test]
async fn each_refusal_is_its_problem() {
    let (router, mut rig, _dir) = stage();
    let source = SourceId::new("clip").unwrap();
    for (refusal, status, code, retryable) in [
        (Refusal::UnknownChannel(id("demo")), 404, "unknown_channel", false),
        (Refusal::UnknownSource(id("demo"), source), 422, "unknown_source", false),
        (Refusal::OffAir(id("demo")), 409, "off_air", false),
        (
            Refusal::PreviewChanged { channel: id("demo"), expected: "source a".into(), found: "nothing".into() },
            409,
            "preview_changed",
            false,
        ),
        (Refusal::NotConfirmed { seconds: 5, known: "the worker is starting".into() }, 504, "not_confirmed", true),
        (Refusal::Failed("no encoder works on this box".into()), 502, "engine_failed", false),
        (Refusal::ShuttingDown, 503, "shutting_down", true),
    ] {
        let text = refusal.to_string();
        let answer = send(&router, post("/api/v1/channels/demo/start"));
        rig.requests.recv().await.unwrap().1.send(Err(refusal)).unwrap();
        let answer = answer.await.unwrap();
        let problem = answer.is_problem(status, code);
        assert_eq!(
            (problem["detail"].as_str(), problem["retryable"].as_bool()),
            (Some(text.as_str()), Some(retryable))
        );
        assert_eq!(answer.header("retry-after"), if status == 503 { "2" } else { "" });
    }
}

#[tokio::test]
async fn a_faulty_configuration_names_every_fault() {
    let (router, mut rig, _dir) = stage();
    let answer = send(&router, post("/api/v1/config/reload"));
    let faults = vec!["uplinkd.toml:3:1: one".to_owned(), "uplinkd.toml:9:5: two".to_owned()];
    // Nobody can say what it would change: that it cannot be read is said by the reload itself.
    for expected in [Command::DryReload, Command::Reload] {
        let (command, reply) = rig.requests.recv().await.unwrap();
        assert_eq!(command, expected);
        reply.send(Err(Refusal::FaultyConfiguration(faults.clone()))).unwrap();
    }
    let problem = answer.await.unwrap().is_problem(422, "faulty_configuration");
    assert_eq!(problem["errors"][1]["detail"], "uplinkd.toml:9:5: two");
}

#[tokio::test]
async fn a_bad_take_reaches_nobody() {
    let (router, mut rig, _dir) = stage();
    let json = "application/json";
    for body in
        ["", "{", "[]", r#"{"source":"a","show":"slate"}"#, r#"{"source":"../x"}"#, r#"{"source":"clip","now":true}"#]
    {
        call(&router, take(json, body)).await.is_problem(400, "malformed");
    }
    call(&router, take("text/plain", r#"{"source":"clip"}"#)).await.is_problem(415, "not_json");
    call(&router, take(json, vec![b' '; 1 << 20])).await.is_problem(413, "too_large");
    call(&router, post("/api/v1/channels/NOT-A-SLUG/start")).await.is_problem(404, "unknown_channel");
    assert!(rig.requests.try_recv().is_err(), "a bad request reached the supervisor");
}

#[tokio::test]
async fn a_daemon_that_is_gone_says_so() {
    let (router, rig, _dir) = stage();
    drop(rig);
    call(&router, post("/api/v1/channels/demo/start")).await.is_problem(503, "shutting_down");
}

#[tokio::test]
async fn images_are_sent_listed_and_refused() {
    let (router, _rig, directory) = stage();
    let head = |side: u32| [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..], &side.to_be_bytes(), &side.to_be_bytes()].concat();
    let put = |name: &str, body: Vec<u8>| {
        request(Method::PUT, &format!("/api/v1/images/{name}")).body(Body::from(body)).unwrap()
    };
    let get = |path: &str| request(Method::GET, path).body(Body::empty()).unwrap();
    call(&router, put("big.png", vec![0; (2 << 20) + 1])).await.is_problem(413, "too_large");
    call(&router, put("text.png", b"no image".to_vec())).await.is_problem(422, "bad_image");
    call(&router, put("bomb.png", head(50_000))).await.is_problem(422, "bad_image");
    call(&router, put("logo.svg", head(8))).await.is_problem(422, "bad_image");
    call(&router, put("..%2Flogo.png", head(8))).await.is_problem(422, "bad_image");
    call(&router, get("/api/v1/images/logo.png")).await.is_problem(404, "no_image");
    let mut padded = head(8);
    padded.resize(1 << 20, 0);
    assert_eq!(call(&router, put("logo.png", padded.clone())).await.status, StatusCode::OK);
    assert_eq!(std::fs::read(directory.path().join("images/logo.png")).unwrap(), padded);
    assert_eq!(std::fs::read_dir(directory.path().join("images")).unwrap().count(), 1, "nothing else is left there");
    let list = call(&router, get("/api/v1/images")).await;
    assert!(list.text().contains(r#""name":"logo.png","width":8,"height":8"#), "{}", list.text());
    let tag = call(&router, get("/api/v1/images/logo.png")).await.header("etag").to_owned();
    assert_eq!(list.json()[0]["tag"], tag, "the list names what a change is for");
    let delete = request(Method::DELETE, "/api/v1/images/logo.png").body(Body::empty()).unwrap();
    assert_eq!(sure(&router, delete).await.status, StatusCode::OK);
    assert_eq!(call(&router, get("/api/v1/images")).await.text(), "[]");
}

fn recording(destination: &str, body: &'static str) -> Request<Body> {
    let path = format!("/api/v1/channels/demo/destinations/{destination}/recording");
    request(Method::POST, &path).header("content-type", "application/json").body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn a_recording_is_begun_marked_and_ended() {
    let (router, mut rig, _dir) = stage();
    let destination = DestinationId::new("archive").unwrap();
    let marker = RecordingAsk::Marker { text: "Goal".into(), by: Some("me".into()) };
    for (body, ask) in [
        (r#"{"action":"start","title":"Show"}"#, RecordingAsk::Start { title: Some("Show".into()) }),
        (r#"{"action":"stop"}"#, RecordingAsk::Stop),
        (r#"{"action":"marker","text":"Goal","by":"me"}"#, marker),
    ] {
        let answer = send(&router, recording("archive", body));
        let (command, reply) = rig.requests.recv().await.unwrap();
        assert_eq!(command, Command::Act(id("demo"), Act::Record { destination: destination.clone(), ask }));
        reply.send(Ok(outcome())).unwrap();
        assert_eq!(answer.await.unwrap().status, StatusCode::OK);
    }
    for (destination, body) in [
        ("archive", r#"{"action":"pause"}"#),
        ("archive", r#"{"action":"marker","text":" "}"#),
        ("archive", r#"{"action":"start","title":"two\nlines"}"#),
    ] {
        assert_eq!(call(&router, recording(destination, body)).await.status, StatusCode::BAD_REQUEST, "{body}");
    }
    assert_eq!(
        call(&router, recording("No_One", r#"{"action":"stop"}"#)).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

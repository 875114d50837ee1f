//! What holds for every address: keys, tags, kinds, names of requests, pages.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};

use super::resources::{Answer, call, request, sure};
use super::rig::{Rig, outcome, rig};
use crate::supervisor::{Command, Refusal};

fn stage() -> (axum::Router, Rig, tempfile::TempDir) {
    let runtime = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(runtime.path());
    (super::super::router(handle), rig, runtime)
}

fn post(path: &str, key: &str, body: &'static str) -> Request<Body> {
    let request = request(Method::POST, path).header("idempotency-key", key).header("content-type", "application/json");
    request.body(Body::from(body)).unwrap()
}

/// An order that no guard looks at.
const RELEASE: &str = "/api/v1/channels/demo/release";

fn sent(router: &axum::Router, request: Request<Body>) -> tokio::task::JoinHandle<Answer> {
    let router = router.clone();
    tokio::spawn(async move { call(&router, request).await })
}

#[tokio::test]
async fn a_command_that_is_sent_twice_is_carried_out_once() {
    let (router, mut rig, _dir) = stage();
    let first = sent(&router, post(RELEASE, "one", ""));
    let (_, reply) = rig.requests.recv().await.unwrap();
    call(&router, post(RELEASE, "one", "")).await.is_problem(409, "in_progress");
    reply.send(Ok(outcome("released"))).unwrap();
    let first = first.await.unwrap();
    assert_eq!((first.status, first.header("idempotent-replayed")), (StatusCode::OK, ""));
    let again = call(&router, post(RELEASE, "one", "")).await;
    assert_eq!((again.status, again.header("idempotent-replayed"), &again.body), (StatusCode::OK, "true", &first.body));
    call(&router, post(RELEASE, "one", "{}")).await.is_problem(422, "key_reused");
    call(&router, post("/api/v1/channels/demo/start", "one", "")).await.is_problem(422, "key_reused");
    call(&router, post(RELEASE, &"x".repeat(129), "")).await.is_problem(400, "malformed");
    assert!(rig.requests.try_recv().is_err(), "a repeated command reached the supervisor");
}

#[tokio::test]
async fn a_client_that_leaves_finds_its_answer_when_it_comes_back() {
    let (router, mut rig, _dir) = stage();
    let gone = sent(&router, post(RELEASE, "two", ""));
    let (_, reply) = rig.requests.recv().await.unwrap();
    gone.abort();
    assert!(gone.await.is_err());
    reply.send(Ok(outcome("released"))).unwrap();
    loop {
        let again = call(&router, post(RELEASE, "two", "")).await;
        if again.status == StatusCode::OK {
            assert_eq!((again.header("idempotent-replayed"), &again.json()["text"]), ("true", &"released".into()));
            break;
        }
        again.is_problem(409, "in_progress");
        tokio::task::yield_now().await;
    }
    assert!(rig.requests.try_recv().is_err(), "it was carried out twice");
}

#[tokio::test]
async fn refusals_are_kept_and_what_may_be_tried_again_is_not() {
    let (router, mut rig, _dir) = stage();
    for (key, refusal, status, kept) in [
        ("a", Refusal::OffAir(super::rig::id("demo")), 409, true),
        ("b", Refusal::ShuttingDown, 503, false),
        ("c", Refusal::NotConfirmed { seconds: 3, known: "starting".into() }, 504, false),
    ] {
        let answer = sent(&router, post(RELEASE, key, ""));
        rig.requests.recv().await.unwrap().1.send(Err(refusal.clone())).unwrap();
        let first = answer.await.unwrap();
        assert_eq!(first.status.as_u16(), status);
        let again = sent(&router, post(RELEASE, key, ""));
        if !kept {
            rig.requests.recv().await.unwrap().1.send(Err(refusal)).unwrap();
        }
        let again = again.await.unwrap();
        assert_eq!(again.header("idempotent-replayed"), if kept { "true" } else { "" });
        assert_ne!(again.json()["request_id"], first.json()["request_id"], "each request has its own name");
    }
}

#[tokio::test]
async fn what_a_client_does_not_take_is_not_carried_out() {
    let (router, mut rig, _dir) = stage();
    let with =
        |method, path: &str, accept: &str| request(method, path).header("accept", accept).body(Body::empty()).unwrap();
    call(&router, with(Method::POST, RELEASE, "text/html")).await.is_problem(406, "not_acceptable");
    call(&router, with(Method::GET, "/api/v1/status", "image/*, text/html;q=0.9"))
        .await
        .is_problem(406, "not_acceptable");
    assert!(rig.requests.try_recv().is_err());
    for accept in ["application/json", "application/*;q=0.1", "text/html, */*;q=0.1"] {
        assert_eq!(call(&router, with(Method::GET, "/api/v1/status", accept)).await.status, StatusCode::OK, "{accept}");
    }
    let picture = with(Method::GET, "/api/v1/channels/demo/confidence.jpg", "image/avif,image/webp,image/*");
    call(&router, picture).await.is_problem(404, "no_picture");
}

#[tokio::test]
async fn every_request_has_a_name_and_a_deep_body_is_refused() {
    let (router, _rig, _dir) = stage();
    let named = request(Method::GET, "/api/v1/nothing").header("x-request-id", "panel-7").body(Body::empty()).unwrap();
    let problem = call(&router, named).await.is_problem(404, "not_found");
    assert_eq!((&problem["request_id"], &problem["instance"]), (&"panel-7".into(), &"/api/v1/nothing".into()));
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let take = request(Method::POST, "/api/v1/channels/demo/take").header("content-type", "application/json");
    call(&router, take.body(Body::from(format!("{{\"source\":{deep}}}"))).unwrap()).await.is_problem(400, "malformed");
}

#[tokio::test]
async fn of_two_people_who_change_an_image_one_is_told() {
    let (router, _rig, _dir) = stage();
    let head = |side: u32| [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..], &side.to_be_bytes(), &side.to_be_bytes()].concat();
    let ask = |method, tag: Option<&str>, body: Vec<u8>| {
        let asked = request(method, "/api/v1/images/logo.png");
        let asked = match tag {
            Some(tag) => asked.header("if-match", tag),
            None => asked,
        };
        asked.body(Body::from(body)).unwrap()
    };
    call(&router, ask(Method::PUT, Some("*"), head(8))).await.is_problem(412, "changed");
    assert_eq!(call(&router, ask(Method::PUT, None, head(8))).await.status, StatusCode::OK);
    let tag = call(&router, ask(Method::GET, None, Vec::new())).await.header("etag").to_owned();
    // A new one is seen nowhere; in its place another one is, wherever it is shown.
    let asks = call(&router, ask(Method::PUT, Some(&tag), head(16))).await.is_problem(428, "confirmation_required");
    assert!(asks["confirm"]["text"].as_str().unwrap().contains("image logo.png is replaced"), "{asks}");
    assert_eq!(sure(&router, ask(Method::PUT, Some(&tag), head(16))).await.status, StatusCode::OK);
    sure(&router, ask(Method::PUT, Some(&tag), head(32))).await.is_problem(412, "changed");
    let mut new = ask(Method::PUT, None, head(32));
    new.headers_mut().insert("if-none-match", "*".parse().unwrap());
    let there = sure(&router, new).await.is_problem(412, "changed");
    assert!(there["detail"].as_str().unwrap().contains("is there already"), "{there}");
    sure(&router, ask(Method::DELETE, Some(&tag), Vec::new())).await.is_problem(412, "changed");
    let known = request(Method::GET, "/api/v1/images/logo.png").header("if-none-match", "\"x\"").body(Body::empty());
    let now = call(&router, known.unwrap()).await;
    assert_eq!((now.status, now.body), (StatusCode::OK, head(16)));
}

#[tokio::test]
async fn a_draft_is_checked_and_its_faults_have_places() {
    let (router, rig, dir) = stage();
    rig.change(|status| status.config.path = dir.path().join("uplinkd.toml").display().to_string());
    let check = |text: &str| {
        let body = serde_json::json!({ "text": text }).to_string();
        let asked = request(Method::POST, "/api/v1/config/check").header("content-type", "application/json");
        asked.body(Body::from(body)).unwrap()
    };
    let report = call(&router, check("[appliance]\nname = \"x\"\n[sources.a]\nkind = \"tset\"\n")).await.json();
    let faults = report["faults"].as_array().unwrap();
    let typo = faults.iter().find(|fault| fault["key"] == "sources.a.kind").unwrap();
    assert_eq!((&report["good"], &typo["line"], &typo["column"]), (&false.into(), &4.into(), &8.into()));
    assert!(typo["rule"].is_string() && typo["fix"].is_string(), "{typo}");
    let long = call(&router, check(&"# a comment\n".repeat(50_000))).await;
    assert_eq!(long.status, StatusCode::OK, "a configuration may be longer than a command");
    call(&router, check(&"x".repeat(3 << 20))).await.is_problem(413, "too_large");
    assert!(std::fs::read_dir(dir.path()).unwrap().next().is_none(), "a check leaves something behind");
}

#[tokio::test]
async fn the_configuration_in_force_says_where_it_is_written() {
    let (router, rig, _dir) = stage();
    let setting = |key: &str, value: serde_json::Value, line| crate::config::Setting {
        key: key.into(),
        value,
        line,
        column: line.map(|_| 8),
    };
    let settings =
        [setting("appliance.name", "box".into(), Some(2)), setting("api.listen", "127.0.0.1:8080".into(), None)];
    rig.written.put(settings.into(), Default::default());
    let get =
        |tag: &str| request(Method::GET, "/api/v1/config").header("if-none-match", tag).body(Body::empty()).unwrap();
    let found = call(&router, get("\"x\"")).await;
    let settings = &found.json()["settings"];
    assert_eq!((&settings[0]["line"], &settings[1]["line"]), (&2.into(), &serde_json::Value::Null));
    assert_eq!(call(&router, get(found.header("etag"))).await.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn what_is_put_in_force_is_what_was_looked_at() {
    let (router, mut rig, dir) = stage();
    let file = dir.path().join("uplinkd.toml");
    std::fs::write(&file, "name = 1\n").unwrap();
    rig.change(|status| status.config.path = file.display().to_string());
    let look = || request(Method::GET, "/api/v1/config").body(Body::empty()).unwrap();
    let seen = call(&router, look()).await;
    assert_eq!(seen.json()["text"], "name = 1\n");
    let reload = |tag: &str| {
        let asked = request(Method::POST, "/api/v1/config/reload").header("if-match", tag);
        asked.body(Body::empty()).unwrap()
    };
    std::fs::write(&file, "name = 2\n").unwrap();
    // What it would change is looked at, twice, for it is confirmed; but not done.
    let asked = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let engine = asked.clone();
    tokio::spawn(async move {
        while let Some((command, reply)) = rig.requests.recv().await {
            engine.lock().unwrap().push(command);
            let _ = reply.send(Err(Refusal::Failed("no engine here".into())));
        }
    });
    sure(&router, reload(seen.header("etag"))).await.is_problem(412, "changed");
    let seen = call(&router, look()).await;
    sure(&router, reload(seen.header("etag"))).await.is_problem(502, "engine_failed");
    std::fs::remove_file(&file).unwrap();
    assert_eq!(call(&router, look()).await.json()["text"], serde_json::Value::Null);
    let reloads = asked.lock().unwrap().iter().filter(|command| **command == Command::Reload).count();
    assert_eq!(reloads, 1, "only what was looked at is put in force");
}

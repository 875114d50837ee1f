//! Who is let in, as clients see it: first run, login, roles, tokens, the audit log; and who is not.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::routes::Api;
use super::resources::{Answer, call, request};
use super::rig::{Rig, id, outcome, rig};
use crate::access::{Access, Peer, Via};
use crate::model::{Act, DestinationId, RecordingAsk};
use crate::store::{Accounts, Store};
use crate::supervisor::Command;

const PASSWORD: &str = "canary correct horse";
pub(super) const NEAR: &str = "127.0.0.1";
const FAR: &str = "192.0.2.7";

pub(super) struct Site {
    pub(super) router: axum::Router,
    pub(super) rig: Rig,
    pub(super) store: Store,
    dir: tempfile::TempDir,
}

/// A box that nobody has logged in to yet.
async fn fresh() -> Site {
    let dir = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(dir.path());
    let accounts = Accounts::new(&dir.path().join("access.db"));
    let access = Access::of(accounts, dir.path(), false).await;
    let (store, _) = Store::open(&dir.path().join("uplink.db"), |_| {});
    let api = Api::new(handle, CancellationToken::new()).with_store(Some(store.clone()));
    let router = api.with_access(access).router();
    Site { router, rig, store, dir }
}

/// With the admin `ada`; and her cookie.
pub(super) async fn with_ada() -> (Site, String) {
    let site = fresh().await;
    let code = std::fs::read_to_string(site.dir.path().join("first-run-code")).unwrap();
    let body = json!({ "code": code.trim(), "name": "ada", "password": PASSWORD });
    let answer = site.post("/api/v1/setup", NEAR, "", &body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let cookie = cookie(&answer);
    (site, cookie)
}

fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

impl Site {
    pub(super) fn state(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub(super) async fn ask(&self, method: Method, path: &str, from: &str, show: &str, body: Option<&Value>) -> Answer {
        let mut asked = request(method, path);
        match show.split_once(' ') {
            Some(("Bearer", _)) => asked = asked.header("authorization", show),
            _ if !show.is_empty() => asked = asked.header("cookie", show),
            _ => {}
        }
        if body.is_some() {
            asked = asked.header("content-type", "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        call(&self.router, coming(asked.body(body).unwrap(), from)).await
    }

    pub(super) async fn get(&self, path: &str, from: &str, show: &str) -> Answer {
        self.ask(Method::GET, path, from, show, None).await
    }

    pub(super) async fn post(&self, path: &str, from: &str, show: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, from, show, Some(body)).await
    }

    /// Adds a user, and returns its cookie.
    pub(super) async fn user(&self, ada: &str, name: &str, role: &str) -> String {
        let body = json!({ "name": name, "role": role, "password": PASSWORD });
        let added = self.post("/api/v1/users", NEAR, ada, &body).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.text());
        let login = self.post("/api/v1/session", NEAR, "", &json!({ "name": name, "password": PASSWORD })).await;
        assert_eq!((login.status, &login.json()["role"]), (StatusCode::CREATED, &json!(role)));
        cookie(&login)
    }

    async fn token(&self, ada: &str, wanted: Value) -> (String, String) {
        let made = self.post("/api/v1/tokens", NEAR, ada, &wanted).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
        let made = made.json();
        (made["id"].as_str().unwrap().to_owned(), format!("Bearer {}", made["token"].as_str().unwrap()))
    }

    /// The audit log once it has so many entries, newest first.
    pub(super) async fn audit(&self, ada: &str, at_least: usize) -> Vec<Value> {
        let items = self.get("/api/v1/audit", NEAR, ada).await.json()["items"].as_array().unwrap().clone();
        assert!(items.len() >= at_least, "{items:?}");
        items
    }
}

pub(super) fn coming(mut request: Request<Body>, from: &str) -> Request<Body> {
    let via = Via { peer: Peer::Network(from.parse().unwrap()), encrypted: from == FAR };
    request.extensions_mut().insert(via);
    request
}

#[tokio::test]
async fn a_new_box_shows_nothing_but_its_page_and_its_health() {
    let site = fresh().await;
    for path in ["/healthz", "/readyz", "/", "/panel/panel.js", "/guest/demo/guest"] {
        let answer = site.get(path, FAR, "").await;
        assert!(answer.status == StatusCode::OK || answer.status == StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    for path in ["/api/v1/status", "/api/v1/events", "/api/v1/session", "/api/v1/nothing", "/metrics", "/api/v1/users"]
    {
        let answer = site.get(path, FAR, "__Host-uplink=forged").await;
        answer.is_problem(401, "setup_required");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let slate = site.post("/api/v1/channels/demo/slate", NEAR, "", &json!({})).await;
    slate.is_problem(401, "setup_required");
    let body = json!({ "code": "AAAAA-AAAAA-AAAAA-AAAAA", "name": "eve", "password": PASSWORD });
    site.post("/api/v1/setup", FAR, "", &body).await.is_problem(401, "wrong_code");
    let none = site.post("/api/v1/setup", FAR, "", &json!({ "name": "eve" })).await;
    none.is_problem(400, "malformed");
    let far_and_plain = Via { peer: Peer::Network(FAR.parse().unwrap()), encrypted: false };
    let mut plain = request(Method::POST, "/api/v1/setup")
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    plain.extensions_mut().insert(far_and_plain);
    call(&site.router, plain).await.is_problem(403, "encryption_required");
    assert!(site.rig.requests.is_empty(), "a refused request reached the supervisor");
}

#[tokio::test]
async fn whoever_logs_in_is_known_until_the_logout() {
    let (site, ada) = with_ada().await;
    assert!(ada.starts_with("uplink="), "{ada}");
    assert!(!site.dir.path().join("first-run-code").exists());
    site.get("/api/v1/status", NEAR, "").await.is_problem(401, "login_required");
    let status = site.get("/api/v1/status", NEAR, &ada).await;
    assert_eq!((status.status, &status.json()["access"]), (StatusCode::OK, &json!("login")));
    let who = site.get("/api/v1/session", NEAR, &ada).await.json();
    assert_eq!((&who["name"], &who["role"], &who["by"]), (&json!("ada"), &json!("admin"), &json!("session")));
    let encrypted = site.post("/api/v1/session", FAR, "", &json!({ "name": "ada", "password": PASSWORD })).await;
    let set = encrypted.header("set-cookie").to_owned();
    assert!(set.starts_with("__Host-uplink=") && set.ends_with("; Secure"), "{set}");
    assert_eq!(encrypted.header("cache-control"), "no-store");
    assert_eq!(site.get("/api/v1/sessions", NEAR, &ada).await.json().as_array().unwrap().len(), 2);
    let out = site.ask(Method::DELETE, "/api/v1/session", NEAR, &ada, None).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    site.get("/api/v1/status", NEAR, &ada).await.is_problem(401, "login_required");
    assert_eq!(site.get("/api/v1/status", FAR, &cookie(&encrypted)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn forged_and_foreign_requests_are_let_in_nowhere() {
    let (mut site, ada) = with_ada().await;
    let flipped = format!("{}0", &ada[..ada.len() - 1]);
    let long = format!("uplink={}", "a".repeat(10_000));
    for forged in ["uplink=", "uplink=x", &flipped, &long, "Uplink=1; other=2", "uplink=' OR 1=1 --"] {
        let answer = site.get("/api/v1/status", NEAR, forged).await;
        if forged != ada {
            answer.is_problem(401, "login_required");
        }
    }
    for forged in ["Bearer ", "Bearer upl_", "Bearer upl_000000000000_00", "Bearer ../../etc/passwd"] {
        site.get("/api/v1/status", NEAR, forged).await.is_problem(401, "invalid_token");
    }
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
        for path in ["/api/v1/session", "/api/v1/channels/demo/stop"] {
            let post = request(Method::POST, path).header(name, value).header("cookie", &ada);
            call(&site.router, coming(post.body(Body::empty()).unwrap(), NEAR)).await.is_problem(403, "cross_site");
        }
    }
    let large = json!({ "name": "ada", "password": "x".repeat(2 << 20) });
    site.post("/api/v1/session", NEAR, "", &large).await.is_problem(413, "too_large");
    let deep = request(Method::POST, "/api/v1/session").header("content-type", "application/json");
    let deep = deep.body(Body::from("[".repeat(10_000))).unwrap();
    call(&site.router, coming(deep, NEAR)).await.is_problem(400, "malformed");
    for name in ["nobody", "ada", "../ada", ""] {
        let login = json!({ "name": name, "password": "wrong password" });
        site.post("/api/v1/session", NEAR, "", &login).await.is_problem(401, "wrong_password");
    }
    assert!(site.rig.requests.try_recv().is_err(), "a refused request reached the supervisor");
}

#[tokio::test]
async fn ten_wrong_passwords_are_told_to_wait() {
    let (site, _) = with_ada().await;
    let login = |password| json!({ "name": "ada", "password": password });
    for _ in 0..10 {
        site.post("/api/v1/session", FAR, "", &login("wrong password")).await.is_problem(401, "wrong_password");
    }
    let locked = site.post("/api/v1/session", FAR, "", &login(PASSWORD)).await;
    assert_eq!(locked.is_problem(429, "too_many_attempts")["retryable"], true);
    assert!((1..=60).contains(&locked.header("retry-after").parse::<u64>().unwrap()));
    assert_eq!(site.post("/api/v1/session", NEAR, "", &login(PASSWORD)).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn each_role_may_what_the_table_says() {
    let (mut site, ada) = with_ada().await;
    let viewer = site.user(&ada, "vic", "viewer").await;
    let operator = site.user(&ada, "olga", "operator").await;
    let engineer = site.user(&ada, "ed", "engineer").await;
    assert_eq!(site.get("/api/v1/status", NEAR, &viewer).await.status, StatusCode::OK);
    let (slate, reload) = ("/api/v1/channels/demo/slate", "/api/v1/config/reload");
    for (path, who) in [(slate, &viewer), (reload, &viewer), (reload, &operator), ("/api/v1/tokens", &engineer)] {
        let problem = site.post(path, NEAR, who, &json!({})).await.is_problem(403, "forbidden");
        assert!(problem["detail"].as_str().unwrap().contains("needs the role"), "{problem}");
    }
    site.get("/api/v1/users", NEAR, &engineer).await.is_problem(403, "forbidden");
    site.get("/api/v1/audit", NEAR, &engineer).await.is_problem(403, "forbidden");
    assert!(site.rig.requests.try_recv().is_err(), "a refused request reached the supervisor");
    // An engine that does nothing. What a reload would change is looked at before it.
    let mut requests = std::mem::replace(&mut site.rig.requests, tokio::sync::mpsc::channel(1).1);
    tokio::spawn(async move { while requests.recv().await.is_some() {} });
    for (path, who) in [(slate, &operator), (reload, &engineer), (slate, &ada)] {
        let asked = request(Method::POST, path).header("cookie", who).body(Body::empty()).unwrap();
        let status = call(&site.router, coming(asked, NEAR)).await.status;
        assert!(status.is_server_error() || status == StatusCode::PRECONDITION_REQUIRED, "{path}: {status}");
    }
    let vic = site.ask(Method::PATCH, "/api/v1/users/vic", NEAR, &ada, Some(&json!({ "disabled": true }))).await;
    assert_eq!((vic.status, &vic.json()["disabled"]), (StatusCode::OK, &json!(true)));
    site.get("/api/v1/status", NEAR, &viewer).await.is_problem(401, "login_required");
    let own = json!({ "current": PASSWORD, "new": "another canary horse" });
    let changed = site.ask(Method::PUT, "/api/v1/session/password", NEAR, &operator, Some(&own)).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT, "{}", changed.text());
    let again = json!({ "name": "ed", "role": "viewer", "password": PASSWORD });
    let again = site.post("/api/v1/users", NEAR, &ada, &again).await;
    again.is_problem(409, "user_exists");
    let last = site.ask(Method::DELETE, "/api/v1/users/ada", NEAR, &ada, None).await;
    last.is_problem(409, "last_admin");
    let gone = site.ask(Method::DELETE, "/api/v1/users/ed", NEAR, &ada, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    site.get("/api/v1/users/ed", NEAR, &ada).await.is_problem(404, "unknown_user");
}

#[tokio::test]
async fn tokens_may_what_they_were_made_for() {
    let (site, ada) = with_ada().await;
    let (_, metrics) = site.token(&ada, json!({ "name": "prometheus", "scopes": ["metrics"] })).await;
    let (id, robot) =
        site.token(&ada, json!({ "name": "robot", "role": "viewer", "expires": "2199-01-01T00:00:00Z" })).await;
    assert_eq!(site.get("/metrics", NEAR, "").await.status, StatusCode::OK, "a program on this box");
    site.get("/metrics", FAR, "").await.is_problem(401, "login_required");
    assert_eq!(site.get("/metrics", FAR, &metrics).await.status, StatusCode::OK);
    assert_eq!(site.get("/metrics", FAR, &robot).await.status, StatusCode::OK);
    site.get("/api/v1/status", FAR, &metrics).await.is_problem(403, "forbidden");
    let proxied = request(Method::GET, "/metrics").header("x-forwarded-for", FAR).body(Body::empty()).unwrap();
    call(&site.router, coming(proxied, NEAR)).await.is_problem(401, "login_required");
    assert_eq!(site.get("/api/v1/status", FAR, &robot).await.status, StatusCode::OK);
    let slate = site.post("/api/v1/channels/demo/slate", FAR, &robot, &json!({})).await;
    slate.is_problem(403, "forbidden");
    let list = site.get("/api/v1/tokens", NEAR, &ada).await;
    assert!(!list.text().contains(robot.rsplit('_').next().unwrap()), "the secret is shown once");
    let past = json!({ "name": "late", "role": "viewer", "expires": "2001-01-01T00:00:00Z" });
    site.post("/api/v1/tokens", NEAR, &ada, &past).await.is_problem(422, "bad_entry");
    let revoked = site.ask(Method::DELETE, &format!("/api/v1/tokens/{id}"), NEAR, &ada, None).await;
    assert_eq!(revoked.status, StatusCode::NO_CONTENT);
    site.get("/api/v1/status", FAR, &robot).await.is_problem(401, "invalid_token");
}

#[tokio::test]
async fn the_audit_log_says_who_did_what_and_no_secret() {
    let (mut site, ada) = with_ada().await;
    let olga = site.user(&ada, "olga", "operator").await;
    let (_, robot) = site.token(&ada, json!({ "name": "robot", "role": "viewer" })).await;
    let wrong = json!({ "name": "olga", "password": "canary of a guess" });
    site.post("/api/v1/session", NEAR, "", &wrong).await.is_problem(401, "wrong_password");
    site.post("/api/v1/channels/demo/take", NEAR, &robot, &json!({ "source": "clip" }))
        .await
        .is_problem(403, "forbidden");
    site.get("/api/v1/status", NEAR, &olga).await;
    let take = request(Method::POST, "/api/v1/channels/demo/take?token=canary").header("cookie", &olga);
    let take = take.header("content-type", "application/json").body(Body::from(r#"{"source":"clip"}"#)).unwrap();
    let (router, take) = (site.router.clone(), coming(take, NEAR));
    let answer = tokio::spawn(async move { call(&router, take).await });
    let (_, reply) = site.rig.requests.recv().await.unwrap();
    site.rig.change(|status| status.channels[0].restarts = 1);
    drop(reply);
    answer.await.unwrap().is_problem(503, "shutting_down");
    let items = site.audit(&ada, 6).await;
    let said = |n: usize| {
        let word = |name: &str| items[n][name].as_str().unwrap_or("-").to_owned();
        (word("who"), word("action"), word("code"), items[n]["status"].as_u64().unwrap())
    };
    let act = |who: &str, action: &str, code: &str, status| (who.into(), action.into(), code.into(), status);
    assert_eq!(said(0), act("olga", "POST /api/v1/channels/{id}/take", "shutting_down", 503));
    assert_eq!((&items[0]["asked"], &items[0]["role"]), (&json!({ "source": "clip" }), &json!("operator")));
    assert_eq!((&items[0]["before"]["order"], &items[0]["after"]["state"]), (&json!("on_air"), &json!("running")));
    assert_eq!((&items[0]["from"], &items[0]["by"]), (&json!(NEAR), &json!("session")));
    assert_eq!(said(1), act("robot", "POST /api/v1/channels/{id}/take", "forbidden", 403));
    assert_eq!(said(2), act("nobody known", "POST /api/v1/session", "wrong_password", 401));
    assert_eq!(said(3), act("ada", "POST /api/v1/tokens", "-", 201));
    assert_eq!(said(4), act("olga", "POST /api/v1/session", "-", 201));
    assert_eq!((said(5).0.as_str(), &items[5]["after"]["role"]), ("ada", &json!("operator")));
    assert_eq!(items.last().unwrap()["action"], "POST /api/v1/setup");
    assert!(!json!(items).to_string().contains("canary"), "{items:#?}");
    for name in ["access.db", "access.db-wal"] {
        let bytes = std::fs::read(site.dir.path().join(name)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for secret in ["canary", robot.trim_start_matches("Bearer "), olga.split_once('=').unwrap().1] {
            assert!(!text.contains(secret), "{name} holds a secret");
        }
    }
    let page = site.get("/api/v1/audit?limit=2", NEAR, &ada).await;
    assert!(page.header("link").ends_with("rel=\"next\""));
    let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
    let next = site.get(&format!("/api/v1/audit?limit=2&cursor={cursor}"), NEAR, &ada).await.json();
    assert_eq!(next["items"][0]["id"], items[2]["id"]);
    site.get("/api/v1/audit?cursor=x", NEAR, &ada).await.is_problem(400, "malformed");
}

#[tokio::test]
async fn the_audit_log_says_how_it_was_and_how_it_is() {
    let (mut site, ada) = with_ada().await;
    let (id, _) = site.token(&ada, json!({ "name": "robot", "role": "viewer" })).await;
    site.ask(Method::DELETE, &format!("/api/v1/tokens/{id}"), NEAR, &ada, None).await;
    let frozen = site.ask(Method::PUT, "/api/v1/freeze", NEAR, &ada, Some(&json!({ "reason": "Cup final" }))).await;
    assert_eq!(frozen.status, StatusCode::OK, "{}", frozen.text());
    let set = json!({ "set": "slate_text", "text": "Back at nine" });
    let set = request(Method::POST, "/api/v1/channels/demo/set")
        .header("cookie", &ada)
        .header("content-type", "application/json")
        .body(Body::from(set.to_string()));
    let (router, set) = (site.router.clone(), coming(set.unwrap(), NEAR));
    let answer = tokio::spawn(async move { call(&router, set).await });
    let (_, reply) = site.rig.requests.recv().await.unwrap();
    site.rig.change(|status| status.channels[0].live.slate_text = Some("Back at nine".into()));
    reply.send(Ok(outcome("set"))).unwrap();
    assert_eq!(answer.await.unwrap().status, StatusCode::OK);
    let png = [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..], &8_u32.to_be_bytes(), &8_u32.to_be_bytes()].concat();
    let put = request(Method::PUT, "/api/v1/images/logo.png").header("cookie", &ada).header("override", "the logo");
    let put = call(&site.router, coming(put.body(Body::from(png)).unwrap(), NEAR)).await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.text());

    let items = site.audit(&ada, 6).await;
    let of = |n: usize| (items[n]["before"].clone(), items[n]["after"].clone());
    assert_eq!((of(0).0, of(0).1["width"].clone()), (Value::Null, json!(8)), "{}", items[0]);
    let (before, after) = of(1);
    assert_eq!(
        (&before["live"], &after["live"]),
        (&json!({"slate_text": null}), &json!({"slate_text": "Back at nine"}))
    );
    let (before, after) = of(2);
    assert_eq!((before, &after["reason"]), (Value::Null, &json!("Cup final")));
    let (before, after) = of(3);
    assert_eq!((&before["name"], after), (&json!("robot"), Value::Null), "{}", items[3]);
}

#[tokio::test]
async fn a_stream_ends_with_the_session_that_opened_it() {
    let (site, ada) = with_ada().await;
    let vic = site.user(&ada, "vic", "viewer").await;
    let asked = request(Method::GET, "/api/v1/events").header("cookie", &vic).body(Body::empty()).unwrap();
    let stream = tower::ServiceExt::oneshot(site.router.clone(), coming(asked, NEAR)).await.unwrap();
    assert_eq!(stream.status(), StatusCode::OK);
    let reading = tokio::spawn(axum::body::to_bytes(stream.into_body(), usize::MAX));
    let gone = site.ask(Method::DELETE, "/api/v1/users/vic", NEAR, &ada, None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    let read = tokio::time::timeout(Duration::from_secs(60), reading).await.expect("the stream goes on");
    assert!(read.unwrap().is_ok());
}

#[tokio::test]
async fn an_act_whose_client_has_left_is_in_the_audit_log() {
    let (mut site, ada) = with_ada().await;
    let asked =
        request(Method::POST, "/api/v1/channels/demo/slate").header("cookie", &ada).body(Body::empty()).unwrap();
    let (router, asked) = (site.router.clone(), coming(asked, NEAR));
    let answer = tokio::spawn(async move { call(&router, asked).await });
    let _command = site.rig.requests.recv().await.unwrap();
    answer.abort();
    assert!(answer.await.is_err());
    let items = site.audit(&ada, 2).await;
    assert_eq!((&items[0]["code"], &items[0]["who"]), (&json!("client_left"), &json!("ada")));
}

#[tokio::test]
async fn a_key_is_of_one_caller_in_all_its_sessions_and_of_no_login() {
    let (mut site, ada) = with_ada().await;
    let olga = site.user(&ada, "olga", "operator").await;
    let slate = |who: &str| {
        let asked = request(Method::POST, "/api/v1/channels/demo/slate").header("idempotency-key", "one");
        coming(asked.header("cookie", who).body(Body::empty()).unwrap(), NEAR)
    };
    for who in [&ada, &olga] {
        let (router, asked) = (site.router.clone(), slate(who));
        let answer = tokio::spawn(async move { call(&router, asked).await });
        let (_, reply) = site.rig.requests.recv().await.unwrap();
        reply.send(Ok(outcome("slate"))).unwrap();
        assert_eq!(answer.await.unwrap().header("idempotent-replayed"), "", "somebody else's key is another one");
    }
    let login = json!({ "name": "olga", "password": PASSWORD });
    let login = |key: &str| {
        let asked = request(Method::POST, "/api/v1/session").header("idempotency-key", key);
        let asked = asked.header("content-type", "application/json").body(Body::from(login.to_string())).unwrap();
        coming(asked, NEAR)
    };
    let (first, second) = (call(&site.router, login("two")).await, call(&site.router, login("two")).await);
    assert_eq!((first.status, second.status), (StatusCode::CREATED, StatusCode::CREATED));
    assert_ne!(cookie(&first), cookie(&second), "a session was given out twice");
    let again = call(&site.router, slate(&cookie(&second))).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (StatusCode::OK, "true"));
    assert!(site.rig.requests.try_recv().is_err(), "a repeated command reached the supervisor");
}

/// What a technician wrote stands in it as it is, secrets of addresses included: whoever may not change it does not see it.
#[tokio::test]
async fn the_text_of_the_configuration_is_for_who_may_change_it() {
    let (site, ada) = with_ada().await;
    let file = site.dir.path().join("uplinkd.toml");
    let urls = ["srt://h:1?passphrase=CANARY", "https://u:CANARY@h/", "https://h/whip?key=CANARY"];
    std::fs::write(&file, urls.map(|url| format!("url = \"{url}\"\n")).concat()).unwrap();
    site.rig.change(|status| status.config.path = file.display().to_string());
    let mut showing = vec![(String::new(), 401)];
    for (name, role, status) in [("vic", "viewer", 403), ("olga", "operator", 403), ("ed", "engineer", 200)] {
        showing.push((site.user(&ada, name, role).await, status));
        showing.push((site.token(&ada, json!({ "name": format!("of-{name}"), "role": role })).await.1, status));
    }
    showing.push((site.token(&ada, json!({ "name": "wall", "scopes": ["metrics"] })).await.1, 403));
    showing.push((ada.clone(), 200));
    for (show, status) in showing {
        let answer = site.get("/api/v1/config", NEAR, &show).await;
        assert_eq!(answer.status.as_u16(), status, "{show}: {}", answer.text());
        assert_eq!(answer.text().matches("CANARY").count(), if status == 200 { 3 } else { 0 }, "{show}");
    }
    let shown =
        site.get("/api/v1/status", NEAR, &ada).await.text() + &site.get("/api/v1/audit", NEAR, &ada).await.text();
    assert!(!shown.contains("CANARY"), "{shown}");
}

#[tokio::test]
async fn a_marker_is_set_by_whoever_has_logged_in() {
    let (mut site, ada) = with_ada().await;
    let olga = site.user(&ada, "olga", "operator").await;
    let asked = request(Method::POST, "/api/v1/channels/demo/destinations/archive/recording");
    let asked = asked.header("cookie", &olga).header("content-type", "application/json");
    let asked = asked.body(Body::from(r#"{"action":"marker","text":"Goal","by":"ada"}"#)).unwrap();
    let (router, asked) = (site.router.clone(), coming(asked, NEAR));
    let answer = tokio::spawn(async move { call(&router, asked).await });
    let (command, reply) = site.rig.requests.recv().await.unwrap();
    let ask = RecordingAsk::Marker { text: "Goal".into(), by: Some("olga".into()) };
    let archive = DestinationId::new("archive").unwrap();
    assert_eq!(command, Command::Act(id("demo"), Act::Record { destination: archive, ask }));
    reply.send(Ok(outcome("marked"))).unwrap();
    assert_eq!(answer.await.unwrap().status, StatusCode::OK);
}

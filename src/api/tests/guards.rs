//! Freeze and confirmations, over the whole router.

use std::sync::mpsc;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::guards::Freezer;
use super::super::routes::Api;
use super::resources::{Answer, call, request, sure};
use super::rig::{Rig, id, rig};
use crate::model::status::ChannelState;
use crate::model::{ChannelEffect, Event, EventCode};
use crate::store::Store;
use crate::supervisor::{Command, Outcome};

const STOP: &str = "/api/v1/channels/demo/stop";
const FREEZE: &str = "/api/v1/freeze";

struct Stage {
    router: axum::Router,
    rig: Rig,
    told: mpsc::Receiver<Event>,
    _dir: tempfile::TempDir,
}

fn stage() -> Stage {
    let dir = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(dir.path());
    let (tell, told) = mpsc::channel();
    let (store, _) = Store::open(&dir.path().join("uplink.db"), |_| {});
    let freezer = Freezer::kept_by(store, Box::new(move |event| drop(tell.send(event))));
    let router = Api::new(handle, CancellationToken::new()).with_freezer(freezer).router();
    Stage { router, rig, told, _dir: dir }
}

impl Stage {
    async fn freeze(&self, wanted: Value) {
        let answer = call(&self.router, asked("PUT", FREEZE, &[], &wanted)).await;
        assert_eq!((answer.status, &answer.json()["changed"]), (StatusCode::OK, &true.into()));
    }

    fn nothing_was_done(&mut self) {
        assert!(self.rig.requests.try_recv().is_err(), "it reached the supervisor");
    }

    /// Codes of what was told since the last look.
    fn told(&self) -> Vec<EventCode> {
        self.told.try_iter().map(|event| event.code).collect()
    }

    fn sent(&self, request: Request<Body>) -> JoinHandle<Answer> {
        let router = self.router.clone();
        tokio::spawn(async move { call(&router, request).await })
    }

    /// Sends it, and answers the supervisor's mail until it is answered itself.
    async fn carried(&mut self, request: Request<Body>, effects: &[ChannelEffect]) -> (Answer, Vec<Command>) {
        let mut answer = self.sent(request);
        let mut commands = Vec::new();
        loop {
            tokio::select! {
                answer = &mut answer => return (answer.unwrap(), commands),
                Some((command, reply)) = self.rig.requests.recv() => {
                    reply.send(Ok(outcome(effects))).unwrap();
                    commands.push(command);
                }
            }
        }
    }
}

fn asked(method: &str, path: &str, headers: &[(&'static str, &str)], body: &Value) -> Request<Body> {
    let mut asked = request(method.parse().unwrap(), path);
    for (name, value) in headers {
        asked = asked.header(*name, *value);
    }
    let body = if body.is_null() { String::new() } else { body.to_string() };
    asked.header("content-type", "application/json").body(Body::from(body)).unwrap()
}

fn outcome(effects: &[ChannelEffect]) -> Outcome {
    Outcome {
        changed: true,
        order: None,
        program: None,
        state: None,
        showing: None,
        acted: None,
        channels: Some(effects.to_vec()),
        text: "it is done".into(),
    }
}

fn effect(channel: &str, effect: &str) -> ChannelEffect {
    serde_json::from_value(json!({"channel": channel, "effect": effect, "off_air_seconds": 1.0})).unwrap()
}

fn token(answer: &Answer) -> String {
    answer.is_problem(428, "confirmation_required")["confirm"]["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_stop_is_confirmed_once_for_itself_alone() {
    let mut stage = stage();
    let stop = |token: &str| asked("POST", STOP, &[("confirm", token)], &Value::Null);
    let first = call(&stage.router, asked("POST", STOP, &[], &Value::Null)).await;
    let confirm = first.json()["confirm"].clone();
    assert_eq!(confirm["text"], "channel `demo` (Evening briefing) goes OFF AIR for everybody who watches it");
    assert_eq!((&confirm["tier"], &confirm["seconds"], &confirm["name"]), (&2.into(), &10.into(), &Value::Null));
    let token_of_demo = token(&first);
    let other = asked("POST", "/api/v1/channels/studio-b/stop", &[("confirm", token_of_demo.as_str())], &Value::Null);
    let refused = call(&stage.router, other).await.is_problem(428, "confirmation_required");
    assert!(refused["detail"].as_str().unwrap().contains("of something else"), "{refused}");
    // It was used up by that.
    let again = call(&stage.router, stop(&token_of_demo)).await;
    let other_body = asked("POST", STOP, &[("confirm", token(&again).as_str())], &json!({}));
    token(&call(&stage.router, other_body).await);
    let mut somebody_else = stop(&token(&call(&stage.router, stop("ask")).await));
    somebody_else.headers_mut().insert("authorization", "Bearer another".parse().unwrap());
    token(&call(&stage.router, somebody_else).await);
    stage.nothing_was_done();
    let good = token(&call(&stage.router, stop("ask")).await);
    let (done, commands) = stage.carried(stop(&good), &[]).await;
    assert_eq!((done.status, commands), (StatusCode::OK, vec![Command::Stop(id("demo"))]));
    token(&call(&stage.router, stop(&good)).await);
    stage.nothing_was_done();
}

#[tokio::test]
async fn what_is_left_is_given_up_by_who_confirms_it() {
    let mut stage = stage();
    let late = id("late-show");
    stage.rig.change(|status| {
        status.channels.iter_mut().filter(|one| one.id == late).for_each(|one| one.state = ChannelState::Delivering);
    });
    let stop = |query: &str, headers: &[(&'static str, &str)]| {
        asked("POST", &format!("/api/v1/channels/late-show/stop{query}"), headers, &Value::Null)
    };
    let first = call(&stage.router, stop("?now=true", &[])).await;
    let text = "what is left of channel `late-show` (Late show) is delivered no more, until it is on air again";
    assert_eq!(first.json()["confirm"]["text"], text);
    stage.nothing_was_done();
    let confirmation = token(&first);
    let (_, commands) = stage.carried(stop("?now=true", &[("confirm", confirmation.as_str())]), &[]).await;
    assert_eq!(commands, [Command::StopNow(late.clone())]);
    // It is off air already, and delivers on.
    assert_eq!(stage.carried(stop("", &[]), &[]).await.1, [Command::Stop(late)]);
}

#[tokio::test]
async fn what_nobody_would_notice_is_done_at_once() {
    let mut stage = stage();
    let off = asked("POST", "/api/v1/channels/late-show/stop", &[], &Value::Null);
    assert_eq!(stage.carried(off, &[]).await.1, [Command::Stop(id("late-show"))]);
    let set = |body| asked("POST", "/api/v1/channels/demo/set", &[], &body);
    let slate = set(json!({"set": "slate_text", "text": "Back at nine"}));
    assert_eq!(stage.carried(slate, &[]).await.1.len(), 1);
    let used = json!({"set": "destination", "destination": "origin-a", "enabled": true});
    assert_eq!(stage.carried(set(used), &[]).await.1.len(), 1);
    let unused = json!({"set": "destination", "destination": "origin-a", "enabled": false});
    let said = call(&stage.router, set(unused)).await.is_problem(428, "confirmation_required");
    assert!(
        said["confirm"]["text"].as_str().unwrap().starts_with("destination `origin-a` of channel `demo`"),
        "{said}"
    );
    // What is refused anyway needs no confirmation.
    call(&stage.router, set(json!({"set": "nonsense"}))).await.is_problem(400, "malformed");
    // An address can be written in another way.
    token(&call(&stage.router, asked("POST", "/api/v1/channels/%64emo/stop", &[], &Value::Null)).await);
    stage.nothing_was_done();
}

#[tokio::test]
async fn to_ask_only_asks() {
    let mut stage = stage();
    for (method, path) in [
        ("POST", "/api/v1/channels/demo/start"),
        ("POST", "/api/v1/channels/late-show/stop"),
        ("POST", "/api/v1/channels/demo/slate"),
        ("PUT", FREEZE),
        ("DELETE", "/api/v1/images/none.png"),
    ] {
        token(&call(&stage.router, asked(method, path, &[("confirm", "ask")], &json!({}))).await);
    }
    stage.nothing_was_done();
    assert_eq!(call(&stage.router, asked("GET", FREEZE, &[], &Value::Null)).await.json()["freeze"], Value::Null);
}

#[tokio::test]
async fn a_reload_says_what_it_would_interrupt() {
    let mut stage = stage();
    let reload = |headers: &[(&'static str, &str)]| asked("POST", "/api/v1/config/reload", headers, &Value::Null);
    let quiet = [effect("demo", "live"), effect("studio-b", "unchanged")];
    let (done, commands) = stage.carried(reload(&[]), &quiet).await;
    assert_eq!((done.status, commands), (StatusCode::OK, vec![Command::DryReload, Command::Reload]));
    let loud = [effect("demo", "restart"), effect("studio-b", "unchanged")];
    let (asks, commands) = stage.carried(reload(&[]), &loud).await;
    let confirm = asks.json()["confirm"]["text"].as_str().unwrap().to_owned();
    assert_eq!(confirm, "channel `demo` is off air for about 1.0 s, its worker is replaced");
    assert_eq!(commands, [Command::DryReload]);
    // Meanwhile somebody has written something else.
    let louder = [effect("demo", "restart"), effect("studio-b", "stops")];
    let (asks, _) = stage.carried(reload(&[("confirm", token(&asks).as_str())]), &louder).await;
    let (done, commands) = stage.carried(reload(&[("confirm", token(&asks).as_str())]), &louder).await;
    assert_eq!((done.status, commands), (StatusCode::OK, vec![Command::DryReload, Command::Reload]));
    let dry = asked("POST", "/api/v1/config/reload?dry_run=true", &[], &Value::Null);
    assert_eq!(stage.carried(dry, &loud).await.1, [Command::DryReload]);
}

#[tokio::test]
async fn a_freeze_holds_what_changes_and_not_what_runs_the_show() {
    let mut stage = stage();
    let until = "2099-11-21T22:00:00Z";
    stage.freeze(json!({"reason": "Cup final", "until": until, "by": "ada"})).await;
    assert_eq!(stage.told(), [EventCode::FreezeBegan]);
    let status = call(&stage.router, asked("GET", "/api/v1/status", &[], &Value::Null)).await.json();
    assert_eq!((&status["freeze"]["by"], &status["freeze"]["until"]), (&"ada".into(), &until.into()));
    let unused = json!({"set": "destination", "destination": "origin-a", "enabled": false});
    for (path, body) in [(STOP, Value::Null), ("/api/v1/channels/demo/set", unused)] {
        let problem = call(&stage.router, asked("POST", path, &[], &body)).await.is_problem(423, "frozen");
        let frozen = &problem["frozen"];
        assert_eq!(
            (&frozen["by"], &frozen["reason"], &frozen["until"]),
            (&"ada".into(), &"Cup final".into(), &until.into())
        );
        assert!(problem["detail"].as_str().unwrap().contains("`Override: <reason>`"), "{problem}");
    }
    stage.nothing_was_done();
    let (held, commands) = stage.carried(asked("POST", "/api/v1/config/reload", &[], &Value::Null), &[]).await;
    held.is_problem(423, "frozen");
    assert_eq!(commands, [Command::DryReload], "nothing was read to be put in force");
    for verb in ["slate", "release", "start"] {
        let free = asked("POST", &format!("/api/v1/channels/demo/{verb}"), &[], &Value::Null);
        assert_eq!(stage.carried(free, &[]).await.1.len(), 1, "{verb}");
    }
    let failover = json!({"set": "endpoint", "destination": "origin-a", "endpoint": "backup-1"});
    let failover = asked("POST", "/api/v1/channels/demo/set", &[], &failover);
    assert_eq!(stage.carried(failover, &[]).await.1.len(), 1);
}

#[tokio::test]
async fn the_glass_can_be_broken_and_that_is_recorded() {
    let mut stage = stage();
    stage.freeze(json!({"reason": "Cup final"})).await;
    stage.told();
    let stop = |headers: &[(&'static str, &str)]| asked("POST", STOP, headers, &Value::Null);
    call(&stage.router, stop(&[("override", " ")])).await.is_problem(400, "malformed");
    let why = ("override", "the%20police%20want%20it");
    let confirmation = token(&call(&stage.router, stop(&[why])).await);
    assert!(stage.told().is_empty(), "nothing is broken before it is confirmed");
    let (done, commands) = stage.carried(stop(&[why, ("confirm", confirmation.as_str())]), &[]).await;
    assert_eq!((done.header("overridden"), commands), ("freeze", vec![Command::Stop(id("demo"))]));
    let event = stage.told.try_recv().unwrap();
    assert_eq!(event.code, EventCode::FreezeOverridden);
    assert!(event.text.contains("OFF AIR") && event.text.contains("the police want it"), "{}", event.text);
}

#[tokio::test]
async fn a_freeze_of_a_channel_leaves_the_others_alone() {
    let mut stage = stage();
    stage.freeze(json!({"reason": "Cup final", "channels": ["demo"]})).await;
    call(&stage.router, asked("POST", STOP, &[], &Value::Null)).await.is_problem(423, "frozen");
    token(&call(&stage.router, asked("POST", "/api/v1/channels/studio-b/stop", &[], &Value::Null)).await);
    let reload = || asked("POST", "/api/v1/config/reload", &[], &Value::Null);
    let (held, _) = stage.carried(reload(), &[effect("demo", "live")]).await;
    held.is_problem(423, "frozen");
    let (done, _) = stage.carried(reload(), &[effect("demo", "unchanged"), effect("studio-b", "live")]).await;
    assert_eq!(done.status, StatusCode::OK);
}

#[tokio::test]
async fn a_freeze_is_ended_by_a_second_thought() {
    let stage = stage();
    for bad in [json!({}), json!({"reason": ""}), json!({"reason": "x", "until": "2020-01-01T00:00:00Z"})] {
        assert_eq!(call(&stage.router, asked("PUT", FREEZE, &[], &bad)).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    let unknown = json!({"reason": "x", "channels": ["nobody"]});
    call(&stage.router, asked("PUT", FREEZE, &[], &unknown)).await.is_problem(404, "unknown_channel");
    stage.freeze(json!({"reason": "Cup final"})).await;
    token(&call(&stage.router, asked("PUT", FREEZE, &[], &json!({"reason": "less", "channels": ["demo"]}))).await);
    token(&call(&stage.router, asked("DELETE", FREEZE, &[], &Value::Null)).await);
    assert_eq!(stage.told(), [EventCode::FreezeBegan]);
    let ended = sure(&stage.router, asked("DELETE", FREEZE, &[], &json!({"by": "ben"}))).await.json();
    assert_eq!((&ended["changed"], &ended["freeze"]), (&true.into(), &Value::Null));
    let nothing = call(&stage.router, asked("DELETE", FREEZE, &[], &Value::Null)).await.json();
    assert_eq!((&nothing["changed"], &nothing["text"]), (&false.into(), &"nothing is frozen".into()));
    assert_eq!(stage.told(), [EventCode::FreezeEnded]);
}

#[tokio::test]
async fn a_key_and_a_confirmation_go_together() {
    let mut stage = stage();
    let key = ("idempotency-key", "one");
    let stop = |headers: &[(&'static str, &str)]| asked("POST", STOP, headers, &Value::Null);
    let confirmation = token(&call(&stage.router, stop(&[key])).await);
    let (first, commands) = stage.carried(stop(&[key, ("confirm", confirmation.as_str())]), &[]).await;
    assert_eq!((first.header("idempotent-replayed"), commands.len()), ("", 1));
    for headers in [&[key][..], &[key, ("confirm", confirmation.as_str())]] {
        let again = call(&stage.router, stop(headers)).await;
        assert_eq!((again.header("idempotent-replayed"), &again.body), ("true", &first.body));
    }
    stage.nothing_was_done();
}

#[tokio::test]
async fn what_cannot_be_brought_back_wants_its_name() {
    let stage = stage();
    let contract: Value = serde_json::from_str(&super::super::contract()).unwrap();
    let delete = &contract["paths"]["/api/v1/recordings/{channel}/{id}"]["delete"];
    assert_eq!(delete["x-tier"], 3);
    let takes: Vec<_> =
        delete["parameters"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for header in ["confirm", "confirm-name", "override"] {
        assert!(takes.contains(&header), "{takes:?}");
    }
    let unknown = request(Method::DELETE, "/api/v1/recordings/demo/20261121T070000Z").body(Body::empty()).unwrap();
    call(&stage.router, unknown).await.is_problem(404, "unknown_recording");
}

#[tokio::test]
async fn event_streams_hear_of_a_freeze_though_the_snapshot_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let (handle, _rig) = rig(dir.path());
    let (store, _) = Store::open(&dir.path().join("uplink.db"), |_| {});
    let freezer = Freezer::kept_by(store, Box::new(|_| {}));
    let api = Api::new(handle, CancellationToken::new()).with_freezer(freezer);
    let said = || format!("{:?}", api.rendered.status(&api));
    assert!(!said().contains("Cup final"));
    let answer = call(&api.clone().router(), asked("PUT", FREEZE, &[], &json!({"reason": "Cup final"}))).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(said().contains("Cup final"), "the frame of before is sent again");
}

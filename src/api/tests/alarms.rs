//! Alarms by HTTP: the list, what people say about one, and who is told.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::resources::{Answer, call, request};
use super::rig::{appliance, now, rig};
use crate::alarm::{Alarms, Setting};
use crate::api::routes::Api;
use crate::model::cost::{CostStatus, Month};
use crate::notify::Notifier;
use crate::store::Store;

struct Desk {
    router: axum::Router,
    alarms: Alarms,
    _dir: tempfile::TempDir,
    _rig: super::rig::Rig,
}

/// With what is wrong in the rig's studio: a lost source, a lost destination and its backlog.
fn desk() -> Desk {
    let dir = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(dir.path());
    let (store, _) = Store::open(&dir.path().join("uplink.db"), |_| {});
    let alarms = listing(store);
    (0..10).for_each(|secs| alarms.look(&appliance(), now() + Duration::from_secs(secs)));
    let api = Api::new(handle, CancellationToken::new()).with_alarms(alarms.clone(), Notifier::idle());
    Desk { router: api.router(), alarms, _dir: dir, _rig: rig }
}

pub(crate) fn listing(store: Store) -> Alarms {
    Alarms::new(Setting {
        store,
        tell: Box::new(|_| {}),
        pass: Box::new(|_| {}),
        costs: Box::new(|| CostStatus { now: now(), month: Month::of(now()), complete: true, channels: Vec::new() }),
    })
}

impl Desk {
    async fn get(&self, path: &str) -> Answer {
        call(&self.router, request(Method::GET, path).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, body: Option<Value>) -> Answer {
        let request = request(Method::POST, &format!("/api/v1/alarms/{path}"));
        let request = match body {
            Some(body) => request.header("content-type", "application/json").body(Body::from(body.to_string())),
            None => request.body(Body::empty()),
        };
        call(&self.router, request.unwrap()).await
    }
}

const LOST: &str = "source_lost.studio-b.cam-1";

#[tokio::test]
async fn the_list_says_what_is_wrong_and_what_to_do() {
    let desk = desk();
    let list = desk.get("/api/v1/alarms").await.json();
    let ids: Vec<&str> = list["items"].as_array().unwrap().iter().map(|alarm| alarm["id"].as_str().unwrap()).collect();
    let expected = ["destination_behind.studio-b.origin-b", "destination_interrupted.studio-b.origin-b", LOST];
    assert!(expected.iter().all(|id| ids.contains(id)) && ids.len() == 3, "{ids:?}");
    assert_eq!(list["counts"], json!({"critical": 0, "warning": 3, "info": 0, "unacknowledged": 3, "shelved": 0}));
    let one = desk.get(&format!("/api/v1/alarms/{LOST}")).await.json();
    assert_eq!(
        (&one["code"], &one["channel"], &one["subject"]),
        (&json!("source_lost"), &json!("studio-b"), &json!("cam-1"))
    );
    assert!(one["reason"].as_str().unwrap().contains("no picture for 42 s"), "{one}");
    assert!(one["action"].as_str().unwrap().contains("camera"), "{one}");
    assert_eq!(desk.get("/api/v1/status").await.json()["alarms"], list["counts"]);
    desk.get("/api/v1/alarms/off_air.demo").await.is_problem(404, "unknown_alarm");
}

#[tokio::test]
async fn the_list_comes_in_pages_and_counts_all_of_them() {
    let desk = desk();
    let all = desk.get("/api/v1/alarms").await.json();
    let ids = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|alarm| alarm["id"].as_str().unwrap().to_owned()).collect()
    };
    let (mut path, mut seen) = ("/api/v1/alarms?limit=1".to_owned(), Vec::new());
    loop {
        let answer = desk.get(&path).await;
        assert!(!answer.header("etag").is_empty());
        let page = answer.json();
        assert_eq!(page["counts"], all["counts"]);
        seen.extend(ids(&page));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/alarms?limit=1&cursor={cursor}");
        assert_eq!(answer.header("link"), format!("<{path}>; rel=\"next\""));
    }
    assert_eq!(seen, ids(&all), "each once, in order");
    desk.get("/api/v1/alarms?cursor=8-x-y").await.is_problem(400, "malformed");
}

#[tokio::test]
async fn one_is_acknowledged_put_aside_and_taken_up_again() {
    let desk = desk();
    let answer = desk.post(&format!("{LOST}/ack"), Some(json!({"by": "Ada"}))).await.json();
    assert_eq!((&answer["changed"], &answer["alarm"]["acked"]["by"]), (&json!(true), &json!("Ada")));
    let again = desk.post(&format!("{LOST}/ack"), None).await;
    assert_eq!((again.status, &again.json()["changed"]), (StatusCode::OK, &json!(false)));
    let shelf = json!({"minutes": 30, "reason": "the camera is being moved", "by": "Ada"});
    let answer = desk.post(&format!("{LOST}/shelve"), Some(shelf)).await.json();
    assert_eq!(answer["alarm"]["shelved"]["reason"], "the camera is being moved");
    assert!(answer["text"].as_str().unwrap().contains("is shelved until 20"), "{answer}");
    assert_eq!(desk.alarms.counts().shelved, 1);
    assert_eq!(desk.post(&format!("{LOST}/unshelve"), None).await.json()["changed"], true);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let desk = desk();
    let shelve = format!("{LOST}/shelve");
    for (body, status, code) in [
        (json!({"minutes": 31, "reason": "rain"}), 422, "too_long"),
        (json!({"minutes": 0, "reason": "rain"}), 422, "too_long"),
        (json!({"minutes": 5}), 400, "malformed"),
        (json!({"minutes": 5, "reason": " "}), 400, "malformed"),
        (json!({"minutes": 5, "reason": "a\nb"}), 400, "malformed"),
        (json!({"minutes": 5, "reason": "x".repeat(201)}), 400, "malformed"),
        (json!({"minutes": -5, "reason": "rain"}), 400, "malformed"),
        (json!({"minutes": 5, "reason": "rain", "for": "ever"}), 400, "malformed"),
        (json!([5, "rain", null]), 400, "malformed"),
    ] {
        desk.post(&shelve, Some(body)).await.is_problem(status, code);
    }
    desk.post(&shelve, None).await.is_problem(415, "not_json");
    for body in [json!({"by": ""}), json!([]), json!("ada"), json!(null)] {
        desk.post(&format!("{LOST}/ack"), Some(body)).await.is_problem(400, "malformed");
    }
    for path in ["nothing/ack", "..%2fetc/ack", "off_air.demo/unshelve"] {
        desk.post(path, None).await.is_problem(404, "unknown_alarm");
    }
    assert!(desk.alarms.list().iter().all(|alarm| alarm.acked.is_none() && alarm.shelved.is_none()));
}

#[tokio::test]
async fn alarms_are_metrics() {
    let desk = desk();
    desk.post(&format!("{LOST}/ack"), None).await;
    let text = desk.get("/metrics").await.text();
    for line in [
        "uplink_alarms_active{priority=\"critical\"} 0.0",
        "uplink_alarms_active{priority=\"warning\"} 3.0",
        "uplink_alarms_unacknowledged 2.0",
        "uplink_alarms_shelved 0.0",
        "uplink_alarms_raised_total{code=\"source_lost\",priority=\"warning\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "no `{line}` in\n{text}");
    }
}

#[tokio::test]
async fn nobody_is_told_unless_the_configuration_says_so() {
    let desk = desk();
    assert_eq!(desk.get("/api/v1/notify").await.json(), json!([]));
    let request = request(Method::POST, "/api/v1/notify/ops/test").body(Body::empty()).unwrap();
    call(&desk.router, request).await.is_problem(404, "unknown_receiver");
}

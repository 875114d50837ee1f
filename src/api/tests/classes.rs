//! Stream classes over the whole router, with files on a disk and a configuration that is read.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::guards::Freezer;
use super::super::routes::Api;
use super::resources::{Answer, call, request, sure};
use super::rig::rig;
use super::site::{CLASS, Site};
use crate::access::Access;
use crate::model::ChannelEffect;
use crate::store::{Accounts, Store};
use crate::supervisor::{Command, Refusal};

pub(super) struct Stage {
    pub(super) router: axum::Router,
    pub(super) site: Site,
    /// Without a permit no reload is answered.
    gate: Arc<Semaphore>,
    _engine: JoinHandle<()>,
    _dir: tempfile::TempDir,
}

pub(super) async fn stage() -> Stage {
    let dir = tempfile::tempdir().unwrap();
    let (handle, mut rig) = rig(dir.path());
    let site = Site::new(dir.path());
    rig.change(|status| status.config.path = site.config());
    let setting = |key: &str, value: &str| crate::config::Setting {
        key: key.into(),
        value: value.into(),
        line: None,
        column: None,
    };
    rig.written.put([setting("channels.demo.stream_class", CLASS)].into(), Arc::default());
    let (store, _) = Store::open(&dir.path().join("uplink.db"), |_| {});
    let access = Access::of(Accounts::new(&dir.path().join("access.db")), dir.path(), true).await;
    let api = Api::new(handle, CancellationToken::new()).with_classes(site.classes.clone()).with_access(access);
    let router = api.with_freezer(Freezer::kept_by(store, Box::new(|_| {}))).router();
    let (engine, gate) = (site.clone(), Arc::new(Semaphore::new(1)));
    let held = gate.clone();
    let engine = tokio::spawn(async move {
        while let Some((command, reply)) = rig.requests.recv().await {
            let _open = match command {
                Command::Reload => Some(held.acquire().await.unwrap()),
                _ => None,
            };
            let _ = reply.send(engine.answer(command));
        }
    });
    Stage { router, site, gate, _engine: engine, _dir: dir }
}

impl Stage {
    async fn get(&self, below: &str) -> Answer {
        let path = format!("/api/v1/stream-classes{below}");
        call(&self.router, request(Method::GET, &path).body(Body::empty()).unwrap()).await
    }

    /// The class, and the tag that names it.
    async fn class(&self) -> (Value, String) {
        let found = self.get(&format!("/{CLASS}")).await;
        (found.json(), found.header("etag").to_owned())
    }

    fn post(&self, below: &str, tag: &str, body: &Value) -> Request<Body> {
        let asked = request(Method::POST, &format!("/api/v1/stream-classes/{CLASS}/{below}"));
        let asked = if tag.is_empty() { asked } else { asked.header("if-match", tag) };
        asked.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
    }

    async fn sent(&self, below: &str, tag: &str, body: &Value) -> Answer {
        sure(&self.router, self.post(below, tag, body)).await
    }

    /// The numbers of all versions, newest first.
    async fn versions(&self) -> Vec<u64> {
        let page = self.get(&format!("/{CLASS}/versions")).await.json();
        page["items"].as_array().unwrap().iter().map(|kept| kept["version"].as_u64().unwrap()).collect()
    }

    fn shipped(&self) -> String {
        std::fs::read_to_string(self.site.shipped()).unwrap()
    }

    /// The shipped text with another owner.
    fn text(&self, owner: &str) -> String {
        let lines = self.shipped();
        let lines = lines.lines().map(|line| match line.starts_with("owner = ") {
            true => format!("owner = \"{owner}\"\n"),
            false => format!("{line}\n"),
        });
        lines.collect()
    }

    pub(super) fn reloads(&self) -> usize {
        self.site.asked.lock().unwrap().iter().filter(|command| **command == Command::Reload).count()
    }
}

pub(super) fn interrupted() -> ChannelEffect {
    let destinations = json!([{"destination": "cloud", "change": "interrupted", "seconds": 1.2}]);
    serde_json::from_value(
        json!({"channel": "demo", "effect": "restart", "off_air_seconds": 1.2, "destinations": destinations}),
    )
    .unwrap()
}

#[tokio::test]
async fn a_text_is_looked_at_applied_and_taken_back_to_what_is_shipped() {
    let stage = stage().await;
    let all = stage.get("").await.json();
    let talk = all.as_array().unwrap().iter().find(|one| one["name"] == CLASS).unwrap().clone();
    assert_eq!((&talk["own"], &talk["shipped"], &talk["in_force"]), (&false.into(), &true.into(), &true.into()));
    assert_eq!((&talk["channels"], &talk["newest"]["version"]), (&json!(["demo"]), &1.into()));
    let (class, tag) = stage.class().await;
    assert_eq!(class["text"], stage.shipped());

    let text = stage.text("Court 2");
    let wanted = json!({"text": text, "comment": "Court 2 answers for it"});
    let dry = stage.sent("apply?dry_run=true", &tag, &wanted).await.json();
    assert_eq!((&dry["changed"], &dry["version"]), (&false.into(), &Value::Null), "{dry}");
    assert!(dry["difference"].as_str().unwrap().contains("+owner = \"Court 2\"\n"), "{dry}");
    assert!(!stage.site.copy().exists() && stage.reloads() == 0, "a dry run writes and reloads nothing");

    let done = stage.sent("apply", &tag, &wanted).await.json();
    assert_eq!((&done["changed"], &done["version"]), (&true.into(), &2.into()), "{done}");
    assert!(done["asked"].as_str().unwrap().contains(CLASS), "{done}");
    assert_eq!(std::fs::read_to_string(stage.site.copy()).unwrap(), text);
    let (class, _) = stage.class().await;
    assert_eq!((&class["own"], &class["in_force"], &class["owner"]), (&true.into(), &true.into(), &"Court 2".into()));
    assert_eq!(class["shipped_text"], stage.shipped());
    let kept = stage.get(&format!("/{CLASS}/versions/2")).await.json();
    assert_eq!((&kept["text"], &kept["about"]["comment"]), (&text.into(), &"Court 2 answers for it".into()));
    assert_eq!((&kept["about"]["how"], &kept["about"]["own"]), (&"applied".into(), &true.into()));
    let between = stage.get(&format!("/{CLASS}/diff?from=1&to=2")).await.json();
    let lines: Vec<&str> = between["text"].as_str().unwrap().lines().collect();
    assert!(lines.contains(&"+owner = \"Court 2\"") && lines.iter().filter(|line| line.starts_with('-')).count() == 2);

    let back = stage.sent("rollback", "", &json!({"shipped": true})).await.json();
    assert_eq!(back["version"], 3, "{back}");
    assert!(!stage.site.copy().exists());
    assert_eq!(stage.versions().await, [3, 2, 1]);
    let again = stage.sent("rollback", "", &json!({"version": 2})).await.json();
    assert_eq!((&again["version"], stage.class().await.0["owner"].clone()), (&4.into(), "Court 2".into()));
    assert_eq!(stage.reloads(), 3);
}

#[tokio::test]
async fn of_two_engineers_one_is_told() {
    let stage = stage().await;
    let (_, tag) = stage.class().await;
    assert_eq!(stage.sent("apply", &tag, &json!({"text": stage.text("Ada")})).await.status, StatusCode::OK);
    stage.sent("apply", &tag, &json!({"text": stage.text("Bob")})).await.is_problem(412, "changed");
    stage.sent("rollback", &tag, &json!({"version": 1})).await.is_problem(412, "changed");
    assert_eq!(std::fs::read_to_string(stage.site.copy()).unwrap(), stage.text("Ada"));
    assert_eq!(stage.versions().await, [2, 1]);
}

#[tokio::test]
async fn faults_have_their_lines_and_nothing_faulty_is_written() {
    let stage = stage().await;
    let line = stage.shipped().lines().position(|line| line.starts_with("owner")).unwrap() + 1;
    let faulty = stage.shipped().replacen("owner = ", "onwer = ", 1);
    let report = stage.sent("check", "", &json!({"text": faulty})).await.json();
    let faults = report["faults"].as_array().unwrap();
    let typo = faults.iter().find(|fault| fault["key"] == "onwer").unwrap();
    assert_eq!((&report["good"], &typo["line"], &typo["column"]), (&false.into(), &line.into(), &1.into()));
    assert_eq!(typo["file"], stage.site.copy().display().to_string());
    let good = stage.sent("check", "", &json!({"text": stage.text("Ada")})).await.json();
    assert_eq!((&good["good"], &good["faults"]), (&true.into(), &json!([])), "{good}");
    for text in [faulty.as_str(), "", "[half", "name = \"other\"\n"] {
        let refused = stage.sent("apply", "", &json!({"text": text})).await.is_problem(422, "faulty_configuration");
        let first = refused["errors"][0]["detail"].as_str().unwrap();
        assert!(first.contains("state/pipelines/talk-720p30.toml"), "{first}");
    }
    assert!(!stage.site.copy().exists() && stage.versions().await == [1]);
}

#[tokio::test]
async fn what_a_reload_refuses_leaves_everything_as_it_was() {
    let stage = stage().await;
    stage.sent("apply", "", &json!({"text": stage.text("Ada")})).await;
    *stage.site.refusal.lock().unwrap() = Some(Refusal::Failed("the disk hangs".into()));
    stage.sent("apply", "", &json!({"text": stage.text("Bob")})).await.is_problem(502, "engine_failed");
    assert_eq!(std::fs::read_to_string(stage.site.copy()).unwrap(), stage.text("Ada"));
    assert_eq!(stage.versions().await, [2, 1]);
    // One that may come into force yet stays.
    let late = Refusal::NotConfirmed { seconds: 60, known: "nothing".into() };
    *stage.site.refusal.lock().unwrap() = Some(late);
    stage.sent("apply", "", &json!({"text": stage.text("Bob")})).await.is_problem(504, "not_confirmed");
    assert_eq!(stage.versions().await, [3, 2, 1]);
}

#[tokio::test]
async fn what_viewers_would_notice_is_confirmed_and_a_freeze_holds_it() {
    let stage = stage().await;
    *stage.site.effects.lock().unwrap() = vec![interrupted()];
    let wanted = json!({"text": stage.text("Ada")});
    let asked = call(&stage.router, stage.post("apply", "", &wanted)).await.is_problem(428, "confirmation_required");
    let said = asked["confirm"]["text"].as_str().unwrap();
    assert!(said.contains(CLASS) && said.contains("`demo` is off air for about 1.2 s"), "{said}");
    assert!(!stage.site.copy().exists());
    let freeze = json!({"reason": "Cup final", "channels": ["demo"]});
    let put = request(Method::PUT, "/api/v1/freeze").header("content-type", "application/json");
    assert_eq!(call(&stage.router, put.body(Body::from(freeze.to_string())).unwrap()).await.status, StatusCode::OK);
    stage.sent("apply", "", &wanted).await.is_problem(423, "frozen");
    stage.sent("rollback", "", &json!({"version": 1})).await.is_problem(423, "frozen");
    assert_eq!(stage.sent("apply?dry_run=true", "", &wanted).await.status, StatusCode::OK, "looking is free");
    let mut broken = stage.post("apply", "", &wanted);
    broken.headers_mut().insert("override", "the sound is wrong".parse().unwrap());
    let done = sure(&stage.router, broken).await;
    assert_eq!((done.status, done.header("overridden")), (StatusCode::OK, "freeze"));
}

#[tokio::test]
async fn it_is_carried_out_once_and_through_and_written_down() {
    let stage = stage().await;
    let keyed = || {
        let mut asked = stage.post("apply", "", &json!({"text": stage.text("Ada"), "comment": "why"}));
        asked.headers_mut().insert("idempotency-key", "one".parse().unwrap());
        asked
    };
    let first = call(&stage.router, keyed()).await;
    let again = call(&stage.router, keyed()).await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (StatusCode::OK, "true"));
    assert_eq!((first.body == again.body, stage.versions().await, stage.reloads()), (true, vec![2, 1], 1));
    let audit = request(Method::GET, "/api/v1/audit").body(Body::empty()).unwrap();
    let audit = call(&stage.router, audit).await.json();
    let entry = &audit["items"].as_array().unwrap().iter().rev().find(|entry| entry["after"] != Value::Null).unwrap();
    assert_eq!((&entry["before"]["version"], &entry["after"]["version"]), (&1.into(), &2.into()), "{entry}");
    assert_eq!((&entry["before"]["own"], &entry["after"]["comment"]), (&false.into(), &"why".into()), "{entry}");
}

#[tokio::test]
async fn damaged_versions_and_names_that_are_none_are_clear_answers() {
    let stage = stage().await;
    stage.sent("apply", "", &json!({"text": stage.text("Ada")})).await;
    let whole = std::fs::read_to_string(stage.site.version(2)).unwrap();
    std::fs::write(stage.site.version(2), whole.replace("Ada", "Eve")).unwrap();
    let items = stage.get(&format!("/{CLASS}/versions")).await.json()["items"].clone();
    assert!(items[0]["fault"].as_str().unwrap().contains("0002.toml is damaged"), "{items}");
    assert_eq!((&items[0]["about"], &items[1]["about"]["how"]), (&Value::Null, &"found".into()));
    stage.get(&format!("/{CLASS}/versions/2")).await.is_problem(409, "damaged_version");
    stage.sent("rollback", "", &json!({"version": 2})).await.is_problem(409, "damaged_version");
    stage.sent("rollback", "", &json!({"version": 7})).await.is_problem(404, "unknown_version");
    for body in [json!({}), json!({"version": 1, "shipped": true})] {
        stage.sent("rollback", "", &body).await.is_problem(400, "malformed");
    }
    stage.sent("apply", "", &json!({"text": "x", "comment": "y".repeat(501)})).await.is_problem(400, "malformed");
    stage.sent("apply", "", &json!({"text": "x".repeat(300_000)})).await.is_problem(413, "too_large");
    for name in ["none-such", "..", "%2e%2e%2fx", "A"] {
        stage.get(&format!("/{name}")).await.is_problem(404, "unknown_class");
    }
    stage.get(&format!("/{CLASS}/diff?from=x")).await.is_problem(400, "malformed");
    let paged = stage.get(&format!("/{CLASS}/versions?limit=1")).await;
    assert_eq!((paged.json()["items"].as_array().unwrap().len(), &paged.json()["next_cursor"]), (1, &"2".into()));
    assert!(paged.header("link").contains("/versions?limit=1&cursor=2"), "{}", paged.header("link"));
}

#[tokio::test]
async fn who_asks_and_leaves_does_not_leave_half_of_it() {
    let stage = stage().await;
    let closed = stage.gate.acquire().await.unwrap();
    let (router, asked) = (stage.router.clone(), stage.post("apply", "", &json!({"text": stage.text("Ada")})));
    let gone = tokio::spawn(async move { call(&router, asked).await });
    while !stage.site.copy().exists() {
        tokio::task::yield_now().await;
    }
    gone.abort();
    assert!(gone.await.is_err(), "it was answered although no reload was");
    drop(closed);
    drop(stage.site.classes.turn().await.unwrap());
    let (class, _) = stage.class().await;
    assert_eq!((&class["own"], &class["in_force"]), (&true.into(), &true.into()), "{class}");
    assert_eq!((stage.versions().await, stage.reloads()), (vec![2, 1], 1));
}

impl Stage {
    /// The same text under another name.
    fn named(&self, name: &str, owner: &str) -> String {
        self.text(owner).replacen(&format!("name = \"{CLASS}\""), &format!("name = \"{name}\""), 1)
    }

    fn ask(&self, method: Method, class: &str, headers: &[(&'static str, &str)], body: &Value) -> Request<Body> {
        let asked = request(method, &format!("/api/v1/stream-classes/{class}"));
        let asked = headers.iter().fold(asked, |asked, (name, value)| asked.header(*name, *value));
        asked.header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
    }

    async fn deleted(&self, class: &str, tag: &str) -> Answer {
        let tags: &[_] = if tag.is_empty() { &[] } else { &[("if-match", tag)] };
        sure(&self.router, self.ask(Method::DELETE, class, tags, &Value::Null)).await
    }
}

#[tokio::test]
async fn a_class_is_made_of_another_deleted_and_brought_back() {
    let stage = stage().await;
    let wanted = json!({"text": stage.named("court-2", "Court 2"), "comment": "a copy"});
    let new = || stage.ask(Method::POST, "court-2/apply", &[("if-none-match", "*")], &wanted);
    assert_eq!(sure(&stage.router, new()).await.json()["version"], 1);
    sure(&stage.router, new()).await.is_problem(412, "changed");
    let made = stage.get("/court-2").await;
    assert_eq!((&made.json()["own"], &made.json()["shipped"]), (&true.into(), &false.into()));
    let dry = stage.deleted("court-2?dry_run=true", "").await.json();
    assert_eq!((&dry["changed"], stage.get("/court-2").await.status), (&false.into(), StatusCode::OK));
    stage.deleted("court-2", "\"other\"").await.is_problem(412, "changed");
    let done = stage.deleted("court-2", made.header("etag")).await.json();
    assert_eq!((&done["changed"], &done["version"]), (&true.into(), &Value::Null), "{done}");
    assert!(done["difference"].as_str().unwrap().contains("-owner = \"Court 2\"\n"), "{done}");
    stage.get("/court-2").await.is_problem(404, "unknown_class");
    stage.deleted("court-2", "").await.is_problem(404, "unknown_class");
    assert_eq!(stage.get("/court-2/versions").await.json()["items"][0]["about"]["comment"], "a copy");
    let back = stage.ask(Method::POST, "court-2/rollback", &[], &json!({"version": 1}));
    assert_eq!(sure(&stage.router, back).await.status, StatusCode::OK);
    assert_eq!(stage.get("/court-2").await.json()["text"], stage.named("court-2", "Court 2"));
    let refused = stage.deleted(CLASS, "").await.is_problem(409, "shipped_class");
    assert!(refused["detail"].as_str().unwrap().contains("package"), "{refused}");
}

#[tokio::test]
async fn a_class_that_a_channel_uses_stays() {
    let stage = stage().await;
    let other = json!({"text": stage.named("court-2", "Bob")});
    stage.sent("apply", "", &json!({"text": stage.text("Ada")})).await;
    std::fs::remove_file(stage.site.shipped()).unwrap();
    let refused = stage.deleted(CLASS, "").await.is_problem(422, "faulty_configuration");
    let first = refused["errors"][0]["detail"].as_str().unwrap();
    assert!(first.contains("channels.demo.stream_class") && first.contains(CLASS), "{first}");
    assert!(stage.site.copy().exists());
    // What a reload refuses all the same is taken back.
    let new = stage.ask(Method::POST, "court-2/apply", &[], &other);
    assert_eq!(sure(&stage.router, new).await.status, StatusCode::OK);
    *stage.site.refusal.lock().unwrap() = Some(Refusal::Failed("the disk hangs".into()));
    stage.deleted("court-2", "").await.is_problem(502, "engine_failed");
    assert_eq!(stage.get("/court-2").await.json()["owner"], "Bob");
}

#[tokio::test]
async fn old_versions_are_deleted_by_who_types_the_name() {
    let stage = stage().await;
    for owner in ["Ada", "Bob", "Eve"] {
        stage.sent("apply", "", &json!({"text": stage.text(owner)})).await;
    }
    assert_eq!(stage.versions().await, [4, 3, 2, 1]);
    let keep = |keep: u32| stage.post("prune", "", &json!({ "keep": keep }));
    let asked = call(&stage.router, keep(2)).await.is_problem(428, "confirmation_required");
    assert_eq!(asked["confirm"]["name"], CLASS);
    assert!(asked["confirm"]["text"].as_str().unwrap().contains("from 1 to 2, are gone for good"), "{asked}");
    assert_eq!(stage.versions().await.len(), 4);
    let done = sure(&stage.router, keep(2)).await.json();
    assert_eq!(done["deleted"], json!([1, 2]), "{done}");
    assert_eq!(stage.versions().await, [4, 3]);
    let again = call(&stage.router, keep(2)).await.json();
    assert_eq!(again["deleted"], json!([]), "nothing is gone, and nothing is asked: {again}");
    call(&stage.router, keep(0)).await.is_problem(400, "malformed");
    sure(&stage.router, keep(1)).await;
    assert_eq!(stage.sent("apply", "", &json!({"text": stage.text("Ida")})).await.json()["version"], 5);
    let audit = request(Method::GET, "/api/v1/audit").body(Body::empty()).unwrap();
    let audit = call(&stage.router, audit).await.json();
    let entries: Vec<&Value> = audit["items"].as_array().unwrap().iter().collect();
    let pruned = |entry: &&&Value| entry["target"].as_str().unwrap().ends_with("/prune") && entry["status"] == 200;
    let first = entries.iter().rev().find(pruned).unwrap();
    assert_eq!((&first["before"]["versions"], &first["after"]["versions"]), (&json!([1, 2, 3, 4]), &json!([3, 4])));
}

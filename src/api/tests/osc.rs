//! Orders by OSC: guarded as the same orders by the API, and in the audit log.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::guards::Freezer;
use super::super::osc::by_osc;
use super::super::routes::Api;
use super::resources::{call, request};
use super::rig::{Rig, id, outcome, rig};
use crate::access::{Access, Peer, Via};
use crate::model::SourceId;
use crate::store::Accounts;
use crate::supervisor::{Command, Refusal};
use crate::surface::{CarryOut, Wish};

struct Site {
    router: axum::Router,
    rig: Rig,
    act: Arc<CarryOut>,
    _dir: tempfile::TempDir,
}

/// Everybody may, and acts are kept all the same.
async fn site() -> Site {
    let dir = tempfile::tempdir().unwrap();
    let (handle, rig) = rig(dir.path());
    let access = Access::of(Accounts::new(&dir.path().join("access.db")), dir.path(), true).await;
    let freezer = Freezer::idle();
    let act = Arc::new(by_osc(handle.clone(), freezer.clone(), access.clone()));
    let api = Api::new(handle, CancellationToken::new()).with_access(access).with_freezer(freezer);
    Site { router: api.router(), rig, act, _dir: dir }
}

impl Site {
    /// What is said of `wish`, which the supervisor answers with `answer`.
    async fn wish(&mut self, wish: Wish, answer: Result<(), Refusal>) -> (Command, Result<String, String>) {
        let act = self.act.clone();
        let said = tokio::spawn(async move { act(wish, "192.0.2.60:53000".parse().unwrap()).await });
        let (command, reply) = self.rig.requests.recv().await.unwrap();
        self.rig.change(|status| status.channels[0].restarts += 1);
        reply.send(answer.map(|()| outcome("it shows"))).unwrap();
        (command, said.await.unwrap())
    }

    async fn ask(&self, method: Method, path: &str, body: Value) -> Value {
        let asked = request(method, path).header("content-type", "application/json");
        let mut asked = asked.body(axum::body::Body::from(body.to_string())).unwrap();
        asked.extensions_mut().insert(Via { peer: Peer::Network("127.0.0.1".parse().unwrap()), encrypted: false });
        call(&self.router, asked).await.json()
    }
}

#[tokio::test]
async fn each_act_is_in_the_audit_log_and_a_freeze_lets_the_show_go_on() {
    let mut site = site().await;
    let frozen = site.ask(Method::PUT, "/api/v1/freeze", json!({ "reason": "Cup final" })).await;
    assert_eq!(frozen["changed"], true, "{frozen}");
    let take = Wish::Take(id("demo"), Some(SourceId::new("clip").unwrap()));
    let (command, said) = site.wish(take, Ok(())).await;
    assert_eq!(command, Command::Take(id("demo"), SourceId::new("clip").unwrap()));
    assert_eq!(said.as_deref(), Ok("it shows"));
    let known = "no source delivers";
    let (command, said) = site.wish(Wish::Release(id("demo")), Err(Refusal::Failed(known.into()))).await;
    assert_eq!(command, Command::Release(id("demo")));
    assert!(said.as_ref().is_err_and(|why| why.contains(known)), "{said:?}");
    let log = site.ask(Method::GET, "/api/v1/audit", json!({})).await;
    let [released, taken, ..] = log["items"].as_array().unwrap().as_slice() else { panic!("{log}") };
    let word = |entry: &Value, name: &str| entry[name].as_str().unwrap_or("-").to_owned();
    for entry in [released, taken] {
        assert_eq!((word(entry, "who"), word(entry, "by")), ("osc 192.0.2.60".into(), "osc".into()), "{entry}");
        assert_eq!((word(entry, "from"), word(entry, "role")), ("192.0.2.60".into(), "operator".into()), "{entry}");
        assert_eq!((&entry["before"]["order"], &entry["after"]["order"]), (&json!("on_air"), &json!("on_air")));
    }
    assert_eq!((word(taken, "action"), &taken["status"]), ("OSC /uplink/{channel}/take".into(), &json!(200)));
    assert_eq!((word(taken, "target"), &taken["asked"]), ("/uplink/demo/take".into(), &json!({ "source": "clip" })));
    assert_eq!((word(released, "code"), &released["status"]), ("engine_failed".into(), &json!(502)));
}

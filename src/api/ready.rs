//! Whether the daemon is alive, and ready to put channels on air. What channels do is not part of either: a source that is
//! lost is no reason to start a daemon again, or to send people to another one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;

use super::problem::Problem;
use super::routes::Api;
use crate::store::Store;

/// What the daemon knows of the engine: whether its worker can be run, and has the elements that the configuration needs.
#[derive(Debug, Clone)]
pub struct Engine(Arc<watch::Sender<Option<Result<(), String>>>>);

impl Engine {
    /// Nobody has looked yet.
    pub fn unknown() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }

    /// For programs that start no worker.
    pub fn idle() -> Self {
        Self(Arc::new(watch::Sender::new(Some(Ok(())))))
    }

    /// Somebody has looked.
    pub fn found(&self, found: Result<(), String>) {
        self.0.send_replace(Some(found));
    }

    fn trouble(&self) -> Option<String> {
        match &*self.0.borrow() {
            None => Some("the plugins of this box are being read".to_owned()),
            Some(found) => found.clone().err(),
        }
    }
}

/// A word for a machine that only asks whether.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Word {
    status: &'static str,
}

/// What `GET /readyz` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Ready {
    status: &'static str,
    /// What was looked at.
    checks: Vec<Check>,
}

/// One thing that a daemon needs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReadyCheck")]
struct Check {
    /// `supervisor`, `config`, `database`, `engine`.
    check: &'static str,
    /// What is wrong; none if nothing is.
    trouble: Option<String>,
}

/// `GET /healthz`: this process answers and its supervisor runs. Says nothing about channels.
pub(crate) async fn alive(State(api): State<Api>) -> Result<Json<Word>, Problem> {
    match api.handle.status().has_changed() {
        Ok(_) => Ok(Json(Word { status: "alive" })),
        Err(_) => Err(Problem::not_alive()),
    }
}

/// `GET /readyz`: what is on disk is in force, what happens is kept, and channels can be put on air. Who is answered has found
/// a listener that is bound.
pub(crate) async fn ready(State(api): State<Api>) -> Result<Json<Ready>, Problem> {
    let checks = checks(&api);
    let bad = checks.iter().filter_map(|one| Some(format!("{}: {}", one.check, one.trouble.as_ref()?)));
    let bad: Vec<String> = bad.collect();
    match bad.is_empty() {
        true => Ok(Json(Ready { status: "ready", checks })),
        false => Err(Problem::not_ready(bad)),
    }
}

fn checks(api: &Api) -> Vec<Check> {
    let ended = api.handle.status().has_changed().is_err();
    let config = api.handle.status().borrow().config.clone();
    let faults = |first: &String| {
        let count = config.rejected.len();
        format!("what is on disk has {count} fault(s), an earlier configuration is in force; the first: {first}")
    };
    let check = |check, trouble| Check { check, trouble };
    vec![
        check("supervisor", ended.then(|| "it has ended; channels on air stay on air".to_owned())),
        check("config", config.rejected.first().map(faults)),
        check("database", api.store.as_ref().and_then(Store::trouble)),
        check("engine", api.engine.trouble()),
    ]
}

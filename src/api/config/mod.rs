//! The configuration: what is in force and where it is written, what would be wrong with another one, and putting it in
//! force, as it is on disk or as somebody sends it.

mod apply;

use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answer::Tagged;
use super::body::{Asked, Body};
use super::channels::{Answer, ask};
use super::condition::IfMatch;
use super::problem::Problem;
use super::routes::Api;
use super::status::tag_of;
use crate::config::{Fault, Findings, Setting, check_text, may_replace};
use crate::model::MediaTime;
use crate::supervisor::Command;

pub(crate) use apply::{APPLY, Apply, apply};

/// Where a document is checked.
pub(crate) const CHECK: &str = "/api/v1/config/check";

/// Largest body of a check: a configuration of a megabyte, escaped.
pub(crate) const LARGEST: usize = 2 << 20;

/// The configuration in force.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Configuration {
    /// The file it was read from.
    file: String,
    /// When it was put in force.
    loaded_at: MediaTime,
    /// Counts configurations put in force since the daemon came up, from 1.
    generation: u64,
    /// Every key that counts, with its line in the file, or its default.
    settings: Vec<Setting>,
    /// The file as it is on disk now: what a reload would read. None if it cannot be read.
    text: Option<String>,
    /// Whether the daemon may write it: else whoever looks after the box puts it there.
    writable: bool,
}

/// Largest file that is shown, bytes: as large as a check takes it.
const SHOWN: u64 = 1 << 20;

/// None if it is no file of text, or no small one.
async fn on_disk(path: &Path) -> Option<String> {
    let about = tokio::fs::metadata(path).await.ok()?;
    match about.is_file() && about.len() <= SHOWN {
        true => tokio::fs::read_to_string(path).await.ok(),
        false => None,
    }
}

async fn configuration(api: &Api) -> Configuration {
    let config = api.handle.status().borrow().config.clone();
    let settings = api.handle.written().to_vec();
    let (file, loaded_at, generation) = (config.path, config.loaded_at, config.generation);
    let text = on_disk(Path::new(&file)).await;
    let writable = may_replace(Path::new(&file));
    Configuration { file, loaded_at, generation, settings, text, writable }
}

/// `GET /api/v1/config`.
pub(crate) async fn effective(State(api): State<Api>, headers: HeaderMap) -> Result<Tagged<Configuration>, Problem> {
    Tagged::new(&headers, &configuration(&api).await)
}

/// A configuration that is not in force.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CheckConfiguration")]
pub(crate) struct Draft {
    /// The whole of `uplinkd.toml`. Relative paths in it begin where the file in force is.
    text: String,
}

impl Asked for Draft {
    const SHAPE: &'static str = "{\"text\": \"<the whole of uplinkd.toml>\"}";
}

/// What is wrong with it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConfigurationReport")]
pub(crate) struct Report {
    /// Whether it could be put in force.
    good: bool,
    /// What must be mended, each with its place.
    faults: Vec<Fault>,
    /// What should be looked at.
    warnings: Vec<Fault>,
}

/// `POST /api/v1/config/check` with `{"text": "…"}`: nothing is changed. GStreamer fragments are not tried, which a reload
/// does.
pub(crate) async fn check(State(api): State<Api>, Body(draft): Body<Draft>) -> Result<Json<Report>, Problem> {
    let path = PathBuf::from(api.handle.status().borrow().config.path.clone());
    let own = api.classes.own();
    reported(move || check_text(&path, draft.text, &own)).await
}

/// Looks, where that may take its time.
pub(super) async fn reported(look: impl FnOnce() -> Findings + Send + 'static) -> Result<Json<Report>, Problem> {
    let checked = tokio::task::spawn_blocking(look).await;
    let Findings { faults, warnings } = checked.map_err(|error| Problem::internal(error.to_string()))?;
    let each = |faults: crate::config::Faults| faults.iter().cloned().collect();
    Ok(Json(Report { good: faults.is_empty(), faults: each(faults), warnings: each(warnings) }))
}

#[derive(Deserialize, JsonSchema)]
pub(crate) struct Reload {
    /// Only say what it would do to each channel.
    #[serde(default)]
    pub(super) dry_run: bool,
}

/// `POST /api/v1/config/reload`, or `…/reload?dry_run=true` to be told what it would do to each channel. With `If-Match`,
/// only if neither the file nor what is in force has changed since `GET /api/v1/config` was answered with that tag.
pub(crate) async fn reload(State(api): State<Api>, Query(reload): Query<Reload>, condition: IfMatch) -> Answer {
    as_named(&api, &condition).await?;
    ask(&api, if reload.dry_run { Command::DryReload } else { Command::Reload }).await
}

/// Whether the configuration is what `If-Match` names, if it names any.
async fn as_named(api: &Api, condition: &IfMatch) -> Result<(), Problem> {
    if !condition.is_given() {
        return Ok(());
    }
    let body = serde_json::to_vec(&configuration(api).await);
    let body = body.map_err(|error| Problem::internal(error.to_string()))?;
    condition.holds(Some(&tag_of(&body)), "the configuration")
}

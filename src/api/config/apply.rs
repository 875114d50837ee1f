//! Another text of the configuration: looked at, written in place of the file, put in force by a reload, or not at all.
//!
//! ```text
//!  apply ─▶ what it would do (dry run with it) ─▶ the file ─▶ reload ─▶ answer
//!                └── faults, no room: nothing is written         └── refused: taken back
//! ```

use std::io;
use std::path::{Path, PathBuf};

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::answer::Noted;
use super::super::body::{Asked, Body};
use super::super::channels::ask;
use super::super::classes::Difference;
use super::super::condition::IfMatch;
use super::super::problem::Problem;
use super::super::routes::Api;
use super::{Reload, as_named, on_disk};
use crate::classes::hash_of;
use crate::config::{Replaced, Trial, may_replace, replace};
use crate::supervisor::{Command, Outcome};

/// Where a text is put in force.
pub(crate) const APPLY: &str = "/api/v1/config/apply";

/// Longest comment, characters.
const COMMENT: usize = 500;

/// A configuration that is to be in force.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ApplyConfiguration")]
pub(crate) struct Apply {
    /// The whole of `uplinkd.toml`. Relative paths in it begin where the file is.
    pub(crate) text: String,
    /// Why, for the audit log.
    #[serde(default)]
    comment: Option<String>,
}

impl Asked for Apply {
    const SHAPE: &'static str =
        "{\"text\": \"<the whole of uplinkd.toml>\", \"comment\": \"why\"}, the comment optional";
}

/// What was asked, and what happened.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConfigurationOutcome")]
pub(crate) struct Applied {
    /// What changes in the file, as `diff -u` writes it.
    difference: String,
    #[serde(flatten)]
    outcome: Outcome,
}

/// `POST /api/v1/config/apply` with `{"text": "…"}`, or `…/apply?dry_run=true` to be told what it would do. With `If-Match`,
/// only in place of what `GET /api/v1/config` was answered with under that tag. The text before is kept beside the file,
/// under its name with `~`.
pub(crate) async fn apply(
    State(api): State<Api>,
    Query(how): Query<Reload>,
    condition: IfMatch,
    Body(apply): Body<Apply>,
) -> Result<Noted<Json<Applied>>, Problem> {
    let comment = apply.comment.unwrap_or_default().trim().to_owned();
    if comment.chars().count() > COMMENT {
        return Err(Problem::malformed(format!("`comment` has at most {COMMENT} characters")));
    }
    // Who only asks waits for nobody.
    let turn = if how.dry_run { None } else { Some(api.writing.clone().lock_owned().await) };
    as_named(&api, &condition).await?;
    let path = PathBuf::from(api.handle.status().borrow().config.path.clone());
    if turn.is_some() && !may_replace(&path) {
        return Err(managed(&path));
    }
    // Whatever keeps it from coming into force is said before the file is touched.
    let foretold = ask(&api, Command::Try(Box::new(Trial::Text(apply.text.clone())))).await?.0;
    let before = on_disk(&path).await.unwrap_or_default();
    let difference = Difference::of("on disk", "asked", &before, &apply.text).text;
    if turn.is_none() {
        return Ok(Noted::only_asked(Json(Applied { difference, outcome: foretold })));
    }
    let sums = [&before, &apply.text].map(|text| hash_of(text));
    // What was begun is carried through, also when its client has gone.
    let done = tokio::spawn(async move {
        let outcome = written(&api, path, apply.text).await;
        drop(turn);
        outcome
    });
    let outcome = done.await.map_err(|error| Problem::internal(error.to_string()))??;
    let [was, is] = sums;
    let (before, after) = (json!({ "sha256": was }), json!({ "sha256": is, "comment": comment }));
    Ok(Noted::new(Json(Applied { difference, outcome }), &before, &after))
}

/// Writes it and puts it in force by a reload; if that is refused, the file is as it was.
async fn written(api: &Api, path: PathBuf, text: String) -> Result<Outcome, Problem> {
    let place = path.clone();
    let replaced: Replaced = blocking(&path, move || replace(&place, &text)).await?;
    match ask(api, Command::Reload).await {
        Ok(outcome) => Ok(outcome.0),
        // The order stands, and may come into force yet.
        Err(problem) if problem.is_open() => Err(problem),
        Err(problem) => {
            blocking(&path, move || replaced.take_back()).await?;
            Err(problem)
        }
    }
}

async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(error.to_string()))?;
    done.map_err(|error| match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => managed(path),
        _ => Problem::internal(format!("{} cannot be written: {error}", path.display())),
    })
}

fn managed(path: &Path) -> Problem {
    let detail = format!(
        "the daemon may not write {}: save the text as a file, have it put there (sudo install), and reload; or let the \
         user uplink write its directory",
        path.display()
    );
    Problem::new(StatusCode::CONFLICT, "managed_by_file", "The file is not the daemon's to write", detail)
}

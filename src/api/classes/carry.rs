//! Changing: looked at, written, put in force by a reload, or not at all.

use std::path::PathBuf;

use axum::Json;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;

use super::super::answer::Noted;
use super::super::body::Body;
use super::super::channels::ask;
use super::super::condition::IfMatch;
use super::super::config::{Reload, Report, reported};
use super::super::guards::asker_name;
use super::super::openapi::{Sketch, Takes};
use super::super::problem::Problem;
use super::super::routes::Api;
use super::super::status::tag_of;
use super::answers::{ClassOutcome, Difference, Pruned, audited};
use super::wanted::{Apply, Draft, Prune, RollBack, Wanted};
use super::{blocking, look};
use crate::classes::{Change, FoundClass, How, Turn};
use crate::config::{ClassTrial, Trial, check_class};
use crate::supervisor::{Command, Outcome};
use serde_json::json;

/// `POST …/check` with `{"text": "…"}`: of the class, and of the configuration with it.
pub(crate) async fn check(
    State(api): State<Api>,
    Path(name): Path<String>,
    Body(Draft { text }): Body<Draft>,
) -> Result<Json<Report>, Problem> {
    api.classes.takes(&name)?;
    let path = PathBuf::from(api.handle.status().borrow().config.path.clone());
    let own = api.classes.own().trying(Some(ClassTrial { name, text: Some(text) }));
    reported(move || check_class(&path, &own)).await
}

/// `POST …/apply` with `{"text": "…", "comment": "…"}`, or `…/apply?dry_run=true` to be told what it would do. With
/// `If-Match`, only in place of what `GET` was answered with under that tag.
pub(crate) async fn apply(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(how): Query<Reload>,
    asked: Asked,
    Body(apply): Body<Apply>,
) -> Result<Done, Problem> {
    carried(&api, name, how.dry_run, asked, Wanted::Apply(apply)).await
}

/// `POST …/rollback` with `{"version": 3}` or `{"shipped": true}`; the same otherwise.
pub(crate) async fn roll_back(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(how): Query<Reload>,
    asked: Asked,
    Body(back): Body<RollBack>,
) -> Result<Done, Problem> {
    carried(&api, name, how.dry_run, asked, Wanted::RollBack(back)).await
}

/// What was asked, and what happened or would.
type Done = Noted<Json<ClassOutcome>>;
/// `DELETE …`, or `?dry_run=true` to be told what it would do; the same otherwise. Its versions stay: it can be gone back to.
pub(crate) async fn delete(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(how): Query<Reload>,
    asked: Asked,
) -> Result<Done, Problem> {
    carried(&api, name, how.dry_run, asked, Wanted::Delete).await
}

/// `POST …/prune` with `{"keep": 20}`: which versions are gone for good. What is in force is the newest, and stays.
pub(crate) async fn prune(
    State(api): State<Api>,
    Path(name): Path<String>,
    Body(Prune { keep }): Body<Prune>,
) -> Result<Noted<Json<Pruned>>, Problem> {
    if keep == 0 {
        return Err(Problem::malformed("`keep` is 1 at least: the newest version stays"));
    }
    let (turn, classes) = (api.classes.turn().await?, api.classes.clone());
    let work = move || {
        let deleted = classes.prune(&turn, &name, keep)?;
        let left: Vec<u32> = classes.versions(&name)?.iter().rev().map(|kept| kept.version).collect();
        Ok((name, deleted, left))
    };
    let (name, deleted, left) = blocking(work).await?;
    let text = format!("{} of stream class `{name}` deleted, {} kept", spelled(deleted.len()), left.len());
    let before = [deleted.as_slice(), left.as_slice()].concat();
    let (before, after) = (json!({ "versions": before }), json!({ "versions": left }));
    Ok(Noted::new(Json(Pruned { text, deleted }), &before, &after))
}

fn spelled(versions: usize) -> String {
    format!("{versions} version{}", if versions == 1 { "" } else { "s" })
}

/// Who asks, and on which condition.
pub(crate) struct Asked {
    by: Option<String>,
    condition: IfMatch,
}

async fn carried(api: &Api, name: String, dry: bool, asked: Asked, wanted: Wanted) -> Result<Done, Problem> {
    let comment = wanted.comment()?;
    // Who only asks waits for nobody.
    let turn = if dry { None } else { Some(api.classes.turn().await?) };
    as_named(api, &name, &asked.condition).await?;
    let change = wanted.change(api, &name).await?;
    let before = now(api, &name).await;
    let text = before.as_ref().and_then(|found| found.text.as_deref().ok()).unwrap_or_default();
    let difference = Difference::of("on disk", "asked", text, &change.text).text;
    let told = told(&change);
    // Whatever keeps it from coming into force is said before a file is touched.
    let foretold = ask(api, Command::Try(Box::new(Trial::Class(change.trial())))).await?.0;
    let Some(turn) = turn else {
        let outcome = ClassOutcome { asked: told, version: None, difference, outcome: foretold };
        return Ok(Noted::only_asked(Json(outcome)));
    };
    let (kept, why) = (api.clone(), comment.clone());
    // What was begun is carried through, also when its client has gone.
    let done = tokio::spawn(async move { written(&kept, turn, change, asked.by, why).await }).await;
    let (version, outcome) = done.map_err(|error| Problem::internal(error.to_string()))??;
    let after = now(api, &name).await;
    let (before, after) = (audited(before.as_ref(), None), audited(after.as_ref(), comment.as_deref()));
    let outcome = ClassOutcome { asked: told, version, difference, outcome };
    Ok(Noted::new(Json(outcome), &before, &after))
}

/// Writes it and puts it in force by a reload; if that is refused, the files are as they were.
async fn written(
    api: &Api,
    turn: Turn,
    change: Change,
    by: Option<String>,
    comment: Option<String>,
) -> Result<(Option<u32>, Outcome), Problem> {
    let classes = api.classes.clone();
    let (turn, written) = blocking(move || {
        let written = classes.write(&turn, &change, by, comment)?;
        Ok((turn, written))
    })
    .await?;
    let (version, classes) = (written.version, api.classes.clone());
    let done = match ask(api, Command::Reload).await {
        Ok(outcome) => {
            // Known as in force when it is answered.
            let noted = tokio::task::spawn_blocking(move || classes.put_in_force()).await;
            noted.map_err(|error| Problem::internal(error.to_string()))?;
            Ok((version, outcome.0))
        }
        // The order stands, and may come into force yet.
        Err(problem) if problem.is_open() => Err(problem),
        Err(problem) => {
            blocking(move || written.take_back()).await?;
            Err(problem)
        }
    };
    drop(turn);
    done
}

/// Whether the class is what `If-Match` names, if it names any.
async fn as_named(api: &Api, name: &str, condition: &IfMatch) -> Result<(), Problem> {
    if !condition.is_given() {
        return Ok(());
    }
    let body = match look::document(api, name.to_owned()).await {
        Ok(document) => Some(serde_json::to_vec(&document).map_err(|error| Problem::internal(error.to_string()))?),
        Err(_) => None,
    };
    condition.holds(body.as_deref().map(tag_of).as_deref(), &format!("stream class {name}"))
}

/// As it is now; none if there is none.
async fn now(api: &Api, name: &str) -> Option<FoundClass> {
    let (classes, name) = (api.classes.clone(), name.to_owned());
    blocking(move || classes.find(&name)).await.ok()
}

fn told(change: &Change) -> String {
    let Change { name, own, how, of, .. } = change;
    match (how, of, own) {
        (None, ..) => format!("stream class `{name}` is deleted; its versions are kept"),
        (Some(How::RolledBack), Some(version), _) => format!("stream class `{name}` goes back to version {version}"),
        (_, _, false) => format!("stream class `{name}` goes back to what is shipped"),
        _ => format!("stream class `{name}` gets another text"),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let condition = IfMatch::from_request_parts(parts, state).await?;
        Ok(Self { by: asker_name(&parts.extensions), condition })
    }
}

impl Takes for Asked {
    fn describe(sketch: &mut Sketch<'_>) {
        IfMatch::describe(sketch);
    }
}

//! Looking: nothing here changes anything.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::answer::{Linked, Tagged, Wanted as Piece};
use super::super::problem::Problem;
use super::super::routes::Api;
use super::answers::{ClassDocument, ClassSummary, Difference, VersionDocument};
use super::{all_users, blocking};
use crate::classes::{Kept, Shown};

/// `GET /api/v1/stream-classes`.
pub(crate) async fn list(State(api): State<Api>, headers: HeaderMap) -> Result<Tagged<Vec<ClassSummary>>, Problem> {
    let (classes, users) = (api.classes.clone(), all_users(&api));
    let all = blocking(move || {
        let all = classes.list()?.into_iter();
        Ok(all.map(|found| ClassSummary::of(&found, users.of(&found.name))).collect::<Vec<_>>())
    });
    Tagged::new(&headers, &all.await?)
}

/// `GET /api/v1/stream-classes/{name}`.
pub(crate) async fn one(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Tagged<ClassDocument>, Problem> {
    Tagged::new(&headers, &document(&api, name).await?)
}

/// A class as it is now.
pub(super) async fn document(api: &Api, name: String) -> Result<ClassDocument, Problem> {
    let (classes, users) = (api.classes.clone(), all_users(api));
    blocking(move || classes.find(&name).map(|found| ClassDocument::of(found, users.of(&name)))).await
}

/// `GET …/versions`, also of a class that is there no more.
pub(crate) async fn versions(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(piece): Query<Piece>,
) -> Result<Linked<Kept>, Problem> {
    let classes = api.classes.clone();
    let path = format!("{}{name}/versions", super::BELOW);
    let all = blocking(move || classes.versions(&name)).await?;
    piece.linked(&path, all, |kept| kept.version)
}

/// `GET …/versions/{version}`.
pub(crate) async fn version(
    State(api): State<Api>,
    Path((name, version)): Path<(String, u32)>,
) -> Result<Json<VersionDocument>, Problem> {
    let classes = api.classes.clone();
    let (about, text) = blocking(move || classes.version(&name, version)).await?;
    Ok(Json(VersionDocument { version, about, text }))
}

/// What to compare: the number of a version, `shipped`, or `now` for what is on disk.
#[derive(Deserialize, JsonSchema)]
pub(crate) struct Pair {
    /// What it was.
    from: String,
    /// What it is; `now` if not given.
    to: Option<String>,
}

/// `GET …/diff?from=3&to=5`.
pub(crate) async fn difference(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(Pair { from, to }): Query<Pair>,
) -> Result<Json<Difference>, Problem> {
    let read = |word: &str| word.parse::<Shown>().map_err(Problem::malformed);
    let (from, to) = (read(&from)?, read(to.as_deref().unwrap_or("now"))?);
    let classes = api.classes.clone();
    let between = blocking(move || {
        let (before, after) = (classes.text(&name, &from)?, classes.text(&name, &to)?);
        Ok(Difference::of(&format!("{name} {from}"), &format!("{name} {to}"), &before, &after))
    });
    Ok(Json(between.await?))
}

//! Users: what an admin makes, changes and removes.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json as document};

use super::super::channels::json;
use super::super::problem::Problem;
use super::super::routes::Api;
use super::session::private;
use super::trail::Changed;
use crate::access::{Role, UserChange, UserView};
use crate::model::Secret;

/// `GET /api/v1/users`.
pub(super) async fn list(State(api): State<Api>) -> Result<Response, Problem> {
    Ok(private(Json(api.access.users()?).into_response()))
}

/// `GET /api/v1/users/{name}`.
pub(super) async fn one(State(api): State<Api>, Path(name): Path<String>) -> Result<Response, Problem> {
    Ok(private(Json(api.access.user(&name)?).into_response()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    name: String,
    role: Role,
    password: Secret,
}

/// `POST /api/v1/users`.
pub(super) async fn add(
    State(api): State<Api>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let shape = "{\"name\": \"…\", \"role\": \"viewer\", \"operator\", \"engineer\" or \"admin\", \"password\": \"…\"}";
    let Added { name, role, password } = json(&headers, body, shape)?;
    let user = api.access.add_user(&name, password, role).await?;
    let place = [(header::LOCATION, format!("/api/v1/users/{}", user.name))];
    let response = (StatusCode::CREATED, place, Json(&user)).into_response();
    Ok(private(changed(response, None, Some(&user))))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    role: Option<Role>,
    disabled: Option<bool>,
    password: Option<Secret>,
}

/// `PATCH /api/v1/users/{name}`: role, password, or whether it may log in. Its sessions end.
pub(super) async fn change(
    State(api): State<Api>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let shape = "{\"role\": \"…\", \"disabled\": true or false, \"password\": \"…\"}, what is missing stays";
    let Change { role, disabled, password } = json(&headers, body, shape)?;
    let password = password.map(|password| password.reveal().to_owned());
    let (before, after) = api.access.change_user(&name, UserChange { role, disabled, password }).await?;
    Ok(private(changed(Json(&after).into_response(), Some(&before), Some(&after))))
}

/// `DELETE /api/v1/users/{name}`.
pub(super) async fn remove(State(api): State<Api>, Path(name): Path<String>) -> Result<Response, Problem> {
    let before = api.access.remove_user(&name).await?;
    Ok(changed(StatusCode::NO_CONTENT.into_response(), Some(&before), None))
}

fn changed(mut response: Response, before: Option<&UserView>, after: Option<&UserView>) -> Response {
    let value = |view: Option<&UserView>| view.map_or(Value::Null, |view| document!(view));
    response.extensions_mut().insert(Changed { before: value(before), after: value(after) });
    response
}

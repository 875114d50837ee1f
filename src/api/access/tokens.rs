//! API tokens: for programs. The text of one is in the answer that makes it, and nowhere else.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as document};

use super::super::channels::json;
use super::super::problem::Problem;
use super::super::routes::Api;
use super::session::private;
use super::trail::Changed;
use crate::access::{Caller, NewToken, Role, Scope, TokenView};
use crate::model::MediaTime;

/// `GET /api/v1/tokens`.
pub(super) async fn list(State(api): State<Api>) -> Result<Response, Problem> {
    Ok(private(Json(api.access.tokens()?).into_response()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: String,
    role: Option<Role>,
    #[serde(default)]
    scopes: Vec<Scope>,
    expires: Option<MediaTime>,
}

#[derive(Serialize)]
struct Made<'a> {
    #[serde(flatten)]
    view: &'a TokenView,
    /// Shown once.
    token: &'a str,
}

/// `POST /api/v1/tokens`.
pub(super) async fn make(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let shape = "{\"name\": \"…\", \"role\": \"viewer\", \"scopes\": [\"metrics\"], \"expires\": \"2027-…Z\"}, a role or a scope at least";
    let Wanted { name, role, scopes, expires } = json(&headers, body, shape)?;
    let (view, secret) = api.access.make_token(&caller, NewToken { name, role, scopes, expires }).await?;
    let place = [(header::LOCATION, format!("/api/v1/tokens/{}", view.id))];
    let made = Json(Made { view: &view, token: secret.reveal() });
    let mut response = private((StatusCode::CREATED, place, made).into_response());
    response.extensions_mut().insert(Changed { before: Value::Null, after: document!(view) });
    Ok(response)
}

/// `DELETE /api/v1/tokens/{token}`: revokes one.
pub(super) async fn remove(State(api): State<Api>, Path(token): Path<String>) -> Result<StatusCode, Problem> {
    api.access.remove_token(&token).await?;
    Ok(StatusCode::NO_CONTENT)
}

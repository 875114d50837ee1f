//! Logging in and out, and the sessions of who is logged in.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::super::channels::json;
use super::super::problem::Problem;
use super::super::routes::Api;
use super::cookie;
use crate::access::{Caller, Opened, Role, Scope, Via};
use crate::model::Secret;

/// Who is logged in.
#[derive(Serialize)]
struct Who {
    /// `open` or `login`.
    access: &'static str,
    name: String,
    role: Option<Role>,
    by: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<Scope>,
}

impl Who {
    fn of(api: &Api, caller: &Caller) -> Self {
        let scopes = match &caller.by {
            crate::access::By::Token { scopes, .. } => scopes.clone(),
            _ => Vec::new(),
        };
        let (access, by) = (api.access_word(), caller.by.as_str());
        Self { access, name: caller.name.clone(), role: caller.role, by, scopes }
    }
}

/// `GET /api/v1/session`: who that is, and what it may.
pub(super) async fn who(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Response {
    private(Json(Who::of(&api, &caller)).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Login {
    name: String,
    password: Secret,
}

/// `POST /api/v1/session`: logs in; the answer sets the cookie.
pub(super) async fn login(
    State(api): State<Api>,
    Extension(via): Extension<Via>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let Login { name, password } = json(&headers, body, "{\"name\": \"…\", \"password\": \"…\"}")?;
    let opened = api.access.login(&name, password, &via, agent(&headers)).await?;
    Ok(let_in(&api, &headers, &via, &opened))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetUp {
    code: Secret,
    name: String,
    password: Secret,
}

/// `POST /api/v1/setup`: makes the first admin with the one-time code, and logs it in.
pub(super) async fn set_up(
    State(api): State<Api>,
    Extension(via): Extension<Via>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let shape = "{\"code\": \"…\", \"name\": \"…\", \"password\": \"…\"}";
    let SetUp { code, name, password } = json(&headers, body, shape)?;
    let opened = api.access.set_up(&code, &name, password, &via, agent(&headers)).await?;
    Ok(let_in(&api, &headers, &via, &opened))
}

/// `DELETE /api/v1/session`: logs out.
pub(super) async fn logout(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Result<Response, Problem> {
    api.access.logout(&caller).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    for gone in cookie::unset() {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Passwords {
    current: Secret,
    new: Secret,
}

/// `PUT /api/v1/session/password`: another password for who is logged in; its other sessions end.
pub(super) async fn change_password(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let Passwords { current, new } = json(&headers, body, "{\"current\": \"…\", \"new\": \"…\"}")?;
    api.access.change_password(&caller, current, new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `GET /api/v1/sessions`: one's own; everybody's for an admin.
pub(super) async fn list(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Result<Response, Problem> {
    Ok(private(Json(api.access.sessions(&caller)?).into_response()))
}

/// `DELETE /api/v1/sessions/{session}`: ends one.
pub(super) async fn end(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(session): Path<String>,
) -> Result<StatusCode, Problem> {
    api.access.end_session(&caller, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn let_in(api: &Api, headers: &HeaderMap, via: &Via, opened: &Opened) -> Response {
    let mut response = private((StatusCode::CREATED, Json(Who::of(api, &opened.caller))).into_response());
    if let Some(cookie) = cookie::set(headers, via, &opened.secret) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    // For the audit log: who that was.
    response.extensions_mut().insert(opened.caller.clone());
    response
}

/// Kept by nobody on the way.
pub(super) fn private(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

fn agent(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default()
}

//! Logging in and out, and the sessions of who is logged in.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::body::{Asked, Body};
use super::super::problem::Problem;
use super::super::routes::Api;
use super::answers::{Done, LetIn, LetOut, Private};
use super::cookie;
use crate::access::{By, Caller, Opened, Presence, Role, Scope, SessionView, Via};
use crate::model::Secret;

/// Who asks, and what that may.
#[derive(Serialize, JsonSchema)]
pub(super) struct Who {
    /// `open`: everybody may everything; `login`.
    access: &'static str,
    /// The user's name, that of the token, or who it is on this box.
    name: String,
    /// None for a token that has scopes alone.
    role: Option<Role>,
    /// `session`, `token`, `socket` or `open`.
    by: &'static str,
    /// What a token may beside its role.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    scopes: Vec<Scope>,
}

impl Who {
    fn of(api: &Api, caller: &Caller) -> Self {
        let scopes = match &caller.by {
            By::Token { scopes, .. } => scopes.clone(),
            _ => Vec::new(),
        };
        let (access, by) = (api.access_word(), caller.by.as_str());
        Self { access, name: caller.name.clone(), role: caller.role, by, scopes }
    }
}

/// `GET /api/v1/session`: who that is, and what it may.
pub(super) async fn who(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Private<Who> {
    Private::of(&Who::of(&api, &caller))
}

/// Name and password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    /// Of the user.
    name: String,
    /// Its password.
    #[schemars(with = "String")]
    password: Secret,
}

impl Asked for Login {
    const SHAPE: &'static str = "{\"name\": \"…\", \"password\": \"…\"}";
}

/// `POST /api/v1/session`: logs in; the answer sets the cookie.
pub(super) async fn login(
    State(api): State<Api>,
    Extension(via): Extension<Via>,
    headers: HeaderMap,
    Body(Login { name, password }): Body<Login>,
) -> Result<LetIn<Who>, Problem> {
    let opened = api.access.login(&name, password, &via, agent(&headers)).await?;
    Ok(let_in(&api, &headers, &via, &opened))
}

/// The first admin.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FirstAdmin {
    /// The one-time code of the box's console.
    #[schemars(with = "String")]
    code: Secret,
    /// 1 to 40 of a-z, 0-9, ., _ and -, beginning with a letter.
    name: String,
    /// 10 to 200 characters.
    #[schemars(with = "String")]
    password: Secret,
}

impl Asked for FirstAdmin {
    const SHAPE: &'static str = "{\"code\": \"…\", \"name\": \"…\", \"password\": \"…\"}";
}

/// `POST /api/v1/setup`: makes the first admin with the one-time code, and logs it in.
pub(super) async fn set_up(
    State(api): State<Api>,
    Extension(via): Extension<Via>,
    headers: HeaderMap,
    Body(FirstAdmin { code, name, password }): Body<FirstAdmin>,
) -> Result<LetIn<Who>, Problem> {
    let opened = api.access.set_up(&code, &name, password, &via, agent(&headers)).await?;
    Ok(let_in(&api, &headers, &via, &opened))
}

/// `DELETE /api/v1/session`: logs out.
pub(super) async fn logout(State(api): State<Api>, Extension(caller): Extension<Caller>) -> Result<LetOut, Problem> {
    api.access.logout(&caller).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    for gone in cookie::unset() {
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    Ok(LetOut(response))
}

/// The password that is, and the one to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// The one that is.
    #[schemars(with = "String")]
    current: Secret,
    /// 10 to 200 characters.
    #[schemars(with = "String")]
    new: Secret,
}

impl Asked for NewPassword {
    const SHAPE: &'static str = "{\"current\": \"…\", \"new\": \"…\"}";
}

/// `PUT /api/v1/session/password`: another password for who is logged in; its other sessions end.
pub(super) async fn change_password(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Body(NewPassword { current, new }): Body<NewPassword>,
) -> Result<Done, Problem> {
    api.access.change_password(&caller, current, new).await?;
    Ok(Done::so())
}

/// `GET /api/v1/sessions`: one's own; everybody's for an admin.
pub(super) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Result<Private<Vec<SessionView>>, Problem> {
    Ok(Private::of(&api.access.sessions(&caller)?))
}

/// `GET /api/v1/presence`: who follows the event stream now.
pub(super) async fn present(State(api): State<Api>) -> Private<Presence> {
    Private::of(&api.access.presence())
}

/// `DELETE /api/v1/sessions/{session}`: ends one.
pub(super) async fn end(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Path(session): Path<String>,
) -> Result<Done, Problem> {
    api.access.end_session(&caller, &session).await?;
    Ok(Done::so())
}

fn let_in(api: &Api, headers: &HeaderMap, via: &Via, opened: &Opened) -> LetIn<Who> {
    let cookie = cookie::set(headers, via, &opened.secret);
    Private::of(&Who::of(api, &opened.caller)).let_in(cookie, opened.caller.clone())
}

fn agent(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default()
}

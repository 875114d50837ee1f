//! API tokens: for programs. The text of one is in the answer that makes it, and nowhere else.

use axum::Extension;
use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::body::{Asked, Body};
use super::super::problem::Problem;
use super::super::routes::Api;
use super::answers::{Done, Made, Private};
use crate::access::{Caller, NewToken, Role, Scope, TokenView};
use crate::model::MediaTime;

/// `GET /api/v1/tokens`.
pub(super) async fn list(State(api): State<Api>) -> Result<Private<Vec<TokenView>>, Problem> {
    Ok(Private::of(&api.access.tokens()?))
}

/// A token to be made: a role or a scope at least.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedToken {
    /// What it is for.
    name: String,
    /// What it may.
    role: Option<Role>,
    /// What it may beside.
    #[serde(default)]
    scopes: Vec<Scope>,
    /// Until when it is good; for ever if not given.
    expires: Option<MediaTime>,
}

impl Asked for WantedToken {
    const SHAPE: &'static str = "{\"name\": \"…\", \"role\": \"viewer\", \"scopes\": [\"metrics\"], \"expires\": \"2027-…Z\"}, \
                                 a role or a scope at least";
}

/// A token, and its text.
#[derive(Serialize, JsonSchema)]
pub(super) struct MadeToken {
    #[serde(flatten)]
    view: TokenView,
    /// What to send as `Authorization: Bearer …`. Shown once.
    token: String,
}

/// `POST /api/v1/tokens`.
pub(super) async fn make(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Body(WantedToken { name, role, scopes, expires }): Body<WantedToken>,
) -> Result<Made<MadeToken>, Problem> {
    let (view, secret) = api.access.make_token(&caller, NewToken { name, role, scopes, expires }).await?;
    let place = format!("/api/v1/tokens/{}", view.id);
    let made = MadeToken { view, token: secret.reveal().to_owned() };
    Ok(Private::of(&made).changed(&Value::Null, &made.view).made(&place))
}

/// `DELETE /api/v1/tokens/{token}`: revokes one.
pub(super) async fn remove(State(api): State<Api>, Path(token): Path<String>) -> Result<Done, Problem> {
    api.access.remove_token(&token).await?;
    Ok(Done::so())
}

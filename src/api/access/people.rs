//! Users: what an admin makes, changes and removes.

use axum::extract::{Path, State};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::super::body::{Asked, Body};
use super::super::problem::Problem;
use super::super::routes::Api;
use super::answers::{Done, Made, Private};
use crate::access::{Role, UserChange, UserView};
use crate::model::Secret;

/// `GET /api/v1/users`.
pub(super) async fn list(State(api): State<Api>) -> Result<Private<Vec<UserView>>, Problem> {
    Ok(Private::of(&api.access.users()?))
}

/// `GET /api/v1/users/{name}`.
pub(super) async fn one(State(api): State<Api>, Path(name): Path<String>) -> Result<Private<UserView>, Problem> {
    Ok(Private::of(&api.access.user(&name)?))
}

/// A user to be added.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUser {
    /// 1 to 40 of a-z, 0-9, ., _ and -, beginning with a letter.
    name: String,
    /// What it may.
    role: Role,
    /// 10 to 200 characters.
    #[schemars(with = "String")]
    password: Secret,
}

impl Asked for NewUser {
    const SHAPE: &'static str =
        "{\"name\": \"…\", \"role\": \"viewer\", \"operator\", \"engineer\" or \"admin\", \"password\": \"…\"}";
}

/// `POST /api/v1/users`.
pub(super) async fn add(
    State(api): State<Api>,
    Body(NewUser { name, role, password }): Body<NewUser>,
) -> Result<Made<UserView>, Problem> {
    let user = api.access.add_user(&name, password, role).await?;
    Ok(Private::of(&user).changed(&Value::Null, &user).made(&format!("/api/v1/users/{}", user.name)))
}

/// What is changed of a user; what is missing stays.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserPatch {
    /// What it may.
    role: Option<Role>,
    /// Whether it is kept from logging in.
    disabled: Option<bool>,
    /// A new one, 10 to 200 characters.
    #[schemars(with = "Option<String>")]
    password: Option<Secret>,
}

impl Asked for UserPatch {
    const SHAPE: &'static str =
        "{\"role\": \"…\", \"disabled\": true or false, \"password\": \"…\"}, what is missing stays";
}

/// `PATCH /api/v1/users/{name}`: role, password, or whether it may log in. Its sessions end.
pub(super) async fn change(
    State(api): State<Api>,
    Path(name): Path<String>,
    Body(UserPatch { role, disabled, password }): Body<UserPatch>,
) -> Result<Private<UserView>, Problem> {
    let password = password.map(|password| password.reveal().to_owned());
    let (before, after) = api.access.change_user(&name, UserChange { role, disabled, password }).await?;
    Ok(Private::of(&after).changed(&before, &after))
}

/// `DELETE /api/v1/users/{name}`.
pub(super) async fn remove(State(api): State<Api>, Path(name): Path<String>) -> Result<Done, Problem> {
    Ok(Done::gone(&api.access.remove_user(&name).await?))
}

//! `/api/v1/freeze`: what is frozen, freezing, and ending it.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::answer::Tagged;
use super::super::body::{Asked, Body, Perhaps};
use super::super::openapi::Routes;
use super::super::problem::Problem;
use super::super::routes::Api;
use super::asker::{Who, fits};
use super::freezer::now;
use crate::model::freeze::FREEZE_TEXT;
use crate::model::{ChannelId, Freeze, MediaTime};

const FREEZE: &str = "/api/v1/freeze";

/// The routes of this file.
pub(crate) fn routes() -> Routes {
    Routes::new()
        .get(FREEZE, "Whether something is frozen, since when, by whom and why", get)
        .put(FREEZE, "Freezes the box, or some channels, for a show", put)
        .delete(FREEZE, "Ends the freeze", delete)
}

/// What is frozen.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FreezeState {
    /// The freeze in force; none if nothing is frozen.
    freeze: Option<Freeze>,
}

/// What came of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FreezeOutcome {
    /// False if it was so already.
    changed: bool,
    /// One sentence: what happened.
    text: String,
    /// The freeze in force now.
    freeze: Option<Freeze>,
}

/// What is to be frozen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FreezeOrder")]
struct Wanted {
    /// Why, for whoever is held by it.
    reason: String,
    /// It ends then by itself; by hand if not given.
    #[serde(default)]
    until: Option<MediaTime>,
    /// These channels alone; the whole box if none is named.
    #[serde(default)]
    channels: Vec<ChannelId>,
    /// Who, where nobody logs in.
    #[serde(default)]
    by: Option<String>,
}

impl Asked for Wanted {
    const SHAPE: &'static str =
        "{\"reason\": \"Cup final\", \"until\": \"2026-…Z\", \"channels\": [\"…\"]}, all but the reason optional";
}

/// Who ends it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FreezeEnd")]
struct End {
    /// Who, where nobody logs in.
    #[serde(default)]
    by: Option<String>,
}

impl Asked for End {
    const SHAPE: &'static str = "{\"by\": \"…\"}, or nothing";
}

/// `GET /api/v1/freeze`.
async fn get(State(api): State<Api>, headers: HeaderMap) -> Result<Tagged<FreezeState>, Problem> {
    Tagged::new(&headers, &FreezeState { freeze: api.freezer.in_force() })
}

/// `PUT /api/v1/freeze`.
async fn put(State(api): State<Api>, who: Who, Body(wanted): Body<Wanted>) -> Result<Json<FreezeOutcome>, Problem> {
    let Wanted { reason, until, channels, by } = wanted;
    let since = now();
    if !fits(&reason) {
        return Err(Problem::malformed(format!("`reason` has 1 to {FREEZE_TEXT} characters, in one line")));
    }
    if until.is_some_and(|until| until <= since) {
        return Err(Problem::malformed("`until` is over: name a time to come, or none"));
    }
    let status = api.handle.status().borrow().clone();
    let known = |id: &&ChannelId| status.channels.iter().any(|channel| channel.id == **id);
    if let Some(unknown) = channels.iter().find(|id| !known(id)) {
        return Err(Problem::unknown_channel(unknown.as_str()));
    }
    let freeze = Freeze { since, until, by: who.named(by)?, reason: reason.trim().to_owned(), channels };
    let changed = api.freezer.begin(freeze);
    api.freezer.settled().await;
    let freeze = api.freezer.in_force();
    let text = freeze.as_ref().map(ToString::to_string).unwrap_or_default();
    Ok(Json(FreezeOutcome { changed, text, freeze }))
}

/// `DELETE /api/v1/freeze`.
async fn delete(State(api): State<Api>, who: Who, Perhaps(end): Perhaps<End>) -> Result<Json<FreezeOutcome>, Problem> {
    let by = who.named(end.and_then(|end| end.by))?;
    let ended = api.freezer.end(by.as_deref());
    api.freezer.settled().await;
    let text = match &ended {
        Some(freeze) => format!("the freeze is over ({})", freeze.reason),
        None => "nothing is frozen".to_owned(),
    };
    Ok(Json(FreezeOutcome { changed: ended.is_some(), text, freeze: None }))
}

impl Who {
    /// Who has logged in cannot be somebody else.
    fn named(self, said: Option<String>) -> Result<Option<String>, Problem> {
        match (self.0, said) {
            (Some(name), _) => Ok(Some(name)),
            (None, Some(said)) if !fits(&said) => {
                Err(Problem::malformed(format!("`by` has 1 to {FREEZE_TEXT} characters, in one line")))
            }
            (None, said) => Ok(said),
        }
    }
}

//! What somebody wants of a stream class.

use axum::http::Method;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::body::Asked;
use super::super::problem::Problem;
use super::super::routes::Api;
use crate::classes::Change;

/// Longest comment, characters.
const COMMENT: usize = 500;

/// Another text of a stream class.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ApplyStreamClass")]
pub(crate) struct Apply {
    /// The whole file.
    pub(super) text: String,
    /// Why, for who reads the versions.
    #[serde(default)]
    pub(super) comment: Option<String>,
}

impl Asked for Apply {
    const SHAPE: &'static str = "{\"text\": \"<the whole file>\", \"comment\": \"why\"}, the comment optional";
}

/// A text to be checked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CheckStreamClass")]
pub(crate) struct Draft {
    /// The whole file.
    pub(super) text: String,
}

impl Asked for Draft {
    const SHAPE: &'static str = "{\"text\": \"<the whole file>\"}";
}

/// Where to go back to: one of `version` and `shipped`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RollBackStreamClass")]
pub(crate) struct RollBack {
    /// This version.
    #[serde(default)]
    pub(super) version: Option<u32>,
    /// What is shipped, whatever version that is: the site's own copy is taken away.
    #[serde(default)]
    pub(super) shipped: bool,
    /// Why, for who reads the versions.
    #[serde(default)]
    pub(super) comment: Option<String>,
}

impl Asked for RollBack {
    const SHAPE: &'static str = "{\"version\": 3, \"comment\": \"why\"}, or \"shipped\": true in place of the version";
}

/// Older versions are not needed any more.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PruneStreamClass")]
pub(crate) struct Prune {
    /// As many of the newest stay; one at least.
    #[schemars(range(min = 1))]
    pub(crate) keep: usize,
}

impl Asked for Prune {
    const SHAPE: &'static str = "{\"keep\": 20}";
}

/// One of them.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// Another text.
    Apply(Apply),
    /// An older one.
    RollBack(RollBack),
    /// None at all.
    Delete,
}

impl Wanted {
    /// For who looks at a request before its route does; none if it cannot be read.
    pub(crate) fn read(method: &Method, path: &str, body: &[u8]) -> Option<Self> {
        match path.ends_with("/apply") {
            _ if *method == Method::DELETE => Some(Self::Delete),
            true => serde_json::from_slice(body).ok().map(Self::Apply),
            false => serde_json::from_slice(body).ok().map(Self::RollBack),
        }
    }

    /// What that changes of the class.
    pub(crate) async fn change(&self, api: &Api, name: &str) -> Result<Change, Problem> {
        let (classes, name) = (api.classes.clone(), name.to_owned());
        match self {
            Self::Apply(Apply { text, .. }) => {
                let text = text.clone();
                super::blocking(move || classes.applying(&name, text)).await
            }
            Self::RollBack(RollBack { version: Some(version), shipped: false, .. }) => {
                let version = *version;
                super::blocking(move || classes.going_back(&name, version)).await
            }
            Self::RollBack(RollBack { version: None, shipped: true, .. }) => {
                super::blocking(move || classes.going_back_to_shipped(&name)).await
            }
            Self::RollBack(_) => Err(Problem::malformed("name one of `version` and `shipped`")),
            Self::Delete => super::blocking(move || classes.deleting(&name)).await,
        }
    }

    /// Why, if that was said.
    pub(super) fn comment(&self) -> Result<Option<String>, Problem> {
        let comment = match self {
            Self::Apply(Apply { comment, .. }) | Self::RollBack(RollBack { comment, .. }) => comment,
            Self::Delete => &None,
        };
        let comment = comment.as_deref().map(str::trim).filter(|comment| !comment.is_empty());
        match comment {
            Some(comment) if comment.chars().count() > COMMENT => {
                Err(Problem::malformed(format!("`comment` has at most {COMMENT} characters")))
            }
            comment => Ok(comment.map(str::to_owned)),
        }
    }
}

//! The whole appliance in one document.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::answer::Tagged;
use super::problem::Problem;
use super::routes::Api;
use crate::model::alarm::AlarmCounts;
use crate::model::freeze::Freeze;
use crate::model::pair::ClockStatus;
use crate::model::status::ApplianceStatus;

/// The status document as clients get it: with who may use the API.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
#[schemars(rename = "Status")]
pub(crate) struct Document {
    /// `open` or `login`.
    access: &'static str,
    #[serde(flatten)]
    status: Arc<ApplianceStatus>,
}

impl Document {
    pub(crate) fn of(api: &Api) -> Self {
        Self { access: api.access_word(), status: api.document() }
    }
}

/// What stands in the document and the supervisor does not know.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Beside {
    pub(crate) alarms: AlarmCounts,
    pub(crate) clock: Option<ClockStatus>,
    pub(crate) freeze: Option<Freeze>,
}

impl Beside {
    /// The snapshot with it.
    pub(crate) fn put_into(self, mut status: Arc<ApplianceStatus>) -> Arc<ApplianceStatus> {
        let Self { alarms, clock, freeze } = self;
        if status.alarms != alarms || status.clock != clock || status.freeze != freeze {
            let status = Arc::make_mut(&mut status);
            (status.alarms, status.clock, status.freeze) = (alarms, clock, freeze);
        }
        status
    }
}

/// `GET /api/v1/status`.
pub(crate) async fn appliance(State(api): State<Api>, headers: HeaderMap) -> Result<Tagged<Document>, Problem> {
    let written = api.rendered.status(&api)?;
    Ok(Tagged::written(&headers, &written.tag, written.body))
}

/// The strong entity tag of a document.
pub(crate) fn tag_of(body: &[u8]) -> String {
    format!("\"{}\"", hex::encode(&Sha256::digest(body)[..12]))
}

/// An answer with its entity tag; 304 if the client has it already.
pub(crate) fn known<R: IntoResponse>(headers: &HeaderMap, tag: &str, answer: impl FnOnce() -> R) -> Response {
    let mut response = match names(headers, &header::IF_NONE_MATCH, tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => answer().into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Whether a condition names this tag.
pub(crate) fn names(headers: &HeaderMap, condition: &header::HeaderName, tag: &str) -> bool {
    let lists = headers.get_all(condition).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.trim_start_matches("W/") == tag
    })
}

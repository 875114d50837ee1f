//! The whole appliance in one document, and whether it is alive and ready.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::problem::Problem;
use super::routes::Api;
use crate::model::status::{ApplianceStatus, ChannelOrder};

/// `GET /api/v1/status`.
pub(crate) async fn appliance(State(api): State<Api>, headers: HeaderMap) -> Result<Response, Problem> {
    let status = api.handle.status().borrow().clone();
    tagged(&headers, &View::of(&api, &status))
}

/// The status document as clients get it: with who may use the API.
#[derive(Serialize)]
pub(crate) struct View<'a> {
    /// `open` or `login`.
    access: &'static str,
    #[serde(flatten)]
    status: &'a ApplianceStatus,
}

impl<'a> View<'a> {
    pub(crate) fn of(api: &Api, status: &'a ApplianceStatus) -> Self {
        Self { access: api.access_word(), status }
    }
}

/// JSON with an entity tag; 304 if the client has it already.
pub(crate) fn tagged<T: Serialize>(headers: &HeaderMap, document: &T) -> Result<Response, Problem> {
    let body = serde_json::to_vec(document).map_err(|error| Problem::internal(format!("cannot write it: {error}")))?;
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(&body)[..12]));
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let same = known.flat_map(|value| value.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.trim_start_matches("W/") == tag
    });
    let mut response = match same {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    Ok(response)
}

/// `GET /healthz`: this process answers and its supervisor runs. Says nothing about channels.
pub(crate) async fn alive(State(api): State<Api>) -> Result<Response, Problem> {
    match api.handle.status().has_changed() {
        Ok(_) => Ok(Json(serde_json::json!({"status": "alive"})).into_response()),
        Err(_) => Err(Problem::not_alive()),
    }
}

/// `GET /readyz`: every channel that was ordered on air is on air.
pub(crate) async fn ready(State(api): State<Api>) -> Result<Response, Problem> {
    let status = api.handle.status().borrow().clone();
    let wanted = status.channels.iter().filter(|channel| channel.order == ChannelOrder::OnAir);
    let reasons: Vec<String> = wanted
        .filter(|channel| !channel.on_air)
        .map(|channel| format!("channel `{}`: {} ({})", channel.id, channel.health.reason, channel.health.code))
        .collect();
    match reasons.is_empty() {
        true => Ok(Json(serde_json::json!({"status": "ready"})).into_response()),
        false => Err(Problem::not_ready(reasons)),
    }
}

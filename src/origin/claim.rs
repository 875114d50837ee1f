//! `POST /live/<channel>/lease`: a box of a pair asks for the channel, renews its lease, or gives it back.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::lease::Terms;
use super::name::{NameFault, Object};
use super::problem::Problem;
use super::router::Origin;
use crate::model::ChannelId;
use crate::model::pair::{LEASE, LEASE_HEADER, LEASE_MS, LeaseAnswer, LeaseAsk};

/// No ask is longer, bytes.
const MOST: usize = 4096;
/// No member's name is longer.
const NAME: usize = 64;

/// What objects take; a lease is none.
const ALLOW: &str = "GET,HEAD,PUT,DELETE";

/// All methods that no object takes.
pub(crate) async fn other(
    State(origin): State<Arc<Origin>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if method != Method::POST || !uri.path().ends_with(&format!("/{LEASE}")) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, ALLOW)]).into_response();
    }
    match claim(&origin, &uri, &headers, body).await {
        Ok(answer) => {
            let status = if answer.is_good() { StatusCode::OK } else { StatusCode::CONFLICT };
            (status, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

async fn claim(origin: &Arc<Origin>, uri: &Uri, headers: &HeaderMap, body: Body) -> Result<LeaseAnswer, Problem> {
    let path = uri.path().strip_prefix("/live/").unwrap_or_default();
    let channel = match path.split_once('/') {
        Some((channel, LEASE)) => ChannelId::new(channel).map_err(|_| Problem::NoSuchName(NameFault::Channel))?,
        _ => return Err(Problem::NotFound),
    };
    origin.tokens.allow(&channel, headers)?;
    let idle = origin.limits.upload_idle;
    let body = timeout(idle, to_bytes(body, MOST)).await.map_err(|_| Problem::Stalled(idle))?;
    let body = body.map_err(|error| Problem::Claim(error.to_string()))?;
    let ask: LeaseAsk = serde_json::from_slice(&body).map_err(|error| Problem::Claim(error.to_string()))?;
    check(&ask)?;
    let origin = Arc::clone(origin);
    let work = move || {
        // Whoever gets the channel sees all that was written before, and nothing that was not.
        let _order = origin.shelf.in_order();
        let answer = origin.leases.ask(&channel, &ask, Instant::now())?;
        Ok(LeaseAnswer { released: ask.release && answer.holder.is_none(), ..answer })
    };
    super::receive::blocking(work).await
}

fn check(ask: &LeaseAsk) -> Result<(), Problem> {
    let printable = |text: &str| (1..=NAME).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if !printable(&ask.member) || !printable(&ask.instance) {
        return Err(Problem::Claim(format!("`member` and `instance` are 1 to {NAME} printable characters")));
    }
    if !LEASE_MS.contains(&ask.ttl_ms) || ask.wait_ms > *LEASE_MS.end() * 10 {
        return Err(Problem::Claim(format!("a lease lasts {} to {} ms", LEASE_MS.start(), LEASE_MS.end())));
    }
    Ok(())
}

/// What the headers of a write say of a lease.
pub(super) fn terms(headers: &HeaderMap) -> Terms {
    let token = headers.get(LEASE_HEADER).map(|value| value.to_str().ok().and_then(|text| text.parse().ok()));
    Terms {
        // One that cannot be read is none that was ever given.
        token: token.map(Option::unwrap_or_default),
        create: headers.get(header::IF_NONE_MATCH).is_some_and(|value| value == "*"),
    }
}

/// Whether a write may be done now.
pub(super) fn admit(origin: &Origin, object: &Object, terms: Terms) -> Result<(), Problem> {
    // A recording is nobody's program: whoever has it may upload it.
    if matches!(object, Object::Vod(_)) {
        return Ok(());
    }
    origin.leases.admit(object.channel(), terms, object.is_playlist(), Instant::now())
}

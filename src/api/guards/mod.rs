//! Guards by consequence, in front of every route: what is frozen is refused, what viewers would notice is confirmed. They
//! stand here and not in the panel, so that every client has them.
//!
//! Owns: the table of consequences, the freeze, confirmations. Must not: hold back the way out (slate, release, take), or
//! do anything itself.
//!
//! ```text
//!  request ─▶ row (tiers) ─▶ what it would do now (weigh, effects)
//!                 │                    │
//!                 │ none, or free      ├─ held by a freeze ──▶ 423, unless `Override: <reason>` ─▶ event, `Overridden`
//!                 ▼                    ├─ viewers notice ────▶ 428 with a token, unless `Confirm: <token>`
//!               route ◀────────────────┘
//! ```
//!
//! `Confirm: ask` only asks what a request would do, and never carries it out.

mod asker;
mod confirm;
mod effects;
mod freeze;
mod freezer;
mod tiers;
mod weigh;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, MatchedPath, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::again::{Print, print};
use super::guard::largest;
use super::problem::Problem;
use super::routes::Api;
use crate::model::{ChannelId, Freeze};
use asker::{ASK, Said};
use weigh::{Read, Weight, weigh};

pub(crate) use asker::{CONFIRM, CONFIRM_NAME, OVERRIDE, Who, name as asker_name};
pub(crate) use confirm::{Confirmations, WITHIN};
pub use effects::reload_held;
pub(crate) use freeze::routes;
pub use freezer::Freezer;
pub(crate) use tiers::{Tier, tier_of};

/// In the answer to what a freeze would have held.
pub(crate) const OVERRIDDEN: HeaderName = HeaderName::from_static("overridden");

/// Refuses what is frozen, and asks for a confirmation of what viewers would notice.
pub(crate) async fn check(State(api): State<Api>, request: Request, next: Next) -> Response {
    let pattern = request.extensions().get::<MatchedPath>().cloned();
    let row = pattern.and_then(|pattern| tier_of(request.method().as_str(), pattern.as_str()));
    let asks = request.headers().get(CONFIRM).is_some_and(|value| value == ASK);
    // Who only asks is never taken at more than that, whatever the address.
    let row = row.or_else(|| (asks && !request.method().is_safe()).then_some(tiers::UNKNOWN));
    match row {
        Some(row) if asks || row.held || row.tier.is_confirmed() => {
            guarded(api, row, request, next).await.unwrap_or_else(IntoResponse::into_response)
        }
        _ => next.run(request).await,
    }
}

async fn guarded(api: Api, row: &'static tiers::Row, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let most = largest(parts.uri.path());
    let body = axum::body::to_bytes(body, most).await.map_err(|_| Problem::too_large(most))?;
    // As the route reads them: what it cannot read, it refuses.
    let places = Path::<Vec<(String, String)>>::from_request_parts(&mut parts, &()).await;
    let places = places.map(|Path(places)| places).unwrap_or_default();
    let read = Read { row, method: &parts.method, uri: &parts.uri, places: &places, body: &body };
    let weight = weigh(&api, &read).await;
    let said = Said::read(&parts.headers)?;
    let broken = admitted(&api, &weight, &said, &parts)?;
    confirmed(&api, &weight, &said, &parts, &body)?;
    if let Some(freeze) = &broken {
        // Said before it is done: whatever comes of it, somebody has broken the glass.
        let (by, reason) = (asker::name(&parts.extensions), said.reason.unwrap_or_default());
        api.freezer.broken(freeze, by.as_deref(), &weight.text, &reason);
    }
    let mut response = next.run(Request::from_parts(parts, Body::from(body))).await;
    if broken.is_some() {
        response.headers_mut().insert(OVERRIDDEN, HeaderValue::from_static("freeze"));
    }
    Ok(response)
}

/// For an order that comes by another way than a request, and cannot say why it should not wait: what a freeze holds of the
/// POST to `pattern` is refused.
pub(super) fn admit_plain(freezer: &Freezer, pattern: &str, channel: &ChannelId) -> Result<(), Problem> {
    let row = tier_of("POST", pattern).unwrap_or(tiers::UNKNOWN);
    match freezer.covering(std::slice::from_ref(channel)).filter(|_| row.held) {
        Some(freeze) => Err(Problem::frozen(freeze)),
        None => Ok(()),
    }
}

/// The freeze that is overridden by it, if one is; refused if one holds it.
fn admitted(api: &Api, weight: &Weight, said: &Said, parts: &Parts) -> Result<Option<Freeze>, Problem> {
    let freeze = api.freezer.covering(&weight.touched).filter(|_| weight.held);
    let breaks = said.reason.is_some() && asker::may_override(&parts.extensions);
    match freeze {
        Some(freeze) if !breaks => Err(Problem::frozen(freeze)),
        freeze => Ok(freeze),
    }
}

fn confirmed(api: &Api, weight: &Weight, said: &Said, parts: &Parts, body: &Bytes) -> Result<(), Problem> {
    let asks = said.confirm.as_deref() == Some(ASK);
    if !asks && (!weight.tier.is_confirmed() || asker::unguarded(&parts.extensions)) {
        return Ok(());
    }
    let print = print_of(weight, parts, body);
    let token = said.confirm.as_deref().filter(|_| !asks);
    // Used up in any case.
    let good = token.is_some_and(|token| api.confirmations.redeem(token, print));
    let named = weight.name.is_none() || weight.name == said.name;
    if good && named {
        return Ok(());
    }
    let why = match (token.is_some(), good) {
        (false, _) => "",
        (true, false) => "that confirmation is used up, too old or of something else: ",
        (true, true) => "the name is another one: ",
    };
    Err(Problem::unconfirmed(why, weight.tier, &weight.text, weight.name.clone(), api.confirmations.grant(print)))
}

/// Of all that makes it this request and no other, and of what it would do.
fn print_of(weight: &Weight, parts: &Parts, body: &Bytes) -> Print {
    let header = |name: HeaderName| parts.headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
    print(&[
        parts.method.as_str().as_bytes(),
        parts.uri.to_string().as_bytes(),
        header(header::AUTHORIZATION),
        header(header::COOKIE),
        header(header::CONTENT_TYPE),
        header(header::IF_MATCH),
        weight.text.as_bytes(),
        body,
    ])
}

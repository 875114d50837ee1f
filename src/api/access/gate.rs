//! The gate before every route: who asks, whether that may, and an entry in the audit log for every act.

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde_json::Value;

use super::super::problem::Problem;
use super::super::routes::{Api, BODY};
use super::cookie;
use super::rules::{self, Need};
use super::trail::Act;
use crate::access::{Access, By, Caller, Denied, Via};

/// Most of a document that is looked at for the audit log; what a route takes is its own affair, and less.
const DOCUMENT: usize = 1024 * 1024;

/// How often somebody who listens to a stream is looked at again, beside when something changes.
const AGAIN: std::time::Duration = std::time::Duration::from_secs(30);

/// Lets in, or not.
pub(crate) async fn check(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let via = request.extensions().get::<Via>().copied().unwrap_or_default();
    let pattern = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let need = rules::need(request.method(), pattern.as_deref());
    let caller = match admit(&api.access, need, request.headers(), &via) {
        Ok(caller) => caller,
        Err(refused) => {
            let Refused { caller, denied } = *refused;
            let response = Problem::from(denied).into_response();
            // Of somebody unknown nothing is written: that could be anybody, as often as they like.
            if let (Some(caller), true) = (caller, is_act(&request, pattern.as_deref())) {
                Act::of(&api, Some(&caller), &via, &request, pattern.as_deref()).answered(&response);
            }
            return response;
        }
    };
    request.extensions_mut().insert(via);
    if let Some(caller) = &caller {
        request.extensions_mut().insert(caller.clone());
    }
    if !is_act(&request, pattern.as_deref()) {
        return while_it_holds(&api.access, caller, next.run(request).await);
    }
    let mut act = Act::of(&api, caller.as_ref(), &via, &request, pattern.as_deref());
    let (request, asked) = match read(request).await {
        Ok(read) => read,
        Err(problem) => {
            let response = problem.into_response();
            act.answered(&response);
            return response;
        }
    };
    act.asked(asked);
    let response = next.run(request).await;
    act.answered(&response);
    response
}

/// Somebody who may not, and who that is, if it is known.
struct Refused {
    caller: Option<Caller>,
    denied: Denied,
}

/// Who that is, if it may; none where nobody is asked.
fn admit(access: &Access, need: Need, headers: &HeaderMap, via: &Via) -> Result<Option<Caller>, Box<Refused>> {
    let proxied = ["forwarded", "x-forwarded-for"].iter().any(|name| headers.contains_key(*name));
    if need.is_met_by_anybody(via, proxied) {
        return Ok(None);
    }
    let caller = access.identify(cookie::credentials(headers, via), via);
    let caller = caller.map_err(|denied| Box::new(Refused { caller: None, denied }))?;
    match need.is_met(&caller) {
        true => Ok(Some(caller)),
        false => Err(Box::new(Refused { caller: Some(caller), denied: Denied::Forbidden(need.as_str()) })),
    }
}

/// Whether it is to be in the audit log: whatever is asked of the API that is more than looking.
fn is_act(request: &Request, pattern: Option<&str>) -> bool {
    !rules::looks(request.method(), pattern) && request.uri().path().starts_with("/api/")
}

/// Takes a document out of a request for the audit log, and puts it back.
async fn read(request: Request) -> Result<(Request, Option<Value>), Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.trim_start().to_ascii_lowercase().starts_with("application/json") {
        return Ok((request, None));
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, DOCUMENT).await.map_err(|_| Problem::too_large(BODY))?;
    let document = serde_json::from_slice(&bytes).ok();
    Ok((Request::from_parts(parts, Body::from(bytes)), document))
}

/// Ends a stream when whoever listens is let in no longer.
fn while_it_holds(access: &Access, caller: Option<Caller>, response: Response) -> Response {
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Some(caller) = caller.filter(|caller| kind.starts_with("text/event-stream") && caller.by != By::Socket) else {
        return response;
    };
    let access = access.clone();
    let over = async move {
        let mut changes = access.changes();
        while access.holds(&caller) {
            // The sender lives as long as `access`.
            let _ = tokio::time::timeout(AGAIN, changes.changed()).await;
        }
    };
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, Body::from_stream(body.into_data_stream().take_until(Box::pin(over))))
}

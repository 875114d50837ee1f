//! The audit log: what is written of an act, and reading it.

use std::time::SystemTime;

use axum::Json;
use axum::extract::{Query, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::problem::{Code, Problem};
use super::super::routes::Api;
use crate::access::{AuditEntry, AuditRow, Caller, Via, redacted, redacted_address};
use crate::model::MediaTime;

/// Most entries of one answer.
const PAGE: u32 = 500;
/// Longest address that is kept, characters.
const ADDRESS: usize = 300;

/// Who asked did not wait for the answer; no status of HTTP, but what others write for it.
const LEFT: u16 = 499;

/// What a handler adds to its answer for the audit log: how something was, and how it is.
#[derive(Debug, Clone)]
pub(crate) struct Changed {
    pub(crate) before: Value,
    pub(crate) after: Value,
}

/// An act under way. If nobody waits for its answer any more, it is written down all the same: it may have been carried
/// out.
pub(super) struct Act {
    api: Api,
    entry: Option<AuditEntry>,
    channel: Option<String>,
}

impl Act {
    pub(super) fn of(api: &Api, caller: Option<&Caller>, via: &Via, request: &Request, pattern: Option<&str>) -> Self {
        let path = request.uri().path();
        let action = format!("{} {}", request.method(), pattern.unwrap_or("no route"));
        let target: String = redacted_address(path, request.uri().query()).chars().take(ADDRESS).collect();
        let channel = path.strip_prefix("/api/v1/channels/").and_then(|rest| rest.split('/').next()).map(str::to_owned);
        let mut entry = AuditEntry::by(caller, via, action, target);
        entry.before = channel.as_deref().and_then(|channel| state(api, channel));
        Self { api: api.clone(), entry: Some(entry), channel }
    }

    pub(super) fn asked(&mut self, asked: Option<Value>) {
        if let Some(entry) = &mut self.entry {
            entry.asked = asked.map(redacted);
        }
    }

    /// Writes it down.
    pub(super) fn answered(mut self, response: &Response) {
        let Some(mut entry) = self.entry.take() else { return };
        entry.status = response.status().as_u16();
        entry.code = response.extensions().get::<Code>().map(|code| code.0.to_owned());
        // Whom a login has let in is known by its answer.
        if let Some(caller) = response.extensions().get::<Caller>() {
            entry = AuditEntry { who: caller.name.clone(), role: caller.role, by: caller.by.as_str().into(), ..entry };
        }
        self.write(entry, response.extensions().get::<Changed>());
    }

    fn write(&self, mut entry: AuditEntry, changed: Option<&Changed>) {
        entry.at = MediaTime::from_system(SystemTime::now());
        match changed {
            Some(Changed { before, after }) => {
                (entry.before, entry.after) = (Some(redacted(before.clone())), Some(redacted(after.clone())));
            }
            None => entry.after = self.channel.as_deref().and_then(|channel| state(&self.api, channel)),
        }
        self.api.access.record(&entry);
    }
}

impl Drop for Act {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.write(AuditEntry { status: LEFT, code: Some("client_left".to_owned()), ..entry }, None);
        }
    }
}

/// What of a channel an order is about, as the engine has confirmed it.
fn state(api: &Api, channel: &str) -> Option<Value> {
    let status = api.handle.status().borrow().clone();
    let channel = status.channels.iter().find(|one| one.id.as_str() == channel)?;
    let program = channel.report.as_ref().map(|report| &report.program);
    Some(json!({
        "order": channel.order,
        "state": channel.state,
        "program": program.map(|program| &program.order),
        "showing": program.map(|program| &program.showing),
    }))
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Serialize)]
struct Page {
    items: Vec<AuditRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// `GET /api/v1/audit`: who did what, newest first, with `?limit=` and `?cursor=`.
pub(super) async fn list(State(api): State<Api>, Query(wanted): Query<Wanted>) -> Result<Response, Problem> {
    let most = wanted.limit.unwrap_or(100).clamp(1, PAGE);
    let bad = |_| Problem::malformed("`cursor` is none that this address has given");
    let before = wanted.cursor.map(|cursor| cursor.parse::<i64>()).transpose().map_err(bad)?;
    let items = api.access.audited(before, most).await?;
    let full = items.len() as u64 >= u64::from(most);
    let next_cursor = items.last().filter(|_| full).map(|row| row.id.to_string());
    let link = next_cursor.as_ref().map(|cursor| format!("</api/v1/audit?limit={most}&cursor={cursor}>; rel=\"next\""));
    let mut response = Json(Page { items, next_cursor }).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if let Some(link) = link.and_then(|link| header::HeaderValue::try_from(link).ok()) {
        headers.insert(header::LINK, link);
    }
    Ok(response)
}

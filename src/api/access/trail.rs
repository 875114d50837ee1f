//! The audit log: what is written of an act, and reading it.

use std::time::SystemTime;

use axum::extract::{Query, Request, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::super::answer::{Linked, Page, Wanted};
use super::super::problem::{Code, Problem};
use super::super::routes::Api;
use crate::access::{AuditEntry, AuditRow, Caller, Via, redacted, redacted_address};
use crate::model::MediaTime;
use crate::supervisor::Handle;

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
        entry.before = channel.as_deref().and_then(|channel| known(&api.handle, channel));
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
            None => entry.after = self.channel.as_deref().and_then(|channel| known(&self.api.handle, channel)),
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
pub(crate) fn known(handle: &Handle, channel: &str) -> Option<Value> {
    let status = handle.status().borrow().clone();
    let channel = status.channels.iter().find(|one| one.id.as_str() == channel)?;
    let program = channel.report.as_ref().map(|report| &report.program);
    Some(json!({
        "order": channel.order,
        "state": channel.state,
        "program": program.map(|program| &program.order),
        "showing": program.map(|program| &program.showing),
    }))
}

/// `GET /api/v1/audit`: who did what, newest first.
pub(super) async fn list(State(api): State<Api>, Query(wanted): Query<Wanted>) -> Result<Linked<AuditRow>, Problem> {
    let most = wanted.most()?;
    let bad = |_| Problem::malformed("`cursor` is none that this address has given");
    let before = wanted.cursor.map(|cursor| cursor.parse::<i64>()).transpose().map_err(bad)?;
    let mut items = api.access.audited(before, u32::try_from(most).unwrap_or(u32::MAX).saturating_add(1)).await?;
    let more = items.len() > most;
    items.truncate(most);
    let next_cursor = items.last().filter(|_| more).map(|row| row.id.to_string());
    Ok(Linked::new(Page::new(items, next_cursor), &format!("/api/v1/audit?limit={most}")))
}

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
use crate::model::status::ApplianceStatus;

/// Longest address that is kept, characters.
const ADDRESS: usize = 300;

/// Who asked did not wait for the answer; no status of HTTP, but what others write for it.
const LEFT: u16 = 499;

/// What operators have set of a channel, as it stands in an entry.
const LIVE: &str = "live";

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
    caller: Option<Caller>,
    path: String,
}

impl Act {
    pub(super) fn of(api: &Api, caller: Option<&Caller>, via: &Via, request: &Request, pattern: Option<&str>) -> Self {
        let path = request.uri().path();
        let action = format!("{} {}", request.method(), pattern.unwrap_or("no route"));
        let target: String = redacted_address(path, request.uri().query()).chars().take(ADDRESS).collect();
        let mut entry = AuditEntry::by(caller, via, action, target);
        entry.before = about(api, caller, path);
        Self { api: api.clone(), entry: Some(entry), caller: caller.cloned(), path: path.to_owned() }
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
                (entry.before, entry.after) = (Some(before.clone()), Some(after.clone()));
            }
            None => entry.after = about(&self.api, self.caller.as_ref(), &self.path),
        }
        if let (Some(before), Some(after)) = (&mut entry.before, &mut entry.after) {
            without_same(before, after);
        }
        let short = |value: Option<Value>| value.map(redacted).filter(|value| !value.is_null());
        (entry.before, entry.after) = (short(entry.before.take()), short(entry.after.take()));
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

/// What is at an address, as it is known without asking a disk. Where that needs one, the handler says what has changed.
fn about(api: &Api, caller: Option<&Caller>, path: &str) -> Option<Value> {
    let mut words = path.strip_prefix("/api/v1/")?.split('/');
    let (kind, id) = (words.next()?, words.next());
    match (kind, id) {
        ("channels", Some(id)) => audited_channel(&api.handle.status().borrow(), id),
        ("alarms", Some(id)) => {
            let alarm = api.alarms.list().into_iter().find(|alarm| alarm.id == id)?;
            Some(json!({"active": alarm.active, "acked": alarm.acked, "shelved": alarm.shelved}))
        }
        ("freeze", None) => Some(json!(api.freezer.in_force())),
        ("config", Some("reload" | "apply")) => {
            let status = api.handle.status().borrow().clone();
            let config = &status.config;
            Some(json!({"generation": config.generation, "loaded_at": config.loaded_at}))
        }
        ("tokens", Some(id)) => Some(json!(api.access.tokens().ok()?.into_iter().find(|token| token.id == id)?)),
        ("sessions", Some(id)) => {
            let sessions = api.access.sessions(caller?).ok()?;
            Some(json!(sessions.into_iter().find(|session| session.id == id)?))
        }
        _ => None,
    }
}

/// Leaves of what operators have set only what has changed: the rest is long.
fn without_same(before: &mut Value, after: &mut Value) {
    if let (Some(Value::Object(was)), Some(Value::Object(is))) = (before.get_mut(LIVE), after.get_mut(LIVE)) {
        let same: Vec<String> =
            was.iter().filter(|(key, value)| is.get(*key) == Some(value)).map(|(k, _)| k.clone()).collect();
        for key in same {
            was.remove(&key);
            is.remove(&key);
        }
    }
    for side in [before, after] {
        if let Some(side) = side.as_object_mut()
            && side.get(LIVE).and_then(Value::as_object).is_some_and(serde_json::Map::is_empty)
        {
            side.remove(LIVE);
        }
    }
}

/// What of a channel an order is about, as the engine has confirmed it.
pub(crate) fn audited_channel(status: &ApplianceStatus, channel: &str) -> Option<Value> {
    let channel = status.channels.iter().find(|one| one.id.as_str() == channel)?;
    let program = channel.report.as_ref().map(|report| &report.program);
    Some(json!({
        "order": channel.order,
        "state": channel.state,
        "program": program.map(|program| &program.order),
        "showing": program.map(|program| &program.showing),
        LIVE: channel.live,
    }))
}

/// `GET /api/v1/audit`: who did what, newest first.
pub(super) async fn list(State(api): State<Api>, Query(wanted): Query<Wanted>) -> Result<Linked<AuditRow>, Problem> {
    let most = wanted.most()?;
    let before: Option<i64> = wanted.place()?;
    let mut items = api.access.audited(before, u32::try_from(most).unwrap_or(u32::MAX).saturating_add(1)).await?;
    let more = items.len() > most;
    items.truncate(most);
    let next_cursor = items.last().filter(|_| more).map(|row| row.id.to_string());
    Ok(Linked::new(Page::new(items, next_cursor), &format!("/api/v1/audit?limit={most}")))
}

//! The audit log: who did what, from where, and what came of it. Entries are only added; secrets are in none of them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::caller::{Caller, Via};
use super::porter::{Access, Denied, now};
use super::role::Role;
use crate::model::MediaTime;
use crate::store::{Found, Span, Unread};

/// Most that is kept of what was asked, bytes of JSON.
const ASKED: usize = 2048;
const REDACTED: &str = "[redacted]";
/// What the names of secrets have in them. `id` and `name` of a token are none.
const SECRETS: &[&str] =
    &["password", "passphrase", "secret", "token", "key", "code", "credential", "authorization", "current", "new"];

/// One act.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AuditEntry {
    /// When it was answered.
    pub at: MediaTime,
    /// Who.
    pub who: String,
    /// What that may; none for somebody unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// By what that is known: `session`, `token`, `socket`, `open`, `osc`, `nothing`.
    pub by: String,
    /// From where.
    pub from: String,
    /// Method and pattern of the address, such as `POST /api/v1/channels/{id}/take` or `OSC /uplink/{channel}/take`.
    pub action: String,
    /// The address.
    pub target: String,
    /// What was asked, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Value>,
    /// How it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// How it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// The answer: HTTP status.
    pub status: u16,
    /// The problem's code, if it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl AuditEntry {
    /// Of `caller`, or of somebody unknown who came by `via`.
    pub fn by(caller: Option<&Caller>, via: &Via, action: String, target: String) -> Self {
        Self {
            at: now(),
            who: caller.map_or_else(|| "nobody known".to_owned(), |caller| caller.name.clone()),
            role: caller.and_then(|caller| caller.role),
            by: caller.map_or("nothing", |caller| caller.by.as_str()).to_owned(),
            from: via.to_string(),
            action,
            target,
            asked: None,
            before: None,
            after: None,
            status: 0,
            code: None,
        }
    }
}

/// Entries with their numbers, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct AuditRow {
    /// Its number.
    pub id: i64,
    /// The act.
    #[serde(flatten)]
    pub entry: AuditEntry,
}

impl Access {
    /// Keeps an entry and writes it to the daemon's log. Nobody waits for the disk.
    pub fn record(&self, entry: &AuditEntry) {
        let failed = entry.status >= 400;
        if failed && entry.by == "nothing" && !self.may_note() {
            tracing::debug!(action = entry.action, from = entry.from, "one more refusal, not in the audit log");
            return;
        }
        let AuditEntry { who, by, from, action, target, status, code, .. } = entry;
        let code = code.as_deref().unwrap_or("done");
        tracing::info!(who, by, from, target, status, answer = code, "audit: {action}");
        if let Some(accounts) = &self.0.accounts {
            accounts.append(entry.at, serde_json::to_string(entry).unwrap_or_default());
        }
    }

    /// The newest entries before number `before`, newest first.
    pub async fn audited(&self, before: Option<i64>, most: u32) -> Result<Vec<AuditRow>, Denied> {
        let Some(accounts) = &self.0.accounts else { return Ok(Vec::new()) };
        let rows = accounts.entries(before, most).await?;
        let read = |(id, text): (i64, String)| Some(AuditRow { id, entry: serde_json::from_str(&text).ok()? });
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// What `pick` makes of the acts in `span`, newest first; what it answers with none is left out.
    pub async fn acts<T: Send + 'static>(
        &self,
        span: Span,
        pick: impl Fn(AuditEntry) -> Option<T> + Send + 'static,
    ) -> Result<Found<T>, Unread> {
        match &self.0.accounts {
            Some(accounts) => accounts.past(span, move |text| pick(serde_json::from_str(text).ok()?)).await,
            None => Ok(Found { entries: Vec::new(), reached: None }),
        }
    }
}

/// Without the values of secrets, at any depth; how long it was, if that is more than anybody reads.
pub fn redacted(value: Value) -> Value {
    let value = without_secrets(value);
    match value.to_string().len() {
        length if length > ASKED => serde_json::json!({ "bytes": length }),
        _ => value,
    }
}

fn without_secrets(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let field = |(name, value): (String, Value)| match is_secret(&name) {
                true => (name, Value::from(REDACTED)),
                false => (name, without_secrets(value)),
            };
            Value::Object(fields.into_iter().map(field).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_secrets).collect()),
        other => other,
    }
}

/// An address and its query, without the values of secrets.
pub fn redacted_address(path: &str, query: Option<&str>) -> String {
    let Some(query) = query else { return path.to_owned() };
    let part = |part: &str| match part.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={REDACTED}"),
        _ => part.to_owned(),
    };
    let parts: Vec<String> = query.split('&').map(part).collect();
    format!("{path}?{}", parts.join("&"))
}

fn is_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRETS.iter().any(|secret| match *secret {
        // Short words are only secrets by themselves.
        "current" | "new" | "code" => name == *secret,
        secret => name.contains(secret),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_taken_out_wherever_they_are() {
        let asked = json!({
            "name": "ada", "password": "canary", "deep": [{"Secret_Key": {"x": "canary"}, "role": "viewer"}],
            "new": "canary", "code": "canary", "newest": 7, "stream_key": "canary",
        });
        let text = redacted(asked).to_string();
        assert!(!text.contains("canary"), "{text}");
        assert!(text.contains("\"newest\":7") && text.contains("viewer") && text.contains("ada"), "{text}");
        assert_eq!(redacted_address("/a", Some("force=true&token=canary")), "/a?force=true&token=[redacted]");
        assert!(redacted(json!({"text": "x".repeat(9000)})).to_string().len() < 40);
    }
}

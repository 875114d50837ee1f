//! What a source grants: a token, and for how long. Pure.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::TokenTrouble;
use crate::model::Secret;

/// A token as it was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    /// The token; for S3 a JSON document, see [`temporary_key`].
    pub(crate) secret: Secret,
    /// How long it is good for, if that was said.
    pub(crate) lifetime: Option<Duration>,
}

impl Grant {
    /// When to ask for the next one: when four fifths of its life are over.
    pub(super) fn refresh_after(&self) -> Option<Duration> {
        self.lifetime.map(|lifetime| (lifetime * 4 / 5).max(Duration::from_secs(1)))
    }
}

/// A temporary access key, as AWS programs print it (`credential_process`).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TemporaryKey {
    /// Its public half.
    pub(crate) access_key_id: String,
    /// Its secret half.
    pub(crate) secret_access_key: String,
    /// What makes it temporary.
    pub(crate) session_token: Option<String>,
    expiration: Option<jiff::Timestamp>,
}

/// The temporary access key in a token that is one.
pub(crate) fn temporary_key(token: &str) -> Option<TemporaryKey> {
    serde_json::from_str(token).ok()
}

/// Reads what a file or a command says, or an answer of a token endpoint (RFC 6749, section 5.1): one line, or a JSON
/// object with `access_token` and perhaps `expires_in`, or a temporary access key.
pub(super) fn read(text: &str, of: &str) -> Result<Grant, TokenTrouble> {
    let text = text.trim();
    if !text.starts_with('{') {
        return plain(text, of);
    }
    if let Some(key) = temporary_key(text) {
        let now = jiff::Timestamp::now();
        let left = key.expiration.map(|at| Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO));
        return Ok(Grant { secret: Secret::new(text), lifetime: left });
    }
    let document: Value = serde_json::from_str(text).map_err(|_| unreadable(of))?;
    let token = document.get("access_token").or_else(|| document.get("token")).and_then(Value::as_str);
    let grant = plain(token.ok_or_else(|| unreadable(of))?, of)?;
    // Some servers write the number as text.
    let seconds = document.get("expires_in");
    let seconds = seconds.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
    Ok(Grant { lifetime: seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs), ..grant })
}

/// One line of printable ASCII without spaces: it stands in a header or an address.
fn plain(text: &str, of: &str) -> Result<Grant, TokenTrouble> {
    let good = !text.is_empty() && text.len() <= 16_384 && text.bytes().all(|b| b.is_ascii_graphic());
    if good { Ok(Grant { secret: Secret::new(text), lifetime: None }) } else { Err(unreadable(of)) }
}

fn unreadable(of: &str) -> TokenTrouble {
    TokenTrouble::set_up(format!("{of} gives no token: neither one line without spaces nor JSON with `access_token`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_in_several_forms() {
        for (text, token, seconds) in [
            ("abc\n", "abc", None),
            (r#"{"access_token":"abc","token_type":"Bearer","expires_in":3600}"#, "abc", Some(3600)),
            (r#"{"access_token":"abc","expires_in":"60"}"#, "abc", Some(60)),
            (r#"{"token":"abc"}"#, "abc", None),
        ] {
            let grant = read(text, "it").unwrap();
            assert_eq!((grant.secret.reveal(), grant.lifetime.map(|l| l.as_secs())), (token, seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_token_is_not_shown() {
        for text in ["", "hunter2 hunter2", "{\"access_token\":5,\"x\":\"hunter2\"}", "{hunter2", "hunter2\u{e4}"] {
            let trouble = read(text, "the command").unwrap_err();
            assert!(!trouble.text.contains("hunter2") && trouble.text.starts_with("the command"), "{trouble:?}");
        }
    }

    #[test]
    fn a_temporary_access_key_is_a_token_too() {
        let text = r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"S","SessionToken":"T","Expiration":"2126-01-01T00:00:00Z"}"#;
        let grant = read(text, "it").unwrap();
        let key = temporary_key(grant.secret.reveal()).unwrap();
        assert_eq!((key.access_key_id.as_str(), key.session_token.as_deref()), ("A", Some("T")));
        assert!(grant.lifetime.unwrap() > Duration::from_secs(3600));
        let expired = text.replace("2126", "2006");
        assert_eq!(read(&expired, "it").unwrap().lifetime, Some(Duration::ZERO));
    }

    #[test]
    fn the_next_token_is_asked_for_in_time() {
        let grant = |seconds| Grant { secret: Secret::new("t"), lifetime: Some(Duration::from_secs(seconds)) };
        assert_eq!(grant(3600).refresh_after(), Some(Duration::from_secs(2880)));
        assert_eq!(grant(0).refresh_after(), Some(Duration::from_secs(1)));
    }
}

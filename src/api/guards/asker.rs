//! Who asks, as far as it is known here, and what a request says of guards in its headers.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName};

use super::super::openapi::{Sketch, Takes};
use super::super::problem::Problem;
use crate::access::{By, Caller, Role, Scope};
use crate::model::freeze::FREEZE_TEXT;

/// The token of a confirmation, or [`ASK`].
pub(crate) const CONFIRM: HeaderName = HeaderName::from_static("confirm");
/// The name of what cannot be brought back.
pub(crate) const CONFIRM_NAME: HeaderName = HeaderName::from_static("confirm-name");
/// Why a freeze is overridden.
pub(crate) const OVERRIDE: HeaderName = HeaderName::from_static("override");

/// In place of a token: only say what it would do.
pub(super) const ASK: &str = "ask";

/// What a request says of guards.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// A token, or [`ASK`].
    pub(super) confirm: Option<String>,
    pub(super) name: Option<String>,
    /// Why a freeze is overridden.
    pub(super) reason: Option<String>,
}

impl Said {
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let reason = text(headers, &OVERRIDE)?;
        if reason.as_deref().is_some_and(|reason| !fits(reason)) {
            return Err(Problem::malformed(format!(
                "`Override` is a reason of 1 to {FREEZE_TEXT} characters, in one line"
            )));
        }
        Ok(Self { confirm: text(headers, &CONFIRM)?, name: text(headers, &CONFIRM_NAME)?, reason })
    }
}

/// One line that says something.
pub(super) fn fits(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= FREEZE_TEXT && !text.chars().any(char::is_control)
}

/// Whether this client is a program that need not confirm: a token with the scope for that.
pub(super) fn unguarded(of: &Extensions) -> bool {
    of.get::<Caller>().is_some_and(|caller| caller.has(Scope::Unguarded))
}

/// Whether this client may override a freeze: who may change the box, and everybody as long as nobody logs in.
pub(super) fn may_override(of: &Extensions) -> bool {
    of.get::<Caller>().is_none_or(|caller| caller.by == By::Open || caller.may(Role::Engineer))
}

/// The client's name, where somebody has logged in.
pub(crate) fn name(of: &Extensions) -> Option<String> {
    of.get::<Caller>().filter(|caller| caller.by != By::Open).map(|caller| caller.name.clone())
}

/// Whoever asks, by name if somebody has logged in: an argument of a handler.
pub(crate) struct Who(pub(crate) Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(name(&parts.extensions)))
    }
}

impl Takes for Who {
    fn describe(_: &mut Sketch<'_>) {}
}

/// UTF-8, percent-encoded or not: a browser sends nothing else than Latin-1.
fn text(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = decoded(value.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok());
    text.map(Some)
        .ok_or_else(|| Problem::malformed(format!("`{name}` cannot be read: it is UTF-8, percent-encoded or not")))
}

fn decoded(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut plain, mut rest) = (Vec::with_capacity(bytes.len()), bytes);
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            plain.push(*first);
            continue;
        }
        let ([high, low], beyond) = after.split_first_chunk::<2>()?;
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        plain.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
        rest = beyond;
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn said(value: &[u8]) -> Result<Option<String>, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(OVERRIDE, HeaderValue::from_bytes(value).unwrap());
        Said::read(&headers).map(|said| said.reason)
    }

    #[test]
    fn reasons_are_utf_8_in_either_form() {
        assert_eq!(Said::read(&HeaderMap::new()).unwrap(), Said::default());
        assert_eq!(said(b"the origin moves").unwrap().as_deref(), Some("the origin moves"));
        assert_eq!(said("Störung".as_bytes()).unwrap().as_deref(), Some("Störung"));
        assert_eq!(said(b"St%C3%B6rung%20%25").unwrap().as_deref(), Some("Störung %"));
        for bad in [&b"St\xf6rung"[..], b"100%", b"%zz", b"", b"  ", b"%0A", "x".repeat(201).as_bytes()] {
            assert!(said(bad).is_err(), "{bad:?}");
        }
    }
}

//! `If-Match`: a change of what somebody has looked at, and of nothing that has become of it since (RFC 9110, 13.1.1);
//! `If-None-Match: *`: something new, in place of nothing (13.1.2). A handler that takes them says so by its type, and so the
//! contract does.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::openapi::{Sketch, Takes};
use super::problem::Problem;
use super::status::names;

/// What a change is for, if the client names it.
#[derive(Debug, Clone)]
pub(crate) struct IfMatch(HeaderMap);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let given = |name: &header::HeaderName| {
            let values = parts.headers.get_all(name).iter();
            values.map(|value| (name.clone(), value.clone())).collect::<Vec<_>>()
        };
        Ok(Self([header::IF_MATCH, header::IF_NONE_MATCH].iter().flat_map(given).collect()))
    }
}

impl Takes for IfMatch {
    fn describe(sketch: &mut Sketch<'_>) {
        sketch.takes_header("If-Match", "the tag of what is to be changed; if it is another by now, that is a 412");
        sketch.takes_header("If-None-Match", "`*`: only if there is none yet; else that is a 412");
    }
}

impl IfMatch {
    /// Whether the client names anything: else nobody has to look what is there.
    pub(crate) fn is_given(&self) -> bool {
        !self.0.is_empty()
    }

    /// Refuses to change something that is not what is named any more; `tag` is that of now, none if there is nothing.
    pub(crate) fn holds(&self, tag: Option<&str>, what: &str) -> Result<(), Problem> {
        let named = |condition| tag.is_some_and(|tag| names(&self.0, condition, tag));
        if self.0.contains_key(header::IF_MATCH) && !named(&header::IF_MATCH) {
            return Err(Problem::changed(what));
        }
        if named(&header::IF_NONE_MATCH) { Err(Problem::is_there(what)) } else { Ok(()) }
    }
}

//! Who may push: bearer tokens (RFC 6750), one per channel or one for all.

use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use super::problem::Problem;
use super::settings::Scope;
use crate::model::{ChannelId, Secret};

/// The tokens as digests: comparing digests of one length leaks neither a token's length nor where it differs.
pub(crate) struct TokenRing {
    entries: Vec<(Scope, [u8; 32])>,
}

impl TokenRing {
    /// From the tokens of the configuration.
    pub(crate) fn new<'a>(tokens: impl IntoIterator<Item = (&'a Scope, &'a Secret)>) -> Self {
        let entries = tokens.into_iter().map(|(scope, token)| (scope.clone(), digest(token.reveal()))).collect();
        Self { entries }
    }

    /// Whether the request may write to `channel`.
    pub(crate) fn allow(&self, channel: &ChannelId, headers: &HeaderMap) -> Result<(), Problem> {
        let given = digest(bearer(headers).ok_or(Problem::NoToken)?);
        let (mut here, mut elsewhere) = (Choice::from(0), Choice::from(0));
        // Every entry is compared, whatever the ones before it said.
        for (scope, token) in &self.entries {
            let same = token.ct_eq(&given);
            if scope.covers(channel) { here |= same } else { elsewhere |= same }
        }
        match (bool::from(here), bool::from(elsewhere)) {
            (true, _) => Ok(()),
            (false, true) => Err(Problem::OtherChannel(channel.clone())),
            (false, false) => Err(Problem::WrongToken),
        }
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(channel: &str, authorization: Option<&str>) -> &'static str {
        let scope = |name: &str| Scope::try_from(name.to_owned()).unwrap();
        let tokens = [("*", "for-all"), ("a", "for-a"), ("b", "for-b")].map(|(name, t)| (scope(name), Secret::new(t)));
        let ring = TokenRing::new(tokens.iter().map(|(scope, token)| (scope, token)));
        let mut headers = HeaderMap::new();
        if let Some(text) = authorization {
            headers.insert(header::AUTHORIZATION, text.parse().unwrap());
        }
        match ring.allow(&ChannelId::new(channel).unwrap(), &headers) {
            Ok(()) => "allowed",
            Err(problem) => problem.status().1,
        }
    }

    #[test]
    fn who_may_push_where() {
        for (channel, authorization, answer) in [
            ("a", None, "no-token"),
            ("a", Some("Basic Zm9vOmJhcg=="), "no-token"),
            ("a", Some("Bearer "), "no-token"),
            ("a", Some("Bearer"), "no-token"),
            ("a", Some("Bearer for-a"), "allowed"),
            ("a", Some("bearer  for-a"), "allowed"),
            ("a", Some("Bearer for-all"), "allowed"),
            ("c", Some("Bearer for-all"), "allowed"),
            ("a", Some("Bearer for-b"), "other-channel"),
            ("c", Some("Bearer for-b"), "other-channel"),
            ("a", Some("Bearer for-aa"), "wrong-token"),
            ("a", Some("Bearer for-"), "wrong-token"),
        ] {
            assert_eq!(ask(channel, authorization), answer, "{channel} {authorization:?}");
        }
    }
}

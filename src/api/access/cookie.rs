//! What a request shows for itself, and the cookie that makes browsers show it.
//!
//! Over TLS the cookie is `__Host-uplink`, which browsers take from this very host alone, and only encrypted. Over plain
//! http, which is this box itself, not every browser takes such a cookie: there it is `uplink`, without `Secure`.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::access::{Credentials, LIFETIME, Via};
use crate::model::Secret;

const ENCRYPTED: &str = "__Host-uplink";
const PLAIN: &str = "uplink";

/// Longest that is looked at, bytes.
const LONGEST: usize = 200;

/// The bearer token counts more than the cookie: a program means what it says.
pub(super) fn credentials<'a>(headers: &'a HeaderMap, via: &Via) -> Credentials<'a> {
    let authorization = headers.get(header::AUTHORIZATION);
    if let Some(value) = authorization {
        // One that cannot be read is a bad one, not none.
        let value = value.to_str().unwrap_or_default();
        let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        return Credentials::Bearer(token.map(|(_, token)| token.trim()).filter(|t| t.len() <= LONGEST).unwrap_or(""));
    }
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut plain = None;
    for (name, value) in pairs.filter(|(_, value)| value.len() <= LONGEST) {
        match name {
            ENCRYPTED => return Credentials::Cookie(value),
            // Whoever is on the way of plain http could have set it.
            PLAIN if !via.encrypted => plain = plain.or(Some(value)),
            _ => {}
        }
    }
    plain.map_or(Credentials::None, Credentials::Cookie)
}

/// Whether the browser's end is encrypted: by this daemon, or by a proxy before it. Browsers say so with every POST.
fn is_encrypted(headers: &HeaderMap, via: &Via) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    via.encrypted || origin.starts_with("https://")
}

/// The header that sets it.
pub(super) fn set(headers: &HeaderMap, via: &Via, secret: &Secret) -> Option<HeaderValue> {
    let rest = format!("{}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict", secret.reveal(), LIFETIME.as_secs());
    let text = match is_encrypted(headers, via) {
        true => format!("{ENCRYPTED}={rest}; Secure"),
        false => format!("{PLAIN}={rest}"),
    };
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The headers that take both away.
pub(super) fn unset() -> [HeaderValue; 2] {
    [
        HeaderValue::from_static("__Host-uplink=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure"),
        HeaderValue::from_static("uplink=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Peer;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    #[track_caller]
    fn shows(pairs: &[(header::HeaderName, &str)], encrypted: bool, expected: &Credentials<'_>) {
        let via = Via { peer: Peer::Unknown, encrypted };
        let headers = headers(pairs);
        assert!(credentials(&headers, &via) == *expected, "{pairs:?}");
    }

    #[test]
    fn what_a_request_shows() {
        let long = format!("__Host-uplink={}", "x".repeat(5000));
        shows(&[], true, &Credentials::None);
        shows(&[(header::COOKIE, "a=b; __Host-uplink=c; uplink=d")], true, &Credentials::Cookie("c"));
        shows(&[(header::COOKIE, "uplink=d")], true, &Credentials::None);
        shows(&[(header::COOKIE, "uplink=d")], false, &Credentials::Cookie("d"));
        shows(&[(header::COOKIE, long.as_str())], true, &Credentials::None);
        shows(&[(header::COOKIE, "__host-uplink=c")], true, &Credentials::None);
        shows(&[(header::AUTHORIZATION, "bearer  t ")], true, &Credentials::Bearer("t"));
        shows(&[(header::AUTHORIZATION, "Basic dDp0")], true, &Credentials::Bearer(""));
        let both = [(header::AUTHORIZATION, "Bearer t"), (header::COOKIE, "__Host-uplink=c")];
        shows(&both, true, &Credentials::Bearer("t"));
    }

    #[test]
    fn the_cookie_is_for_this_host_encrypted_and_for_no_script() {
        let secret = Secret::new("s3cret");
        let set = |encrypted, pairs| {
            let via = Via { peer: Peer::Unknown, encrypted };
            set(&headers(pairs), &via, &secret).unwrap().to_str().unwrap().to_owned()
        };
        let encrypted = set(true, &[]);
        for part in ["__Host-uplink=s3cret; ", "; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/;"] {
            assert!(encrypted.contains(part), "{encrypted}");
        }
        assert!(!encrypted.contains("Domain"));
        assert!(set(false, &[]).starts_with("uplink=s3cret; "));
        assert_eq!(set(false, &[(header::ORIGIN, "https://box")]), encrypted, "a proxy encrypts");
    }
}

//! Who may ask. Without a login, the danger is a foreign page in a browser on this box or its network: it can send
//! commands across sites, or point a name of its own at this box (DNS rebinding) and then read everything.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::{self, Problem};
use super::routes::{Api, BODY};
use super::{classes, config, guest, images};
use crate::model::image::IMAGE_BYTES;

/// Everything the panel needs comes from this box; pictures are fetched and shown as data (of the plain page as blobs), recordings are
/// played from blobs. hls.js asks for an empty caption as data.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; \
                      media-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// Refuses foreign hosts, foreign pages and floods, and tells browsers what a page of ours may do.
pub(crate) async fn check(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    DefaultBodyLimit::max(largest(request.uri().path())).apply(&mut request);
    let mut response = match admit(&api, &request) {
        Ok(()) => as_problem(next.run(request).await),
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What the router refuses by itself (an address or a query that cannot be read) is a problem, too.
fn as_problem(response: Response) -> Response {
    let ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == problem::CONTENT_TYPE);
    match response.status().is_client_error() && !ours {
        true => Problem::malformed("the address or its query cannot be read").into_response(),
        false => response,
    }
}

/// Largest body that is taken at this address.
pub(super) fn largest(path: &str) -> usize {
    match path {
        path if path.starts_with("/whip/") || path.ends_with("/whep") => guest::SDP,
        path if path.starts_with(images::ADDRESS) => IMAGE_BYTES,
        path if path.starts_with(classes::BELOW) => classes::LARGEST,
        config::CHECK | config::APPLY => config::LARGEST,
        _ => BODY,
    }
}

fn admit(api: &Api, request: &Request) -> Result<(), Problem> {
    let authority = request.uri().authority().map(|a| a.as_str());
    let host = authority.or_else(|| text(request.headers(), &header::HOST)).unwrap_or_default();
    if !is_ours(host, &api.names()) {
        return Err(Problem::unknown_host(host));
    }
    // Before a byte of it is read: a client that waits for the word to go on gets this answer instead.
    let length = text(request.headers(), &header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    let most = largest(request.uri().path());
    if length.is_some_and(|length| length > most as u64) {
        return Err(Problem::too_large(most));
    }
    match *request.method() {
        Method::GET | Method::HEAD | Method::OPTIONS => Ok(()),
        _ => same_site(request.headers(), host),
    }
}

/// An address cannot be rebound, a name can: addresses pass, names only if they are this box's.
fn is_ours(host: &str, names: &[String]) -> bool {
    let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if address.is_some_and(|a| a.parse::<Ipv6Addr>().is_ok()) || name.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    let below = name.split_once('.').map(|(_, rest)| rest);
    let own = |own: &String| {
        name == *own
            || name.strip_suffix(".local") == Some(own)
            || own.strip_prefix("*.").is_some_and(|own| below == Some(own))
    };
    name == "localhost" || name.ends_with(".localhost") || names.iter().any(own)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Browsers say where a request comes from, by `Sec-Fetch-Site` (only over TLS or loopback) and `Origin` (always with
/// a POST). Programs say nothing and pass.
fn same_site(headers: &HeaderMap, host: &str) -> Result<(), Problem> {
    if let Some(site) = text(headers, &HeaderName::from_static("sec-fetch-site"))
        && site != "same-origin"
        && site != "none"
    {
        return Err(Problem::cross_site(site));
    }
    match headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or("unreadable")) {
        None => Ok(()),
        Some(origin) if origin.split_once("://").is_some_and(|(_, o)| o.eq_ignore_ascii_case(host)) => Ok(()),
        Some(origin) => Err(Problem::cross_site(origin)),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_own_names_pass_foreign_names_do_not() {
        let names = ["studio-box".to_owned(), "*.studio.example".to_owned()];
        for good in [
            "127.0.0.1:8080",
            "[::1]:8080",
            "192.168.1.7",
            "localhost:8080",
            "LOCALHOST",
            "a.localhost",
            "studio-box:8080",
            "studio-box.local",
            "studio-box.",
            "10.0.0.1",
            "a.studio.example:8443",
        ] {
            assert!(is_ours(good, &names), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "studio-box.evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil.example:8080",
            "[evil]",
            "local",
            "studio.example",
            "b.a.studio.example",
            "evilstudio.example",
        ] {
            assert!(!is_ours(bad, &names), "{bad}");
        }
    }

    #[test]
    fn commands_of_other_pages_are_refused() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
        };
        let host = "127.0.0.1:8080";
        for good in [&[][..], &[("origin", "http://127.0.0.1:8080")], &[("sec-fetch-site", "same-origin")]] {
            assert!(same_site(&headers(good), host).is_ok(), "{good:?}");
        }
        for bad in [
            &[("origin", "http://evil.example")][..],
            &[("origin", "null")],
            &[("origin", "http://127.0.0.1:9999")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "same-origin"), ("origin", "http://evil.example")],
        ] {
            assert!(same_site(&headers(bad), host).is_err(), "{bad:?}");
        }
    }
}

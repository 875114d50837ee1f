//! HTTP to a WHIP endpoint and to its sessions (RFC 9725): POST, PATCH, DELETE; every request bounded.
//!
//! Redirects 307 and 308 are followed with the offer (4.5), a few in a row. The token goes wherever the endpoint sends
//! us, but never from https to http.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, IF_MATCH, LOCATION, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode};
use url::Url;

use super::fault::{Remedy, Trouble, Verdict};
use super::resource::Resource;
use crate::model::{Fault, Secret};

/// For a connection to come about, name resolution included.
const CONNECT: Duration = Duration::from_millis(1500);
/// For an answer to an offer, gathering at the server included.
const ANSWER: Duration = Duration::from_secs(8);
/// For an answer to anything else.
const SHORT: Duration = Duration::from_secs(2);
/// In a row.
const REDIRECTS: usize = 5;
/// A session description has a few thousand.
const MOST: usize = 256 * 1024;

const SDP: &str = "application/sdp";
const FRAGMENT: &str = "application/trickle-ice-sdpfrag";

/// An offer was taken.
pub(super) struct Created {
    pub(super) resource: Resource,
    /// Session description.
    pub(super) answer: String,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Changed {
    Taken,
    /// The server does not know about changes.
    Unwanted,
    /// The session does not exist there any more.
    Gone,
    /// Nothing can be said of the session.
    Unknown,
}

/// A client for one endpoint.
#[derive(Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    token: Option<Secret>,
}

impl Http {
    pub(super) fn new(url: &Url, token: Option<Secret>) -> Result<Self, String> {
        Ok(Self { client: client(url.scheme() == "https")?, token })
    }

    /// Posts an offer.
    pub(super) async fn post(&self, url: &Url, offer: &str) -> Result<Created, Verdict> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let request = self.request(Method::POST, &url).header(CONTENT_TYPE, SDP).body(offer.to_owned());
            let response = request.timeout(ANSWER).send().await.map_err(unanswered)?;
            let status = response.status();
            if matches!(status, StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT) {
                url = redirected(&url, response.headers()).ok_or_else(|| Verdict::refused(status.as_u16(), None))?;
                continue;
            }
            return created(&url, response).await;
        }
        let text = format!("the WHIP endpoint redirects more than {REDIRECTS} times");
        Err(Verdict::new(Remedy::Slowly, Fault::Destination, text, "check its load balancer"))
    }

    /// Tells of addresses that were found later.
    pub(super) async fn patch(&self, resource: &Resource, fragment: String) -> Changed {
        let request = self.request(Method::PATCH, &resource.url).header(CONTENT_TYPE, FRAGMENT).body(fragment);
        let request = match &resource.etag {
            Some(etag) => request.header(IF_MATCH, etag),
            None => request,
        };
        match request.timeout(SHORT).send().await.map(|response| response.status().as_u16()) {
            Ok(200..=299) => Changed::Taken,
            Ok(404 | 410) => Changed::Gone,
            Ok(405 | 415 | 422 | 501) => Changed::Unwanted,
            // 412 and 428 among them: the ICE session there is another one than ours.
            Ok(_) | Err(_) => Changed::Unknown,
        }
    }

    /// Ends a session; false if nobody answered.
    pub(super) async fn delete(&self, session: &Url) -> bool {
        self.request(Method::DELETE, session).timeout(SHORT).send().await.is_ok()
    }

    fn request(&self, method: Method, url: &Url) -> reqwest::RequestBuilder {
        let request = self.client.request(method, url.clone());
        match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }
}

async fn created(url: &Url, response: Response) -> Result<Created, Verdict> {
    let status = response.status().as_u16();
    if status != 201 {
        let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        return Err(Verdict::refused(status, wait.map(Duration::from_secs)));
    }
    let resource = Resource::read(url, response.headers());
    let answer = body(response).await?;
    let resource = resource.ok_or_else(|| {
        let text = "the WHIP endpoint answers without a usable Location: the session could not be ended";
        Verdict::new(Remedy::Slowly, Fault::Destination, text, "check the endpoint's software (RFC 9725, 4.2)")
    })?;
    Ok(Created { resource, answer })
}

async fn body(mut response: Response) -> Result<String, Verdict> {
    let mut text = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(unanswered)? {
        text.extend_from_slice(&piece);
        if text.len() > MOST {
            return Err(Verdict::refused(201, None));
        }
    }
    String::from_utf8(text).map_err(|_| Verdict::refused(201, None))
}

fn redirected(from: &Url, headers: &HeaderMap) -> Option<Url> {
    let to = from.join(headers.get(LOCATION)?.to_str().ok()?).ok()?;
    // A token must not leave its encryption.
    let safe = to.scheme() == "https" || to.scheme() == "http" && from.scheme() == "http";
    safe.then_some(to)
}

/// Its text never holds the url, which may carry a secret.
fn unanswered(error: reqwest::Error) -> Verdict {
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    let mut resolve = false;
    let mut tls = false;
    while let Some(source) = cause.source() {
        // The resolver's error has no type of its own; the connector marks it with these words.
        resolve |= source.to_string().starts_with("dns error");
        tls |= is_tls(source);
        cause = source;
    }
    let trouble = match () {
        () if tls => Trouble::Tls,
        () if resolve => Trouble::Resolve,
        () if error.is_connect() => Trouble::Connect,
        () => Trouble::Broken,
    };
    let cause = if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() };
    Verdict::unanswered(trouble, &cause)
}

/// An io::Error keeps what it wraps out of source().
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || wrapped.is_some_and(|inner| is_tls(inner))
}

fn client(secure: bool) -> Result<reqwest::Client, String> {
    let mut roots = rustls::RootCertStore::empty();
    if secure {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS cannot be set up: {error}"))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("uplink/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        // A session lives for hours between two requests: what is kept open would be dead by then.
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| format!("the HTTP client cannot be set up: {error}"))
}

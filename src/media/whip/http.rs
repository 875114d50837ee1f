//! HTTP to a WHIP endpoint and to its sessions (RFC 9725): POST, PATCH, DELETE; every request bounded.
//!
//! Redirects 307 and 308 are followed with the offer (4.5), a few in a row. The token goes wherever the endpoint sends
//! us, but never from https to http.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, ETAG, HeaderMap, IF_MATCH, LOCATION, RETRY_AFTER};
use reqwest::{RequestBuilder, Response, StatusCode};
use tokio::net::TcpStream;
use url::{Host, Url};

use super::fault::{Remedy, Trouble, Verdict};
use super::resource::Resource;
use super::sender::WhipAccess;
use crate::model::{Fault, Tokens};

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

/// What became of a request to restart ICE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Restart {
    /// The server's new credentials, and perhaps addresses, as a fragment; the new ETag.
    Taken { answer: String, etag: Option<String> },
    /// Its status: it cannot, or the session is not there any more.
    Refused(u16),
    /// Nobody answered.
    Unanswered,
}

/// Whether anybody is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    Yes,
    /// The machine is, and its server is not.
    Closed,
    No,
}

/// A client for one endpoint.
#[derive(Clone)]
pub(super) struct Http {
    client: reqwest::Client,
    tokens: Option<Arc<dyn Tokens>>,
}

impl Http {
    pub(super) fn new(access: &WhipAccess) -> Result<Self, String> {
        Ok(Self { client: client(access.tls.clone())?, tokens: access.tokens.clone() })
    }

    /// Posts an offer. A token that is refused is replaced, if there is another one.
    pub(super) async fn post(&self, url: &Url, offer: &str) -> Result<Created, Verdict> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let request = self.client.post(url.clone()).header(CONTENT_TYPE, SDP).body(offer.to_owned());
            let response = self.send(request.timeout(ANSWER)).await?;
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
        let request = self.client.patch(resource.url.clone()).header(CONTENT_TYPE, FRAGMENT).body(fragment);
        let request = match &resource.etag {
            Some(etag) => request.header(IF_MATCH, etag),
            None => request,
        };
        match self.brief(request).await.map(|response| response.status().as_u16()) {
            Ok(200..=299) => Changed::Taken,
            Ok(404 | 410) => Changed::Gone,
            Ok(405 | 415 | 422 | 501) => Changed::Unwanted,
            // 412 and 428 among them: the ICE session there is another one than ours. As long as media arrive nothing is
            // wrong with that; when they do not, ICE begins anew, with all addresses.
            Ok(_) | Err(_) => Changed::Unknown,
        }
    }

    /// Asks for another ICE session within the same session (RFC 9725, 4.3.3).
    pub(super) async fn restart(&self, resource: &Resource, fragment: &str) -> Restart {
        let mut status = 412;
        // As RFC 9110 (13.1.1) writes it, as the examples of RFC 9725 do, which some servers go by, and by name for those
        // that know no other tag than their own: what begins anew there is told by the credentials.
        for of in ["*", "\"*\""].into_iter().chain(resource.etag.as_deref()) {
            let request = self.client.patch(resource.url.clone()).header(CONTENT_TYPE, FRAGMENT).header(IF_MATCH, of);
            let Ok(response) = self.brief(request.body(fragment.to_owned())).await else { return Restart::Unanswered };
            status = response.status().as_u16();
            if status == 200 {
                let etag = response.headers().get(ETAG).and_then(|value| value.to_str().ok()).map(str::to_owned);
                return match tokio::time::timeout(SHORT, body(response)).await {
                    Ok(Ok(answer)) => Restart::Taken { answer, etag },
                    _ => Restart::Unanswered,
                };
            }
            if status != 412 {
                break;
            }
        }
        Restart::Refused(status)
    }

    /// Ends a session; false if nobody answered.
    pub(super) async fn delete(&self, session: &Url) -> bool {
        self.brief(self.client.delete(session.clone())).await.is_ok()
    }

    /// Within a short bound, whatever the source of the token does.
    async fn brief(&self, request: RequestBuilder) -> Result<Response, Verdict> {
        let sent = tokio::time::timeout(2 * SHORT, self.send(request.timeout(SHORT))).await;
        sent.unwrap_or_else(|_| Err(Verdict::lost("the WHIP endpoint does not answer")))
    }

    /// Sends it with a token. After a refusal once more, with another token if there is one.
    async fn send(&self, request: RequestBuilder) -> Result<Response, Verdict> {
        let Some(tokens) = &self.tokens else { return request.send().await.map_err(unanswered) };
        let token = tokens.current().await.map_err(Verdict::without_token)?;
        let again = request.try_clone();
        let response = request.bearer_auth(token.reveal()).send().await.map_err(unanswered)?;
        let Some(again) = again.filter(|_| response.status() == StatusCode::UNAUTHORIZED) else { return Ok(response) };
        match tokens.instead_of(&token).await {
            Ok(Some(other)) => again.bearer_auth(other.reveal()).send().await.map_err(unanswered),
            Ok(None) => Ok(response),
            Err(trouble) => Err(Verdict::without_token(trouble)),
        }
    }
}

/// Whether a connection to a server comes about; nothing is said.
pub(super) async fn reach(url: &Url) -> Reached {
    let Some((host, port)) = url.host().zip(url.port_or_known_default()) else { return Reached::No };
    let connected = tokio::time::timeout(CONNECT, async {
        match host {
            Host::Domain(name) => TcpStream::connect((name, port)).await,
            Host::Ipv4(address) => TcpStream::connect((address, port)).await,
            Host::Ipv6(address) => TcpStream::connect((address, port)).await,
        }
    });
    match connected.await {
        Ok(Ok(_)) => Reached::Yes,
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => Reached::Closed,
        Ok(Err(_)) | Err(_) => Reached::No,
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

fn client(tls: rustls::ClientConfig) -> Result<reqwest::Client, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_is_there_is_told_from_who_has_gone() {
        let url = |host: &str, port: u16| Url::parse(&format!("http://{host}:{port}/whip")).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(reach(&url("127.0.0.1", port)).await, Reached::Yes);
        assert_eq!(reach(&url("localhost", port)).await, Reached::Yes, "by name");
        // Its port is taken, and nobody listens there.
        let deaf = tokio::net::TcpSocket::new_v4().unwrap();
        deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_eq!(reach(&url("127.0.0.1", deaf.local_addr().unwrap().port())).await, Reached::Closed);
    }
}

//! HTTP to one origin: PUT and HEAD, each bounded by progress instead of by a guess of the bandwidth.
//!
//! No redirects, no proxies from the environment, and the system's trusted roots. A connection whose bytes the peer's
//! kernel does not acknowledge is closed after [`UNACKNOWLEDGED`]; a request that makes no progress ends, too.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use tokio::time::{Instant, sleep};
use url::Url;

use crate::model::Secret;
use crate::policy::HttpFailure;

use super::failure::classify;

/// For a connection to come about, name resolution included.
const CONNECT: Duration = Duration::from_secs(2);
/// For sent bytes to be acknowledged by the peer's kernel (TCP_USER_TIMEOUT, RFC 5482).
const UNACKNOWLEDGED: Duration = Duration::from_secs(4);
/// For the next piece of a body to be taken by the connection.
const PROGRESS: Duration = Duration::from_secs(5);
/// For one request, whatever it does.
const WHOLE: Duration = Duration::from_secs(60);
/// What a body is cut into; the grain of progress.
const PIECE: usize = 64 * 1024;
/// An answer's body is read up to here, so that the connection can be used again, and thrown away.
const ANSWER_BODY: usize = 64 * 1024;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    /// Not an address to push to.
    #[error("`{0}` is no http or https url with a host")]
    Url(String),
    /// The library refused its settings.
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(#[from] reqwest::Error),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Bytes handed to connections so far; shared by all requests of a destination.
#[derive(Debug, Default)]
pub(crate) struct SentBytes(AtomicU64);

impl SentBytes {
    /// The count.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A client for one base url. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    tls: rustls::ClientConfig,
    base: Url,
    token: Option<Secret>,
    /// For the answer, once the whole body has been handed over.
    answer: Duration,
    sent: Arc<SentBytes>,
}

impl Client {
    /// A client that waits `answer` for each answer.
    pub(crate) fn new(base: &Url, token: Option<Secret>, answer: Duration) -> Result<Self, ClientError> {
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() || !base.has_host() {
            return Err(ClientError::Url(base.scheme().to_owned() + "://…"));
        }
        // The client has to be given roots in any case: by itself it refuses to start on a box that has none.
        let tls =
            tls_settings(if base.scheme() == "https" { trusted_roots() } else { rustls::RootCertStore::empty() })?;
        let http = connect_pool(tls.clone())?;
        Ok(Self { http, tls, base: base.clone(), token, answer, sent: Arc::default() })
    }

    /// Forgets all connections: the next request resolves the name anew.
    pub(crate) fn renew(&mut self) {
        // The same settings built a client before.
        if let Ok(http) = connect_pool(self.tls.clone()) {
            self.http = http;
        }
    }

    /// The counter of bytes sent.
    pub(crate) fn sent(&self) -> &SentBytes {
        &self.sent
    }

    /// Stores `body` at `path` below the base.
    pub(crate) async fn put(&self, path: &str, content_type: &'static str, body: Bytes) -> Result<(), HttpFailure> {
        let handed = Arc::new(AtomicU64::new(0));
        let length = body.len() as u64;
        let request = self
            .request(Method::PUT, path)
            .header(CONTENT_TYPE, content_type)
            // Known in advance, so never chunked: plain WebDAV servers and buckets want it.
            .header(CONTENT_LENGTH, length)
            .body(pieces(body, handed.clone(), self.sent.clone()));
        let status = self.bounded(request, &handed, length).await?;
        if status.is_success() { Ok(()) } else { Err(HttpFailure::Status(status.as_u16())) }
    }

    /// Whether there is something at `path`; none if the origin does not tell.
    pub(crate) async fn has(&self, path: &str) -> Result<Option<bool>, HttpFailure> {
        let status = self.bounded(self.request(Method::HEAD, path), &AtomicU64::new(0), 0).await?;
        Ok(match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Some(false),
            status if status.is_success() => Some(true),
            _ => None,
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }

    /// Sends `request`, whose body of `length` bytes counts itself in `handed`, and reads the answer to its end.
    async fn bounded(
        &self,
        request: RequestBuilder,
        handed: &AtomicU64,
        length: u64,
    ) -> Result<StatusCode, HttpFailure> {
        let exchange = async {
            let response = request.send().await.map_err(classify)?;
            let status = response.status();
            drain(response).await;
            Ok(status)
        };
        tokio::pin!(exchange);
        let end = Instant::now() + WHOLE;
        loop {
            let before = handed.load(Ordering::Relaxed);
            let patience = if before < length { PROGRESS } else { self.answer };
            tokio::select! {
                status = &mut exchange => return status,
                () = sleep(patience) => {}
            }
            if handed.load(Ordering::Relaxed) == before {
                let seconds = patience.as_secs();
                return Err(HttpFailure::Stalled(format!("no progress for {seconds} s")));
            }
            if Instant::now() >= end {
                return Err(HttpFailure::Stalled(format!("a request took longer than {} s", WHOLE.as_secs())));
            }
        }
    }
}

/// The body as a stream of pieces, none of them copied.
fn pieces(body: Bytes, handed: Arc<AtomicU64>, sent: Arc<SentBytes>) -> reqwest::Body {
    let starts = (0..body.len()).step_by(PIECE);
    let pieces = starts.map(move |start| {
        let piece = body.slice(start..body.len().min(start + PIECE));
        handed.fetch_add(piece.len() as u64, Ordering::Relaxed);
        sent.0.fetch_add(piece.len() as u64, Ordering::Relaxed);
        Ok::<Bytes, std::convert::Infallible>(piece)
    });
    reqwest::Body::wrap_stream(futures::stream::iter(pieces))
}

/// Reads what the origin says beyond its status. What breaks here breaks nothing: the status has been given.
async fn drain(mut response: Response) {
    let mut read = 0;
    while let Ok(Some(piece)) = response.chunk().await {
        read += piece.len();
        if read > ANSWER_BODY {
            return;
        }
    }
}

fn connect_pool(tls: rustls::ClientConfig) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("uplink/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .tcp_nodelay(true)
        .tcp_user_timeout(UNACKNOWLEDGED)
        .tcp_keepalive(UNACKNOWLEDGED)
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
}

fn trusted_roots() -> rustls::RootCertStore {
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a trusted root certificate of this box cannot be read");
    }
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::error!(ignored, "this box trusts no certificate authority: https origins will be refused");
    }
    roots
}

fn tls_settings(roots: rustls::RootCertStore) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

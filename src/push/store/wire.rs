//! HTTP to one host: each exchange bounded by progress instead of by a guess of the bandwidth.
//!
//! No redirects and no proxies from the environment. A connection whose bytes the peer's kernel does not acknowledge is
//! closed after [`UNACKNOWLEDGED`]; a request that makes no progress ends, too.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use reqwest::{Method, Request, Response, StatusCode};
use tokio::time::{Instant, sleep};
use url::Url;

use crate::policy::HttpFailure;

use super::StoreError;
use crate::push::failure::classify;
use crate::push::motion::Motion;
use crate::push::pace::{self, Turn};

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
/// An answer's body is read up to here, so that the connection can be used again; the rest is thrown away with it.
const ANSWER_BODY: usize = 64 * 1024;
/// What is asked for is read up to here: playlists, of which the longest have some ten thousand lines.
const ASKED_BODY: usize = 4 * 1024 * 1024;

/// Bytes handed to connections so far; shared by all requests of a destination.
#[derive(Debug, Default)]
pub(crate) struct SentBytes(AtomicU64);

impl SentBytes {
    /// The count.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a connection has taken of one body.
#[derive(Debug)]
struct Handed {
    bytes: AtomicU64,
    /// Of the destination.
    sent: Arc<SentBytes>,
    motion: Motion,
}

impl Handed {
    /// The connection takes a piece of so many bytes.
    fn take(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.sent.0.fetch_add(bytes as u64, Ordering::Relaxed);
        self.motion.moved();
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: StatusCode,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body, as far as it was read.
    pub(crate) body: Bytes,
}

/// Connections with the same trust. Cheap to clone; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    pool: Arc<RwLock<reqwest::Client>>,
    tls: Arc<rustls::ClientConfig>,
    /// For the answer, once the whole body has been handed over.
    answer: Duration,
    sent: Arc<SentBytes>,
}

impl Wire {
    /// No connection yet; waits `answer` for each answer.
    pub(crate) fn new(tls: rustls::ClientConfig, answer: Duration) -> Result<Self, StoreError> {
        let pool = Arc::new(RwLock::new(connect_pool(tls.clone())?));
        Ok(Self { pool, tls: Arc::new(tls), answer, sent: Arc::default() })
    }

    /// Forgets all connections: the next request resolves the name anew.
    pub(crate) fn renew(&self) {
        // The same settings built a pool before.
        if let Ok(pool) = connect_pool((*self.tls).clone()) {
            *self.pool.write().unwrap_or_else(PoisonError::into_inner) = pool;
        }
    }

    /// The counter of bytes sent.
    pub(crate) fn sent(&self) -> &SentBytes {
        &self.sent
    }

    /// The same connections; what is sent counts elsewhere.
    pub(crate) fn uncounted(&self) -> Self {
        Self { sent: Arc::default(), ..self.clone() }
    }

    /// Sends a request and reads the answer. Any status is an answer.
    pub(crate) async fn exchange(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, HttpFailure> {
        let most = if method == Method::GET { ASKED_BODY } else { ANSWER_BODY };
        let handed = Handed { bytes: AtomicU64::new(0), sent: self.sent.clone(), motion: Motion::current() };
        let (handed, length) = (Arc::new(handed), body.len() as u64);
        let bodied = method == Method::PUT || method == Method::POST;
        let mut request = Request::new(method, url);
        *request.headers_mut() = headers;
        if bodied {
            // Known in advance, so never chunked: plain WebDAV servers and buckets want it.
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            *request.body_mut() = Some(match Turn::current() {
                None => pieces(body, handed.clone()),
                Some(turn) => pieces_in_turn(body, handed.clone(), turn),
            });
        }
        let pool = self.pool.read().unwrap_or_else(PoisonError::into_inner).clone();
        let exchange = async move {
            let response = pool.execute(request).await.map_err(classify)?;
            let (status, headers) = (response.status(), response.headers().clone());
            Ok(Answer { status, headers, body: read(response, most).await })
        };
        self.bounded(exchange, &handed, length).await
    }

    /// Waits for `exchange`, whose body of `length` bytes counts itself in `handed`.
    async fn bounded(
        &self,
        exchange: impl Future<Output = Result<Answer, HttpFailure>>,
        handed: &Handed,
        length: u64,
    ) -> Result<Answer, HttpFailure> {
        tokio::pin!(exchange);
        let end = Instant::now() + WHOLE;
        loop {
            let before = handed.bytes.load(Ordering::Relaxed);
            let patience = if before < length { PROGRESS } else { self.answer };
            tokio::select! {
                answer = &mut exchange => return answer,
                () = sleep(patience) => {}
            }
            if handed.bytes.load(Ordering::Relaxed) == before && !handed.motion.waits() {
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
fn pieces(body: Bytes, handed: Arc<Handed>) -> reqwest::Body {
    let starts = (0..body.len()).step_by(PIECE);
    let pieces = starts.map(move |start| {
        let piece = body.slice(start..body.len().min(start + PIECE));
        handed.take(piece.len());
        Ok::<Bytes, Infallible>(piece)
    });
    reqwest::Body::wrap_stream(futures::stream::iter(pieces))
}

/// The same, but each piece waits for its `turn`.
fn pieces_in_turn(body: Bytes, handed: Arc<Handed>, turn: Turn) -> reqwest::Body {
    let pieces = futures::stream::unfold((body, handed, turn), |(mut body, handed, turn)| async move {
        if body.is_empty() {
            return None;
        }
        let piece = body.split_to(body.len().min(pace::PIECE));
        handed.motion.wait();
        turn.wait(piece.len() as u64).await;
        handed.take(piece.len());
        Some((Ok::<Bytes, Infallible>(piece), (body, handed, turn)))
    });
    reqwest::Body::wrap_stream(pieces)
}

/// Reads what is said beyond the status. What breaks here breaks nothing: the status has been given.
async fn read(mut response: Response, most: usize) -> Bytes {
    let mut body = BytesMut::new();
    while let Ok(Some(piece)) = response.chunk().await {
        if body.len() + piece.len() > most {
            break;
        }
        body.extend_from_slice(&piece);
    }
    body.freeze()
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

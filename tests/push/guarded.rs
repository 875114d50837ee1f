//! An origin that takes one token at a time, and the token endpoint that gives them out.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

#[derive(Default)]
struct Content {
    /// What is taken: a header's value, or the query. None takes all.
    wanted: Option<String>,
    objects: HashMap<String, Bytes>,
    /// Query and headers of each PUT.
    seen: Vec<(String, HeaderMap)>,
    /// What the token endpoint was sent.
    asked: Vec<(String, HeaderMap)>,
    /// What it answers: a status, and a document.
    grant: (u16, String),
    refusals: u64,
}

/// Listens on loopback until it is dropped.
pub struct Guarded {
    pub address: SocketAddr,
    content: Arc<Mutex<Content>>,
    server: tokio::task::JoinHandle<()>,
}

impl Guarded {
    pub async fn start() -> Self {
        let content: Arc<Mutex<Content>> = Arc::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = axum::Router::new().fallback(handle).with_state(content.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it runs") });
        Self { address, content, server }
    }

    pub fn url(&self) -> String {
        format!("http://{}/live/", self.address)
    }

    pub fn token_url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// From now on only this is taken: a header's value, or a query.
    pub fn want(&self, wanted: &str) {
        lock(&self.content).wanted = Some(wanted.to_owned());
    }

    /// From now on everything is taken.
    pub fn want_all(&self) {
        lock(&self.content).wanted = None;
    }

    /// From now on the token endpoint says this.
    pub fn grant(&self, status: u16, document: &str) {
        lock(&self.content).grant = (status, document.to_owned());
    }

    pub fn asked(&self) -> Vec<(String, HeaderMap)> {
        lock(&self.content).asked.clone()
    }

    pub fn seen(&self) -> Vec<(String, HeaderMap)> {
        lock(&self.content).seen.clone()
    }

    pub fn refusals(&self) -> u64 {
        lock(&self.content).refusals
    }

    pub fn object(&self, path: &str) -> Option<Bytes> {
        lock(&self.content).objects.get(&format!("/live/{path}")).cloned()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn handle(State(content): State<Arc<Mutex<Content>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap_or_default();
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
    let mut content = lock(&content);
    if path == "/token" {
        content.asked.push((String::from_utf8_lossy(&body).into_owned(), parts.headers));
        let (status, document) = content.grant.clone();
        let status = StatusCode::from_u16(status).expect("a status");
        return (status, [(header::CONTENT_TYPE, "application/json")], document).into_response();
    }
    let shown = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if content.wanted.as_ref().is_some_and(|wanted| *wanted != shown && *wanted != query) {
        content.refusals += 1;
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if parts.method == Method::PUT {
        content.seen.push((query, parts.headers));
        content.objects.insert(path, body);
        return StatusCode::CREATED.into_response();
    }
    if content.objects.contains_key(&path) { StatusCode::OK } else { StatusCode::NOT_FOUND }.into_response()
}

fn lock(content: &Mutex<Content>) -> MutexGuard<'_, Content> {
    content.lock().unwrap_or_else(PoisonError::into_inner)
}

//! An origin that misbehaves on order, and notes what it is sent.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::serve::ListenerExt;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;

/// What the origin does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// What it is asked.
    Obey,
    /// Reads the body, stores nothing, says this.
    Say(u16),
    /// Cuts the connection in the middle of the body.
    Cut,
    /// Stores, then cuts the connection instead of answering.
    StoreAndCut,
    /// Obeys after three segment durations.
    Dawdle,
    /// Never answers.
    Hang,
}

type Script = Box<dyn FnMut(&Method, &str, usize) -> Answer + Send>;

struct Content {
    script: Script,
    objects: HashMap<String, Bytes>,
    puts: Vec<String>,
    /// What a correct pusher never does.
    violations: Vec<String>,
    headers: HashMap<String, HeaderMap>,
}

/// Listens on loopback until it is dropped.
pub struct Origin {
    address: SocketAddr,
    content: Arc<Mutex<Content>>,
    connections: Arc<AtomicUsize>,
    server: tokio::task::JoinHandle<()>,
}

impl Origin {
    pub async fn start() -> Self {
        let content = Content {
            script: Box::new(|_, _, _| Answer::Obey),
            objects: HashMap::new(),
            puts: Vec::new(),
            violations: Vec::new(),
            headers: HashMap::new(),
        };
        let content = Arc::new(Mutex::new(content));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = axum::Router::new().fallback(handle).with_state(content.clone());
        let connections = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&connections);
        let listener = listener.tap_io(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("the origin runs") });
        Self { address, content, connections, server }
    }

    pub fn url(&self) -> String {
        format!("http://{}/live/", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Connections that were ever accepted.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// From now on each request is answered by `script(method, path, how often this was asked before)`.
    pub fn script(&self, script: impl FnMut(&Method, &str, usize) -> Answer + Send + 'static) {
        lock(&self.content).script = Box::new(script);
    }

    pub fn object(&self, path: &str) -> Option<Bytes> {
        lock(&self.content).objects.get(&format!("/live/{path}")).cloned()
    }

    pub fn headers(&self, path: &str) -> HeaderMap {
        lock(&self.content).headers.get(&format!("/live/{path}")).cloned().unwrap_or_default()
    }

    /// How often `path` was sent.
    pub fn puts(&self, path: &str) -> usize {
        let path = format!("/live/{path}");
        lock(&self.content).puts.iter().filter(|put| **put == path).count()
    }

    /// What was sent, in order.
    pub fn paths(&self) -> Vec<String> {
        lock(&self.content).puts.clone()
    }

    pub fn forget_puts(&self) {
        lock(&self.content).puts.clear();
    }

    pub fn segment_puts(&self) -> usize {
        lock(&self.content).puts.iter().filter(|path| path.ends_with(".m4s")).count()
    }

    pub fn assert_no_violation(&self) {
        assert_eq!(lock(&self.content).violations, Vec::<String>::new());
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn handle(State(content): State<Arc<Mutex<Content>>>, request: Request) -> StatusCode {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let answer = {
        let mut content = lock(&content);
        let before = content.puts.iter().filter(|put| **put == path).count();
        if parts.method == Method::PUT {
            content.puts.push(path.clone());
            content.headers.insert(path.clone(), parts.headers.clone());
        }
        (content.script)(&parts.method, &path, before)
    };
    if answer == Answer::Hang {
        std::future::pending::<()>().await;
    }
    if parts.method == Method::HEAD {
        if let Answer::Say(status) = answer {
            return StatusCode::from_u16(status).expect("a status");
        }
        let there = lock(&content).objects.contains_key(&path);
        return if there { StatusCode::OK } else { StatusCode::NOT_FOUND };
    }
    let body = read(body, answer).await;
    if answer == Answer::Dawdle {
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    }
    match answer {
        Answer::Say(status) => return StatusCode::from_u16(status).expect("a status"),
        Answer::Obey | Answer::Dawdle | Answer::StoreAndCut => lock(&content).store(path, &parts.headers, body),
        Answer::Cut | Answer::Hang => unreachable!("ended above"),
    }
    if answer == Answer::StoreAndCut {
        cut();
    }
    StatusCode::CREATED
}

async fn read(body: Body, answer: Answer) -> Bytes {
    let mut whole = BytesMut::new();
    let mut stream = body.into_data_stream();
    while let Some(piece) = stream.next().await {
        whole.extend_from_slice(&piece.expect("the pusher does not break off"));
        if answer == Answer::Cut {
            cut();
        }
    }
    whole.freeze()
}

/// Ends the task of this connection: hyper drops the socket. Quieter than a panic.
fn cut() -> ! {
    std::panic::resume_unwind(Box::new("cut"))
}

impl Content {
    fn store(&mut self, path: String, headers: &HeaderMap, body: Bytes) {
        let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if length != Some(body.len()) {
            self.violations.push(format!("{path}: Content-Length {length:?} of {} bytes", body.len()));
        }
        if path.ends_with("/media.m3u8") {
            self.check_playlist(&path, &body);
        }
        self.objects.insert(path, body);
    }

    /// Whatever a playlist names can be had.
    fn check_playlist(&mut self, path: &str, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        let directory = path.trim_end_matches("media.m3u8");
        let mut gap = false;
        for line in text.lines() {
            let map = line.strip_prefix("#EXT-X-MAP:URI=\"").map(|rest| rest.trim_end_matches('"'));
            let named = map.or((!line.starts_with('#')).then_some(line));
            gap |= line == "#EXT-X-GAP";
            let Some(named) = named else { continue };
            if !gap && !self.objects.contains_key(&format!("{directory}{named}")) {
                self.violations.push(format!("{path} names {named}, which is not here"));
            }
            gap &= map.is_some();
        }
    }
}

fn lock(content: &Mutex<Content>) -> MutexGuard<'_, Content> {
    content.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

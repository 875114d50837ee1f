//! What the origin answers to, and how it starts and stops.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::cors::{Any, CorsLayer};

use super::counters::Counters;
use super::lease::Leases;
use super::live::Live;
use super::playback::Gate;
use super::problem::Problem;
use super::refusals::Refusals;
use super::settings::{Limits, OriginSettings, Retention};
use super::shelf::{Room, Shelf, ShelfFault};
use super::sweep::Sweep;
use super::tokens::TokenRing;
use super::{claim, connection, pages, playback, receive, serve};

/// A sweep that is this many times later than its pace has stopped.
const MISSED_SWEEPS: u32 = 6;

/// An origin that works in its state directory.
pub struct Origin {
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) tokens: TokenRing,
    pub(crate) limits: Limits,
    pub(crate) counters: Arc<Counters>,
    pub(crate) refusals: Refusals,
    pub(crate) live: Live,
    /// Which box of a pair may write.
    pub(crate) leases: Leases,
    /// Who may watch; everybody if none.
    pub(crate) gate: Option<Gate>,
    retention: Retention,
}

impl Origin {
    /// Opens the state directory `dir`: what an earlier run stored is served again, what it left unfinished goes.
    pub fn open(settings: &OriginSettings, dir: &Path) -> Result<Self, ShelfFault> {
        let room = Room {
            channels: settings.limits.channels,
            renditions: settings.limits.renditions,
            max_bytes: settings.retention.max_bytes,
            recordings_bytes: settings.retention.recordings_max_bytes,
        };
        let shelf = Shelf::open(dir, room)?;
        let leases = Leases::open(dir.join("leases"), settings.limits.channels, Instant::now())
            .map_err(|cause| ShelfFault::Unusable { dir: dir.to_owned(), cause })?;
        Ok(Self {
            shelf: Arc::new(shelf),
            tokens: TokenRing::new(settings.tokens.iter()),
            limits: settings.limits.clone(),
            counters: Arc::new(Counters::new()),
            refusals: Refusals::default(),
            live: Live::default(),
            leases,
            gate: settings.playback.as_ref().map(Gate::new),
            retention: settings.retention.clone(),
        })
    }

    /// Serves on `listener` until `stop`, then ends within a few seconds.
    pub async fn run(self, listener: TcpListener, stop: CancellationToken) {
        let origin = Arc::new(self);
        let sweep = Sweep::new(origin.shelf.clone(), origin.counters.clone(), origin.retention.retain);
        let sweeping = tokio::spawn(sweep.run(origin.retention.sweep, stop.clone()));
        let (counters, most) = (origin.counters.clone(), origin.limits.connections);
        connection::serve(listener, routes(origin), counters, most, stop).await;
        // A round takes milliseconds; one that hangs on its disk must not hold up the end.
        if tokio::time::timeout(connection::GRACE, sweeping).await.is_err() {
            tracing::warn!("the sweep did not end in time");
        }
    }
}

fn routes(origin: Arc<Origin>) -> Router {
    let live = Router::new()
        .route("/vod/{*object}", get(serve::get).put(receive::put).delete(receive::delete))
        .route("/live/{*object}", get(serve::get).put(receive::put).delete(receive::delete).fallback(claim::other))
        .layer(from_fn_with_state(origin.clone(), playback::gate))
        .layer(cors());
    Router::new()
        .merge(live)
        .route("/", get(pages::index))
        .route("/watch/{channel}", get(pages::watch))
        .route("/player/{*file}", get(pages::asset))
        .route("/healthz", get(healthz))
        .route("/metrics", get(metrics))
        .fallback(async || Problem::NoPage)
        .layer(from_fn_with_state(origin.clone(), around))
        .with_state(origin)
}

/// Any page may play; none may push, because a preflight never allows PUT.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::OPTIONS])
        .allow_headers([header::RANGE, header::IF_NONE_MATCH, header::IF_RANGE, header::CACHE_CONTROL])
        .expose_headers([
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::ACCEPT_RANGES,
            header::ETAG,
            header::DATE,
            header::AGE,
        ])
        .max_age(Duration::from_secs(86_400))
        // The answer is the same for every page: a cache may keep one for all.
        .vary([])
}

/// Headers that every answer has, and the count of answers.
async fn around(State(origin): State<Arc<Origin>>, request: Request, next: Next) -> Response {
    let method = request.method().clone();
    let path = request.uri().path();
    let media = path.starts_with("/live/") || path.starts_with("/vod/");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if media {
        headers.insert(HeaderName::from_static("timing-allow-origin"), HeaderValue::from_static("*"));
        headers
            .insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    }
    origin.counters.answered(&method, response.status().as_u16());
    response
}

/// Alive means progress: the sweep goes round and the tree can be read.
async fn healthz(State(origin): State<Arc<Origin>>) -> Response {
    let late = origin.counters.since_sweep() > origin.retention.sweep * MISSED_SWEEPS + Duration::from_secs(10);
    let shelf = origin.shelf.clone();
    let usable = tokio::task::spawn_blocking(move || shelf.is_usable()).await.unwrap_or(false);
    match (usable, late) {
        (true, false) => "ok\n".into_response(),
        (false, _) => (StatusCode::SERVICE_UNAVAILABLE, "the state directory cannot be read\n").into_response(),
        (_, true) => (StatusCode::SERVICE_UNAVAILABLE, "the sweep has stopped: the disk will fill\n").into_response(),
    }
}

async fn metrics(State(origin): State<Arc<Origin>>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], origin.counters.text()).into_response()
}

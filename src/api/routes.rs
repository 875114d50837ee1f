//! The table of routes.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware;
use axum::routing::{delete, get, post};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::access;
use super::journal::Journal;
use super::problem::Problem;
use super::{
    channels, costs, cues, destinations, devices, events, guard, guest, images, metrics, panel, picture, recorded,
    recordings, status,
};
use crate::access::Access;
use crate::model::image::IMAGE_BYTES;
use crate::replay::Desk;
use crate::supervisor::Handle;

/// Largest body of a command, bytes.
pub(crate) const BODY: usize = 16 * 1024;

/// Event streams served at once.
pub(crate) const STREAMS: usize = 64;

/// What every route works with.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) handle: Handle,
    pub(crate) journal: Arc<Journal>,
    pub(crate) streams: Arc<Semaphore>,
    /// Streams ended because the client could not follow.
    pub(crate) cut: Arc<AtomicU64>,
    /// Ends event streams and the journal, so that a shutdown waits for nobody.
    pub(crate) closing: CancellationToken,
    /// What is done with recordings.
    pub(crate) desk: Desk,
    /// Who may what.
    pub(crate) access: Access,
    host: Arc<str>,
}

impl Api {
    /// Open to everybody. Spawns the task that records events, so it needs a tokio runtime.
    pub(crate) fn new(handle: Handle, closing: CancellationToken) -> Self {
        let journal = Journal::record(handle.events(), closing.clone());
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self {
            handle,
            journal,
            streams: Arc::new(Semaphore::new(STREAMS)),
            cut: Arc::default(),
            closing,
            desk: Desk::idle(),
            access: Access::open_to_all(),
            host: host.trim().to_ascii_lowercase().into(),
        }
    }

    /// The same, with recordings.
    pub(crate) fn with_recordings(self, desk: Desk) -> Self {
        Self { desk, ..self }
    }

    /// The same, for those whom `access` lets in.
    pub(crate) fn with_access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    /// Who may use this box, in one word: in every status document, so that no panel can forget to say it.
    pub(crate) fn access_word(&self) -> &'static str {
        if self.access.is_open() { "open" } else { "login" }
    }

    /// Names of this box, lower case.
    pub(crate) fn names(&self) -> Vec<String> {
        let configured = self.handle.status().borrow().name.to_ascii_lowercase();
        [configured, self.host.to_string()].into_iter().filter(|name| !name.is_empty()).collect()
    }

    /// The routes.
    pub(crate) fn router(self) -> axum::Router {
        recording_routes()
            .merge(access::access_routes())
            .route("/api/v1/status", get(status::appliance))
            .route("/api/v1/capacity", get(channels::capacity))
            .route("/api/v1/cost", get(costs::cost))
            .route("/api/v1/channels", get(channels::list))
            .route("/api/v1/channels/{id}", get(channels::one))
            .route("/api/v1/channels/{id}/start", post(channels::start))
            .route("/api/v1/channels/{id}/stop", post(channels::stop))
            .route("/api/v1/channels/{id}/slate", post(channels::slate))
            .route("/api/v1/channels/{id}/release", post(channels::release))
            .route("/api/v1/channels/{id}/take", post(channels::take))
            .route("/api/v1/channels/{id}/preview", post(channels::preview))
            .route("/api/v1/channels/{id}/cancel", post(channels::cancel))
            .route("/api/v1/channels/{id}/set", post(channels::set))
            .route("/api/v1/channels/{id}/captions", post(channels::captions))
            .route("/api/v1/channels/{id}/drill", post(destinations::drill))
            .route("/api/v1/channels/{id}/destinations/{destination}/recording", post(destinations::recording))
            .route("/api/v1/channels/{id}/show/begin", post(costs::begin_show))
            .route("/api/v1/channels/{id}/show/end", post(costs::end_show))
            .route("/api/v1/channels/{id}/hand-over", post(destinations::hand_over))
            .route("/api/v1/channels/{id}/cue", post(cues::cue))
            .route("/api/v1/channels/{id}/metadata", post(cues::metadata))
            .route("/api/v1/channels/{id}/timecode", get(cues::timecode))
            .route("/api/v1/channels/{id}/preview.jpg", get(picture::preview))
            .route("/api/v1/channels/{id}/loudness/restart", post(channels::restart_loudness))
            .route("/api/v1/channels/{id}/confidence.jpg", get(picture::confidence))
            .route("/api/v1/images", get(images::list))
            .route(
                "/api/v1/images/{name}",
                get(images::one).put(images::put).delete(images::delete).layer(DefaultBodyLimit::max(IMAGE_BYTES)),
            )
            .route("/api/v1/config/reload", post(channels::reload))
            .route("/api/v1/devices", get(devices::list))
            .route("/api/v1/events", get(events::follow))
            .route("/api/v1/events/recent", get(events::recent))
            .route("/healthz", get(status::alive))
            .route("/readyz", get(status::ready))
            .route("/metrics", get(metrics::scrape))
            .route("/", get(panel::page))
            .route("/panel/{file}", get(panel::file))
            .route("/guest/{channel}/{source}", get(guest::page))
            .route("/guest-page/{file}", get(guest::file))
            .route("/whip/{channel}/{source}", post(guest::publish).layer(DefaultBodyLimit::max(guest::SDP)))
            .route("/whip/{channel}/{source}/{session}", delete(guest::leave))
            .fallback(|request: Request| async move { Problem::not_found(request.uri().path()) })
            .method_not_allowed_fallback(|request: Request| async move {
                Problem::method_not_allowed(request.method().as_str(), request.uri().path())
            })
            .layer(DefaultBodyLimit::max(BODY))
            .layer(middleware::from_fn_with_state(self.clone(), access::check))
            .layer(middleware::from_fn_with_state(self.clone(), guard::check))
            .with_state(self)
    }
}

fn recording_routes() -> axum::Router<Api> {
    axum::Router::new()
        .route("/api/v1/recordings", get(recordings::list))
        .route(
            "/api/v1/recordings/{channel}/{id}",
            get(recordings::one).patch(recordings::change).delete(recordings::delete),
        )
        .route("/api/v1/recordings/{channel}/{id}/stitch", post(recordings::stitch))
        .route("/api/v1/recordings/{channel}/{id}/clip", post(recordings::clip))
        .route("/api/v1/recordings/{channel}/{id}/verify", post(recordings::verify))
        .route("/api/v1/recordings/{channel}/{id}/upload", post(recordings::upload))
        .route("/api/v1/recordings/{channel}/{id}/files/{*path}", get(recorded::file))
        .route("/api/v1/recordings/{channel}/{id}/movies/{file}", delete(recordings::delete_movie))
        .route("/api/v1/recording-jobs", get(recordings::jobs))
        .route("/api/v1/recording-jobs/{job}", get(recordings::job).delete(recordings::stop))
}

/// The API and the panel over `handle`, open to everybody, for tests. Call it inside a tokio runtime: it records events
/// from now on.
#[cfg(test)]
pub(crate) fn router(handle: Handle) -> axum::Router {
    Api::new(handle, CancellationToken::new()).router()
}

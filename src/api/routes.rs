//! The table of routes.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::extract::Request;
use axum::middleware;
use axum::routing::get;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::access;
use super::again::{self, Again};
use super::guards::{Confirmations, Freezer};
use super::journal::Journal;
use super::meters::MeterFrames;
use super::openapi::Routes;
use super::problem::Problem;
use super::ready::Engine;
use super::rendered::Rendered;
use super::status::Beside;
use super::timings::{Timings, measure_answer};
use super::vitals::Vitals;
use super::{
    alarms, certificate, channels, classes, config, costs, cues, destinations, devices, events, guard, guards, guest,
    images, metrics, notify, openapi, panel, picture, ready, recorded, recordings, request_id, status, surfaces,
    timeline, whep,
};
use crate::access::{Access, Certificate, Presented};
use crate::alarm::Alarms;
use crate::classes::Classes;
use crate::doctor::Prober;
use crate::model::Validity;
use crate::model::status::ApplianceStatus;
use crate::notify::Notifier;
use crate::replay::Desk;
use crate::store::Store;
use crate::supervisor::Handle;
use crate::surface::Surfaces;

/// Largest body of a command, bytes.
pub(crate) const BODY: usize = 16 * 1024;

const IMAGE: &str = "/api/v1/images/{name}";
const RECORDING: &str = "/api/v1/recordings/{channel}/{id}";

/// Event streams served at once: many panels on many walls, and what is beyond is a fault of somebody's program.
pub(crate) const STREAMS: usize = 512;

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
    /// Commands that came with a key.
    pub(crate) again: Again,
    /// What was written down.
    pub(crate) store: Option<Store>,
    /// What is done with recordings.
    pub(crate) desk: Desk,
    pub(crate) alarms: Alarms,
    pub(crate) notifier: Notifier,
    /// What is frozen.
    pub(crate) freezer: Freezer,
    /// What waits for a confirmation.
    pub(crate) confirmations: Confirmations,
    /// What event streams share.
    pub(crate) meters: MeterFrames,
    pub(crate) rendered: Rendered,
    /// Who may what.
    pub(crate) access: Access,
    /// Tally displays and OSC.
    pub(crate) surfaces: Surfaces,
    /// Knows what else this box is called.
    certificate: Option<Certificate>,
    /// The site's own stream classes.
    pub(crate) classes: Classes,
    /// Who writes the configuration: one after the other.
    pub(crate) writing: Arc<tokio::sync::Mutex<()>>,
    /// Tries destinations.
    pub(crate) prober: Prober,
    /// Whether workers can be run.
    pub(crate) engine: Engine,
    /// How long things took.
    pub(crate) timings: Timings,
    pub(crate) vitals: Vitals,
    /// Who watches live.
    pub(crate) watching: whep::Watching,
    host: Arc<str>,
}

impl Api {
    /// Open to everybody. Spawns the task that records events, so it needs a tokio runtime.
    pub(crate) fn new(handle: Handle, closing: CancellationToken) -> Self {
        let journal = Journal::record(handle.events(), closing.clone());
        let timings = Timings::default();
        timings.follow(handle.status(), closing.clone());
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self {
            handle,
            journal,
            streams: Arc::new(Semaphore::new(STREAMS)),
            cut: Arc::default(),
            closing,
            again: Again::default(),
            store: None,
            desk: Desk::idle(),
            alarms: Alarms::idle(),
            notifier: Notifier::idle(),
            freezer: Freezer::idle(),
            confirmations: Confirmations::default(),
            meters: MeterFrames::default(),
            rendered: Rendered::default(),
            access: Access::open_to_all(),
            surfaces: Surfaces::default(),
            certificate: None,
            classes: Classes::default(),
            writing: Arc::default(),
            prober: Prober::default(),
            engine: Engine::idle(),
            timings,
            vitals: Vitals::default(),
            watching: whep::Watching::default(),
            host: host.trim().to_ascii_lowercase().into(),
        }
    }

    /// The same, with the temperatures of another box.
    #[cfg(test)]
    pub(crate) fn with_vitals(self, vitals: Vitals) -> Self {
        Self { vitals, ..self }
    }

    /// The same, with what was written down.
    pub(crate) fn with_store(self, store: Option<Store>) -> Self {
        Self { store, ..self }
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

    /// The same, with alarms and who is told of them.
    pub(crate) fn with_alarms(self, alarms: Alarms, notifier: Notifier) -> Self {
        Self { alarms, notifier, ..self }
    }

    /// The same, with what is frozen.
    pub(crate) fn with_freezer(self, freezer: Freezer) -> Self {
        Self { freezer, ..self }
    }

    /// The same, with control surfaces.
    pub(crate) fn with_surfaces(self, surfaces: Surfaces) -> Self {
        Self { surfaces, ..self }
    }

    /// The same, called as the certificate says, too.
    pub(crate) fn with_certificate(self, certificate: Option<Certificate>) -> Self {
        Self { certificate, ..self }
    }

    /// The same, with stream classes of the site's own.
    pub(crate) fn with_classes(self, classes: Classes) -> Self {
        Self { classes, ..self }
    }

    /// The same, with what is known of the engine.
    pub(crate) fn with_engine(self, engine: Engine) -> Self {
        Self { engine, ..self }
    }

    /// The same, with what tries destinations.
    pub(crate) fn with_prober(self, prober: Prober) -> Self {
        Self { prober, ..self }
    }

    /// The newest snapshot, with what the supervisor does not know.
    pub(crate) fn document(&self) -> Arc<ApplianceStatus> {
        self.beside().put_into(self.handle.status().borrow().clone())
    }

    /// What the supervisor does not know.
    pub(crate) fn beside(&self) -> Beside {
        Beside { alarms: self.alarms.counts(), clock: self.alarms.time(), freeze: self.freezer.in_force() }
    }

    /// How long the certificates of the listener are good.
    pub(crate) fn certificates(&self) -> Vec<Validity> {
        self.certificate.as_ref().map(Certificate::validities).unwrap_or_default()
    }

    /// The certificates of the listener; none if it is not encrypted.
    pub(crate) fn presented(&self) -> Option<Vec<Presented>> {
        self.certificate.as_ref().map(Certificate::presented)
    }

    /// Names of this box, lower case.
    pub(crate) fn names(&self) -> Vec<String> {
        let configured = self.handle.status().borrow().name.to_ascii_lowercase();
        let certified = self.certificate.iter().flat_map(Certificate::names);
        [configured, self.host.to_string()].into_iter().chain(certified).filter(|name| !name.is_empty()).collect()
    }

    /// The routes.
    pub(crate) fn router(self) -> axum::Router {
        routes()
            .pages(pages())
            .router()
            .fallback(|request: Request| async move { Problem::not_found(request.uri().path()) })
            .method_not_allowed_fallback(|request: Request| async move {
                Problem::method_not_allowed(request.method().as_str(), request.uri().path())
            })
            .layer(middleware::from_fn_with_state(self.clone(), guards::check))
            .layer(middleware::from_fn_with_state(self.clone(), again::once))
            .layer(middleware::from_fn_with_state(self.clone(), access::check))
            .layer(middleware::from_fn_with_state(self.clone(), guard::check))
            .layer(middleware::from_fn(request_id::name))
            .layer(middleware::from_fn_with_state(self.timings.clone(), measure_answer))
            .with_state(self)
    }
}

/// What is served to machines, and stands in the contract: path, one sentence, handler.
pub(crate) fn routes() -> Routes {
    appliance_routes()
        .merge(channel_routes())
        .merge(recording_routes())
        .merge(alarms::routes())
        .merge(notify::routes())
        .merge(guards::routes())
        .merge(access::routes())
        .merge(surfaces::routes())
        .merge(certificate::routes())
        .merge(classes::routes())
        .get("/healthz", "Whether the daemon answers and its supervisor runs", ready::alive)
        .get("/readyz", "Whether channels can be put on air: configuration, database, engine", ready::ready)
        .get("/metrics", "The snapshot for Prometheus", metrics::scrape)
        .post("/whip/{channel}/{source}", "A guest publishes to a source (WHIP, RFC 9725)", guest::publish)
        .takes(&["application/sdp"])
        .delete("/whip/{channel}/{source}/{session}", "A guest leaves", guest::leave)
}

fn appliance_routes() -> Routes {
    Routes::new()
        .get("/api/v1/openapi.json", "This document", openapi::json)
        .get("/api/v1/status", "The whole appliance in one document", status::appliance)
        .get("/api/v1/capacity", "What the box can carry, and what is taken", channels::capacity)
        .get("/api/v1/cost", "What delivery costs", costs::cost)
        .get("/api/v1/destinations", "Where the configuration in force sends to, on air or not", destinations::list)
        .get("/api/v1/devices", "What is plugged in now, and who uses it", devices::list)
        .get("/api/v1/events", "Events as they happen (server-sent events)", events::follow)
        .get("/api/v1/events/recent", "The newest events first, as far as they are held", events::recent)
        .get(
            timeline::ADDRESS,
            "What happened, newest first: events, alarms, acts and gaps, also before this run",
            timeline::list,
        )
        .get("/api/v1/images", "The images for slates and logos", images::list)
        .get(IMAGE, "An image", images::one)
        .put(IMAGE, "Sends an image, new or in place of another", images::put)
        .takes(images::KINDS)
        .delete(IMAGE, "Deletes an image", images::delete)
        .post(
            "/api/v1/config/reload",
            "Reads the configuration again and puts it in force; `dry_run` only says what that would do",
            config::reload,
        )
        .get("/api/v1/config", "The configuration in force, and where it is written", config::effective)
        .post(config::CHECK, "What would be wrong with a configuration; nothing is changed", config::check)
        .post(
            config::APPLY,
            "Writes a text of the configuration and puts it in force; `dry_run` only says what that would do",
            config::apply,
        )
}

fn channel_routes() -> Routes {
    Routes::new()
        .get("/api/v1/channels", "All channels", channels::list)
        .get("/api/v1/channels/{id}", "One channel", channels::one)
        .post("/api/v1/channels/{id}/start", "Puts it on air", channels::start)
        .post("/api/v1/channels/{id}/stop", "Takes it off air", channels::stop)
        .post("/api/v1/channels/{id}/slate", "Shows the slate until released", channels::slate)
        .post("/api/v1/channels/{id}/release", "Shows the first healthy source again", channels::release)
        .post("/api/v1/channels/{id}/take", "Shows a source, a scene or what is in preview", channels::take)
        .post("/api/v1/channels/{id}/preview", "Says what is to be shown next", channels::preview)
        .post("/api/v1/channels/{id}/cancel", "Takes back a take that is to come", channels::cancel)
        .post("/api/v1/channels/{id}/set", "Changes one setting; it is kept over restarts", channels::set)
        .post("/api/v1/channels/{id}/captions", "Inserts captions, or takes them off", channels::captions)
        .post("/api/v1/channels/{id}/drill", "Tries a backup without leaving the endpoint in use", destinations::drill)
        .post(
            "/api/v1/channels/{id}/destinations/{destination}/recording",
            "Begins or ends a recording, or marks it",
            destinations::recording,
        )
        .post(
            "/api/v1/channels/{id}/destinations/{destination}/probe",
            "Tries a destination without going live: name, connection, certificate, credentials, rate",
            destinations::probe,
        )
        .post(
            "/api/v1/channels/{id}/show/begin",
            "A show begins: it is counted and measured by itself",
            costs::begin_show,
        )
        .post("/api/v1/channels/{id}/show/end", "The show ends", costs::end_show)
        .post(
            "/api/v1/channels/{id}/hand-over",
            "Gives a destination to the other box of a pair",
            destinations::hand_over,
        )
        .post("/api/v1/channels/{id}/cue", "Places a cue, or takes it back", cues::cue)
        .post("/api/v1/channels/{id}/metadata", "Places timed metadata", cues::metadata)
        .get("/api/v1/channels/{id}/timecode", "A frame in every way to name it", cues::timecode)
        .get("/api/v1/channels/{id}/preview.jpg", "The picture of what is in preview", picture::preview)
        .get("/api/v1/channels/{id}/confidence.jpg", "The picture of what goes out", picture::confidence)
        .post("/api/v1/channels/{id}/loudness/restart", "Measures loudness anew", channels::restart_loudness)
        .post("/api/v1/channels/{id}/whep", "Watches it live (WHEP)", whep::watch)
        .takes(&["application/sdp"])
        .delete("/api/v1/channels/{id}/whep/{session}", "Watches no longer", whep::leave)
}

fn recording_routes() -> Routes {
    Routes::new()
        .get("/api/v1/recordings", "Recordings, newest first", recordings::list)
        .get(RECORDING, "One recording, and what is being done with it", recordings::one)
        .patch(RECORDING, "Protects a recording, or does not any more", recordings::change)
        .delete(RECORDING, "Deletes a recording", recordings::delete)
        .post("/api/v1/recordings/{channel}/{id}/stitch", "Makes one movie of it", recordings::stitch)
        .post("/api/v1/recordings/{channel}/{id}/clip", "Cuts a piece out of it", recordings::clip)
        .post("/api/v1/recordings/{channel}/{id}/verify", "Compares it with its checksums", recordings::verify)
        .post("/api/v1/recordings/{channel}/{id}/upload", "Sends it to a destination", recordings::upload)
        .get("/api/v1/recordings/{channel}/{id}/files/{*path}", "A file of it, for players", recorded::file)
        .delete("/api/v1/recordings/{channel}/{id}/movies/{file}", "Deletes a movie", recordings::delete_movie)
        .get("/api/v1/recording-jobs", "What is being done with recordings, newest first", recordings::jobs)
        .get("/api/v1/recording-jobs/{job}", "One job", recordings::job)
        .delete("/api/v1/recording-jobs/{job}", "Ends a job as soon as it can", recordings::stop)
}

/// What is served to people.
fn pages() -> axum::Router<Api> {
    axum::Router::new()
        .route("/", get(panel::page))
        .route("/panel/plain", get(panel::plain_page))
        .route("/panel/{file}", get(panel::file))
        .route("/assets/{file}", get(panel::bundled))
        .route("/guest/{channel}/{source}", get(guest::page))
        .route("/guest-page/{file}", get(guest::file))
        .route("/api/", get(openapi::page))
        .route("/api/reference.css", get(openapi::style))
}

/// The API and the panel over `handle`, open to everybody, for tests. Call it inside a tokio runtime: it records events
/// from now on.
#[cfg(test)]
pub(crate) fn router(handle: Handle) -> axum::Router {
    Api::new(handle, CancellationToken::new()).router()
}

/// The contract of the API (OpenAPI 3.1), as it is served.
pub fn contract() -> String {
    String::from_utf8_lossy(&routes().contract().document().text).into_owned()
}

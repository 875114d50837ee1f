//! What the origin counts, in the text format of Prometheus.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Refused {
    reason: &'static str,
}

pub(crate) struct Counters {
    registry: Registry,
    answers: Family<Answered, Counter>,
    refused: Family<Refused, Counter>,
    received: Counter,
    served: Counter,
    retired: Counter,
    channels: Gauge,
    connections: Gauge<u64, AtomicU64>,
    last_sweep: Mutex<Instant>,
}

impl Counters {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("uplink_origin");
        let answers = Family::default();
        registry.register("responses", "Answers, by method and status", answers.clone());
        let refused = Family::default();
        registry.register("pushes_refused", "Uploads and deletions refused, by reason", refused.clone());
        let received = Counter::default();
        registry.register("received_bytes", "Bytes of objects stored", received.clone());
        let served = Counter::default();
        registry.register("served_bytes", "Bytes of objects handed to players' connections", served.clone());
        let retired = Counter::default();
        registry.register("retired_objects", "Segments and initialisations whose time was over", retired.clone());
        let channels = Gauge::default();
        registry.register("channels", "Channels held", channels.clone());
        let connections = Gauge::default();
        registry.register("connections", "Open connections", connections.clone());
        let last_sweep = Mutex::new(Instant::now());
        Self { registry, answers, refused, received, served, retired, channels, connections, last_sweep }
    }

    pub(crate) fn answered(&self, method: &Method, status: u16) {
        let method = match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::PUT => "PUT",
            Method::DELETE => "DELETE",
            Method::POST => "POST",
            Method::OPTIONS => "OPTIONS",
            // A method is any word: not every word is a label.
            _ => "other",
        };
        self.answers.get_or_create(&Answered { method, status }).inc();
    }

    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&Refused { reason }).inc();
    }

    pub(crate) fn received(&self, bytes: u64) {
        self.received.inc_by(bytes);
    }

    /// The counter of bytes served, for a stream that outlives the request.
    pub(crate) fn served(&self) -> Counter {
        self.served.clone()
    }

    pub(crate) fn retired(&self, objects: usize) {
        self.retired.inc_by(objects as u64);
    }

    /// A connection is open while the guard lives.
    pub(crate) fn connection(&self) -> impl Drop + Send + use<> {
        struct Open(Gauge<u64, AtomicU64>);
        impl Drop for Open {
            fn drop(&mut self) {
                self.0.inner().fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.connections.inc();
        Open(self.connections.clone())
    }

    /// A round of the sweep has ended.
    pub(crate) fn swept(&self, channels: usize) {
        self.channels.set(channels as i64);
        *self.last_sweep.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Instant::now();
    }

    /// Time since the last round of the sweep, or since the start.
    pub(crate) fn since_sweep(&self) -> Duration {
        self.last_sweep.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).elapsed()
    }

    /// The text for a scrape.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => {
                tracing::error!(%error, "the metrics could not be written");
                String::new()
            }
        }
    }
}

//! What receives the objects of a destination: an origin, a WebDAV server, a bucket. One face for all.
//!
//! Owns: how an object is put, looked for and deleted, what proves that this box may, and how a failure of any of them
//! reads in the words of `policy`. Must not: retry (but for one attempt with a newer token), decide an order, or hold an
//! object back.
//!
//! ```text
//!   task ── put, has, delete ──▶ Store ─┬─ http: PUT, HEAD, DELETE, MKCOL; bearer, basic, query, signed address
//!                                       └─ bucket: S3, Google, Azure (crate object_store signs and names)
//!                                            │ both
//!                                            ▼
//!                                  wire: connections, TLS, bound by progress, bytes counted
//! ```
//!
//! - Each object becomes visible whole or not at all: that is what PUT promises at all of them, up to the size of one
//!   request. Nothing is sent in several parts.
//! - A token comes from [`super::credential`]; where it is refused, the source is asked for a newer one, and the request
//!   is sent once more. Only if that is refused, too, does the task hear of it.

mod access;
mod bucket;
mod collections;
mod http;
mod tls;
mod wire;

use std::time::Duration;

use bytes::Bytes;
use url::Url;

use crate::model::pair::{LeaseAnswer, LeaseAsk};
use crate::model::upload::{StoreKind, Upload};
use crate::policy::HttpFailure;

use super::credential::TokenTrouble;
pub(crate) use access::{basic, secret_value};
use bucket::BucketStore;
use http::HttpStore;
pub(crate) use tls::{TlsError, settings, settings_elsewhere};
pub(crate) use wire::{Answer, SentBytes, Wire};

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// Not an address to push to.
    #[error("`{0}` is no address that can be pushed to")]
    Url(String),
    /// The HTTP library refused its settings.
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(#[from] reqwest::Error),
    /// Certificates and keys.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What is configured does not fit together, or is no good; says what.
    #[error("{0}")]
    Unfit(String),
}

/// What a store says of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It is not there.
    Absent,
    /// It is not there, but something of the same name that it could be a second name of, see [`Store::link`].
    Near,
    /// It is there, and has so many bytes.
    Bytes(u64),
    /// The store does not tell.
    Untold,
}

/// What is told of an object beside its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Label {
    /// Content type.
    pub(crate) content_type: &'static str,
    /// How long caches may keep it.
    pub(crate) keep: Keep,
}

/// How long caches may keep an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// It never changes.
    Long,
    /// It is replaced every so often.
    Short(Duration),
}

impl Label {
    /// Of a segment or an initialisation.
    pub(crate) fn media(content_type: &'static str) -> Self {
        Self { content_type, keep: Keep::Long }
    }

    /// Of a playlist, which changes `every` so often.
    pub(crate) fn playlist(every: Duration) -> Self {
        Self { content_type: "application/vnd.apple.mpegurl", keep: Keep::Short(every) }
    }

    /// As Cache-Control says it. A playlist may be as old as half a segment, or a player's next look is in vain; caches
    /// count whole seconds, so below two it must be asked for each time.
    pub(crate) fn cache_control(&self) -> String {
        match self.keep {
            Keep::Long => "public, max-age=31536000, immutable".to_owned(),
            Keep::Short(duration) if duration < Duration::from_secs(2) => "no-cache".to_owned(),
            Keep::Short(duration) => format!("public, max-age={}", duration.as_secs() / 2),
        }
    }
}

/// Under which conditions an object may be put or deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The token of this box's lease: refused if another one is in force.
    pub(crate) fence: Option<u64>,
    /// What is there already stays as it is.
    pub(crate) create: bool,
}

/// How an object was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It was stored.
    Stored,
    /// There was one, which stays.
    There,
}

/// See the module's header. Cheap to clone; clones share connections and token.
#[derive(Debug, Clone)]
pub(crate) enum Store {
    /// An origin or a WebDAV server.
    Http(HttpStore),
    /// A bucket.
    Bucket(BucketStore),
}

impl Store {
    /// The store at `url`. `answer` is how long an answer may take once a body has been handed over. Needs a tokio
    /// runtime; reads certificates.
    pub(crate) fn open(url: &Url, upload: &Upload, answer: Duration) -> Result<Self, StoreError> {
        match &upload.store {
            StoreKind::Origin | StoreKind::Webdav => HttpStore::open(url, upload, answer).map(Self::Http),
            _ => BucketStore::open(url, upload, answer).map(Self::Bucket),
        }
    }

    /// Stores `body` at `path`. A bucket knows no terms.
    pub(crate) async fn put(&self, path: &str, label: Label, terms: Terms, body: Bytes) -> Result<Put, HttpFailure> {
        match self {
            Self::Http(store) => store.put(path, label, terms, body).await,
            Self::Bucket(store) => store.put(path, label, body).await.map(|()| Put::Stored),
        }
    }

    /// Whether there is something at `path`; none if the store does not tell.
    pub(crate) async fn has(&self, path: &str) -> Result<Option<bool>, HttpFailure> {
        match self {
            Self::Http(store) => store.has(path).await,
            Self::Bucket(store) => store.has(path).await,
        }
    }

    /// Asks for a sign of life: whether the store tells of `path` at all. What it does not allow is not asked with another
    /// token.
    pub(crate) async fn answers(&self, path: &str) -> Result<bool, HttpFailure> {
        match self {
            Self::Http(store) => store.answers(path).await.map(|()| true),
            Self::Bucket(store) => store.has(path).await.map(|there| there.is_some()),
        }
    }

    /// Whether there is something at `path`, and how long it is.
    pub(crate) async fn size(&self, path: &str) -> Result<Presence, HttpFailure> {
        match self {
            Self::Http(store) => store.size(path).await,
            Self::Bucket(store) => store.size(path).await,
        }
    }

    /// Makes what the store has, and said to be near, the object at `path`, if its SHA-256 is `digest` (hex): nothing has
    /// to be sent then. Says whether that was so.
    pub(crate) async fn link(&self, path: &str, digest: &str) -> Result<bool, HttpFailure> {
        match self {
            Self::Http(store) => store.link(path, digest).await,
            Self::Bucket(_) => Ok(false),
        }
    }

    /// Deletes what is at `path`; good, too, if there is nothing.
    pub(crate) async fn delete(&self, path: &str, terms: Terms) -> Result<(), HttpFailure> {
        match self {
            Self::Http(store) => store.delete(path, terms).await,
            Self::Bucket(store) => store.delete(path).await,
        }
    }

    /// The text at `path`, past all caches; none if there is nothing. A bucket is never asked.
    pub(crate) async fn text(&self, path: &str) -> Result<Option<String>, HttpFailure> {
        match self {
            Self::Http(store) => store.text(path).await,
            Self::Bucket(_) => Ok(None),
        }
    }

    /// Asks for the lease at `path`, or for what else `ask` says.
    pub(crate) async fn lease(&self, path: &str, ask: &LeaseAsk) -> Result<LeaseAnswer, HttpFailure> {
        match self {
            Self::Http(store) => store.lease(path, ask).await,
            Self::Bucket(_) => Err(HttpFailure::Status(501)),
        }
    }

    /// Forgets all connections, and what is known of the store: the next request resolves the name anew.
    pub(crate) fn renew(&self) {
        self.wire().renew();
        if let Self::Http(store) = self {
            store.forget();
        }
    }

    /// The counter of bytes sent.
    pub(crate) fn sent(&self) -> &SentBytes {
        self.wire().sent()
    }

    /// Grows whenever there is a new token.
    pub(crate) fn token_generation(&self) -> u64 {
        match self {
            Self::Http(store) => store.token_generation(),
            Self::Bucket(store) => store.token_generation(),
        }
    }

    /// Why there is no newer token, if its source fails.
    pub(crate) fn token_trouble(&self) -> Option<TokenTrouble> {
        match self {
            Self::Http(store) => store.token_trouble(),
            Self::Bucket(store) => store.token_trouble(),
        }
    }

    fn wire(&self) -> &Wire {
        match self {
            Self::Http(store) => store.wire(),
            Self::Bucket(store) => store.wire(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn playlists_are_kept_for_half_a_segment_at_most() {
        for (millis, expected) in
            [(500, "no-cache"), (1000, "no-cache"), (2000, "public, max-age=1"), (6000, "public, max-age=3")]
        {
            let label = Label::playlist(Duration::from_millis(millis));
            assert_eq!(label.cache_control(), expected, "{millis}");
        }
        assert!(Label::media("video/mp4").cache_control().contains("immutable"));
    }
}

//! An origin or a WebDAV server: PUT, HEAD, DELETE and, where directories do not come about by themselves, MKCOL.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH};
use reqwest::{Method, StatusCode};
use url::Url;

use super::access::{Proof, secret_value};
use super::collections::Collections;
use super::wire::{Answer, Wire};
use super::{Label, Presence, Put, StoreError, Terms, tls};
use crate::model::pair::{LEASE_HEADER, LeaseAnswer, LeaseAsk};
use crate::model::upload::{StoreKind, Upload};
use crate::policy::HttpFailure;
use crate::push::credential::{Token, TokenTrouble};

/// The header by which `uplink-origin` takes over what it has under another name.
const LINK: &str = "uplink-link";

/// See the module's header. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct HttpStore {
    wire: Wire,
    base: Url,
    proof: Proof,
    headers: HeaderMap,
    /// What is known of directories; none if they come about by themselves.
    collections: Option<Collections>,
}

impl HttpStore {
    /// The store at `url`.
    pub(crate) fn open(url: &Url, upload: &Upload, answer: Duration) -> Result<Self, StoreError> {
        if !matches!(url.scheme(), "http" | "https") || url.cannot_be_a_base() || !url.has_host() {
            return Err(StoreError::Url(url.scheme().to_owned() + "://…"));
        }
        let wire = Wire::new(tls::settings(&upload.trust, url.scheme() == "https")?, answer)?;
        let proof = Proof::open(upload)?;
        let collections = (upload.store == StoreKind::Webdav).then(Collections::default);
        Ok(Self { wire, base: url.clone(), proof, headers: extra_headers(upload)?, collections })
    }

    /// See [`super::Store::put`].
    pub(crate) async fn put(&self, path: &str, label: Label, terms: Terms, body: Bytes) -> Result<Put, HttpFailure> {
        // What is there is not sent for nothing.
        if terms.create && self.has(path).await? == Some(true) {
            return Ok(Put::There);
        }
        self.make_collections(path).await?;
        let mut headers = terms_headers(terms);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(label.content_type));
        if let Ok(value) = HeaderValue::from_str(&label.cache_control()) {
            headers.insert(CACHE_CONTROL, value);
        }
        let answer = self.send(Method::PUT, path, headers, body).await?;
        if answer.status == StatusCode::PRECONDITION_FAILED
            && terms.create
            && !answer.headers.contains_key(LEASE_HEADER)
        {
            return Ok(Put::There);
        }
        if !answer.status.is_success() {
            // The answer to a missing directory is 409 by RFC 4918, and 404 or 500 at servers that do not look first.
            self.forget();
        }
        stored(&answer).map(|()| Put::Stored)
    }

    /// See [`super::Store::has`].
    pub(crate) async fn has(&self, path: &str) -> Result<Option<bool>, HttpFailure> {
        let answer = self.send(Method::HEAD, path, HeaderMap::new(), Bytes::new()).await?;
        Ok(match answer.status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Some(false),
            status if status.is_success() => Some(true),
            _ => None,
        })
    }

    /// See [`super::Store::answers`].
    pub(crate) async fn answers(&self, path: &str) -> Result<(), HttpFailure> {
        let token = match self.proof.credential() {
            Some(credential) => Some(credential.current().await?),
            None => None,
        };
        let asked = self.attempt(token.as_ref(), Method::HEAD, path, HeaderMap::new(), Bytes::new());
        asked.await.map(|_| ())
    }

    /// See [`super::Store::size`].
    pub(crate) async fn size(&self, path: &str) -> Result<Presence, HttpFailure> {
        let answer = self.send(Method::HEAD, path, HeaderMap::new(), Bytes::new()).await?;
        let length = || answer.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok();
        Ok(match answer.status {
            StatusCode::NOT_FOUND if answer.headers.contains_key(LINK) => Presence::Near,
            StatusCode::NOT_FOUND | StatusCode::GONE => Presence::Absent,
            status if status.is_success() => length().map_or(Presence::Untold, Presence::Bytes),
            StatusCode::UNAUTHORIZED => return Err(HttpFailure::Status(answer.status.as_u16())),
            StatusCode::NOT_IMPLEMENTED => Presence::Untold,
            status if status.is_server_error() => return Err(HttpFailure::Status(status.as_u16())),
            _ => Presence::Untold,
        })
    }

    /// See [`super::Store::link`].
    pub(crate) async fn link(&self, path: &str, digest: &str) -> Result<bool, HttpFailure> {
        let Ok(value) = HeaderValue::from_str(digest) else { return Ok(false) };
        let headers = HeaderMap::from_iter([(HeaderName::from_static(LINK), value)]);
        let answer = self.send(Method::PUT, path, headers, Bytes::new()).await?;
        match answer.status {
            // It has gone meanwhile, or is something else.
            StatusCode::NOT_FOUND | StatusCode::CONFLICT => Ok(false),
            _ => stored(&answer).map(|()| true),
        }
    }

    /// See [`super::Store::delete`].
    pub(crate) async fn delete(&self, path: &str, terms: Terms) -> Result<(), HttpFailure> {
        let answer = self.send(Method::DELETE, path, terms_headers(terms), Bytes::new()).await?;
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::GONE) { Ok(()) } else { stored(&answer) }
    }

    /// See [`super::Store::text`].
    pub(crate) async fn text(&self, path: &str) -> Result<Option<String>, HttpFailure> {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        let answer = self.send(Method::GET, path, headers, Bytes::new()).await?;
        if matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Ok(None);
        }
        stored(&answer)?;
        let told = answer.headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        let text =
            String::from_utf8(answer.body.to_vec()).ok().filter(|text| told.is_none_or(|told| told == text.len()));
        text.map(Some).ok_or_else(|| HttpFailure::Broken("a playlist did not come whole".to_owned()))
    }

    /// See [`super::Store::lease`].
    pub(crate) async fn lease(&self, path: &str, ask: &LeaseAsk) -> Result<LeaseAnswer, HttpFailure> {
        let broken = |error: serde_json::Error| HttpFailure::Broken(format!("no answer about a lease: {error}"));
        let body = Bytes::from(serde_json::to_vec(ask).map_err(broken)?);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // That leases go to and fro is no progress of what is delivered.
        let aside = Self { wire: self.wire.uncounted(), ..self.clone() };
        let answer = aside.send(Method::POST, path, headers, body).await?;
        match answer.status {
            StatusCode::OK | StatusCode::CONFLICT => serde_json::from_slice(&answer.body).map_err(broken),
            status => Err(HttpFailure::Status(status.as_u16())),
        }
    }

    /// The server may have lost its directories.
    pub(crate) fn forget(&self) {
        if let Some(collections) = &self.collections {
            collections.forget();
        }
    }

    /// See [`super::Store::token_generation`].
    pub(crate) fn token_generation(&self) -> u64 {
        self.proof.credential().map_or(0, |credential| credential.generation())
    }

    /// See [`super::Store::token_trouble`].
    pub(crate) fn token_trouble(&self) -> Option<TokenTrouble> {
        self.proof.credential().and_then(|credential| credential.trouble())
    }

    /// What the bytes go through.
    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Makes the directories that `path` lies in, as far as they are not known to be there.
    async fn make_collections(&self, path: &str) -> Result<(), HttpFailure> {
        let Some(collections) = &self.collections else { return Ok(()) };
        let mkcol = Method::from_bytes(b"MKCOL").unwrap_or(Method::PUT);
        for directory in collections.missing(path) {
            let answer = self.send(mkcol.clone(), &directory, HeaderMap::new(), Bytes::new()).await?;
            match answer.status {
                // 405: it is there already.
                status if status.is_success() || status == StatusCode::METHOD_NOT_ALLOWED => {}
                // The base may be out of bounds for this, and there all the same.
                _ if directory.is_empty() => {}
                // No parent: the base is not there. The next segment would fare no better, so none is given up.
                StatusCode::CONFLICT => return Err(HttpFailure::Status(404)),
                _ => stored(&answer)?,
            }
            collections.note(directory);
        }
        Ok(())
    }

    /// Sends a request with its proof; where a token is refused and there is a newer one, once more with that.
    async fn send(&self, method: Method, path: &str, headers: HeaderMap, body: Bytes) -> Result<Answer, HttpFailure> {
        let Some(credential) = self.proof.credential() else {
            return self.attempt(None, method, path, headers, body).await;
        };
        let token = credential.current().await?;
        let answer = self.attempt(Some(&token), method.clone(), path, headers.clone(), body.clone()).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        match credential.newer_than(&token).await? {
            Some(newer) => self.attempt(Some(&newer), method, path, headers, body).await,
            None => Ok(answer),
        }
    }

    async fn attempt(
        &self,
        token: Option<&Token>,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, HttpFailure> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
        }
        headers.extend(self.headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        self.proof.apply(token, &method, &mut url, &mut headers);
        self.wire.exchange(method, url, headers, body).await
    }
}

fn stored(answer: &Answer) -> Result<(), HttpFailure> {
    match answer.status {
        status if status.is_success() => Ok(()),
        StatusCode::PRECONDITION_FAILED if answer.headers.contains_key(LEASE_HEADER) => Err(HttpFailure::Fenced),
        status => Err(HttpFailure::Status(status.as_u16())),
    }
}

fn terms_headers(terms: Terms) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(token) = terms.fence {
        headers.insert(HeaderName::from_static(LEASE_HEADER), HeaderValue::from(token));
    }
    if terms.create {
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
    }
    headers
}

fn extra_headers(upload: &Upload) -> Result<HeaderMap, StoreError> {
    let mut headers = HeaderMap::new();
    for (name, value) in &upload.headers {
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| StoreError::Unfit(format!("`{name}` is no name of a header")))?;
        headers.insert(name, secret_value(value.reveal())?);
    }
    Ok(headers)
}

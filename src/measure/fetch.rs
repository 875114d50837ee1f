//! Gets playlists and segments over HTTP or from disk. Every wait is bounded.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use url::Url;

/// For connecting, and for each pause between two pieces of an answer.
const QUIET: Duration = Duration::from_secs(5);
/// For a whole answer.
const WHOLE: Duration = Duration::from_secs(30);
/// No segment of a broadcast ladder is larger.
const LARGEST: usize = 256 << 20;

/// Why something could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    /// The origin says that it does not exist (404, 410), or there is no such file.
    #[error("it does not exist")]
    Missing,
    /// Any other answer but success.
    #[error("the origin answered {0}")]
    Refused(u16),
    /// No answer, or not a whole one.
    #[error("{0}")]
    Broken(String),
}

/// An HTTP client that also reads files.
#[derive(Debug, Clone)]
pub(crate) struct Fetcher {
    client: reqwest::Client,
}

impl Fetcher {
    /// A client for `target` and what it names.
    pub(crate) fn new(target: &Url) -> Result<Self, FetchError> {
        // Another part of the process may have installed one already; either is good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            let builder = reqwest::Client::builder().connect_timeout(QUIET).read_timeout(QUIET).timeout(WHOLE);
            let loopback = match target.host() {
                Some(url::Host::Domain(name)) => name == "localhost",
                Some(url::Host::Ipv4(address)) => address.is_loopback(),
                Some(url::Host::Ipv6(address)) => address.is_loopback(),
                None => true,
            };
            if loopback { builder.no_proxy() } else { builder }
        };
        // A machine without root certificates can still play plain HTTP.
        let client = builder().build().or_else(|_| builder().tls_certs_only([]).build());
        client.map(|client| Self { client }).map_err(|error| FetchError::Broken(chain(&error)))
    }

    pub(crate) async fn get(&self, url: &Url) -> Result<Bytes, FetchError> {
        if url.scheme() == "file" {
            return read_file(url).await;
        }
        let broken = |error: reqwest::Error| FetchError::Broken(chain(&error));
        let mut response = self.client.get(url.clone()).send().await.map_err(broken)?;
        match response.status().as_u16() {
            200..=299 => {}
            404 | 410 => return Err(FetchError::Missing),
            status => return Err(FetchError::Refused(status)),
        }
        let mut body = BytesMut::new();
        while let Some(piece) = response.chunk().await.map_err(broken)? {
            if body.len() + piece.len() > LARGEST {
                return Err(FetchError::Broken(format!("it is larger than {} MiB", LARGEST >> 20)));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    }
}

async fn read_file(url: &Url) -> Result<Bytes, FetchError> {
    let path = url.to_file_path().map_err(|()| FetchError::Missing)?;
    match tokio::fs::read(path).await {
        Ok(data) => Ok(data.into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(FetchError::Missing),
        Err(error) => Err(FetchError::Broken(error.to_string())),
    }
}

/// The last cause says what happened; the first only says where.
fn chain(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string().to_lowercase()
}

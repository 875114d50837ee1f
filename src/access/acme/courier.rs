//! Requests to an authority: bounded, over TLS alone.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Request, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

/// For a connection to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// For an answer.
const ANSWER: Duration = Duration::from_secs(30);

/// See the module.
pub(super) struct Courier(reqwest::Client);

impl Courier {
    /// Trusts the authorities in `ca_file` alone, those of the box if none.
    pub(super) fn trusting(ca_file: Option<&Path>) -> Result<Self, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.map_err(|error| format!("TLS cannot be set up: {error}"))?;
        let tls = config.with_root_certificates(roots(ca_file)?).with_no_client_auth();
        let client = reqwest::Client::builder().tls_backend_preconfigured(tls).https_only(true).no_proxy();
        let client = client.connect_timeout(CONNECT).timeout(ANSWER).build();
        client.map(Self).map_err(|error| innermost(&error))
    }
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            let all = CertificateDer::pem_file_iter(path).and_then(|all| all.collect::<Result<Vec<_>, _>>());
            let all = all.map_err(|error| format!("{}: no certificates in PEM: {error}", path.display()))?;
            roots.add_parsable_certificates(all);
        }
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    match roots.is_empty() {
        true => Err("there is no certificate authority to trust: install ca-certificates, or name a `ca_file`".into()),
        false => Ok(roots),
    }
}

impl HttpClient for Courier {
    fn request(
        &self,
        asked: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let client = self.0.clone();
        Box::pin(async move {
            let (parts, body) = asked.into_parts();
            let Ok(body) = body.collect().await;
            let asked = reqwest::Request::try_from(Request::from_parts(parts, body.to_bytes())).map_err(wrapped)?;
            let answer: Response<reqwest::Body> = client.execute(asked).await.map_err(wrapped)?.into();
            Ok(BytesResponse::from(answer))
        })
    }
}

fn wrapped(error: reqwest::Error) -> Error {
    Error::Other(Box::new(error))
}

/// What a technician can act on.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

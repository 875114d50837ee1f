//! Whom to trust, and who this box is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::{ClientConfig, RootCertStore};

use crate::model::upload::{Identity, Trust};

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// The library refuses.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
    /// A file is not what it should be.
    #[error("{path}: no {what} in PEM can be read from it: {why}", path = .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
}

/// For a destination: the authorities of `trust` if it names any, else those of the box. `https` if they will be needed.
pub(crate) fn settings(trust: &Trust, https: bool) -> Result<ClientConfig, TlsError> {
    // The client has to be given roots in any case: by itself it refuses to start on a box that has none.
    let roots = match &trust.ca_file {
        _ if !https => RootCertStore::empty(),
        Some(path) => pinned(path, RootCertStore::empty())?,
        None => roots_of_the_box(),
    };
    client(roots, trust.identity.as_ref().filter(|_| https))
}

/// For a token endpoint, which is somewhere else: the authorities of the box, and those of `trust`.
pub(crate) fn settings_elsewhere(trust: &Trust, https: bool) -> Result<ClientConfig, TlsError> {
    let roots = match &trust.ca_file {
        _ if !https => RootCertStore::empty(),
        Some(path) => pinned(path, roots_of_the_box())?,
        None => roots_of_the_box(),
    };
    client(roots, None)
}

fn client(roots: RootCertStore, identity: Option<&Identity>) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let config = config.with_root_certificates(roots);
    let Some(Identity { certificate_file, key_file }) = identity else { return Ok(config.with_no_client_auth()) };
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| unreadable(key_file, "private key", &error))?;
    Ok(config.with_client_auth_cert(certificates(certificate_file)?, key)?)
}

fn roots_of_the_box() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a trusted root certificate of this box cannot be read");
    }
    let (added, ignored) = roots.add_parsable_certificates(found.certs);
    if added == 0 {
        tracing::error!(ignored, "this box trusts no certificate authority: https origins will be refused");
    }
    roots
}

fn pinned(path: &Path, mut roots: RootCertStore) -> Result<RootCertStore, TlsError> {
    for certificate in certificates(path)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |error| unreadable(path, "certificate", &error);
    let all: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect::<Result<_, _>>().map_err(unreadable)?;
    if all.is_empty() { Err(unreadable(pem::Error::NoItemsFound)) } else { Ok(all) }
}

fn unreadable(path: &Path, what: &'static str, error: &pem::Error) -> TlsError {
    TlsError::File { path: path.to_owned(), what, why: error.to_string() }
}

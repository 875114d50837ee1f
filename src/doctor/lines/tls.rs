//! A TLS handshake that is looked at: whether the certificate is good, and until when, also when it is not.

use std::fmt;
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::certificate;

/// What was seen of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Why it is not good, if it is not.
    pub(super) fault: Option<String>,
    /// Until when it is.
    pub(super) ends: Option<Timestamp>,
}

/// Judges as a client would, notes what came of it, and lets the handshake go on: nothing is said behind one that is not
/// good.
struct Witness {
    judge: Arc<WebPkiServerVerifier>,
    seen: Mutex<Option<Verdict>>,
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness").finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self.judge.verify_server_cert(leaf, chain, name, ocsp, now);
        let verdict = Verdict { fault: judged.err().map(|error| words(&error)), ends: certificate::ends(leaf) };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}

/// What rustls calls a fault, for people.
fn words(error: &Error) -> String {
    let text = error.to_string();
    text.strip_prefix("invalid peer certificate: ").unwrap_or(&text).to_owned()
}

/// The connection behind its handshake, and what was seen of the certificate. The stream's own timeouts bound it. The error
/// says why there is no handshake.
pub(super) fn shake(
    stream: &mut TcpStream,
    host: &str,
    authorities: Option<&Path>,
) -> Result<(ClientConnection, Verdict), String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = Arc::new(roots(authorities)?);
    let judge = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
    let judge = judge.map_err(|error| format!("there is no authority to trust: {error}"))?;
    let witness = Arc::new(Witness { judge, seen: Mutex::default() });
    let settings = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let settings = settings.map_err(|error| error.to_string())?;
    let verifier: Arc<dyn ServerCertVerifier> = Arc::clone(&witness) as _;
    let settings = settings.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    let name =
        ServerName::try_from(host.to_owned()).map_err(|_| format!("{host} is no name that a certificate has"))?;
    let mut connection = ClientConnection::new(Arc::new(settings), name).map_err(|error| error.to_string())?;
    while connection.is_handshaking() {
        connection.complete_io(stream).map_err(|error| error.to_string())?;
    }
    let seen = witness.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
    seen.map(|verdict| (connection, verdict)).ok_or_else(|| "no certificate was shown".to_owned())
}

fn roots(authorities: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    match authorities {
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Some(file) => {
            let unreadable = |error: &dyn fmt::Display| format!("{} cannot be read: {error}", file.display());
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(&error))? {
                roots.add(certificate.map_err(|error| unreadable(&error))?).map_err(|error| unreadable(&error))?;
            }
        }
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::path::PathBuf;

    use rustls::pki_types::PrivatePkcs8KeyDer;
    use rustls::{ServerConfig, ServerConnection};

    use super::*;

    /// A server on loopback with a certificate of its own making; its port and that certificate in a file.
    fn server(directory: &Path, name: &str, until: i32) -> (u16, PathBuf) {
        let mut wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        wanted.not_after = rcgen::date_time_ymd(until, 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = wanted.self_signed(&key).unwrap();
        let file = directory.join(name);
        std::fs::write(&file, certificate.pem()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let settings = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let settings = settings.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let settings = Arc::new(settings);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let Ok(mut connection) = ServerConnection::new(Arc::clone(&settings)) else { return };
                while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
            }
        });
        (port, file)
    }

    #[test]
    fn a_certificate_is_seen_whether_it_is_good_or_not() {
        let directory = tempfile::tempdir().unwrap();
        let (good, own) = server(directory.path(), "own.pem", 2051);
        let (over, of_over) = server(directory.path(), "over.pem", 2001);
        let see = |port: u16, name: &str, authorities: &Path| {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let bound = Some(std::time::Duration::from_secs(60));
            stream.set_read_timeout(bound).unwrap();
            shake(&mut stream, name, Some(authorities)).map(|(_, verdict)| verdict).unwrap()
        };
        let verdict = see(good, "localhost", &own);
        assert_eq!((verdict.fault, verdict.ends.unwrap().to_string()), (None, "2051-01-01T00:00:00Z".to_owned()));
        let strangers = see(good, "localhost", &of_over);
        assert!(strangers.fault.is_some() && strangers.ends.is_some(), "{strangers:?}");
        assert!(see(good, "elsewhere.example", &own).fault.is_some(), "it is of another name");
        let verdict = see(over, "localhost", &of_over);
        assert!(verdict.fault.as_ref().is_some_and(|fault| fault.to_lowercase().contains("expired")), "{verdict:?}");
    }
}

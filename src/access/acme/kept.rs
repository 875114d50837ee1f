//! What is kept of an authority, for the daemon alone: the account, and the newest certificate with its key.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use url::Url;

use crate::access::certificate::{self, names_of, parse, validity};

/// Where it is: one directory for each authority, so that another one gets another account.
#[derive(Debug, Clone)]
pub(super) struct Shelf(PathBuf);

/// A certificate that an authority has issued.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) key: Arc<CertifiedKey>,
    begins: SystemTime,
    pub(super) ends: SystemTime,
}

impl Shelf {
    pub(super) fn at(directory: &Path, authority: &Url) -> Self {
        let name = hex::encode(&Sha256::digest(authority.as_str())[..8]);
        Self(directory.join(name))
    }

    fn account_file(&self) -> PathBuf {
        self.0.join("account.json")
    }

    fn certificate_file(&self) -> PathBuf {
        self.0.join("certificate.pem")
    }

    /// The account, as the client of the protocol writes it.
    pub(super) fn account(&self) -> Option<String> {
        std::fs::read_to_string(self.account_file()).ok()
    }

    pub(super) fn keep_account(&self, text: &str) -> std::io::Result<()> {
        self.keep(&self.account_file(), text)
    }

    /// The authority does not know it any more.
    pub(super) fn forget_account(&self) {
        let _ = std::fs::remove_file(self.account_file());
    }

    /// The newest one, if it is for these names and not over.
    pub(super) fn certificate(&self, domains: &[String]) -> Option<Issued> {
        let text = std::fs::read_to_string(self.certificate_file()).ok()?;
        let read = Issued::read(&text, domains);
        let read = read.inspect_err(|why| tracing::info!(why, "the certificate that was kept is not used")).ok()?;
        (SystemTime::now() < read.ends).then_some(read)
    }

    /// Key and chain in one file: neither is ever there without the other.
    pub(super) fn keep_certificate(&self, pem: &str) -> std::io::Result<()> {
        self.keep(&self.certificate_file(), pem)
    }

    fn keep(&self, file: &Path, text: &str) -> std::io::Result<()> {
        certificate::directory(&self.0)?;
        certificate::write(file, text)
    }
}

impl Issued {
    /// Of key and chain in PEM. One that is not for all of `domains` is none.
    pub(super) fn read(pem: &str, domains: &[String]) -> Result<Self, String> {
        let place = PathBuf::from("the certificate of the authority");
        let key =
            parse((pem.as_bytes(), pem.as_bytes()), &(place.clone(), place)).map_err(|error| error.to_string())?;
        let first = key.cert.first().ok_or("there is no certificate in it")?;
        let names = names_of(first);
        if let Some(missing) = domains.iter().find(|domain| !names.contains(domain)) {
            return Err(format!("it is not for {missing}"));
        }
        let (begins, ends) = validity(first)?;
        Ok(Self { key: Arc::new(key), begins, ends })
    }

    /// When a third of its time is left: thirty days of the usual ninety.
    pub(super) fn renewed_at(&self) -> SystemTime {
        self.ends - self.ends.duration_since(self.begins).unwrap_or_default() / 3
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pem(names: &[&str], days: std::ops::Range<u8>) -> String {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        (params.not_before, params.not_after) =
            (rcgen::date_time_ymd(2090, 1, days.start), rcgen::date_time_ymd(2090, 1, days.end));
        let key = KeyPair::generate().unwrap();
        format!("{}{}", key.serialize_pem(), params.self_signed(&key).unwrap().pem())
    }

    fn domains(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn it_is_renewed_when_a_third_of_its_time_is_left() {
        let issued = Issued::read(&pem(&["a.example"], 1..31), &domains(&["a.example"])).unwrap();
        assert_eq!(issued.ends.duration_since(issued.renewed_at()).unwrap(), Duration::from_secs(10 * 86_400));
    }

    #[test]
    fn what_is_kept_is_for_the_daemon_alone_and_for_its_names() {
        let state = tempfile::tempdir().unwrap();
        let [one, other] = ["https://one.example/dir", "https://other.example/dir"]
            .map(|url| Shelf::at(state.path(), &url.parse().unwrap()));
        one.keep_certificate(&pem(&["a.example", "b.example"], 1..31)).unwrap();
        one.keep_account("{}").unwrap();
        for (path, mode) in [(one.certificate_file(), 0o600), (one.account_file(), 0o600), (one.0.clone(), 0o700)] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, mode);
        }
        assert!(one.certificate(&domains(&["b.example", "a.example"])).is_some());
        assert!(one.certificate(&domains(&["a.example", "c.example"])).is_none(), "other names");
        assert!(other.certificate(&domains(&["a.example"])).is_none() && other.account().is_none());
        std::fs::write(one.certificate_file(), "-----BEGIN").unwrap();
        assert!(one.certificate(&domains(&["a.example"])).is_none(), "damaged");
        assert_eq!(one.account().as_deref(), Some("{}"));
        one.forget_account();
        assert!(one.account().is_none());
    }
}

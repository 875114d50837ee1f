//! The certificate that the listener shows: the one of the configuration, or one of this box's own; and to who comes by a
//! name that an authority has issued one for, that one (`acme`). It is changed while connections go on: each asks for it
//! when it begins.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_parser::extensions::GeneralName;

use super::presented::{self, Origin, Presented};
use crate::model::{MediaTime, Validity};

/// A certificate of this box's own is good for so long: what browsers of phones accept at most.
const GOOD: Duration = Duration::from_secs(820 * 86_400);
/// It is made anew when so much of that is left.
const RENEWED: Duration = Duration::from_secs(60 * 86_400);

/// Why a certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file is not what it should be.
    #[error("{}: no {what} in PEM can be read from it: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
    /// They do not belong together, or are of a kind that is not supported.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// One of this box's own could not be made.
    #[error("no certificate of its own could be made: {0}")]
    NotMade(#[from] rcgen::Error),
}

/// What a certificate of this box's own is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    hosts: BTreeSet<String>,
    addresses: BTreeSet<IpAddr>,
}

impl Names {
    /// The host name, with and without `.local`, `localhost`, what else it is called, and every address it has now.
    pub fn of_this_box(more: &[String]) -> Self {
        let mut hosts: BTreeSet<String> = more.iter().map(|name| name.to_ascii_lowercase()).collect();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        hosts.insert(host.trim().to_ascii_lowercase());
        let plain: Vec<String> = hosts.iter().filter(|name| is_host(name) && !name.contains('.')).cloned().collect();
        hosts.extend(plain.iter().map(|name| format!("{name}.local")));
        hosts.insert("localhost".to_owned());
        hosts.retain(|name| is_host(name));
        let mut addresses = BTreeSet::from([IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])]);
        for found in nix::ifaddrs::getifaddrs().into_iter().flatten() {
            let Some(address) = found.address else { continue };
            addresses.extend(address.as_sockaddr_in().map(|address| IpAddr::from(address.ip())));
            addresses.extend(address.as_sockaddr_in6().map(|address| IpAddr::from(address.ip())));
        }
        Self { hosts, addresses }
    }

    fn list(&self) -> Vec<String> {
        self.hosts.iter().cloned().chain(self.addresses.iter().map(IpAddr::to_string)).collect()
    }
}

/// The appliance's name may be any text.
fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 200 && name.split('.').all(label)
}

/// HTTP/2 (RFC 9113, section 3.2).
pub const HTTP_2: &[u8] = b"h2";

/// How the authority's question is told from others (RFC 8737, section 6.2).
pub const CHALLENGE: &[u8] = b"acme-tls/1";

/// The certificate in use; see the module. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Certificate(Arc<RwLock<Shown>>);

#[derive(Debug)]
struct Shown {
    usual: Arc<CertifiedKey>,
    /// Where the usual one comes from.
    origin: Origin,
    /// Whom the usual one is for.
    names: Vec<String>,
    /// Names that an authority is asked about.
    domains: Vec<String>,
    /// What is shown to who comes by those.
    issued: Option<Arc<CertifiedKey>>,
    /// The answer to the authority's question, by name.
    challenges: BTreeMap<String, Arc<CertifiedKey>>,
}

impl Certificate {
    /// Of these files.
    pub fn of_files(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        Ok(Self::usual(read(certificate, key)?, Origin::Files))
    }

    fn usual(key: CertifiedKey, origin: Origin) -> Self {
        let names = key.cert.first().map(names_of).unwrap_or_default();
        let (domains, issued, challenges) = (Vec::new(), None, BTreeMap::new());
        Self(Arc::new(RwLock::new(Shown { usual: Arc::new(key), origin, names, domains, issued, challenges })))
    }

    /// One of this box's own, in `directory`; made if there is none, or it is old. It stays the same otherwise, whatever
    /// addresses come and go: people have told their browsers to trust it.
    pub fn of_its_own(directory: &Path, names: &Names) -> Result<Self, CertificateError> {
        let (certificate, key) = own(directory);
        let kept = Some(&certificate).filter(|path| is_fresh(path)).and_then(|path| read(path, &key).ok());
        let found = match kept {
            Some(kept) => kept,
            None => made(directory, names)?,
        };
        Ok(Self::usual(found, Origin::Own))
    }

    /// Shows another one from now on. Connections that have begun keep theirs.
    pub fn take_over(&self, other: &Certificate) {
        let (usual, origin, names) = {
            let other = other.shown();
            (other.usual.clone(), other.origin, other.names.clone())
        };
        let mut shown = self.change();
        (shown.usual, shown.origin, shown.names) = (usual, origin, names);
    }

    /// An authority is asked about these names from now on, and no others.
    pub fn expect(&self, domains: &[String]) {
        let mut shown = self.change();
        if shown.domains != domains {
            (shown.domains, shown.issued) = (domains.to_vec(), None);
        }
        shown.challenges.clear();
    }

    /// What it has issued for them.
    pub(super) fn issue(&self, key: Option<Arc<CertifiedKey>>) {
        self.change().issued = key;
    }

    /// One more answer to its question, for this name; none when it asks no more.
    pub(super) fn challenge(&self, answer: Option<(String, Arc<CertifiedKey>)>) {
        let mut shown = self.change();
        match answer {
            Some((name, key)) => drop(shown.challenges.insert(name, key)),
            None => shown.challenges.clear(),
        }
    }

    /// Names of this box by the certificates that it shows, lower case.
    pub fn names(&self) -> Vec<String> {
        let shown = self.shown();
        shown.names.iter().chain(&shown.domains).cloned().collect()
    }

    /// From when until when those that are shown are good.
    pub fn validities(&self) -> Vec<Validity> {
        let shown = self.shown();
        let usual = ("usual", Some(&shown.usual));
        let of = |(which, key): (&'static str, Option<&Arc<CertifiedKey>>)| {
            let (begins, ends) = validity(key?.cert.first()?).ok()?;
            let (begins, ends) = (MediaTime::from_system(begins), MediaTime::from_system(ends));
            Some(Validity { which, begins, ends })
        };
        [usual, ("issued", shown.issued.as_ref())].into_iter().filter_map(of).collect()
    }

    /// Those that are shown now: the usual one first.
    pub fn presented(&self) -> Vec<Presented> {
        let shown = self.shown();
        let issued = shown.issued.as_ref().map(|key| (Origin::Authority, key));
        let all = [Some((shown.origin, &shown.usual)), issued].into_iter().flatten();
        all.filter_map(|(origin, key)| Presented::of(origin, key.cert.first()?)).collect()
    }

    /// Held for moments, and what it holds is whole whoever panicked.
    fn shown(&self) -> RwLockReadGuard<'_, Shown> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Shown> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// SHA-256 of the usual one, for people to compare with what their browser says.
    pub fn fingerprint(&self) -> String {
        let usual = self.shown().usual.clone();
        usual.cert.first().map(presented::fingerprint).unwrap_or_default()
    }

    /// How connections are encrypted with it.
    pub fn server(&self) -> Result<Arc<rustls::ServerConfig>, CertificateError> {
        let config = rustls::ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        let mut config = config.with_no_client_auth().with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec(), CHALLENGE.to_vec()];
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let (shown, name) = (self.shown(), hello.server_name().map(str::to_ascii_lowercase));
        if hello.alpn().is_some_and(|mut offered| offered.any(|one| one == CHALLENGE)) {
            return shown.challenges.get(&name?).cloned();
        }
        let issued = shown.issued.as_ref().filter(|_| name.is_some_and(|name| shown.domains.contains(&name)));
        Some(issued.unwrap_or(&shown.usual).clone())
    }
}

/// Names of hosts that a certificate is for, lower case. None if it cannot be read: it is shown all the same.
pub(super) fn names_of(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(certificate) else { return Vec::new() };
    let Ok(Some(names)) = parsed.subject_alternative_name() else { return Vec::new() };
    let host = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    };
    names.value.general_names.iter().filter_map(host).collect()
}

/// From when until when a certificate is good.
pub(super) fn validity(certificate: &[u8]) -> Result<(SystemTime, SystemTime), String> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).map_err(|error| error.to_string())?;
    let time = |seconds: i64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap_or(0));
    let validity = parsed.validity();
    Ok((time(validity.not_before.timestamp()), time(validity.not_after.timestamp())))
}

/// A certificate of our own making with its key. It is not looked at: what it says may be for the authority alone.
pub(super) fn keyed(certificate: CertificateDer<'static>, key: &KeyPair) -> Result<CertifiedKey, rustls::Error> {
    let key = provider().key_provider.load_private_key(PrivateKeyDer::Pkcs8(key.serialize_der().into()))?;
    Ok(CertifiedKey::new(vec![certificate], key))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn own(directory: &Path) -> (PathBuf, PathBuf) {
    (directory.join("certificate.pem"), directory.join("key.pem"))
}

fn is_fresh(certificate: &Path) -> bool {
    let made = std::fs::metadata(certificate).and_then(|meta| meta.modified());
    // A clock that was set back makes nothing old.
    made.is_ok_and(|made| SystemTime::now().duration_since(made).unwrap_or_default() < GOOD - RENEWED)
}

fn made(directory: &Path, names: &Names) -> Result<CertifiedKey, CertificateError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.list())?;
    params.distinguished_name.push(DnType::CommonName, "Uplink appliance");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let day = |time: SystemTime| {
        let days = jiff::Timestamp::try_from(time).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC).date();
        rcgen::date_time_ymd(i32::from(days.year()), days.month().unsigned_abs(), days.day().unsigned_abs())
    };
    // From the day before: clocks of other machines may be behind.
    let now = SystemTime::now();
    params.not_before = day(now - Duration::from_secs(86_400));
    params.not_after = day(now + GOOD);
    let made = params.self_signed(&key)?.pem();
    let key = key.serialize_pem();
    if let Err(error) = keep(directory, &made, &key) {
        tracing::warn!(directory = %directory.display(), %error, "the next run will show another certificate than this one");
    }
    parse((made.as_bytes(), key.as_bytes()), &own(directory))
}

fn keep(directory: &Path, certificate: &str, key: &str) -> std::io::Result<()> {
    let (certificate_path, key_path) = own(directory);
    self::directory(directory)?;
    write(&key_path, key)?;
    write(&certificate_path, certificate)
}

/// For the daemon alone.
pub(super) fn directory(path: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whole or not at all, and for the daemon alone.
pub(super) fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let _ = std::fs::remove_file(&new);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let bytes = |path: &Path, what| std::fs::read(path).map_err(|error| no(path, what, error.to_string()));
    let (chain, private) = (bytes(certificate, "certificate")?, bytes(key, "private key")?);
    parse((&chain, &private), &(certificate.to_owned(), key.to_owned()))
}

pub(super) fn parse(
    (chain, key): (&[u8], &[u8]),
    (chain_path, key_path): &(PathBuf, PathBuf),
) -> Result<CertifiedKey, CertificateError> {
    let chain = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, pem::Error>>();
    let chain = chain.map_err(|error| no(chain_path, "certificate", error.to_string()))?;
    if chain.is_empty() {
        return Err(no(chain_path, "certificate", "there is none in it".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| no(key_path, "private key", error.to_string()))?;
    Ok(CertifiedKey::from_der(chain, key, &provider())?)
}

fn no(path: &Path, what: &'static str, why: String) -> CertificateError {
    CertificateError::File { path: path.to_owned(), what, why }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names() -> Names {
        Names::of_this_box(&["studio-a".to_owned(), "Not a host".to_owned()])
    }

    #[test]
    fn names_are_hosts_and_addresses() {
        let list = names().list();
        for wanted in ["studio-a", "studio-a.local", "localhost", "127.0.0.1", "::1"] {
            assert!(list.iter().any(|name| name == wanted), "{list:?}");
        }
        assert!(!list.iter().any(|name| name.contains(' ')), "{list:?}");
    }

    #[test]
    fn its_own_is_made_once_and_its_key_is_for_the_daemon_alone() {
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("tls");
        let first = Certificate::of_its_own(&directory, &names()).unwrap();
        let mode = std::fs::metadata(directory.join("key.pem")).unwrap().permissions().mode();
        assert_eq!((mode & 0o777, first.fingerprint().len()), (0o600, 95));
        let [Validity { which: "usual", begins, ends }] = first.validities()[..] else {
            panic!("{:?}", first.validities())
        };
        let (now, days) = (MediaTime::from_system(SystemTime::now()), ends.since(begins).as_secs() / 86_400);
        assert!(begins < now && (820..=822).contains(&days), "{begins} {ends}");
        let again = Certificate::of_its_own(&directory, &Names::of_this_box(&[])).unwrap();
        assert_eq!(again.fingerprint(), first.fingerprint());
        let old = SystemTime::now() - GOOD;
        let file = std::fs::File::options().write(true).open(directory.join("certificate.pem")).unwrap();
        file.set_modified(old).unwrap();
        let renewed = Certificate::of_its_own(&directory, &names()).unwrap();
        assert_ne!(renewed.fingerprint(), first.fingerprint());
        first.take_over(&renewed);
        assert_eq!(first.fingerprint(), renewed.fingerprint());
        std::fs::write(directory.join("key.pem"), "no key").unwrap();
        assert_ne!(Certificate::of_its_own(&directory, &names()).unwrap().fingerprint(), first.fingerprint());
    }

    #[test]
    fn files_that_are_none_or_do_not_fit_are_refused() {
        let state = tempfile::tempdir().unwrap();
        let (one, other) = (state.path().join("one"), state.path().join("other"));
        for directory in [&one, &other] {
            Certificate::of_its_own(directory, &names()).unwrap();
        }
        let (certificate, key) = own(&one);
        assert!(matches!(Certificate::of_files(&certificate, &own(&other).1), Err(CertificateError::Unusable(_))));
        assert!(matches!(Certificate::of_files(&key, &key), Err(CertificateError::File { .. })));
        let missing = state.path().join("missing");
        let text = Certificate::of_files(&missing, &key).unwrap_err().to_string();
        assert!(text.contains("missing") && text.contains("certificate"), "{text}");
    }
}

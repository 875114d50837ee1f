//! `[api]`: where it listens, who may use it, what certificate it shows.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;

use super::Findings;
use super::checked::TlsFiles;
use super::directories::tidy;
use super::secrets::{self, Credentials};
use crate::document::{Placed, Section};

/// What is said of the listener.
#[derive(Debug, Default)]
pub(super) struct Listener {
    pub(super) listen: Option<Placed<SocketAddr>>,
    pub(super) open: bool,
    pub(super) tls: Option<TlsFiles>,
}

pub(super) fn read(api: &Section<'_>, base: &Path, credentials: &Credentials, findings: &mut Findings) -> Listener {
    let listen = api.get::<SocketAddr>("listen");
    let access = api.get::<String>("access");
    let open = access.as_ref().is_some_and(|access| access.value == "open");
    let beyond = listen.as_ref().is_some_and(|listen| !listen.value.ip().is_loopback());
    if let Some(access) = access.filter(|_| open && beyond) {
        findings.faults.add(
            &access.spot,
            "would let everybody in the network take the channels off air",
            "use `access = \"login\"`, or listen on loopback",
        );
    }
    let tls =
        api.has("tls").then(|| api.table("tls")).flatten().and_then(|tls| files(&tls, base, credentials, findings));
    Listener { listen, open, tls }
}

/// What is in them is looked at by who shows them.
fn files(tls: &Section<'_>, base: &Path, credentials: &Credentials, findings: &mut Findings) -> Option<TlsFiles> {
    if !tls.has("key") && !tls.has("key_credential") {
        findings.faults.add(&tls.spot("key"), "must be given", "add `key = \"…\"`, or `key_credential`");
    }
    let mut file = |name: &str, credential: &str| {
        let written = secrets::place(tls, (name, credential), base, credentials, &mut findings.faults)?;
        let path = tidy(written.value);
        if let Err(error) = File::open(&path) {
            let rule = format!("{}: cannot be read: {error}", path.display());
            findings.faults.add(&written.spot, rule, "name a file that this user may read");
            return None;
        }
        std::path::absolute(path).ok()
    };
    let (certificate, key) = (file("certificate", ""), file("key", "key_credential"));
    Some(TlsFiles { certificate: certificate?, key: key? })
}

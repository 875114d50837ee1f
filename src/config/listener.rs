//! `[api]`: where it listens, who may use it, what certificate it shows.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::Findings;
use super::checked::{Tls, TlsFiles};
use super::directories::tidy;
use super::files::Base;
use super::secrets::{self, Credentials};
use crate::document::{Faults, Placed, Section};
use crate::model::acme::Acme;

/// What is said of the listener.
#[derive(Debug, Default)]
pub(super) struct Listener {
    pub(super) listen: Option<Placed<SocketAddr>>,
    pub(super) open: bool,
    pub(super) tls: Option<Tls>,
}

pub(super) fn read(api: &Section<'_>, base: &Base<'_>, credentials: &Credentials, findings: &mut Findings) -> Listener {
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
        api.has("tls").then(|| api.table("tls")).flatten().and_then(|tls| self::tls(&tls, base, credentials, findings));
    Listener { listen, open, tls }
}

/// Files, or an authority.
fn tls(tls: &Section<'_>, base: &Base<'_>, credentials: &Credentials, findings: &mut Findings) -> Option<Tls> {
    let faults = &mut findings.faults;
    let written = |name: &&str| tls.has(name);
    if tls.has("acme") {
        let beside: Vec<&str> = ["certificate", "key", "key_credential"].into_iter().filter(written).collect();
        for name in &beside {
            faults.add(&tls.spot(name), "cannot stand beside `acme`", "keep one of the two");
        }
        return acme(&tls.table("acme")?, base, faults).filter(|_| beside.is_empty()).map(Tls::Acme);
    }
    let fix = "write `certificate` and `key` (or `key_credential`), or a table `acme`";
    let key = if tls.has("key_credential") { "key_credential" } else { "key" };
    for name in ["certificate", key].into_iter().filter(|name| !written(name)) {
        faults.add(&tls.spot(name), "must be given", fix);
    }
    // What is in them is looked at by who shows them.
    let certificate = file(tls, "certificate", base, faults);
    let key = secrets::place(tls, ("key", "key_credential"), base, credentials, faults);
    let key = key.and_then(|written| readable(written, base, faults));
    Some(Tls::Files(TlsFiles { certificate: certificate?, key: key? }))
}

fn acme(of: &Section<'_>, base: &Base<'_>, faults: &mut Faults) -> Option<Acme> {
    let before = faults.len();
    if of.is_empty("domains") {
        faults.add(&of.spot("domains"), "names nothing", "name what the box is called in the network");
    }
    let mut domains = Vec::new();
    for domain in of.list::<String>("domains") {
        match is_domain(&domain.value) {
            true => domains.push(domain.value.to_ascii_lowercase()),
            false => faults.add(
                &domain.spot,
                "is no name that an authority could come to",
                "write a full name, such as `studio-a.example`: no address, no `*`, no port",
            ),
        }
    }
    let contact = of.get::<String>("contact");
    if let Some(bad) = contact.as_ref().filter(|contact| !contact.value.contains('@') || contact.value.contains(':')) {
        faults.add(&bad.spot, "is no address of e-mail", "write it as `ops@studio.example`");
    }
    let ca_file = file(of, "ca_file", base, faults);
    let directory = of.value("directory")?;
    (faults.len() == before && !domains.is_empty()).then(|| Acme {
        domains,
        contact: contact.map(|contact| contact.value),
        directory,
        ca_file,
    })
}

fn file(of: &Section<'_>, name: &str, base: &Base<'_>, faults: &mut Faults) -> Option<PathBuf> {
    readable(of.get::<PathBuf>(name)?, base, faults)
}

fn readable(written: Placed<PathBuf>, base: &Base<'_>, faults: &mut Faults) -> Option<PathBuf> {
    let path = tidy(base.join(&written.value));
    if let Err(error) = File::open(&path) {
        let rule = format!("{}: cannot be read: {error}", path.display());
        base.files.absent(&written.spot, rule, "name a file that this user may read", faults)?;
    }
    std::path::absolute(path).ok()
}

/// A full name of a host.
fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.contains('.') && name.split('.').all(label) && last.bytes().any(|b| b.is_ascii_alphabetic())
}

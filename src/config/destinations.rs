//! `[destinations.<id>]` → [`Destination`].

use std::path::Path;

use super::Findings;
use super::checked::{Destination, DestinationKind};
use super::secrets::{self, Credentials, Rule};
use crate::document::Section;
use crate::model::DestinationId;

/// One destination; none for it if it is faulty, so that references to it are no second fault.
pub(crate) struct WrittenDestination {
    pub(crate) id: String,
    pub(crate) destination: Option<Destination>,
}

pub(crate) fn read(
    root: &Section<'_>,
    base: &Path,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Vec<WrittenDestination> {
    let each = |(id, section): (String, Section<'_>)| {
        let kind = read_hls_push(&section, base, credentials, findings);
        let destination = kind.zip(DestinationId::new(id.as_str()).ok()).map(|(kind, id)| Destination { id, kind });
        WrittenDestination { id, destination }
    };
    root.map("destinations").into_iter().map(each).collect()
}

fn read_hls_push(
    section: &Section<'_>,
    base: &Path,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<DestinationKind> {
    let faults = &mut findings.faults;
    let token = secrets::read(section, "token", Rule::BearerToken, base, credentials, faults);
    let placed = section.get::<url::Url>("url")?;
    let mut url = placed.value;
    if !url.username().is_empty() || url.password().is_some() {
        faults.add(&placed.spot, "must not hold a user or password", "use `token_file` or `token_credential`");
        return None;
    }
    if url.query().is_some() || url.fragment().is_some() {
        faults.add(&placed.spot, "must not have a ? or # part: file names are put behind it", "remove that part");
        return None;
    }
    if url.scheme() == "http" && token.is_some() && !is_loopback(&url) {
        findings.warnings.add(&placed.spot, "carries the token unencrypted", "use https");
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Some(DestinationKind::HlsPush { url, token })
}

fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

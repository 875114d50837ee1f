//! A certificate as people compare it with what their browser says of it: where it comes from, for whom, until when.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;

use super::certificate::validity;
use crate::model::{MediaTime, Validity};

/// Where a certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CertificateOrigin")]
pub enum Origin {
    /// This box has made it: browsers warn of it until somebody tells them to trust it.
    Own,
    /// The files of the configuration.
    Files,
    /// An authority has issued it by ACME; it is shown to who comes by one of its names.
    Authority,
}

/// A certificate that the listener shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ShownCertificate")]
pub struct Presented {
    /// Where it comes from.
    pub origin: Origin,
    /// Host names and addresses that it is for.
    pub names: Vec<String>,
    /// Who has signed it.
    pub issuer: String,
    /// Good from then on.
    pub begins: MediaTime,
    /// Good until then.
    pub ends: MediaTime,
    /// From then on an alarm asks for another one.
    pub renew_by: MediaTime,
    /// SHA-256, in pairs of digits.
    pub fingerprint: String,
}

impl Presented {
    /// None if it cannot be read: it is shown all the same.
    pub(super) fn of(origin: Origin, certificate: &CertificateDer<'_>) -> Option<Self> {
        let (begins, ends) = validity(certificate).ok()?;
        let (begins, ends) = (MediaTime::from_system(begins), MediaTime::from_system(ends));
        let notice = Validity { which: "shown", begins, ends }.notice();
        let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
        let names = parsed.subject_alternative_name().ok().flatten();
        let names = names.iter().flat_map(|names| &names.value.general_names).filter_map(spelled).collect();
        Some(Self {
            origin,
            names,
            issuer: parsed.issuer().to_string(),
            begins,
            ends,
            renew_by: begins + ends.since(begins).saturating_sub(notice),
            fingerprint: fingerprint(certificate),
        })
    }
}

/// SHA-256, for people to compare with what their browser says.
pub(super) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let bytes = Sha256::digest(certificate.as_ref());
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

fn spelled(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let either = four.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from));
            either.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

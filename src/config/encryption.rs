//! `[destinations.<id>.encryption]` → [`Encryption`].

use std::path::PathBuf;

use url::Url;

use super::Findings;
use super::access;
use super::address::is_loopback;
use super::checked::{Destination, DestinationKind};
use super::files::Base;
use super::secrets::{self, Credentials, Rule};
use super::stream_class::StreamClass;
use super::upload::{Reader, absolute};
use crate::document::{Placed, Section, Spot};
use crate::model::encryption::{Encryption, EncryptionMethod, KeyHost, KeySource, KeyStore, KeyTemplate};
use crate::model::{Secret, VideoCodec};

/// A shorter life costs a request for each segment.
const LEAST_ROTATION: u32 = 5;

/// Some(None): nothing is encrypted. None if there is a fault, which is recorded.
pub(crate) fn read(
    destination: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<Option<Encryption>> {
    if !destination.has("encryption") {
        return Some(None);
    }
    let before = findings.faults.len();
    let section = destination.table("encryption")?;
    let reader = Reader { section: &section, base, credentials };
    let method = match section.value::<String>("method").as_deref() {
        Some("sample-aes") => EncryptionMethod::SampleAes,
        _ => EncryptionMethod::Aes128,
    };
    let key_uri = template(&section, "key_uri", findings);
    let rotation = section.get::<u32>("rotate_segments")?;
    if (1..LEAST_ROTATION).contains(&rotation.value) {
        let rule = format!("must be 0 or at least {LEAST_ROTATION}");
        findings.faults.add(&rotation.spot, rule, "let a key live for longer");
    }
    let keys = keys(&reader, findings);
    if findings.faults.len() > before {
        return None;
    }
    let rotate_segments = Some(u64::from(rotation.value)).filter(|segments| *segments > 0);
    Some(Some(Encryption { method, rotate_segments, key_uri: key_uri?, keys: keys? }))
}

fn keys(reader: &Reader<'_, '_>, findings: &mut Findings) -> Option<KeySource> {
    let section = reader.section;
    let token = access::source(reader, "https", &mut findings.faults);
    let host = Box::new(KeyHost { token, trust: reader.trust(&mut findings.faults) });
    let secret =
        secrets::read(section, "secret", Rule::GuestKey, reader.base, reader.credentials, &mut findings.faults);
    // Where credentials cannot be looked at, nothing is pushed either.
    let secret = secret.or_else(|| {
        let unseen = section.has("secret_credential") && *reader.credentials == Credentials::NotHere;
        unseen.then(|| Secret::new(""))
    });
    let by_secret = section.has("secret_file") || section.has("secret_credential");
    if by_secret == section.has("key_server_url") {
        let fix = "give `secret_file` or `key_server_url`, but not both";
        findings.faults.add(section.place(), "does not say where keys come from, or says it twice", fix);
        return None;
    }
    if !by_secret {
        return server(section, host, findings);
    }
    for name in ["content_id", "drm_systems"].into_iter().filter(|name| section.has(name)) {
        findings.faults.add(&section.spot(name), "is for a key server, and keys are made from a secret", "remove it");
    }
    let store = store(reader, host, findings);
    Some(KeySource::Secret { secret: secret?, store: store? })
}

fn server(section: &Section<'_>, host: Box<KeyHost>, findings: &mut Findings) -> Option<KeySource> {
    for name in ["key_directory", "key_store_url"].into_iter().filter(|name| section.has(name)) {
        findings.faults.add(
            &section.spot(name),
            "is for keys that are made here, and a key server has them",
            "remove it",
        );
    }
    let url = section.get::<Url>("key_server_url")?;
    warn_of_plain_text(&url.value, &url.spot, findings);
    let content = section.get::<String>("content_id")?;
    let systems = section.list::<String>("drm_systems");
    for system in systems.iter().filter(|system| !is_uuid(&system.value)) {
        findings.faults.add(
            &system.spot,
            "is no UUID",
            "write something like \"edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\" (Widevine)",
        );
    }
    let systems = systems.into_iter().map(|system| system.value.to_ascii_lowercase()).collect();
    Some(KeySource::Server { host, url: url.value, content_id: content.value, systems })
}

fn store(reader: &Reader<'_, '_>, host: Box<KeyHost>, findings: &mut Findings) -> Option<KeyStore> {
    let section = reader.section;
    if section.has("key_directory") == section.has("key_store_url") {
        let fix = "give `key_directory` or `key_store_url`, but not both";
        findings.faults.add(section.place(), "does not say where keys are put for players, or says it twice", fix);
        return None;
    }
    if section.has("key_store_url") {
        return Some(KeyStore::Http { host, url: template(section, "key_store_url", findings)? });
    }
    let token = ["token_file", "token_credential", "ca_file"];
    for name in token.into_iter().filter(|name| section.has(name)) {
        findings.faults.add(&section.spot(name), "is for a server, and keys are put into a directory", "remove it");
    }
    let directory = section.value::<PathBuf>("key_directory")?;
    Some(KeyStore::Directory { path: absolute(reader.base.join(directory)) })
}

fn template(section: &Section<'_>, name: &str, findings: &mut Findings) -> Option<KeyTemplate> {
    let placed = section.get::<String>(name)?;
    match placed.value.parse::<KeyTemplate>() {
        Ok(template) => {
            if let Some(url) = template.sample() {
                warn_of_plain_text(&url, &placed.spot, findings);
            }
            Some(template)
        }
        Err(fault) => {
            let fix = "write something like \"https://keys.example/{channel}/{key_id}\"";
            findings.faults.add(&placed.spot, fault.to_string(), fix);
            None
        }
    }
}

fn warn_of_plain_text(url: &Url, spot: &Spot, findings: &mut Findings) {
    if url.scheme() == "http" && !is_loopback(url) {
        findings.warnings.add(spot, "carries content keys unencrypted", "use https");
    }
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let hex = |group: &&str| group.bytes().all(|b| b.is_ascii_hexdigit());
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(hex)
}

/// Whether the renditions of this stream class can be encrypted in that way.
pub(super) fn fits(destination: &Placed<Destination>, class: &StreamClass, findings: &mut Findings) {
    let encryption = destination.value.endpoints.iter().find_map(|endpoint| match endpoint {
        DestinationKind::HlsPush { upload, .. } => upload.encryption.as_deref(),
        _ => None,
    });
    let Some(encryption) = encryption else { return };
    let id = &destination.value.id;
    match encryption.method {
        EncryptionMethod::SampleAes => {
            let av1 = class.video.iter().find(|rendition| rendition.codec == VideoCodec::Av1);
            if let Some(rendition) = av1 {
                let rule = format!(
                    "encrypts samples (`method` of its encryption), which is not supported for AV1: rendition {} of {}",
                    rendition.id, class.name
                );
                let fix = format!("use `method = \"aes-128\"` in [destinations.{id}.encryption], or another codec");
                findings.faults.add(&destination.spot, rule, fix);
            }
        }
        EncryptionMethod::Aes128 if class.parts.is_some() => {
            let rule = format!("encrypts whole segments, so there is no low latency: {} has parts", class.name);
            let fix = format!("use `method = \"sample-aes\"` in [destinations.{id}.encryption] if it shall be there");
            findings.warnings.add(&destination.spot, rule, fix);
        }
        EncryptionMethod::Aes128 => {}
    }
}

//! `[destinations.<id>]` → [`Destination`].

use super::Findings;
use super::checked::{Destination, DestinationKind};
use super::files::Base;
use super::secrets::Credentials;
use super::stream_class::{StreamClass, on_slate};
use super::{encryption, pair, recordings, senders, upload};
use crate::document::{Placed, Section, suggestion};
use crate::model::{DeliveryKind, DeliveryPolicy, DestinationId, RenditionId, Revert};

/// One destination; none for it if it is faulty, so that references to it are no second fault.
pub(crate) struct WrittenDestination {
    pub(crate) id: String,
    pub(crate) destination: Option<Destination>,
}

pub(crate) fn read(
    root: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Vec<WrittenDestination> {
    let each = |(id, section): (String, Section<'_>)| {
        let destination = read_one(root, &id, &section, base, credentials, findings);
        WrittenDestination { id, destination }
    };
    root.map("destinations").into_iter().map(each).collect()
}

fn read_one(
    root: &Section<'_>,
    id: &str,
    section: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<Destination> {
    // Every endpoint is read, whatever the others are, so that all faults are told.
    let mut endpoints = vec![match section.value::<String>("kind").as_deref() {
        Some("recording") => recordings::read(root, section, base, findings),
        _ => read_endpoint(section, section, base, credentials, findings),
    }];
    for backup in section.tables("backups") {
        endpoints.push(read_endpoint(section, &backup, base, credentials, findings));
    }
    let encryption = encryption::read(section, base, credentials, findings);
    let audio = audio(section, findings);
    for endpoint in endpoints.iter_mut().flatten() {
        let DestinationKind::HlsPush { upload, .. } = endpoint else { continue };
        upload.audio.clone_from(&audio);
        if let Some(Some(encryption)) = &encryption {
            upload.encryption = Some(Box::new(encryption.clone()));
        }
    }
    let policy = policy(section);
    let before = findings.faults.len();
    let budget = super::budget::read(section, findings);
    let sound = findings.faults.len() == before;
    let pair = pair::read(section, endpoints.first().and_then(Option::as_ref), findings);
    if section.has("failover") && endpoints.len() < 2 {
        findings.warnings.add(
            &section.spot("failover"),
            "has no effect without a backup",
            "add `backups`, or remove it",
        );
    }
    sound.then_some(())?;
    Some(Destination {
        id: DestinationId::new(id).ok()?,
        enabled: section.value("enabled")?,
        on_slate: on_slate(section),
        policy: policy?,
        budget,
        // Nothing goes out in the clear because its encryption is faulty.
        endpoints: encryption.map(|_| endpoints)?.into_iter().collect::<Option<_>>()?,
        pair,
    })
}

/// One endpoint of the kind that `section` names: `of` is that section for the primary, or a table of its `backups`.
fn read_endpoint(
    section: &Section<'_>,
    of: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<DestinationKind> {
    match section.value::<String>("kind")?.as_str() {
        "hls-push" => read_hls_push(of, base, credentials, findings),
        "whip" => super::whip::read(section, of, base, credentials, findings),
        kind => senders::read(kind, section, of, base, credentials, findings),
    }
}

/// Which audio renditions are wanted; empty for all.
fn audio(section: &Section<'_>, findings: &mut Findings) -> Vec<RenditionId> {
    if section.value::<String>("kind").as_deref() != Some("hls-push") {
        return Vec::new();
    }
    let mut chosen: Vec<RenditionId> = Vec::new();
    for placed in section.list::<String>("audio") {
        let Ok(id) = RenditionId::new(placed.value) else { continue };
        if chosen.contains(&id) {
            findings.faults.add(&placed.spot, "is named twice", "remove one");
        }
        chosen.push(id);
    }
    chosen
}

/// Whether the stream class of a channel has the audio renditions that its destination names.
pub(super) fn audio_fits(placed: &Placed<Destination>, class: &StreamClass, findings: &mut Findings) {
    let Some(DestinationKind::HlsPush { upload, .. }) = placed.value.endpoints.first() else { return };
    for id in upload.audio.iter().filter(|id| class.audio.iter().all(|rendition| rendition.id != **id)) {
        let rule = format!("names the audio rendition `{id}`, which the stream class `{}` does not have", class.name);
        let known: Vec<&str> = class.audio.iter().map(|rendition| rendition.id.as_str()).collect();
        findings.faults.add(&placed.spot, rule, suggestion(id.as_str(), &known));
    }
}

fn policy(section: &Section<'_>) -> Option<DeliveryPolicy> {
    let failover = section.table("failover")?;
    Some(DeliveryPolicy {
        kind: match section.value::<String>("policy")?.as_str() {
            "mirror" => DeliveryKind::Mirror,
            _ => DeliveryKind::Failover,
        },
        hold_off_ms: failover.value("hold_off_ms")?,
        wait_to_restore_ms: failover.value("wait_to_restore_ms")?,
        revert: match failover.value::<String>("revert")?.as_str() {
            "manual" => Revert::Manual,
            _ => Revert::Auto,
        },
        silence_ms: failover.value("silence_ms")?,
        slow_segments: failover.value("slow_segments")?,
    })
}

fn read_hls_push(
    section: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<DestinationKind> {
    let (url, upload) = upload::read(section, base, credentials, findings)?;
    Some(DestinationKind::HlsPush { url, upload: Box::new(upload) })
}

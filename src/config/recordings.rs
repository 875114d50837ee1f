//! `[recordings]`, and `kind = "recording"` of a destination: the programme is kept on the box's own disk.

use std::path::PathBuf;
use std::time::Duration;

use super::Findings;
use super::checked::{Destination, DestinationKind, Recorded};
use super::companions::RECORD;
use super::files::Base;
use super::keys::key;
use super::stream_class::StreamClass;
use crate::document::{Bytes, Key, Kind, Need, Placed, Section, Shape};
use crate::model::{EndpointName, RecordingLimits, RecordingStart, RenditionId};

pub(super) static RECORDINGS: Shape = Shape::plain(
    "Recordings on disk, of all channels together. A new recording is never held up: to keep the limits the oldest go, \
     except those that run, are protected or are in use.",
    &[
        key(
            "directory",
            Kind::Path,
            Need::Optional,
            "Where they are; `recordings` in the state directory if missing. On the file system of the spool a recording \
             costs no second copy as long as the spool has the segments, too",
        ),
        key("quota", Kind::Bytes, Need::Optional, "Most they may take together; as much as there is if missing"),
        key("keep", Kind::Span, Need::Optional, "How long a recording is kept after its end; for ever if missing"),
        key("keep_free", Kind::Bytes, Need::Default("\"5G\""), "What has to stay free on their file system"),
    ],
);

pub(super) const RECORDING_KIND: (&str, &str) =
    ("recording", "Files on the box's own disk (CMAF), for replay and archive");

static ID: Kind = Kind::Id;

pub(super) const RECORDING: &[Key] = &[
    key(
        "start",
        Kind::Word(&[
            ("with-channel", "whenever the channel is on air, unless somebody ends it"),
            ("by-hand", "with `uplinkctl record start`, until `uplinkctl record stop`"),
        ]),
        Need::Default("\"with-channel\""),
        "When a recording begins",
    ),
    key("title", Kind::Text(200), Need::Optional, "Title of a recording that is not given one when it is begun"),
    RECORD,
    key(
        "upload_to",
        Kind::Text(150),
        Need::Optional,
        "Where each recording goes by itself when it has ended: a destination of the channel of kind `hls-push`, or one of its \
         endpoints (`cloud/backup-1`). By hand only if missing",
    ),
    key("renditions", Kind::List(&ID), Need::Default("[]"), "What is recorded of the program; all renditions if empty"),
];

/// The directory of recordings, if it is written.
pub(super) fn directory(root: &Section<'_>, base: &Base<'_>) -> Option<PathBuf> {
    root.table("recordings")?.value::<PathBuf>("directory").map(|written| base.join(written))
}

/// `section` is the destination's; `root` the whole file.
pub(super) fn read(
    root: &Section<'_>,
    section: &Section<'_>,
    base: &Base<'_>,
    findings: &mut Findings,
) -> Option<DestinationKind> {
    let record = super::companions::record(section, findings);
    let of_all = root.table("recordings")?;
    let bytes = |name: &str| of_all.value::<Bytes>(name).map(|bytes| bytes.0);
    let id = |placed: Placed<String>| RenditionId::new(placed.value).ok();
    Some(DestinationKind::Recording(Recorded {
        directory: directory(root, base),
        start: match section.value::<String>("start")?.as_str() {
            "by-hand" => RecordingStart::ByHand,
            _ => RecordingStart::WithChannel,
        },
        title: section.value("title"),
        upload_to: section.value("upload_to"),
        record: record?,
        renditions: section.list::<String>("renditions").into_iter().filter_map(id).collect(),
        limits: RecordingLimits {
            max_bytes: bytes("quota"),
            keep_seconds: of_all.value::<Duration>("keep").map(|keep| keep.as_secs()),
            keep_free_bytes: bytes("keep_free")?,
        },
    }))
}

/// Whether the stream class of a channel has what is to be recorded.
pub(super) fn fits(placed: &Placed<Destination>, class: &StreamClass, findings: &mut Findings) {
    let Some(DestinationKind::Recording(recorded)) = placed.value.endpoints.first() else { return };
    let text = class.captions.as_ref().and_then(|captions| captions.webvtt.as_ref());
    let has = |id: &RenditionId| {
        class.video.iter().any(|one| one.id == *id) || class.audio.iter().any(|one| one.id == *id) || text == Some(id)
    };
    for id in recorded.renditions.iter().filter(|id| !has(id)) {
        let rule = format!("records the rendition `{id}`, which the stream class `{}` does not have", class.name);
        findings.faults.add(&placed.spot, rule, "name those of that class in the destination, or leave them out");
    }
}

/// Whether what recordings are to be uploaded to is a destination of the same channel that takes them.
pub(super) fn uploads(all: &[Placed<Destination>], findings: &mut Findings) {
    for placed in all {
        let Some(DestinationKind::Recording(recorded)) = placed.value.endpoints.first() else { continue };
        let Some(to) = &recorded.upload_to else { continue };
        let (id, endpoint) = to.split_once('/').map_or((to.as_str(), None), |(id, endpoint)| (id, Some(endpoint)));
        let found = all.iter().find(|other| other.value.id.as_str() == id).map(|other| &other.value);
        let taken = found.and_then(|found| {
            let named = |place: usize| EndpointName::at(place).as_str() == endpoint.unwrap_or("primary");
            found.endpoints.iter().enumerate().find(|(place, _)| named(*place)).map(|(_, endpoint)| endpoint)
        });
        let (rule, fix) = match taken {
            Some(DestinationKind::HlsPush { upload, .. }) if upload.encryption.is_none() => continue,
            Some(DestinationKind::HlsPush { .. }) => (
                format!("uploads to `{to}`, which encrypts what it gets: recordings lie in the clear"),
                "upload to a destination without `encryption`",
            ),
            Some(_) => (format!("uploads to `{to}`, which takes no files"), "name a destination of kind hls-push"),
            None => (
                format!("uploads to `{to}`, which the channel does not have"),
                "add it to the channel's destinations, or name one of them",
            ),
        };
        findings.faults.add(&placed.spot, rule, fix);
    }
}

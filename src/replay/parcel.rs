//! The objects of a recording at a destination: `vod/<channel>/<id>/…`, below the destination's base.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::push::Label;
use crate::record::{MANIFEST, MEDIA_PLAYLIST, MULTIVARIANT_PLAYLIST, Manifest, RecordingState};

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parcel {
    /// Where it goes.
    pub(crate) path: String,
    /// Where it is.
    pub(crate) file: PathBuf,
    /// What is told of it.
    pub(crate) label: Label,
    /// What its bytes must be; none of what changes.
    pub(crate) seal: Option<Seal>,
}

/// What bytes must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seal {
    /// So many, with this SHA-256.
    Whole(u64, String),
    /// Its SHA-256 begins like that.
    Begins(String),
}

/// Where everything of a recording goes.
pub(crate) fn base(manifest: &Manifest) -> String {
    format!("vod/{}/{}", manifest.channel, manifest.id)
}

/// Initialisations and segments: they never change. Those of all renditions side by side in time.
pub(crate) fn media(manifest: &Manifest, directory: &Path) -> Vec<Parcel> {
    let base = base(manifest);
    let mut inits = BTreeSet::new();
    let mut segments = Vec::new();
    for (place, rendition) in manifest.renditions.iter().enumerate() {
        let id = &rendition.id;
        for segment in &rendition.segments {
            if crate::hls::is_init_name(&segment.init) {
                inits.insert(format!("{id}/{}", segment.init));
            }
            let (name, text) = (format!("{id}/{}", segment.file_name()), segment.init.is_empty());
            let parcel = Parcel {
                path: format!("{base}/{name}"),
                file: directory.join(&name),
                label: Label::media(if text { "text/vtt" } else { "video/iso.segment" }),
                seal: Some(Seal::Whole(segment.bytes, segment.sha256.clone())),
            };
            segments.push((segment.sequence, place, parcel));
        }
    }
    segments.sort_by_key(|(sequence, place, _)| (*sequence, *place));
    let inits = inits.into_iter().map(|name| {
        let digits = name.rsplit_once("/init-").and_then(|(_, rest)| rest.strip_suffix(".mp4")).unwrap_or_default();
        Parcel {
            path: format!("{base}/{name}"),
            file: directory.join(&name),
            label: Label::media("video/mp4"),
            seal: Some(Seal::Begins(digits.to_owned())),
        }
    });
    inits.chain(segments.into_iter().map(|(_, _, parcel)| parcel)).collect()
}

/// Playlists and the manifest, in the order in which they may appear: nothing is named before it is there.
pub(crate) fn lists(manifest: &Manifest, directory: &Path) -> Vec<Parcel> {
    let base = base(manifest);
    let every = match manifest.state {
        RecordingState::Recording => Duration::from_millis(manifest.segment_ms.into()),
        // Nothing follows; a minute bounds a mistake.
        _ => Duration::from_secs(120),
    };
    let held = manifest.renditions.iter().filter(|rendition| !rendition.segments.is_empty());
    let media = held.map(|rendition| format!("{}/{MEDIA_PLAYLIST}", rendition.id));
    let names = media.chain([MULTIVARIANT_PLAYLIST.to_owned()]);
    let list =
        |name: String, label| Parcel { path: format!("{base}/{name}"), file: directory.join(name), label, seal: None };
    let mut lists: Vec<Parcel> = names.map(|name| list(name, Label::playlist(every))).collect();
    if manifest.state != RecordingState::Recording {
        lists.push(list(MANIFEST.to_owned(), Label { content_type: "application/json", ..Label::playlist(every) }));
    }
    lists
}

//! What a recording is made of here: `vod/<channel>/<id>/…`, beside what is live. It is kept until somebody deletes it.
//!
//! A segment that was pushed live need not be sent again. The answer that it is not there says in `uplink-link` that the
//! same name is live; an empty PUT whose `uplink-link` is the SHA-256 of what it should be then makes it a second name of
//! the live one, if that is what its bytes are.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::name::{NameFault, Object, Part};
use crate::model::{ChannelId, RenditionId};
use crate::record::{MANIFEST, MEDIA_PLAYLIST, MULTIVARIANT_PLAYLIST, RecordingId};

/// First piece of every path of a recording.
pub(crate) const VOD: &str = "vod";

/// The header by which segments are taken over from what is live.
pub(crate) const LINK: &str = "uplink-link";

/// An object of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) channel: ChannelId,
    pub(crate) recording: RecordingId,
    pub(crate) file: ShownFile,
}

/// Which one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ShownFile {
    /// `multivariant.m3u8`
    Multivariant,
    /// `recording.json`
    Manifest,
    /// `<rendition>/index.m3u8`
    Playlist { rendition: RenditionId },
    /// `<rendition>/…`: an initialisation, a segment or text.
    Media { rendition: RenditionId, part: Part },
}

impl Shown {
    /// Reads the pieces of a path behind `vod/`.
    pub(crate) fn parse(pieces: &[&str]) -> Result<Self, NameFault> {
        let (channel, recording, file) = match *pieces {
            [channel, recording, MULTIVARIANT_PLAYLIST] => (channel, recording, ShownFile::Multivariant),
            [channel, recording, MANIFEST] => (channel, recording, ShownFile::Manifest),
            [channel, recording, rendition, file] => {
                let rendition = RenditionId::new(rendition).map_err(|_| NameFault::Rendition)?;
                let file = match Part::parse(file) {
                    Some(part @ (Part::Init { .. } | Part::Segment { .. } | Part::Text { .. })) => {
                        ShownFile::Media { rendition, part }
                    }
                    _ if file == MEDIA_PLAYLIST => ShownFile::Playlist { rendition },
                    _ => return Err(NameFault::Part),
                };
                (channel, recording, file)
            }
            _ => return Err(NameFault::Shape),
        };
        let channel = ChannelId::new(channel).map_err(|_| NameFault::Channel)?;
        let recording = RecordingId::new(recording).map_err(|_| NameFault::Recording)?;
        Ok(Self { channel, recording, file })
    }

    /// The same object among what is live, if it can be there.
    pub(crate) fn twin(&self) -> Option<Object> {
        let ShownFile::Media { rendition, part } = &self.file else { return None };
        Some(Object::Of { channel: self.channel.clone(), rendition: rendition.clone(), part: part.clone() })
    }

    /// Whether it is replaced while the recording runs.
    pub(crate) fn is_playlist(&self) -> bool {
        matches!(self.file, ShownFile::Multivariant | ShownFile::Playlist { .. })
    }

    /// Where it lies, below `vod/`.
    pub(crate) fn relative_path(&self) -> PathBuf {
        let folder: PathBuf = [self.channel.as_str(), self.recording.as_str()].iter().collect();
        match &self.file {
            ShownFile::Multivariant => folder.join(MULTIVARIANT_PLAYLIST),
            ShownFile::Manifest => folder.join(MANIFEST),
            ShownFile::Playlist { rendition } => folder.join(rendition.as_str()).join(MEDIA_PLAYLIST),
            ShownFile::Media { rendition, part } => folder.join(rendition.as_str()).join(part.file_name()),
        }
    }
}

/// Bytes on disk of everything below `directory`: channel, recording, rendition, file.
pub(super) fn bytes_below(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let meta = entry.metadata().ok()?;
            Some(if meta.is_dir() { bytes_below(&entry.path()) } else { meta.blocks() * 512 })
        })
        .sum()
}

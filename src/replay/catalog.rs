//! What recordings there are, and what becomes of them: protected, deleted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::range::media;
use crate::hls::{is_init_name, segment_number, text_number};
use crate::model::{BitRate, ChannelId, DestinationId, MediaTime, PictureSize, RenditionId};
use crate::record::lock::hold;
use crate::record::{
    Gap, MANIFEST, MEDIA_PLAYLIST, MULTIVARIANT_PLAYLIST, Manifest, Marker, RecordingId, RecordingState, RenditionKind,
};

/// Where the movies of a recording are: what was stitched or cut.
pub(crate) const MOVIES: &str = "movies";

/// Why a recording cannot be had, or not be changed.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// There is none.
    #[error("channel `{0}` has no recording `{1}`")]
    Unknown(ChannelId, RecordingId),
    /// There is no such file in it.
    #[error("the recording has no file `{0}`")]
    NoFile(String),
    /// It is being recorded, or mended.
    #[error("recording `{0}` is still being written: stop it first")]
    Busy(RecordingId),
    /// It is protected.
    #[error("recording `{0}` is protected: unprotect it first")]
    Protected(RecordingId),
    /// The disk, or what lies on it.
    #[error("recording `{id}`: {cause}")]
    Unreadable {
        /// The recording.
        id: RecordingId,
        /// What is wrong.
        cause: String,
    },
}

/// One recording, without the list of its segments.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct RecordingSummary {
    /// Of what.
    pub channel: ChannelId,
    /// The destination that recorded it.
    pub destination: DestinationId,
    /// Its name.
    pub id: RecordingId,
    /// For people.
    pub title: Option<String>,
    /// Where it stands.
    pub state: RecordingState,
    /// Never deleted for lack of room, nor for its age.
    pub protected: bool,
    /// Its first media.
    pub begins: Option<MediaTime>,
    /// The end of its last media.
    pub ends: Option<MediaTime>,
    /// From the first to the last.
    pub seconds: f64,
    /// Bytes of its segments.
    pub bytes: u64,
    /// Times that its worker was lost.
    pub interruptions: u64,
    /// What is missing of it.
    pub gaps: Vec<Gap>,
    /// What it holds.
    pub renditions: Vec<RenditionSummary>,
    /// What somebody wanted to find again.
    pub markers: Vec<Marker>,
    /// What was stitched or cut out of it.
    pub movies: Vec<MovieFile>,
    /// Where it can be played on this box, below the API's address.
    pub play: String,
}

/// A rendition of a recording.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct RenditionSummary {
    /// Its name.
    pub id: RenditionId,
    /// What it is.
    pub kind: RenditionKind,
    /// RFC 6381 codec string.
    pub codecs: String,
    /// Pixels, of pictures.
    pub size: Option<PictureSize>,
    /// Average bit rate.
    pub average_bandwidth: BitRate,
    /// How many segments.
    pub segments: usize,
}

/// A movie beside a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct MovieFile {
    /// File name.
    pub name: String,
    /// Size.
    pub bytes: u64,
}

/// The directories of all recordings below `roots`, newest first.
pub(crate) fn directories(roots: &[PathBuf]) -> Vec<(ChannelId, RecordingId, PathBuf)> {
    let mut found = Vec::new();
    for root in roots {
        for (channel, path) in named(root, |name| ChannelId::new(name).ok()) {
            for (id, path) in named(&path, |name| RecordingId::new(name).ok()) {
                if path.join(MANIFEST).is_file() {
                    found.push((channel.clone(), id, path));
                }
            }
        }
    }
    found.sort_by(|a, b| (&b.1, &a.0).cmp(&(&a.1, &b.0)));
    found
}

/// Removes what work that was broken off has left. Only before any work begins.
pub(crate) fn tidy(roots: &[PathBuf]) {
    let left = |path: &Path, prefixes: &[&str]| {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if !prefixes.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes())) {
                continue;
            }
            // What cannot be removed now is tried again at the next start.
            let _ = fs::remove_dir_all(entry.path()).or_else(|_| fs::remove_file(entry.path()));
        }
    };
    for root in roots {
        for (_, channel) in named(root, |name| ChannelId::new(name).ok()) {
            left(&channel, &[".clip-", ".deleted-"]);
            for (_, recording) in named(&channel, |name| RecordingId::new(name).ok()) {
                left(&recording.join(MOVIES), &[".edges-", ".tmp"]);
            }
        }
    }
}

/// The directories in `directory` whose names mean something.
fn named<T>(directory: &Path, read: impl Fn(&str) -> Option<T>) -> Vec<(T, PathBuf)> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.filter_map(|entry| Some((read(entry.file_name().to_str()?)?, entry.path()))).collect()
}

/// Where a recording is.
pub(crate) fn find(roots: &[PathBuf], channel: &ChannelId, id: &RecordingId) -> Result<PathBuf, CatalogError> {
    let candidates = roots.iter().map(|root| root.join(channel.as_str()).join(id.as_str()));
    let found = candidates.into_iter().find(|path| path.join(MANIFEST).is_file());
    found.ok_or_else(|| CatalogError::Unknown(channel.clone(), id.clone()))
}

/// All that is known of the recording in `directory`.
pub(crate) fn load(id: &RecordingId, directory: &Path) -> Result<Manifest, CatalogError> {
    Manifest::load(directory).map_err(|error| CatalogError::Unreadable { id: id.clone(), cause: error.to_string() })
}

/// A manifest for people.
pub(crate) fn summary(manifest: &Manifest, directory: &Path) -> RecordingSummary {
    let whole = media(manifest);
    let rendition = |rendition: &crate::record::RecordedRendition| RenditionSummary {
        id: rendition.id.clone(),
        kind: rendition.kind,
        codecs: rendition.codecs.clone(),
        size: rendition.size,
        average_bandwidth: rendition.average_bandwidth,
        segments: rendition.segments.len(),
    };
    RecordingSummary {
        channel: manifest.channel.clone(),
        destination: manifest.destination.clone(),
        id: manifest.id.clone(),
        title: manifest.title.clone(),
        state: manifest.state,
        protected: manifest.protected,
        begins: whole.as_ref().map(|whole| whole.start),
        ends: whole.as_ref().map(|whole| whole.end),
        seconds: whole.map_or(0.0, |whole| whole.end.since(whole.start).as_secs_f64()),
        bytes: manifest.bytes,
        interruptions: manifest.interruptions,
        gaps: manifest.gaps.clone(),
        renditions: manifest.renditions.iter().map(rendition).collect(),
        markers: manifest.markers.clone(),
        movies: movies(directory),
        play: format!("/api/v1/recordings/{}/{}/files/{MULTIVARIANT_PLAYLIST}", manifest.channel, manifest.id),
    }
}

fn movies(directory: &Path) -> Vec<MovieFile> {
    let entries = fs::read_dir(directory.join(MOVIES)).into_iter().flatten().flatten();
    let mut movies: Vec<MovieFile> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok().filter(|name| is_movie_name(name))?;
            Some(MovieFile { name, bytes: entry.metadata().ok()?.len() })
        })
        .collect();
    movies.sort_by(|a, b| a.name.cmp(&b.name));
    movies
}

/// `<words>.mp4`: letters, digits, hyphens and underscores.
pub(crate) fn is_movie_name(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    name.strip_suffix(".mp4").is_some_and(|stem| (1..=120).contains(&stem.len()) && stem.bytes().all(word))
}

/// Where the file called `path` of the recording in `directory` is. Only names that a recording gives are names at all,
/// so no path leads out of it.
pub(crate) fn file(directory: &Path, path: &str) -> Result<PathBuf, CatalogError> {
    let known = match path.split_once('/') {
        None => matches!(path, MULTIVARIANT_PLAYLIST | MANIFEST),
        Some((MOVIES, name)) => is_movie_name(name),
        Some((rendition, name)) => {
            let media = is_init_name(name) || segment_number(name).is_some() || text_number(name).is_some();
            RenditionId::new(rendition).is_ok() && (name == MEDIA_PLAYLIST || media)
        }
    };
    if known { Ok(directory.join(path)) } else { Err(CatalogError::NoFile(path.chars().take(200).collect())) }
}

/// Says whether the recording in `directory` may be deleted for lack of room.
pub(crate) fn protect(id: &RecordingId, directory: &Path, protected: bool) -> Result<bool, CatalogError> {
    let unreadable = |cause: String| CatalogError::Unreadable { id: id.clone(), cause };
    // While it is being written, its writer holds it, and would write over this.
    let held = hold(directory).map_err(|error| unreadable(error.to_string()))?;
    let _held = held.ok_or_else(|| CatalogError::Busy(id.clone()))?;
    let mut manifest = Manifest::load(directory).map_err(|error| unreadable(error.to_string()))?;
    if manifest.state == RecordingState::Recording {
        return Err(CatalogError::Busy(id.clone()));
    }
    let changed = manifest.protected != protected;
    if changed {
        manifest.protected = protected;
        manifest.store(directory).map_err(|error| unreadable(error.to_string()))?;
    }
    Ok(changed)
}

/// Deletes a recording and all that was made of it. It is gone at once; its files follow.
pub(crate) fn delete(id: &RecordingId, directory: &Path) -> Result<(), CatalogError> {
    let unreadable = |cause: io::Error| CatalogError::Unreadable { id: id.clone(), cause: cause.to_string() };
    let held = hold(directory).map_err(|error| unreadable(io::Error::other(error.to_string())))?;
    let _held = held.ok_or_else(|| CatalogError::Busy(id.clone()))?;
    match load(id, directory) {
        Ok(manifest) if manifest.protected => return Err(CatalogError::Protected(id.clone())),
        Ok(manifest) if manifest.state == RecordingState::Recording => return Err(CatalogError::Busy(id.clone())),
        // One that cannot be read may go.
        _ => {}
    }
    let doomed = directory.with_file_name(format!(".deleted-{id}"));
    // What an earlier attempt has left.
    let _ = fs::remove_dir_all(&doomed);
    fs::rename(directory, &doomed).map_err(unreadable)?;
    fs::remove_dir_all(&doomed).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_names_of_recordings_are_files() {
        let base = Path::new("/r/demo/x");
        for good in [
            "multivariant.m3u8",
            "recording.json",
            "v720/index.m3u8",
            "v720/init-00c0ffee.mp4",
            "v720/881500000.m4s",
            "captions/881500000.vtt",
            "movies/20261121T200000Z.mp4",
        ] {
            assert_eq!(file(base, good).unwrap(), base.join(good), "{good}");
        }
        for bad in [
            "",
            "..",
            "../other/recording.json",
            "/etc/passwd",
            "journal.jsonl",
            "v720/../../x/recording.json",
            "v720/1.m4s.part",
            "v720/",
            "V720/1.m4s",
            "movies/../recording.json",
            "movies/.mp4",
            "movies/a/b.mp4",
            "movies/a.ts",
            "v720//1.m4s",
            "v720/1.m4s\0",
        ] {
            assert!(file(base, bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_path_leads_out(path in "[a-z0-9./\\\\%-]{0,40}") {
            if let Ok(found) = file(Path::new("/r/demo/x"), &path) {
                prop_assert!(found.starts_with("/r/demo/x"));
                prop_assert!(!path.split('/').any(|part| part == ".." || part.is_empty()));
            }
        }
    }
}

//! What recordings there are, and what becomes of them: protected, deleted.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::hls::{is_init_name, segment_number, text_number};
use crate::model::{ChannelId, RenditionId};
use crate::record::lock::hold;
use crate::record::{MANIFEST, MEDIA_PLAYLIST, MULTIVARIANT_PLAYLIST, Manifest, RecordingId, RecordingState};

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

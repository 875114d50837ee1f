//! A stretch of a recording as a recording of its own: its segments, hard links where that is possible, and playlists. It
//! can be played, stitched, uploaded and deleted as any other, and outlives the one that it was cut from.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::catalog::CatalogError;
use crate::hls::PlaylistKind;
use crate::model::MediaTime;
use crate::record::{Manifest, RecordedRendition, RecordingId, RecordingState, RenditionKind, playlist};

/// Directories of that name are tried before it is given up.
const NAMES: u32 = 99;

/// Cuts `range` out of the recording in `directory`, on the borders of segments, and says what it is called. `go_on`
/// hears how far it is, 0 to 1; none if it was stopped.
pub(crate) fn clip(
    manifest: &Manifest,
    directory: &Path,
    range: &Range<MediaTime>,
    title: &str,
    go_on: impl FnMut(f64) -> bool,
) -> Result<Option<Manifest>, CatalogError> {
    let unreadable = |cause: String| CatalogError::Unreadable { id: manifest.id.clone(), cause };
    let failed = |cause: io::Error| unreadable(cause.to_string());
    let mut cut = part(manifest, range, title).ok_or_else(|| unreadable("nothing is in that range".to_owned()))?;
    let channel = directory.parent().unwrap_or(directory);
    let draft = tempfile::Builder::new().prefix(".clip-").tempdir_in(channel).map_err(failed)?;
    if !link(&cut, directory, draft.path(), go_on).map_err(failed)? {
        return Ok(None);
    }
    let name = cut.id.clone();
    for number in 1..=NAMES {
        if number > 1 {
            cut.id = name.again(number);
        }
        let place = channel.join(cut.id.as_str());
        if place.exists() {
            continue;
        }
        playlist::write_all(draft.path(), &cut, PlaylistKind::Vod).map_err(|error| unreadable(error.to_string()))?;
        cut.store(draft.path()).map_err(|error| unreadable(error.to_string()))?;
        fs::set_permissions(draft.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).map_err(failed)?;
        fs::rename(draft.keep(), &place).map_err(failed)?;
        fs::File::open(channel).and_then(|channel| channel.sync_all()).map_err(failed)?;
        return Ok(Some(cut));
    }
    Err(unreadable(format!("there are {NAMES} clips called {name} already")))
}

/// What the manifest of the clip says; none without any segment.
fn part(manifest: &Manifest, range: &Range<MediaTime>, title: &str) -> Option<Manifest> {
    let (first, last) = numbers(manifest, range)?;
    // The same numbers in all renditions: the sound of a segment begins or ends some milliseconds off its border.
    let touched = |rendition: &RecordedRendition| RecordedRendition {
        segments: {
            let begin = rendition.segments.partition_point(|segment| segment.sequence < first);
            let end = rendition.segments.partition_point(|segment| segment.sequence <= last);
            rendition.segments.get(begin..end).unwrap_or_default().to_vec()
        },
        ..rendition.clone()
    };
    let mut renditions: Vec<RecordedRendition> = manifest.renditions.iter().map(touched).collect();
    renditions.retain(|rendition| !rendition.segments.is_empty());
    let segments = || renditions.iter().flat_map(|rendition| &rendition.segments);
    let began = segments().map(|segment| segment.begin).min()?;
    let ended = segments().map(|segment| segment.end()).max()?;
    Some(Manifest {
        id: RecordingId::begun(began, Some(title)),
        title: Some(title.to_owned()),
        began,
        ended: Some(ended),
        state: RecordingState::Finished,
        protected: false,
        bytes: segments().map(|segment| segment.bytes).sum(),
        interruptions: 0,
        gaps: manifest.gaps.iter().filter(|gap| gap.begin < ended && gap.end > began).cloned().collect(),
        markers: manifest.markers.iter().filter(|marker| (began..ended).contains(&marker.at)).cloned().collect(),
        cued: manifest.cued.within(began, ended),
        renditions,
        ..manifest.clone()
    })
}

/// The first and last numbers of segments that `range` is in, by the pictures if there are any.
fn numbers(manifest: &Manifest, range: &Range<MediaTime>) -> Option<(u64, u64)> {
    let numbers = |kind: Option<RenditionKind>| {
        let all = manifest.renditions.iter().filter(|rendition| kind.is_none_or(|kind| rendition.kind == kind));
        let inside = all
            .flat_map(|rendition| &rendition.segments)
            .filter(|segment| segment.begin < range.end && segment.end() > range.start)
            .map(|segment| segment.sequence);
        inside.fold(None, |found: Option<(u64, u64)>, number| {
            let (first, last) = found.unwrap_or((number, number));
            Some((first.min(number), last.max(number)))
        })
    };
    numbers(Some(RenditionKind::Video)).or_else(|| numbers(None))
}

/// Links every file of `cut` from one directory into another; false if it was stopped.
fn link(cut: &Manifest, from: &Path, to: &Path, mut go_on: impl FnMut(f64) -> bool) -> io::Result<bool> {
    let all: usize = cut.renditions.iter().map(|rendition| rendition.segments.len()).sum();
    let mut done = 0;
    for rendition in &cut.renditions {
        let (source, target) = (from.join(rendition.id.as_str()), to.join(rendition.id.as_str()));
        fs::create_dir(&target)?;
        for segment in &rendition.segments {
            if !go_on(done as f64 / all.max(1) as f64) {
                return Ok(false);
            }
            // Several segments have one initialisation.
            let init = Some(&segment.init).filter(|init| crate::hls::is_init_name(init));
            for name in init.into_iter().chain([&segment.file_name()]) {
                link_or_copy(&source.join(name), &target.join(name))?;
            }
            done += 1;
        }
        fs::File::open(&target)?.sync_all()?;
    }
    Ok(true)
}

fn link_or_copy(from: &Path, to: &PathBuf) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Links are refused across file systems, and by some file systems altogether.
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            fs::copy(from, to)?;
            fs::File::open(to)?.sync_all()
        }
        done => done,
    }
}

//! `kind = "file"`: one file, several, or a list of them.

use std::path::{Path, PathBuf};

use super::Findings;
use super::checked::SourceKind;
use super::files::{Base, Files};
use super::sources::media_file;
use crate::document::{Placed, Section, Spot};

const FIX: &str = "correct the path (relative paths begin at this file)";
/// A list of paths is small; a film that is called `.m3u` by mistake is not.
const MOST_BYTES: u64 = 1 << 20;
const MOST_ENTRIES: usize = 10_000;

pub(crate) fn read(section: &Section<'_>, base: &Base<'_>, findings: &mut Findings) -> Option<SourceKind> {
    let repeat = section.value::<bool>("loop")?;
    let path = section.get::<PathBuf>("path");
    if section.has("path") && section.has("paths") {
        findings.faults.add(&section.spot("paths"), "cannot stand beside `path`", "keep one of the two");
        return None;
    }
    if section.has("paths") {
        let written: Vec<Placed<PathBuf>> = section.list("paths");
        let paths = written.into_iter().map(|placed| (base.join(placed.value), placed.spot)).collect();
        return several(paths, &section.spot("paths"), repeat, base.files, findings);
    }
    let Some(path) = path else {
        if !section.has("path") {
            findings.faults.add(&section.spot("path"), "must be given", "add it, or `paths = [\"…\"]`");
        }
        return None;
    };
    named(base.join(path.value), &path.spot, repeat, FIX, base.files, findings)
}

/// One path: of a media file, or of a list.
pub(crate) fn named(
    file: PathBuf,
    spot: &Spot,
    repeat: bool,
    fix: &str,
    files: &Files,
    findings: &mut Findings,
) -> Option<SourceKind> {
    if file.extension().is_some_and(|e| e.eq_ignore_ascii_case("m3u") || e.eq_ignore_ascii_case("m3u8")) {
        let entries = files.beside(&file, text_of, |text| entries(&file, text));
        let entries = entries.map_err(|(rule, fix)| findings.faults.add(spot, rule, fix)).ok()?;
        return several(
            entries.into_iter().map(|entry| (entry, spot.clone())).collect(),
            spot,
            repeat,
            files,
            findings,
        );
    }
    match media_file(file, spot, fix, files, findings)? {
        SourceKind::File { path } if !repeat => Some(SourceKind::Playlist { paths: vec![path], repeat }),
        kind => Some(kind),
    }
}

/// Entries that are not there are skipped on air, so they only warn; but one must be there.
fn several(
    paths: Vec<(PathBuf, Spot)>,
    spot: &Spot,
    repeat: bool,
    files: &Files,
    findings: &mut Findings,
) -> Option<SourceKind> {
    let missing: Vec<_> = paths.iter().filter(|(path, _)| !path.is_file()).collect();
    if missing.len() == paths.len() {
        let first = missing.first().map(|(path, _)| format!(", first {}", path.display())).unwrap_or_default();
        files.absent(spot, format!("names no file that is there{first}"), FIX, &mut findings.faults)?;
    }
    for (path, spot) in missing {
        let rule = format!("{} is not there", path.display());
        findings.warnings.add(spot, rule, "it is skipped; correct the path, or remove the entry");
    }
    // Absolute: the worker may run in another directory.
    let paths = paths.into_iter().map(|(path, _)| std::path::absolute(&path).unwrap_or(path)).collect();
    Some(SourceKind::Playlist { paths, repeat })
}

type Bad = (String, &'static str);

fn bad(list: &Path, why: impl std::fmt::Display, fix: &'static str) -> Bad {
    (format!("{} {why}", list.display()), fix)
}

fn text_of(list: &Path) -> Result<String, Bad> {
    let unreadable = |error| bad(list, format_args!("cannot be read: {error}"), FIX);
    let meta = std::fs::metadata(list).map_err(unreadable)?;
    if !meta.is_file() || meta.len() > MOST_BYTES {
        return Err(bad(list, "is no list of files", "write one path on each line"));
    }
    let bytes = std::fs::read(list).map_err(unreadable)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The entries of an M3U list: lines that are no comments, relative to the list.
fn entries(list: &Path, text: &str) -> Result<Vec<PathBuf>, Bad> {
    let text = text.trim_start_matches('\u{feff}');
    if text.lines().any(|line| line.starts_with("#EXT-X-")) {
        return Err(bad(list, "is a playlist of HLS", "name media files; HLS is no source"));
    }
    let base = list.parent().unwrap_or(Path::new(""));
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut entries = Vec::new();
    for line in lines {
        if line.contains("://") {
            return Err(bad(list, format_args!("names an address ({line})"), "name files"));
        }
        entries.push(base.join(line));
    }
    match entries.len() {
        0 => Err(bad(list, "names no file", "write one path on each line")),
        n if n > MOST_ENTRIES => Err(bad(list, format_args!("names {n} files"), "name at most 10000")),
        _ => Ok(entries),
    }
}

//! The directories of stream classes and hardware profiles: every file of them, used or not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Findings;
use super::files::{Base, Files};
use crate::document::{Section, Spot};
use crate::profile::{self, Profile};

const SHARED: &str = "/usr/share/uplink";

/// What the files of a directory say, by name; none for a faulty one, so that references to it are no second fault.
pub(crate) type ByName<T> = BTreeMap<String, Option<T>>;

pub(crate) fn hardware_profiles(paths: &Section<'_>, base: &Base<'_>, findings: &mut Findings) -> ByName<Profile> {
    let directory = directory_of(paths, "hardware_profiles", "hardware-profiles", base);
    let mut files = ByName::new();
    for path in toml_files(base.files, &directory, &paths.spot("hardware_profiles"), findings) {
        let Some(stem) = stem_of(&path) else { continue };
        let source = base.files.source(&path, &mut findings.faults);
        let checked = source.and_then(|source| profile::read(&source, &stem, &mut findings.faults));
        files.insert(stem, checked);
    }
    files
}

/// The directory that `key` names, else `name` beside the configuration, else the package's.
pub(crate) fn directory_of(paths: &Section<'_>, key: &str, name: &str, base: &Base<'_>) -> PathBuf {
    match paths.value::<PathBuf>(key) {
        Some(written) => tidy(base.join(written)),
        None if base.files.is_dir(&base.join(name)) => base.join(name),
        None => Path::new(SHARED).join(name),
    }
}

/// The name of what a file describes.
pub(crate) fn stem_of(path: &Path) -> Option<String> {
    path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned)
}

/// The files of a directory that must hold some.
pub(crate) fn toml_files(files: &Files, directory: &Path, spot: &Spot, findings: &mut Findings) -> Vec<PathBuf> {
    let files = match files.toml_files(directory) {
        Ok(files) => files,
        Err(error) => {
            let rule = format!("{} cannot be read: {error}", directory.display());
            findings.faults.add(spot, rule, "name the directory (relative paths begin at this file)");
            return Vec::new();
        }
    };
    if files.is_empty() {
        let rule = format!("{} holds no .toml file", directory.display());
        findings.faults.add(spot, rule, "name the directory that holds them");
    }
    files
}

/// Whether a path is that of a file that is looked at.
pub(crate) fn is_toml(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    path.extension().is_some_and(|extension| extension == "toml") && !hidden
}

/// `a/b/../../c` → `c`, for shorter messages; left alone where a symbolic link makes that another place.
pub(crate) fn tidy(path: PathBuf) -> PathBuf {
    let short = without_parents(&path);
    match (short.canonicalize(), path.canonicalize()) {
        (Ok(a), Ok(b)) if a == b => short,
        _ => path,
    }
}

/// The same, whatever is there.
pub(crate) fn without_parents(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        let above = matches!(short.components().next_back(), Some(std::path::Component::Normal(_)));
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir if above => {
                short.pop();
            }
            part => short.push(part),
        }
    }
    short
}

//! The directories of stream classes and hardware profiles: every file of them, used or not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Findings;
use super::stream_class::{self, StreamClass};
use crate::document::{Section, Source, Spot};
use crate::profile::{self, Profile};

const SHARED: &str = "/usr/share/uplink";

/// What the files of a directory say, by name; none for a faulty one, so that references to it are no second fault.
pub(crate) type Files<T> = BTreeMap<String, Option<T>>;

pub(crate) fn stream_classes(paths: &Section<'_>, base: &Path, findings: &mut Findings) -> Files<Arc<StreamClass>> {
    each_file(paths, "pipelines", "pipelines", base, findings, |source, stem, findings| {
        stream_class::read(source, stem, findings).map(Arc::new)
    })
}

pub(crate) fn hardware_profiles(paths: &Section<'_>, base: &Path, findings: &mut Findings) -> Files<Profile> {
    each_file(paths, "hardware_profiles", "hardware-profiles", base, findings, |source, stem, findings| {
        profile::read(source, stem, &mut findings.faults)
    })
}

fn each_file<T>(
    paths: &Section<'_>,
    key: &str,
    name: &str,
    base: &Path,
    findings: &mut Findings,
    read: impl Fn(&Source, &str, &mut Findings) -> Option<T>,
) -> Files<T> {
    let directory = match paths.value::<PathBuf>(key) {
        Some(written) => tidy(base.join(written)),
        None if base.join(name).is_dir() => base.join(name),
        None => Path::new(SHARED).join(name),
    };
    let mut files = Files::new();
    for path in toml_files(&directory, &paths.spot(key), findings) {
        let Some(stem) = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned) else { continue };
        let checked = Source::read(&path, &mut findings.faults).and_then(|source| read(&source, &stem, findings));
        files.insert(stem, checked);
    }
    files
}

fn toml_files(directory: &Path, spot: &Spot, findings: &mut Findings) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => {
            let rule = format!("{} cannot be read: {error}", directory.display());
            findings.faults.add(spot, rule, "name the directory (relative paths begin at this file)");
            return Vec::new();
        }
    };
    let hidden = |path: &Path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml") && !hidden(path))
        .collect();
    files.sort();
    if files.is_empty() {
        let rule = format!("{} holds no .toml file", directory.display());
        findings.faults.add(spot, rule, "name the directory that holds them");
    }
    files
}

/// `a/b/../../c` → `c`, for shorter messages; left alone where a symbolic link makes that another place.
pub(crate) fn tidy(path: PathBuf) -> PathBuf {
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
    match (short.canonicalize(), path.canonicalize()) {
        (Ok(a), Ok(b)) if a == b => short,
        _ => path,
    }
}

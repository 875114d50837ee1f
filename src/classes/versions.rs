//! Versions as files: a head of comments, then the text as it was. Each is written once, as a whole, and never again.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ClassError;
use crate::model::MediaTime;

/// Begins each line of a head. TOML takes it for a comment, so that a version can be copied over a class as it is.
const HEAD: &str = "#: ";
/// Ends a head: behind it, the text may begin as it likes.
const END: &str = "#:\n";

/// How a version came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ClassVersionOrigin")]
pub enum How {
    /// It was found on disk: written by hand, or by a package.
    Found,
    /// Somebody has applied it.
    Applied,
    /// Somebody went back to it.
    RolledBack,
}

/// Who made a version, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ClassVersionHead")]
pub struct About {
    /// When it was kept.
    pub at: MediaTime,
    /// Who; none where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// How it came about.
    pub how: How,
    /// The version that it goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u32>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Whether it is a copy of the site's own; else it is as shipped.
    pub own: bool,
    /// The file that it was, or became.
    pub file: String,
    /// SHA-256 of the text.
    pub sha256: String,
}

/// One version, as a list has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ClassVersion")]
pub struct Kept {
    /// Its number, from 1.
    pub version: u32,
    /// Who made it, when and why; none if its file is damaged.
    pub about: Option<About>,
    /// What is wrong with its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// As it is written in a head.
pub fn hash_of(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

fn path_of(directory: &Path, version: u32) -> PathBuf {
    directory.join(format!("{version:04}.toml"))
}

/// The numbers of all versions, oldest first.
fn numbers(directory: &Path) -> Result<Vec<u32>, ClassError> {
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(ClassError::File { path: directory.to_owned(), cause }),
    };
    let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.strip_suffix(".toml")?.parse().ok();
    let mut numbers: Vec<u32> = entries.flatten().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// All of them, newest first.
pub(super) fn list(directory: &Path) -> Result<Vec<Kept>, ClassError> {
    let one = |version| match read(directory, version) {
        Ok((about, _)) => Kept { version, about: Some(about), fault: None },
        Err(error) => Kept { version, about: None, fault: Some(error.to_string()) },
    };
    Ok(numbers(directory)?.into_iter().rev().map(one).collect())
}

/// The newest that is not damaged, and its text.
pub(super) fn newest(directory: &Path) -> Result<Option<(u32, About, String)>, ClassError> {
    let one = |version| read(directory, version).ok().map(|(about, text)| (version, about, text));
    Ok(numbers(directory)?.into_iter().rev().find_map(one))
}

/// One version and its text.
pub(super) fn read(directory: &Path, version: u32) -> Result<(About, String), ClassError> {
    let path = path_of(directory, version);
    let bytes = std::fs::read(&path).map_err(|cause| ClassError::File { path: path.clone(), cause })?;
    let corrupt = |reason: String| ClassError::Corrupt { path: path.clone(), reason };
    let whole = String::from_utf8(bytes).map_err(|_| corrupt("it is not text".to_owned()))?;
    let (about, text) = apart(&whole).ok_or_else(|| corrupt("its head cannot be read".to_owned()))?;
    match hash_of(text) == about.sha256 {
        true => Ok((about, text.to_owned())),
        false => Err(corrupt("its text is not the one that was kept".to_owned())),
    }
}

/// Whether there is a file of that version, good or not.
pub(super) fn is_there(directory: &Path, version: u32) -> bool {
    path_of(directory, version).exists()
}

/// Head and text of a version's file; none if it is no such file.
fn apart(whole: &str) -> Option<(About, &str)> {
    let (mut head, mut rest) = (String::new(), whole);
    while let Some((line, after)) = rest.strip_prefix(HEAD).and_then(|line| line.split_once('\n')) {
        head.push_str(line);
        head.push('\n');
        rest = after;
    }
    Some((toml::from_str(&head).ok()?, rest.strip_prefix(END)?))
}

/// The text of a class, also where somebody has copied a version with its head over it.
pub(super) fn without_head(whole: &str) -> &str {
    apart(whole).map_or(whole, |(_, text)| text)
}

/// Writes the next version: it is there as a whole, or not at all.
pub(super) fn keep(directory: &Path, about: &About, text: &str) -> Result<u32, ClassError> {
    let failed = |cause: std::io::Error| ClassError::File { path: directory.to_owned(), cause };
    let head = toml::to_string(about).map_err(|error| failed(std::io::Error::other(error)))?;
    let head = head.lines().map(|line| format!("{HEAD}{line}\n")).collect::<String>() + END;
    std::fs::create_dir_all(directory).map_err(failed)?;
    // Numbers of damaged ones are not given again.
    let version = numbers(directory)?.last().map_or(1, |last| last + 1);
    put(&path_of(directory, version), &format!("{head}{text}")).map(|()| version)
}

/// It never counted.
pub(super) fn forget(directory: &Path, version: u32) -> Result<(), ClassError> {
    let path = path_of(directory, version);
    std::fs::remove_file(&path).map_err(|cause| ClassError::File { path, cause })
}

/// Puts a file in place of what is there.
pub(super) fn put(path: &Path, text: &str) -> Result<(), ClassError> {
    crate::config::file::put(path, text, READABLE).map_err(|cause| ClassError::File { path: path.to_owned(), cause })
}

/// Nothing in a stream class is secret.
const READABLE: u32 = 0o644;

//! The configurations that were in force, as files: what the daemon comes back on air with when the one on disk is faulty.
//!
//! ```text
//!  put in force ─▶ <state>/configurations/0007: what it is, then each file as it was, a checksum; whole or not at all
//!                        │ newest first
//!  faulty at start ◀─────┘ cut off, damaged, refused by this version: passed over, and said
//! ```
//!
//! Owns: these files, and how many of them stay. Must not: judge what is in them (`config` does), or decide when they are
//! used (the daemon does). Files with secrets are not among them, but an address may hold one: they are for the daemon's user
//! alone, and in no bundle.

mod document;
#[cfg(test)]
mod tests;

use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::config::Texts;
use crate::model::MediaTime;

use document::Document;

/// So many stay, and one more of the version before.
const STAY: usize = 5;
/// Nobody writes configurations of that size; a damaged disk may say so.
const LARGEST: u64 = 64 << 20;

/// Begins the name of one that is being written.
const DRAFT: &str = ".draft";

/// What goes wrong with one.
#[derive(Debug, thiserror::Error)]
pub enum LastGoodError {
    /// It is not what was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It cannot be read or written.
    #[error("{}: {cause}", path.display())]
    File {
        /// Its file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

/// A configuration as it was in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where it is kept.
    pub path: PathBuf,
    /// The version of Uplink that had put it in force.
    pub version: String,
    /// When it was.
    pub at: MediaTime,
    /// Its files.
    pub texts: Texts,
}

/// Those of a daemon.
#[derive(Debug, Clone)]
pub struct LastGood {
    directory: PathBuf,
}

impl LastGood {
    /// Those of a daemon that keeps everything in `state`.
    pub fn below(state: &Path) -> Self {
        Self { directory: state.join("configurations") }
    }

    /// Keeps the configuration that was read from `file`, unless the newest one says the same. Blocks.
    pub fn keep(&self, version: &str, file: &Path, at: MediaTime, texts: &Texts) -> Result<(), LastGoodError> {
        let document = Document::new(version, &absolute(file), at, texts);
        let numbers = self.numbers();
        let newest = numbers.last().and_then(|newest| self.read(*newest).ok());
        if newest.is_some_and(|newest| newest.says_the_same(&document)) {
            return Ok(());
        }
        // Numbers of damaged ones are not given again.
        let path = self.path_of(numbers.last().map_or(1, |newest| newest + 1));
        self.put(&path, &document).map_err(|cause| LastGoodError::File { path, cause })?;
        self.sweep(version);
        Ok(())
    }

    /// Those that were read from `file`, newest first. Blocks with each.
    pub fn newest_first(&self, file: &Path) -> impl Iterator<Item = Result<Kept, LastGoodError>> {
        let file = absolute(file);
        self.numbers().into_iter().rev().filter_map(move |number| match self.read(number) {
            Ok(document) if *document.file() != file => None,
            Ok(document) => Some(Ok(document.kept(self.path_of(number)))),
            Err(error) => Some(Err(error)),
        })
    }

    fn path_of(&self, number: u32) -> PathBuf {
        self.directory.join(format!("{number:04}"))
    }

    /// Oldest first.
    fn numbers(&self) -> Vec<u32> {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        let mut numbers: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        numbers.sort_unstable();
        numbers
    }

    fn read(&self, number: u32) -> Result<Document, LastGoodError> {
        let path = self.path_of(number);
        let text = std::fs::metadata(&path).and_then(|about| match about.len() <= LARGEST {
            true => std::fs::read(&path),
            false => Err(std::io::ErrorKind::FileTooLarge.into()),
        });
        match text {
            Ok(text) => Document::parse(&text).map_err(|reason| LastGoodError::Damaged { path, reason }),
            Err(cause) => Err(LastGoodError::File { path, cause }),
        }
    }

    /// After a power cut it is there as a whole, or not at all.
    fn put(&self, path: &Path, document: &Document) -> std::io::Result<()> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        self.clear();
        // For this user alone, as temporary files are.
        let mut file = tempfile::Builder::new().prefix(DRAFT).tempfile_in(&self.directory)?;
        file.write_all(document.text()?.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        std::fs::File::open(&self.directory)?.sync_all()
    }

    /// Takes away what a power cut has left half written.
    fn clear(&self) {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(DRAFT.as_bytes())) {
            let _ = std::fs::remove_file(entry.path());
        }
    }

    /// Takes the old ones away. The newest one of the version before stays: it may be put back, and refuse what came since.
    fn sweep(&self, version: &str) {
        let mut before = false;
        for (place, number) in self.numbers().into_iter().rev().enumerate() {
            let other = || self.read(number).is_ok_and(|document| document.version() != version);
            let first_other = !before && other();
            before |= first_other;
            if place >= STAY && !first_other {
                let _ = std::fs::remove_file(self.path_of(number));
            }
        }
    }
}

fn absolute(file: &Path) -> PathBuf {
    std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
}

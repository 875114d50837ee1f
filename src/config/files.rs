//! The files that a configuration is read from: on the disk, and remembered; or as they were when it was in force.
//!
//! ```text
//!  disk ─▶ read ─▶ remembered ─▶ Checked::files ─▶ kept once it is in force ─┐
//!           ▲                                                                │ the one on disk is faulty
//!           └────────────────────────────────────────────────────────────────┘
//! ```
//!
//! Secrets are never among them: they stay where they are, and are read there. A list of files is taken from the disk even then,
//! if it is any good there; what is only named (media, certificates, tokens) may be missing: whoever uses it will say so.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use super::directories::{is_toml, without_parents};
use crate::document::{Faults, Source, Spot};

/// What the files of a configuration say, by their absolute paths. An address in them may hold a secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Texts(BTreeMap<PathBuf, String>);

impl Texts {
    /// Adds a file.
    pub fn put(&mut self, path: &Path, text: impl Into<String>) {
        self.0.insert(place(path), text.into());
    }

    /// What a file says.
    pub fn get(&self, path: &Path) -> Option<&str> {
        self.0.get(&place(path)).map(String::as_str)
    }

    /// Every file.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.0.iter().map(|(path, text)| (path.as_path(), text.as_str()))
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The same name for a file, whatever directories are there.
fn place(path: &Path) -> PathBuf {
    without_parents(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

/// What becomes of a configuration that was in force before, and whose secrets cannot be read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LostSecret {
    /// It is refused: what is on air has the secret.
    #[default]
    Refuses,
    /// What needs the secret lets nobody in and is let in nowhere; the rest is as it was.
    ShutsOut,
}

/// Where files are read from.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// As they were in force; on the disk if none.
    kept: Option<Texts>,
    lost_secret: LostSecret,
    read: RefCell<Texts>,
    overlooked: RefCell<Faults>,
}

impl Files {
    /// As they were in force; the default is the disk.
    pub(crate) fn kept(texts: Texts, lost_secret: LostSecret) -> Self {
        Self { kept: Some(texts), lost_secret, ..Self::default() }
    }

    /// What was read so far.
    pub(crate) fn read(&self) -> Texts {
        self.read.borrow().clone()
    }

    /// What would have been faults.
    pub(crate) fn overlooked(self) -> Faults {
        self.overlooked.into_inner()
    }

    /// A file of the configuration itself.
    pub(crate) fn source(&self, path: &Path, faults: &mut Faults) -> Option<Source> {
        let source = match &self.kept {
            None => Source::read(path, faults),
            Some(kept) => {
                let name = path.display().to_string();
                let source = kept.get(path).map(|text| Source::new(&name, text));
                if source.is_none() {
                    faults.add(&Spot::file(&name), "is not among the files that were kept", "correct the file on disk");
                }
                source
            }
        }?;
        self.remember(path, source.text());
        Some(source)
    }

    /// The files of stream classes or hardware profiles in a directory, in order.
    pub(crate) fn toml_files(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let mut files: Vec<PathBuf> = match &self.kept {
            None => std::fs::read_dir(directory)?
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| is_toml(path))
                .collect(),
            Some(kept) => kept.below(directory).filter(|path| is_toml(path)).collect(),
        };
        files.sort();
        Ok(files)
    }

    pub(crate) fn is_dir(&self, directory: &Path) -> bool {
        match &self.kept {
            None => directory.is_dir(),
            Some(kept) => kept.below(directory).next().is_some(),
        }
    }

    /// What `judge` makes of a text beside the configuration, which `read` takes from the disk. Not for secrets: it is remembered.
    pub(crate) fn beside<T, E>(
        &self,
        path: &Path,
        read: impl FnOnce(&Path) -> Result<String, E>,
        judge: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, E> {
        let now = read(path).and_then(|text| judge(&text).inspect(|_| self.remember(path, &text)));
        now.or_else(|why| {
            let was = self.kept.as_ref().and_then(|kept| kept.get(path)).ok_or(why)?;
            judge(was).inspect(|_| self.remember(path, was))
        })
    }

    /// Something that is named is not there, or no good: a fault, which ends the reading of it, unless it was in force so.
    pub(crate) fn absent(
        &self,
        spot: &Spot,
        rule: impl Into<String>,
        fix: impl Into<String>,
        faults: &mut Faults,
    ) -> Option<()> {
        match self.kept {
            None => {
                faults.add(spot, rule, fix);
                None
            }
            Some(_) => {
                self.overlooked.borrow_mut().add(spot, rule, fix);
                Some(())
            }
        }
    }

    /// A secret cannot be read: a fault, unless something may stand in for it.
    pub(crate) fn lost(&self, spot: &Spot, rule: String, fix: &str, faults: &mut Faults) -> Option<()> {
        match self.lost_secret {
            LostSecret::ShutsOut => self.absent(spot, rule, fix, faults),
            LostSecret::Refuses => {
                faults.add(spot, rule, fix);
                None
            }
        }
    }

    fn remember(&self, path: &Path, text: &str) {
        self.read.borrow_mut().put(path, text);
    }
}

impl Texts {
    fn below(&self, directory: &Path) -> impl Iterator<Item = PathBuf> {
        let at = place(directory);
        let of = move |path: &&PathBuf| path.parent() == Some(at.as_path());
        let directory = directory.to_owned();
        self.0.keys().filter(of).filter_map(move |path| Some(directory.join(path.file_name()?)))
    }
}

/// Where relative paths begin, and what is read through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Base<'a> {
    directory: &'a Path,
    pub(crate) files: &'a Files,
}

impl<'a> Base<'a> {
    /// That of the configuration at `path`.
    pub(crate) fn of(path: &'a Path, files: &'a Files) -> Self {
        Self { directory: path.parent().unwrap_or(Path::new("")), files }
    }
}

impl Deref for Base<'_> {
    type Target = Path;

    fn deref(&self) -> &Path {
        self.directory
    }
}

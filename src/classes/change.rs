//! Changing a class: what is on disk and no version yet is kept first, then the new version, then the own copy is put in its
//! place, or taken away.

use std::path::PathBuf;
use std::time::SystemTime;

use super::versions::{self, About, How, hash_of, without_head};
use super::{ClassError, Classes, Place, Turn, named, text_of};
use crate::config::{ClassFile, ClassTrial};
use crate::model::MediaTime;

/// A change that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The class.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Whether the site keeps a copy of its own; else the shipped class counts, and says this.
    pub own: bool,
    /// How its version comes about; none if the class is deleted, which leaves its versions as they are.
    pub how: Option<How>,
    /// The version that it goes back to.
    pub of: Option<u32>,
}

impl Change {
    /// The same, to be tried.
    pub fn trial(&self) -> ClassTrial {
        ClassTrial { name: self.name.clone(), text: self.own.then(|| self.text.clone()) }
    }
}

/// A change that was written, and can be taken back as long as it is not in force.
#[derive(Debug)]
pub struct Written {
    /// The version that was kept; the newest if nothing had to be; none of a deletion.
    pub version: Option<u32>,
    directory: PathBuf,
    /// The version to be forgotten.
    kept: Option<u32>,
    copy: PathBuf,
    before: Option<String>,
}

impl Written {
    /// As it was: it has not come into force.
    pub fn take_back(self) -> Result<(), ClassError> {
        match &self.before {
            Some(text) => versions::put(&self.copy, text)?,
            None => remove(&self.copy)?,
        }
        self.kept.map_or(Ok(()), |version| versions::forget(&self.directory, version))
    }
}

impl Classes {
    /// A text that somebody wants to apply. One that says what the shipped class says needs no copy.
    pub fn applying(&self, name: &str, text: String) -> Result<Change, ClassError> {
        named(name)?;
        let own = text_of(&self.place()?.shipped(name))?.is_none_or(|shipped| shipped != text);
        Ok(Change { name: name.to_owned(), text, own, how: Some(How::Applied), of: None })
    }

    /// Back to a version.
    pub fn going_back(&self, name: &str, version: u32) -> Result<Change, ClassError> {
        let (_, text) = self.version(name, version)?;
        Ok(Change { how: Some(How::RolledBack), of: Some(version), ..self.applying(name, text)? })
    }

    /// Back to what is shipped.
    pub fn going_back_to_shipped(&self, name: &str) -> Result<Change, ClassError> {
        named(name)?;
        let shipped = text_of(&self.place()?.shipped(name))?;
        let text = shipped.ok_or_else(|| ClassError::NotShipped(name.to_owned()))?;
        Ok(Change { name: name.to_owned(), text, own: false, how: Some(How::RolledBack), of: None })
    }

    /// Without the site's own copy, where that is all there is.
    pub fn deleting(&self, name: &str) -> Result<Change, ClassError> {
        named(name)?;
        let place = self.place()?;
        if place.shipped(name).is_file() {
            return Err(ClassError::Shipped(name.to_owned()));
        }
        match place.own(name).is_file() {
            true => Ok(Change { name: name.to_owned(), text: String::new(), own: false, how: None, of: None }),
            false => Err(ClassError::Unknown(name.to_owned())),
        }
    }

    /// Deletes all versions but the newest, as many as `keep` says; which those were. One is always kept: its number says
    /// where to go on. Blocks.
    pub fn prune(&self, _turn: &Turn, name: &str, keep: usize) -> Result<Vec<u32>, ClassError> {
        let old = self.older(name, keep)?;
        let directory = self.place()?.versions(name);
        old.iter().try_for_each(|version| versions::forget(&directory, *version))?;
        Ok(old)
    }

    /// The versions behind the newest `keep`, oldest first.
    pub fn older(&self, name: &str, keep: usize) -> Result<Vec<u32>, ClassError> {
        let all = self.versions(name)?;
        Ok(all.iter().skip(keep.max(1)).rev().map(|kept| kept.version).collect())
    }

    /// Writes it, by whom and why. Blocks.
    pub fn write(
        &self,
        _turn: &Turn,
        change: &Change,
        by: Option<String>,
        comment: Option<String>,
    ) -> Result<Written, ClassError> {
        let place = self.place()?;
        let (copy, directory) = (place.own(&change.name), place.versions(&change.name));
        let before = text_of(&copy)?;
        note_disk(place, &change.name, before.as_deref())?;
        let newest = versions::newest(&directory)?;
        let known = newest.as_ref().is_some_and(|(_, about, text)| *text == change.text && about.own == change.own);
        let kept = match change.how {
            None => None,
            Some(_) if known => None,
            Some(how) => {
                let path = if change.own { copy.clone() } else { place.shipped(&change.name) };
                let about = About {
                    at: now(),
                    by,
                    how,
                    of: change.of,
                    comment,
                    own: change.own,
                    file: path.display().to_string(),
                    sha256: hash_of(&change.text),
                };
                Some(versions::keep(&directory, &about, &change.text)?)
            }
        };
        let version = change.how.and(kept.or(newest.map(|(version, ..)| version)));
        let written = Written { version, directory, kept, copy: copy.clone(), before };
        let done = if change.own { versions::put(&copy, &change.text) } else { remove(&copy) };
        match done {
            Ok(()) => Ok(written),
            Err(error) => {
                // The disk is full, or the like: what was there is there still.
                if let Some(version) = kept {
                    let _ = versions::forget(&written.directory, version);
                }
                Err(error)
            }
        }
    }
}

fn remove(copy: &std::path::Path) -> Result<(), ClassError> {
    match std::fs::remove_file(copy) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(ClassError::File { path: copy.to_owned(), cause }),
    }
}

/// What is on disk, though nobody may have put it in force: it is about to be replaced.
fn note_disk(place: &Place, name: &str, own: Option<&str>) -> Result<(), ClassError> {
    let (path, text) = match own {
        Some(text) => (place.own(name), Some(text.to_owned())),
        None => (place.shipped(name), text_of(&place.shipped(name))?),
    };
    let Some(text) = text else { return Ok(()) };
    note(place, name, &ClassFile { path, text, own: own.is_some() })
}

/// Keeps what was found, unless it is the newest version.
pub(super) fn note(place: &Place, name: &str, file: &ClassFile) -> Result<(), ClassError> {
    let directory = place.versions(name);
    let text = without_head(&file.text);
    if let Some((_, about, newest)) = versions::newest(&directory)?
        && newest == text
        && about.own == file.own
    {
        return Ok(());
    }
    let about = About {
        at: now(),
        by: None,
        how: How::Found,
        of: None,
        comment: None,
        own: file.own,
        file: file.path.display().to_string(),
        sha256: hash_of(text),
    };
    let version = versions::keep(&directory, &about, text)?;
    tracing::info!(class = name, version, file = about.file, "a stream class was found as it is not known; it is kept");
    Ok(())
}

fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}

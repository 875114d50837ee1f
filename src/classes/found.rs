//! What there is: each class as it is on disk, and its versions.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::versions::{self, About, Kept, without_head};
use super::{ClassError, Classes, Place, named, text_of};

/// A stream class as it is on disk now: what a reload would read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundClass {
    /// Its name.
    pub name: String,
    /// The file that counts.
    pub file: PathBuf,
    /// Whether that is a copy of the site's own.
    pub own: bool,
    /// Where such a copy is, or would be.
    pub own_file: PathBuf,
    /// Its text, or why there is none.
    pub text: Result<String, String>,
    /// What the shipped class says, where there is one.
    pub shipped: Option<String>,
    /// Whether it is in force as it is on disk.
    pub in_force: bool,
    /// The newest version.
    pub newest: Option<Kept>,
}

/// A text that can be compared with another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// This version.
    Version(u32),
    /// What is shipped.
    Shipped,
    /// What is on disk now.
    Now,
}

impl std::str::FromStr for Shown {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "shipped" => Ok(Self::Shipped),
            "now" => Ok(Self::Now),
            number => {
                let version = number.parse().map_err(|_| format!("`{word}` is no version: a number, shipped or now"));
                version.map(Self::Version)
            }
        }
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Version(version) => write!(f, "version {version}"),
            Self::Shipped => f.write_str("shipped"),
            Self::Now => f.write_str("now"),
        }
    }
}

impl Classes {
    /// All of them, by name. Blocks, as all of this does.
    pub fn list(&self) -> Result<Vec<FoundClass>, ClassError> {
        let place = self.place()?;
        let (own, shipped) = (place.own.clone(), place.known().shipped.clone());
        let names: BTreeSet<String> = [own, shipped].iter().flat_map(|directory| names(directory)).collect();
        Ok(names.into_iter().filter_map(|name| found(place, &name)).collect())
    }

    /// One of them.
    pub fn find(&self, name: &str) -> Result<FoundClass, ClassError> {
        named(name)?;
        found(self.place()?, name).ok_or_else(|| ClassError::Unknown(name.to_owned()))
    }

    /// Its versions, newest first; also of one that is there no more.
    pub fn versions(&self, name: &str) -> Result<Vec<Kept>, ClassError> {
        named(name)?;
        let place = self.place()?;
        let all = versions::list(&place.versions(name))?;
        match all.is_empty() && found(place, name).is_none() {
            true => Err(ClassError::Unknown(name.to_owned())),
            false => Ok(all),
        }
    }

    /// A version and its text.
    pub fn version(&self, name: &str, version: u32) -> Result<(About, String), ClassError> {
        named(name)?;
        let directory = self.place()?.versions(name);
        match versions::is_there(&directory, version) {
            true => versions::read(&directory, version),
            false => Err(ClassError::UnknownVersion(name.to_owned(), version)),
        }
    }

    /// The text of what is to be compared.
    pub fn text(&self, name: &str, of: &Shown) -> Result<String, ClassError> {
        named(name)?;
        let missing = || ClassError::NotShipped(name.to_owned());
        match of {
            Shown::Version(version) => self.version(name, *version).map(|(_, text)| text),
            Shown::Shipped => text_of(&self.place()?.shipped(name))?.ok_or_else(missing),
            Shown::Now => {
                let found = self.find(name)?;
                let cause = |reason| ClassError::File { path: found.file, cause: std::io::Error::other(reason) };
                found.text.map_err(cause)
            }
        }
    }
}

/// Names of the classes in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| Some(entry.file_name().to_str()?.strip_suffix(".toml")?.to_owned());
    entries.filter_map(name).filter(|name| named(name).is_ok()).collect()
}

fn found(place: &Place, name: &str) -> Option<FoundClass> {
    let (copy, shipped) = (place.own(name), place.shipped(name));
    let own = copy.exists();
    if !own && !shipped.is_file() {
        return None;
    }
    let file = if own { copy.clone() } else { shipped.clone() };
    let text = std::fs::read_to_string(&file).map_err(|error| error.to_string());
    let in_force = place.known().in_force.get(name).map(|file| file.text.clone());
    Some(FoundClass {
        name: name.to_owned(),
        in_force: in_force.is_some() && in_force.as_deref() == text.as_deref().ok(),
        text: text.map(|text| without_head(&text).to_owned()),
        shipped: text_of(&shipped).ok().flatten(),
        newest: versions::list(&place.versions(name)).ok().and_then(|all| all.into_iter().next()),
        file,
        own,
        own_file: copy,
    })
}

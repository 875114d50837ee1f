//! The site's own stream classes, as files that a technician can read: the copy that counts, and every version there was.
//!
//! ```text
//!  <state>/pipelines/talk-720p30.toml                  the own copy: it takes the place of the shipped class
//!  <state>/pipelines/versions/talk-720p30/0003.toml    a version: who, when, why (comments), then the text as it was
//!
//!  a change ─▶ what is on disk and no version yet ─▶ version ─▶ own copy, at once as a whole ─▶ whoever puts it in force
//!                                                                   └── refused: the version and the copy are taken back
//!  put in force ─▶ read otherwise than the newest version says (by hand, by a package) ─▶ version
//! ```
//!
//! Owns: these files. A version is never changed; nothing that was in force is lost, whoever wrote it, until somebody says
//! which versions are too old. Must not: judge a
//! text (`config` does), or put one in force (the supervisor does).

mod change;
mod found;
mod versions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Turns, OwnedMutexGuard};

use crate::config::{Checked, ClassFile, OwnClasses};

pub use change::{Change, Written};
pub use found::{FoundClass, Shown};
pub use versions::{About, How, Kept, hash_of};

/// Putting one in force takes no longer; another change waits that long.
const TURN_WITHIN: Duration = Duration::from_secs(50);

/// What goes wrong with them.
#[derive(Debug, thiserror::Error)]
pub enum ClassError {
    /// There is none.
    #[error("there is no stream class `{0}`")]
    Unknown(String),
    /// The name is none.
    #[error("`{0}` is no name of a stream class: {rule}", rule = crate::model::id::SLUG_RULE)]
    Name(String),
    /// There is no such version.
    #[error("stream class `{0}` has no version {1}")]
    UnknownVersion(String, u32),
    /// The class is the site's own alone.
    #[error("stream class `{0}` is not shipped: the site's own is the only one")]
    NotShipped(String),
    /// The class comes with the package.
    #[error(
        "stream class `{0}` is shipped with the package, which alone takes it away; `rollback` to what is shipped takes the \
         site's own copy away"
    )]
    Shipped(String),
    /// A version's file is not what was written.
    #[error(
        "{} is damaged: {reason}; the other versions are not touched, and what is in force neither", path.display()
    )]
    Corrupt {
        /// Its file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file cannot be read or written.
    #[error("{} cannot be read or written: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// Another change is under way.
    #[error("another stream class is being changed; try again when that is done")]
    Busy,
    /// This daemon keeps none.
    #[error("this daemon keeps no stream classes of its own")]
    Nowhere,
}

/// Cheap to clone; all are one.
#[derive(Debug, Clone, Default)]
pub struct Classes(Option<Arc<Place>>);

#[derive(Debug)]
struct Place {
    /// The own copies.
    own: PathBuf,
    /// One change at a time.
    turns: Arc<Turns<()>>,
    known: Mutex<Known>,
}

/// What was read.
#[derive(Debug, Default, Clone)]
struct Known {
    /// The configuration's directory.
    shipped: PathBuf,
    /// Read last; it may not be in force.
    read: BTreeMap<String, ClassFile>,
    /// In force.
    in_force: BTreeMap<String, ClassFile>,
}

/// The right to change one; nobody else has it meanwhile.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held, not read")] OwnedMutexGuard<()>);

impl Classes {
    /// Those of a daemon that keeps everything in `state`.
    pub fn below(state: &Path) -> Self {
        let own = OwnClasses::below(state).directory.unwrap_or_default();
        Self(Some(Arc::new(Place { own, turns: Arc::default(), known: Mutex::default() })))
    }

    /// Where own copies are, for who reads the configuration.
    pub fn own(&self) -> OwnClasses {
        OwnClasses { directory: self.0.as_ref().map(|place| place.own.clone()), tried: None }
    }

    /// A configuration was read; it counts when it is in force.
    pub fn read(&self, checked: &Checked) {
        let Ok(place) = self.place() else { return };
        let mut known = place.known();
        known.shipped.clone_from(&checked.pipelines);
        known.read.clone_from(&checked.class_files);
    }

    /// What was read last is in force: whatever of it is no version yet becomes one. Blocks.
    pub fn put_in_force(&self) {
        let Ok(place) = self.place() else { return };
        let read = place.known().read.clone();
        for (name, file) in &read {
            if let Err(error) = change::note(place, name, file) {
                tracing::warn!(class = name, %error, "a stream class is in force, and cannot be kept as a version");
            }
        }
        place.known().in_force = read;
    }

    /// Whether there can be one of that name here.
    pub fn takes(&self, name: &str) -> Result<(), ClassError> {
        self.place()?;
        named(name)
    }

    /// The right to change one, as soon as nobody else has it.
    pub async fn turn(&self) -> Result<Turn, ClassError> {
        let turns = self.place()?.turns.clone();
        let turn = tokio::time::timeout(TURN_WITHIN, turns.lock_owned()).await;
        turn.map(Turn).map_err(|_| ClassError::Busy)
    }

    fn place(&self) -> Result<&Place, ClassError> {
        self.0.as_deref().ok_or(ClassError::Nowhere)
    }
}

impl Place {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The own copy of `name`, which need not be there.
    fn own(&self, name: &str) -> PathBuf {
        self.own.join(format!("{name}.toml"))
    }

    /// The shipped class of that name, which need not be there.
    fn shipped(&self, name: &str) -> PathBuf {
        self.known().shipped.join(format!("{name}.toml"))
    }

    fn versions(&self, name: &str) -> PathBuf {
        self.own.join("versions").join(name)
    }
}

/// Names are directories and files: nothing else gets through.
fn named(name: &str) -> Result<(), ClassError> {
    crate::model::id::is_slug(name).then_some(()).ok_or_else(|| ClassError::Name(name.to_owned()))
}

/// The text of a file; none if there is none.
fn text_of(path: &Path) -> Result<Option<String>, ClassError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(ClassError::File { path: path.to_owned(), cause }),
    }
}

#[cfg(test)]
mod tests;

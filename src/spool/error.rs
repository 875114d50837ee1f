//! What can go wrong with a disk, told apart by what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::{Fault, RenditionId};

/// Why the spool could not do what it was asked. After each of them the spool stays usable: it drops the segment that
/// broke and tries again with the next.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// No space, or the user's disk quota is used up.
    #[error("the disk is full at {path}: free space on it, or lower the spool's quota", path = path.display())]
    Full {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file system is mounted read-only, often because its disk failed.
    #[error("{path} is on a read-only file system: check the disk (dmesg), then mount it writable", path = path.display())]
    ReadOnly {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A directory or file was taken away under the spool.
    #[error("{path} is gone: somebody deleted from the spool; it is set up again with the next segment", path = path.display())]
    Missing {
        /// What was looked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The process may not write here.
    #[error("no permission to write {path}: give the directory to the user this process runs as", path = path.display())]
    Permission {
        /// What was being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Anything else, such as a failing disk.
    #[error("cannot use {path}: check the disk (dmesg)", path = path.display())]
    Io {
        /// What was being used.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has this spool open.
    #[error("the spool {path} is in use by another process: two workers must not write one channel", path = path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// A rendition that was not named at open.
    #[error("rendition {0} is not in this spool")]
    UnknownRendition(RenditionId),
    /// A chunk came before the initialisation of its rendition.
    #[error("rendition {0} sent media before its initialisation")]
    NoInit(RenditionId),
    /// A chunk of a segment that is already closed: it would change what has been delivered.
    #[error("segment {number} of {rendition} came after segment {last} was closed: its media is dropped")]
    Behind {
        /// The rendition.
        rendition: RenditionId,
        /// The segment the chunk belongs to.
        number: u64,
        /// The last one closed.
        last: u64,
    },
}

impl SpoolError {
    /// A stable code for health reports.
    pub fn code(&self) -> &'static str {
        match self {
            SpoolError::Full { .. } => "disk_full",
            SpoolError::ReadOnly { .. } => "read_only",
            SpoolError::Missing { .. } => "spool_deleted",
            SpoolError::Permission { .. } => "no_permission",
            SpoolError::Io { .. } => "disk_failed",
            SpoolError::InUse { .. } => "spool_in_use",
            SpoolError::UnknownRendition(_) | SpoolError::NoInit(_) => "internal",
            SpoolError::Behind { .. } => "behind",
        }
    }

    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            SpoolError::Permission { .. } => Fault::Configuration,
            SpoolError::InUse { .. } | SpoolError::UnknownRendition(_) | SpoolError::NoInit(_) => Fault::Internal,
            SpoolError::Behind { .. } => Fault::Internal,
            _ => Fault::Hardware,
        }
    }
}

/// Names the path in an I/O error and sorts it by what to do.
pub(crate) trait At<T> {
    /// `path` is what was being used.
    fn at(self, path: &Path) -> Result<T, SpoolError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, path: &Path) -> Result<T, SpoolError> {
        self.map_err(|source| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SpoolError::Full { path, source },
                io::ErrorKind::ReadOnlyFilesystem => SpoolError::ReadOnly { path, source },
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => SpoolError::Missing { path, source },
                io::ErrorKind::PermissionDenied => SpoolError::Permission { path, source },
                _ => SpoolError::Io { path, source },
            }
        })
    }
}

impl<T> At<T> for rustix::io::Result<T> {
    fn at(self, path: &Path) -> Result<T, SpoolError> {
        self.map_err(io::Error::from).at(path)
    }
}

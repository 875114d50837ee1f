//! One daemon per directory.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

/// Why a directory is not ours.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("{} is in use by process {holder}: stop that one first, or give this one a directory of its own", directory.display())]
    Held {
        /// The directory.
        directory: PathBuf,
        /// Process id of the holder, as it wrote it down.
        holder: String,
    },
    /// The directory cannot be used.
    #[error("cannot use {}: {cause}: make it a directory that this user may write to", directory.display())]
    Unusable {
        /// The directory.
        directory: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
}

/// Exclusive use of a directory, until dropped or until this process ends, however it ends.
#[derive(Debug)]
pub struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Creates `directory` where there is none and takes it, by a lock on `<directory>/<name>`.
    pub fn take(directory: &Path, name: &str) -> Result<Self, LockError> {
        let unusable = |cause| LockError::Unusable { directory: directory.to_owned(), cause };
        std::fs::create_dir_all(directory).map_err(unusable)?;
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(false).to_owned();
        let mut file = options.open(directory.join(name)).map_err(unusable)?;
        if let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if error != rustix::io::Errno::WOULDBLOCK {
                return Err(unusable(error.into()));
            }
            let mut holder = String::new();
            let known = file.read_to_string(&mut holder).is_ok() && !holder.trim().is_empty();
            let holder = if known { holder.trim().to_owned() } else { "unknown".to_owned() };
            return Err(LockError::Held { directory: directory.to_owned(), holder });
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(unusable)?;
        writeln!(file, "{}", std::process::id()).map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("run");
        let first = DirectoryLock::take(&path, "uplinkd.pid").unwrap();
        let refused = DirectoryLock::take(&path, "uplinkd.pid").unwrap_err();
        assert!(refused.to_string().contains(&format!("in use by process {}", std::process::id())), "{refused}");
        drop(first);
        DirectoryLock::take(&path, "uplinkd.pid").unwrap();
    }

    #[test]
    fn an_unusable_directory_is_named() {
        let refused = DirectoryLock::take(Path::new("/proc/none"), "uplinkd.pid").unwrap_err();
        assert!(refused.to_string().starts_with("cannot use /proc/none:"), "{refused}");
    }
}

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
        match note(&mut file) {
            // Who holds it is good to know, but it is held all the same.
            Err(error) if is_full(&error) => {}
            noted => noted.map_err(unusable)?,
        }
        Ok(Self { _file: file })
    }
}

/// Writes down who holds it, over who did: what is on the disk already can be written when the disk is full.
fn note(file: &mut File) -> io::Result<()> {
    let line = format!("{}\n", std::process::id());
    file.rewind()?;
    file.write_all(line.as_bytes())?;
    file.set_len(line.len() as u64)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
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

    /// A box whose disk is full comes up, and nobody gets in beside it.
    #[test]
    fn a_full_disk_keeps_nobody_from_holding_it() {
        assert!(is_full(&File::create("/dev/full").unwrap().write_all(b"1").unwrap_err()));
        let directory = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", directory.path().join("uplinkd.pid")).unwrap();
        let held = DirectoryLock::take(directory.path(), "uplinkd.pid").unwrap();
        let other = File::open("/dev/full").unwrap();
        let lock = || flock(&other, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(lock(), Err(rustix::io::Errno::WOULDBLOCK));
        drop(held);
        assert_eq!(lock(), Ok(()));
    }

    #[test]
    fn an_unusable_directory_is_named() {
        let refused = DirectoryLock::take(Path::new("/proc/none"), "uplinkd.pid").unwrap_err();
        assert!(refused.to_string().starts_with("cannot use /proc/none:"), "{refused}");
    }
}

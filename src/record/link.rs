//! A file of the spool becomes a file of a recording: a hard link where both are on one file system, else a copy.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::spool::disk::{TEMPORARY, sync_parent};
use crate::spool::error::At;
use crate::spool::{OpenSegment, SpoolError};

/// Whether both names are of one file.
pub(crate) fn same_file(a: &Path, b: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    id(a).is_some_and(|one| Some(one) == id(b))
}

/// Whether a link is refused for reasons that a copy does not meet.
fn needs_copy(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, TooManyLinks, Unsupported};
    matches!(error.kind(), CrossesDevices | PermissionDenied | TooManyLinks | Unsupported)
}

/// Links `from` as `to`; false if that needs a copy.
fn link(from: &Path, to: &Path) -> Result<bool, SpoolError> {
    let linked = fs::hard_link(from, to).or_else(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => fs::remove_file(to).and_then(|()| fs::hard_link(from, to)),
        _ => Err(error),
    });
    match linked {
        Ok(()) => Ok(true),
        Err(error) if needs_copy(&error) => Ok(false),
        Err(error) => Err(error).at(if from.exists() { to } else { from }),
    }
}

/// Gives `to` what `from` holds, and makes that last through a power cut. `from` is complete and synced.
pub(crate) fn share(from: &Path, to: &Path) -> Result<(), SpoolError> {
    if same_file(from, to) {
        return Ok(());
    }
    if !link(from, to)? {
        copy(from, to)?;
    }
    sync_parent(to)
}

fn copy(from: &Path, to: &Path) -> Result<(), SpoolError> {
    let mut name = to.as_os_str().to_owned();
    name.push(".");
    name.push(TEMPORARY);
    let temporary = PathBuf::from(name);
    let mut source = File::open(from).at(from)?;
    let copied = File::create(&temporary)
        .and_then(|mut file| io::copy(&mut source, &mut file).and_then(|_| file.sync_data()))
        .and_then(|()| fs::rename(&temporary, to));
    if copied.is_err() {
        // Best effort: it is removed when the recording is mended, too.
        let _ = fs::remove_file(&temporary);
    }
    copied.at(to)
}

/// The segment that is being written, followed chunk by chunk.
#[derive(Debug)]
pub(crate) struct Followed {
    pub(crate) number: u64,
    serial: u64,
    path: PathBuf,
    file: File,
    /// Where a copy is read from; none for a link.
    source: Option<File>,
    /// Whole chunks that a power cut leaves, bytes.
    synced: u64,
}

impl Followed {
    /// Begins to follow the file `from` under the name `to`. None if it is gone: complete by now, or given up.
    pub(crate) fn begin(open: &OpenSegment, from: &Path, to: &Path) -> Result<Option<Self>, SpoolError> {
        let linked = match link(from, to) {
            Err(SpoolError::Missing { .. }) if !from.exists() => return Ok(None),
            linked => linked?,
        };
        let (file, source) = match linked {
            true => (File::open(to).at(to)?, None),
            false => (File::create(to).at(to)?, Some(File::open(from).at(from)?)),
        };
        sync_parent(to)?;
        let (number, serial, path) = (open.number, open.serial, to.to_owned());
        Ok(Some(Self { number, serial, path, file, source, synced: 0 }))
    }

    /// Whether it is the file of `open`, or one that was given up.
    pub(crate) fn is_of(&self, open: &OpenSegment) -> bool {
        (self.number, self.serial) == (open.number, open.serial)
    }

    /// Makes the first `bytes` last through a power cut.
    pub(crate) fn reach(&mut self, bytes: u64) -> Result<(), SpoolError> {
        if bytes <= self.synced {
            return Ok(());
        }
        if let Some(source) = &self.source {
            append(source, &self.file, self.synced, bytes).at(&self.path)?;
        }
        self.file.sync_data().at(&self.path)?;
        self.synced = bytes;
        tracing::debug!(path = %self.path.display(), bytes, "synced");
        Ok(())
    }

    /// Gives it the name `to`, now that the spool has all of it in `from`. False if it is not that file: then it is gone,
    /// and nothing was done.
    pub(crate) fn complete(mut self, from: &Path, to: &Path) -> Result<bool, SpoolError> {
        let whole = match self.source {
            None => same_file(&self.path, from),
            Some(_) => {
                let length = fs::metadata(from).at(from)?.len();
                self.reach(length)?;
                super::inspect::checksum(&self.path).at(&self.path)? == super::inspect::checksum(from).at(from)?
            }
        };
        if !whole {
            self.give_up();
            return Ok(false);
        }
        // Either name is found after a power cut, with all of the media.
        fs::rename(&self.path, to).at(to)?;
        Ok(true)
    }

    pub(crate) fn give_up(self) {
        // What stays is removed with the next segment, or when the recording is mended.
        let _ = fs::remove_file(&self.path);
    }
}

/// Copies what is between two places.
fn append(from: &File, to: &File, begin: u64, end: u64) -> io::Result<()> {
    let mut buffer = vec![0; 256 << 10];
    let mut at = begin;
    while at < end {
        let wanted = (end - at).min(buffer.len() as u64) as usize;
        from.read_exact_at(&mut buffer[..wanted], at)?;
        to.write_all_at(&buffer[..wanted], at)?;
        at += wanted as u64;
    }
    Ok(())
}

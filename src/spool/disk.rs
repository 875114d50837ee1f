//! Files that are there whole or not at all.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use super::error::{At, SpoolError};

/// What an unfinished atomic write leaves behind.
pub(crate) const TEMPORARY: &str = "tmp";

/// Writes `data` to `path` so that after a crash either the old or the new content is there.
pub(crate) fn write_atomic(path: &Path, data: &[u8]) -> Result<(), SpoolError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(TEMPORARY);
    let temporary = Path::new(&name);
    let written = (|| {
        let mut file = File::create(temporary)?;
        file.write_all(data)?;
        file.sync_data()?;
        fs::rename(temporary, path)
    })();
    if written.is_err() {
        // Best effort: what stays is removed at the next open.
        let _ = fs::remove_file(temporary);
    }
    written.at(path)?;
    sync_parent(path)
}

/// Makes a rename or a new file in the directory of `path` last through a power loss.
pub(crate) fn sync_parent(path: &Path) -> Result<(), SpoolError> {
    let parent = path.parent().unwrap_or(path);
    File::open(parent).and_then(|directory| directory.sync_all()).at(parent)
}

/// Bytes that an unprivileged process can still write to the file system of `path`.
pub(crate) fn free_bytes(path: &Path) -> Result<u64, SpoolError> {
    let stat = rustix::fs::statvfs(path).at(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

//! How fast a disk takes what must survive a power loss: written and synced in pieces, as segments are.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// One piece, about a segment of a large rendition.
const PIECE: usize = 1 << 20;
/// Pieces that are written at most.
const PIECES: u32 = 16;
/// A slow disk is known by fewer.
const LONGEST: Duration = Duration::from_millis(500);

/// Writes into a file of `directory` that is gone afterwards; bytes per second. Takes half a second, and as long as one
/// sync at the most.
pub fn synced_rate(directory: &Path) -> io::Result<u64> {
    let mut file = unnamed(directory)?;
    // Nothing that a disk or a file system could make small.
    let piece: Vec<u8> = (0..PIECE).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let (begun, mut written) = (Instant::now(), 0u64);
    for _ in 0..PIECES {
        file.write_all(&piece)?;
        file.sync_data()?;
        written += piece.len() as u64;
        if begun.elapsed() >= LONGEST {
            break;
        }
    }
    Ok((written as f64 / begun.elapsed().as_secs_f64().max(1e-6)) as u64)
}

/// A file without a name from the first moment on: nothing is left behind, however this ends.
fn unnamed(directory: &Path) -> io::Result<File> {
    let path = directory.join(format!(".disk-rate-{}", std::process::id()));
    let file = File::create(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// The device that `directory` is on, as the kernel numbers it.
pub fn device_of(directory: &Path) -> io::Result<String> {
    let device = std::fs::metadata(directory)?.dev();
    Ok(format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_a_rate_and_nothing_is_left_on_it() {
        let directory = tempfile::tempdir().unwrap();
        assert!(synced_rate(directory.path()).unwrap() > 0);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
        assert!(device_of(directory.path()).unwrap().contains(':'));
        assert!(synced_rate(&directory.path().join("none")).is_err());
    }
}

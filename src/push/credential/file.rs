//! A token in a file, read again when the file has changed.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::TokenTrouble;
use super::grant::{self, Grant};

/// For the disk to answer.
const DISK: Duration = Duration::from_secs(5);
/// No token is larger.
const MOST: u64 = 64 * 1024;

/// What tells two states of a file apart. A file that is replaced has another inode.
type Mark = (u64, u64, Option<SystemTime>);

/// See the module's header.
pub(crate) struct TokenFile {
    path: PathBuf,
    /// As it was when it was last read; none if it could not be.
    read: Option<Mark>,
}

impl TokenFile {
    /// Not yet read.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, read: None }
    }

    /// Reads it.
    pub(super) async fn read(&mut self) -> Result<Grant, TokenTrouble> {
        // The mark is taken first: a change in between is seen at the next look.
        self.read = self.mark().await.ok();
        let path = self.path.clone();
        let text = bounded(async move {
            if tokio::fs::metadata(&path).await?.len() > MOST {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large for a token"));
            }
            tokio::fs::read_to_string(&path).await
        });
        let text = text.await.map_err(|error| {
            // Text that is no UTF-8 is not part of the error, nor is the rest of the file.
            TokenTrouble::set_up(format!("the token's file {} cannot be read: {error}", self.path.display()))
        })?;
        grant::read(&text, &format!("the token's file {}", self.path.display()))
    }

    /// Whether it is another file, or has another content, than when it was read.
    pub(super) async fn has_changed(&self) -> bool {
        // One that is being replaced is not there for a moment; the token that was read stays.
        self.mark().await.is_ok_and(|mark| self.read != Some(mark))
    }

    async fn mark(&self) -> io::Result<Mark> {
        use std::os::unix::fs::MetadataExt as _;
        let path = self.path.clone();
        let meta = bounded(async move { tokio::fs::metadata(path).await }).await?;
        Ok((meta.ino(), meta.len(), meta.modified().ok()))
    }
}

async fn bounded<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| Err(io::Error::new(io::ErrorKind::TimedOut, "the disk does not answer"));
    tokio::time::timeout(DISK, work).await.unwrap_or_else(late)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_that_is_replaced_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let mut file = TokenFile::new(path.clone());
        assert!(file.read().await.unwrap_err().text.contains("cannot be read"));
        assert!(!file.has_changed().await);
        std::fs::write(&path, "one\n").unwrap();
        assert!(file.has_changed().await);
        assert_eq!(file.read().await.unwrap().secret.reveal(), "one");
        assert!(!file.has_changed().await);
        std::fs::write(directory.path().join("new"), "two\n").unwrap();
        std::fs::rename(directory.path().join("new"), &path).unwrap();
        assert!(file.has_changed().await);
        assert_eq!(file.read().await.unwrap().secret.reveal(), "two");
        std::fs::remove_file(&path).unwrap();
        assert!(!file.has_changed().await, "a missing file takes no token away");
    }
}

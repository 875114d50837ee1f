//! Where keys are put, so that players can be given them: a directory, or a server that takes PUT.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use url::Url;

use super::KeyTrouble;
use super::host::Host;
use super::key::Block;
use crate::model::ChannelId;
use crate::model::encryption::{KeyStore, KeyTemplate};
use crate::push::store::StoreError;

/// For a file to be written.
const DISK: Duration = Duration::from_secs(5);
/// The server that hands keys out is in the group of the directory.
const MODE: u32 = 0o640;

/// See the module's header.
#[derive(Debug)]
pub(crate) enum Deposit {
    /// Files.
    Directory(PathBuf),
    /// HTTP PUT.
    Http(Box<(Host, KeyTemplate)>),
}

impl Deposit {
    /// Sets it up. Needs a tokio runtime; reads certificates.
    pub(super) fn open(store: &KeyStore) -> Result<Self, StoreError> {
        Ok(match store {
            KeyStore::Directory { path } => Self::Directory(path.clone()),
            KeyStore::Http { host, url } => {
                let https = url.sample().is_some_and(|url| url.scheme() == "https");
                Self::Http(Box::new((Host::open("the key store", host, https)?, url.clone())))
            }
        })
    }

    /// Puts a key there; good, too, if it is there.
    pub(super) async fn put(&self, channel: &ChannelId, id: &str, key: Block) -> Result<(), KeyTrouble> {
        match self {
            Self::Directory(path) => {
                let directory = path.join(channel.as_str());
                let shown = directory.display().to_string();
                let id = id.to_owned();
                let work = tokio::task::spawn_blocking(move || write(&directory, &id, &key));
                let done = match tokio::time::timeout(DISK, work).await {
                    Ok(Ok(done)) => done,
                    _ => Err(io::Error::new(io::ErrorKind::TimedOut, "the disk does not answer")),
                };
                done.map_err(|error| KeyTrouble::set_up(format!("{shown}: the key cannot be written: {error}")))
            }
            Self::Http(server) => {
                let (host, template) = &**server;
                let url = template.address(channel, id);
                let url = Url::parse(&url).map_err(|_| KeyTrouble::set_up(format!("`{url}` is no address")))?;
                let mut headers = HeaderMap::new();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
                host.send(Method::PUT, url, headers, Bytes::copy_from_slice(&key)).await.map(|_| ())
            }
        }
    }
}

/// Writes a file that is there as a whole or not at all.
fn write(directory: &Path, id: &str, key: &Block) -> io::Result<()> {
    let path = directory.join(id);
    if fs::read(&path).is_ok_and(|there| there == *key) {
        return Ok(());
    }
    fs::create_dir_all(directory)?;
    let new = directory.join(format!(".{id}.{}", std::process::id()));
    let written = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(&new);
    let renamed = written
        .and_then(|mut file| file.write_all(key).and_then(|()| file.sync_data()))
        .and_then(|()| fs::rename(&new, &path));
    if renamed.is_err() {
        // Nothing to be done about it if it stays.
        let _ = fs::remove_file(&new);
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn a_key_is_a_file_of_sixteen_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let deposit = Deposit::Directory(directory.path().to_owned());
        let channel = ChannelId::new("demo").unwrap();
        for key in [*b"0123456789abcdef", *b"0123456789abcdef", *b"fedcba9876543210"] {
            deposit.put(&channel, "00ff", key).await.unwrap();
            let path = directory.path().join("demo/00ff");
            assert_eq!(fs::read(&path).unwrap(), key);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o007, 0, "not for everybody");
        }
        assert_eq!(fs::read_dir(directory.path().join("demo")).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_directory_that_cannot_be_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let deposit = Deposit::Directory(file.path().to_owned());
        let trouble = deposit.put(&ChannelId::new("demo").unwrap(), "0", [0; 16]).await.unwrap_err();
        assert!(trouble.text.contains("the key cannot be written"), "{}", trouble.text);
    }
}

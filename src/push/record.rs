//! What a destination has acknowledged, kept on disk: a worker that comes back neither sends everything again nor
//! forgets what it owes. A lost, broken or foreign file means sending again what the spool has: PUT is idempotent.
//!
//! The file is replaced atomically but not flushed: after a power loss it may be old or empty, which costs bandwidth, not
//! segments.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::model::RenditionId;

use super::description::PushDescription;
use super::ranges::Ranges;

/// What is known of one rendition at the destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivered {
    /// Segments it acknowledged.
    pub(crate) acknowledged: Ranges,
    /// Segments it refused for good, or that could not be read from disk any more.
    pub(crate) skipped: Ranges,
    /// Segments that are to be deleted there some day; nothing where old segments stay.
    #[serde(default)]
    pub(crate) stored: Ranges,
    /// Initialisations it acknowledged, by file name.
    pub(crate) inits: BTreeSet<String>,
    /// What is below this number the other box of a pair sees to.
    #[serde(skip)]
    pub(crate) elsewhere: Option<u64>,
    /// The first segment that is not delivered at the live edge, because the line is too slow for this rendition.
    #[serde(default)]
    pub(crate) dropped_from: Option<u64>,
}

impl Delivered {
    /// Whether it acknowledged an initialisation; text has none, and needs none.
    pub(crate) fn has_init(&self, name: &str) -> bool {
        name.is_empty() || self.inits.contains(name)
    }

    /// Whether the spool may let `number` go.
    pub(crate) fn may_go(&self, number: u64) -> bool {
        self.settled(number) || self.elsewhere.is_some_and(|below| number < below)
    }

    /// Whether nothing is owed for `number`.
    pub(crate) fn settled(&self, number: u64) -> bool {
        self.acknowledged.contains(number) || self.skipped.contains(number)
    }
}

/// The file's content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Where it was sent: at another address nothing is there yet.
    url: String,
    /// By rendition.
    pub(crate) renditions: BTreeMap<RenditionId, Delivered>,
}

impl Record {
    /// Nothing acknowledged yet.
    pub(crate) fn empty(url: &str) -> Self {
        Self { url: url.to_owned(), renditions: BTreeMap::new() }
    }

    /// Where the record of an endpoint lies in `directory`. No identifier holds a dot.
    pub(crate) fn path(directory: &Path, of: &PushDescription) -> PathBuf {
        let (destination, endpoint) = (&of.destination, &of.endpoint);
        match of.is_primary() {
            true => directory.join(format!("push-{destination}.json")),
            false => directory.join(format!("push-{destination}.{endpoint}.json")),
        }
    }

    /// Reads it back; an empty one if there is none for `url`.
    pub(crate) fn load(path: &Path, url: &str) -> Self {
        let read = std::fs::read(path).map_err(|error| error.to_string());
        let parsed = read.and_then(|bytes| serde_json::from_slice::<Record>(&bytes).map_err(|error| error.to_string()));
        match parsed {
            Ok(record) if record.url == url => record,
            Ok(record) => {
                tracing::info!(path = %path.display(), was = record.url, "destination moved: pushing the spool anew");
                Self::empty(url)
            }
            Err(error) => {
                tracing::info!(path = %path.display(), error, "no record of what was pushed: pushing the spool anew");
                Self::empty(url)
            }
        }
    }

    /// Replaces the file. Blocking.
    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        let temporary = path.with_extension("json.tmp");
        std::fs::write(&temporary, serde_json::to_vec(self)?)?;
        std::fs::rename(&temporary, path)
    }
}

/// The record with its file: written now and then, by a thread that may block.
#[derive(Debug)]
pub(crate) struct RecordFile {
    path: PathBuf,
    record: Record,
    /// Changed since it was last written.
    stale: bool,
    written: Instant,
    writer: Option<JoinHandle<()>>,
    /// The last write failed, and that was told.
    failing: Arc<AtomicBool>,
}

impl RecordFile {
    /// The file is written at most this often; what is lost with it is sent twice.
    const EVERY: Duration = Duration::from_secs(1);

    /// `record`, to be kept at `path`.
    pub(crate) fn new(path: PathBuf, record: Record) -> Self {
        Self { path, record, stale: false, written: Instant::now(), writer: None, failing: Arc::default() }
    }

    /// What was known of `rendition` when the record was read, or was noted since.
    pub(crate) fn of(&self, rendition: &RenditionId) -> Delivered {
        self.record.renditions.get(rendition).cloned().unwrap_or_default()
    }

    /// Notes what is delivered of `rendition`.
    pub(crate) fn note(&mut self, rendition: &RenditionId, delivered: Delivered) {
        self.record.renditions.insert(rendition.clone(), delivered);
        self.stale = true;
    }

    /// Writes it if it is time to.
    pub(crate) fn write_if_due(&mut self, now: Instant) {
        let busy = self.writer.as_ref().is_some_and(|writer| !writer.is_finished());
        if self.stale && !busy && now.saturating_duration_since(self.written) >= Self::EVERY {
            self.written = now;
            self.write();
        }
    }

    /// Writes what has not been written, and waits for it.
    pub(crate) async fn close(&mut self) {
        if let Some(writer) = self.writer.take() {
            let _ = writer.await;
        }
        if self.stale {
            self.write();
        }
        if let Some(writer) = self.writer.take() {
            let _ = writer.await;
        }
    }

    fn write(&mut self) {
        self.stale = false;
        let (record, path, failing) = (self.record.clone(), self.path.clone(), self.failing.clone());
        self.writer = Some(tokio::task::spawn_blocking(move || match record.save(&path) {
            Ok(()) => failing.store(false, Ordering::Relaxed),
            Err(error) => {
                if !failing.swap(true, Ordering::Relaxed) {
                    tracing::warn!(path = %path.display(), %error, "the record of what was pushed cannot be written");
                }
            }
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Record {
        let mut record = Record::empty("http://origin/live");
        let delivered = record.renditions.entry(RenditionId::new("v720").unwrap()).or_default();
        delivered.acknowledged.insert(7);
        delivered.inits.insert("init-00000000.mp4".to_owned());
        record
    }

    #[test]
    fn a_record_is_read_back_for_the_same_address_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("push-cloud.json");
        sample().save(&path).unwrap();
        assert_eq!(Record::load(&path, "http://origin/live"), sample());
        assert_eq!(Record::load(&path, "http://other/live"), Record::empty("http://other/live"));
    }

    #[test]
    fn a_broken_record_means_pushing_anew() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("push-cloud.json");
        assert_eq!(Record::load(&path, "u"), Record::empty("u"));
        sample().save(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(Record::load(&path, "http://origin/live"), Record::empty("http://origin/live"), "cut at {cut}");
        }
    }
}

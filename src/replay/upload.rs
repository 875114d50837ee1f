//! A recording sent to a destination: what is there already, of the same length, is not sent again, so an upload that
//! was broken off goes on where it was. A recording that still runs is followed until it ends.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::catalog::load;
use super::job::{Job, JobState};
use super::pace::Pace;
use super::parcel::{self, Parcel, Seal};
use super::target::UploadTarget;
use crate::model::BitRate;
use crate::policy::{Attempts, Backoff, HttpFailure, RetryDecision, judge};
use crate::push::{Presence, Store, Terms};
use crate::record::{MEDIA_PLAYLIST, MULTIVARIANT_PLAYLIST, Manifest, RecordingId, RecordingState};

/// Requests at a time: enough to fill a line of some delay, few enough to leave room for the live edge.
const IN_FLIGHT: usize = 3;
/// For an answer, once the body has been handed over.
const ANSWER: Duration = Duration::from_secs(15);
/// Between two looks at a recording that runs.
const FOLLOW: Duration = Duration::from_secs(2);
/// So many looks at one that has ended, for its playlists to say so.
const PATIENCE: u32 = 10;
const SOON: Backoff =
    Backoff { first: Duration::from_millis(300), cap: Duration::from_secs(15), factor: 2.0, jitter: 0.25 };
const SLOWLY: Backoff =
    Backoff { first: Duration::from_secs(5), cap: Duration::from_secs(60), factor: 2.0, jitter: 0.25 };

/// What came of an upload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Uploaded {
    /// Objects sent.
    pub(crate) sent: u64,
    /// Objects that were there already.
    pub(crate) there: u64,
    /// Objects that the destination took over from what was pushed live.
    pub(crate) linked: u64,
    /// Bytes of what was sent, as far as it was acknowledged.
    pub(crate) bytes: u64,
    /// Attempts that failed and were made again.
    pub(crate) retries: u64,
    /// Where to play it, below the destination's address.
    pub(crate) path: String,
}

impl fmt::Display for Uploaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, there, linked, .. } = self;
        write!(f, "{sent} objects sent, {there} were there already")?;
        if *linked > 0 { write!(f, ", {linked} were taken over from what is live") } else { Ok(()) }
    }
}

/// Why an upload ended before its time.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Somebody stopped it, or the daemon ends.
    Stopped,
    /// It cannot be done: a sentence.
    Fatal(String),
}

/// Sends the recording in `directory` to `target`.
pub(crate) async fn upload(
    id: &RecordingId,
    directory: &Path,
    target: &UploadTarget,
    limit: Option<BitRate>,
    job: &Job,
) -> Result<Uploaded, Trouble> {
    let store = Store::open(&target.url, &target.upload, ANSWER).map_err(|error| Trouble::Fatal(error.to_string()))?;
    let line = Line { store, job, pace: Pace::new(limit), counts: Counts::default() };
    let mut done: HashSet<String> = HashSet::new();
    let mut unended = 0;
    loop {
        // Playlists first, then what there is to send: so no playlist names what has not been sent.
        let lists = snapshot(directory).await?;
        let manifest = look(id, directory).await?;
        line.pass(&manifest, directory, &mut done).await?;
        line.lists(&manifest, directory, &lists).await?;
        if manifest.state == RecordingState::Recording {
            job.tell(JobState::Running, "follows the recording, which still runs".to_owned());
        } else if is_ended(&lists) {
            let path = format!("{}/{}", parcel::base(&manifest), MULTIVARIANT_PLAYLIST);
            return Ok(line.counts.total(path));
        } else if unended == PATIENCE {
            return Err(Trouble::Fatal("the recording has ended, but its playlists do not say so".to_owned()));
        } else {
            // They were read a moment before the recording ended.
            unended += 1;
        }
        line.wait(FOLLOW).await?;
    }
}

/// Whether every media playlist says that nothing follows.
fn is_ended(lists: &Lists) -> bool {
    let mut media = lists.iter().filter(|(file, _)| file.ends_with(MEDIA_PLAYLIST)).peekable();
    media.peek().is_some() && media.all(|(_, text)| String::from_utf8_lossy(text).contains("#EXT-X-ENDLIST"))
}

/// Playlists as they are now, by the name of their file.
type Lists = Vec<(std::path::PathBuf, Bytes)>;

async fn snapshot(directory: &Path) -> Result<Lists, Trouble> {
    let directory = directory.to_owned();
    blocking(move || {
        let manifest = Manifest::load(&directory).map_err(|error| error.to_string())?;
        let files = parcel::lists(&manifest, &directory).into_iter().map(|list| list.file);
        Ok(files.filter_map(|file| Some((file.clone(), Bytes::from(std::fs::read(&file).ok()?)))).collect())
    })
    .await
}

async fn look(id: &RecordingId, directory: &Path) -> Result<Manifest, Trouble> {
    let (id, directory) = (id.clone(), directory.to_owned());
    blocking(move || load(&id, &directory).map_err(|error| error.to_string())).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, String> + Send + 'static) -> Result<T, Trouble> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(error.to_string())).map_err(Trouble::Fatal)
}

/// The way to a destination.
struct Line<'a> {
    store: Store,
    job: &'a Job,
    pace: Pace,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    sent: AtomicU64,
    there: AtomicU64,
    linked: AtomicU64,
    bytes: AtomicU64,
    retries: AtomicU64,
}

impl Counts {
    fn total(&self, path: String) -> Uploaded {
        let [sent, there, linked, bytes, retries] = [&self.sent, &self.there, &self.linked, &self.bytes, &self.retries]
            .map(|count| count.load(Ordering::Relaxed));
        Uploaded { sent, there, linked, bytes, retries, path }
    }
}

impl Line<'_> {
    /// Sends the media that are not known to be there.
    async fn pass(&self, manifest: &Manifest, directory: &Path, done: &mut HashSet<String>) -> Result<(), Trouble> {
        let mut due = parcel::media(manifest, directory);
        let all = due.len().max(1) as f64;
        due.retain(|parcel| !done.contains(&parcel.path));
        let mut sending = futures::stream::iter(due)
            .map(|parcel| async move { self.deliver(&parcel, None).await.map(|()| parcel.path) })
            .buffer_unordered(IN_FLIGHT);
        while let Some(path) = sending.next().await {
            done.insert(path?);
            let counts = self.counts.total(String::new());
            self.job.tell(JobState::Running, counts.to_string());
            // While it is followed, the end is not known.
            if !self.job.go_on(if manifest.ended.is_some() { done.len() as f64 / all * 0.99 } else { 0.0 }) {
                return Err(Trouble::Stopped);
            }
        }
        Ok(())
    }

    /// Sends the playlists, media playlists first.
    async fn lists(&self, manifest: &Manifest, directory: &Path, lists: &Lists) -> Result<(), Trouble> {
        for parcel in parcel::lists(manifest, directory) {
            if let Some((_, body)) = lists.iter().find(|(file, _)| *file == parcel.file) {
                self.deliver(&parcel, Some(body.clone())).await?;
            }
        }
        Ok(())
    }

    /// Delivers an object, however often that has to be tried.
    async fn deliver(&self, parcel: &Parcel, body: Option<Bytes>) -> Result<(), Trouble> {
        let (mut soon, mut slowly) = (Attempts::new(SOON), Attempts::new(SLOWLY));
        loop {
            let attempt = self.attempt(parcel, body.clone());
            let failure = match self.job.stopping().run_until_cancelled(attempt).await {
                None => return Err(Trouble::Stopped),
                Some(Ok(())) => return Ok(()),
                Some(Err(Failed::Here(why))) => return Err(Trouble::Fatal(why)),
                Some(Err(Failed::There(failure))) => failure,
            };
            let verdict = judge(&failure);
            let wait = match verdict.decision {
                RetryDecision::Never => {
                    return Err(Trouble::Fatal(format!("{}: {}; {}", parcel.path, verdict.text, verdict.hint)));
                }
                RetryDecision::Retry => soon.failed(fastrand::f64()),
                RetryDecision::RetrySlowly | RetryDecision::RefreshTokenThenRetry => slowly.failed(fastrand::f64()),
            };
            self.counts.retries.fetch_add(1, Ordering::Relaxed);
            self.job.tell(JobState::Interrupted, format!("{}; {}", verdict.text, verdict.hint));
            if soon.count() % 4 == 3 {
                self.store.renew();
            }
            self.wait(wait).await?;
        }
    }

    async fn attempt(&self, parcel: &Parcel, body: Option<Bytes>) -> Result<(), Failed> {
        let body = match body {
            Some(body) => body,
            None => {
                let length = tokio::fs::metadata(&parcel.file).await.map_err(|error| unreadable(parcel, &error))?.len();
                match (self.store.size(&parcel.path).await?, &parcel.seal) {
                    (Presence::Bytes(there), _) if there == length => {
                        self.counts.there.fetch_add(1, Ordering::Relaxed);
                        return Ok(());
                    }
                    (Presence::Near, Some(Seal::Whole(_, digest))) if self.store.link(&parcel.path, digest).await? => {
                        self.counts.linked.fetch_add(1, Ordering::Relaxed);
                        return Ok(());
                    }
                    _ => {}
                }
                let data = tokio::fs::read(&parcel.file).await.map_err(|error| unreadable(parcel, &error))?;
                sealed(parcel, data)?
            }
        };
        let bytes = body.len() as u64;
        self.pace.take(bytes).await;
        self.store.put(&parcel.path, parcel.label, Terms::default(), body).await?;
        self.counts.sent.fetch_add(1, Ordering::Relaxed);
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    async fn wait(&self, duration: Duration) -> Result<(), Trouble> {
        let waited = self.job.stopping().run_until_cancelled(sleep(duration)).await;
        waited.ok_or(Trouble::Stopped)
    }
}

/// Why an attempt failed.
enum Failed {
    /// The recording is at fault: a sentence.
    Here(String),
    /// The destination, or the way to it.
    There(HttpFailure),
}

impl From<HttpFailure> for Failed {
    fn from(failure: HttpFailure) -> Self {
        Failed::There(failure)
    }
}

fn unreadable(parcel: &Parcel, error: &std::io::Error) -> Failed {
    Failed::Here(format!(
        "{} cannot be read: {error}; `uplinkctl recording verify` says what else is missing",
        parcel.file.display()
    ))
}

/// Nothing that is torn is sent.
fn sealed(parcel: &Parcel, data: Vec<u8>) -> Result<Bytes, Failed> {
    let digest = hex::encode(Sha256::digest(&data));
    let good = match &parcel.seal {
        None => true,
        Some(Seal::Whole(bytes, sha256)) => data.len() as u64 == *bytes && digest == *sha256,
        Some(Seal::Begins(digits)) => digest.starts_with(digits),
    };
    if good {
        Ok(data.into())
    } else {
        let file = parcel.file.display();
        Err(Failed::Here(format!(
            "{file} is not what its checksum says; `uplinkctl recording verify` says what else is torn"
        )))
    }
}

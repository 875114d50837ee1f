//! Where jobs are asked for, carried out and looked at.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::{Semaphore, oneshot};
use tokio_util::sync::CancellationToken;

use super::ask::{Ask, DeskError};
use super::catalog::{self, CatalogError, MOVIES};
use super::job::{End, Job, JobKind, JobStatus};
use super::notes::{self, UploadNote};
use super::range::ordered;
use super::stitch::Wanted;
use super::summary::{RecordingSummary, summary};
use super::target::{self, UploadTarget};
use super::upload::{Trouble, upload};
use super::wish::UploadWish;
use super::work::Work;
use crate::model::{ChannelId, Event, EventCode, Fault, MediaTime, Severity};
use crate::record::{Manifest, RecordingId};
use crate::system::lower_priority;

/// Jobs that are remembered when they are over.
const REMEMBERED: usize = 100;
/// Jobs that may wait or run.
const MOST: usize = 50;
/// Uploads at a time.
const UPLOADS: usize = 2;

/// What a desk works with.
pub struct Shop {
    /// The worker's executable.
    pub worker: PathBuf,
    /// Takes what happens.
    pub tell: Box<dyn Fn(Event) + Send + Sync>,
}

/// See the module. Cheap to clone; all clones are one desk.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

struct Inner {
    shop: Shop,
    /// Directories of recordings.
    roots: RwLock<Vec<PathBuf>>,
    targets: RwLock<Vec<UploadTarget>>,
    /// Uploads that nobody asks for.
    wishes: RwLock<Vec<UploadWish>>,
    jobs: Mutex<VecDeque<Arc<Job>>>,
    next: AtomicU64,
    /// What reads and writes the disk takes turns.
    disk: Semaphore,
    line: Semaphore,
    closing: CancellationToken,
}

impl Desk {
    /// Knows no recordings yet.
    pub fn new(shop: Shop) -> Self {
        Self(Arc::new(Inner {
            shop,
            roots: RwLock::default(),
            targets: RwLock::default(),
            wishes: RwLock::default(),
            jobs: Mutex::default(),
            next: AtomicU64::new(1),
            disk: Semaphore::new(1),
            line: Semaphore::new(UPLOADS),
            closing: CancellationToken::new(),
        }))
    }

    /// Knows no recordings, and never will unless it is told.
    pub(crate) fn idle() -> Self {
        Self::new(Shop { worker: "uplink-worker".into(), tell: Box::new(drop) })
    }

    /// Where recordings are, and where they can be uploaded to, as the configuration says now.
    pub fn learn(&self, roots: Vec<PathBuf>, targets: Vec<UploadTarget>) {
        *self.0.roots.write().unwrap_or_else(PoisonError::into_inner) = roots;
        *self.0.targets.write().unwrap_or_else(PoisonError::into_inner) = targets;
    }

    /// Where recordings go by themselves when they have ended, as the configuration says now; see [`Desk::look`].
    pub fn wish(&self, wishes: Vec<UploadWish>) {
        *self.0.wishes.write().unwrap_or_else(PoisonError::into_inner) = wishes;
    }

    pub(super) fn wishes(&self) -> Vec<UploadWish> {
        self.0.wishes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn tell(&self, event: Event) {
        (self.0.shop.tell)(event);
    }

    /// Tidies up behind an earlier daemon, and goes on with the uploads that it has not finished. Blocks for the disk; needs a tokio runtime.
    pub fn resume(&self) {
        catalog::tidy(&self.roots());
        for (channel, id, directory) in catalog::directories(&self.roots()) {
            // What waits for the end of a recording is begun by `look`.
            for note in notes::read(&directory).into_iter().filter(|note| !note.done && !note.after) {
                let ask = Ask::Upload { to: note.to, limit: note.limit };
                if let Err(error) = self.ask(&channel, &id, ask) {
                    tracing::warn!(%channel, recording = %id, %error, "an upload cannot be gone on with");
                }
            }
        }
        self.look(None);
    }

    /// Ends all work; uploads are gone on with by the next daemon.
    pub fn close(&self) {
        self.0.closing.cancel();
    }

    pub(super) fn roots(&self) -> Vec<PathBuf> {
        self.0.roots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All recordings, newest first; those that cannot be read are left out and told. Blocks for the disk.
    pub fn list(&self) -> Vec<RecordingSummary> {
        let found = catalog::directories(&self.roots()).into_iter();
        let read = found.filter_map(|(_, id, directory)| {
            let loaded = catalog::load(&id, &directory);
            let manifest = loaded.inspect_err(|error| tracing::warn!(%error, "a recording is left out of the list"));
            Some(summary(&manifest.ok()?, &directory))
        });
        read.collect()
    }

    /// One recording. Blocks for the disk.
    pub fn show(&self, channel: &ChannelId, id: &RecordingId) -> Result<RecordingSummary, DeskError> {
        let directory = catalog::find(&self.roots(), channel, id)?;
        Ok(summary(&catalog::load(id, &directory)?, &directory))
    }

    /// Where a file of a recording is.
    pub fn file(&self, channel: &ChannelId, id: &RecordingId, path: &str) -> Result<PathBuf, DeskError> {
        Ok(catalog::file(&catalog::find(&self.roots(), channel, id)?, path)?)
    }

    /// Keeps a recording from being deleted for lack of room, or no more. Blocks for the disk.
    pub fn protect(&self, channel: &ChannelId, id: &RecordingId, protected: bool) -> Result<bool, DeskError> {
        Ok(catalog::protect(id, &catalog::find(&self.roots(), channel, id)?, protected)?)
    }

    /// Deletes a recording, unless a job works on it. Blocks for the disk.
    pub fn delete(&self, channel: &ChannelId, id: &RecordingId) -> Result<(), DeskError> {
        let busy =
            self.jobs().into_iter().find(|job| job.channel == *channel && job.recording == *id && !job.is_over());
        if let Some(job) = busy {
            return Err(DeskError::Busy(format!("job {} works on recording `{id}`: stop it first", job.id)));
        }
        Ok(catalog::delete(id, &catalog::find(&self.roots(), channel, id)?)?)
    }

    /// Deletes a movie of a recording. Blocks for the disk.
    pub fn delete_movie(&self, channel: &ChannelId, id: &RecordingId, name: &str) -> Result<(), DeskError> {
        let path = self.file(channel, id, &format!("{MOVIES}/{name}"))?;
        std::fs::remove_file(path).map_err(|_| CatalogError::NoFile(format!("{MOVIES}/{name}")).into())
    }

    /// All jobs, newest first.
    pub fn jobs(&self) -> Vec<JobStatus> {
        self.queue().iter().rev().map(|job| job.status()).collect()
    }

    /// One job.
    pub fn job(&self, id: u64) -> Result<JobStatus, DeskError> {
        self.jobs().into_iter().find(|job| job.id == id).ok_or(DeskError::UnknownJob(id))
    }

    /// Stops a job.
    pub fn stop(&self, id: u64) -> Result<JobStatus, DeskError> {
        let found = self.queue().iter().find(|job| job.status().id == id).cloned();
        let job = found.ok_or(DeskError::UnknownJob(id))?;
        job.stop();
        Ok(job.status())
    }

    fn queue(&self) -> std::sync::MutexGuard<'_, VecDeque<Arc<Job>>> {
        self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a job. Blocks for the disk; needs a tokio runtime.
    pub fn ask(&self, channel: &ChannelId, id: &RecordingId, ask: Ask) -> Result<JobStatus, DeskError> {
        let directory = catalog::find(&self.roots(), channel, id)?;
        let manifest = catalog::load(id, &directory)?;
        let work = self.prepare(&manifest, ask)?;
        let kind = work.kind();
        let job = {
            let mut queue = self.queue();
            let open = queue.iter().filter(|job| !job.status().is_over()).count();
            if open >= MOST {
                return Err(DeskError::Busy(format!("{open} jobs wait already: let some of them end first")));
            }
            let number = self.0.next.fetch_add(1, Ordering::Relaxed);
            let job = Job::new(number, kind, channel.clone(), id.clone(), self.0.closing.child_token());
            let job = Arc::new(job);
            queue.push_back(job.clone());
            while queue.len() > REMEMBERED && queue.front().is_some_and(|job| job.status().is_over()) {
                queue.pop_front();
            }
            job
        };
        let (desk, status) = (self.clone(), job.status());
        tokio::spawn(async move {
            let end = desk.carry_out(&job, &directory, manifest, work).await;
            desk.report(&job.status(), &end);
            job.end(end);
        });
        Ok(status)
    }

    /// Everything that can be said against it before it begins.
    fn prepare(&self, manifest: &Manifest, ask: Ask) -> Result<Work, DeskError> {
        match ask {
            Ask::Stitch { video, audio, exact } => {
                let wanted = Wanted { video, audio, range: ordered(manifest), exact };
                Ok(Work::Movie(JobKind::Stitch, wanted, format!("{}.mp4", manifest.id)))
            }
            Ask::Clip { stretch, title, movie, exact, video, audio } => {
                let range = stretch.within(manifest).map_err(DeskError::Impossible)?;
                let title = title.unwrap_or_else(|| "clip".to_owned());
                if !movie && !exact {
                    return Ok(Work::Recording(range, title));
                }
                let name = format!("{}.mp4", RecordingId::begun(range.start, Some(&title)));
                Ok(Work::Movie(JobKind::Clip, Wanted { video, audio, range: Some(range), exact }, name))
            }
            Ask::Verify => Ok(Work::Verify),
            Ask::Upload { to, limit } => {
                let targets = self.0.targets.read().unwrap_or_else(PoisonError::into_inner);
                let target = target::find(&targets, &manifest.channel, &to).map_err(DeskError::Impossible)?;
                let same = |job: &JobStatus| {
                    job.kind == JobKind::Upload && job.recording == manifest.id && job.channel == manifest.channel
                };
                if let Some(job) = self.jobs().iter().find(|job| same(job) && !job.is_over()) {
                    return Err(DeskError::Busy(format!("job {} uploads it already", job.id)));
                }
                Ok(Work::Upload(UploadNote::asked(to, limit), Box::new(target.clone())))
            }
        }
    }

    async fn carry_out(&self, job: &Arc<Job>, directory: &Path, manifest: Manifest, work: Work) -> End {
        let turn = if let Work::Upload(..) = work { &self.0.line } else { &self.0.disk };
        let Some(Ok(_turn)) = job.stopping().run_until_cancelled(turn.acquire()).await else { return End::Stopped };
        if let Work::Upload(note, target) = work {
            return self.send(job, directory, &manifest.id, note, &target).await;
        }
        let (answer, ended) = oneshot::channel();
        let (job, directory, worker) = (job.clone(), directory.to_owned(), self.0.shop.worker.clone());
        let spawned = std::thread::Builder::new().name("recording-job".into()).spawn(move || {
            lower_priority();
            let _ = answer.send(work.on_disk(&manifest, &directory, &worker, &job));
        });
        match spawned {
            Ok(_) => ended.await.unwrap_or_else(|_| End::Failed("it broke down; report this with the log".to_owned())),
            Err(error) => End::Failed(format!("no thread can be started: {error}")),
        }
    }

    async fn send(
        &self,
        job: &Job,
        directory: &Path,
        id: &RecordingId,
        note: UploadNote,
        target: &UploadTarget,
    ) -> End {
        let (to, limit) = (note.to.clone(), note.limit);
        notes::write(directory, note);
        let sent = upload(id, directory, target, limit, job).await;
        let end = match sent {
            Err(Trouble::Stopped) if self.0.closing.is_cancelled() => return End::Stopped,
            Err(Trouble::Stopped) => End::Stopped,
            Err(Trouble::Fatal(why)) => End::Failed(why),
            Ok(sent) => {
                let text = format!("{sent}: {}", sent.path);
                End::Done(text, serde_json::to_value(sent).unwrap_or_default())
            }
        };
        notes::write(directory, UploadNote { done: true, ..UploadNote::asked(to, limit) });
        end
    }

    /// What people are told who did not watch.
    fn report(&self, job: &JobStatus, end: &End) {
        let at = MediaTime::from_system(std::time::SystemTime::now());
        let what = &job.recording;
        let event = match (job.kind, end) {
            (JobKind::Upload, End::Done(text, _)) => {
                let text = format!("recording {what} is uploaded: {text}");
                Event::new(at, Severity::Info, EventCode::RecordingUploaded, text)
            }
            (JobKind::Upload, End::Failed(why)) => {
                let text = format!("recording {what} cannot be uploaded: {why}");
                let event = Event::new(at, Severity::Warning, EventCode::RecordingUploadFailed, text);
                event.blame(
                    Fault::Destination,
                    "correct what it says, then upload it again: only what is missing is sent",
                )
            }
            (JobKind::Verify, End::Done(text, found)) if found["good"] == false => {
                let text = format!("recording {what} is damaged: {text}");
                let event = Event::new(at, Severity::Warning, EventCode::RecordingDamaged, text);
                event.blame(
                    Fault::Hardware,
                    "look at the disk's health (smartctl), and fetch the rest from where it was uploaded",
                )
            }
            _ => return,
        };
        (self.0.shop.tell)(event.channel(&job.channel));
    }
}

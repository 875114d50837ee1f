//! The recorder of one destination: a thread that looks into the spool, and what others see of it.
//!
//! ```text
//!  ask (start, stop, marker), renditions, end ──queue──► thread ──► files
//!                                                          │ looks every 100 ms
//!           status, what the spool must keep ◄──shared─────┘
//! ```

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::manifest::RecordedRendition;
use super::work::Work;
use crate::model::status::DestinationState;
use crate::model::{
    ChannelId, DestinationId, Event, Fault, Health, HealthReport, LiveTimeline, MediaTime, RecordedOf, RecordingAsk,
    RecordingLimits, RecordingStart, RecordingStatus, RenditionId,
};
use crate::spool::Spool;

/// How often the spool is looked into: of half a second that a chunk takes, a power cut costs that much more.
const LOOK: Duration = Duration::from_millis(100);

/// What a recorder is told at its start.
pub struct RecorderSetting {
    /// Of what.
    pub channel: ChannelId,
    /// Of what of it; the spool is that of this.
    pub of: RecordedOf,
    /// For which destination.
    pub destination: DestinationId,
    /// The directory of all recordings.
    pub directory: std::path::PathBuf,
    /// When a recording begins.
    pub start: RecordingStart,
    /// Title of a recording that is not given one.
    pub title: Option<String>,
    /// How much is kept.
    pub limits: RecordingLimits,
    /// What is recorded; without segments.
    pub renditions: Vec<RecordedRendition>,
    /// Where segments are cut.
    pub timeline: LiveTimeline,
    /// The house clock.
    pub now: Box<dyn Fn() -> MediaTime + Send>,
    /// Takes what happens.
    pub events: Box<dyn Fn(Event) + Send>,
}

/// What a recorder says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct RecorderStatus {
    /// Where it stands: `Disabled` while no recording is wanted.
    pub state: DestinationState,
    /// Health with reason.
    pub health: HealthReport,
    /// Whose fault, if it does not record.
    pub fault: Option<Fault>,
    /// Bytes on disk since the worker started.
    pub bytes: u64,
    /// End of the last media recorded in every rendition.
    pub position: Option<MediaTime>,
    /// Segments of a rendition that wait in the spool.
    pub queue_segments: u64,
    /// Program time that waits.
    pub queue: Duration,
    /// Times that recording failed and went on.
    pub recoveries: u64,
    /// The last error in plain words.
    pub last_error: Option<String>,
    /// The recording.
    pub recording: RecordingStatus,
}

/// What came of an ask: a sentence, whether it was so already, and the recording.
pub type Recorded = Result<(String, bool, RecordingStatus), String>;

/// What the thread is told.
pub(crate) enum Told {
    Ask(RecordingAsk, oneshot::Sender<Recorded>),
    Renditions(Vec<RecordedRendition>),
    /// Another worker goes on with what runs.
    HandOver,
    End,
}

/// What the spool must keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Everything: it is not known yet.
    All,
    /// From these numbers on.
    From(BTreeMap<RenditionId, u64>, Option<u64>),
    /// Nothing.
    Nothing,
}

/// What thread and others share. The lock is never held over disk I/O.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) status: RecorderStatus,
    pub(crate) needs: Needs,
}

pub(crate) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A recorder at work. Dropping it leaves the recording as it is, for another worker to go on with.
#[derive(Debug)]
pub struct Recorder {
    queue: SyncSender<Told>,
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// Starts the thread.
    pub fn start(setting: RecorderSetting, spool: Spool) -> std::io::Result<Self> {
        let health = HealthReport::new(Health::Inactive, "starting", "has not looked yet", (setting.now)());
        let status = RecorderStatus {
            state: DestinationState::Connecting,
            health,
            fault: None,
            bytes: 0,
            position: None,
            queue_segments: 0,
            queue: Duration::ZERO,
            recoveries: 0,
            last_error: None,
            recording: RecordingStatus::default(),
        };
        let shared = Arc::new(Mutex::new(Shared { status, needs: Needs::All }));
        let (queue, told) = sync_channel(64);
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            // However it ends, the spool keeps nothing for it then.
            let _gone = Gone(Arc::clone(&of_thread));
            run(&mut Work::new(setting, spool, of_thread), &told);
        })?;
        Ok(Self { queue, shared, thread: Some(thread) })
    }

    /// The newest status.
    pub fn status(&self) -> RecorderStatus {
        lock(&self.shared).status.clone()
    }

    /// Asks something of it; answered when it is done.
    pub fn ask(&self, ask: RecordingAsk) -> oneshot::Receiver<Recorded> {
        let (answer, answered) = oneshot::channel();
        if let Err(refused) = self.queue.try_send(Told::Ask(ask, answer))
            && let std::sync::mpsc::TrySendError::Full(Told::Ask(_, answer)) = refused
        {
            let _ = answer.send(Err("the recorder waits for its disk".to_owned()));
        }
        answered
    }

    /// The channel has other renditions, or other words for them.
    pub fn list(&self, renditions: Vec<RecordedRendition>) {
        let _ = self.queue.try_send(Told::Renditions(renditions));
    }

    /// Whether it does not need a segment of the spool any more.
    pub fn delivered(&self, rendition: &RenditionId, number: u64) -> bool {
        match &lock(&self.shared).needs {
            Needs::All => false,
            Needs::Nothing => true,
            Needs::From(next, until) => {
                until.is_some_and(|until| number > until) || next.get(rendition).is_none_or(|next| number < *next)
            }
        }
    }

    /// Before [`stop`](Self::stop): the recording is not ended, another worker goes on with it at once.
    pub fn hand_over(&self) {
        let _ = self.queue.try_send(Told::HandOver);
    }

    /// Takes over what is left and ends the recording, within `limit`; false if the disk takes longer. Blocks.
    pub fn stop(mut self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let _ = self.queue.try_send(Told::End);
        let Some(thread) = self.thread.take() else { return true };
        while !thread.is_finished() && Instant::now() < until {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        thread.is_finished() && thread.join().is_ok()
    }
}

struct Gone(Arc<Mutex<Shared>>);

impl Drop for Gone {
    fn drop(&mut self) {
        lock(&self.0).needs = Needs::Nothing;
    }
}

fn run(work: &mut Work, told: &Receiver<Told>) {
    work.begin();
    loop {
        match told.recv_timeout(LOOK) {
            Ok(Told::Ask(ask, answer)) => work.ask(ask, answer),
            Ok(Told::Renditions(renditions)) => work.list(renditions),
            Ok(Told::HandOver) => work.hand_over(),
            Ok(Told::End) => return work.end(),
            Err(RecvTimeoutError::Timeout) => {}
            // The worker dies: another one goes on.
            Err(RecvTimeoutError::Disconnected) => return,
        }
        work.look();
    }
}

//! Companions of the program: the clean feed, and sources by themselves (ISO), encoded for recordings alone.
//!
//! ```text
//! tick ──offer──▶ queue ──▶ thread ─▶ encoders of its own ─▶ chunks
//!  (never waits)  (bounded)   │ opens, flushes, closes them; nothing of that is seen outside
//!
//! away ── the source delivers ──▶ encoding ── away for a segment ──▶ flushed ─▶ away
//!                                    │ no candidate is left
//!                                    └──▶ resting (backoff) ──▶ away
//! ```
//!
//! Owns: an encoder graph for each companion, beside that of the ladder, and its thread. Must not: hold up who offers,
//! touch the graph of the ladder, or end the worker: what fails here is tried again here.
//!
//! A companion has the program's ticks: what it gets for a tick carries the tick's media time, and is what the program
//! has, or would have, at that time. So all recordings of a channel lie over each other without any offset. Segments are
//! cut where the program's are.
//!
//! A source that is lost within a segment is continued with its last picture and silence until the segment ends, so
//! that segments are whole; segments in which it never delivers do not exist. When it is back, its pictures begin at
//! once, with a keyframe.
//!
//! The threads of these graphs stand behind those of the ladder. What they have no time for is dropped in front of them
//! and counted ([`Companion::counters`]).

mod listing;
mod presence;
#[cfg(test)]
mod tests;
mod work;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstreamer as gst;

use self::work::Work;
use super::EventSink;
use super::clock::HouseClock;
use super::encode::{Choice, Output, RenditionCounters};
use crate::model::{LiveTimeline, MediaTime, ProgramFormat, RecordedOf};
use crate::plan::{ChannelPlan, CompanionPlan};

pub use listing::Companions;

/// Most memory that pictures may take while they wait.
const WAITING_BYTES: u64 = 96 << 20;
/// Most that may wait: an encoder opens in less time, and a long flush is over.
const WAITING: Duration = Duration::from_secs(2);

/// What there is of a companion for a tick.
#[derive(Debug)]
pub struct Offered {
    /// Media time.
    pub at: MediaTime,
    /// In program format, timestamp and duration set.
    pub picture: Option<gst::Buffer>,
    /// Interleaved F32LE in the program's channels, timestamp set.
    pub sound: Option<gst::Buffer>,
    /// Whether it is alive; else what is offered is its last picture, and silence.
    pub delivers: bool,
}

/// What the thread and its owner share.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// Pictures that found no place in the queue.
    lost: AtomicU64,
    /// Another plan to encode by.
    plan: Mutex<Option<ChannelPlan>>,
    seen: Mutex<Seen>,
}

/// What is told of it.
#[derive(Debug, Clone, Default)]
struct Seen {
    chosen: Vec<Choice>,
    counters: Vec<RenditionCounters>,
}

/// What a companion is started with.
pub struct CompanionSetting {
    /// What it is of.
    pub of: RecordedOf,
    /// The channel's plan, as [`ChannelPlan::of_companion`] gives it.
    pub plan: ChannelPlan,
    /// Where segments are cut.
    pub timeline: LiveTimeline,
    /// The house clock.
    pub clock: HouseClock,
    /// Takes what is encoded, in order per rendition.
    pub output: Arc<dyn Fn(Output) + Send + Sync>,
    /// Takes what happens.
    pub events: EventSink,
}

/// See the module's header.
pub struct Companion {
    of: RecordedOf,
    queue: SyncSender<Offered>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Companion {
    /// Starts the thread; encoders are opened when there is something to encode.
    pub fn start(setting: CompanionSetting) -> std::io::Result<Self> {
        let of = setting.of.clone();
        let (queue, offered) = sync_channel(places(&setting.plan.program));
        let shared = Arc::<Shared>::default();
        let name = format!("companion {of}");
        let mut work = Work::new(setting, Arc::clone(&shared));
        let thread = std::thread::Builder::new().name(name).spawn(move || work.run(&offered))?;
        Ok(Self { of, queue, shared, thread: Mutex::new(Some(thread)) })
    }

    /// What it is of.
    pub fn of(&self) -> &RecordedOf {
        &self.of
    }

    /// Takes what there is for a tick. Never blocks.
    pub fn offer(&self, offered: Offered) {
        if let Err(TrySendError::Full(offered)) = self.queue.try_send(offered)
            && offered.delivers
        {
            self.shared.lost.fetch_add(u64::from(offered.picture.is_some()), Ordering::Relaxed);
        }
    }

    /// Encodes as `companion` of `channel` says from the next tick on.
    pub fn replan(&self, channel: &ChannelPlan, companion: &CompanionPlan) {
        *lock(&self.shared.plan) = Some(channel.of_companion(companion));
    }

    /// Which encoder it uses now.
    pub fn chosen(&self) -> Vec<Choice> {
        lock(&self.shared.seen).chosen.clone()
    }

    /// What was dropped and delivered since the start.
    pub fn counters(&self) -> Vec<RenditionCounters> {
        let mut counters = lock(&self.shared.seen).counters.clone();
        if let Some(first) = counters.first_mut() {
            first.dropped += self.shared.lost.load(Ordering::Relaxed);
        }
        counters
    }

    /// Tells it to end: what waits is encoded and flushed. [`Companion::join`] waits.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Relaxed);
    }

    /// Waits for its end, at most until `deadline`; false if its driver takes longer.
    pub fn join(&self, deadline: Instant) -> bool {
        self.stop();
        let Some(thread) = lock(&self.thread).take() else { return true };
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(2));
        }
        thread.is_finished() && thread.join().is_ok()
    }
}

/// Offers that may wait.
fn places(program: &ProgramFormat) -> usize {
    let picture = u64::from(program.size.width()) * u64::from(program.size.height()) * 3 / 2;
    // The clean feed's picture and sound come one by one.
    let most = 2.0 * WAITING.as_secs_f64() * program.frame_rate.as_f64();
    (WAITING_BYTES / picture.max(1)).clamp(8, most.max(8.0) as u64) as usize
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

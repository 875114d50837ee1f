//! Source bins: one thread and one small pipeline per source; each fails, retries and reconnects alone.
//!
//! ```text
//! connecting ──delivers──▶ delivering ──silent for loss_ms──▶ lost ──delivers──▶ delivering
//!     │  ▲                      │                              │
//!     │  └──── backoff ◀────────┴── error, end, silent for 1 s ┘
//!     └─ cannot be opened ─▶ failed ── backoff ─▶ connecting
//! ```
//!
//! A capture device is looked for by its name each time it is opened; when it, or its signal, comes back, nobody waits for
//! the backoff. What its driver says of the signal is asked beside it, see [`input`].
//!
//! A connection is a pipeline of its own on the shared system clock: when it ends it is thrown away and built anew, so
//! that nothing of a broken stream survives into the next. Frames go into the [`Feed`]; the program never waits.

mod blame;
mod branch;
mod callers;
mod connection;
mod custom;
mod decklink;
mod guest;
mod head;
mod input;
mod mode;
mod ndi;
mod parts;
mod reel;
mod refusals;
mod rtmp;
mod rtsp;
mod shaping;
mod srt;
mod status;
#[cfg(test)]
mod status_tests;
mod test_signal;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use self::connection::{Connection, End};
pub use self::custom::check as check_fragment;
use self::guest::{Call, Door};
use self::input::Input;
use self::rtmp::{Entrance, StreamKeys};
use self::status::Condition;
use super::EventSink;
use super::clock::HouseClock;
use super::feed::Feed;
use crate::model::status::{SourceState, SourceStatus};
use crate::model::{GuestAnswer, GuestAsk, GuestRefusal, MediaTime, ProgramFormat, SignalThresholds};
use crate::plan::{SourceKind, SourcePlan};
use crate::policy::{Attempts, Backoff};

/// Between two attempts to open a source. One that delivered begins again with the first: noticing that it stopped has
/// already taken a second.
const RETRY: Backoff =
    Backoff { first: Duration::from_millis(100), cap: Duration::from_secs(2), factor: 2.0, jitter: 0.2 };

/// How often a source that waits for a guest looks whether it shall end.
const WAIT: Duration = Duration::from_millis(50);

/// One source at work.
pub(crate) struct Source {
    plan: SourcePlan,
    feed: Arc<Feed>,
    condition: Arc<Condition>,
    stop: Arc<AtomicBool>,
    door: Option<Arc<Door>>,
    input: Option<Arc<Input>>,
    /// What admits publishers.
    keys: Option<Arc<StreamKeys>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What a source's thread works with.
pub(super) struct Context {
    pub(super) plan: SourcePlan,
    pub(super) format: ProgramFormat,
    pub(super) clock: HouseClock,
    pub(super) feed: Arc<Feed>,
    pub(super) condition: Arc<Condition>,
    pub(super) stop: Arc<AtomicBool>,
    /// Where publishers come in, of a source that is published to.
    entrance: Option<Entrance>,
    /// Where guests knock.
    pub(super) door: Option<Arc<Door>>,
    /// What the driver of its capture device sees.
    pub(super) input: Option<Arc<Input>>,
}

impl Context {
    pub(super) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// How long before it is due a buffer should arrive: what a network jitters, and what the scheduler of a busy box takes
/// (when a neighbour's worker starts, threads wait for tens of milliseconds). A frame that is later than this is not
/// shown; a viewer of HLS never sees the difference in latency.
fn margin(kind: &SourceKind, format: &ProgramFormat) -> Duration {
    let jitter = match kind {
        SourceKind::Srt { .. } | SourceKind::Rtsp { .. } => Duration::from_millis(100),
        // TCP: a packet that was lost holds up those behind it for a round trip or two.
        SourceKind::Rtmp { .. } => Duration::from_millis(150),
        SourceKind::V4l2 { .. }
        | SourceKind::Alsa { .. }
        | SourceKind::Test
        | SourceKind::File { .. }
        | SourceKind::Playlist { .. }
        | SourceKind::Custom { .. } => Duration::from_millis(80),
        // Packets that are asked for again come late by as much as this.
        SourceKind::Whip { latency_ms, .. } => Duration::from_millis(u64::from(*latency_ms) + 20),
        SourceKind::Ndi { .. } | SourceKind::DeckLink { .. } => Duration::from_millis(80),
    };
    // A tick reads a frame's worth of sound ahead of its own time.
    jitter.max(Duration::from_nanos(format.frame_rate.frame_nanos()) + Duration::from_millis(20))
}

impl Source {
    /// Opens `plan` and keeps it open until [`Source::stop`].
    pub(crate) fn start(
        plan: SourcePlan,
        format: ProgramFormat,
        clock: HouseClock,
        loss: Duration,
        signal: &SignalThresholds,
        events: EventSink,
    ) -> Self {
        let feed = Arc::new(Feed::new(format, loss, margin(&plan.kind, &format)).watched(signal));
        let condition = Arc::new(Condition::new(plan.clone(), clock, events));
        let stop = Arc::new(AtomicBool::new(false));
        let door = match &plan.kind {
            SourceKind::Whip { key, second_publisher, .. } => Some(Door::new(key.clone(), *second_publisher)),
            _ => None,
        };
        let input = Input::watch(&plan, &condition, &stop);
        let entrance = Entrance::new(&plan.kind, loss, &condition);
        let keys = entrance.as_ref().map(Entrance::keys);
        let context = Context {
            plan: plan.clone(),
            format,
            clock,
            feed: Arc::clone(&feed),
            condition: Arc::clone(&condition),
            stop: Arc::clone(&stop),
            entrance,
            door: door.clone(),
            input: input.clone(),
        };
        let thread = std::thread::Builder::new().name(format!("source {}", plan.id)).spawn(move || run(&context));
        if let Err(error) = &thread {
            condition.failed(&format!("the box could not start a thread for it ({error})"));
        }
        Self { plan, feed, condition, stop, door, input, keys, thread: Mutex::new(thread.ok()) }
    }

    /// A source that a test feeds itself.
    #[cfg(test)]
    pub(crate) fn fed(plan: SourcePlan, format: ProgramFormat, loss: Duration, signal: &SignalThresholds) -> Self {
        let feed = Arc::new(Feed::new(format, loss, Duration::from_millis(80)).watched(signal));
        let condition = Arc::new(Condition::new(plan.clone(), HouseClock::start(), Arc::new(|_| {})));
        let (stop, thread) = (Arc::default(), Mutex::new(None));
        Self { plan, feed, condition, stop, door: None, input: None, keys: None, thread }
    }

    /// Publishers are admitted by the stream keys of `kind` from now on; who is on stays.
    pub(crate) fn admit_by(&self, kind: &SourceKind) {
        if let (Some(known), SourceKind::Rtmp { keys, .. }) = (&self.keys, kind) {
            known.exchange(keys.clone());
        }
    }

    /// The plan it was started with; stream keys may have been exchanged since.
    pub(crate) fn plan(&self) -> &SourcePlan {
        &self.plan
    }

    /// Where its frames wait.
    pub(crate) fn feed(&self) -> &Arc<Feed> {
        &self.feed
    }

    /// Once per tick: whether it can be shown at `at`.
    pub(crate) fn tick(&self, at: MediaTime) -> bool {
        if let Some(wrong) = self.condition.wrong_format() {
            self.feed.wrong_format(wrong);
        }
        // Bars that a card makes without a signal are a good picture, but nobody's.
        self.feed.tick(at) && self.input.as_ref().is_none_or(|input| !input.is_dark())
    }

    /// How it is.
    pub(crate) fn status(&self) -> SourceStatus {
        self.condition.status(self.feed.counters(), self.feed.signal())
    }

    /// Answers a guest. Blocks until the source's thread has answered, seconds at most.
    pub(crate) fn guest(&self, ask: GuestAsk) -> GuestAnswer {
        let Some(door) = &self.door else {
            let text = format!("source {} is none that guests publish to", self.plan.id);
            return guest::refused(GuestRefusal::NoSuchSource, text);
        };
        let (GuestAsk::Offer { key, .. } | GuestAsk::Leave { key, .. }) = &ask;
        if !door.fits(key) {
            self.condition.refused(None, "the key is wrong");
            return guest::refused(GuestRefusal::WrongKey, "the key is wrong: ask for a new link");
        }
        match ask {
            GuestAsk::Offer { sdp, .. } => {
                // Before anybody is asked to make room for it.
                if let Err(reason) = guest::check(&sdp) {
                    return guest::refused(GuestRefusal::BadOffer, reason);
                }
                // One that has not delivered yet is being connected.
                let alive = self.condition.state() != SourceState::Lost || self.feed.last_arrival().is_none();
                let answer = door.offer(sdp, alive);
                if let GuestAnswer::Refused { text, .. } = &answer {
                    self.condition.refused(None, text);
                }
                answer
            }
            GuestAsk::Leave { session, .. } if door.leave(&session) => GuestAnswer::Left,
            GuestAsk::Leave { .. } => guest::refused(GuestRefusal::NoSuchSession, "the session has ended already"),
        }
    }

    /// Tells it to end; [`Source::join`] waits.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(door) = &self.door {
            door.close();
        }
    }

    /// Waits for the end of the thread, at most until `deadline`. A thread that hangs in a driver is left behind: the
    /// process is about to exit.
    pub(crate) fn join(&self, deadline: Instant) {
        self.stop();
        let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(5));
        }
        if thread.is_finished() {
            let _ = thread.join();
        } else {
            tracing::warn!(source = %self.plan.id, "the source did not close in time and was left behind");
        }
    }
}

/// The life of a source: one connection after the other.
fn run(context: &Context) {
    let mut attempts = Attempts::new(RETRY);
    while !context.stopping() {
        context.feed.begin();
        let Ok(call) = next_guest(context) else { break };
        context.condition.connecting();
        let end = match &context.plan.kind {
            SourceKind::File { path } => reel::play(context, std::slice::from_ref(path), true),
            SourceKind::Playlist { paths, repeat } => reel::play(context, paths, *repeat),
            _ => Connection::open(context, call.as_ref()).map_or_else(End::Failed, Connection::watch),
        };
        if let Some(door) = &context.door {
            door.vacate();
        }
        match &end {
            End::Stopped => break,
            End::Finished => {
                context.condition.finished();
                while !context.stopping() {
                    std::thread::park_timeout(Duration::from_millis(50));
                }
                break;
            }
            End::Lost(reason) => context.condition.lost(reason),
            End::Failed(reason) => context.condition.failed(reason),
        }
        if matches!(end, End::Lost(_)) {
            attempts.reset();
        }
        let wait = attempts.failed(fastrand::f64());
        let until = Instant::now() + wait;
        let arrivals = || context.input.as_ref().map_or(0, |input| input.arrivals());
        let known = arrivals();
        let knocked = || context.door.as_ref().is_some_and(|door| door.is_knocked());
        while !context.stopping() && Instant::now() < until && !knocked() && arrivals() == known {
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
    context.feed.begin();
}

/// Waits for a guest, if this is a source that guests publish to; an error if it shall end.
fn next_guest(context: &Context) -> Result<Option<Call>, ()> {
    let Some(door) = &context.door else { return Ok(None) };
    context.condition.vacant();
    while !context.stopping() {
        if let Some(call) = door.next(WAIT) {
            return Ok(Some(call));
        }
    }
    Err(())
}

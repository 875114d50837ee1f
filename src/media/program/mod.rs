//! The program switch: a frame-store synchroniser paced by the house clock, as in hardware switchers.
//!
//! A thread wakes at every tick k / frame rate. It shows the newest due picture of the chosen source, or the last one
//! again, and exactly a tick's worth of sound; picture and sound switch together, on the tick. Pictures are re-stamped
//! references, no pixel is copied. Nothing here waits for a source or for an encoder: a tick always leaves.
//!
//! ```text
//!          desk (orders, takes to come, preview); lineup (other sources)
//!            ▼
//! feeds ──tick──▶ selector ──view──▶ picture, sound ──▶ outlet (encoders, confidence monitor)
//!   └─ each source's own, and the picture without graphics, if somebody wants them ──▶ outlet (companions)
//!                                    │ only while there is one: dissolve (blend), scene (two in one)
//! ```
//!
//! A take is answered with the first frame that shows it. A dissolve mixes two views for a number of frames, the first of
//! which is the take's frame; if a source of the view that is left fails, it ends at once on the new one.
//!
//! The timestamp of what leaves *is* media time (UTC). A thread that wakes late makes up for the ticks it missed, up to
//! [`CATCH_UP`]; beyond that (the process was stopped, the machine slept) they are skipped, counted and reported.

mod blend;
mod desk;
mod isolate;
mod labels;
mod lineup;
mod mixer;
mod scene;
mod select;
#[cfg(test)]
mod stage;
mod telling;
#[cfg(test)]
mod tests;
mod ticker;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstreamer as gst;

use self::desk::Desk;
pub use self::desk::{Answer, ShownFrom};
use self::lineup::{Lineup, Opener};
use self::ticker::Ticker;
use super::EventSink;
use super::captions::Speech;
use super::clock::HouseClock;
use super::companion::Offered;
use super::overlay::{Artwork, Shown, Slot};
use super::sound;
pub use super::sound::Settled;
use super::source::Source;
use crate::model::sound::LiveSound;
use crate::model::status::{ProgramOrder, ProgramStatus, Showing, SourceStatus};
use crate::model::timecode::TimecodeDay;
use crate::model::{
    FrameGrid, GuestAnswer, GuestAsk, GuestRefusal, LiveSettings, MediaTime, MeterReading, ScheduledTake, SourceId,
    Transition,
};
use crate::plan::ChannelPlan;

/// Ticks that are at most this late are made up for.
const CATCH_UP: Duration = Duration::from_secs(2);

/// Where the program goes.
pub trait Outlet: Send + Sync {
    /// A picture in program format, timestamp and duration set. Must not block.
    fn picture(&self, picture: gst::Buffer);
    /// Interleaved F32LE sound, timestamp set. Must not block.
    fn sound(&self, sound: gst::Buffer);
    /// Whether [`Outlet::preview`] would take a picture now: asked first, because making it may cost something.
    fn wants_preview(&self) -> bool {
        false
    }
    /// A picture of what is in preview. Must not block.
    fn preview(&self, _picture: gst::Buffer) {}
    /// Whether [`Outlet::clean`] would take a picture.
    fn wants_clean(&self) -> bool {
        false
    }
    /// The picture of the program without graphics, timestamp and duration set. Must not block.
    fn clean(&self, _picture: gst::Buffer) {}
    /// Whether [`Outlet::isolated`] would take what this source has.
    fn isolates(&self, _source: &SourceId) -> bool {
        false
    }
    /// What a source has for a tick, on air or not. Must not block.
    fn isolated(&self, _source: &SourceId, _offered: Offered) {}
}

/// Captions on their way.
type Inserted = (Speech, mpsc::Sender<Shown>);

/// What the tick thread and its owner share.
struct Shared {
    stop: AtomicBool,
    desk: Mutex<Desk>,
    /// A slate to show from the next tick on.
    slate: Mutex<Option<gst::Buffer>>,
    overlays: Arc<Slot>,
    /// Captions to insert, and who is told the frame with which they begin.
    captions: Mutex<Vec<Inserted>>,
    status: Mutex<ProgramStatus>,
    /// Highest sample of each channel since the meters were read, as amplitudes.
    meters: Mutex<Vec<f32>>,
    sound: Arc<sound::Desk>,
    /// Whether timecode is that of the source on air.
    follows: AtomicBool,
    /// Sources by rank.
    sources: Mutex<Vec<Arc<Source>>>,
    /// Other sources, from the next tick on.
    lineup: Mutex<Option<Lineup>>,
    /// Held by whoever changes the sources.
    rearranging: Mutex<()>,
}

impl Shared {
    fn new(order: ProgramOrder, plan: &ChannelPlan, now: MediaTime) -> Self {
        let status = ProgramStatus {
            order: order.clone(),
            showing: Showing::Slate,
            since: now,
            position: now,
            frames: 0,
            repeated: 0,
            missed: 0,
            peak_dbfs: vec![-120.0; plan.program.audio.channels.into()],
            auto: None,
            preview: None,
            scheduled: Vec::new(),
            dissolving: false,
            loudness: Vec::new(),
            sound_states: Vec::new(),
            timecode: None,
        };
        Self {
            stop: AtomicBool::new(false),
            desk: Mutex::new(Desk::new(order)),
            slate: Mutex::new(None),
            overlays: Arc::default(),
            captions: Mutex::default(),
            meters: Mutex::new(vec![0.0; status.peak_dbfs.len()]),
            status: Mutex::new(status),
            sound: Arc::default(),
            follows: AtomicBool::new(plan.timecode == TimecodeDay::Source),
            sources: Mutex::default(),
            lineup: Mutex::default(),
            rearranging: Mutex::default(),
        }
    }
}

impl Shared {
    fn sources(&self) -> Vec<Arc<Source>> {
        lock(&self.sources).clone()
    }
}

/// The program of one channel, running.
pub struct Program {
    shared: Arc<Shared>,
    frames: FrameGrid,
    opener: Opener,
    thread: Option<JoinHandle<()>>,
}

impl Program {
    /// Opens the sources of `plan` and begins to tick. `slate` is shown when no source is healthy.
    pub fn start(
        plan: &ChannelPlan,
        clock: HouseClock,
        order: ProgramOrder,
        slate: gst::Buffer,
        outlet: Arc<dyn Outlet>,
        events: EventSink,
    ) -> std::io::Result<Self> {
        Self::start_with(plan, clock, order, (slate, Artwork::default()), outlet, events)
    }

    /// The same, with overlays from the first tick on.
    pub fn start_with(
        plan: &ChannelPlan,
        clock: HouseClock,
        order: ProgramOrder,
        (slate, artwork): (gst::Buffer, Artwork),
        outlet: Arc<dyn Outlet>,
        events: EventSink,
    ) -> std::io::Result<Self> {
        let opener = Opener { format: plan.program, clock, events: Arc::clone(&events) };
        let sources: Vec<Arc<Source>> = plan.sources.iter().map(|one| opener.open(one, &plan.thresholds)).collect();
        let shared = Arc::new(Shared::new(order, plan, clock.now()));
        lock(&shared.sources).clone_from(&sources);
        drop(shared.overlays.put(artwork));
        let mut ticker = Ticker::new(plan, clock, sources, Arc::clone(&shared), slate, outlet, events);
        let thread = std::thread::Builder::new().name("program".to_owned()).spawn(move || ticker.run())?;
        let frames = FrameGrid::new(plan.program.frame_rate);
        Ok(Self { shared, frames, opener, thread: Some(thread) })
    }

    /// What to show from the next tick on, if it is not so ordered already.
    pub fn order(&self, order: ProgramOrder) {
        let mut desk = lock(&self.shared.desk);
        if *desk.ordered() != order {
            desk.take(order, Transition::default(), None);
        }
    }

    /// The same, with a transition and an answer.
    pub fn take(&self, order: ProgramOrder, transition: Transition, answer: Answer) {
        lock(&self.shared.desk).take(order, transition, Some(answer));
    }

    /// A take to come; answers with its frame. None if its time has passed.
    pub fn schedule(&self, take: ScheduledTake) -> Option<ShownFrom> {
        let frame = self.frames.index_from(take.at);
        let at = self.frames.time_of(frame);
        lock(&self.shared.desk).schedule(take).then_some(ShownFrom { at, frame, already: false })
    }

    /// The frame of `time`: the first one at or after it.
    pub fn frame_from(&self, time: MediaTime) -> u64 {
        self.frames.index_from(time)
    }

    /// What changes the program from other threads.
    pub fn controls(&self) -> Controls {
        Controls { shared: Arc::clone(&self.shared), opener: self.opener.clone() }
    }

    /// What was last asked for.
    pub fn ordered(&self) -> ProgramOrder {
        lock(&self.shared.desk).ordered().clone()
    }

    /// How the program is.
    pub fn status(&self) -> ProgramStatus {
        let readings = self.shared.sound.readings();
        let status = lock(&self.shared.status).clone();
        ProgramStatus { loudness: readings.loudness, sound_states: readings.states, ..status }
    }

    /// Levels since the last call.
    pub fn meters(&self) -> MeterReading {
        let tenths = |level: f64| (level * 10.0).round() / 10.0;
        let peaks: Vec<f32> = lock(&self.shared.meters).iter_mut().map(std::mem::take).collect();
        let peak_dbfs = peaks.into_iter().map(|peak| tenths(sound::decibels(peak.into())) as f32).collect();
        let readings = self.shared.sound.readings();
        let main = readings.loudness.first();
        let momentary = main.and_then(|loudness| loudness.momentary).map(tenths);
        let short_term = main.and_then(|loudness| loudness.short_term).map(tenths);
        MeterReading { peak_dbfs, momentary, short_term }
    }

    /// How its sources are, by rank.
    pub fn sources(&self) -> Vec<SourceStatus> {
        self.shared.sources().iter().map(|source| source.status()).collect()
    }

    /// Stops ticking at once; the last picture has then left.
    pub fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // Only now, or the last picture would be the slate.
        for source in self.shared.sources() {
            source.stop();
        }
    }

    /// Closes the sources, at most until `deadline`. Call after [`Program::stop`].
    pub fn close(mut self, deadline: Instant) {
        self.stop();
        self.shared.sources().iter().for_each(|source| source.join(deadline));
    }
}

/// Changes a program that runs; outlives it without effect.
#[derive(Clone)]
pub struct Controls {
    shared: Arc<Shared>,
    opener: Opener,
}

impl Controls {
    /// Other sources and rules, as `plan` has them; the first frame for which all of that holds. A source on air that is
    /// to go is left first, by the ordinary rule. Blocks for as long as sources take to close, seconds at most.
    pub fn rearrange(&self, old: &ChannelPlan, plan: &ChannelPlan) -> Result<MediaTime, String> {
        self.shared.rearrange(old, plan, &self.opener)
    }

    /// Whether timecode is that of the source on air, from the next tick on.
    pub fn set_timecode(&self, day: TimecodeDay) {
        self.shared.follows.store(day == TimecodeDay::Source, Ordering::Relaxed);
    }

    /// Another slate, from the next tick on.
    pub fn set_slate(&self, slate: gst::Buffer) {
        *lock(&self.shared.slate) = Some(slate);
    }

    /// Answers a guest. Blocks for seconds at most, like a source that is opened.
    pub fn guest(&self, ask: GuestAsk) -> GuestAnswer {
        let (GuestAsk::Offer { source: id, .. } | GuestAsk::Leave { source: id, .. }) = &ask;
        match self.shared.sources().iter().find(|source| source.plan().id == *id) {
            Some(source) => source.guest(ask),
            None => GuestAnswer::Refused {
                why: GuestRefusal::NoSuchSource,
                text: format!("the channel has no source {id}"),
            },
        }
    }

    /// Gain, mute and delay; tells from when on.
    pub fn set_sound(&self, sound: LiveSound) -> Settled {
        self.shared.sound.set(sound)
    }

    /// Begins integrated loudness, LRA and true peaks anew; tells from when on.
    pub fn restart_loudness(&self) -> Settled {
        self.shared.sound.restart_loudness()
    }

    /// What is shown, and since when.
    pub fn showing(&self) -> (Showing, MediaTime) {
        let status = lock(&self.shared.status);
        (status.showing.clone(), status.since)
    }

    /// What is shown, in one sentence.
    pub fn shows(&self) -> String {
        lock(&self.shared.status).sentence()
    }

    /// Takes to come and what is in preview, as operators have set them.
    pub fn set(&self, live: &LiveSettings) {
        let mut desk = lock(&self.shared.desk);
        desk.set_schedule(live.scheduled.clone());
        desk.set_preview(live.preview.clone());
    }

    /// Inserts `text` as captions behind those that still wait; takes captions off the screen if there is none. The
    /// receiver is told the frame with which they begin.
    pub fn insert_captions(&self, text: Option<&str>) -> mpsc::Receiver<Shown> {
        let (sender, receiver) = mpsc::channel();
        lock(&self.shared.captions).push((text.map_or_else(Speech::erase, Speech::roll_up), sender));
        receiver
    }

    /// Other overlays, from the next tick on; the receiver is told which that was.
    pub fn set_overlays(&self, artwork: Artwork) -> mpsc::Receiver<Shown> {
        self.shared.overlays.put(artwork)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

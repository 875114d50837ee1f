//! The program switch: a frame-store synchroniser paced by the house clock, as in hardware switchers.
//!
//! A thread wakes at every tick k / frame rate. It shows the newest due picture of the chosen source, or the last one
//! again, and exactly a tick's worth of sound; picture and sound switch together, on the tick. Pictures are re-stamped
//! references, no pixel is copied. Nothing here waits for a source or for an encoder: a tick always leaves.
//!
//! ```text
//! feeds ──tick──▶ selector ──▶ picture, sound ──▶ outlet (encoders, confidence monitor)
//! ```
//!
//! The timestamp of what leaves *is* media time (UTC). A thread that wakes late makes up for the ticks it missed, up to
//! [`CATCH_UP`]; beyond that (the process was stopped, the machine slept) they are skipped, counted and reported.

mod mixer;
mod select;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstreamer as gst;

use self::mixer::Mixer;
use self::select::{Selector, Wanted};
use super::EventSink;
use super::clock::HouseClock;
use super::feed::Taken;
use super::overlay::{Artwork, Keyer, Shown, Slot};
use super::source::Source;
use crate::model::status::{ProgramOrder, ProgramStatus, Showing, SourceStatus};
use crate::model::{Event, EventCode, Fault, FrameGrid, MediaTime, SampleGrid, Severity};
use crate::plan::ChannelPlan;

/// Ticks that are at most this late are made up for.
const CATCH_UP: Duration = Duration::from_secs(2);
/// Sound begins on the frame grid of AAC, so that every box cuts it alike.
const AAC_FRAME: u64 = 1024;

/// Where the program goes.
pub trait Outlet: Send + Sync {
    /// A picture in program format, timestamp and duration set. Must not block.
    fn picture(&self, picture: gst::Buffer);
    /// Interleaved F32LE sound, timestamp set. Must not block.
    fn sound(&self, sound: gst::Buffer);
}

/// What the tick thread and its owner share.
struct Shared {
    stop: AtomicBool,
    order: Mutex<ProgramOrder>,
    /// A slate to show from the next tick on.
    slate: Mutex<Option<gst::Buffer>>,
    overlays: Arc<Slot>,
    status: Mutex<ProgramStatus>,
}

/// The program of one channel, running.
pub struct Program {
    shared: Arc<Shared>,
    sources: Arc<Vec<Source>>,
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
        let overlays = Arc::new(Slot::default());
        drop(overlays.put(artwork));
        let loss = Duration::from_millis(plan.thresholds.loss_ms.into());
        let open = |source: &crate::plan::SourcePlan| {
            Source::start(source.clone(), plan.program, clock, loss, Arc::clone(&events))
        };
        let sources: Arc<Vec<Source>> = Arc::new(plan.sources.iter().map(open).collect());
        let status = ProgramStatus {
            order: order.clone(),
            showing: Showing::Slate,
            since: clock.now(),
            position: clock.now(),
            frames: 0,
            repeated: 0,
            missed: 0,
            peak_dbfs: vec![-120.0; plan.program.audio.channels.into()],
        };
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            order: Mutex::new(order),
            slate: Mutex::new(None),
            overlays: Arc::clone(&overlays),
            status: Mutex::new(status),
        });
        let wait = Duration::from_millis(plan.thresholds.wait_to_restore_ms.into());
        let mut ticker = Ticker {
            clock,
            frames: FrameGrid::new(plan.program.frame_rate),
            samples: SampleGrid::new(plan.program.audio.sample_rate),
            sources: Arc::clone(&sources),
            shared: Arc::clone(&shared),
            selector: Selector::new(plan.sources.len(), wait),
            mixer: Mixer::new(plan.program.audio),
            keyer: Keyer::new(&plan.program, overlays),
            slate: slate.clone(),
            picture: slate,
            shown: None,
            slate_told: false,
            next_sample: None,
            outlet,
            events,
        };
        let thread = std::thread::Builder::new().name("program".to_owned()).spawn(move || ticker.run())?;
        Ok(Self { shared, sources, thread: Some(thread) })
    }

    /// What to show from the next tick on.
    pub fn order(&self, order: ProgramOrder) {
        *lock(&self.shared.order) = order;
    }

    /// What changes the program from other threads.
    pub fn controls(&self) -> Controls {
        Controls { shared: Arc::clone(&self.shared) }
    }

    /// What was last asked for.
    pub fn ordered(&self) -> ProgramOrder {
        lock(&self.shared.order).clone()
    }

    /// How the program is.
    pub fn status(&self) -> ProgramStatus {
        lock(&self.shared.status).clone()
    }

    /// How its sources are, by rank.
    pub fn sources(&self) -> Vec<SourceStatus> {
        self.sources.iter().map(Source::status).collect()
    }

    /// Stops ticking at once; the last picture has then left.
    pub fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // Only now, or the last picture would be the slate.
        for source in self.sources.iter() {
            source.stop();
        }
    }

    /// Closes the sources, at most until `deadline`. Call after [`Program::stop`].
    pub fn close(mut self, deadline: Instant) {
        self.stop();
        if let Some(sources) = Arc::get_mut(&mut self.sources) {
            sources.iter_mut().for_each(|source| source.join(deadline));
        }
    }
}

/// Changes a program that runs; outlives it without effect.
#[derive(Clone)]
pub struct Controls {
    shared: Arc<Shared>,
}

impl Controls {
    /// Another slate, from the next tick on.
    pub fn set_slate(&self, slate: gst::Buffer) {
        *lock(&self.shared.slate) = Some(slate);
    }

    /// Other overlays, from the next tick on; the receiver is told which that was.
    pub fn set_overlays(&self, artwork: Artwork) -> mpsc::Receiver<Shown> {
        self.shared.overlays.put(artwork)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The tick thread's state.
struct Ticker {
    clock: HouseClock,
    frames: FrameGrid,
    samples: SampleGrid,
    sources: Arc<Vec<Source>>,
    shared: Arc<Shared>,
    selector: Selector,
    mixer: Mixer,
    keyer: Keyer,
    slate: gst::Buffer,
    /// The picture of the last tick.
    picture: gst::Buffer,
    shown: Option<usize>,
    /// Whether the slate was reported; the one before the first source is not.
    slate_told: bool,
    /// Where the sound goes on; none before the first AAC frame boundary.
    next_sample: Option<u64>,
    outlet: Arc<dyn Outlet>,
    events: EventSink,
}

impl Ticker {
    fn run(&mut self) {
        let mut index = self.frames.index_from(self.clock.now());
        while !self.shared.stop.load(Ordering::Relaxed) {
            let at = self.frames.time_of(index);
            self.clock.sleep_until(at);
            let late = self.clock.now().since(at);
            if late > CATCH_UP {
                index = self.skip(index, late);
            }
            self.tick(index);
            index += 1;
        }
    }

    /// Gives up the ticks between `index` and now.
    fn skip(&mut self, index: u64, late: Duration) -> u64 {
        let next = self.frames.index_from(self.clock.now());
        let missed = next - index;
        lock(&self.shared.status).missed += missed;
        self.next_sample = None;
        let text = format!("{missed} frames were not made: the process stood still for {:.1} s", late.as_secs_f32());
        let event = Event::new(self.clock.now(), Severity::Error, EventCode::TicksMissed, text).blame(
            Fault::Hardware,
            "look for overload, a stopped process or a suspended machine at this time (journal, dmesg)",
        );
        (self.events)(event);
        next
    }

    fn tick(&mut self, index: u64) {
        let at = self.frames.time_of(index);
        let order = lock(&self.shared.order).clone();
        // Before the slate, which is set first: so both are new on the tick that is named.
        self.keyer.renew(at);
        if let Some(slate) = lock(&self.shared.slate).take() {
            self.slate = slate;
        }
        let chosen = self.choose(at, &order);
        let switched = chosen != self.shown;
        let before = std::mem::replace(&mut self.shown, chosen);
        let repeated = self.show_picture(index, at, chosen, switched);
        self.play_sound(index, before.filter(|_| switched));
        self.note(at, order, switched, repeated);
    }

    fn choose(&mut self, at: MediaTime, order: &ProgramOrder) -> Option<usize> {
        let healthy: Vec<bool> = self.sources.iter().map(|source| source.feed().tick(at)).collect();
        let wanted = match order {
            ProgramOrder::Auto => Wanted::Auto,
            ProgramOrder::Slate => Wanted::Slate,
            ProgramOrder::Source { source } => {
                let rank = self.sources.iter().position(|s| s.plan().id == *source);
                rank.map_or(Wanted::Slate, Wanted::Rank)
            }
        };
        self.selector.choose(at, wanted, |rank| healthy[rank])
    }

    /// Sends the picture of tick `index`; true if a source had no newer one than at the last tick.
    fn show_picture(&mut self, index: u64, at: MediaTime, chosen: Option<usize>, switched: bool) -> bool {
        // Every feed moves on, shown or not: a source that is taken later shows its newest picture at once.
        let mut taken = Taken::Nothing;
        for (rank, source) in self.sources.iter().enumerate() {
            let picture = source.feed().take_picture(at);
            if chosen == Some(rank) {
                taken = picture;
            }
        }
        let repeated = matches!(taken, Taken::Again(_)) && !switched;
        let is_slate = matches!(taken, Taken::Nothing);
        self.picture = match taken {
            Taken::New(picture) | Taken::Again(picture) => picture,
            Taken::Nothing => self.slate.clone(),
        };
        let mut picture = self.keyer.apply(self.picture.clone(), at, is_slate).copy();
        if let Some(buffer) = picture.get_mut() {
            let next = self.frames.time_of(index + 1);
            buffer.set_pts(gst::ClockTime::from_nseconds(at.as_nanos()));
            buffer.set_dts(gst::ClockTime::NONE);
            buffer.set_duration(gst::ClockTime::from_nseconds(next.as_nanos() - at.as_nanos()));
            buffer.set_flags(gst::BufferFlags::empty());
        }
        self.outlet.picture(picture);
        repeated
    }

    /// Sends the sound of tick `index`, crossfaded from the source that was left at this tick.
    fn play_sound(&mut self, index: u64, left: Option<usize>) {
        let first_at = |index: u64| self.samples.index_at(self.frames.time_of(index));
        let end = first_at(index + 1);
        let Some(begin) = self.next_sample.or_else(|| {
            let aligned = first_at(index).next_multiple_of(AAC_FRAME);
            (aligned < end).then_some(aligned)
        }) else {
            return;
        };
        let from = self.samples.time_of(begin);
        let count = (end - begin) as usize;
        let to = self.shown.map(|rank| self.sources[rank].feed().as_ref());
        let switched_from = left.map(|rank| self.sources[rank].feed().as_ref());
        let was_switched = left.is_some() || (self.mixer.was_silent() && to.is_some());
        let bytes = self.mixer.mix(from, count, to, switched_from, was_switched);
        let mut sound = gst::Buffer::from_mut_slice(bytes);
        if let Some(buffer) = sound.get_mut() {
            let until = self.samples.time_of(end);
            buffer.set_pts(gst::ClockTime::from_nseconds(from.as_nanos()));
            buffer.set_duration(gst::ClockTime::from_nseconds(until.as_nanos() - from.as_nanos()));
        }
        self.next_sample = Some(end);
        self.outlet.sound(sound);
    }

    fn note(&mut self, at: MediaTime, order: ProgramOrder, switched: bool, repeated: bool) {
        let showing =
            self.shown.map_or(Showing::Slate, |rank| Showing::Source { source: self.sources[rank].plan().id.clone() });
        let ordered_slate = order == ProgramOrder::Slate;
        {
            let mut status = lock(&self.shared.status);
            status.order = order;
            status.position = at;
            status.frames += 1;
            status.repeated += u64::from(repeated);
            status.peak_dbfs = self.mixer.peaks();
            if switched {
                status.since = at;
                status.showing = showing.clone();
            }
        }
        if switched {
            self.report(at, &showing, ordered_slate);
        }
    }

    fn report(&mut self, at: MediaTime, showing: &Showing, ordered_slate: bool) {
        let was_told = std::mem::replace(&mut self.slate_told, *showing == Showing::Slate);
        if was_told {
            (self.events)(Event::new(at, Severity::Info, EventCode::SlateOff, "the program left the slate"));
        }
        let event = match showing {
            Showing::Source { source } => {
                let text = format!("the program shows source {source}");
                Event::new(at, Severity::Info, EventCode::ProgramSwitched, text).subject(source)
            }
            Showing::Slate if ordered_slate => {
                Event::new(at, Severity::Info, EventCode::SlateOn, "the program shows the slate, as ordered")
            }
            Showing::Slate => Event::new(
                at,
                Severity::Warning,
                EventCode::SlateOn,
                "no source is healthy: the program shows the slate",
            )
            .blame(Fault::Source, "look at the channel's sources"),
        };
        (self.events)(event);
    }
}

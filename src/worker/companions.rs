//! The companions of a channel: the clean feed and sources by themselves, from the encoders to a spool of their own.
//!
//! ```text
//! outlet ─▶ media::companion ─▶ writer (thread) ─▶ spool ─▶ recorders
//! ```
//!
//! Each has everything for itself, so that what happens to one (a source that is lost, an encoder that fails, a disk
//! that is slow) is seen in its recordings alone: no playlist of the programme names its segments, no mark of a
//! discontinuity waits for it. Its spool lies in `companions.d/<name>` of the channel's and holds what recordings are
//! owed, and the last minute.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::destinations::Destinations;
use super::strain::Strain;
use super::tally::Tally;
use super::writer::{Intake, Writer, Writing};
use crate::media::EventSink;
use crate::media::clock::HouseClock;
use crate::media::companion::{Companion, CompanionSetting, Companions as Listing};
use crate::media::encode::{Choice, Counters, RenditionCounters};
use crate::model::status::RenditionStatus;
use crate::model::{BitRate, Event, EventCode, Fault, LiveTimeline, MediaTime, RecordedOf, RenditionId, Severity};
use crate::plan::{ChannelPlan, CompanionPlan};
use crate::spool::{Spool, SpoolError};

/// Below the channel's spool. No rendition can have this name.
const DIRECTORY: &str = "companions.d";
/// What recordings have is kept for this long.
const RETAIN: Duration = Duration::from_secs(60);
/// What a companion that is taken away may take to flush.
const CLOSE: Duration = Duration::from_secs(4);

/// What all of them hang on.
#[derive(Clone)]
pub(super) struct Ground {
    pub(super) timeline: LiveTimeline,
    pub(super) clock: HouseClock,
    pub(super) events: EventSink,
}

/// One of them.
struct One {
    plan: CompanionPlan,
    spool: Spool,
    tally: Arc<Tally>,
    /// None until it is started.
    running: Option<(Arc<Companion>, Writer)>,
}

struct Inner {
    ground: Ground,
    /// What the program's outlet looks at.
    listing: Listing,
    all: Mutex<Vec<One>>,
    strain: Mutex<Strain>,
    since: MediaTime,
}

/// See the module's header. Cheap to clone; all clones are one list.
#[derive(Clone)]
pub(super) struct Companions {
    inner: Arc<Inner>,
}

impl Companions {
    /// Opens their spools. One that cannot be opened is told of, and left out.
    pub(super) fn open(plan: &ChannelPlan, ground: Ground) -> Self {
        tidy(plan);
        let since = ground.clock.now();
        let all = plan.companions.iter().filter_map(|one| One::open(one, plan, &ground)).collect();
        let inner =
            Inner { ground, listing: Listing::default(), all: Mutex::new(all), strain: Mutex::default(), since };
        Self { inner: Arc::new(inner) }
    }

    /// None; what they have on disk is left alone.
    pub(super) fn none(ground: Ground) -> Self {
        let (since, all) = (ground.clock.now(), Mutex::default());
        let inner = Inner { ground, listing: Listing::default(), all, strain: Mutex::default(), since };
        Self { inner: Arc::new(inner) }
    }

    /// What the program's outlet looks at.
    pub(super) fn listing(&self) -> Listing {
        self.inner.listing.clone()
    }

    /// Starts those that do not run yet. `destinations` say what is owed to recordings.
    pub(super) fn start(&self, plan: &ChannelPlan, destinations: &Destinations) {
        for one in lock(&self.inner.all).iter_mut().filter(|one| one.running.is_none()) {
            match one.start(plan, &self.inner.ground, destinations.clone()) {
                Ok(companion) => self.inner.listing.add(companion),
                Err(error) => self.inner.ground.tell_failed(&one.plan.of, &error.to_string()),
            }
        }
    }

    /// The spool of a companion; none if it could not be opened.
    pub(super) fn spool(&self, of: &RecordedOf) -> Option<Spool> {
        lock(&self.inner.all).iter().find(|one| one.plan.of == *of).map(|one| one.spool.clone())
    }

    /// Takes over new ones and other settings of `plan`. [`Companions::start`] has to follow.
    pub(super) fn grow(&self, plan: &ChannelPlan) {
        let mut all = lock(&self.inner.all);
        for planned in &plan.companions {
            match all.iter_mut().find(|one| one.plan.of == planned.of) {
                Some(known) if known.plan == *planned => {}
                Some(known) => {
                    if let Some((companion, _)) = &known.running {
                        companion.replan(plan, planned);
                    }
                    known.plan = planned.clone();
                }
                None => all.extend(One::open(planned, plan, &self.inner.ground)),
            }
        }
    }

    /// Ends those that `plan` does not have any more. Blocks for seconds at most.
    pub(super) fn shrink(&self, plan: &ChannelPlan) {
        let gone = |one: &mut One| !plan.companions.iter().any(|planned| planned.of == one.plan.of);
        let ending: Vec<One> = lock(&self.inner.all).extract_if(.., gone).collect();
        self.end(ending, Instant::now() + CLOSE);
    }

    /// Flushes and writes what they hold; false if that takes longer. The program has to have stopped.
    pub(super) fn stop(&self, deadline: Instant) -> bool {
        let all = std::mem::take(&mut *lock(&self.inner.all));
        self.end(all, deadline)
    }

    fn end(&self, ending: Vec<One>, deadline: Instant) -> bool {
        for one in &ending {
            self.inner.listing.remove(&one.plan.of);
            if let Some((companion, _)) = &one.running {
                companion.stop();
            }
        }
        let mut ended = true;
        for (companion, writer) in ending.into_iter().filter_map(|one| one.running) {
            let flushed = companion.join(deadline);
            drop(companion);
            ended &= writer.join(deadline) && flushed;
        }
        ended
    }

    /// Positions and health of their renditions.
    pub(super) fn report(&self) -> Vec<RenditionStatus> {
        let now = self.inner.ground.clock.now();
        let all = lock(&self.inner.all);
        let running = || all.iter().filter_map(|one| one.running.as_ref().map(|(companion, _)| companion));
        let renditions: Vec<RenditionCounters> = running().flat_map(|one| one.counters()).collect();
        let choices: Vec<Choice> = running().flat_map(|one| one.chosen()).collect();
        let mut strain = lock(&self.inner.strain);
        for event in strain.note(&Counters { renditions, ..Counters::default() }, now) {
            (self.inner.ground.events)(event);
        }
        let status = |one: &One, id: &RenditionId, encoder: &str, target: BitRate| {
            let (figures, choice) = (one.tally.figures(id), choices.iter().find(|choice| choice.rendition == *id));
            RenditionStatus {
                id: id.clone(),
                encoder: choice.map_or_else(|| encoder.to_owned(), |choice| choice.element.clone()),
                target,
                measured: figures.map_or(BitRate(0), |f| f.measured),
                position: figures.and_then(|f| f.position),
                media_sequence: figures.and_then(|f| f.number),
                segments: figures.map_or(0, |f| f.segments),
                dropped_frames: strain.dropped(id),
                health: strain.health(id, choice, self.inner.since),
            }
        };
        let of = |one: &One| -> Vec<RenditionStatus> {
            let video = one.plan.video.iter().map(|video| {
                let planned = video.encoders.first().map_or("", |encoder| encoder.element.as_str());
                status(one, &video.id, planned, video.bitrate)
            });
            let audio = &one.plan.audio;
            video.chain([status(one, &audio.id, "avenc_aac", audio.bitrate)]).collect()
        };
        all.iter().flat_map(of).collect()
    }
}

impl One {
    fn open(planned: &CompanionPlan, plan: &ChannelPlan, ground: &Ground) -> Option<Self> {
        let opened = open_spool(planned, plan, ground);
        let told = |error: &SpoolError| ground.tell_failed(&planned.of, &error.to_string());
        let spool = opened.inspect_err(told).ok()?;
        let tally = Arc::new(Tally::new(&planned.renditions()));
        Some(Self { plan: planned.clone(), spool, tally, running: None })
    }

    fn start(
        &mut self,
        plan: &ChannelPlan,
        ground: &Ground,
        destinations: Destinations,
    ) -> std::io::Result<Arc<Companion>> {
        // A failure of its encoders is its own business: it never comes this way.
        let (intake, outputs) = Intake::new(Arc::clone(&ground.events), ground.clock, Box::new(|_| {}));
        let writing = Writing {
            spool: self.spool.clone(),
            tally: Arc::clone(&self.tally),
            owed: Box::new(move |rendition, number| destinations.owed_to_recordings(rendition, number)),
            clock: ground.clock,
            events: Arc::clone(&ground.events),
            comes_and_goes: true,
        };
        let writer = Writer::start(outputs, writing)?;
        let companion = Arc::new(Companion::start(CompanionSetting {
            of: self.plan.of.clone(),
            plan: plan.of_companion(&self.plan),
            timeline: ground.timeline.clone(),
            clock: ground.clock,
            output: Arc::new(move |output| intake.take(output)),
            events: Arc::clone(&ground.events),
        })?);
        self.running = Some((Arc::clone(&companion), writer));
        Ok(companion)
    }
}

impl Ground {
    fn tell_failed(&self, of: &RecordedOf, reason: &str) {
        let text = format!("{of} cannot be encoded for its recording: {reason}");
        let event = Event::new(self.clock.now(), Severity::Error, EventCode::CompanionFailed, text).subject(of);
        let hint = "mend the disk of the state directory; it is tried again when the channel is next started";
        (self.events)(event.blame(Fault::Hardware, hint));
    }
}

fn open_spool(planned: &CompanionPlan, plan: &ChannelPlan, ground: &Ground) -> Result<Spool, SpoolError> {
    let directory = plan.spool.directory.join(DIRECTORY).join(planned.of.slug().unwrap_or_default());
    let boundaries = ground.timeline.get().boundaries().clone();
    // Together they may hold back as much for recordings as the channel may for destinations.
    let quota = plan.spool.quota_bytes / plan.companions.len().max(1) as u64;
    let (spool, _) = Spool::open(&directory, quota, RETAIN, boundaries, &planned.renditions(), ground.clock.now())?;
    Ok(spool)
}

/// Removes what is left of companions that the channel does not have any more.
fn tidy(plan: &ChannelPlan) {
    let known = |name: &str| plan.companions.iter().any(|one| one.of.slug().as_deref() == Some(name));
    let above: &Path = &plan.spool.directory.join(DIRECTORY);
    for entry in std::fs::read_dir(above).into_iter().flatten().flatten() {
        if !entry.file_name().to_str().is_some_and(known)
            && let Err(error) = std::fs::remove_dir_all(entry.path())
        {
            tracing::warn!(path = %entry.path().display(), %error, "a companion that is gone could not be removed");
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

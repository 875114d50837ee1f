//! A channel on air: its parts, put together in order and taken apart in order.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::{BoxFuture, ready};

use super::companions::{Companions, Ground};
use super::destinations::{Destinations, Setting};
use super::graphics::Graphics;
use super::remainder;
use super::strain::Strain;
use super::tally::Tally;
use super::writer::{Intake, Writer, Writing};
use crate::media::clock::HouseClock;
use crate::media::confidence::Monitor;
use crate::media::encode::{Choice, EncodeFailure, Encoders};
use crate::media::program::{Program, Settled, ShownFrom};
use crate::media::whip::{OpusEncoders, Watchers};
use crate::media::{EventSink, MediaError, ProgramOutlet};
use crate::model::status::{ProgramOrder, RenditionStatus, SpoolStatus, WorkerReport};
use crate::model::{
    Act, Acted, BitRate, DestinationId, Event, EventCode, Fault, FrameGrid, GuestAnswer, GuestAsk, LiveSettings,
    LiveTimeline, MediaTime, ProgramFormat, RecordingAsk, RenditionId, Severity, Timeline, Transition, WatchAnswer,
    WatchAsk,
};
use crate::plan::ChannelPlan;
use crate::push::{PairClock, Pauses};
use crate::spool::{Mended, Spool, SpoolError};

/// Time between two confidence pictures.
const CONFIDENCE: Duration = Duration::from_millis(500);
/// Of the time to go off air, what the encoders may take to flush.
const FLUSH: Duration = Duration::from_millis(1500);

/// Why a channel could not go on air.
#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("the box could not start a thread")]
    Thread(#[from] std::io::Error),
    #[error("a part of the worker failed while starting: this is a fault of uplink, see the worker's log")]
    Internal,
}

/// What others may take to let go of the encoders.
const LET_GO: Duration = Duration::from_millis(500);

/// The program takes things over at its next tick.
const SETTLE: Duration = Duration::from_secs(2);

/// A channel on air.
pub(super) struct Channel {
    pub(super) plan: ChannelPlan,
    pub(super) clock: HouseClock,
    pub(super) program: Program,
    pub(super) graphics: Arc<Graphics>,
    pub(super) live: LiveSettings,
    pub(super) timeline: LiveTimeline,
    pub(super) outlet: Arc<ProgramOutlet>,
    writer: Writer,
    pub(super) spool: Spool,
    pub(super) tally: Arc<Tally>,
    pub(super) destinations: Destinations,
    pub(super) companions: Companions,
    /// Who watches live.
    pub(super) watchers: Arc<Watchers>,
    /// Held by whoever carries out another plan.
    pub(super) changing: Arc<Mutex<()>>,
    strain: Strain,
    pub(super) events: EventSink,
    since: MediaTime,
}

impl Channel {
    /// Puts `plan` on air. Blocks for as long as encoders take to open; needs a tokio runtime around it.
    pub(super) fn start(
        plan: ChannelPlan,
        order: ProgramOrder,
        live: LiveSettings,
        confidence: &Path,
        clock: HouseClock,
        events: &EventSink,
        failed: Box<dyn Fn(EncodeFailure) + Send + Sync>,
    ) -> Result<Self, StartError> {
        crate::media::init()?;
        let (intake, outputs) = Intake::new(Arc::clone(events), clock, failed);
        // What takes time is done side by side: a restarted worker must be back within a second.
        let timeline =
            LiveTimeline::new(Timeline::new(plan.segments, FrameGrid::new(plan.program.frame_rate), live.cued.clone()));
        let (encoders, graphics, opened) = std::thread::scope(|scope| {
            let graphics = scope.spawn(|| Graphics::start(&plan, &live));
            let spool = scope.spawn(|| open_spool(&plan, &timeline, clock));
            let encoders = Encoders::start_on(
                &plan.at_bitrates(&live.bitrates),
                &timeline,
                Arc::new(move |output| intake.take(output)),
            );
            (encoders, graphics.join(), spool.join())
        });
        let encoders = encoders?;
        let (spool, mended) = opened.map_err(|_| StartError::Internal)??;
        remainder::note(&plan);
        let (graphics, pictures, unfit) = graphics.map_err(|_| StartError::Internal)?;
        unfit.iter().for_each(|reason| events(not_drawn(reason, clock)));
        tell_mended(&mended, clock, events);
        tell_chosen(&encoders.chosen(), clock, events);
        tell_passed_over(&plan, clock, events);

        let tally = Arc::new(Tally::new(&renditions(&plan)));
        let ground = Ground { timeline: timeline.clone(), clock, events: Arc::clone(events) };
        let companions = Companions::open(&plan, ground);
        let opus = Arc::new(OpusEncoders::new(encoders.tap(), plan.program.audio));
        let watchers = Arc::new(Watchers::new(encoders.tap(), Arc::clone(&opus), clock));
        let setting = Setting {
            plan: plan.clone(),
            clock,
            timeline: timeline.clone(),
            spool: spool.clone(),
            events: Arc::clone(events),
            tap: encoders.tap(),
            slates: Pauses::default(),
            opus,
            companions: companions.clone(),
            pair_clock: PairClock::default(),
            ends: false,
        };
        let destinations = Destinations::start(setting, &live.destinations);
        let writer = Writer::start(outputs, writing(&spool, &tally, destinations.clone(), clock, events))?;
        companions.start(&plan, &destinations);
        let monitor = Monitor::start(&plan.program, confidence.to_owned(), CONFIDENCE)
            .inspect_err(|error| tracing::warn!(%error, "no confidence monitor"))
            .ok();
        let preview = Monitor::start(&plan.program, confidence.with_file_name("preview.jpg"), CONFIDENCE)
            .inspect_err(|error| tracing::warn!(%error, "no picture of the preview"))
            .ok();
        let outlet = Arc::new(ProgramOutlet { encoders, monitor, preview, companions: companions.listing() });
        let program =
            Program::start_with(&plan, clock, order, pictures, Arc::clone(&outlet) as Arc<_>, Arc::clone(events))?;
        program.controls().set(&live);
        program.controls().set_sound(live.sound.clone());
        destinations.watch(program.controls());
        let (strain, events, since) = (Strain::default(), Arc::clone(events), clock.now());
        Ok(Self {
            plan,
            clock,
            program,
            graphics: Arc::new(graphics),
            live,
            timeline,
            outlet,
            writer,
            spool,
            tally,
            destinations,
            companions,
            watchers,
            changing: Arc::default(),
            strain,
            events,
            since,
        })
    }

    pub(super) fn plan(&self) -> &ChannelPlan {
        &self.plan
    }

    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    /// What operators have set, as it is in force.
    pub(super) fn live(&self) -> LiveSettings {
        let live = self.graphics.in_force(self.live.clone());
        LiveSettings { scheduled: self.program.status().scheduled, ..live }
    }

    /// Begins to do what is asked; the answer comes when it is done.
    pub(super) fn act(&mut self, act: Act) -> BoxFuture<'static, Result<Acted, String>> {
        match act {
            Act::Live { live } => self.set(*live),
            Act::Captions { text } => self.caption(text),
            Act::Cue { ask } => ready(self.cue(&ask)).boxed(),
            Act::Metadata { ask } => ready(self.describe(&ask)).boxed(),
            Act::Guest { ask } => self.guest(*ask),
            Act::Watch { ask } => self.watch(ask),
            Act::Take { order, transition } => self.take(order, transition),
            Act::Schedule { take } => {
                let scheduled = self.program.schedule(take).ok_or_else(|| "that time has passed".to_owned());
                let said = |shown| acted(shown, "the take is scheduled".to_owned());
                Box::pin(std::future::ready(scheduled.map(said)))
            }
            Act::Drill { destination } => self.drill(&destination),
            Act::Record { destination, ask } => self.record(&destination, ask),
            Act::HandOver { destination } => {
                let handed = self.destinations.hand_over(&destination);
                Box::pin(async move { handed.await.map(Acted::said) })
            }
            Act::RestartLoudness => {
                let (settled, plan) = (self.program.controls().restart_loudness(), self.plan.program);
                Box::pin(async move { settle(settled, plan, "integrated loudness is measured anew").await })
            }
        }
    }

    fn guest(&self, ask: GuestAsk) -> BoxFuture<'static, Result<Acted, String>> {
        let program = self.program.controls();
        let said = |answer: &GuestAnswer| match answer {
            GuestAnswer::Admitted { .. } => "a guest is admitted".to_owned(),
            GuestAnswer::Left => "the guest left".to_owned(),
            GuestAnswer::Refused { text, .. } => text.clone(),
        };
        answer_browser(move || program.guest(ask), said)
    }

    fn watch(&self, ask: WatchAsk) -> BoxFuture<'static, Result<Acted, String>> {
        let (watchers, plan) = (Arc::clone(&self.watchers), self.plan.clone());
        let said = |answer: &WatchAnswer| match answer {
            WatchAnswer::Admitted { .. } => "somebody watches live".to_owned(),
            WatchAnswer::Kept => "the session goes on".to_owned(),
            WatchAnswer::Left => "the session has ended".to_owned(),
            WatchAnswer::Refused { text, .. } => text.clone(),
        };
        answer_browser(move || watchers.ask(ask, &plan), said)
    }

    fn drill(&self, id: &DestinationId) -> BoxFuture<'static, Result<Acted, String>> {
        let told = self.destinations.drill(id);
        Box::pin(async move {
            let report = told?.await.map_err(|_| "the destination was taken away meanwhile".to_owned())?;
            match &report.trouble {
                Some(trouble) => Err(format!("{} could not take over: {trouble}", report.endpoint)),
                None => {
                    let seconds = report.playable_seconds.unwrap_or_default();
                    let detail = serde_json::to_value(&report).map_err(|error| error.to_string())?;
                    let text = format!("{} could be played after {seconds:.1} s", report.endpoint);
                    Ok(Acted { detail: Some(detail), ..Acted::said(text) })
                }
            }
        })
    }

    fn record(&self, id: &DestinationId, ask: RecordingAsk) -> BoxFuture<'static, Result<Acted, String>> {
        let told = ask.check().and_then(|()| self.destinations.record(id, ask));
        Box::pin(async move {
            let (text, unchanged, status) = told?.await.map_err(|_| "the recorder has ended".to_owned())??;
            let detail = serde_json::to_value(&status).map_err(|error| error.to_string())?;
            Ok(Acted { unchanged, detail: Some(detail), ..Acted::said(text) })
        })
    }

    /// Answered by the first frame that shows it, however long that takes: who asked decides how long to wait.
    fn take(&mut self, order: ProgramOrder, transition: Transition) -> BoxFuture<'static, Result<Acted, String>> {
        let (tell, told) = tokio::sync::oneshot::channel();
        let answer = Box::new(move |shown: ShownFrom| {
            let _ = tell.send(shown);
        });
        self.program.take(order, transition, answer);
        let controls = self.program.controls();
        Box::pin(async move {
            let shown = told.await.map_err(|_| "overtaken by a later order before it was shown".to_owned())?;
            Ok(acted(shown, controls.shows()))
        })
    }

    fn caption(&self, text: Option<String>) -> BoxFuture<'static, Result<Acted, String>> {
        let shown = self.program.controls().insert_captions(text.as_deref());
        let said = if text.is_some() { "the captions are on their way" } else { "captions are taken off the screen" };
        let waiting = tokio::task::spawn_blocking(move || shown.recv_timeout(SETTLE));
        Box::pin(async move {
            let shown = waiting.await.map_err(|error| format!("a part of the worker failed ({error})"))?;
            let (at, frame) = shown.map_err(|_| "the program does not tick".to_owned())?;
            Ok(Acted { at: Some(at), frame: Some(frame), ..Acted::said(said) })
        })
    }

    fn set(&mut self, mut live: LiveSettings) -> BoxFuture<'static, Result<Acted, String>> {
        live.cued = self.live.cued.clone();
        let before = std::mem::replace(&mut self.live, live.clone());
        let retuned = self.retune(&before);
        if live.destinations != before.destinations {
            self.destinations.order(&live.destinations);
        }
        let (controls, format) = (self.program.controls(), self.plan.program);
        controls.set(&live);
        let sound = (live.sound != before.sound).then(|| controls.set_sound(live.sound.clone()));
        let (graphics, number) = (Arc::clone(&self.graphics), self.graphics.number());
        let drawing = tokio::task::spawn_blocking(move || graphics.set(number, &live, &controls));
        Box::pin(async move {
            let drawn = drawing.await.map_err(|error| format!("a part of the worker failed ({error})"))??;
            match sound {
                Some(settled) if drawn.at.is_none() => settle(settled, format, "set").await,
                _ => retuned.map(|()| drawn),
            }
        })
    }

    /// Puts changed bit rates in force; a sentence about those that take effect only with the next worker.
    fn retune(&self, before: &LiveSettings) -> Result<(), String> {
        let (encoders, live) = (&self.outlet.encoders, &self.live);
        let mut left = Vec::new();
        for rendition in &self.plan.video {
            let of = |live: &LiveSettings| live.bitrates.get(&rendition.id).copied().unwrap_or(rendition.bitrate);
            if of(live) != of(before) {
                let set = encoders.set_bitrate(&rendition.id, of(live));
                left.extend(set.err().map(|reason| format!("rendition {}: {reason}", rendition.id)));
            }
        }
        let unknown = live.bitrates.keys().filter(|id| !self.plan.video.iter().any(|r| r.id == **id));
        left.extend(unknown.map(|id| format!("there is no video rendition {id}")));
        if left.is_empty() { Ok(()) } else { Err(format!("{}; it is kept for the next start", left.join("; "))) }
    }

    /// Positions and counters, for a heartbeat.
    pub(super) fn report(&mut self) -> WorkerReport {
        for event in self.strain.note(&self.outlet.encoders.counters(), self.clock.now()) {
            (self.events)(event);
        }
        let choices = self.outlet.encoders.chosen();
        let choice = |id: &RenditionId| choices.iter().find(|c| c.rendition == *id);
        let chosen = |id: &RenditionId| choice(id).map_or_else(|| "avenc_aac".to_owned(), |c| c.element.clone());
        let status = |id: &RenditionId, target: BitRate| {
            let figures = self.tally.figures(id);
            RenditionStatus {
                id: id.clone(),
                encoder: chosen(id),
                target,
                measured: figures.map_or(BitRate(0), |f| f.measured),
                position: figures.and_then(|f| f.position),
                media_sequence: figures.and_then(|f| f.number),
                segments: figures.map_or(0, |f| f.segments),
                dropped_frames: self.strain.dropped(id),
                health: self.strain.health(id, choice(id), self.since),
            }
        };
        let wanted = |r: &crate::plan::VideoRenditionPlan| self.live.bitrates.get(&r.id).copied().unwrap_or(r.bitrate);
        let video = self.plan.video.iter().map(|r| status(&r.id, wanted(r)));
        let audio = self.plan.audio.iter().map(|r| status(&r.id, r.bitrate));
        let text = self.plan.captions.iter().filter_map(|captions| captions.webvtt.as_ref());
        let text = text.map(|id| RenditionStatus { encoder: "webvtt".to_owned(), ..status(id, BitRate(0)) });
        WorkerReport {
            program: self.program.status(),
            sources: self.program.sources(),
            renditions: video.chain(audio).chain(text).chain(self.companions.report()).collect(),
            destinations: self.destinations.status(),
            spool: SpoolStatus { overflowed: self.writer.overflow().status(), ..self.spool.status() },
        }
    }

    /// Goes off air within `limit`: flushes, writes and delivers the rest. Says what was left. `goes_on`: another worker
    /// takes its place at once.
    pub(super) async fn stop(self, limit: Duration, goes_on: bool) -> String {
        let deadline = Instant::now() + limit;
        let Self { plan, mut program, outlet, writer, destinations, companions, clock, watchers, .. } = self;
        drop(watchers);
        let media = tokio::task::spawn_blocking(move || {
            program.stop();
            // Sources close on their own threads while the encoders flush.
            let closing = std::thread::spawn(move || program.close(deadline));
            let beside = std::thread::spawn(move || companions.stop(deadline));
            let flushed = finish(outlet, limit.min(FLUSH));
            let written = writer.join(deadline);
            let _ = closing.join();
            let beside = beside.join().unwrap_or(false);
            flushed && written && beside
        });
        let flushed = media.await.unwrap_or(false);
        let (left, nothing) = destinations.stop(deadline, goes_on).await;
        if nothing && flushed && !goes_on {
            remainder::forget(&plan);
        }
        let tail = if flushed { "" } else { "; the last segments could not be flushed in time" };
        format!("off air at {}: {left}{tail}", clock.now())
    }
}

/// What a browser is answered takes seconds, and is the detail of the act's answer.
fn answer_browser<A: serde::Serialize + Send + 'static>(
    ask: impl FnOnce() -> A + Send + 'static,
    said: impl FnOnce(&A) -> String + Send + 'static,
) -> BoxFuture<'static, Result<Acted, String>> {
    let asking = tokio::task::spawn_blocking(ask);
    Box::pin(async move {
        let answer = asking.await.map_err(|error| format!("a part of the worker failed ({error})"))?;
        let detail = serde_json::to_value(&answer).map_err(|error| error.to_string())?;
        Ok(Acted { detail: Some(detail), ..Acted::said(said(&answer)) })
    })
}

fn acted(shown: ShownFrom, text: String) -> Acted {
    Acted { at: Some(shown.at), frame: Some(shown.frame), unchanged: shown.already, ..Acted::said(text) }
}

/// The answer once the program's thread has carried something out, which takes a tick.
async fn settle(settled: Settled, format: ProgramFormat, text: &str) -> Result<Acted, String> {
    let at = tokio::time::timeout(SETTLE, settled).await;
    let at = at.ok().and_then(Result::ok).ok_or("the program has not taken it over within 2 s")?;
    let frame = FrameGrid::new(format.frame_rate).index_at(at);
    Ok(Acted { at: Some(at), frame: Some(frame), ..Acted::said(text) })
}

fn writing(
    spool: &Spool,
    tally: &Arc<Tally>,
    destinations: Destinations,
    clock: HouseClock,
    events: &EventSink,
) -> Writing {
    Writing {
        spool: spool.clone(),
        tally: Arc::clone(tally),
        owed: Box::new(move |rendition, number| destinations.owed_to(rendition, number)),
        clock,
        events: Arc::clone(events),
        comes_and_goes: false,
    }
}

pub(super) fn open_spool(
    plan: &ChannelPlan,
    timeline: &LiveTimeline,
    clock: HouseClock,
) -> Result<(Spool, Mended), SpoolError> {
    let retain = Duration::from_secs(plan.spool.retain_seconds);
    let directory = &plan.spool.directory;
    let boundaries = timeline.get().boundaries().clone();
    let (spool, mended) =
        Spool::open(directory, plan.spool.quota_bytes, retain, boundaries, &renditions(plan), clock.now())?;
    yield_by(&spool, plan);
    if plan.parts.is_some() {
        spool.tell_parts();
    }
    Ok((spool, mended))
}

/// Tells the spool what goes first when it is full.
pub(super) fn yield_by(spool: &Spool, plan: &ChannelPlan) {
    let reach = plan.segments.duration() * plan.spool.playlist_segments;
    spool.give_up_first(plan.spool.when_full, plan.video.iter().map(|r| r.id.clone()).collect(), reach);
}

pub(super) fn renditions(plan: &ChannelPlan) -> Vec<RenditionId> {
    let video = plan.video.iter().map(|r| r.id.clone());
    let text = plan.captions.iter().filter_map(|captions| captions.webvtt.clone());
    video.chain(plan.audio.iter().map(|r| r.id.clone())).chain(text).collect()
}

fn finish(mut outlet: Arc<ProgramOutlet>, limit: Duration) -> bool {
    let flushed = outlet.encoders.finish(limit);
    // Whoever changes renditions at this moment sees that they have ended, and lets go. The writer ends with the graph.
    let until = Instant::now() + LET_GO;
    while let Err(shared) = Arc::try_unwrap(outlet) {
        if Instant::now() >= until {
            return false;
        }
        outlet = shared;
        std::thread::park_timeout(Duration::from_millis(5));
    }
    flushed
}

pub(super) fn not_drawn(reason: &str, clock: HouseClock) -> Event {
    Event::new(clock.now(), Severity::Warning, EventCode::OverlayFailed, reason)
        .blame(Fault::Configuration, "send the image (`uplinkctl image put`), or take the overlay away")
}

fn tell_mended(mended: &Mended, clock: HouseClock, events: &EventSink) {
    if !mended.is_clean() {
        let severity = if mended.lost_media() { Severity::Warning } else { Severity::Info };
        events(Event::new(clock.now(), severity, EventCode::SpoolMended, format!("the spool was mended: {mended}")));
    }
}

pub(super) fn tell_chosen(choices: &[Choice], clock: HouseClock, events: &EventSink) {
    for choice in choices {
        let text = format!("rendition {} is encoded by {} ({})", choice.rendition, choice.element, choice.profile);
        let event = Event::new(clock.now(), Severity::Info, EventCode::EncoderChosen, text).subject(&choice.rendition);
        let skipped: Vec<String> = choice.skipped.iter().map(|s| format!("{}: {}", s.element, s.reason)).collect();
        let hint = (!skipped.is_empty()).then(|| format!("not usable on this box: {}", skipped.join("; ")));
        events(Event { hint, ..event });
    }
}

fn tell_passed_over(plan: &ChannelPlan, clock: HouseClock, events: &EventSink) {
    let companions = plan.companions.iter().filter_map(|companion| companion.video.as_ref());
    for rendition in plan.video.iter().chain(companions).filter(|rendition| !rendition.passed_over.is_empty()) {
        let text = format!("rendition {}: {}", rendition.id, rendition.passed_over.join("; "));
        let event = Event::new(clock.now(), Severity::Warning, EventCode::EncoderSessionsTaken, text);
        let hint = "it is encoded by the next encoder; look at what is left with uplinkctl capacity";
        events(event.subject(&rendition.id).blame(Fault::Hardware, hint));
    }
}

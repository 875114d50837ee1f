//! One connection of a source: a pipeline from opening to its end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gstreamer as gst;
use gstreamer::prelude::*;

use super::Context;
use super::branch::Branches;
use super::decklink::{self, Card};
use super::guest::{Call, Servers, Session};
use super::input::{self, Opened};
use super::rtmp::Inlet;
use super::{head, srt};
use crate::media::feed::Streams;
use crate::model::{FrameGrid, MediaTime, SourceId};
use crate::plan::{SourceKind, SrtMode};

/// How often the thread looks at the bus and at what arrived.
const LOOK: u64 = 50;
/// A source that is silent for this long is closed and opened anew.
const GIVE_UP: Duration = Duration::from_secs(1);
/// The same for guests and NDI senders.
const GUEST_GIVE_UP: Duration = Duration::from_secs(5);
/// A sender that comes back does not wait for that.
const CONTESTED: &str = "another caller came while this one was silent";
/// How often a protocol is asked about the way.
const ASK: Duration = Duration::from_secs(1);
/// Some streams never say that no more of them come: then what is there after this long is all.
const ANNOUNCE: Duration = Duration::from_millis(1500);
/// Longest wait for a pipeline to let go; a driver that hangs longer is left to its thread.
const CLOSE: Duration = Duration::from_secs(3);

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// Asked to.
    Stopped,
    /// It delivered and does not any more.
    Lost(String),
    /// It never delivered.
    Failed(String),
    /// It was played to its end, and is not to be played again.
    Finished,
}

/// An open connection.
pub(super) struct Connection<'a> {
    context: &'a Context,
    pipeline: gst::Pipeline,
    bus: gst::Bus,
    branches: Branches,
    inlet: Option<Arc<Inlet>>,
    guest: Option<Session>,
    /// The capture device, if it has one.
    device: Option<Opened>,
    /// The DeckLink card, if it is one.
    card: Option<Card>,
    /// What the network library warned of last.
    warned: Option<String>,
    opened: Instant,
    delivered: bool,
    announced: Option<Streams>,
    /// When the protocol was last asked about the way.
    asked: Option<Instant>,
}

impl<'a> Connection<'a> {
    /// Builds the pipeline and sets it going; around the offer of `call`, if guests publish to this source.
    pub(super) fn open(context: &'a Context, call: Option<&Call>) -> Result<Self, String> {
        let pipeline = gst::Pipeline::new();
        let bus = pipeline.bus().ok_or("the pipeline has no bus")?;
        let clock = gst::SystemClock::obtain();
        pipeline.use_clock(Some(&clock));
        pipeline.set_start_time(gst::ClockTime::NONE);
        // Running time begins on a tick of the house clock (that has just passed: running time is never negative).
        let grid = FrameGrid::new(context.format.frame_rate);
        let origin = grid.time_of(grid.index_at(context.clock.now()));
        let base = gst::ClockTime::from_nseconds(context.clock.monotonic_at(origin));
        pipeline.set_base_time(base);
        let branches = Branches::new(context, &pipeline, base);
        let mut connection = Self {
            context,
            pipeline,
            bus,
            branches,
            inlet: None,
            guest: None,
            device: None,
            card: None,
            warned: None,
            opened: Instant::now(),
            delivered: false,
            announced: None,
            asked: None,
        };
        match connection.start(origin, call) {
            Ok(()) => Ok(connection),
            Err(reason) => {
                let told = connection.error_on_bus().unwrap_or(reason);
                connection.close();
                if let (SourceKind::DeckLink { .. }, Some(input)) = (&context.plan.kind, &context.input) {
                    input.absent(&context.condition, &told);
                }
                Err(told)
            }
        }
    }

    fn start(&mut self, origin: MediaTime, call: Option<&Call>) -> Result<(), String> {
        match (&self.context.plan.kind, call) {
            (SourceKind::Whip { latency_ms, stun, turn, .. }, Some(call)) => {
                let servers = Servers { stun: stun.as_deref(), turn: turn.as_ref() };
                let session = Session::build(call, &self.pipeline, &self.branches, *latency_ms, servers)?;
                self.guest = Some(session);
            }
            _ => {
                let head = head::build(self.context, &self.pipeline, &self.branches, origin);
                self.device = head.map_err(|e| e.message.to_string())?;
                self.card = Card::watch(&self.pipeline, &self.context.plan.kind);
            }
        }
        if let Some(entrance) = &self.context.entrance {
            self.inlet = Some(entrance.open(&self.pipeline, &self.branches)?);
        }
        if let (Some(_), Some(input)) = (&self.card, &self.context.input) {
            input.forget();
        }
        let refused = if self.card.is_some() { decklink::NOT_THERE } else { "it could not be started" };
        self.pipeline.set_state(gst::State::Playing).map_err(|_| refused.to_owned())?;
        match (&self.guest, call) {
            (Some(session), Some(call)) => session.answer(call),
            _ => Ok(()),
        }
    }

    /// Looks after the connection until it ends.
    pub(super) fn watch(mut self) -> End {
        let end = loop {
            if self.context.stopping() {
                break End::Stopped;
            }
            if let Some(end) = self.next_message() {
                break end;
            }
            if let Some(end) = self.guest_gone().or_else(|| self.sender_changed()).or_else(|| self.look()) {
                break end;
            }
        };
        self.close();
        end
    }

    fn ended(&self, reason: String) -> End {
        if self.delivered { End::Lost(reason) } else { End::Failed(reason) }
    }

    /// A guest who left, makes room for another, or whose connection ended.
    fn guest_gone(&self) -> Option<End> {
        let session = self.guest.as_ref()?;
        let asked = self.context.door.as_ref().and_then(|door| door.ended());
        asked.or_else(|| session.over()).map(|reason| self.ended(reason.to_owned()))
    }

    fn next_message(&mut self) -> Option<End> {
        let message = self.bus.timed_pop(gst::ClockTime::from_mseconds(LOOK))?;
        match message.view() {
            gst::MessageView::Error(error) => {
                if let Some(card) = &self.card {
                    card.failed(&error.error(), &self.context.condition);
                }
                Some(self.ended(plain(error)))
            }
            gst::MessageView::Eos(_) => Some(self.ended("the stream ended".to_owned())),
            gst::MessageView::Warning(warning) => {
                tracing::debug!(source = %self.context.plan.id, "{}", warning.error());
                self.warned = Some(warning.error().message().to_owned());
                srt::denied(&self.context.plan.kind, &warning.error()).map(|why| self.ended(why.to_owned()))
            }
            _ => None,
        }
    }

    /// What the driver of the capture device says, where that ends the connection.
    fn sender_changed(&self) -> Option<End> {
        let (device, sent) = (self.device.as_ref()?, self.context.input.as_ref()?.sent()?);
        input::has_changed(device.format, sent).then(|| self.ended(format!("its sender's format is now {sent}")))
    }

    /// Compares what has arrived with what should have.
    fn look(&mut self) -> Option<End> {
        if let (Some(card), Some(input)) = (&self.card, &self.context.input) {
            card.tell(input, &self.context.condition);
        }
        if let Some(reason) = self.context.input.as_ref().and_then(|input| input.darkness()) {
            self.announce();
            self.context.condition.no_signal(&reason);
            return None;
        }
        let now = self.context.clock.now();
        if let Some(reason) = self.inlet.as_ref().and_then(|inlet| inlet.end()) {
            return Some(self.ended(reason));
        }
        let patience = self.context.feed.patience();
        srt::tell_turned_away(self.context, &self.branches);
        let contested = self.branches.callers().contested(Instant::now());
        let Some(last) = self.context.feed.last_arrival() else {
            let dead = contested.is_some_and(|age| age >= GIVE_UP);
            return if dead { Some(End::Failed(CONTESTED.to_owned())) } else { self.not_yet() };
        };
        self.delivered = true;
        self.announce();
        self.ask_about_way();
        let silent = now.since(last);
        if contested.is_some() && silent >= patience {
            return Some(End::Lost(CONTESTED.to_owned()));
        }
        if silent >= self.patience().max(patience * 2) {
            return Some(End::Lost(format!("nothing arrived for {:.1} s", silent.as_secs_f32())));
        }
        if silent >= patience {
            self.context.condition.lost(&format!("nothing arrived for {} ms", silent.as_millis()));
        } else if self.announced.is_some() {
            self.context.condition.delivering();
        }
        None
    }

    fn ask_about_way(&mut self) {
        if self.asked.is_none_or(|asked| asked.elapsed() >= ASK) {
            self.asked = Some(Instant::now());
            self.context.condition.way(srt::way(&self.pipeline, &self.context.plan.kind));
        }
    }

    /// How long it may be silent before it is opened anew.
    fn patience(&self) -> Duration {
        match &self.context.plan.kind {
            // A guest would have to come again by itself; wireless networks stall for longer than a second.
            SourceKind::Whip { .. } => GUEST_GIVE_UP,
            // The receiver finds a sender that comes back by itself, faster than a new one could.
            SourceKind::Ndi { .. } => GUEST_GIVE_UP,
            _ => GIVE_UP,
        }
    }

    fn not_yet(&self) -> Option<End> {
        let (patience, what) = match &self.context.plan.kind {
            SourceKind::Srt { mode: SrtMode::Listener, .. } => (Duration::from_secs(30), "no caller has come yet"),
            SourceKind::Srt { .. } => (Duration::from_secs(6), "the listener does not answer or sends no media"),
            SourceKind::Rtsp { .. } => (Duration::from_secs(8), "it does not answer or sends no media"),
            SourceKind::Rtmp { .. } => {
                let late = self.inlet.as_ref()?.age()? >= Duration::from_secs(5);
                return late.then(|| End::Failed("the publisher sends nothing that can be shown".to_owned()));
            }
            SourceKind::Whip { .. } => (Duration::from_secs(12), "the guest's browser could not be reached"),
            SourceKind::Ndi { .. } => (Duration::from_secs(12), "no sender of that name or address is there"),
            _ => (Duration::from_secs(5), "it delivers nothing"),
        };
        // What the library says of a listener that hangs up is all there is to be known.
        let warned = self.warned.as_deref().filter(|_| matches!(self.context.plan.kind, SourceKind::Srt { .. }));
        let what = || warned.map_or_else(|| what.to_owned(), |warned| format!("{what} ({warned})"));
        (self.opened.elapsed() >= patience).then(|| End::Failed(what()))
    }

    /// Tells the feed what the connection carries, once that is known, and when more comes.
    fn announce(&mut self) {
        let streams = self.branches.streams();
        if let Some(before) = self.announced {
            if before != streams {
                self.context.feed.announce(streams);
                self.announced = Some(streams);
            }
            return;
        }
        let complete = self.branches.complete() || streams == Streams { picture: true, sound: true };
        if complete || self.opened.elapsed() >= ANNOUNCE && self.branches.age().is_some_and(|age| age >= ANNOUNCE) {
            self.context.feed.announce(streams);
            self.announced = Some(streams);
        }
    }

    fn error_on_bus(&self) -> Option<String> {
        let message = self.bus.pop_filtered(&[gst::MessageType::Error])?;
        match message.view() {
            gst::MessageView::Error(error) => Some(plain(error)),
            _ => None,
        }
    }

    fn close(&self) {
        close(&self.pipeline, &self.context.plan.id);
    }
}

/// Takes a pipeline down in a thread of its own: a driver or a network library may block in it.
pub(super) fn close(pipeline: &gst::Pipeline, source: &SourceId) {
    let closed = pipeline.clone();
    let closing = std::thread::Builder::new().name("close source".to_owned()).spawn(move || {
        // While it is falling, what an element announced before may still pull it up again.
        for _ in 0..3 {
            let _ = closed.set_state(gst::State::Null);
            if closed.current_state() == gst::State::Null {
                break;
            }
        }
    });
    let Ok(closing) = closing else {
        let _ = pipeline.set_state(gst::State::Null);
        return;
    };
    let deadline = Instant::now() + CLOSE;
    while !closing.is_finished() && Instant::now() < deadline {
        std::thread::park_timeout(Duration::from_millis(2));
    }
    if !closing.is_finished() {
        tracing::warn!(%source, "the source's pipeline hangs while closing; left behind");
    }
}

/// A bus error in one line, without GStreamer's source file names.
pub(super) fn plain(error: &gst::message::Error) -> String {
    // Elements are numbered as they are made: with the number, each attempt would fail for a reason of its own.
    let from = error.src().map(|s| s.name().trim_end_matches(|c: char| c.is_ascii_digit()).to_owned());
    let from = from.unwrap_or_default();
    let debug = error.debug().unwrap_or_default();
    let detail = debug.lines().last().unwrap_or_default().trim();
    let detail = detail.rsplit("): ").next().unwrap_or(detail).trim_end_matches(':');
    let text = error.error().to_string();
    let text = text.trim_end_matches('.');
    if detail.is_empty() || detail.contains(text) || detail.contains(".c(") || detail.starts_with('/') {
        format!("{text} [{from}]")
    } else {
        format!("{text}: {detail} [{from}]")
    }
}

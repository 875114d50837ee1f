//! What is known of a source: state, health with reason, arriving format. Turns changes into events, once each.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::blame::blame;
use super::refusals::Refusals;
use crate::media::EventSink;
use crate::media::clock::HouseClock;
use crate::media::feed::FeedCounters;
use crate::model::status::{LinkFigures, SourceState, SourceStatus, SourceTimecode};
use crate::model::{
    Event, EventCode, ExpectedFormat, Fault, FrameRate, Health, HealthReport, InputState, InputStatus, MediaTime,
    PictureSize, Severity, SignalStatus,
};
use crate::plan::{SourceKind, SourcePlan};

/// Different skipped entries that are remembered as told.
const MOST_SKIPPED: usize = 1000;

#[derive(Debug)]
struct Known {
    state: SourceState,
    health: HealthReport,
    picture: Option<PictureSize>,
    /// The size of a picture that no program could have: odd, tiny or huge.
    unusual: Option<String>,
    frame_rate: Option<FrameRate>,
    sound: Option<String>,
    timecode: Option<SourceTimecode>,
    connects: u64,
    refusals: Refusals,
    /// Entries of a playlist that were left out, with the reason.
    skipped: BTreeSet<String>,
    /// The last thing that went wrong, so that a retry that fails the same way is no news.
    last_reason: Option<String>,
    /// It was told that a device is lost, and it has not delivered since: why it cannot be opened is no news.
    device_lost: bool,
    input: Option<InputStatus>,
    link: Option<LinkFigures>,
}

/// Reason code of a source whose input has no signal.
const NO_SIGNAL: &str = "no_signal";

/// The condition of one source, written by its threads, read by the worker.
pub(crate) struct Condition {
    plan: SourcePlan,
    clock: HouseClock,
    events: EventSink,
    known: Mutex<Known>,
    wrong_format: AtomicBool,
}

impl Condition {
    pub(super) fn new(plan: SourcePlan, clock: HouseClock, events: EventSink) -> Self {
        let health = HealthReport::new(Health::PartiallyHealthy, "connecting", "being opened", clock.now());
        let known = Known {
            state: SourceState::Connecting,
            health,
            picture: None,
            unusual: None,
            frame_rate: None,
            sound: None,
            timecode: None,
            connects: 0,
            refusals: Refusals::default(),
            skipped: BTreeSet::new(),
            last_reason: None,
            device_lost: false,
            input: None,
            link: None,
        };
        Self { plan, clock, events, known: Mutex::new(known), wrong_format: AtomicBool::new(false) }
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge(&self, known: &mut Known, state: SourceState, health: Health, code: &str, reason: &str) {
        known.state = state;
        known.health.update(HealthReport::new(health, code, reason, self.clock.now()));
    }

    fn event(&self, severity: Severity, code: EventCode, text: String) -> Event {
        Event::new(self.clock.now(), severity, code, text).subject(&self.plan.id)
    }

    /// What the protocol tells of the way.
    pub(super) fn way(&self, link: Option<LinkFigures>) {
        self.known().link = link;
    }

    pub(super) fn connecting(&self) {
        let mut known = self.known();
        known.connects += 1;
        known.timecode = None;
        known.link = None;
        if known.state == SourceState::Connecting {
            let waiting = match &self.plan.kind {
                SourceKind::Srt { mode: crate::plan::SrtMode::Listener, port, .. } => {
                    format!("waiting for a caller on UDP port {port}")
                }
                SourceKind::Rtmp { listen, app, .. } => {
                    format!("waiting for a publisher on rtmp://{listen}/{app}/<stream key>")
                }
                _ => "being opened".to_owned(),
            };
            self.judge(&mut known, SourceState::Connecting, Health::PartiallyHealthy, "connecting", &waiting);
        }
    }

    /// Nobody publishes.
    pub(super) fn vacant(&self) {
        let mut known = self.known();
        // The next guest may come without a camera.
        (known.picture, known.frame_rate, known.sound) = (None, None, None);
        if known.state == SourceState::Connecting {
            let waiting = "waiting for a guest (uplinkctl guest-link prints the link)";
            self.judge(&mut known, SourceState::Connecting, Health::PartiallyHealthy, "connecting", waiting);
        }
    }

    /// What it sends as captions is none; told once per connection.
    pub(super) fn captions_faulty(&self) {
        let text = format!("source {} sends captions that are none; they are left out", self.plan.id);
        let event = self.event(Severity::Warning, EventCode::CaptionsFaulty, text);
        (self.events)(event.blame(Fault::Source, "check the caption encoder of the source"));
    }

    pub(super) fn state(&self) -> SourceState {
        self.known().state
    }

    pub(super) fn delivering(&self) {
        let mut known = self.known();
        if known.state == SourceState::Delivering {
            return;
        }
        (known.last_reason, known.device_lost) = (None, false);
        let reason = known.unusual.as_ref().map_or_else(|| "delivers".to_owned(), |size| format!("delivers {size}"));
        self.judge(&mut known, SourceState::Delivering, Health::Healthy, "ok", &reason);
        let size = known.picture.map(|size| size.to_string()).or_else(|| known.unusual.clone());
        let format = match (size, known.frame_rate, &known.sound) {
            (Some(size), Some(rate), sound) => format!("{size} at {rate} per second, sound {}", text_of(sound)),
            (Some(size), None, sound) => format!("{size}, sound {}", text_of(sound)),
            (None, _, sound) => format!("no picture, sound {}", text_of(sound)),
        };
        drop(known);
        let text = format!("source {} delivers: {format}", self.plan.id);
        (self.events)(self.event(Severity::Info, EventCode::SourceConnected, text));
    }

    /// What the card says of the signal at its input.
    pub(super) fn input(&self, state: InputState, format: Option<String>, reason: &str, device: Option<&str>) {
        let (since, device) = (self.clock.now(), device.map(str::to_owned));
        let newer = InputStatus { state, format, reason: reason.to_owned(), since, device };
        let mut known = self.known();
        let Some(input) = &mut known.input else {
            known.input = Some(newer);
            return;
        };
        let changed = input.update(newer);
        let format = input.format.as_ref().map(|format| format!(" ({format})")).unwrap_or_default();
        drop(known);
        if changed {
            let severity = if state == InputState::Locked { Severity::Info } else { Severity::Warning };
            let text = format!("input of source {}: {reason}{format}", self.plan.id);
            (self.events)(self.event(severity, EventCode::InputChanged, text));
        }
    }

    /// The format of the arriving picture, as a signal's is written.
    pub(super) fn arriving(&self) -> Option<String> {
        let known = self.known();
        let rate = known.frame_rate.map(|rate| format!("p{rate}")).unwrap_or_default();
        known.picture.map(|size| format!("{size}{rate}"))
    }

    /// Whether it is something plugged in here: what happens to it after it was lost belongs to the same loss. Behind an
    /// address it may be another sender that fails for a reason of its own.
    fn is_device(&self) -> bool {
        matches!(self.plan.kind, SourceKind::V4l2 { .. } | SourceKind::Alsa { .. } | SourceKind::DeckLink { .. })
    }

    /// The card says that nothing is connected to the input, or nothing it can read.
    pub(super) fn no_signal(&self, reason: &str) {
        let mut known = self.known();
        let news = known.health.code != NO_SIGNAL && !known.device_lost;
        known.device_lost |= self.is_device();
        let state = if known.state == SourceState::Delivering { SourceState::Lost } else { known.state };
        self.judge(&mut known, state, Health::Unhealthy, NO_SIGNAL, reason);
        drop(known);
        if news {
            let text = format!("source {} has no signal: {reason}", self.plan.id);
            (self.events)(blame(&self.plan.kind, self.event(Severity::Warning, EventCode::SourceLost, text)));
        }
    }

    pub(super) fn lost(&self, reason: &str) {
        let mut known = self.known();
        let news = known.state == SourceState::Delivering;
        known.device_lost |= news && self.is_device();
        self.judge(&mut known, SourceState::Lost, Health::Unhealthy, "source_lost", reason);
        drop(known);
        if news {
            let text = format!("source {} lost: {reason}", self.plan.id);
            (self.events)(blame(&self.plan.kind, self.event(Severity::Warning, EventCode::SourceLost, text)));
        }
    }

    pub(super) fn failed(&self, reason: &str) {
        let mut known = self.known();
        let news = known.last_reason.as_deref() != Some(reason) && !known.device_lost;
        known.last_reason = Some(reason.to_owned());
        self.judge(&mut known, SourceState::Failed, Health::Unhealthy, "source_failed", reason);
        drop(known);
        if news {
            let text = format!("source {} cannot be opened: {reason}; it is tried again", self.plan.id);
            (self.events)(blame(&self.plan.kind, self.event(Severity::Warning, EventCode::SourceLost, text)));
        }
    }

    /// A publisher or caller was not admitted; `who` is its address, if that is known here.
    pub(super) fn refused(&self, who: Option<&str>, why: &str) {
        let mut known = self.known();
        let (noun, hint) = match &self.plan.kind {
            SourceKind::Whip { .. } => ("publisher", "send the guest the link again (uplinkctl guest-link)"),
            SourceKind::Srt { .. } => ("caller", "correct passphrase or stream id, at the sender or of this source"),
            _ => ("publisher", "correct the encoder's address or stream key, or stop the other encoder"),
        };
        let what = match who {
            Some(who) => format!("{noun}, {who}, was refused: {why}"),
            None => format!("{noun} was refused: {why}"),
        };
        let news = known.refusals.count(&what, Instant::now());
        if known.state != SourceState::Delivering {
            let (state, health, code) = (known.state, known.health.health, known.health.code.clone());
            let waiting = known.health.reason.split("; the last ").next().unwrap_or_default();
            let reason = format!("{waiting}; the last {what}");
            self.judge(&mut known, state, health, &code, &reason);
        }
        drop(known);
        let Some(attempts) = news else { return };
        let many = if attempts > 1 { format!(" ({attempts} attempts)") } else { String::new() };
        let text = format!("source {}: a {what}{many}", self.plan.id);
        let event = self.event(Severity::Warning, EventCode::PublisherRefused, text);
        (self.events)(event.blame(Fault::Source, hint));
    }

    /// An entry of a playlist was left out.
    pub(super) fn skipped(&self, path: &Path, why: &str) {
        let mut known = self.known();
        let what = format!("{}: {why}", path.display());
        // Round after round, the same entry is no news.
        let news = known.skipped.insert(what.clone());
        if known.skipped.len() > MOST_SKIPPED {
            known.skipped.clear();
        }
        drop(known);
        if news {
            let text = format!("source {} skips {what}", self.plan.id);
            let event = self.event(Severity::Warning, EventCode::EntrySkipped, text);
            (self.events)(event.blame(Fault::Source, "replace the file, or remove it from the list"));
        }
    }

    /// It was played to its end.
    pub(super) fn finished(&self) {
        let mut known = self.known();
        let reason = "played to its end";
        self.judge(&mut known, SourceState::Lost, Health::PartiallyHealthy, "source_finished", reason);
        drop(known);
        let text = format!("source {} was played to its end", self.plan.id);
        (self.events)(self.event(Severity::Info, EventCode::SourceLost, text));
    }

    /// The arriving picture has this format.
    pub(super) fn picture(&self, size: Option<PictureSize>, rate: Option<FrameRate>) {
        let ExpectedFormat { size: expected, frame_rate } = self.plan.expect;
        let other = expected.is_some_and(|expected| size.is_some_and(|size| size != expected))
            || frame_rate.is_some_and(|expected| rate.is_some_and(|rate| rate != expected));
        self.wrong_format.store(other, Ordering::Relaxed);
        let mut known = self.known();
        let old = (known.picture, known.frame_rate);
        (known.picture, known.frame_rate) = (size, rate);
        let changed = old.0.is_some() && old != (size, rate) && known.state == SourceState::Delivering;
        drop(known);
        if changed && let Some(size) = size {
            let rate = rate.map_or_else(|| "?".to_owned(), |r| r.to_string());
            let text = format!("source {} changed its picture to {size} at {rate} per second", self.plan.id);
            (self.events)(self.event(Severity::Info, EventCode::SourceFormatChanged, text));
        }
    }

    /// The arriving picture has this size, which no program could have.
    pub(super) fn unusual(&self, size: Option<String>) {
        self.known().unusual = size;
    }

    /// The newest picture carries this timecode.
    pub(super) fn timecode(&self, timecode: String, at: MediaTime) {
        self.known().timecode = Some(SourceTimecode { timecode, at });
    }

    /// The arriving sound has this format.
    pub(super) fn sound(&self, format: String) {
        let mut known = self.known();
        let changed = known.sound.as_ref().is_some_and(|old| *old != format) && known.state == SourceState::Delivering;
        known.sound = Some(format.clone());
        drop(known);
        if changed {
            let text = format!("source {} changed its sound to {format}", self.plan.id);
            (self.events)(self.event(Severity::Info, EventCode::SourceFormatChanged, text));
        }
    }

    /// Whether the arriving picture is another than expected; none if nothing is expected.
    pub(super) fn wrong_format(&self) -> Option<bool> {
        (self.plan.expect != ExpectedFormat::default()).then(|| self.wrong_format.load(Ordering::Relaxed))
    }

    /// Health with what is wrong with the signal of a source that delivers.
    fn judged(&self, known: &Known, signal: &SignalStatus) -> HealthReport {
        let ExpectedFormat { size, frame_rate } = self.plan.expect;
        let text = |known: Option<String>| known.unwrap_or_else(|| "any".to_owned());
        let expected = || {
            let (size, rate) = (text(size.map(|s| s.to_string())), text(frame_rate.map(|r| r.to_string())));
            format!("its picture is not what is expected (size {size}, {rate} per second)")
        };
        let faults = [
            (signal.black_since, "source_black", "its picture is black".to_owned()),
            (signal.freeze_since, "source_frozen", "its picture stands still".to_owned()),
            (signal.silence_since, "source_silent", "its sound is silent".to_owned()),
            (signal.wrong_format_since, "source_wrong_format", expected()),
        ];
        let fault = faults.into_iter().find_map(|(since, code, reason)| Some((since?, code, reason)));
        match fault.filter(|_| known.health.health == Health::Healthy) {
            Some((since, code, reason)) => HealthReport::new(Health::PartiallyHealthy, code, reason, since),
            None => known.health.clone(),
        }
    }

    pub(super) fn status(&self, counters: FeedCounters, signal: SignalStatus) -> SourceStatus {
        let known = self.known();
        SourceStatus {
            id: self.plan.id.clone(),
            kind: self.plan.kind.word().to_owned(),
            state: known.state,
            health: self.judged(&known, &signal),
            picture: known.picture,
            frame_rate: known.frame_rate,
            sound: known.sound.clone(),
            connects: known.connects,
            frames: counters.frames,
            late: counters.late,
            timecode: known.timecode.clone(),
            signal,
            input: known.input.clone(),
            link: known.link.clone(),
        }
    }
}

fn text_of(sound: &Option<String>) -> &str {
    sound.as_deref().unwrap_or("none")
}

//! What the thread of a companion does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::presence::{Presence, Turn};
use super::{CompanionSetting, Offered, Seen, Shared, lock};
use crate::media::encode::{Encoders, Output, RenditionCounters};
use crate::model::{Event, EventCode, Fault, Severity};
use crate::policy::{Attempts, Backoff};

/// How often it looks around without anything to do, and what is told of it is renewed.
const LOOK: Duration = Duration::from_millis(200);
/// What encoders may take to hand out what they hold.
const FLUSH: Duration = Duration::from_millis(1500);
/// Between two tries of an encoder that fails.
const RETRY: Backoff =
    Backoff { first: Duration::from_secs(1), cap: Duration::from_secs(30), factor: 2.0, jitter: 0.2 };
/// An encoder that runs for this long works.
const HEALTHY: Duration = Duration::from_secs(10);

/// See the module.
pub(super) struct Work {
    setting: CompanionSetting,
    shared: Arc<Shared>,
    presence: Presence,
    encoders: Option<Encoders>,
    /// Since when these run.
    since: Instant,
    /// What earlier encoders have counted.
    before: Vec<RenditionCounters>,
    attempts: Attempts,
    /// Not tried before then.
    again: Option<Instant>,
    /// The encoder that was told last.
    told: Option<String>,
    looked: Instant,
}

impl Work {
    pub(super) fn new(setting: CompanionSetting, shared: Arc<Shared>) -> Self {
        let now = Instant::now();
        Self {
            setting,
            shared,
            presence: Presence::default(),
            encoders: None,
            since: now,
            before: Vec::new(),
            attempts: Attempts::new(RETRY),
            again: None,
            told: None,
            looked: now,
        }
    }

    pub(super) fn run(&mut self, offered: &Receiver<Offered>) {
        while !self.shared.stop.load(Ordering::Relaxed) {
            match offered.recv_timeout(LOOK) {
                Ok(offered) => self.take(offered),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.look();
        }
        while let Ok(offered) = offered.try_recv() {
            self.take(offered);
        }
        self.flush();
    }

    fn take(&mut self, offered: Offered) {
        let replanned = lock(&self.shared.plan).take();
        if let Some(plan) = replanned {
            self.setting.plan = plan;
            // With the next tick the new ones begin.
            self.flush();
        }
        let number = self.setting.timeline.get().boundaries().number_at(offered.at);
        let resting = self.again.is_some_and(|again| Instant::now() < again);
        if resting {
            return;
        }
        match self.presence.turn(number, offered.delivers) {
            Turn::Rest => return,
            Turn::End => return self.flush(),
            Turn::Begin => self.open(),
            Turn::Go => {}
        }
        let Some(encoders) = &self.encoders else { return };
        if let Some(picture) = offered.picture {
            encoders.push_picture(picture);
        }
        if let Some(sound) = offered.sound {
            encoders.push_sound(sound);
        }
    }

    fn open(&mut self) {
        let output = Arc::clone(&self.setting.output);
        // A failure is looked for in `look`.
        let output = Arc::new(move |one: Output| {
            if !matches!(one, Output::Failed(_)) {
                output(one);
            }
        });
        match Encoders::start_beside(&self.setting.plan, &self.setting.timeline, output) {
            Ok(encoders) => {
                self.tell_chosen(&encoders);
                (self.encoders, self.since, self.again) = (Some(encoders), Instant::now(), None);
            }
            Err(error) => self.failed(&error.to_string()),
        }
    }

    /// Hands out what the encoders hold, and closes them.
    fn flush(&mut self) {
        self.presence.leave();
        let Some(encoders) = self.encoders.take() else { return };
        if !encoders.finish(FLUSH) {
            tracing::warn!(of = %self.setting.of, "a companion's encoders were not flushed in time");
        }
        self.close(encoders);
    }

    fn close(&mut self, encoders: Encoders) {
        add(&mut self.before, encoders.counters().renditions);
        drop(encoders);
        *lock(&self.shared.seen) = Seen { chosen: Vec::new(), counters: self.before.clone() };
    }

    fn look(&mut self) {
        if let Some(failure) = self.encoders.as_ref().and_then(Encoders::failure) {
            if let Some(encoders) = self.encoders.take() {
                self.close(encoders);
            }
            return self.failed(&failure.to_string());
        }
        if self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        let Some(encoders) = &self.encoders else { return };
        let mut counters = self.before.clone();
        add(&mut counters, encoders.counters().renditions);
        *lock(&self.shared.seen) = Seen { chosen: encoders.chosen(), counters };
        if self.attempts.count() > 0 && self.since.elapsed() >= HEALTHY {
            self.attempts.reset();
            let text = format!("{} is encoded again", self.setting.of);
            self.tell(Event::new(self.setting.clock.now(), Severity::Info, EventCode::CompanionRecovered, text));
        }
    }

    fn failed(&mut self, reason: &str) {
        self.presence.leave();
        let first = self.attempts.count() == 0;
        let wait = self.attempts.failed(fastrand::f64());
        self.again = Some(Instant::now() + wait);
        tracing::warn!(of = %self.setting.of, reason, ?wait, "a companion cannot be encoded");
        if first {
            let text = format!("{} cannot be encoded for its recording: {reason}", self.setting.of);
            let event = Event::new(self.setting.clock.now(), Severity::Error, EventCode::CompanionFailed, text);
            self.tell(event.blame(Fault::Hardware, "the program is not concerned; it is tried again by itself"));
        }
    }

    fn tell_chosen(&mut self, encoders: &Encoders) {
        let Some(choice) = encoders.chosen().into_iter().next() else { return };
        if self.told.as_ref() != Some(&choice.element) {
            let text = format!("{} is encoded by {} ({})", self.setting.of, choice.element, choice.profile);
            self.tell(Event::new(self.setting.clock.now(), Severity::Info, EventCode::EncoderChosen, text));
            self.told = Some(choice.element);
        }
    }

    fn tell(&self, event: Event) {
        (self.setting.events)(event.subject(&self.setting.of));
    }
}

/// Goes on with counters where earlier encoders ended.
fn add(all: &mut Vec<RenditionCounters>, more: Vec<RenditionCounters>) {
    for one in more {
        match all.iter_mut().find(|known| known.rendition == one.rendition) {
            Some(known) => {
                known.dropped += one.dropped;
                known.encoded += one.encoded;
                known.unaligned += one.unaligned;
                known.chunks += one.chunks;
                known.bytes += one.bytes;
            }
            None => all.push(one),
        }
    }
}

//! What the recorder's thread does: begins, goes on, looks, ends; and tells of it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::lock::{Held, hold};
use super::manifest::{JOURNAL, MANIFEST, Manifest, Marker, RecordedRendition, RecordingState};
use super::mend::{self, RecordingMended};
use super::order::{Order, wanted};
use super::quota::{self, Head, Keeper, Round};
use super::recorder::{Needs, Recorded, RecorderSetting, Shared, lock};
use super::running::{Running, Subject};
use crate::model::status::DestinationState;
use crate::model::{Event, EventCode, Fault, Health, HealthReport, MediaTime, RecordingAsk, RecordingStatus, Severity};
use crate::spool::{Spool, SpoolError};

/// How often limits are looked after.
const ROUND: Duration = Duration::from_secs(10);
/// After a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// A recording that has stood still for longer is not gone on with: it is closed, and another one begins.
const GO_ON: Duration = Duration::from_secs(600);
/// The channel was on air until just now: its worker was replaced.
const JUST_NOW: Duration = Duration::from_secs(60);
/// Where so little is free and nothing may be deleted, recording pauses: the spool needs the rest to stay on air.
const LEAST: u64 = 1 << 30;
/// For the last segment to come, after a stop.
const LAST: Duration = Duration::from_secs(8);
/// The same, beyond two segments, where nothing may come.
const LAST_OF_SOURCE: Duration = Duration::from_secs(1);

/// A stop under way.
struct Ending {
    at: MediaTime,
    latest: Instant,
    answer: Option<oneshot::Sender<Recorded>>,
}

/// See the module.
pub(crate) struct Work {
    /// First, so that it is let go first: whoever hears no more of this recorder can take its recording.
    running: Option<Running>,
    setting: RecorderSetting,
    spool: Spool,
    shared: Arc<Mutex<Shared>>,
    /// Somebody wants a recording to run; with its title.
    order: Option<Option<String>>,
    ending: Option<Ending>,
    keeper: Keeper,
    looked_after: Option<Instant>,
    room: Round,
    deleted: u64,
    /// Not tried before then.
    again: Option<Instant>,
    trouble: Option<SpoolError>,
    recoveries: u64,
    bytes_before: u64,
    last: RecordingStatus,
    /// Another worker goes on with what runs.
    handed_over: bool,
}

impl Work {
    pub(crate) fn new(setting: RecorderSetting, spool: Spool, shared: Arc<Mutex<Shared>>) -> Self {
        let keeper = Keeper::new(setting.directory.clone(), setting.limits);
        let last = RecordingStatus { of: setting.of.clone(), ..RecordingStatus::default() };
        Self {
            setting,
            spool,
            shared,
            running: None,
            order: None,
            ending: None,
            keeper,
            looked_after: None,
            room: Round::default(),
            deleted: 0,
            again: None,
            trouble: None,
            recoveries: 0,
            bytes_before: 0,
            last,
            handed_over: false,
        }
    }

    fn now(&self) -> MediaTime {
        (self.setting.now)()
    }

    fn tell(&self, severity: Severity, code: EventCode, text: String) -> Event {
        Event::new(self.now(), severity, code, text).subject(&self.setting.destination)
    }

    fn say(&self, event: Event) {
        (self.setting.events)(event);
    }

    /// Finds out what is wanted, and what an earlier worker left behind.
    pub(crate) fn begin(&mut self) {
        let kept = Order::load(self.spool.directory(), &self.setting.destination);
        let lasts = self.spool.renditions().into_iter().filter_map(|id| self.spool.last(&id));
        let newest = lasts.map(|segment| segment.start + segment.duration).max();
        let goes_on = newest.is_some_and(|end| self.now().since(end) < JUST_NOW);
        if wanted(kept.as_ref(), self.setting.start, goes_on) {
            self.order = Some(kept.and_then(|order| order.title).or_else(|| self.setting.title.clone()));
        }
        for (directory, held) in self.left_behind() {
            if let Err(error) = self.take_up(directory, held) {
                self.failed(error);
            }
        }
        self.look();
    }

    /// Recordings of this channel that an earlier worker did not end and nobody has, the newest first.
    fn left_behind(&self) -> Vec<(PathBuf, Held)> {
        let above = self.setting.directory.join(self.setting.channel.as_str());
        let all = quota::recordings(&self.setting.directory).unwrap_or_default();
        let mut left: Vec<(PathBuf, Held)> = Vec::new();
        for directory in all.into_iter().filter(|directory| directory.parent() == Some(&above)) {
            let open = match Head::read(&directory.join(MANIFEST)) {
                Some(head) => {
                    let mine = head.destination == self.setting.destination && head.of == self.setting.of;
                    head.state == RecordingState::Recording && mine
                }
                // Torn: it is made anew from the files.
                None => directory.join(JOURNAL).is_file(),
            };
            if let Some(held) = hold(&directory).ok().flatten().filter(|_| open) {
                left.push((directory, held));
            }
        }
        left.sort_by(|a, b| b.0.cmp(&a.0));
        left
    }

    /// Goes on with a recording, or closes it.
    fn take_up(&mut self, directory: PathBuf, held: Held) -> Result<(), SpoolError> {
        let now = self.now();
        let loaded = Manifest::load(&directory).ok();
        let last = loaded.as_ref().map(|it| it.last_media().unwrap_or(it.began));
        let fresh = last.is_some_and(|last| now.since(last) < GO_ON);
        let others = |it: Manifest| it.destination != self.setting.destination || it.of != self.setting.of;
        if fresh && loaded.is_some_and(others) {
            // Its own destination is about to go on with it.
            return Ok(());
        }
        if self.order.is_none() || self.running.is_some() || !fresh {
            let (manifest, mended) = mend::mend(&directory, &held, &|_, _| false)?;
            let manifest = mend::close(&directory, manifest, RecordingState::Interrupted)?;
            self.tell_mended(&manifest, &mended);
            return Ok(());
        }
        let timeline = self.setting.timeline.get();
        let (running, mended) =
            Running::resume(&self.subject(), directory, held, &self.spool, timeline.boundaries(), now)?;
        let id = &running.manifest.id;
        let away = last.map_or(0.0, |last| now.since(last).as_secs_f64());
        let text = format!("recording {id} goes on after {away:.1} s: what was not encoded meanwhile is missing in it");
        self.say(self.tell(Severity::Warning, EventCode::RecordingResumed, text));
        self.tell_mended(&running.manifest, &mended);
        self.running = Some(running);
        Ok(())
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            channel: &self.setting.channel,
            destination: &self.setting.destination,
            of: &self.setting.of,
            root: &self.setting.directory,
            renditions: &self.setting.renditions,
        }
    }

    fn tell_mended(&self, manifest: &Manifest, mended: &RecordingMended) {
        if !mended.is_clean() {
            let severity = if mended.missing + mended.discarded > 0 { Severity::Warning } else { Severity::Info };
            let text = format!("recording {} was mended: {mended}", manifest.id);
            self.say(self.tell(severity, EventCode::RecordingMended, text));
        }
    }

    /// One look at everything.
    pub(crate) fn look(&mut self) {
        self.look_after_room();
        if !self.out_of_room() && self.again.is_none_or(|again| Instant::now() >= again) {
            self.again = None;
            if let Err(error) = self.advance() {
                self.failed(error);
            }
        }
        self.end_when_due();
        self.publish();
    }

    /// Nothing may be deleted any more, and what is free is for the spool. What is made meanwhile waits there.
    fn out_of_room(&self) -> bool {
        self.room.short && self.room.free < (self.setting.limits.keep_free_bytes / 4).min(LEAST)
    }

    fn advance(&mut self) -> Result<(), SpoolError> {
        if let Some(title) = self.order.clone().filter(|_| self.running.is_none()) {
            let (now, timeline) = (self.now(), self.setting.timeline.get());
            let running = Running::begin(&self.subject(), title, timeline.boundaries(), now)?;
            let text = format!("recording {} has begun", running.manifest.id);
            self.running = Some(running);
            self.say(self.tell(Severity::Info, EventCode::RecordingStarted, text));
        }
        let Some(running) = &mut self.running else { return Ok(()) };
        if !running.directory.join(MANIFEST).exists() {
            let gone = running.directory.clone();
            self.bytes_before += running.manifest.bytes;
            // With the next look another one begins.
            self.running = None;
            let source = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(SpoolError::Missing { path: gone, source });
        }
        let timeline = self.setting.timeline.get();
        running.hear(timeline.cued(), (self.setting.now)())?;
        let looked = running.look(&self.spool, timeline.boundaries());
        let id = running.manifest.id.to_string();
        if !looked.gaps.is_empty() {
            let seconds = looked.gaps.iter().map(|gap| gap.end.since(gap.begin)).max().unwrap_or_default();
            let text = format!(
                "{} s are missing in recording {id}, in {} renditions: {}",
                (seconds.as_secs_f64() * 10.0).round() / 10.0,
                looked.gaps.len(),
                looked.gaps[0].reason
            );
            self.say(self.tell(Severity::Warning, EventCode::RecordingGap, text));
        }
        match looked.error {
            Some(error) => Err(error),
            None => {
                if looked.taken > 0 && self.trouble.take().is_some() {
                    self.recoveries += 1;
                    let text = format!("recording {id} is written again");
                    self.say(self.tell(Severity::Info, EventCode::RecordingRecovered, text));
                }
                Ok(())
            }
        }
    }

    fn failed(&mut self, error: SpoolError) {
        self.again = Some(Instant::now() + AGAIN);
        let known = self.trouble.as_ref().is_some_and(|known| known.code() == error.code());
        if !known {
            let text = format!("recording fails: {error}");
            let hint = "what the channel makes is kept in its spool meanwhile, as long as that has room";
            self.say(self.tell(Severity::Error, EventCode::RecordingFailed, text).blame(error.fault(), hint));
        }
        self.trouble = Some(error);
    }

    /// Deletes what has to go. Never in the way of a recording: what cannot be deleted is told, and that is all.
    fn look_after_room(&mut self) {
        if self.looked_after.is_some_and(|last| last.elapsed() < ROUND) {
            return;
        }
        self.looked_after = Some(Instant::now());
        let own = self.running.as_ref().map(|running| (running.directory.as_path(), running.manifest.bytes));
        let round = match self.keeper.round(own, (self.setting.now)()) {
            Ok(round) => round,
            // There is no directory before the first recording; anything else is met by the recording itself.
            Err(_) => return,
        };
        if !round.deleted.is_empty() {
            self.deleted += round.deleted.len() as u64;
            let text = format!("deleted to keep the limits: {}", round.deleted.join(", "));
            self.say(self.tell(Severity::Info, EventCode::RecordingDeleted, text));
        }
        if round.short && !self.room.short {
            let text = "the limits of recordings cannot be kept: what is left runs, is protected or is in use";
            let event = self.tell(Severity::Error, EventCode::RecordingNoRoom, text.to_owned());
            self.say(event.blame(Fault::Hardware, "take recordings away from the box, or free space on its disk"));
        }
        self.room = round;
    }

    fn publish(&mut self) {
        let now = self.now();
        let (queue_segments, queue) = self.running.as_ref().map_or((0, Duration::ZERO), |r| r.queue(&self.spool, now));
        let mut recording = self.running.as_ref().map_or_else(|| self.last.clone(), Running::status);
        (recording.free_bytes, recording.deleted_recordings) = (self.room.free, self.deleted);
        recording.room_bytes = self.looked_after.map(|_| self.room.room);
        let (state, health) = self.judge(now);
        let needs = match &self.running {
            Some(running) => Needs::From(running.needs().into_iter().collect(), running.until),
            // One that is wanted and cannot be begun wants what is made from now on; it is not known how long.
            None => Needs::Nothing,
        };
        let mut shared = lock(&self.shared);
        shared.needs = needs;
        let status = &mut shared.status;
        status.state = state;
        status.health.update(health);
        status.fault = self.trouble.as_ref().map(SpoolError::fault);
        status.bytes = self.bytes_before + self.running.as_ref().map_or(0, |running| running.manifest.bytes);
        status.position = self.running.as_ref().and_then(Running::position);
        (status.queue_segments, status.queue) = (queue_segments, queue);
        status.recoveries = self.recoveries;
        status.last_error = self.trouble.as_ref().map(ToString::to_string).or(status.last_error.take());
        status.recording = recording;
    }

    fn judge(&self, now: MediaTime) -> (DestinationState, HealthReport) {
        let report = |health, code: &str, reason: String| HealthReport::new(health, code, reason, now);
        if let Some(error) = &self.trouble {
            return (DestinationState::Interrupted, report(Health::Unhealthy, error.code(), error.to_string()));
        }
        match &self.running {
            _ if self.out_of_room() => {
                let reason = "paused: the disk has no room, and no recording is left that may be deleted".to_owned();
                (DestinationState::Interrupted, report(Health::Unhealthy, "no_room", reason))
            }
            None => {
                let reason = "no recording runs: begin one with `uplinkctl record start`".to_owned();
                (DestinationState::Disabled, report(Health::Inactive, "not_recording", reason))
            }
            Some(_) if self.room.short => {
                let reason = "room runs out, and no recording is left that may be deleted".to_owned();
                (DestinationState::Streaming, report(Health::PartiallyHealthy, "no_room", reason))
            }
            Some(running) if running.position().is_none() => {
                let reason = "waits for its first segment".to_owned();
                (DestinationState::Connecting, report(Health::Healthy, "ok", reason))
            }
            Some(_) => (DestinationState::Streaming, report(Health::Healthy, "ok", "records".to_owned())),
        }
    }

    /// Does what is asked, and says what came of it.
    pub(crate) fn ask(&mut self, ask: RecordingAsk, answer: oneshot::Sender<Recorded>) {
        let done = match ask {
            RecordingAsk::Start { title } => self.ask_start(title),
            RecordingAsk::Stop => return self.ask_stop(answer),
            RecordingAsk::Marker { text, by } => self.ask_marker(text, by),
        };
        let _ = answer.send(done);
    }

    fn keep_order(&self, record: bool, title: Option<String>) -> Result<(), String> {
        let order = Order { record, title, at: self.now() };
        let kept = order.keep(self.spool.directory(), &self.setting.destination);
        kept.map_err(|error| format!("the order cannot be kept: {error}"))
    }

    fn ask_start(&mut self, title: Option<String>) -> Recorded {
        if let Some(running) = self.running.as_ref().filter(|_| self.ending.is_none()) {
            return Ok((format!("{} is being recorded already", running.manifest.id), true, running.status()));
        }
        self.finish_now();
        self.keep_order(true, title.clone())?;
        self.order = Some(title.or_else(|| self.setting.title.clone()));
        self.advance().map_err(|error| {
            let text = error.to_string();
            self.failed(error);
            format!("{text}; it is tried again")
        })?;
        self.publish();
        let running = self.running.as_ref().ok_or("nothing is recorded")?;
        Ok((format!("recording {} has begun", running.manifest.id), false, running.status()))
    }

    fn ask_stop(&mut self, answer: oneshot::Sender<Recorded>) {
        let now = self.now();
        self.order = None;
        if let Err(reason) = self.keep_order(false, None) {
            let _ = answer.send(Err(reason));
            return;
        }
        let Some(running) = &mut self.running else {
            let _ = answer.send(Ok(("no recording runs".to_owned(), true, self.last.clone())));
            return;
        };
        let timeline = self.setting.timeline.get();
        running.until = Some(timeline.boundaries().number_at(now));
        // A source may have nothing to come any more.
        let patience = match self.setting.of.is_program() {
            true => LAST,
            false => LAST.min(timeline.boundaries().grid().duration() * 2 + LAST_OF_SOURCE),
        };
        self.ending = Some(Ending { at: now, latest: Instant::now() + patience, answer: Some(answer) });
    }

    fn ask_marker(&mut self, text: String, by: Option<String>) -> Recorded {
        let marker = Marker { at: self.now(), text, by: by.unwrap_or_else(|| "operator".to_owned()) };
        let running = self.running.as_mut().ok_or("no recording runs")?;
        let said = format!("marked at {} in {}", marker.at, running.manifest.id);
        running.mark(marker).map_err(|error| error.to_string())?;
        Ok((said, false, running.status()))
    }

    /// The channel has other renditions, or other words for them.
    pub(crate) fn list(&mut self, renditions: Vec<RecordedRendition>) {
        let next = self.setting.timeline.get().boundaries().number_at(self.now());
        self.setting.renditions = renditions;
        if let Some(running) = &mut self.running
            && let Err(error) = running.list_renditions(&self.setting.renditions, next)
        {
            self.failed(error);
        }
    }

    fn end_when_due(&mut self) {
        let complete = self.running.as_ref().is_none_or(|running| running.is_complete(&self.spool));
        if self.ending.as_ref().is_some_and(|ending| complete || Instant::now() >= ending.latest) {
            self.finish_now();
        }
    }

    /// Ends what runs, if it was asked to end.
    fn finish_now(&mut self) {
        let Some(Ending { at, answer, .. }) = self.ending.take() else { return };
        let done = self.finish(at);
        if let Some(answer) = answer {
            let _ = answer.send(done);
        }
    }

    fn finish(&mut self, at: MediaTime) -> Recorded {
        let Some(running) = self.running.take() else {
            return Ok(("no recording runs".to_owned(), true, self.last.clone()));
        };
        let status = running.status();
        self.bytes_before += running.manifest.bytes;
        let (manifest, mended) = running.finish(at).map_err(|error| {
            let text = error.to_string();
            self.failed(error);
            format!("{text}; it is closed when a worker starts again")
        })?;
        self.tell_mended(&manifest, &mended);
        let seconds = at.since(manifest.began).as_secs_f64();
        let gaps = manifest.gaps.len();
        let text =
            format!("recording {} has ended: {seconds:.1} s, {} bytes, {gaps} gaps", manifest.id, manifest.bytes);
        self.say(self.tell(Severity::Info, EventCode::RecordingEnded, text.clone()));
        let segments = manifest.renditions.iter().map(|rendition| rendition.segments.len() as u64).sum();
        self.last = RecordingStatus {
            running: false,
            ended: Some(at),
            bytes: manifest.bytes,
            segments,
            gaps: gaps as u64,
            synced: manifest.last_media(),
            ..status
        };
        Ok((text, false, self.last.clone()))
    }

    pub(crate) fn hand_over(&mut self) {
        self.handed_over = true;
    }

    /// The channel goes off air, or the destination is taken away.
    pub(crate) fn end(&mut self) {
        if let Err(error) = self.advance() {
            self.failed(error);
        }
        if self.ending.is_some() {
            self.finish_now();
        } else if self.running.is_some() && !self.handed_over {
            let _ = self.finish(self.now());
        }
        self.publish();
    }
}

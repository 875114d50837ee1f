//! One rendition: the encoder in charge, and what takes its place when it fails.
//!
//! ```text
//! running ── error, or 0.5 s of silence ──► replacing ── next encoder plays ──► running, with the pictures since
//!                                               │                               the last complete segment
//!                                               └── none is left ──► failed
//! ```

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gstreamer as gst;

use super::chain::{Chain, Setting};
use super::choose::{Choice, Found, choose, choose_after};
use super::failure::EncodeFailure;
use super::ledger::Tally;
use super::output::{Output, Replacement};
use super::recent::Recent;
use super::stall::Stall;
use super::watch::Origin;
use crate::media::MediaError;
use crate::model::{BitRate, FrameRate, MediaTime, ProgramFormat, RenditionId};

/// Most memory that pictures may take while they wait for an encoder.
const WAITING_BYTES: u64 = 192 << 20;

/// Opening an encoder takes well under a second; a driver may hang.
const START_BOUND: Duration = Duration::from_secs(10);

/// The same while the rendition is off air.
const START_ON_AIR: Duration = Duration::from_secs(2);

/// A rendition of a running graph.
pub(super) struct Line {
    number: usize,
    setting: Setting,
    limit: u64,
    recent: Arc<Recent>,
    state: Mutex<State>,
}

struct State {
    /// None while it is being replaced, and after the last one has failed.
    chain: Option<Chain>,
    choice: Choice,
    /// Counts encoders.
    life: u64,
    stall: Stall,
    /// The last picture that went in.
    newest: Option<MediaTime>,
    /// The first picture of all.
    first: Option<MediaTime>,
    /// Of the planned bit rate.
    factor: f64,
    /// Segment before which no picture is taken.
    from: u64,
    /// The first segment of a line that came on air; 0 if it was there from the start.
    begin: u64,
    /// The first segment that it does not encode any more.
    until: Option<u64>,
    /// Pictures that came while there was no encoder.
    missed: u64,
    /// An encoder that failed before it was in charge.
    early: Option<(u64, String, String)>,
    /// No more pictures will come.
    ending: bool,
    /// The graph is being dropped.
    closed: bool,
}

impl Line {
    /// The rendition with its best encoder, not started yet. What it encodes may be `held` until [`Line::release`].
    pub(super) fn new(
        number: usize,
        setting: Setting,
        recent: &Arc<Recent>,
        held: bool,
    ) -> Result<Arc<Self>, MediaError> {
        let limit = waiting_limit(&setting.program);
        let found = choose(&setting.rendition, setting.program.frame_rate)?;
        let choice = found.choice.clone();
        let chain = Chain::build(&setting, found, limit, Origin::Line(number, 0), held)?;
        let state = State {
            chain: Some(chain),
            choice,
            life: 0,
            stall: Stall::new(setting.program.frame_rate),
            newest: None,
            first: None,
            factor: 1.0,
            from: 0,
            begin: 0,
            until: None,
            missed: 0,
            early: None,
            ending: false,
            closed: false,
        };
        Ok(Arc::new(Self { number, setting, limit, recent: Arc::clone(recent), state: Mutex::new(state) }))
    }

    /// Its pictures begin with this segment, which is still to come.
    pub(super) fn begin_with(&self, number: u64) {
        let mut state = self.lock();
        (state.from, state.begin) = (number, number);
        state.first = Some(self.setting.timeline.get().boundaries().start_of(number));
    }

    /// Its pictures end before this segment.
    pub(super) fn end_with(&self, number: u64) {
        self.lock().until = Some(number);
    }

    /// Lets out what was held.
    pub(super) fn release(&self) {
        if let Some(chain) = &self.lock().chain {
            chain.release();
        }
    }

    pub(super) fn tally(&self) -> &Arc<Tally> {
        &self.setting.tally
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// Starts the encoder; if it does not, the next one.
    pub(super) fn play(self: &Arc<Self>) -> Result<(), MediaError> {
        let (started, last) = {
            let state = self.lock();
            let last = state.choice.index + 1 >= self.setting.rendition.encoders.len();
            (state.chain.as_ref().map_or(Ok(()), |chain| chain.play(START_BOUND)), last)
        };
        match started {
            Err(error) if !last => {
                self.fail(0, format!("encoder-{}", self.setting.rendition.id), error.to_string());
                Ok(())
            }
            other => other,
        }
    }

    /// Takes a picture, which [`Recent`] has already; false where no more are taken. Never blocks.
    pub(super) fn push(&self, time: MediaTime, picture: &gst::Buffer) -> bool {
        let mut state = self.lock();
        if state.ending {
            return false;
        }
        if state.first.is_none() {
            state.first = Some(time);
            state.from = self.first_segment(time);
        }
        let number = self.setting.timeline.get().boundaries().number_at(time);
        if state.until.is_some_and(|until| number >= until) {
            state.ending = true;
            if let Some(chain) = &state.chain {
                chain.entry.end();
            }
            return true;
        }
        let Some(chain) = &state.chain else {
            state.missed += 1;
            return true;
        };
        // The replacing thread may have been given this picture with the others.
        if state.newest.is_some_and(|newest| time <= newest) {
            return true;
        }
        let wanted = number >= state.from;
        let starts_late = !wanted && state.life == 0;
        if !(starts_late || wanted && chain.push(picture.clone())) {
            Tally::add(&self.setting.tally.dropped, 1);
        }
        state.newest = Some(time);
        true
    }

    /// The first segment that gets pictures: that of the first one, or the next if the encoder counts to its keyframes.
    fn first_segment(&self, time: MediaTime) -> u64 {
        let Setting { timeline, rendition, program, .. } = &self.setting;
        let timeline = timeline.get();
        let segments = timeline.boundaries();
        let number = segments.number_at(time);
        let into = time.since(segments.start_of(number)).as_nanos() as u64;
        let counts = rendition.encoders.iter().any(|encoder| encoder.counts);
        if counts && into >= program.frame_rate.frame_nanos() { number + 1 } else { number }
    }

    /// Pictures from this time on are needed again if the encoder fails now; none where nothing would be done with them.
    pub(super) fn needs(&self) -> Option<MediaTime> {
        let state = self.lock();
        match &state.chain {
            Some(chain) if state.choice.hardware => {
                let next = chain.gate.next().map(|next| self.setting.timeline.get().boundaries().start_of(next));
                next.or(state.first).or(Some(MediaTime::default()))
            }
            // Being replaced: whatever there is.
            None => Some(MediaTime::default()),
            Some(_) => None,
        }
    }

    /// The rendition.
    pub(super) fn id(&self) -> &RenditionId {
        &self.setting.rendition.id
    }

    /// Encodes at this average bit rate, and its successor will.
    pub(super) fn set_bitrate(&self, bitrate: BitRate) -> Result<(), String> {
        let mut state = self.lock();
        state.factor = bitrate.bps() as f64 / self.setting.rendition.bitrate.bps().max(1) as f64;
        state.chain.as_ref().map_or(Ok(()), |chain| chain.retune(state.factor))
    }

    /// Pictures that wait.
    pub(super) fn backlog(&self) -> u64 {
        self.lock().chain.as_ref().map_or(0, |chain| chain.entry.level())
    }

    pub(super) fn choice(&self) -> Choice {
        self.lock().choice.clone()
    }

    /// No more pictures will come.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.ending = true;
        if let Some(chain) = &state.chain {
            chain.entry.end();
        }
    }

    /// Stops; the signal comes when the device is closed.
    pub(super) fn close(&self) -> Option<std::sync::mpsc::Receiver<()>> {
        let chain = {
            let mut state = self.lock();
            state.closed = true;
            state.chain.take()
        };
        chain.map(Chain::close)
    }

    /// Looks whether the encoder stands still. Only hardware is judged: software that does is short of time, and
    /// another of its kind would be no faster.
    pub(super) fn look(self: &Arc<Self>) {
        let stalled = {
            let mut state = self.lock();
            let State { chain, stall, choice, ending, life, .. } = &mut *state;
            let Some(chain) = chain.as_ref().filter(|_| choice.hardware && !*ending) else { return };
            let (pushed, encoded) = (chain.pushed.load(Ordering::Relaxed), chain.gate.encoded.load(Ordering::Relaxed));
            stall.look(pushed, encoded).then(|| (*life, format!("encoder-{}", self.setting.rendition.id)))
        };
        if let Some((life, element)) = stalled {
            self.fail(life, element, "takes pictures and delivers none".to_owned());
        }
    }

    /// The encoder of this life has failed: another one takes its place, on a thread of its own.
    pub(super) fn fail(self: &Arc<Self>, life: u64, element: String, reason: String) {
        let broken = {
            let mut state = self.lock();
            if state.closed || state.life > life {
                return;
            }
            if state.life < life {
                state.early = Some((life, element, reason));
                return;
            }
            let broken = state.chain.take();
            let lost =
                |chain: &Chain| chain.pushed.load(Ordering::Relaxed) - chain.gate.encoded.load(Ordering::Relaxed);
            state.missed = broken.as_ref().map_or(0, lost);
            broken
        };
        let Some(broken) = broken else { return };
        let failure = EncodeFailure { rendition: Some(self.setting.rendition.id.clone()), element, reason };
        let again = broken.gate.next();
        // Shut before anything else: the spool must not get chunks of both.
        let closed = broken.close();
        let line = Arc::clone(self);
        let replacing = std::thread::Builder::new().name("encoder-replace".into()).spawn({
            let failure = failure.clone();
            move || line.replace(again, failure, &closed)
        });
        if replacing.is_err() {
            self.setting.ledger.failed(failure);
        }
    }

    fn replace(self: &Arc<Self>, next: Option<u64>, failure: EncodeFailure, closed: &std::sync::mpsc::Receiver<()>) {
        let rate = self.setting.program.frame_rate;
        let (mut choice, mut life) = {
            let state = self.lock();
            (state.choice.clone(), state.life)
        };
        while let Some(found) = choose_after(&self.setting.rendition, rate, &choice, &failure) {
            choice = found.choice.clone();
            life += 1;
            match self.open(found, life) {
                Ok(chain) => return self.take_over(chain, choice, life, next, failure),
                Err(error) => choice.skip(&error.to_string()),
            }
        }
        // The worker that comes after this one opens the device anew, if it lets go of it in time.
        let _ = closed.recv_timeout(Duration::from_millis(200));
        if !self.lock().closed {
            self.setting.ledger.failed(failure);
        }
    }

    fn open(&self, found: Found, life: u64) -> Result<Chain, MediaError> {
        // What waits at the beginning comes on top of what may wait at any time.
        let waiting = self.recent.len() as u64 + seconds_of(self.setting.program.frame_rate, 1.0);
        let chain = Chain::build(&self.setting, found, self.limit + waiting, Origin::Line(self.number, life), false)?;
        match chain.play(START_ON_AIR) {
            Ok(()) => Ok(chain),
            Err(error) => {
                drop(chain.close());
                Err(error)
            }
        }
    }

    /// Puts the new encoder in charge, with every picture since the last complete segment.
    fn take_over(
        self: &Arc<Self>,
        chain: Chain,
        mut choice: Choice,
        life: u64,
        next: Option<u64>,
        failure: EncodeFailure,
    ) {
        let timeline = self.setting.timeline.get();
        let segments = timeline.boundaries();
        let mut state = self.lock();
        if state.closed {
            drop(chain.close());
            return;
        }
        choice.since = state.newest;
        let start = next.map_or_else(|| state.first.unwrap_or_default(), |next| segments.start_of(next));
        let pictures = self.recent.since(start);
        let again = pictures.is_some().then(|| segments.number_at(start));
        let replacement = Replacement { failure, choice: choice.clone(), again };
        // Before the first chunk of the new one, and in order with it: it has not been given anything yet.
        self.setting.ledger.emit(Output::Replaced(replacement));
        state.from = match &pictures {
            Some(_) => state.begin,
            None => {
                Tally::add(&self.setting.tally.dropped, state.missed);
                state.newest.map_or(state.begin, |newest| segments.number_at(newest) + 1).max(state.begin)
            }
        };
        if let Some(told) = self.setting.ledger.tap().point(self.id()).resumes_after() {
            chain.resume_after(told);
        }
        for (time, picture) in pictures.into_iter().flatten() {
            chain.push(picture);
            state.newest = Some(time);
        }
        if state.ending {
            chain.entry.end();
        }
        if state.factor != 1.0
            && let Err(reason) = chain.retune(state.factor)
        {
            tracing::warn!(rendition = %self.id(), reason, "the new encoder runs at the planned bit rate");
        }
        state.stall = Stall::new(self.setting.program.frame_rate);
        (state.chain, state.choice, state.life) = (Some(chain), choice, life);
        let early = state.early.take().filter(|(failed, ..)| *failed == life);
        drop(state);
        if let Some((_, element, reason)) = early {
            self.fail(life, element, reason);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two seconds of pictures, if the memory allows: a box that is busy for a moment loses nothing.
fn waiting_limit(program: &ProgramFormat) -> u64 {
    let picture = u64::from(program.size.width()) * u64::from(program.size.height()) * 3 / 2;
    seconds_of(program.frame_rate, 2.0).min(WAITING_BYTES / picture).max(8)
}

fn seconds_of(rate: FrameRate, seconds: f64) -> u64 {
    (seconds * rate.as_f64()).ceil() as u64
}

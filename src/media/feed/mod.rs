//! A feed: where one source's pictures and sound wait until they are due on the program's house clock.
//!
//! The source's threads push, the program's thread takes; both hold the lock for microseconds. One mapping serves picture
//! and sound, so that they stay together. See [`mapping`] for when a frame is due.

mod cadence;
mod look;
mod mapping;
mod pictures;
mod sound;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gstreamer as gst;

use self::cadence::Cadence;
use self::look::{Look, level_dbfs};
use self::mapping::{Mapping, Observed};
use self::pictures::Pictures;
pub(crate) use self::pictures::Taken;
use self::sound::Sound;
use super::captions::Triplet;
use super::sound::Arriving;
use crate::model::{FrameGrid, MediaTime, ProgramFormat, SignalStatus, SignalThresholds, TriggerAction};
use crate::policy::SignalWatch;

/// Most captions that wait to be due; a source that runs ahead must not fill the memory.
const CAPTIONS: usize = 600;

/// What a connection carries, once that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Streams {
    pub(crate) picture: bool,
    pub(crate) sound: bool,
}

impl Streams {
    /// Neither picture nor sound.
    pub(crate) fn none(self) -> bool {
        !self.picture && !self.sound
    }
}

/// Counters since the worker started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FeedCounters {
    pub(crate) frames: u64,
    pub(crate) dropped: u64,
    pub(crate) late: u64,
    pub(crate) starved_samples: u64,
}

#[derive(Debug)]
struct Inner {
    mapping: Mapping,
    pictures: Pictures,
    sound: Sound,
    /// Captions with the stamps of their pictures.
    captions: VecDeque<(i64, Vec<Triplet>)>,
    /// Whether six channels are 5.1.
    surround: bool,
    /// How much later than due pictures are shown, nanoseconds.
    picture_delay: i64,
    streams: Option<Streams>,
    last_picture: Option<i64>,
    last_sound: Option<i64>,
    cadence: Cadence,
    late: u64,
    watch: SignalWatch,
}

/// The meeting point of one source and the program.
#[derive(Debug)]
pub(crate) struct Feed {
    format: ProgramFormat,
    limits: Mutex<Limits>,
    inner: Mutex<Inner>,
    /// Used by the thread that brings the pictures; none if nobody wants to know.
    look: Mutex<Option<Look>>,
}

/// When the source is lost or silent. Lock order: `inner` first.
#[derive(Debug, Clone, Copy)]
struct Limits {
    loss: Duration,
    /// Sound below this level is silent; none if nobody wants to know.
    silence_dbfs: Option<f64>,
}

fn nanos(time: MediaTime) -> i64 {
    time.as_nanos() as i64
}

impl Feed {
    /// A feed into a program of `format`; silent for `loss` means lost; a buffer should arrive `margin` before it is due.
    pub(crate) fn new(format: ProgramFormat, loss: Duration, margin: Duration) -> Self {
        let grid = FrameGrid::new(format.frame_rate);
        let inner = Inner {
            mapping: Mapping::new(margin, grid),
            pictures: Pictures::default(),
            sound: Sound::new(format.audio.sample_rate, format.audio.channels),
            captions: VecDeque::new(),
            surround: false,
            picture_delay: 0,
            streams: None,
            last_picture: None,
            last_sound: None,
            cadence: Cadence::default(),
            late: 0,
            watch: SignalWatch::default(),
        };
        let limits = Limits { loss, silence_dbfs: None };
        Self { format, limits: Mutex::new(limits), inner: Mutex::new(inner), look: Mutex::default() }
    }

    /// The same, with its signal watched.
    pub(crate) fn watched(self, thresholds: &SignalThresholds) -> Self {
        let loss = self.limits().loss;
        self.rewatch(loss, thresholds);
        self
    }

    /// Watches the signal by other limits from now on; what is wrong with it is judged anew.
    pub(crate) fn rewatch(&self, loss: Duration, thresholds: &SignalThresholds) {
        let listens = thresholds.silence.action != TriggerAction::Off || thresholds.freeze_only_if_silent;
        *lock(&self.limits) = Limits { loss, silence_dbfs: listens.then_some(thresholds.silence_dbfs) };
        *lock(&self.look) = Look::new(&self.format, thresholds);
        self.inner().watch = SignalWatch::new(thresholds);
    }

    fn limits(&self) -> Limits {
        *lock(&self.limits)
    }

    /// Whether the arriving picture has another format than expected.
    pub(crate) fn wrong_format(&self, wrong: bool) {
        self.inner().watch.format(wrong);
    }

    /// Faults of the signal, as judged at the last tick.
    pub(crate) fn signal(&self) -> SignalStatus {
        self.inner().watch.status()
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        // A panic while the lock was held leaves at worst a picture missing.
        lock(&self.inner)
    }

    /// A new connection begins: nothing of the old one is shown any more.
    pub(crate) fn begin(&self) {
        let mut inner = self.inner();
        inner.mapping.reset();
        inner.pictures.clear();
        inner.sound.clear();
        inner.cadence = Cadence::default();
        inner.captions.clear();
        (inner.streams, inner.last_picture, inner.last_sound) = (None, None, None);
        inner.watch.begin();
        drop(inner);
        if let Some(look) = &mut *lock(&self.look) {
            look.begin();
        }
    }

    /// What the connection carries is known.
    pub(crate) fn announce(&self, streams: Streams) {
        self.inner().streams = Some(streams);
    }

    /// Sound of so many channels arrives from now on.
    pub(crate) fn arrange_sound(&self, arriving: Arriving) {
        let mut inner = self.inner();
        inner.sound.arrange(arriving.channels);
        inner.surround = arriving.surround;
    }

    /// Sound is `millis` later than its picture would have it from now on; below zero the picture is later instead.
    pub(crate) fn set_delay(&self, millis: i32) {
        let mut inner = self.inner();
        inner.sound.set_delay(i64::from(millis.max(0)) * 1_000_000);
        inner.picture_delay = i64::from((-millis).max(0)) * 1_000_000;
    }

    /// A picture in program format with `stamp` arrived `now`.
    pub(crate) fn push_picture(&self, stamp: MediaTime, picture: gst::Buffer, now: MediaTime) {
        let seen = lock(&self.look).as_mut().and_then(|look| look.at(&picture));
        let mut inner = self.inner();
        if let Some(sight) = seen {
            inner.watch.saw(now, sight.black, sight.still);
        }
        inner.observe(nanos(stamp), nanos(now), true);
        inner.last_picture = Some(nanos(now));
        inner.cadence.note(nanos(stamp));
        inner.pictures.push(nanos(stamp), picture);
    }

    /// Interleaved samples at the program's rate in the channels that were arranged (those of the program if nothing
    /// was), the first with `stamp`, arrived `now`.
    pub(crate) fn push_sound(&self, stamp: MediaTime, samples: &[f32], now: MediaTime) {
        let channels = usize::from(self.format.audio.channels);
        let silent = self.limits().silence_dbfs.map(|limit| level_dbfs(samples, channels) < limit);
        let mut inner = self.inner();
        if let Some(silent) = silent {
            inner.watch.heard(now, silent);
        }
        inner.observe(nanos(stamp), nanos(now), false);
        inner.last_sound = Some(nanos(now));
        inner.sound.push(nanos(stamp), samples);
    }

    /// When the last picture (or, of a connection without pictures, the last sound) arrived.
    pub(crate) fn last_arrival(&self) -> Option<MediaTime> {
        let inner = self.inner();
        let (picture, sound) = (inner.last_picture, inner.last_sound);
        let newest = picture.max(sound)?;
        Some(MediaTime::from_nanos(newest as u64))
    }

    /// How long nothing may come before the source counts as lost: what the stream class says, or two pictures of a
    /// source that has fewer of them.
    pub(crate) fn patience(&self) -> Duration {
        self.inner().cadence.patience(self.limits().loss)
    }

    /// Once per tick: whether the source can be shown at `at`, because something is due and it has not fallen silent.
    pub(crate) fn tick(&self, at: MediaTime) -> bool {
        let mut inner = self.inner();
        let now = nanos(at);
        inner.mapping.slew(now);
        let has_sound = inner.streams.is_some_and(|streams| streams.sound);
        inner.watch.judge(at, has_sound);
        let Some(streams) = inner.streams else {
            return false;
        };
        let last = if streams.picture { inner.last_picture } else { inner.last_sound };
        let loss = self.limits().loss;
        let patience = if streams.picture { inner.cadence.patience(loss) } else { loss };
        let fresh = last.is_some_and(|last| now - last < patience.as_nanos() as i64);
        let due = match inner.mapping.delay() {
            None => false,
            Some(_) if !streams.picture => true,
            Some(delay) => inner.pictures.has_shown() || inner.pictures.is_due(now - delay - inner.picture_delay),
        };
        fresh && due
    }

    /// The picture for tick `at`: the newest that is due by half a frame later.
    pub(crate) fn take_picture(&self, at: MediaTime) -> Taken {
        let mut inner = self.inner();
        let Some(delay) = inner.mapping.delay() else {
            return Taken::Nothing;
        };
        let half = self.format.frame_rate.frame_nanos() as i64 / 2;
        let late = delay + inner.picture_delay;
        inner.pictures.take(nanos(at) + half - late)
    }

    /// Captions of a picture with `stamp`, shown or not.
    pub(crate) fn push_captions(&self, stamp: MediaTime, triplets: Vec<Triplet>) {
        let mut inner = self.inner();
        let stamp = nanos(stamp);
        // Pictures come in order of presentation, and so do their captions.
        let at = inner.captions.iter().rposition(|(earlier, _)| *earlier <= stamp).map_or(0, |place| place + 1);
        inner.captions.insert(at, (stamp, triplets));
        if inner.captions.len() > CAPTIONS {
            inner.captions.pop_front();
        }
    }

    /// All captions that are due at tick `at` and were not before.
    pub(crate) fn take_captions(&self, at: MediaTime) -> Vec<Triplet> {
        let mut inner = self.inner();
        let Some(delay) = inner.mapping.delay() else {
            return Vec::new();
        };
        let limit = nanos(at) + self.format.frame_rate.frame_nanos() as i64 / 2 - delay - inner.picture_delay;
        let due = inner.captions.iter().take_while(|(stamp, _)| *stamp <= limit).count();
        inner.captions.drain(..due).flat_map(|(_, triplets)| triplets).collect()
    }

    /// Fills `out` (interleaved) with `frames` of the sound due from `at` on; the channels that it has.
    pub(crate) fn take_sound(&self, at: MediaTime, frames: usize, out: &mut Vec<f32>) -> Arriving {
        let mut inner = self.inner();
        out.clear();
        out.resize(frames * inner.sound.channels(), 0.0);
        if let Some(delay) = inner.mapping.delay() {
            inner.sound.read(nanos(at) - delay, out);
        }
        Arriving { channels: inner.sound.channels() as u8, surround: inner.surround }
    }

    /// The same for who records the source by itself, on air or not.
    pub(crate) fn take_sound_alone(&self, at: MediaTime, frames: usize, out: &mut Vec<f32>) -> Arriving {
        let mut inner = self.inner();
        out.clear();
        out.resize(frames * inner.sound.channels(), 0.0);
        if let Some(delay) = inner.mapping.delay() {
            inner.sound.read_alone(nanos(at) - delay, out);
        }
        Arriving { channels: inner.sound.channels() as u8, surround: inner.surround }
    }

    /// Counters since the worker started.
    pub(crate) fn counters(&self) -> FeedCounters {
        let inner = self.inner();
        FeedCounters {
            frames: inner.pictures.arrived(),
            dropped: inner.pictures.dropped(),
            late: inner.late,
            starved_samples: inner.sound.starved(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn observe(&mut self, stamp: i64, now: i64, picture: bool) {
        match self.mapping.observe(stamp, now, picture) {
            Observed::InOrder => {}
            Observed::Late => self.late += 1,
            Observed::Leap => {
                self.pictures.flush();
                self.sound.clear();
                self.captions.clear();
            }
        }
    }
}

#[cfg(test)]
mod soak_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AudioFormat, FrameRate, PictureSize};

    const LOSS: Duration = Duration::from_millis(250);

    fn feed(fps: u32) -> Feed {
        let format = ProgramFormat {
            size: PictureSize::new(320, 180).unwrap(),
            frame_rate: FrameRate::new(fps, 1).unwrap(),
            audio: AudioFormat { sample_rate: 48_000, channels: 2 },
        };
        Feed::new(format, LOSS, Duration::from_millis(80))
    }

    fn at(millis: u64) -> MediaTime {
        MediaTime::from_nanos(1_763_000_000_000_000_000 + millis * 1_000_000)
    }

    fn picture() -> gst::Buffer {
        gst::init().unwrap();
        gst::Buffer::new()
    }

    #[test]
    fn a_source_is_healthy_from_its_first_due_picture_until_it_falls_silent() {
        let feed = feed(25);
        feed.begin();
        for frame in 0..20 {
            feed.push_picture(at(frame * 40), picture(), at(frame * 40 + 5));
            assert!(!feed.tick(at(frame * 40 + 5)), "nothing is announced yet");
        }
        feed.announce(Streams { picture: true, sound: true });
        assert!(feed.tick(at(780)));
        assert!(feed.tick(at(765 + 249)));
        assert!(!feed.tick(at(765 + 250)));
    }

    #[test]
    fn a_source_of_sound_alone_is_healthy_by_its_sound() {
        let feed = feed(25);
        feed.begin();
        feed.announce(Streams { picture: false, sound: true });
        for n in 0..20 {
            feed.push_sound(at(n * 20), &[0.1; 1920], at(n * 20 + 25));
        }
        assert!(feed.tick(at(410)));
        assert!(matches!(feed.take_picture(at(410)), Taken::Nothing));
        assert!(!feed.tick(at(660)));
    }

    #[test]
    fn a_source_at_the_programs_rate_is_shown_frame_by_frame() {
        let feed = feed(25);
        feed.begin();
        feed.announce(Streams { picture: true, sound: false });
        let (mut new, mut again) = (0, 0);
        for frame in 0..500u64 {
            // The camera's frames lie anywhere between the ticks and arrive with jitter.
            feed.push_picture(at(frame * 40 + 17), picture(), at(frame * 40 + 17 + frame * 31 % 29));
            if feed.tick(at(frame * 40 + 40)) {
                match feed.take_picture(at(frame * 40 + 40)) {
                    Taken::New(_) => new += 1,
                    Taken::Again(_) => again += 1,
                    Taken::Nothing => {}
                }
            }
        }
        assert!(new > 480, "{new}");
        assert_eq!(again, 0);
    }
}

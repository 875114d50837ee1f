//! Encoded access units for whoever sends them on as they are, beside the segments.
//!
//! ```text
//! encoder ─ parser ─┬─ cmafmux                 one point per rendition, whichever encoder has it;
//!                   └─ point ─┬─▶ queue ─▶ subscription    a reference each, no byte is copied
//!                             └─▶ queue ─▶ subscription
//! ```
//!
//! A unit is told as the muxer gets it: on the rendition's grid, in media time. Who is slow loses what is oldest in its
//! own queue, and is told how much; nobody ever waits.
//!
//! When an encoder is replaced, its successor gets pictures once more that have been told already. These are left out:
//! the successor is asked for a keyframe on the first picture that has not been told yet, and its units begin there. So
//! a subscriber sees one sequence in which nothing is missing and time never goes back.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use gstreamer as gst;

use super::beside::Beside;
use crate::model::{MediaTime, RenditionId};

/// One encoded picture or AAC frame, or a block of program sound, or a program picture.
#[derive(Debug, Clone)]
pub struct AccessUnit {
    /// Which rendition; `program-sound` and `program-pictures` for what goes into the encoders.
    pub rendition: RenditionId,
    /// Counts the units of the rendition. A step of more than one is a gap: the units between were lost.
    pub number: u64,
    /// When it is presented.
    pub pts: MediaTime,
    /// When it is decoded, where that is told.
    pub dts: Option<MediaTime>,
    /// How long it is presented.
    pub duration: Duration,
    /// Whether decoding can begin with it.
    pub key: bool,
    /// What it is; `codec_data` in them are the parameter sets. They change with the encoder.
    pub caps: gst::Caps,
    /// The bytes: `avc`, `hvc1`, `obu-stream` or raw AAC, as the caps say.
    pub buffer: gst::Buffer,
}

/// Where units are to be had. Cheap to clone; all clones are one.
#[derive(Clone, Default)]
pub struct Tap(Arc<Shared>);

#[derive(Default)]
struct Shared {
    points: Mutex<BTreeMap<RenditionId, Arc<Point>>>,
    closed: Mutex<bool>,
    captions: Arc<Beside>,
}

impl Tap {
    /// From now on the units of `rendition`, of which at most `capacity` wait. One that does not exist (yet) is silent.
    pub fn subscribe(&self, rendition: &RenditionId, capacity: usize) -> Subscription {
        self.subscribe_all(std::slice::from_ref(rendition), capacity)
    }

    /// The same for several renditions in one queue, in the order in which they are encoded.
    pub fn subscribe_all(&self, renditions: &[RenditionId], capacity: usize) -> Subscription {
        let queue = Arc::new(Queue::new(capacity));
        for rendition in renditions {
            self.point(rendition).state().queues.push(Arc::downgrade(&queue));
        }
        if *lock(&self.0.closed) {
            queue.end();
        }
        Subscription { queue }
    }

    /// Program sound as it goes to the encoders: raw, before any rendition's map or correction.
    pub fn subscribe_sound(&self, capacity: usize) -> Subscription {
        self.subscribe(&program_sound(), capacity)
    }

    /// Program pictures as they go to the encoders: raw, at the program's size, with their captions beside them.
    pub fn subscribe_pictures(&self, capacity: usize) -> Subscription {
        self.subscribe(&program_pictures(), capacity)
    }

    /// A receiver of this rendition cannot go on without a keyframe. It has one soon, not at once: players of the segments
    /// have it, too, and every keyframe takes its bits from what follows.
    pub fn ask_keyframe(&self, rendition: &RenditionId) {
        self.point(rendition).asked.store(true, Ordering::Relaxed);
    }

    /// Captions of program pictures, for who encodes these.
    pub(super) fn captions(&self) -> &Arc<Beside> {
        &self.0.captions
    }

    /// The point of a rendition.
    pub(super) fn point(&self, rendition: &RenditionId) -> Arc<Point> {
        let mut points = lock(&self.0.points);
        Arc::clone(points.entry(rendition.clone()).or_insert_with(|| Arc::new(Point::new(rendition.clone()))))
    }

    /// The point of program sound.
    pub(super) fn sound(&self) -> Mouth {
        self.point(&program_sound()).enter()
    }

    /// The point of program pictures.
    pub(super) fn pictures(&self) -> Mouth {
        self.point(&program_pictures()).enter()
    }

    /// No more units will come: subscriptions end when they are empty.
    pub(super) fn close(&self) {
        *lock(&self.0.closed) = true;
        for point in lock(&self.0.points).values() {
            point.state().queues.drain(..).filter_map(|queue| queue.upgrade()).for_each(|queue| queue.end());
        }
    }
}

fn program_sound() -> RenditionId {
    RenditionId::new("program-sound").unwrap_or_else(|_| unreachable!("letters and a hyphen"))
}

fn program_pictures() -> RenditionId {
    RenditionId::new("program-pictures").unwrap_or_else(|_| unreachable!("letters and a hyphen"))
}

/// Where the units of one rendition come by.
pub(super) struct Point {
    rendition: RenditionId,
    /// Somebody waits for a keyframe.
    asked: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Counts encoders; only the last one that entered is listened to.
    life: u64,
    number: u64,
    /// The latest presentation time that was told.
    newest: Option<MediaTime>,
    /// A successor is to begin with a keyframe behind `newest`.
    waits: bool,
    queues: Vec<Weak<Queue>>,
}

impl Point {
    fn new(rendition: RenditionId) -> Self {
        Self { rendition, asked: AtomicBool::new(false), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Another encoder takes the place of the one before, of which nothing is heard from now on.
    pub(super) fn enter(self: &Arc<Self>) -> Mouth {
        let mut state = self.state();
        state.life += 1;
        state.waits = state.newest.is_some();
        Mouth { point: Arc::clone(self), life: AtomicU64::new(state.life), held: Mutex::default() }
    }

    /// Another encoder will take the place of the one that tells now; what it says is kept until then.
    pub(super) fn stand_by(self: &Arc<Self>) -> Mouth {
        Mouth { point: Arc::clone(self), life: AtomicU64::new(0), held: Mutex::new(Some(Vec::new())) }
    }

    /// Whether somebody waits for a keyframe.
    pub(super) fn wants_keyframe(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// There is one.
    pub(super) fn has_keyframe(&self) {
        self.asked.store(false, Ordering::Relaxed);
    }

    /// Where subscribers wait to go on after an encoder was replaced; none if nobody does.
    pub(super) fn resumes_after(&self) -> Option<MediaTime> {
        let state = self.state();
        let heard = state.queues.iter().any(|queue| queue.strong_count() > 0);
        state.newest.filter(|_| heard && state.waits)
    }
}

/// A unit, and what it is.
type Said = (gst::Buffer, Option<gst::Caps>);

/// Through which one encoder tells its units.
pub(super) struct Mouth {
    point: Arc<Point>,
    life: AtomicU64,
    /// What was said while another encoder had the word.
    held: Mutex<Option<Vec<Said>>>,
}

impl Mouth {
    /// Tells one unit. `caps` is only asked if somebody listens.
    pub(super) fn tell(&self, buffer: &gst::Buffer, caps: impl FnOnce() -> Option<gst::Caps>) {
        match &mut *lock(&self.held) {
            Some(held) => held.push((buffer.clone(), caps())),
            None => self.say(buffer, caps),
        }
    }

    /// It has the word now, after [`Point::stand_by`].
    pub(super) fn speak_up(&self) {
        let mut held = lock(&self.held);
        let Some(kept) = held.take() else { return };
        self.life.store(self.point.enter().life.into_inner(), Ordering::Relaxed);
        kept.into_iter().for_each(|(buffer, caps)| self.say(&buffer, || caps));
    }

    fn say(&self, buffer: &gst::Buffer, caps: impl FnOnce() -> Option<gst::Caps>) {
        let time = |time: gst::ClockTime| MediaTime::from_nanos(time.nseconds());
        let Some(pts) = buffer.pts().map(time) else { return };
        let key = !buffer.flags().contains(gst::BufferFlags::DELTA_UNIT);
        let mut state = self.point.state();
        if state.life != self.life.load(Ordering::Relaxed)
            || state.waits && !(key && state.newest.is_none_or(|newest| pts > newest))
        {
            return;
        }
        state.waits = false;
        state.newest = state.newest.max(Some(pts));
        state.number += 1;
        if state.queues.is_empty() {
            return;
        }
        let Some(caps) = caps() else { return };
        let unit = AccessUnit {
            rendition: self.point.rendition.clone(),
            number: state.number,
            pts,
            dts: buffer.dts().map(time),
            duration: buffer.duration().map_or(Duration::ZERO, Duration::from),
            key,
            caps,
            buffer: buffer.clone(),
        };
        state.queues.retain(|queue| queue.upgrade().inspect(|queue| queue.put(unit.clone())).is_some());
    }
}

/// What one subscriber has not taken yet.
struct Queue {
    capacity: usize,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    units: VecDeque<AccessUnit>,
    lost: u64,
    ended: bool,
}

impl Queue {
    fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), waiting: Mutex::default(), changed: Condvar::new() }
    }

    fn put(&self, unit: AccessUnit) {
        let mut waiting = lock(&self.waiting);
        if waiting.units.len() >= self.capacity {
            waiting.units.pop_front();
            waiting.lost += 1;
        }
        waiting.units.push_back(unit);
        self.changed.notify_one();
    }

    fn end(&self) {
        lock(&self.waiting).ended = true;
        self.changed.notify_all();
    }
}

/// Why there is no unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoUnit {
    /// None came in time.
    #[error("no unit came in time")]
    Timeout,
    /// None will come any more: the encoders have stopped.
    #[error("the encoders have stopped")]
    Ended,
}

/// One subscriber's end. Dropping it ends the subscription.
pub struct Subscription {
    queue: Arc<Queue>,
}

impl Subscription {
    /// The next unit; waits for at most `bound`.
    pub fn next(&self, bound: Duration) -> Result<AccessUnit, NoUnit> {
        let until = Instant::now() + bound;
        let mut waiting = lock(&self.queue.waiting);
        loop {
            if let Some(unit) = waiting.units.pop_front() {
                return Ok(unit);
            }
            if waiting.ended {
                return Err(NoUnit::Ended);
            }
            let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
            let Some(left) = left else { return Err(NoUnit::Timeout) };
            waiting = self.queue.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Units that wait.
    pub fn level(&self) -> usize {
        lock(&self.queue.waiting).units.len()
    }

    /// Units that were lost because they were not taken in time.
    pub fn lost(&self) -> u64 {
        lock(&self.queue.waiting).lost
    }

    /// Throws away what waits, which counts as lost; how much that was.
    pub fn skip(&self) -> u64 {
        let mut waiting = lock(&self.queue.waiting);
        let skipped = waiting.units.len() as u64;
        waiting.units.clear();
        waiting.lost += skipped;
        skipped
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(millis: u64, key: bool) -> gst::Buffer {
        let mut buffer = gst::Buffer::from_slice([0u8; 4]);
        let made = buffer.get_mut().unwrap();
        made.set_pts(gst::ClockTime::from_mseconds(millis));
        if !key {
            made.set_flags(gst::BufferFlags::DELTA_UNIT);
        }
        buffer
    }

    fn caps() -> Option<gst::Caps> {
        Some(gst::Caps::new_empty_simple("video/x-h264"))
    }

    fn id(name: &str) -> RenditionId {
        RenditionId::new(name).unwrap()
    }

    fn taken(subscription: &Subscription) -> Vec<(u64, u64, bool)> {
        std::iter::from_fn(|| subscription.next(Duration::ZERO).ok())
            .map(|unit| (unit.number, unit.pts.as_nanos() / 1_000_000, unit.key))
            .collect()
    }

    #[test]
    fn who_is_slow_loses_the_oldest_and_nobody_else_does() {
        crate::media::init().unwrap();
        let tap = Tap::default();
        let (slow, quick) = (tap.subscribe(&id("v"), 3), tap.subscribe(&id("v"), 100));
        let mouth = tap.point(&id("v")).enter();
        for n in 0..10 {
            mouth.tell(&unit(n * 40, n % 5 == 0), caps);
        }
        assert_eq!((slow.lost(), slow.level()), (7, 3));
        assert_eq!(taken(&slow), [(8, 280, false), (9, 320, false), (10, 360, false)]);
        assert_eq!((taken(&quick).len(), quick.lost()), (10, 0));
        assert_eq!(slow.next(Duration::from_millis(1)).unwrap_err(), NoUnit::Timeout);
    }

    #[test]
    fn a_successor_goes_on_with_a_keyframe_behind_what_was_told() {
        crate::media::init().unwrap();
        let tap = Tap::default();
        let units = tap.subscribe(&id("v"), 100);
        let point = tap.point(&id("v"));
        let first = point.enter();
        first.tell(&unit(0, true), caps);
        first.tell(&unit(40, false), caps);
        assert_eq!(point.resumes_after(), None);
        let second = point.enter();
        assert_eq!(point.resumes_after(), Some(MediaTime::from_nanos(40_000_000)));
        first.tell(&unit(80, true), caps);
        for (millis, key) in [(0, true), (40, false), (80, true), (120, false)] {
            second.tell(&unit(millis, key), caps);
        }
        assert_eq!(taken(&units), [(1, 0, true), (2, 40, false), (3, 80, true), (4, 120, false)]);
        assert_eq!(point.resumes_after(), None);
    }

    #[test]
    fn nothing_is_kept_for_those_who_left_and_the_end_is_told() {
        crate::media::init().unwrap();
        let tap = Tap::default();
        let (gone, stays) = (tap.subscribe(&id("v"), 8), tap.subscribe_all(&[id("v"), id("a")], 8));
        drop(gone);
        let (video, sound) = (tap.point(&id("v")).enter(), tap.point(&id("a")).enter());
        video.tell(&unit(0, true), caps);
        sound.tell(&unit(0, true), caps);
        assert_eq!(tap.point(&id("v")).state().queues.len(), 1);
        tap.close();
        assert_eq!(taken(&stays).len(), 2, "what was told before the end is there");
        assert_eq!(stays.next(Duration::from_secs(5)).unwrap_err(), NoUnit::Ended);
        assert_eq!(tap.subscribe(&id("v"), 1).next(Duration::from_secs(5)).unwrap_err(), NoUnit::Ended);
    }
}

//! What the threads of a graph tell its owner: counters, ends, the failure.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::failure::EncodeFailure;
use super::output::Output;
use super::tap::Tap;
use crate::model::RenditionId;

/// Counts since the start. Nothing is lost silently.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Program pictures taken.
    pub pictures: u64,
    /// Program pictures dropped for every rendition: the graph did not take them.
    pub pictures_dropped: u64,
    /// Sound blocks (1024 samples) taken.
    pub sound_blocks: u64,
    /// Sound blocks dropped: the graph did not take them.
    pub sound_dropped: u64,
    /// Samples per channel of silence put into gaps of the program sound.
    pub sound_filled: u64,
    /// Samples per channel cut off the program sound: before the first block, or sent twice.
    pub sound_trimmed: u64,
    /// Per rendition, in the order of the plan, video first.
    pub renditions: Vec<RenditionCounters>,
}

/// Counts of one rendition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenditionCounters {
    /// The rendition.
    pub rendition: RenditionId,
    /// Pictures dropped in front of its encoder because it is too slow.
    pub dropped: u64,
    /// Samples (pictures or AAC frames) that left the encoder.
    pub encoded: u64,
    /// Segments that do not begin with a keyframe: the encoder did not obey.
    pub unaligned: u64,
    /// Chunks handed out.
    pub chunks: u64,
    /// Bytes handed out.
    pub bytes: u64,
}

/// The counters of one rendition, written by its threads.
#[derive(Debug)]
pub(super) struct Tally {
    pub rendition: RenditionId,
    pub dropped: AtomicU64,
    pub encoded: AtomicU64,
    pub unaligned: AtomicU64,
    pub chunks: AtomicU64,
    pub bytes: AtomicU64,
    ended: AtomicBool,
}

impl Tally {
    pub(super) fn add(counter: &AtomicU64, count: u64) {
        counter.fetch_add(count, Ordering::Relaxed);
    }

    /// Goes on where another encoder of the rendition ended.
    pub(super) fn go_on(&self, before: &Self) {
        let pairs = [
            (&self.dropped, &before.dropped),
            (&self.encoded, &before.encoded),
            (&self.unaligned, &before.unaligned),
            (&self.chunks, &before.chunks),
            (&self.bytes, &before.bytes),
        ];
        pairs.into_iter().for_each(|(mine, theirs)| Self::add(mine, theirs.load(Ordering::Relaxed)));
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    fn read(&self) -> RenditionCounters {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RenditionCounters {
            rendition: self.rendition.clone(),
            dropped: get(&self.dropped),
            encoded: get(&self.encoded),
            unaligned: get(&self.unaligned),
            chunks: get(&self.chunks),
            bytes: get(&self.bytes),
        }
    }
}

#[derive(Default)]
struct State {
    tallies: Vec<Arc<Tally>>,
    failure: Option<EncodeFailure>,
}

/// Shared by the owner, the streaming threads and the bus thread. One lock, held for moments, never while `output`
/// runs.
pub(super) struct Ledger {
    state: Mutex<State>,
    changed: Condvar,
    output: Arc<dyn Fn(Output) + Send + Sync>,
    tap: Tap,
}

impl Ledger {
    pub(super) fn new(output: Arc<dyn Fn(Output) + Send + Sync>) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), output, tap: Tap::default() }
    }

    /// Opens the counters of a rendition; it has to end before the graph has.
    pub(super) fn enter(&self, rendition: &RenditionId) -> Arc<Tally> {
        let tally = Arc::new(Tally {
            rendition: rendition.clone(),
            dropped: AtomicU64::default(),
            encoded: AtomicU64::default(),
            unaligned: AtomicU64::default(),
            chunks: AtomicU64::default(),
            bytes: AtomicU64::default(),
            ended: AtomicBool::default(),
        });
        self.lock().tallies.push(Arc::clone(&tally));
        tally
    }

    /// Where encoded units are told.
    pub(super) fn tap(&self) -> &Tap {
        &self.tap
    }

    pub(super) fn emit(&self, output: Output) {
        (self.output)(output);
    }

    pub(super) fn ended(&self, tally: &Tally) {
        self.emit(Output::Ended(tally.rendition.clone()));
        let state = self.lock();
        tally.ended.store(true, Ordering::Relaxed);
        drop(state);
        self.changed.notify_all();
    }

    /// The graph goes on without it.
    pub(super) fn leave(&self, tally: &Arc<Tally>) {
        self.lock().tallies.retain(|one| !Arc::ptr_eq(one, tally));
        self.changed.notify_all();
    }

    /// Keeps the first failure; those after it are its consequences.
    pub(super) fn failed(&self, failure: EncodeFailure) {
        let first = {
            let mut state = self.lock();
            let first = state.failure.is_none();
            state.failure.get_or_insert_with(|| failure.clone());
            first
        };
        self.changed.notify_all();
        if first {
            self.emit(Output::Failed(failure));
        }
    }

    pub(super) fn failure(&self) -> Option<EncodeFailure> {
        self.lock().failure.clone()
    }

    pub(super) fn renditions(&self) -> Vec<RenditionCounters> {
        self.lock().tallies.iter().map(|tally| tally.read()).collect()
    }

    /// Waits until every rendition has ended or the graph has failed; false when `bound` has passed before.
    pub(super) fn wait_for_end(&self, bound: Duration) -> bool {
        self.wait_while(bound, |state| state.tallies.iter().any(|tally| !tally.has_ended()))
    }

    /// The same for these alone.
    pub(super) fn wait_for(&self, tallies: &[Arc<Tally>], bound: Duration) -> bool {
        self.wait_while(bound, |_| tallies.iter().any(|tally| !tally.has_ended()))
    }

    fn wait_while(&self, bound: Duration, going_on: impl Fn(&State) -> bool) -> bool {
        let until = Instant::now() + bound;
        let mut state = self.lock();
        while going_on(&state) && state.failure.is_none() {
            let Some(left) = until.checked_duration_since(Instant::now()) else { return false };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.failure.is_none()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic of a callback must not take the counters with it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

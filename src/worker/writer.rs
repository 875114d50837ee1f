//! The writer: a thread of its own between encoders and disk, so that a disk that stalls never stalls an encoder.
//!
//! Encoders hand over through a bounded queue. When the disk is so slow that the queue is full, whole segments are given
//! up (a segment with a hole would be worse), counted and reported.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::overflow::Overflow;
use super::tally::Tally;
use super::trouble::Trouble;
use crate::media::EventSink;
use crate::media::clock::HouseClock;
use crate::media::encode::{ChunkOut, EncodeFailure, InitOut, Output, Replacement};
use crate::model::{DestinationId, Event, EventCode, Fault, RenditionId, Severity};
use crate::spool::{Chunk, Init, Spool, SpoolError};

/// Chunks that may wait for the disk: about a minute of a five-rung ladder.
const QUEUE: usize = 600;
/// How often old segments are looked for.
const RETAIN: Duration = Duration::from_secs(2);

/// The encoders' end of the queue.
pub(super) struct Intake {
    queue: SyncSender<Output>,
    /// Renditions whose current segment has a hole, with its number.
    broken: Mutex<BTreeSet<(RenditionId, u64)>>,
    failed: Box<dyn Fn(EncodeFailure) + Send + Sync>,
    events: EventSink,
    clock: HouseClock,
}

impl Intake {
    /// The intake and the other end; `failed` is told when the encoders fail.
    pub(super) fn new(
        events: EventSink,
        clock: HouseClock,
        failed: Box<dyn Fn(EncodeFailure) + Send + Sync>,
    ) -> (Self, Receiver<Output>) {
        let (queue, outputs) = sync_channel(QUEUE);
        (Self { queue, broken: Mutex::default(), failed, events, clock }, outputs)
    }

    /// Takes what an encoder hands out. Never blocks.
    pub(super) fn take(&self, output: Output) {
        match output {
            Output::Failed(failure) => (self.failed)(failure),
            Output::Chunk(chunk) => self.take_chunk(chunk),
            Output::Replaced(replacement) => self.take_replaced(replacement),
            other => {
                let _ = self.queue.try_send(other);
            }
        }
    }

    fn take_replaced(&self, replacement: Replacement) {
        let Replacement { failure, choice, again } = &replacement;
        let lost = if again.is_some() { "no picture is lost" } else { "it goes on with the next segment" };
        let text = format!(
            "rendition {}: {} failed ({}); {} ({}) encodes now, {lost}",
            choice.rendition, failure.element, failure.reason, choice.element, choice.profile
        );
        let event = Event::new(self.clock.now(), Severity::Error, EventCode::RenditionEncoderReplaced, text)
            .subject(&choice.rendition)
            .blame(
                Fault::Hardware,
                "look at the card and its driver (dmesg); the hardware is tried again when the channel is next started",
            );
        let _ = self.queue.try_send(Output::Replaced(replacement));
        (self.events)(event);
    }

    fn take_chunk(&self, chunk: ChunkOut) {
        let key = (chunk.rendition.clone(), chunk.number);
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if broken.contains(&key) {
            return;
        }
        broken.retain(|(rendition, _)| *rendition != key.0);
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Output::Chunk(chunk)) {
            let text = format!("the disk is too slow: segment {} of {} is incomplete", key.1, key.0);
            let event = Event::new(self.clock.now(), Severity::Error, EventCode::SpoolFailed, text)
                .subject(&key.0)
                .blame(Fault::Hardware, "check the disk of the state directory (iostat, dmesg)");
            broken.insert(key);
            (self.events)(event);
        }
    }
}

/// The thread that writes.
pub(super) struct Writer {
    thread: Option<JoinHandle<()>>,
    overflow: Arc<Overflow>,
}

/// Which destinations are still owed a segment.
pub(super) type Owed = Box<dyn Fn(&RenditionId, u64) -> Vec<DestinationId> + Send>;

/// Where to write, and for whom.
pub(super) struct Writing {
    pub(super) spool: Spool,
    pub(super) tally: Arc<Tally>,
    pub(super) owed: Owed,
    pub(super) clock: HouseClock,
    pub(super) events: EventSink,
    /// All renditions end and begin together now and then: what is open when they have ended is complete.
    pub(super) comes_and_goes: bool,
}

struct Work {
    to: Writing,
    trouble: Trouble,
    overflow: Arc<Overflow>,
    /// Renditions that have not ended since their last chunk.
    open: BTreeSet<RenditionId>,
}

impl Writer {
    /// Writes what comes out of `outputs` until the encoders' end is dropped.
    pub(super) fn start(outputs: Receiver<Output>, to: Writing) -> std::io::Result<Self> {
        let overflow = Arc::new(Overflow::default());
        let (trouble, open) = (Trouble::default(), BTreeSet::new());
        let mut work = Work { to, trouble, overflow: Arc::clone(&overflow), open };
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(move || work.run(&outputs))?;
        Ok(Self { thread: Some(thread), overflow })
    }

    /// What destinations have lost because the spool was full.
    pub(super) fn overflow(&self) -> &Overflow {
        &self.overflow
    }

    /// Waits until everything handed over is written, at most until `deadline`. The encoders must be gone.
    pub(super) fn join(mut self, deadline: Instant) -> bool {
        let Some(thread) = self.thread.take() else {
            return true;
        };
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(2));
        }
        thread.is_finished() && thread.join().is_ok()
    }
}

impl Work {
    fn run(&mut self, outputs: &Receiver<Output>) {
        let mut retained = Instant::now();
        loop {
            match outputs.recv_timeout(RETAIN) {
                Ok(output) => self.write(output),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // A disk that is full may have something old to give.
            if retained.elapsed() >= RETAIN || !self.trouble.is_none() {
                retained = Instant::now();
                self.retain();
            }
        }
        self.finish();
    }

    fn finish(&mut self) {
        if let Err(error) = self.to.spool.finish() {
            self.report(&error, None);
        }
    }

    fn ended(&mut self, rendition: &RenditionId) {
        self.to.tally.end(rendition);
        self.open.remove(rendition);
        if self.to.comes_and_goes && self.open.is_empty() {
            self.finish();
        }
    }

    fn write(&mut self, output: Output) {
        let (rendition, done) = match output {
            Output::Init(init) => {
                let rendition = init.rendition.clone();
                (rendition, self.to.spool.put_init(from_init(init)).map(|()| None))
            }
            Output::Chunk(chunk) => {
                let rendition = chunk.rendition.clone();
                self.open.insert(rendition.clone());
                (rendition, self.to.spool.put_chunk(from_chunk(chunk)))
            }
            Output::Replaced(Replacement { choice, again, .. }) => {
                if let Some(number) = again {
                    self.to.spool.begin_again(&choice.rendition, number);
                }
                return;
            }
            Output::Ended(rendition) => return self.ended(&rendition),
            Output::Failed(_) => return,
        };
        match done {
            Ok(None) => {}
            Ok(Some(segment)) => {
                self.to.tally.note(&rendition, &segment);
                self.written(&rendition);
            }
            Err(error) => self.report(&error, Some(&rendition)),
        }
    }

    fn report(&mut self, error: &SpoolError, rendition: Option<&RenditionId>) {
        if !self.trouble.failed(error.code(), rendition) {
            return;
        }
        let event = Event::new(self.to.clock.now(), Severity::Error, EventCode::SpoolFailed, error.to_string())
            .blame(error.fault(), "segments are lost until this is mended; it is tried again with each segment");
        (self.to.events)(match rendition {
            Some(rendition) => event.subject(rendition),
            None => event,
        });
    }

    fn written(&mut self, rendition: &RenditionId) {
        if self.trouble.written(rendition) {
            let text = "segments are written again";
            (self.to.events)(Event::new(self.to.clock.now(), Severity::Info, EventCode::SpoolRecovered, text));
        }
    }

    fn retain(&self) {
        // To whom a segment is owed has to be asked before it is gone.
        let owed: RefCell<BTreeMap<(RenditionId, u64), Vec<DestinationId>>> = RefCell::default();
        let delivered = |rendition: &RenditionId, number: u64| {
            let destinations = (self.to.owed)(rendition, number);
            let nobody = destinations.is_empty();
            if !nobody {
                owed.borrow_mut().insert((rendition.clone(), number), destinations);
            }
            nobody
        };
        let retained = self.to.spool.retain(self.to.clock.now(), &delivered);
        let mut owed = owed.into_inner();
        for (rendition, segment) in &retained.overflowed {
            let to = owed.remove(&(rendition.clone(), segment.number)).unwrap_or_default();
            self.overflow.note(rendition, segment, &to);
        }
        for (destination, text) in self.overflow.due(Instant::now()) {
            let event = Event::new(self.to.clock.now(), Severity::Error, EventCode::SpoolOverflowed, text)
                .subject(&destination)
                .blame(Fault::Destination, "bring the destination back, or give the spool more room ([spool] quota)");
            (self.to.events)(event);
        }
    }
}

fn from_init(init: InitOut) -> Init {
    Init { rendition: init.rendition, codec: init.codec, data: init.data }
}

fn from_chunk(chunk: ChunkOut) -> Chunk {
    Chunk {
        rendition: chunk.rendition,
        number: chunk.number,
        start: chunk.start,
        duration: chunk.duration,
        independent: chunk.independent,
        last: chunk.last,
        data: chunk.data,
    }
}

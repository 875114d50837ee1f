//! The handle of a destination: status, what may be deleted, stop.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::model::{Duty, EndpointStatus, Event, RenditionId};
use crate::spool::Spool;

use super::description::{Listing, PushDescription};
use super::pair::HandOver;
use super::record::{Delivered, Record};
use super::report::counted;
use super::tally::Events;
use super::task::{Seams, Task};

/// What was not delivered when a destination was stopped. It stays in the spool, and the next run delivers it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// Segments, of all renditions.
    pub segments: u64,
    /// Whether a playlist at the destination is older than what it should be.
    pub playlists: bool,
}

impl Left {
    /// Whether everything was delivered.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.segments, self.playlists) {
            (0, false) => write!(f, "everything was delivered"),
            (0, true) => write!(f, "the last playlists were not delivered"),
            (count, _) => write!(f, "{} left in the spool for the next run", counted(count)),
        }
    }
}

/// What is settled at the destination, for the spool's retention: written by the task, read by anybody.
pub(crate) type Settled = Arc<RwLock<BTreeMap<RenditionId, Delivered>>>;

/// A stop order: until when, and where to say what was left.
pub(crate) type StopOrder = (Instant, oneshot::Sender<Left>);

/// One destination at work. Dropping it ends it at once; [`Pusher::stop`] lets it finish.
#[derive(Debug)]
pub struct Pusher {
    status: watch::Receiver<EndpointStatus>,
    settled: Settled,
    duty: watch::Sender<Duty>,
    listing: watch::Sender<Listing>,
    lowest_only: watch::Sender<bool>,
    hand_over: mpsc::Sender<HandOver>,
    stop: Option<oneshot::Sender<StopOrder>>,
    /// Nothing is left; never while more may come.
    done: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Pusher {
    /// Begins to push what is and will be in `spool`. Reads the small record of earlier runs; needs a tokio runtime.
    /// `events` is called from the task and must not block. A url that cannot be pushed to is told by status and event.
    pub fn start(description: PushDescription, spool: Spool, events: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self::begin(description, spool, Box::new(events), false)
    }

    /// The same where nothing new will come: what `spool` has is delivered for as long as that takes, with the whole line,
    /// and [`is_done`](Self::is_done) says when nothing is left.
    pub fn deliver_rest(
        description: PushDescription,
        spool: Spool,
        events: impl Fn(Event) + Send + Sync + 'static,
    ) -> Self {
        Self::begin(description, spool, Box::new(events), true)
    }

    fn begin(description: PushDescription, spool: Spool, events: Events, ends: bool) -> Self {
        let path = Record::path(spool.directory(), &description);
        let record = Record::load(&path, &description.place());
        let settled: Settled = Arc::new(RwLock::new(record.renditions.clone()));
        let (stop, stopped) = oneshot::channel();
        let (publish, status) = watch::channel(Task::first_status(&description));
        let (duty, assigned) = watch::channel(description.duty);
        let (listing, listed) = watch::channel(description.listing());
        let (lowest_only, rationed) = watch::channel(description.lowest_only);
        let (hand_over, asked) = mpsc::channel(1);
        let done = Arc::new(AtomicBool::new(false));
        let seams = Seams {
            spool,
            events,
            status: publish,
            settled: settled.clone(),
            duty: assigned,
            listing: listed,
            lowest_only: rationed,
            hand_over: asked,
            stop: stopped,
            done: ends.then(|| Arc::clone(&done)),
        };
        let task = tokio::spawn(Task::run(description, record, seams));
        Self { status, settled, duty, listing, lowest_only, hand_over, stop: Some(stop), done, task }
    }

    /// The newest status; watch it for changes.
    pub fn status(&self) -> watch::Receiver<EndpointStatus> {
        self.status.clone()
    }

    /// What it is there for from now on.
    pub fn assign(&self, duty: Duty) {
        self.duty.send_if_modified(|now| std::mem::replace(now, duty) != duty);
    }

    /// Other renditions, or other words for them, from now on. What stays goes on as it was.
    pub fn list(&self, listing: Listing) {
        self.listing.send_if_modified(|now| {
            let differs = *now != listing;
            *now = listing;
            differs
        });
    }

    /// Its budget is spent: from now on it gets the video rendition with the smallest rate only, or all of them again with
    /// their next segments. What was made meanwhile is not owed.
    pub fn ration(&self, lowest_only: bool) {
        self.lowest_only.send_if_modified(|now| std::mem::replace(now, lowest_only) != lowest_only);
    }

    /// Gives the channel to the other box of a pair; says what came of it.
    pub fn hand_over(&self) -> impl Future<Output = Result<String, String>> + Send + use<> {
        let (answer, told) = oneshot::channel();
        let sent = self.hand_over.try_send(answer).map_err(|_| "it is being handed over".to_owned());
        async move {
            sent?;
            told.await.unwrap_or_else(|_| Err("the destination was taken away meanwhile".to_owned()))
        }
    }

    /// Whether nothing is owed for a segment any more: acknowledged, or refused for good.
    pub fn delivered(&self, rendition: &RenditionId, number: u64) -> bool {
        let settled = self.settled.read().unwrap_or_else(PoisonError::into_inner);
        settled.get(rendition).is_some_and(|delivered| delivered.may_go(number))
    }

    /// Whether nothing is left to be delivered; only where nothing new will come.
    pub fn is_done(&self) -> bool {
        self.done.load(Ordering::Relaxed)
    }

    /// Delivers what the spool has, and the final playlists, for at most `deadline`; says what was left.
    pub async fn stop(mut self, deadline: Duration) -> Left {
        // The task may need a moment beyond the deadline to write its record.
        const GRACE: Duration = Duration::from_millis(500);
        let until = Instant::now() + deadline;
        let (answer, left) = oneshot::channel();
        let told = self.stop.take().is_some_and(|stop| stop.send((until, answer)).is_ok());
        let unknown = Left { segments: self.status.borrow().queue_segments, playlists: true };
        if !told {
            return unknown;
        }
        tokio::time::timeout_at(until + GRACE, left).await.ok().and_then(Result::ok).unwrap_or(unknown)
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

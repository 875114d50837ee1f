//! The task of a destination: asks `delivery` and `link`, sends, and tells what happened.
//!
//! One loop owns everything; what it does in a round has a room each: `intake` (what is new), `look` (silence, line,
//! tokens, keys), `pair`, `dispatch` (what leaves), `outcome` (how it went), `account` (what is told).

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use crate::model::{Duty, EndpointStatus, Timeline};
use crate::spool::Spool;

use self::account::idle;
use self::intake::{edge, take_parts, take_segments};
use super::delivery::Delivery;
use super::description::{Listing, PushDescription};
use super::flow::Flow;
use super::glance::Glance;
use super::ladder::Ladder;
use super::lane::Lane;
use super::layout::Layout;
use super::link::Link;
use super::pair::{HandOver, Pair};
use super::protect::Protection;
use super::pusher::{Settled, StopOrder};
use super::record::{Record, RecordFile};
use super::report;
use super::requests::Requests;
use super::store::Store;
use super::sweep::Sweep;
use super::tally::{Events, Tally, now};

mod account;
mod dispatch;
mod intake;
mod look;
mod outcome;
mod pair;

/// The task looks at the clock at least this often: for silence, and for what the status says.
const LOOK: Duration = Duration::from_millis(500);
/// Other renditions wait for what is under way, at most for this long.
pub(crate) const DRAIN: Duration = Duration::from_secs(2);

/// Where the task meets the rest of the worker.
pub(crate) struct Seams {
    /// What is pushed.
    pub(crate) spool: Spool,
    /// Where events go.
    pub(crate) events: Events,
    /// Where the status goes.
    pub(crate) status: watch::Sender<EndpointStatus>,
    /// What retention may delete.
    pub(crate) settled: Settled,
    /// What the endpoint is there for.
    pub(crate) duty: watch::Receiver<Duty>,
    /// The renditions.
    pub(crate) listing: watch::Receiver<Listing>,
    /// Whether its budget leaves it the lowest of them only.
    pub(crate) lowest_only: watch::Receiver<bool>,
    /// Orders to give the channel to the other box of a pair.
    pub(crate) hand_over: mpsc::Receiver<HandOver>,
    /// The stop order.
    pub(crate) stop: oneshot::Receiver<StopOrder>,
    /// Where to say that nothing is left; none while more may come.
    pub(crate) done: Option<Arc<AtomicBool>>,
}

/// See the module's header.
pub(crate) struct Task {
    description: PushDescription,
    spool: Spool,
    status: watch::Sender<EndpointStatus>,
    settled: Settled,
    duty: watch::Receiver<Duty>,
    listing: watch::Receiver<Listing>,
    lowest_only: watch::Receiver<bool>,
    /// Since when other renditions wait for requests to end.
    listing_since: Option<Instant>,
    hand_over: mpsc::Receiver<HandOver>,
    stop: oneshot::Receiver<StopOrder>,
    /// See [`Seams::done`].
    done: Option<Arc<AtomicBool>>,
    /// This box in its pair.
    pair: Option<Pair>,
    record: RecordFile,
    /// The timeline that `delivery` knows.
    timeline: Arc<Timeline>,
    delivery: Delivery,
    ladder: Ladder,
    link: Link,
    store: Store,
    layout: Layout,
    /// What encrypts; none if segments go as they are.
    protection: Option<Protection>,
    /// The generation of keys that lanes know.
    keys: u64,
    /// What deletes old segments; none if they stay.
    sweep: Option<Sweep>,
    /// The generation of the token that is known to `link`.
    token: u64,
    requests: Requests,
    /// Looks at an endpoint that is quiet; none where there is nothing to turn to.
    glance: Option<Glance>,
    /// How the line is used.
    flow: Flow,
    /// Bytes handed to connections, and when that number last grew.
    moved: (u64, Instant),
    tally: Tally,
}

impl Task {
    /// The status before the task runs.
    pub(crate) fn first_status(description: &PushDescription) -> EndpointStatus {
        report::first_status(description, now())
    }

    /// Runs until stopped.
    pub(crate) async fn run(description: PushDescription, record: Record, seams: Seams) {
        // Generous: what a slow link still holds back counts as handed over. A dead link or a hanging origin is noticed
        // sooner, by the bound on unacknowledged bytes and by `look`.
        let answer = (description.grid.duration() * 4).max(Duration::from_secs(10));
        let store = Store::open(&description.url, &description.upload, answer);
        match store.and_then(|store| Ok((store, Protection::open(&description)?))) {
            Ok(seats) => Self::new(description, record, seams, seats).work().await,
            Err(error) => idle(&description, seams, &error.to_string()).await,
        }
    }

    fn new(
        description: PushDescription,
        record: Record,
        seams: Seams,
        (store, protection): (Store, Option<Protection>),
    ) -> Self {
        let Seams { spool, events, status, settled, duty, listing, lowest_only, hand_over, stop, done } = seams;
        let path = Record::path(spool.directory(), &description);
        let now = Instant::now();
        let record = RecordFile::new(path, record);
        let timeline = description.timeline.get();
        let lanes = description
            .renditions()
            .map(|(id, medium)| Lane::new(id.clone(), medium, record.of(id), Delivery::object_backoff()));
        let mut delivery = Delivery::new(lanes.collect(), &timeline, description.playlist_segments);
        for lane in &mut delivery.lanes {
            lane.sweeps = description.upload.delete_after_seconds.is_some();
            take_segments(lane, &spool, protection.as_ref());
            lane.parts = edge(&description, lane.medium);
            take_parts(lane, &spool, &description, protection.as_ref());
            lane.inherit();
        }
        // The origin may have lost its disk while no worker looked.
        delivery.reconnected();
        delivery.assign(description.duty, description.grid.duration(), now);
        let pair = description.pair.clone().map(|pair| Pair::new(pair, &description.channel, now));
        if pair.is_some() {
            delivery.watch();
        }
        Self {
            pair,
            hand_over,
            record,
            timeline,
            delivery,
            ladder: Ladder::default(),
            link: Link::of_segments(description.grid.duration()),
            token: store.token_generation(),
            store,
            layout: Layout::new(&description.upload.paths, description.grid),
            protection,
            keys: 0,
            sweep: description.upload.delete_after_seconds.map(|seconds| {
                let keep = Duration::from_secs(seconds);
                Sweep::new(keep, description.grid.duration(), description.playlist_segments)
            }),
            requests: Requests::default(),
            glance: description.limits.map(|_| Glance::new(now)),
            flow: Flow::new(&description, now),
            moved: (0, now),
            tally: Tally::new(events),
            description,
            spool,
            status,
            settled,
            duty,
            listing,
            lowest_only,
            listing_since: None,
            stop,
            done,
        }
    }

    async fn work(mut self) {
        let mut changes = self.spool.changes();
        let mut stop: Option<StopOrder> = None;
        self.refresh();
        loop {
            let now = Instant::now();
            self.look(stop.is_some() || self.done.is_some(), now);
            self.list_if_due(now);
            self.look_at_pair(now);
            self.go_on_if_surveyed(now);
            self.send(now);
            self.glance(now);
            self.publish();
            self.tell_done();
            self.record.write_if_due(now);
            if stop.as_ref().is_some_and(|(until, _)| self.finished() || *until <= now.into()) {
                break;
            }
            let until = stop.as_ref().map(|(until, _)| until.into_std());
            let listing = self.listing_since.map(|since| since + DRAIN);
            let wake = [Some(now + self.look_every()), self.delivery.next_due(now), self.gate_opens(now), until];
            let sweep = self.sweep.as_ref().and_then(|sweep| sweep.due_after(now));
            let wake = wake
                .into_iter()
                .chain([sweep, listing, self.pair_due(now), self.glance_due(now)])
                .flatten()
                .min()
                .unwrap_or(now + LOOK);
            tokio::select! {
                Some(done) = self.requests.next() => self.settle(done),
                Some(glanced) = Glance::next(&mut self.glance) => self.settle_glance(&glanced),
                Some(claimed) = Pair::next(&mut self.pair) => self.settle_claim(claimed),
                Some(answer) = self.hand_over.recv() => self.hand_over(answer),
                Ok(()) = changes.changed() => self.refresh(),
                Ok(()) = self.duty.changed() => self.assign(),
                Ok(()) = self.lowest_only.changed() => self.flow.ration(*self.lowest_only.borrow_and_update()),
                Ok(()) = self.listing.changed() => self.listing_since = Some(Instant::now()),
                () = tokio::time::sleep_until(wake.into()) => {}
                order = &mut self.stop, if stop.is_none() => match order {
                    Ok(order) => {
                        stop = Some(order);
                        // The spool may have been closed a moment before.
                        self.refresh();
                    }
                    // The handle is gone, and this task with it.
                    Err(_) => return,
                },
            }
        }
        let left = self.left();
        self.requests = Requests::default();
        if let Some(pair) = &mut self.pair {
            pair.leave(&self.store).await;
        }
        self.record.close().await;
        self.publish();
        if let Some((_, answer)) = stop {
            let _ = answer.send(left);
        }
    }
}

/// Copies what is settled of `lane` to where retention and the next run look.
fn note(lane: &Lane, settled: &Settled, record: &mut RecordFile) {
    let mut entry = lane.delivered.clone();
    if lane.is_barred() {
        // The next run is told by its order, if that is still so.
        entry.dropped_from = None;
    }
    settled.write().unwrap_or_else(PoisonError::into_inner).insert(lane.id.clone(), entry.clone());
    record.note(&lane.id, entry);
}

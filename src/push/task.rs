//! The task of a destination: asks `delivery` and `link`, sends, and tells what happened.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use crate::model::{Duty, EndpointStatus, Timeline};
use crate::policy::{HttpFailure, RetryDecision, Verdict, judge};
use crate::spool::Spool;

use super::delivery::{Delivery, Post};
use super::description::{Listing, Medium, PushDescription};
use super::edge::Edge;
use super::flow::Flow;
use super::ladder::Ladder;
use super::lane::Lane;
use super::layout::Layout;
use super::link::{Change, Gate, Link};
use super::object::{Object, Outcome};
use super::pair::{HandOver, Pair};
use super::protect::{Lock, Protection};
use super::pusher::{Left, Settled, StopOrder};
use super::record::{Delivered, Record, RecordFile};
use super::report::{self, Counters};
use super::requests::{Content, Done, Ended, Requests, Trouble};
use super::store::Store;
use super::sweep::Sweep;
use super::tally::{Events, Tally, now};

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
        let Seams { spool, events, status, settled, duty, listing, lowest_only, hand_over, stop } = seams;
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
        }
    }

    async fn work(mut self) {
        let mut changes = self.spool.changes();
        let mut stop: Option<StopOrder> = None;
        self.refresh();
        loop {
            let now = Instant::now();
            self.look(stop.is_some(), now);
            self.list_if_due(now);
            self.look_at_pair(now);
            self.go_on_if_surveyed(now);
            self.send(now);
            self.publish();
            self.record.write_if_due(now);
            if stop.as_ref().is_some_and(|(until, _)| self.finished() || *until <= now.into()) {
                break;
            }
            let until = stop.as_ref().map(|(until, _)| until.into_std());
            let listing = self.listing_since.map(|since| since + DRAIN);
            let wake = [Some(now + self.look_every()), self.delivery.next_due(now), self.gate_opens(now), until];
            let sweep = self.sweep.as_ref().and_then(|sweep| sweep.due_after(now));
            let wake =
                wake.into_iter().chain([sweep, listing, self.pair_due(now)]).flatten().min().unwrap_or(now + LOOK);
            tokio::select! {
                Some(done) = self.requests.next() => self.settle(done),
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

    /// Takes over what is new in the spool.
    fn refresh(&mut self) {
        for lane in &mut self.delivery.lanes {
            // The list may be long, and each rendition's turn comes once per segment duration.
            if self.spool.last(&lane.id).map(|segment| segment.number) != lane.newest() {
                take_segments(lane, &self.spool, self.protection.as_ref());
            }
            take_parts(lane, &self.spool, &self.description, self.protection.as_ref());
        }
        self.look_at_keys();
        self.leave_out();
        self.withhold();
    }

    /// Gives up what is owed of renditions that are left out.
    fn leave_out(&mut self) {
        let lanes = &mut self.delivery.lanes;
        let budget = self.flow.keep_to_budget(lanes, &self.description.video);
        for index in budget.into_iter().chain(self.flow.pass_over(lanes)) {
            note(&lanes[index], &self.settled, &mut self.record);
        }
    }

    /// Gives up what a pause covers.
    fn withhold(&mut self) {
        let pauses = &self.description.pauses;
        for lane in &mut self.delivery.lanes {
            if lane.withhold(|segment| pauses.cover(segment.start, segment.duration)) {
                note(lane, &self.settled, &mut self.record);
            }
        }
    }

    fn assign(&mut self) {
        let duty = *self.duty.borrow_and_update();
        self.delivery.assign(duty, self.description.grid.duration(), Instant::now());
        for lane in &self.delivery.lanes {
            note(lane, &self.settled, &mut self.record);
        }
    }

    /// What has a backup is looked at more closely.
    fn look_every(&self) -> Duration {
        self.description.limits.map_or(LOOK, |limits| LOOK.min(limits.silence / 8))
    }

    /// Looks for silence, and whether it is up to date.
    fn look(&mut self, stopping: bool, now: Instant) {
        let patient = self.description.grid.duration() * 2 + Duration::from_secs(1);
        let limit = self.description.limits.map_or(patient, |limits| limits.silence.min(patient));
        let verdict = judge(&HttpFailure::Stalled(format!("nothing acknowledged for {:.1} s", limit.as_secs_f64())));
        let sent = self.store.sent().get();
        if sent != self.moved.0 || self.flow.is_metering() {
            self.moved = (sent, now);
        }
        let oldest = self.requests.oldest(|at| self.link.is_current(at)).map(|started| started.max(self.moved.1));
        if let Some(change) = self.link.silent(oldest, limit, &verdict, now) {
            self.tally.link_changed(&self.description, self.delivery.duty(), &change);
            self.store.renew();
        }
        self.look_at_token(now);
        if self.protection.as_ref().is_some_and(|protection| protection.generation() != self.keys) {
            self.look_at_keys();
            self.link.hurry(now);
        }
        self.tally.look_at_keys(&self.description, self.protection.as_ref().and_then(Protection::trouble));
        self.leave_out();
        if self.delivery.post() == Post::Deliver {
            self.look_at_line(stopping, now);
            self.tally.look(&self.description, &self.delivery.lanes, false);
        }
        self.ladder.refresh(&self.description, &self.delivery.lanes, &self.spool, now);
        let timeline = self.description.timeline.get();
        if !Arc::ptr_eq(&timeline, &self.timeline) {
            self.delivery.retime(&timeline);
            self.timeline = timeline;
        }
    }

    /// Leaves out what the line does not carry, and takes it up again.
    fn look_at_line(&mut self, stopping: bool, now: Instant) {
        let Some(turned) = self.flow.look(&mut self.delivery, &self.link, stopping, now) else { return };
        self.tally.turned(&self.description, &turned);
        for lane in &self.delivery.lanes {
            note(lane, &self.settled, &mut self.record);
        }
    }

    /// Takes over other renditions once nothing is under way, which is numbered by the old ones.
    fn list_if_due(&mut self, now: Instant) {
        let Some(since) = self.listing_since else { return };
        if !self.requests.is_idle() && now < since + DRAIN {
            return;
        }
        self.listing_since = None;
        self.requests = Requests::default();
        self.flow.begin_again(now);
        self.description.list(self.listing.borrow_and_update().clone());
        let mut before = std::mem::take(&mut self.delivery.lanes);
        let mut lanes = Vec::new();
        for (id, medium) in self.description.renditions() {
            let known = before.iter().position(|lane| lane.id == *id).map(|place| before.swap_remove(place));
            let new = || Lane::new(id.clone(), medium, Delivered::default(), Delivery::object_backoff());
            let mut lane = known.unwrap_or_else(new);
            // Of parts on their way nothing is known any more.
            lane.parts = edge(&self.description, medium);
            lane.sweeps = self.description.upload.delete_after_seconds.is_some();
            lanes.push(lane);
        }
        if let Some(sweep) = &mut self.sweep {
            sweep.forget_request();
        }
        self.delivery.list(lanes, self.description.playlist_segments);
        self.ladder.begin_again();
        self.refresh();
        self.ladder.refresh(&self.description, &self.delivery.lanes, &self.spool, now);
    }

    /// Tells lanes of the keys that there are, and sees to those that playlists will need.
    fn look_at_keys(&mut self) {
        let Some(protection) = &self.protection else { return };
        self.keys = protection.generation();
        for lane in &mut self.delivery.lanes {
            lane.keys = protection.keys(lane.medium, &lane.windows(u64::from(self.description.playlist_segments)));
            if let Some(newest) = lane.newest() {
                protection.look_ahead(newest);
            }
        }
    }

    /// Tries a new token at once, and tells of a source that fails before the token expires.
    fn look_at_token(&mut self, now: Instant) {
        let generation = self.store.token_generation();
        if generation != self.token {
            self.token = generation;
            self.link.hurry(now);
        }
        self.tally.look_at_token(&self.description, self.store.token_trouble());
    }

    /// Starts all that may be started.
    fn send(&mut self, now: Instant) {
        if self.listing_since.is_some() || self.is_yielding() {
            return;
        }
        while let Some((object, probe)) = self.delivery.next(self.link.gate(now), self.ladder.text(), now) {
            self.start(object, probe, now);
        }
        // Behind everything else.
        let free = self.link.gate(now) == Gate::Open && self.delivery.post() == Post::Deliver;
        let sweep = self.sweep.as_mut().filter(|_| free);
        if let Some(object) = sweep.and_then(|sweep| sweep.next(&self.delivery.lanes, now)) {
            self.start(object, false, now);
        }
    }

    fn start(&mut self, object: Object, probe: bool, now: Instant) {
        let (usual, label) = self.delivery.address(&self.description.channel, self.description.grid, &object);
        let content = match self.content(&object) {
            Content::Text(text) => Content::Text(self.layout.playlist(&usual, text)),
            content => content,
        };
        let address = (self.layout.path(&usual), label, self.terms(&object));
        let passage = self.flow.begin(&object, &self.delivery, now);
        self.requests.start(self.store.clone(), address, content, (object, probe), passage, now);
    }

    /// What is sent of `object`: encrypted, if that is wanted.
    fn content(&self, object: &Object) -> Content {
        let content = self.clear_content(object);
        match self.lock(object) {
            Some(lock) => Content::Locked(Box::new(content), lock),
            None => content,
        }
    }

    fn lock(&self, object: &Object) -> Option<Lock> {
        let protection = self.protection.as_ref()?;
        let (lane, number, init) = match object {
            Object::Init { lane, name } => {
                let lane = &self.delivery.lanes[*lane];
                (lane, lane.renamed.get(name)?.1, name.as_str())
            }
            Object::Segment { lane, number, .. } | Object::Part { lane, number, .. } => {
                let lane = &self.delivery.lanes[*lane];
                // Without one it cannot be encrypted, and so it is not sent.
                (lane, *number, lane.init_of(*number).unwrap_or_default())
            }
            _ => return None,
        };
        let codec = self.spool.codec(&lane.id, lane.spool_init(init));
        match object {
            Object::Init { .. } => protection.init(lane.medium, codec, number),
            _ => protection.segment(lane.medium, codec, number),
        }
    }

    fn clear_content(&self, object: &Object) -> Content {
        let file = |lane: usize, name: &str| Content::Media(self.spool.path(&self.delivery.lanes[lane].id, name));
        match object {
            Object::Init { lane, name } => file(*lane, self.delivery.lanes[*lane].spool_init(name)),
            Object::Segment { lane, number, .. } => {
                file(*lane, &self.delivery.lanes[*lane].medium.segment_name(*number))
            }
            Object::Part { lane, number, index } => {
                Content::Part(self.delivery.lanes[*lane].parts.data(*number, *index))
            }
            Object::Playlist { text, .. } | Object::Multivariant { text } => Content::Text(text.clone()),
            Object::Check { .. } => Content::Nothing,
            Object::Look { .. } => Content::Reading,
            Object::Remove { .. } => Content::Removal,
        }
    }

    /// Takes over how a request went.
    fn settle(&mut self, done: Done) {
        let now = Instant::now();
        let bytes = if let Ok(Ended::Stored(bytes)) = &done.result { Some(*bytes) } else { None };
        self.flow.end(done.measured, bytes, done.started, now);
        if let Object::Remove { lane, number } = done.object {
            return self.settle_removal(lane, number, &done.result, now);
        }
        let (outcome, change) = match &done.result {
            Ok(Ended::Stored(bytes)) => {
                self.tally.stored(&done.object, *bytes);
                let lasted = now.saturating_duration_since(done.started);
                self.tally.timed(&done.object, lasted > self.description.grid.duration());
                (Outcome::Acknowledged, self.link.acknowledged(now))
            }
            // The other box of a pair was first.
            Ok(Ended::There) => (Outcome::Acknowledged, self.link.acknowledged(now)),
            Ok(Ended::Read(text)) => {
                if let Object::Look { lane, survey } = done.object {
                    self.looked(lane, survey, text.as_deref());
                }
                (Outcome::Acknowledged, self.link.acknowledged(now))
            }
            Ok(Ended::Checked(there)) => (checked(*there), None),
            // See above.
            Ok(Ended::Removed) => (Outcome::Acknowledged, None),
            Err(Trouble::Disk(error)) => (self.unreadable(&done.object, error, now), None),
            Err(Trouble::Abandoned) => (Outcome::Failed(RetryDecision::Retry), None),
            Err(Trouble::Http(HttpFailure::Fenced)) if self.pair.is_some() => {
                let outcome = self.fenced(done.terms, now);
                (outcome.unwrap_or(Outcome::Failed(RetryDecision::Retry)), None)
            }
            Err(Trouble::Http(failure)) => self.failed(&done, failure, now),
        };
        self.delivery.settle(&done.object, done.probe, outcome, now, fastrand::f64());
        self.remember(&done.object);
        if let Some(change) = change {
            self.tally.link_changed(&self.description, self.delivery.duty(), &change);
            if matches!(change, Change::Connected(Some(_))) {
                self.reconnected(done.started);
            }
        }
    }

    /// Takes over how a deletion went: not a word about the link.
    fn settle_removal(&mut self, lane: usize, number: u64, result: &Result<Ended, Trouble>, now: Instant) {
        let outcome = match result {
            Ok(_) => Outcome::Acknowledged,
            Err(Trouble::Http(failure)) => Outcome::Failed(judge(failure).decision),
            Err(_) => Outcome::Failed(RetryDecision::Retry),
        };
        let (Some(sweep), Some(lane)) = (&mut self.sweep, self.delivery.lanes.get_mut(lane)) else { return };
        sweep.settle(lane, number, outcome, now, fastrand::f64());
        note(lane, &self.settled, &mut self.record);
        if let Err(Trouble::Http(failure)) = result {
            self.tally.not_deleted(&self.description, &judge(failure));
        }
    }

    /// The destination is back: a request that was `started` then was acknowledged.
    fn reconnected(&mut self, started: Instant) {
        // What hangs since before the outage must not hold the place of what goes through now. But if one of those was
        // acknowledged, then they do not hang: the origin is only slow.
        if self.link.is_current(started) {
            self.requests.abandon(|started| !self.link.is_current(started));
        }
        self.delivery.reconnected();
        self.tally.look(&self.description, &self.delivery.lanes, true);
    }

    /// The file is gone: skipped. It cannot be read: owed, until retention has to take it.
    fn unreadable(&mut self, object: &Object, error: &io::Error, at: Instant) -> Outcome {
        // What is no segment will not become one either.
        let gone = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::InvalidData);
        if let (true, Object::Segment { lane, number, .. }) = (gone, object) {
            let listed = self.spool.segments_from(&self.delivery.lanes[*lane].id, *number);
            if listed.first().is_none_or(|segment| segment.number != *number) {
                // Retention took it between the list and the read, and tells of it if that was a loss.
                return Outcome::Unreadable;
            }
        }
        let gone = gone && matches!(object, Object::Segment { .. });
        self.tally.unreadable(&self.description, error, gone, at);
        if gone { Outcome::Unreadable } else { Outcome::Failed(RetryDecision::Retry) }
    }

    fn failed(&mut self, done: &Done, failure: &HttpFailure, now: Instant) -> (Outcome, Option<Change>) {
        let verdict: Verdict = judge(failure);
        tracing::debug!(destination = %self.description.destination, object = ?done.object, ?failure, "push failed");
        self.tally.failed(&done.object, &verdict);
        let outcome = Outcome::Failed(verdict.decision);
        // The origin answers and takes the live edge: one old object it chokes on, or that had to wait until the line gave
        // it up, is no outage.
        let backfill = matches!(done.object, Object::Segment { backfill: true, .. } | Object::Check { .. });
        let takes = verdict.decision == RetryDecision::Retry && self.link.has_acknowledged_since(done.started);
        if backfill && (takes || matches!(failure, HttpFailure::Status(500..))) {
            return (outcome, None);
        }
        // It takes whole segments, and only those: that is no outage.
        if matches!((&done.object, verdict.decision), (Object::Part { .. }, RetryDecision::Never)) {
            self.tally.parts_refused(&self.description, &verdict);
            return (outcome, None);
        }
        self.flow.failed(now);
        let change = self.link.failed(&verdict, done.started, now, fastrand::f64());
        // The next attempt resolves the name anew, on a new connection.
        self.store.renew();
        (outcome, change)
    }

    /// Copies what changed at the destination to where retention and the next run look.
    fn remember(&mut self, object: &Object) {
        let (Object::Init { lane, .. } | Object::Segment { lane, .. } | Object::Check { lane, .. }) = object else {
            return;
        };
        note(&self.delivery.lanes[*lane], &self.settled, &mut self.record);
    }

    fn publish(&self) {
        self.status.send_if_modified(|status| {
            let before = status.clone();
            let sent = self.store.sent().get();
            let post = self.delivery.post();
            let pair = self.pair.as_ref().and_then(|pair| pair.health(post, now()));
            report::update(status, &self.delivery, &self.link, (self.tally.counters(), pair), sent, now());
            status.pair = self.pair.as_ref().map(|pair| pair.status(post));
            status.duty = self.delivery.duty();
            status.playable = self.delivery.is_playable(self.ladder.text());
            status.slow = self.is_slow();
            status.line = Some(self.flow.status(&self.delivery, &self.link, Instant::now()));
            status.deleted_segments = self.sweep.as_ref().map_or(0, |sweep| sweep.deleted);
            *status != before
        });
    }

    /// It acknowledges, but the program runs away from it.
    fn is_slow(&self) -> bool {
        let most = self.description.limits.map_or(0, |limits| limits.slow_segments);
        let behind = self.delivery.carried().filter_map(Lane::behind_by).max().unwrap_or(0);
        most > 0 && (self.tally.slow_in_a_row() >= most || (behind > most as usize && !self.delivery.is_filling()))
    }

    fn gate_opens(&self, now: Instant) -> Option<Instant> {
        match self.link.gate(now) {
            Gate::Closed(at) => Some(at),
            _ => None,
        }
    }

    fn finished(&self) -> bool {
        self.delivery.finished(self.ladder.text())
    }

    fn left(&self) -> Left {
        if self.delivery.post() != Post::Deliver {
            return Left::default();
        }
        let segments = self.delivery.lanes.iter().map(|lane| lane.owed().count() as u64).sum();
        Left { segments, playlists: !self.finished() }
    }
}

/// A destination that cannot be pushed to: says so, and waits to be stopped.
async fn idle(description: &PushDescription, seams: Seams, why: &str) {
    (seams.events)(report::misconfigured(description, why, now()));
    let counters = Counters { disabled: Some(why.to_owned()), last_error: Some(why.to_owned()), ..Counters::default() };
    let nothing = Delivery::new(Vec::new(), &description.timeline.get(), description.playlist_segments);
    seams.status.send_modify(|status| report::update(status, &nothing, &Link::new(), (&counters, None), 0, now()));
    if let Ok((_, answer)) = seams.stop.await {
        let owed = description.renditions().map(|(id, _)| seams.spool.segments(id).len() as u64).sum();
        let _ = answer.send(Left { segments: owed, playlists: true });
    }
}

/// The live edge of a rendition; text has no parts.
fn edge(description: &PushDescription, medium: Medium) -> Edge {
    Edge::new(description.part_target.filter(|_| medium != Medium::Text))
}

/// Takes over what the spool has now.
fn take_segments(lane: &mut Lane, spool: &Spool, protection: Option<&Protection>) {
    let mut segments = spool.segments(&lane.id);
    if let Some(protection) = protection {
        lane.renamed.clear();
        let names = segments.iter_mut().map(|segment| (&mut segment.init, segment.number));
        protection.rename(lane.medium, names, &mut lane.renamed);
    }
    lane.refresh(segments);
}

/// Takes over the parts that are new in the spool, unless a pause covers them.
fn take_parts(lane: &mut Lane, spool: &Spool, description: &PushDescription, protection: Option<&Protection>) {
    if lane.parts.target().is_some() {
        let mut parted = spool.parted(&lane.id);
        parted.retain(|segment| !description.pauses.cover(segment.start, segment.duration()));
        if let Some(protection) = protection {
            let names = parted.iter_mut().map(|segment| (&mut segment.init, segment.number));
            protection.rename(lane.medium, names, &mut lane.renamed);
        }
        lane.parts.refresh(parted, lane.newest());
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

fn checked(there: Option<bool>) -> Outcome {
    match there {
        Some(true) => Outcome::Acknowledged,
        Some(false) => Outcome::Absent,
        None => Outcome::Untold,
    }
}

//! The destinations of a channel on air: opened, changed and closed one by one, while the others go on.
//!
//! Owns: which endpoints run and what each is there for, drills, pauses on slate, the status of destinations. Must not:
//! decide when an endpoint is left (`policy::Failover`), deliver anything (`push`, `media`), or hold up whoever calls.
//!
//! ```text
//!                       ┌ running ─ failover (policy) ──duty──▶ endpoint: primary
//!  plan, orders ──▶ all ┤              ▲───────── status ────── endpoint: backup-1 …
//!                       └ running …
//!  ticker, ten times a second: looks at every destination and at the slate
//! ```
//!
//! A destination is made anew only as far as it differs: rules and orders are taken over by what runs; an endpoint is
//! opened, closed or replaced alone. What is closed gets [`CLOSE`] to deliver what is left, beside everything else.
//! Another kind of delivery is an [`endpoint::Endpoint`] and a line in [`endpoint::open`].

mod account;
mod clock;
mod drill;
mod endpoint;
mod hls;
mod kept;
mod record;
mod running;
mod stream;
mod whip;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, join_all};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use self::clock::ClockWatch;
use self::running::Running;
use super::companions::Companions;
use crate::media::EventSink;
use crate::media::clock::HouseClock;
use crate::media::encode::Tap;
use crate::media::program::Controls;
use crate::media::whip::OpusEncoders;
use crate::model::status::{DestinationStatus, Showing};
use crate::model::{
    DestinationId, DestinationOrder, DrillReport, LiveTimeline, MediaTime, OnSlate, RecordingAsk, RenditionId,
};
use crate::plan::{ChannelPlan, DestinationPlan};
use crate::push::{Left, PairClock, Pauses};
use crate::record::Recorded;
use crate::spool::Spool;

/// How often destinations are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// For an endpoint that is taken away while on air to deliver what is left.
const CLOSE: Duration = Duration::from_secs(10);

/// Orders of operators, by destination.
pub(super) type DestinationOrders = BTreeMap<DestinationId, DestinationOrder>;

/// What endpoints hang on. Whoever adds a kind adds what it needs.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) plan: ChannelPlan,
    pub(super) clock: HouseClock,
    pub(super) timeline: LiveTimeline,
    pub(super) spool: Spool,
    pub(super) events: EventSink,
    /// Encoded units, for those who take no segments.
    pub(super) tap: Tap,
    /// What is slate.
    pub(super) slates: Pauses,
    /// Program sound for WebRTC.
    pub(super) opus: Arc<OpusEncoders>,
    /// What is recorded beside the program.
    pub(super) companions: Companions,
    /// The clock that pairs rely on.
    pub(super) pair_clock: PairClock,
    /// Nothing new will come: what the spool has is the rest.
    pub(super) ends: bool,
}

impl Setting {
    /// What `destination` is not to be given.
    fn pauses(&self, destination: &DestinationPlan) -> Pauses {
        match destination.on_slate {
            OnSlate::Emit => Pauses::default(),
            OnSlate::Pause => self.slates.clone(),
        }
    }
}

struct Inner {
    /// Replaced whole.
    setting: Mutex<Arc<Setting>>,
    all: Mutex<Vec<Running>>,
    /// Taken after `all`.
    clock: Mutex<ClockWatch>,
    ticker: Mutex<Option<JoinHandle<()>>>,
}

/// See the module's header. Cheap to clone.
#[derive(Clone)]
pub(super) struct Destinations {
    inner: Arc<Inner>,
}

impl Destinations {
    /// Opens the destinations of the plan. Needs a tokio runtime.
    pub(super) fn start(setting: Setting, orders: &DestinationOrders) -> Self {
        // Before the first box asks for its turn.
        clock::tell_first(&setting.pair_clock);
        let open = |plan: &DestinationPlan| Running::open(&setting, plan, orders.get(&plan.id));
        let all = Mutex::new(setting.plan.destinations.iter().map(open).collect());
        let setting = Mutex::new(Arc::new(setting));
        Self { inner: Arc::new(Inner { setting, all, clock: Mutex::default(), ticker: Mutex::default() }) }
    }

    /// Looks at endpoints and slate from now on.
    pub(super) fn watch(&self, program: Controls) {
        self.tick(move || Some(program.showing()));
    }

    /// The same where there is no program: looks at endpoints.
    pub(super) fn watch_rest(&self) {
        self.tick(|| None);
    }

    fn tick(&self, showing: impl Fn() -> Option<(Showing, MediaTime)> + Send + 'static) {
        let weak = Arc::downgrade(&self.inner);
        let ticker = tokio::spawn(async move {
            let mut tick = tokio::time::interval(LOOK);
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tick.tick().await;
                let Some(inner) = weak.upgrade() else { return };
                inner.look(showing());
            }
        });
        *lock(&self.inner.ticker) = Some(ticker);
    }

    /// Takes over other destinations. What is the same goes on untouched.
    pub(super) fn change(&self, plans: &[DestinationPlan], orders: &DestinationOrders) {
        let setting = self.inner.setting();
        let mut all = lock(&self.inner.all);
        let mut before = std::mem::take(&mut *all);
        let mut closed = Vec::new();
        for plan in plans {
            let order = orders.get(&plan.id);
            let running = match before.iter().position(|running| running.id() == &plan.id) {
                Some(place) => {
                    let mut running = before.swap_remove(place);
                    closed.extend(running.change(&setting, plan, order));
                    running
                }
                None => Running::open(&setting, plan, order),
            };
            all.push(running);
        }
        closed.extend(before.into_iter().flat_map(Running::into_endpoints).map(|endpoint| (endpoint, CLOSE)));
        drop(all);
        for (endpoint, limit) in closed {
            // Ends by itself: nobody waits for it.
            tokio::spawn(endpoint.stop(limit));
        }
    }

    /// Tells endpoints of other renditions, or of other words for them.
    pub(super) fn list(&self, plan: &ChannelPlan) {
        let setting = Setting { plan: plan.clone(), ..(*self.inner.setting()).clone() };
        let setting = Arc::new(setting);
        *lock(&self.inner.setting) = Arc::clone(&setting);
        lock(&self.inner.all).iter().for_each(|running| running.list(&setting));
    }

    /// Takes over what operators have set.
    pub(super) fn order(&self, orders: &DestinationOrders) {
        let plans: Vec<DestinationPlan> = lock(&self.inner.all).iter().map(|running| running.plan().clone()).collect();
        self.change(&plans, orders);
    }

    /// Tries a backup without leaving the endpoint in use; the answer comes when it is measured.
    pub(super) fn drill(&self, id: &DestinationId) -> Result<oneshot::Receiver<DrillReport>, String> {
        let mut all = lock(&self.inner.all);
        let running = all.iter_mut().find(|running| running.id() == id);
        let running = running.ok_or_else(|| format!("the channel has no destination {id}"))?;
        running.drill(&self.inner.setting(), Instant::now())
    }

    /// Begins or ends a recording, or marks it; the answer comes when that is done.
    pub(super) fn record(&self, id: &DestinationId, ask: RecordingAsk) -> Result<oneshot::Receiver<Recorded>, String> {
        let all = lock(&self.inner.all);
        let running = all.iter().find(|running| running.id() == id);
        running.ok_or_else(|| format!("the channel has no destination {id}"))?.record(ask)
    }

    /// Gives a destination to the other box of its pair; the answer comes when that has it.
    pub(super) fn hand_over(&self, id: &DestinationId) -> BoxFuture<'static, Result<String, String>> {
        let all = lock(&self.inner.all);
        let running = all.iter().find(|running| running.id() == id);
        let running = running.ok_or_else(|| format!("the channel has no destination {id}"));
        match running.and_then(Running::hand_over) {
            Ok(answer) => answer,
            Err(why) => Box::pin(std::future::ready(Err(why))),
        }
    }

    /// Whether no destination is owed a segment any more.
    pub(super) fn delivered(&self, rendition: &RenditionId, number: u64) -> bool {
        lock(&self.inner.all).iter().all(|running| running.delivered(rendition, number))
    }

    /// Which destinations are owed a segment.
    pub(super) fn owed_to(&self, rendition: &RenditionId, number: u64) -> Vec<DestinationId> {
        let all = lock(&self.inner.all);
        let owed = all.iter().filter(|running| !running.delivered(rendition, number));
        owed.map(|running| running.id().clone()).collect()
    }

    /// Which destinations still need a segment of a companion.
    pub(super) fn owed_to_recordings(&self, rendition: &RenditionId, number: u64) -> Vec<DestinationId> {
        let all = lock(&self.inner.all);
        all.iter().filter(|running| running.needs(rendition, number)).map(|running| running.id().clone()).collect()
    }

    /// How they are.
    pub(super) fn status(&self) -> Vec<DestinationStatus> {
        let setting = self.inner.setting();
        let mut all = lock(&self.inner.all);
        let clock = lock(&self.inner.clock).state();
        all.iter_mut().map(|running| running.status(&setting, clock)).collect()
    }

    /// Whether nothing is left to be delivered, where nothing new will come.
    pub(super) fn are_done(&self) -> bool {
        lock(&self.inner.all).iter().all(Running::is_done)
    }

    /// Delivers what is left, until `deadline`; says what was not, and whether that is nothing. `goes_on`: another worker
    /// takes over at once.
    pub(super) async fn stop(self, deadline: Instant, goes_on: bool) -> (String, bool) {
        if let Some(ticker) = lock(&self.inner.ticker).take() {
            ticker.abort();
        }
        let limit = deadline.saturating_duration_since(Instant::now());
        let endpoints: Vec<_> =
            std::mem::take(&mut *lock(&self.inner.all)).into_iter().flat_map(Running::into_endpoints).collect();
        if goes_on {
            endpoints.iter().for_each(|endpoint| endpoint.leave_to_next());
        }
        let left: Vec<Left> = join_all(endpoints.into_iter().map(|endpoint| endpoint.stop(limit))).await;
        let worst = left.iter().max_by_key(|left| (left.segments, left.playlists));
        let text = worst.map_or_else(|| "there was nothing to deliver".to_owned(), ToString::to_string);
        (text, left.iter().all(Left::is_nothing))
    }
}

impl Inner {
    fn setting(&self) -> Arc<Setting> {
        Arc::clone(&lock(&self.setting))
    }

    fn look(&self, showing: Option<(Showing, MediaTime)>) {
        let setting = self.setting();
        if let Some((showing, since)) = showing {
            match (setting.slates.since(), showing == Showing::Slate) {
                (None, true) => setting.slates.begin(since),
                (Some(_), false) => setting.slates.end(since),
                _ => {}
            }
        }
        let now = Instant::now();
        let mut all = lock(&self.all);
        all.iter_mut().for_each(|running| running.look(&setting, now));
        if all.iter().any(Running::is_paired) {
            let mut clock = lock(&self.clock);
            let event = clock.look(setting.clock.now(), now);
            setting.pair_clock.tell(clock.state().is_none_or(|clock| clock.synchronised));
            event.into_iter().for_each(|event| (setting.events)(event));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

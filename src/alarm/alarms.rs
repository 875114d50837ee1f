//! The list of alarms: one task looks at the snapshots, whoever wants reads the list or says something about an alarm.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::limits::{ChannelLimits, Limits};
use super::rules::{Look, Memory, sightings, unseen};
use super::words;
use crate::model::cost::CostStatus;
use crate::model::pair::{ClockState, ClockStatus};
use crate::model::status::ApplianceStatus;
use crate::model::{
    Alarm, AlarmCode, AlarmCounts, AlarmNews, AlarmNotice, AlarmPriority, ChannelId, Event, Histogram, MediaTime,
    Validity,
};
use crate::policy::{Annunciator, Ordered};
use crate::store::{Pages, Store};
use crate::system::{Timekeeper, clock_discipline, timekeeper};

/// How often the snapshot is looked at: as often as workers report.
const EVERY: Duration = Duration::from_millis(500);
/// What changes slowly (costs, the clock) is looked at once in so many times.
const SLOWLY: u64 = 20;
/// The book in the store.
const BOOK: &str = "alarms";

/// What the list works with.
pub struct Setting {
    /// Keeps alarms.
    pub store: Store,
    /// Takes events.
    pub tell: Box<dyn Fn(Event) + Send + Sync>,
    /// Takes news for whoever is to be told.
    pub pass: Box<dyn Fn(AlarmNotice) + Send + Sync>,
    /// What delivery costs now.
    pub costs: Box<dyn Fn() -> CostStatus + Send + Sync>,
}

/// Cheap to clone; all are one.
#[derive(Clone)]
pub struct Alarms {
    inner: Arc<Inner>,
}

struct Inner {
    setting: Option<Setting>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    list: Annunciator,
    memory: Memory,
    limits: Limits,
    /// What was kept is in the list.
    restored: bool,
    clock: Option<ClockState>,
    keeper: Option<Timekeeper>,
    costs: Option<CostStatus>,
    certificate: Option<String>,
    validities: Vec<Validity>,
    appliance: String,
}

impl Alarms {
    /// An empty list; see [`Alarms::watch`].
    pub fn new(setting: Setting) -> Self {
        Self { inner: Arc::new(Inner { setting: Some(setting), state: Mutex::default() }) }
    }

    /// A list that nobody fills.
    pub fn idle() -> Self {
        Self { inner: Arc::new(Inner { setting: None, state: Mutex::default() }) }
    }

    /// What channels are measured against from now on.
    pub fn learn(&self, limits: Limits) {
        self.lock().limits = limits;
    }

    /// What is wrong with the certificates that the API shows from now on, nothing if none; and how long they are good.
    pub fn certificate(&self, trouble: Option<String>, validities: Vec<Validity>) {
        let mut state = self.lock();
        (state.certificate, state.validities) = (trouble, validities);
    }

    /// Looks at the snapshots until there are no more.
    pub async fn watch(self, status: watch::Receiver<Arc<ApplianceStatus>>) {
        let mut tick = tokio::time::interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for turn in 0_u64.. {
            tick.tick().await;
            if status.has_changed().is_err() {
                return;
            }
            if turn.is_multiple_of(SLOWLY) {
                self.look_slowly();
                let this = self.clone();
                // Another program is asked, which takes a second at the most; nothing waits for it.
                tokio::task::spawn_blocking(move || {
                    let keeper = timekeeper();
                    this.lock().keeper = keeper;
                });
            }
            let newest = status.borrow().clone();
            self.look(&newest, now());
        }
    }

    fn look_slowly(&self) {
        let costs = self.inner.setting.as_ref().map(|setting| (setting.costs)());
        let clock = clock_discipline().ok().map(|found| ClockState {
            synchronised: found.synchronised,
            error_ms: found.largest_error.as_secs_f64() * 1000.0,
        });
        let mut state = self.lock();
        let was = std::mem::replace(&mut state.clock, clock);
        state.costs = costs;
        drop(state);
        let event = words::clock(was, clock, now());
        if let Some((setting, event)) = self.inner.setting.as_ref().zip(event) {
            (setting.tell)(event);
        }
    }

    /// Judges a snapshot.
    pub(crate) fn look(&self, status: &ApplianceStatus, now: MediaTime) {
        let store = self.inner.setting.as_ref().map(|setting| &setting.store);
        let mut state = self.lock();
        if !state.restored
            && let Some(pages) = store.and_then(|store| store.take_book(BOOK))
        {
            state.restored = true;
            state.list.restore(pages.values().filter_map(|page| serde_json::from_str(page).ok()).collect());
        }
        state.appliance.clone_from(&status.name);
        let State { list, memory, limits, clock, costs, certificate, validities, .. } = &mut *state;
        let (trouble, certificate) = (store.and_then(Store::trouble), certificate.as_deref());
        let (clock, costs) = (*clock, costs.as_ref());
        let look = Look { status, limits, now, clock, trouble, certificate, validities, costs };
        let seen = sightings(&look, memory);
        let news = list.see(now, seen, |alarm| unseen(&look, alarm));
        self.after(state, news, now);
    }

    /// Keeps and tells what happened. The lock is let go before anybody hears of it.
    fn after(&self, state: MutexGuard<'_, State>, news: Vec<(AlarmNews, Alarm)>, now: MediaTime) {
        let Some(setting) = self.inner.setting.as_ref().filter(|_| !news.is_empty()) else { return };
        if state.restored {
            let page = |alarm: Alarm| Some((alarm.id.clone(), serde_json::to_string(&alarm).ok()?));
            setting.store.keep_book(BOOK, state.list.list().into_iter().filter_map(page).collect::<Pages>());
        }
        let appliance = state.appliance.clone();
        drop(state);
        for (news, alarm) in news {
            (setting.tell)(words::event(news, &alarm, now));
            (setting.pass)(AlarmNotice { at: now, news, appliance: appliance.clone(), alarm });
        }
    }

    /// Every alarm, what needs somebody first.
    pub fn list(&self) -> Vec<Alarm> {
        self.lock().list.list()
    }

    /// What channels are mixed to, LUFS.
    pub fn loudness_targets(&self) -> Vec<(ChannelId, f64)> {
        let state = self.lock();
        let target = |(channel, limits): (&ChannelId, &ChannelLimits)| Some((channel.clone(), limits.loudness_target?));
        state.limits.iter().filter_map(target).collect()
    }

    /// How many there are.
    pub fn counts(&self) -> AlarmCounts {
        AlarmCounts::of(&self.list())
    }

    /// How often alarms of each kind were raised since the daemon came up.
    pub fn raised(&self) -> BTreeMap<(AlarmCode, AlarmPriority), u64> {
        self.lock().list.raised().clone()
    }

    /// How long it took from a fault to its critical alarm.
    pub fn detected(&self) -> Histogram {
        self.lock().list.detected().clone()
    }

    /// How the clock of the box is, if that can be told.
    pub fn clock(&self) -> Option<ClockState> {
        self.lock().clock
    }

    /// The same, with who keeps it right.
    pub fn time(&self) -> Option<ClockStatus> {
        let state = self.lock();
        let (clock, keeper) = (state.clock?, state.keeper.as_ref());
        Some(ClockStatus {
            synchronised: clock.synchronised,
            error_ms: clock.error_ms,
            program: keeper.map(|keeper| keeper.program.to_owned()),
            source: keeper.and_then(|keeper| keeper.source.clone()),
            stratum: keeper.and_then(|keeper| keeper.stratum),
            offset_ms: keeper.and_then(|keeper| keeper.offset).map(|seconds| seconds * 1000.0),
        })
    }

    /// As the kernel might say.
    #[cfg(test)]
    pub(crate) fn set_clock(&self, clock: ClockState) {
        self.lock().clock = Some(clock);
    }

    /// Somebody has seen it.
    pub fn ack(&self, id: &str, by: Option<String>) -> Ordered {
        let now = now();
        self.order(AlarmNews::Acked, now, |list| list.ack(id, by, now))
    }

    /// Puts it aside for so many minutes.
    pub fn shelve(&self, id: &str, minutes: u32, reason: String, by: Option<String>) -> Ordered {
        let now = now();
        self.order(AlarmNews::Shelved, now, |list| list.shelve(id, minutes, reason, by, now))
    }

    /// Takes it up again.
    pub fn unshelve(&self, id: &str) -> Ordered {
        self.order(AlarmNews::Unshelved, now(), |list| list.unshelve(id))
    }

    fn order(&self, news: AlarmNews, now: MediaTime, act: impl FnOnce(&mut Annunciator) -> Ordered) -> Ordered {
        let mut state = self.lock();
        let (alarm, changed) = act(&mut state.list)?;
        let news = if changed { vec![(news, alarm.clone())] } else { Vec::new() };
        self.after(state, news, now);
        Ok((alarm, changed))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Alarms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alarms").finish_non_exhaustive()
    }
}

fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}

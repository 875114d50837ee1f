//! Alarms, who is told of them, control surfaces, and what tries destinations: what they have to know of a configuration,
//! and where they get the rest.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

use crate::alarm::{Alarms, ChannelLimits, Limits, Setting};
use crate::config::{Channel, Checked};
use crate::doctor::{Destinations, Prober};
use crate::model::cost::{CostStatus, Month};
use crate::model::notify::Notified;
use crate::model::status::ApplianceStatus;
use crate::model::surface;
use crate::model::{ChannelId, Event, MediaTime};
use crate::notify::{Notifier, Pace};
use crate::store::Store;
use crate::supervisor::{Costs, Handle};
use crate::surface::{CarryOut, Surfaces};

/// Cheap to clone; all are one.
#[derive(Clone)]
pub(super) struct Watch {
    pub(super) alarms: Alarms,
    pub(super) notifier: Notifier,
    pub(super) surfaces: Surfaces,
    pub(super) prober: Prober,
    /// Known when the supervisor is.
    costs: Arc<OnceLock<Costs>>,
    /// What was read last, and may not be in force.
    read: Arc<Mutex<Known>>,
}

/// What has to be known of a configuration.
#[derive(Default, Clone)]
struct Known {
    limits: Limits,
    notified: Notified,
    surfaces: surface::Surfaces,
    destinations: Destinations,
    appliance: String,
}

impl Watch {
    /// Kept by `store`; what happens is said to `tell`.
    pub(super) fn new(store: &Store, tell: &UnboundedSender<Event>) -> Self {
        let speaker = || -> Box<dyn Fn(Event) + Send + Sync> {
            let tell = tell.clone();
            Box::new(move |event| drop(tell.send(event)))
        };
        let notifier = Notifier::new(store.clone(), speaker(), Pace::default());
        let costs: Arc<OnceLock<Costs>> = Arc::default();
        let (told, asked) = (notifier.clone(), costs.clone());
        let alarms = Alarms::new(Setting {
            store: store.clone(),
            tell: speaker(),
            pass: Box::new(move |notice| told.pass(&notice)),
            costs: Box::new(move || spent(&asked)),
        });
        let (surfaces, prober) = (Surfaces::default(), Prober::default());
        Self { alarms, notifier, surfaces, prober, costs, read: Arc::default() }
    }

    /// This configuration was read; it counts when it is in force.
    pub(super) fn read(&self, checked: &Checked) {
        let limits = checked.channels.iter().map(limits).collect();
        let (notified, surfaces) = (checked.notified.clone(), checked.surfaces.clone());
        let (destinations, appliance) = (Destinations::of(checked), checked.appliance.clone());
        let known = Known { limits, notified, surfaces, destinations, appliance };
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// What was read is in force.
    fn learn(&self) {
        let Known { limits, notified, surfaces, destinations, appliance } =
            self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.alarms.learn(limits);
        self.notifier.learn(notified, &appliance);
        self.surfaces.learn(surfaces);
        self.prober.learn(destinations);
    }

    /// Looks at what `handle` says from now on; `by_osc` carries out what comes by OSC.
    pub(super) fn begin(self, handle: &Handle, by_osc: CarryOut) -> Self {
        let _ = self.costs.set(handle.costs().clone());
        self.learn();
        self.surfaces.begin(handle.status(), by_osc);
        tokio::spawn(self.alarms.clone().watch(handle.status()));
        tokio::spawn(self.clone().follow(handle.status()));
        self
    }

    /// Takes over each configuration that is put in force: one that is only looked at (a dry run) changes nothing.
    async fn follow(self, mut status: watch::Receiver<Arc<ApplianceStatus>>) {
        let mut known = status.borrow_and_update().config.generation;
        while status.changed().await.is_ok() {
            let newest = status.borrow_and_update().config.generation;
            if std::mem::replace(&mut known, newest) != newest {
                self.learn();
            }
        }
    }
}

fn limits(channel: &Channel) -> (ChannelId, ChannelLimits) {
    let class = &channel.stream_class;
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let limits = ChannelLimits {
        loudness_target: Some(class.audio_policy.loudness_target.0),
        behind: seconds(class.thresholds.backlog_warn_s),
        far_behind: seconds(class.thresholds.backlog_alarm_s),
    };
    (channel.id.clone(), limits)
}

fn spent(costs: &OnceLock<Costs>) -> CostStatus {
    let now = MediaTime::from_system(SystemTime::now());
    let nothing = || CostStatus { now, month: Month::of(now), complete: false, channels: Vec::new() };
    costs.get().map_or_else(nothing, |costs| costs.status(Month::of(now), now))
}

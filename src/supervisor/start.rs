//! Bringing the supervisor up, and ending it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::cards::Cards;
use super::channel::Shared;
use super::costs::Costs;
use super::handle::Handle;
use super::journal::{Journal, now};
use super::reload::Reloading;
use super::root::{Control, Inbox, Root, orders_for};
use super::settings::{Configuration, Reload, Settings};
use super::snapshot::{Overview, blank};
use crate::model::Event;
use crate::store::{SavedOrders, Store};
use crate::telemetry::Recorder;

/// Requests that may wait for the root.
const REQUESTS: usize = 64;

/// Readings of meters that wait for somebody who looks: three seconds of sixteen channels.
const METERS: usize = 1024;

/// What the supervisor writes to.
#[derive(Debug)]
pub struct Records {
    /// Keeps orders.
    pub store: Store,
    /// Orders as they were kept.
    pub orders: SavedOrders,
    /// Records events.
    pub recorder: Arc<Recorder>,
}

/// A supervisor at work. Dropping it, or the runtime, leaves the workers on air.
#[derive(Debug)]
pub struct Supervisor {
    control: mpsc::Sender<Control>,
    root: JoinHandle<()>,
    journal: Journal,
    limit: Duration,
    /// Ends with the supervisor.
    _plugs: JoinSet<()>,
}

impl Supervisor {
    /// A supervisor that waits for [`Supervisor::begin`], so that whoever wants every event can listen first.
    pub fn new(settings: Settings, configuration: Configuration, records: Records, reload: Reload) -> (Self, Handle) {
        let Records { store, orders, recorder } = records;
        let journal = Journal::new(recorder);
        let limit = settings.limits.longest_stop() + settings.limits.patience;
        let (runtime, images, cards) = (settings.runtime.clone(), settings.images.clone(), Cards::default());
        let changed = Arc::new(Notify::new());
        let meters = broadcast::Sender::new(METERS);
        let (answers, answered) = mpsc::unbounded_channel();
        let costs = Costs::kept_by(store.clone(), now());
        let (settings, kept) = (Arc::new(settings), costs.clone());
        let shared =
            Shared { settings, journal: journal.clone(), store, costs: kept, changed, answers, meters: meters.clone() };
        let mut overview = Overview::new(&configuration);
        let written = overview.written.clone();
        // Complete from the first moment: without its channels the appliance would seem to be ready.
        let known = configuration.channels.iter().map(|configured| {
            let plan = &configured.plan;
            blank(&plan.channel, Some(plan), &orders_for(configured, &orders))
        });
        let (snapshot, status) = watch::channel(Arc::new(overview.status(known.collect(), None)));
        let (requests, asked) = mpsc::channel(REQUESTS);
        let (control, told) = mpsc::channel(4);
        let root = Root::new(shared, overview, orders, snapshot, Reloading::new(reload));
        let root = tokio::spawn(root.run(configuration, Inbox { requests: asked, control: told, answers: answered }));
        let handle =
            Handle { requests, status, events: journal.events(), runtime, images, cards, costs, written, meters };
        let mut plugs = JoinSet::new();
        plugs.spawn(super::plugs::watch(PathBuf::from("/"), journal.clone()));
        (Self { control, root, journal, limit, _plugs: plugs }, handle)
    }

    /// Takes over the workers that are on air, starts those that are missing, and goes on so.
    pub fn begin(&self) {
        let _ = self.control.try_send(Control::Begin);
    }

    /// Records something that happened outside of the channels.
    pub fn tell(&self, event: Event) {
        self.journal.tell(event);
    }

    /// Takes all channels off air; see [`Supervisor::finished`].
    pub fn stop(&self) {
        let _ = self.control.try_send(Control::Stop);
    }

    /// Kills the workers that are left.
    pub fn hurry(&self) {
        let _ = self.control.try_send(Control::Hurry);
    }

    /// The longest time from [`Supervisor::stop`] to [`Supervisor::finished`].
    pub fn longest_stop(&self) -> Duration {
        self.limit
    }

    /// Waits for the end, which comes after [`Supervisor::stop`]; an end without it is a fault of ours. Safe to cancel.
    pub async fn finished(&mut self) {
        let _ = (&mut self.root).await;
    }
}

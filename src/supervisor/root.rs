//! The root task: it owns the list of channels, the configuration in force and the snapshot, and hands orders to the
//! channels' actors. It waits for none of them.
//!
//! ```text
//!  requests ─▶ root ─ mail ─▶ channel, channel, …
//!              │  ▲               │
//!     snapshot ▼  └── changed ◀───┘ status (watch)
//! ```

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::task::{Id, JoinError, JoinSet};

use super::admission::Fits;
use super::asks::{Answer, Ask, Reply};
use super::channel::{Channel, Mail, Shared};
use super::claims::{Outfit, recorded, too_many};
use super::handle::{Command, Refusal, Request};
use super::journal::now;
use super::reload::{Reloading, Wish};
use super::seat::Seat;
use super::settings::{Budget, Configuration, Configured};
use super::snapshot::{Overview, blank};
use crate::ipc::socket_path;
use crate::model::status::{ApplianceStatus, ChannelOrder, ChannelStatus, ProgramOrder};
use crate::model::{ChannelId, Event, EventCode, Fault, LiveSettings, Severity, TakeOrder};
use crate::plan::{ChannelPlan, Held};
use crate::store::{Orders, SavedOrders};

/// Orders a channel may be behind.
const MAILBOX: usize = 64;
/// What a channel that is busy talking to its worker may take to read its mail.
const POST_WITHIN: Duration = Duration::from_secs(3);

/// How the program around it ends the supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// Take up the work.
    Begin,
    /// All channels off air, in order.
    Stop,
    /// Kill what is left.
    Hurry,
}

/// What the root hears.
pub(super) struct Inbox {
    pub(super) requests: mpsc::Receiver<Request>,
    pub(super) control: mpsc::Receiver<Control>,
    /// Answers of channels, to be given once the snapshot shows them.
    pub(super) answers: mpsc::UnboundedReceiver<(Reply, Answer)>,
}

/// The root task.
pub(super) struct Root {
    pub(super) shared: Shared,
    pub(super) overview: Overview,
    pub(super) seats: Vec<Seat>,
    /// Mailboxes of channels that were removed and are going off air.
    leaving: Vec<mpsc::Sender<Mail>>,
    saved: SavedOrders,
    actors: JoinSet<()>,
    names: HashMap<Id, ChannelId>,
    snapshot: watch::Sender<Arc<ApplianceStatus>>,
    pub(super) reloading: Reloading,
    /// What the box can carry.
    pub(super) budget: Budget,
    /// How many more fit.
    pub(super) fits: Fits,
    /// Encoder sessions that workers hold who were found on air, until their channels have seats.
    pub(super) reserved: BTreeMap<ChannelId, Held>,
}

impl Root {
    pub(super) fn new(
        shared: Shared,
        overview: Overview,
        saved: SavedOrders,
        snapshot: watch::Sender<Arc<ApplianceStatus>>,
        reloading: Reloading,
    ) -> Self {
        Self {
            shared,
            overview,
            seats: Vec::new(),
            leaving: Vec::new(),
            saved,
            actors: JoinSet::new(),
            names: HashMap::new(),
            snapshot,
            reloading,
            budget: Budget::default(),
            fits: Fits::default(),
            reserved: BTreeMap::new(),
        }
    }

    /// Takes over what runs, starts what is missing, and serves until it is told to stop.
    pub(super) async fn run(mut self, configuration: Configuration, mut inbox: Inbox) {
        if inbox.control.recv().await != Some(Control::Begin) {
            return;
        }
        self.tell(Severity::Info, EventCode::DaemonStarted, "the daemon is up".to_owned());
        self.budget = configuration.budget;
        self.reserved = recorded(&self.shared.settings.runtime);
        let kept = |id: &ChannelId| configuration.channels.iter().any(|one| one.plan.channel == *id);
        self.reserved.retain(|id, _| kept(id) && socket_path(&self.shared.settings.runtime, id).exists());
        for configured in configuration.channels {
            self.add(configured);
        }
        self.write_sessions();
        self.retire_strays();
        loop {
            self.publish();
            tokio::select! {
                request = inbox.requests.recv() => match request {
                    Some((command, reply)) => self.on_command(command, reply),
                    None => break,
                },
                told = inbox.control.recv() => match told {
                    Some(told) => return self.shut(told, inbox).await,
                    None => break,
                },
                Some(answered) = inbox.answers.recv() => self.answer(answered),
                loaded = self.reloading.finished() => self.on_loaded(loaded).await,
                () = self.shared.changed.notified() => {}
                Some(ended) = self.actors.join_next_with_id() => self.on_actor_ended(ended),
            }
        }
    }

    /// Puts a configured channel in its seat.
    pub(super) fn add(&mut self, configured: Configured) {
        let mut orders = orders_for(&configured, &self.saved);
        let id = configured.plan.channel.clone();
        self.shared.costs.set_budgets(&id, configured.budgets);
        self.shared.settings.groups.set(&id, configured.share);
        // One that was on air before has been admitted, or forced, before; one that is on air stays there.
        let running = socket_path(&self.shared.settings.runtime, &id).exists();
        let (wish, asked) = (Arc::new(configured.plan), configured.needs);
        let kept = self.reserved.remove(&id).unwrap_or_default();
        let mut outfit = match orders.channel {
            ChannelOrder::OnAir => Outfit::of(&self.budget, &wish, asked, &kept, &self.sessions_taken(Some(&id))),
            ChannelOrder::OffAir => Outfit::none(&wish, asked),
        };
        if !running
            && orders.channel == ChannelOrder::OnAir
            && !self.saved.contains_key(&id)
            && let Err(refusal) = self.admit(&id, &outfit)
        {
            orders.channel = ChannelOrder::OffAir;
            outfit = Outfit::none(&wish, asked);
            let event = Event::new(now(), Severity::Error, EventCode::ChannelRefused, refusal.to_string());
            let hint = "look at uplinkctl capacity; uplinkctl start --force puts it on air all the same";
            self.shared.journal.tell(event.channel(&id).blame(Fault::Hardware, hint));
        }
        let wanted = orders.channel == ChannelOrder::OnAir;
        let (mailbox, status) = self.actor(&outfit.plan, orders);
        let Outfit { plan, held, lacking, needs } = outfit;
        self.seats.push(Seat { wish, plan, held, lacking, mailbox, status, needs, asked, wanted });
    }

    /// The actor of a channel, and what it says.
    fn actor(
        &mut self,
        plan: &Arc<ChannelPlan>,
        orders: Orders,
    ) -> (mpsc::Sender<Mail>, watch::Receiver<Arc<ChannelStatus>>) {
        let (publisher, status) = watch::channel(Arc::new(blank(&plan.channel, Some(plan), &orders)));
        (self.spawn(plan.channel.clone(), Some(plan.clone()), orders, publisher), status)
    }

    fn spawn(
        &mut self,
        id: ChannelId,
        plan: Option<Arc<ChannelPlan>>,
        orders: Orders,
        publisher: watch::Sender<Arc<ChannelStatus>>,
    ) -> mpsc::Sender<Mail> {
        let (mailbox, mail) = mpsc::channel(MAILBOX);
        let channel = Channel::new(id.clone(), self.shared.clone(), plan, orders, publisher);
        let actor = self.actors.spawn(channel.run(mail));
        self.names.insert(actor.id(), id);
        mailbox
    }

    /// Workers of channels that are no longer configured: a worker stays on air until it is told otherwise.
    fn retire_strays(&mut self) {
        let Ok(entries) = std::fs::read_dir(&self.shared.settings.runtime) else { return };
        for entry in entries.flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| ChannelId::new(name).ok()) else { continue };
            let configured = self.seats.iter().any(|seat| seat.plan.channel == id);
            if configured || !entry.path().join("worker.sock").exists() {
                continue;
            }
            let orders =
                Orders { channel: ChannelOrder::OffAir, program: ProgramOrder::Auto, live: LiveSettings::default() };
            let (publisher, _) = watch::channel(Arc::new(blank(&id, None, &orders)));
            let mailbox = self.spawn(id, None, orders, publisher);
            self.leaving.push(mailbox);
        }
    }

    fn on_command(&mut self, command: Command, reply: Reply) {
        let forced = matches!(command, Command::StartAnyway(_));
        let (id, ask) = match command {
            Command::Reload => return self.reloading.request(reply, Wish::Carry, None),
            Command::DryReload => return self.reloading.request(reply, Wish::Say, None),
            Command::Try(tried) => return self.reloading.request(reply, Wish::Say, Some(tried)),
            Command::BeginShow(id, title) => return self.on_show(&id, Some(title), reply),
            Command::EndShow(id) => return self.on_show(&id, None, reply),
            Command::Start(id) | Command::StartAnyway(id) => (id, Ask::Start),
            Command::Stop(id) => (id, Ask::Stop),
            Command::StopNow(id) => (id, Ask::StopNow),
            Command::Slate(id) => (id, Ask::Show(TakeOrder::cut(ProgramOrder::Slate))),
            Command::Release(id) => (id, Ask::Show(TakeOrder::cut(ProgramOrder::Auto))),
            Command::Take(id, source) => (id, Ask::Show(TakeOrder::cut(ProgramOrder::Source { source }))),
            Command::Show(id, take) => (id, Ask::Show(*take)),
            Command::Change(id, change) => (id, Ask::Change(change)),
            Command::Act(id, act) => (id, Ask::Act(act)),
        };
        let Some(place) = self.seats.iter().position(|seat| seat.plan.channel == id) else {
            let _ = reply.send(Err(Refusal::UnknownChannel(id)));
            return;
        };
        if ask == Ask::Start
            && !self.seats[place].wanted
            && let Err(refusal) = self.equip(place, forced)
        {
            let _ = reply.send(Err(refusal));
            return;
        }
        let order = match ask {
            Ask::Start => Some(true),
            Ask::Stop | Ask::StopNow => Some(false),
            _ => None,
        };
        let seat = &mut self.seats[place];
        let sent = seat.mailbox.try_send(Mail::Ask(ask, reply));
        match (order, &sent) {
            (Some(true), Ok(())) => seat.wanted = true,
            (Some(false), Ok(())) => seat.release(),
            // Off air as before.
            (Some(true), Err(_)) if !seat.wanted => seat.release(),
            _ => {}
        }
        if let Err(error) = sent {
            let refusal = too_many(&id);
            let (TrySendError::Full(mail) | TrySendError::Closed(mail)) = error;
            if let Mail::Ask(_, reply) = mail {
                let _ = reply.send(Err(refusal));
            }
        }
        if order.is_some() {
            self.write_sessions();
        }
    }

    /// Sends mail that must not be lost.
    pub(super) async fn post(&self, mailbox: &mpsc::Sender<Mail>, mail: Mail) {
        let _ = tokio::time::timeout(POST_WITHIN, mailbox.send(mail)).await;
    }

    /// Takes a channel off air and out of the list.
    pub(super) async fn remove(&mut self, seat: Seat) {
        self.post(&seat.mailbox, Mail::Shut).await;
        // As it is kept: if the channel comes back, so do its orders.
        let status = seat.status.borrow().clone();
        self.saved.insert(seat.plan.channel.clone(), last_orders(&status));
        self.leaving.push(seat.mailbox);
    }

    fn on_actor_ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        self.leaving.retain(|mailbox| !mailbox.is_closed());
        let error = match ended {
            Ok((id, ())) => return drop(self.names.remove(&id)),
            Err(error) => error,
        };
        // A fault in one channel's actor is mended like a fault of its worker: a new one, which finds the worker on air.
        let Some(name) = self.names.remove(&error.id()) else { return };
        let Some(place) = self.seats.iter().position(|seat| seat.plan.channel == name) else { return };
        let event = Event::new(
            now(),
            Severity::Error,
            EventCode::SupervisionFailed,
            format!("its supervision failed: {error}"),
        );
        let hint = "the worker stays on air and is taken over again; report this with the log";
        self.shared.journal.tell(event.channel(&name).blame(Fault::Internal, hint));
        let (plan, status) = (self.seats[place].plan.clone(), self.seats[place].status.borrow().clone());
        let orders = last_orders(&status);
        let wanted = orders.channel == ChannelOrder::OnAir;
        let (mailbox, status) = self.actor(&plan, orders);
        let seat = &mut self.seats[place];
        (seat.mailbox, seat.status, seat.wanted) = (mailbox, status, wanted);
    }

    pub(super) fn tell(&self, severity: Severity, code: EventCode, text: String) {
        self.shared.journal.tell(Event::new(now(), severity, code, text));
    }

    fn answer(&mut self, (reply, answer): (Reply, Answer)) {
        self.publish();
        // Whoever asked may have gone; the order stands all the same.
        let _ = reply.send(answer);
    }

    /// Publishes a snapshot of what all channels say now.
    fn publish(&mut self) {
        let channels = self.seats.iter().map(|seat| (**seat.status.borrow()).clone()).collect();
        let status = self.overview.status(channels, self.shared.store.trouble());
        let status = ApplianceStatus { capacity: self.capacity(), ..status };
        self.snapshot.send_replace(Arc::new(status));
    }

    /// Takes every channel off air, bounded, and ends.
    async fn shut(mut self, told: Control, mut inbox: Inbox) {
        self.tell(Severity::Info, EventCode::DaemonStopping, "the daemon takes all channels off air".to_owned());
        let mail = |told| if told == Control::Stop { Mail::Shut } else { Mail::Hurry };
        self.post_all(&mail(told));
        let limits = self.shared.settings.limits;
        let mut until = tokio::time::Instant::now() + limits.longest_stop();
        let mut last_chance = false;
        while !self.actors.is_empty() {
            self.publish();
            tokio::select! {
                _ = self.actors.join_next() => {}
                Some((_, reply)) = inbox.requests.recv() => drop(reply.send(Err(Refusal::ShuttingDown))),
                Some(answered) = inbox.answers.recv() => self.answer(answered),
                Some(Control::Hurry) = inbox.control.recv() => self.post_all(&Mail::Hurry),
                () = self.shared.changed.notified() => {}
                () = tokio::time::sleep_until(until) => {
                    if std::mem::replace(&mut last_chance, true) {
                        let text = "a worker does not end; it is left behind".to_owned();
                        self.tell(Severity::Error, EventCode::ChannelFailed, text);
                        break;
                    }
                    self.post_all(&Mail::Hurry);
                    until += limits.patience;
                }
            }
        }
        self.publish();
        self.shared.costs.write();
        self.shared.store.flush().await;
    }

    fn post_all(&self, mail: &Mail) {
        let seats = self.seats.iter().map(|seat| &seat.mailbox);
        for mailbox in seats.chain(&self.leaving) {
            let mail = if matches!(mail, Mail::Hurry) { Mail::Hurry } else { Mail::Shut };
            let _ = mailbox.try_send(mail);
        }
    }
}

/// The orders in force for a configured channel: those that were kept, as far as they still can be carried out.
pub(super) fn orders_for(configured: &Configured, saved: &SavedOrders) -> Orders {
    let plan = &configured.plan;
    let first = Orders { channel: configured.order, program: ProgramOrder::Auto, live: LiveSettings::default() };
    let mut orders = saved.get(&plan.channel).cloned().unwrap_or(first);
    if let ProgramOrder::Source { source } = &orders.program
        && !plan.sources.iter().any(|candidate| candidate.id == *source)
    {
        orders.program = ProgramOrder::Auto;
    }
    orders
}

/// The orders that a status shows.
fn last_orders(status: &ChannelStatus) -> Orders {
    let program = status.report.as_ref().map_or(ProgramOrder::Auto, |report| report.program.order.clone());
    Orders { channel: status.order, program, live: status.live.clone() }
}

#[cfg(test)]
#[path = "root_tests.rs"]
mod tests;

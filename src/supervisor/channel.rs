//! One channel's actor: it alone owns the process, the connection and the orders. It tells the lifecycle what happened
//! and carries out what the lifecycle asks for.
//!
//! ```text
//!            mailbox (asks, plan, shut)      worker: messages, end
//!                        │                        │
//!                        ▼                        ▼
//!   status (watch) ◀── channel ── input ──▶ lifecycle ── actions ──▶ process, connection, journal
//! ```

use std::collections::VecDeque;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::acts::Acting;
use super::asks::{Answer, Ask, Pending, Reply};
use super::costs::Costs;
use super::handle::Meters;
use super::journal::Journal;
use super::lifecycle::{Input, Lifecycle, Stand};
use super::notes::About;
use super::reach::Contact;
use super::settings::Settings;
use super::shown::Shown;
use crate::ipc::{Down, LinkError, Receiver, Sender, Up};
use crate::model::status::{ChannelOrder, ChannelStatus, ProgramOrder, RemainderStatus, WorkerReport, WorkerStatus};
use crate::model::{ChannelId, LiveSettings, MediaTime};
use crate::plan::{ChannelPlan, impact};
use crate::store::{Orders, Store};
use crate::system::{Exit, Process};

/// How a channel without a plan (one that is only to be stopped) judges a stall; it is never up.
const ANY_STALL: Duration = Duration::from_secs(4);

/// What all channels share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) settings: Arc<Settings>,
    pub(crate) journal: Journal,
    pub(crate) store: Store,
    /// What delivery costs.
    pub(crate) costs: Costs,
    /// What meters show; nobody may be looking.
    pub(crate) meters: Meters,
    /// A status has changed.
    pub(crate) changed: Arc<Notify>,
    /// Answers on their way, see [`Channel`].
    pub(crate) answers: mpsc::UnboundedSender<(Reply, Answer)>,
}

/// What a channel is told.
#[derive(Debug)]
pub(crate) enum Mail {
    /// Somebody asks for something and waits.
    Ask(Ask, Reply),
    /// A changed plan, and who wants to know what came of it.
    Plan(Arc<ChannelPlan>, oneshot::Sender<Carried>),
    /// Off air, then end the actor; the order is not touched.
    Shut,
    /// The same, at once.
    Hurry,
}

/// What came of a changed plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Carried {
    /// The worker on air has taken it over.
    Live(String),
    /// The worker is being replaced; why, where that was not foreseen.
    Replaced(Option<String>),
    /// There is no worker.
    Kept,
}

/// Something the actor has to deal with.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one lives at a time, on the actor's own stack")]
pub(super) enum Happening {
    Mail(Option<Mail>),
    Ended(Exit),
    Message(Result<Up, LinkError>),
    Reached(Result<Contact, LinkError>),
    Due,
}

pub(super) type Reaching = Pin<Box<dyn Future<Output = Result<Contact, LinkError>> + Send>>;

/// The actor.
pub(crate) struct Channel {
    pub(super) id: ChannelId,
    pub(super) shared: Shared,
    /// None for a channel that is no longer configured.
    pub(super) plan: Option<Arc<ChannelPlan>>,
    pub(super) order: ChannelOrder,
    pub(super) program: ProgramOrder,
    pub(super) live: LiveSettings,
    /// The last settings that a worker has, or was started with.
    pub(super) confirmed: LiveSettings,
    pub(super) life: Lifecycle,
    pub(super) todo: VecDeque<Input>,
    pub(super) leaving: bool,
    /// A program order is to be sent.
    pub(super) tell_program: bool,

    pub(super) process: Option<Process>,
    pub(super) sender: Option<Sender<Down>>,
    pub(super) receiver: Option<Receiver<Up>>,
    pub(super) reaching: Option<Reaching>,
    /// What the worker said that it is on air with, when it was last connected to.
    pub(super) on_air_with: Option<Box<ChannelPlan>>,
    /// Pause before the next attempt to connect: a peer that broke the protocol is not hurried.
    pub(super) pause: Duration,

    pub(super) worker: Option<WorkerStatus>,
    pub(super) report: Option<WorkerReport>,
    /// What is left, as the worker that delivers it said last.
    pub(super) remainder: Option<RemainderStatus>,
    /// Somebody ended that for good, until the next start.
    pub(super) gives_up: bool,
    pub(super) beat: Option<Instant>,
    pub(super) last_words: Option<String>,
    /// What ended the worker before this one.
    pub(super) trouble: Option<String>,
    pub(super) launches: u64,
    /// When the worker that comes up was launched.
    pub(super) launched: Option<Instant>,
    /// When the worker's log was last looked at.
    pub(super) log_seen: Instant,
    /// Last seen on air, and since when.
    pub(super) seen_on_air: Option<Instant>,
    pub(super) on_air_since: Option<MediaTime>,

    /// What others see of its health.
    pub(super) shown: Shown,

    pub(super) pending: Vec<Pending>,
    /// Commands that the worker was told and has not answered, and how many there were.
    pub(super) acting: Vec<Acting>,
    pub(super) acts: u64,
    /// From when on the program order that is known has been in force, as far as the worker said.
    pub(super) program_at: Option<MediaTime>,
    pub(super) status: watch::Sender<Arc<ChannelStatus>>,
}

impl Channel {
    /// An actor for `plan`, or for a worker of a channel that is no longer configured.
    pub(crate) fn new(
        id: ChannelId,
        shared: Shared,
        plan: Option<Arc<ChannelPlan>>,
        orders: Orders,
        status: watch::Sender<Arc<ChannelStatus>>,
    ) -> Self {
        let stall = plan.as_ref().map_or(ANY_STALL, |plan| stall(plan));
        let wanted = plan.is_some() && orders.channel == ChannelOrder::OnAir;
        let life = Lifecycle::new(shared.settings.limits, stall, wanted, Instant::now());
        Self {
            id,
            shared,
            leaving: plan.is_none(),
            plan,
            order: orders.channel,
            program: orders.program,
            confirmed: orders.live.clone(),
            live: orders.live,
            life,
            todo: VecDeque::new(),
            tell_program: false,
            process: None,
            sender: None,
            receiver: None,
            reaching: None,
            on_air_with: None,
            pause: Duration::ZERO,
            worker: None,
            report: None,
            remainder: None,
            gives_up: false,
            beat: None,
            last_words: None,
            trouble: None,
            launches: 0,
            launched: None,
            log_seen: Instant::now(),
            seen_on_air: None,
            on_air_since: None,
            shown: Shown::default(),
            pending: Vec::new(),
            acting: Vec::new(),
            acts: 0,
            program_at: None,
            status,
        }
    }

    /// Until the channel is shut, or for a channel that is no longer configured until its worker is gone.
    pub(crate) async fn run(mut self, mut mailbox: mpsc::Receiver<Mail>) {
        self.take_stock().await;
        loop {
            self.work_off().await;
            self.send_program().await;
            self.keep_to_budgets().await;
            self.work_off().await;
            self.publish();
            if self.leaving && !self.is_busy() {
                return;
            }
            match self.next(&mut mailbox).await {
                // Nobody is left to take orders from: the worker stays on air for the next daemon.
                Happening::Mail(None) => return,
                Happening::Mail(Some(mail)) => self.on_mail(mail).await,
                Happening::Ended(exit) => self.on_ended(exit).await,
                Happening::Message(Ok(message)) => self.on_message(message),
                Happening::Message(Err(error)) => self.on_broken(&error),
                Happening::Reached(Ok(contact)) => self.on_reached(contact).await,
                Happening::Reached(Err(error)) => self.on_not_reached(&error),
                Happening::Due => {
                    self.look_at_log();
                    self.todo.push_back(Input::Tick);
                }
            }
        }
    }

    /// The next thing that happens. A worker that floods its socket holds up nothing but its own deadlines.
    async fn next(&mut self, mailbox: &mut mpsc::Receiver<Mail>) -> Happening {
        let due = self.next_due();
        loop {
            let happening = tokio::select! {
                biased;
                mail = mailbox.recv() => Happening::Mail(mail),
                exit = ended(self.process.as_ref()) => Happening::Ended(exit),
                // Before the deadlines: what was sent in time counts, even if this process is late to read it.
                message = message(self.receiver.as_mut()) => Happening::Message(message),
                reached = reached(self.reaching.as_mut()) => Happening::Reached(reached),
                () = tokio::time::sleep_until(due.into()) => Happening::Due,
            };
            match happening {
                // They change nothing that is judged or published.
                Happening::Message(Ok(Up::Meters { reading })) => {
                    let _ = self.shared.meters.send(Arc::new((self.id.clone(), reading)));
                }
                happening => return happening,
            }
        }
    }

    async fn on_mail(&mut self, mail: Mail) {
        match mail {
            Mail::Ask(Ask::Change(change), reply) => self.on_change(&change, reply).await,
            Mail::Ask(Ask::Act(act), reply) => self.on_act(act, reply).await,
            Mail::Ask(Ask::Show(take), reply) => self.on_take(take, reply).await,
            Mail::Ask(Ask::StopNow, reply) => {
                self.give_up_rest().await;
                self.on_ask(Ask::StopNow, reply);
            }
            Mail::Ask(ask, reply) => self.on_ask(ask, reply),
            Mail::Plan(plan, told) => self.on_plan(plan, told).await,
            Mail::Shut => self.leave(Input::Want(false)),
            Mail::Hurry => self.leave(Input::Hurry),
        }
    }

    /// Has the worker carry out what it can without going off air, or a new one carry out all.
    async fn on_plan(&mut self, plan: Arc<ChannelPlan>, told: oneshot::Sender<Carried>) {
        let before = self.plan.replace(plan.clone());
        self.life.set_stall(stall(&plan));
        self.forget_sources(&plan);
        self.trouble = None;
        let up = self.life.stand() == Stand::Up && self.sender.is_some();
        if up && before.is_some_and(|before| impact(&before, &plan).is_live()) {
            return self.change_plan(Some(told)).await;
        }
        // Whoever asked may have gone.
        let runs = self.is_busy() && !self.life.delivering();
        let _ = told.send(if runs { Carried::Replaced(None) } else { Carried::Kept });
        self.todo.push_back(Input::Renew);
    }

    fn leave(&mut self, input: Input) {
        self.leaving = true;
        self.todo.extend([Input::Owe(false), input]);
    }

    /// Keeps the orders.
    pub(super) fn save(&self) {
        let orders = Orders { channel: self.order, program: self.program.clone(), live: self.live.clone() };
        self.shared.store.save(&self.id, orders);
    }

    /// The channel's directory below the runtime directory.
    pub(super) fn directory(&self) -> PathBuf {
        self.shared.settings.runtime.join(self.id.as_str())
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.as_ref().map_or(0, Process::pid)
    }

    /// Tells the journal what `event` makes of this channel.
    pub(super) fn tell(&self, event: impl FnOnce(&About<'_>) -> Option<crate::model::Event>) {
        let log = self.directory().join("worker.log");
        let about = About {
            channel: &self.id,
            pid: self.pid(),
            log: &log,
            last_words: self.last_words.as_deref(),
            wanted: self.life.wanted(),
        };
        if let Some(event) = event(&about) {
            self.shared.journal.tell(event);
        }
    }
}

fn stall(plan: &ChannelPlan) -> Duration {
    Duration::from_millis(plan.thresholds.stall_ms.into())
}

async fn ended(process: Option<&Process>) -> Exit {
    match process {
        Some(process) => process.ended().await,
        None => std::future::pending().await,
    }
}

async fn message(receiver: Option<&mut Receiver<Up>>) -> Result<Up, LinkError> {
    match receiver {
        Some(receiver) => receiver.recv().await,
        None => std::future::pending().await,
    }
}

async fn reached(reaching: Option<&mut Reaching>) -> Result<Contact, LinkError> {
    match reaching {
        Some(reaching) => reaching.await,
        None => std::future::pending().await,
    }
}

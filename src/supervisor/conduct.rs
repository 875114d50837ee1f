//! The channel's dealings with its worker: what it hears, and what the lifecycle has it do.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::time::{Duration, Instant};

use super::channel::Channel;
use super::journal::now;
use super::lifecycle::{Action, Input, Note, Stand};
use super::reach::{Contact, look, reach};
use crate::ipc::{Down, LinkError, Up, WorkerHello, socket_path};
use crate::model::status::WorkerStatus;
use crate::model::{Act, Event, EventCode, Severity};
use crate::plan::impact;
use crate::system::{Exit, Launch, Process, Signal, bound_log};

/// Before the next attempt to connect to a peer that broke the protocol.
const AFTER_VIOLATION: Duration = Duration::from_secs(1);
/// What a dead worker left in its socket is read for no longer than this.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(200);

/// How often the size of the worker's log is looked at.
const LOG_EVERY: Duration = Duration::from_secs(30);

impl Channel {
    /// At the start: takes over a worker that is there, or starts one.
    pub(super) async fn take_stock(&mut self) {
        let found = look(&socket_path(&self.shared.settings.runtime, &self.id)).await;
        let Some(found) = found else {
            if self.life.wanted() {
                self.todo.push_back(Input::Want(true));
            } else if self.owes().await {
                self.todo.push_back(Input::Owe(true));
            }
            return;
        };
        self.shared.settings.groups.hold(&self.id, found.process.pid());
        self.process = Some(found.process);
        // Found or started by us: the first one is no restart.
        self.launches = 1;
        let input = match found.contact {
            Ok(contact) if contact.1.channel == self.id => {
                let hello = self.hold(contact, true);
                match (&hello.plan, &self.plan) {
                    (Some(theirs), Some(ours)) if hello.delivering => {
                        let same = **theirs == **ours && hello.live.destinations == self.live.destinations;
                        if same && !self.life.wanted() { Input::FoundDelivering } else { Input::FoundUnfit }
                    }
                    // On air with what we want: what its program shows was ordered while orders were still kept.
                    (Some(theirs), Some(ours)) if self.life.wanted() && impact(theirs, ours).is_live() => {
                        let ours = ours.clone();
                        self.program = hello.program;
                        self.live = *hello.live;
                        self.forget_sources(&ours);
                        Input::FoundFit
                    }
                    // Not on air with anything yet: as good as a fresh one.
                    (None, Some(_)) if self.life.wanted() => Input::FoundFit,
                    _ => Input::FoundUnfit,
                }
            }
            Ok(_) => Input::FoundForeign,
            Err(error) => {
                self.tell(|about| Some(about.violation(&error)));
                if matches!(error, LinkError::Silent(_)) { Input::FoundHung } else { Input::FoundForeign }
            }
        };
        self.todo.push_back(input);
    }

    /// Keeps the worker's log within bounds, now and then.
    pub(super) fn look_at_log(&mut self) {
        if self.process.is_none() || self.log_seen.elapsed() < LOG_EVERY {
            return;
        }
        self.log_seen = Instant::now();
        if let Ok(cut @ 1..) = bound_log(&self.directory().join("worker.log")) {
            tracing::warn!(channel = %self.id, "the worker's log was begun anew, {cut} bytes were cut");
        }
    }

    /// Whether a worker is there, or due.
    pub(super) fn is_busy(&self) -> bool {
        self.process.is_some() || self.life.stand() != Stand::Idle
    }

    /// Lets the lifecycle decide about everything that happened, and does what it says.
    pub(super) async fn work_off(&mut self) {
        while let Some(input) = self.todo.pop_front() {
            for action in self.life.step(input, Instant::now()) {
                self.perform(action).await;
            }
        }
        if self.life.stand() == Stand::Idle {
            self.trouble = None;
        }
    }

    async fn perform(&mut self, action: Action) {
        match action {
            Action::Launch => self.launch(),
            Action::Link => self.link(),
            Action::Start => self.start().await,
            Action::Deliver => self.deliver().await,
            Action::Stop(within) => {
                let deadline_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
                let replaced = self.life.wanted();
                self.send(&Down::Stop { deadline_ms, replaced }).await;
            }
            Action::Terminate => self.signal(Signal::Terminate),
            Action::Kill => self.signal(Signal::Kill),
            Action::Note(note) => self.note(&note),
        }
    }

    fn note(&mut self, note: &Note) {
        self.tell(|about| about.tell(note));
        let said = self.last_words.as_ref().map(|words| format!(" ({words})")).unwrap_or_default();
        match note {
            Note::Died(exit, _) => self.trouble = Some(format!("the worker {exit}{said}")),
            Note::Stalled(what, _) => self.trouble = Some(format!("the worker stalled: {what}")),
            Note::Refused(reason) => self.trouble = Some(format!("the worker refused the start: {reason}")),
            Note::Up => {
                self.trouble = None;
                let took = self.launched.take().map(|launched| launched.elapsed().as_secs_f64());
                if let Some(worker) = &mut self.worker {
                    worker.up_after_seconds = took.or(worker.up_after_seconds);
                }
            }
            _ => {}
        }
    }

    fn launch(&mut self) {
        let directory = self.directory();
        let launch = Launch {
            program: self.shared.settings.worker.clone(),
            arguments: vec![
                "--channel".to_owned(),
                self.id.to_string(),
                "--runtime-dir".to_owned(),
                self.shared.settings.runtime.display().to_string(),
            ],
            log: directory.join("worker.log"),
        };
        self.forget();
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory);
        match made.and_then(|()| Process::start(&launch)) {
            Ok(process) => {
                self.shared.settings.groups.hold(&self.id, process.pid());
                let delivering = self.life.delivering();
                let purpose = if delivering { ", which delivers what is left" } else { "" };
                let text = format!("started worker {}{purpose}", process.pid());
                let event = Event::new(now(), Severity::Info, EventCode::WorkerStarted, text).channel(&self.id);
                self.shared.journal.tell(event);
                // For people and their tools; nothing here depends on it.
                let _ = fs::write(directory.join("worker.pid"), process.pid_line());
                self.launches += u64::from(!delivering);
                self.launched = Some(Instant::now());
                self.process = Some(process);
            }
            Err(error) => {
                self.tell(|about| Some(about.not_started(&launch.program, &error)));
                self.trouble = Some(format!("{} cannot be started: {error}", launch.program.display()));
                self.todo.push_back(Input::LaunchFailed);
            }
        }
    }

    /// Nothing is known of a worker any more.
    fn forget(&mut self) {
        self.process = None;
        self.unlink();
        self.worker = None;
        self.report = None;
        self.remainder = None;
        self.beat = None;
        self.last_words = None;
        self.pause = Duration::ZERO;
    }

    fn unlink(&mut self) {
        self.drop_acts();
        self.sender = None;
        self.receiver = None;
        self.reaching = None;
    }

    fn link(&mut self) {
        let Some(process) = &self.process else { return };
        let path = socket_path(&self.shared.settings.runtime, &self.id);
        let (pid, pause) = (process.pid(), std::mem::take(&mut self.pause));
        self.reaching = Some(Box::pin(async move { reach(&path, pid, pause).await }));
    }

    /// Keeps a connection, and returns the hello that came with it.
    fn hold(&mut self, (link, hello): Contact, adopted: bool) -> WorkerHello {
        let (sender, receiver) = link.split();
        self.on_air_with.clone_from(&hello.plan);
        self.sender = Some(sender);
        self.receiver = Some(receiver);
        // A worker stays adopted, however often it is connected to again.
        let adopted = self.worker.as_ref().map_or(adopted, |worker| worker.adopted);
        self.worker = Some(WorkerStatus {
            pid: self.pid(),
            build: hello.build.clone(),
            since: hello.since,
            adopted,
            heartbeat_age_seconds: 0.0,
            up_after_seconds: self.worker.as_ref().and_then(|worker| worker.up_after_seconds),
        });
        hello
    }

    async fn start(&mut self) {
        self.come_due();
        let Some(plan) = self.plan.clone() else { return };
        // Before the start, which only an equal plan gets past.
        if self.on_air_with.take().is_some_and(|theirs| *theirs != *plan && impact(&theirs, &plan).is_live()) {
            self.change_plan(None).await;
        }
        self.confirmed = self.live.clone();
        self.send(&Down::Start {
            plan: Box::new((*plan).clone()),
            program: self.program.clone(),
            live: Box::new(self.live.clone()),
        })
        .await;
    }

    pub(super) async fn send(&mut self, message: &Down) {
        let Some(sender) = &mut self.sender else { return };
        if let Err(error) = sender.send(message).await {
            self.on_broken(&error);
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal);
        }
    }

    pub(super) async fn on_reached(&mut self, contact: Contact) {
        self.reaching = None;
        if contact.1.channel != self.id {
            return self.on_not_reached(&LinkError::Unexpected(format!("it serves channel {}", contact.1.channel)));
        }
        let hello = self.hold(contact, false);
        // The worker carried out what came due while nobody listened.
        self.carried_out(&hello.live.scheduled, now());
        self.todo.push_back(Input::Linked);
        self.work_off().await;
        if self.life.delivering() {
            return;
        }
        // A worker that is up keeps its program through an equal start.
        if hello.plan.is_some() && hello.program != self.program {
            let order = self.program.clone();
            self.send(&Down::Program { order }).await;
        }
        if hello.plan.is_some() {
            self.confirmed = (*hello.live).clone();
            // Cues are decided by the worker that is on air.
            self.keep_cued(hello.live.cued.clone());
        }
        if hello.plan.is_some() && *hello.live != self.live {
            let live = Box::new(self.live.clone());
            self.act(Act::Live { live }, None).await;
        }
    }

    pub(super) fn on_not_reached(&mut self, error: &LinkError) {
        self.reaching = None;
        if matches!(error, LinkError::Protocol { .. }) {
            self.tell(|about| Some(about.violation(error)));
            self.trouble = Some(error.to_string());
            self.todo.push_back(Input::Incompatible);
        } else {
            self.on_broken(error);
        }
    }

    /// The connection is gone. Whether the worker is, too, is told by its process.
    pub(super) fn on_broken(&mut self, error: &LinkError) {
        self.unlink();
        if error.is_violation() {
            self.tell(|about| Some(about.violation(error)));
            self.pause = AFTER_VIOLATION;
        }
        self.todo.push_back(Input::Unlinked);
    }

    pub(super) fn on_message(&mut self, message: Up) {
        match message {
            Up::Hello { .. } => self.on_broken(&LinkError::Unexpected("a second hello".to_owned())),
            Up::Ready => self.todo.push_back(Input::Ready),
            Up::Heartbeat { report } => {
                self.todo.push_back(Input::Beat(report.program.position));
                self.beat = Some(Instant::now());
                self.report = Some(*report);
                self.count();
                self.carry_over();
            }
            Up::Remainder { report } => {
                self.todo.push_back(Input::Pulse);
                self.beat = Some(Instant::now());
                self.remainder = Some(*report);
                self.count();
            }
            // Dealt with where it arrives.
            Up::Meters { .. } => {}
            Up::Event { event } => self.shared.journal.tell(event.channel(&self.id)),
            Up::Acted { id, result } => self.on_acted(id, result),
            Up::Refused { reason } => self.on_refused(reason),
            Up::Stopped { cause } => self.last_words = Some(cause),
        }
    }

    pub(super) async fn on_ended(&mut self, exit: Exit) {
        // What it said last is still in the socket.
        let until = tokio::time::Instant::now() + LAST_WORDS_WITHIN;
        while let Some(receiver) = &mut self.receiver {
            match tokio::time::timeout_at(until, receiver.recv()).await {
                Ok(Ok(Up::Event { event })) => self.shared.journal.tell(event.channel(&self.id)),
                Ok(Ok(Up::Stopped { cause })) => self.last_words = Some(cause),
                Ok(Ok(Up::Heartbeat { report })) => {
                    self.report = Some(*report);
                    self.count();
                }
                Ok(Ok(Up::Remainder { report })) => {
                    self.remainder = Some(*report);
                    self.count();
                }
                Ok(Ok(_)) => {}
                Ok(Err(_)) | Err(_) => break,
            }
        }
        self.unlink();
        let owes = self.owes().await;
        self.life.set_owed(owes);
        // The notes still need the process's id.
        for action in self.life.step(Input::Ended(exit), Instant::now()) {
            self.perform(action).await;
        }
        if self.reaching.is_none() {
            self.forget();
            let _ = fs::remove_file(self.directory().join("worker.pid"));
        }
    }
}

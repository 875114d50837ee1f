//! The worker's loop: commands from the daemon, heartbeats and events to it, signals.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::attendant::{Attendant, Said, next_peer};
use super::channel::Channel;
use super::outset::outset;
use super::remainder::Remainder;
use crate::ipc::{BUILD, Down, Listener, Up, WorkerHello, socket_path};
use crate::media::EventSink;
use crate::media::clock::HouseClock;
use crate::media::encode::EncodeFailure;
use crate::model::status::ProgramOrder;
use crate::model::{Act, Acted, ChannelId, Event, EventCode, LiveSettings, MediaTime, Severity};
use crate::plan::ChannelPlan;
use crate::system::{Asked, Signals, own_since, raise_priority};
use crate::telemetry::Recorder;

/// Twice a second, whatever else happens.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// Between two readings of the meters.
const METERS: Duration = Duration::from_millis(50);
/// A worker that is not told to start in this time has no purpose.
const UNWANTED: Duration = Duration::from_secs(30);
/// Time to go off air on a signal, or after a failure.
const ON_SIGNAL: Duration = Duration::from_secs(4);
/// How long the first frame may take to leave the switch.
const FIRST_FRAME: Duration = Duration::from_secs(2);

/// What a worker is started with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The channel.
    pub channel: ChannelId,
    /// Runtime directory; `<runtime>/<channel>/` is this worker's.
    pub runtime: PathBuf,
}

/// Why the worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Asked to, in order.
    Stopped,
    /// Nobody wanted anything of it.
    Unwanted,
    /// The encoders failed, or the channel could not go on air.
    Failed(String),
}

/// Why a turn of the loop ends the worker.
enum Turn {
    Stay,
    Leave { limit: Duration, ended: Ended },
}

struct Worker {
    setup: Setup,
    clock: HouseClock,
    since: MediaTime,
    attendant: Attendant,
    channel: Option<Channel>,
    /// What it delivers in place of being on air.
    remainder: Option<Remainder>,
    events: EventSink,
    failures: mpsc::Sender<EncodeFailure>,
    acted: mpsc::Sender<Answer>,
    /// Another worker follows at once.
    replaced: bool,
}

/// What came of the act of that number.
type Answer = (u64, Result<Acted, String>);

/// Serves one channel until it is told to stop. Errors only if the socket or signals cannot be had.
pub async fn run(setup: Setup) -> std::io::Result<Ended> {
    let listener = Listener::bind(&socket_path(&setup.runtime, &setup.channel))?;
    let mut signals = Signals::listen()?;
    let (attendant, mut said) = Attendant::new();
    let (event_queue, mut told) = mpsc::channel::<Event>(1024);
    let (failures, mut failed) = mpsc::channel::<EncodeFailure>(4);
    let (acted, mut answers) = mpsc::channel::<Answer>(16);
    // The worker's own log has every event, too: a daemon may not be there.
    let recorder = Recorder::new(Box::new(|_| {}));
    let events: EventSink = Arc::new(move |event| {
        recorder.record(&event);
        // A full queue means that the loop stands still.
        let _ = event_queue.try_send(event);
    });
    let clock = HouseClock::start();
    let since = MediaTime::from_system(own_since());
    let (channel, remainder) = (None, None);
    let mut worker =
        Worker { setup, clock, since, attendant, channel, remainder, events, failures, acted, replaced: false };
    let mut heartbeat = interval(HEARTBEAT);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut meters = interval(METERS);
    meters.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let unwanted = Instant::now() + UNWANTED;
    let turn = loop {
        let turn = tokio::select! {
            link = next_peer(&listener) => {
                worker.attendant.greet(link, worker.hello());
                Turn::Stay
            }
            Some(said) = said.recv() => worker.hear(said).await,
            Some(event) = told.recv() => {
                worker.attendant.tell_event(event.channel(&worker.setup.channel));
                Turn::Stay
            }
            Some(failure) = failed.recv() => worker.encoders_failed(&failure),
            Some((id, result)) = answers.recv() => {
                // First the report that shows it: who has the answer finds it in the status.
                let turn = worker.beat(unwanted);
                worker.attendant.tell(Up::Acted { id, result });
                turn
            }
            asked = signals.next() => match asked {
                Asked::Stop => Turn::Leave { limit: ON_SIGNAL, ended: Ended::Stopped },
                Asked::Reload => Turn::Stay,
            },
            _ = heartbeat.tick() => worker.beat(unwanted),
            _ = meters.tick(), if worker.attendant.wants_meters() => worker.read_meters(),
        };
        if let Turn::Leave { limit, ended } = turn {
            break (limit, ended);
        }
    };
    let (limit, ended) = turn;
    worker.leave(limit, &ended, &mut told).await;
    Ok(ended)
}

impl Worker {
    fn hello(&self) -> WorkerHello {
        let plan = self.channel.as_ref().map(Channel::plan).or(self.remainder.as_ref().map(Remainder::plan));
        let live = self.channel.as_ref().map(Channel::live);
        let live = live.or(self.remainder.as_ref().map(|remainder| remainder.live().clone()));
        WorkerHello {
            build: BUILD.to_owned(),
            channel: self.setup.channel.clone(),
            pid: std::process::id(),
            since: self.since,
            plan: plan.cloned().map(Box::new),
            program: self.channel.as_ref().map_or_else(ProgramOrder::default, |c| c.program().ordered()),
            live: Box::new(live.unwrap_or_default()),
            delivering: self.remainder.is_some(),
        }
    }

    async fn hear(&mut self, said: Said) -> Turn {
        match said {
            Said::Greeted(link, meters) => self.attendant.serve(*link, meters),
            Said::Told(connection, message) if self.attendant.is_present(connection) => {
                return self.obey(*message).await;
            }
            Said::Gone(connection, reason) if self.attendant.is_present(connection) => {
                tracing::warn!(reason, "the daemon is gone; the channel stays as it is");
                self.attendant.dismiss();
            }
            Said::Told(..) | Said::Gone(..) => {}
        }
        Turn::Stay
    }

    async fn obey(&mut self, message: Down) -> Turn {
        match message {
            Down::Hello { .. } => self.refuse("a second hello"),
            Down::Start { plan, program, live } => return self.start(*plan, program, *live).await,
            Down::Deliver { plan, live } => return self.deliver(*plan, *live).await,
            Down::Program { order } => match &self.channel {
                Some(channel) => channel.program().order(order),
                None => self.refuse("the channel is off air"),
            },
            Down::Act { id, act } => self.act(id, act),
            Down::Change { id, plan } => self.change(id, *plan),
            Down::Stop { deadline_ms, replaced } => {
                self.replaced = replaced;
                return Turn::Leave { limit: Duration::from_millis(deadline_ms), ended: Ended::Stopped };
            }
        }
        Turn::Stay
    }

    fn refuse(&mut self, reason: &str) {
        self.attendant.tell(Up::Refused { reason: reason.to_owned() });
    }

    /// Does it beside the loop, which hears of the answer.
    fn act(&mut self, id: u64, act: Act) {
        let Some(channel) = &mut self.channel else {
            self.attendant.tell(Up::Acted { id, result: Err("the channel is off air".to_owned()) });
            return;
        };
        let (acting, answers) = (channel.act(act), self.acted.clone());
        tokio::spawn(async move {
            let _ = answers.send((id, acting.await)).await;
        });
    }

    fn change(&mut self, id: u64, plan: ChannelPlan) {
        let Some(channel) = &mut self.channel else {
            self.attendant.tell(Up::Acted { id, result: Err("the channel is off air".to_owned()) });
            return;
        };
        let (changing, answers) = (channel.become_plan(plan), self.acted.clone());
        tokio::spawn(async move {
            let _ = answers.send((id, changing.await)).await;
        });
    }

    async fn start(&mut self, plan: ChannelPlan, order: ProgramOrder, live: LiveSettings) -> Turn {
        match &self.channel {
            Some(channel) if *channel.plan() == plan => {
                channel.program().order(order);
                // Settings that differ come as an act of their own, which is answered.
                self.attendant.tell(Up::Ready);
                Turn::Stay
            }
            Some(_) => {
                self.refuse("on air with another plan: stop this worker and start a new one");
                Turn::Stay
            }
            None if self.remainder.is_some() => {
                self.refuse("it delivers what is left: stop this worker and start a new one");
                Turn::Stay
            }
            None => self.go_on_air(plan, order, live).await,
        }
    }

    /// Decides by which clock it goes, before anything is made or opened.
    fn set_out(&mut self, plan: &ChannelPlan, live: &LiveSettings) {
        let (clock, said) = outset(plan, live, self.clock);
        self.clock = clock;
        said.into_iter().for_each(|event| (self.events)(event));
    }

    async fn go_on_air(&mut self, plan: ChannelPlan, order: ProgramOrder, live: LiveSettings) -> Turn {
        self.set_out(&plan, &live);
        let confidence = self.setup.runtime.join(self.setup.channel.as_str()).join("confidence.jpg");
        let (clock, events, failures) = (self.clock, Arc::clone(&self.events), self.failures.clone());
        let failed = Box::new(move |failure| {
            let _ = failures.try_send(failure);
        });
        let starting =
            tokio::task::spawn_blocking(move || Channel::start(plan, order, live, &confidence, clock, &events, failed));
        let reason = match starting.await {
            Ok(Ok(channel)) => {
                let until = Instant::now() + FIRST_FRAME;
                while channel.program().status().frames == 0 && Instant::now() < until {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                self.channel = Some(channel);
                self.attendant.tell(Up::Ready);
                // Only now: coming up must not take the processor from the channels that are on air.
                if !raise_priority() {
                    tracing::info!("running at normal priority: the unit's LimitNICE= would allow more");
                }
                self.beat(until);
                return Turn::Stay;
            }
            Ok(Err(error)) => error.to_string(),
            Err(error) => format!("a part of the worker failed while starting ({error})"),
        };
        tracing::error!(reason, "the channel cannot go on air");
        self.refuse(&reason);
        Turn::Leave { limit: Duration::ZERO, ended: Ended::Failed(reason) }
    }

    /// Delivers what is left, and nothing else.
    async fn deliver(&mut self, plan: ChannelPlan, live: LiveSettings) -> Turn {
        if self.channel.is_some() || self.remainder.as_ref().is_some_and(|remainder| *remainder.plan() != plan) {
            self.refuse("it has another task: stop this worker and start a new one");
            return Turn::Stay;
        }
        if self.remainder.is_none() {
            self.set_out(&plan, &live);
            let (clock, events) = (self.clock, Arc::clone(&self.events));
            let starting = tokio::task::spawn_blocking(move || Remainder::start(plan, live, clock, &events));
            let reason = match starting.await {
                Ok(Ok(remainder)) => {
                    self.remainder = Some(remainder);
                    None
                }
                Ok(Err(error)) => Some(error.to_string()),
                Err(error) => Some(format!("a part of the worker failed while starting ({error})")),
            };
            if let Some(reason) = reason {
                tracing::error!(reason, "what is left cannot be delivered");
                self.refuse(&reason);
                return Turn::Leave { limit: Duration::ZERO, ended: Ended::Failed(reason) };
            }
        }
        self.attendant.tell(Up::Ready);
        self.tell_remainder()
    }

    /// Tells what is left, or ends where that is nothing.
    fn tell_remainder(&mut self) -> Turn {
        let Some(remainder) = &self.remainder else { return Turn::Stay };
        let (report, done) = (Box::new(remainder.report()), remainder.is_done());
        self.attendant.tell(Up::Remainder { report });
        if done { Turn::Leave { limit: Duration::ZERO, ended: Ended::Stopped } } else { Turn::Stay }
    }

    fn encoders_failed(&mut self, failure: &EncodeFailure) -> Turn {
        let event = Event::new(self.clock.now(), Severity::Error, EventCode::RenditionFailed, failure.to_string())
            .channel(&self.setup.channel);
        (self.events)(event);
        Turn::Leave { limit: Duration::from_millis(500), ended: Ended::Failed(failure.to_string()) }
    }

    fn read_meters(&mut self) -> Turn {
        if let Some(channel) = &self.channel {
            let reading = channel.program().meters();
            self.attendant.tell(Up::Meters { reading });
        }
        Turn::Stay
    }

    fn beat(&mut self, unwanted: Instant) -> Turn {
        match &mut self.channel {
            Some(channel) => {
                let report = Box::new(channel.report());
                self.attendant.tell(Up::Heartbeat { report });
                Turn::Stay
            }
            None if self.remainder.is_some() => self.tell_remainder(),
            None if Instant::now() >= unwanted => Turn::Leave { limit: Duration::ZERO, ended: Ended::Unwanted },
            None => Turn::Stay,
        }
    }

    async fn leave(&mut self, limit: Duration, ended: &Ended, told: &mut mpsc::Receiver<Event>) {
        let mut cause = match ended {
            Ended::Stopped => "asked to stop".to_owned(),
            Ended::Unwanted => "no daemon asked for anything".to_owned(),
            Ended::Failed(reason) => reason.clone(),
        };
        if let Some(channel) = self.channel.take() {
            // A channel whose encoders failed goes on with the next worker, too.
            let goes_on = self.replaced || matches!(ended, Ended::Failed(_));
            let left = channel.stop(limit, goes_on).await;
            cause = format!("{cause}; {left}");
        }
        if let Some(remainder) = self.remainder.take() {
            cause = remainder.stop().await;
        }
        while let Ok(event) = told.try_recv() {
            self.attendant.tell_event(event.channel(&self.setup.channel));
        }
        tracing::info!(cause, "the worker ends");
        self.attendant.farewell(Up::Stopped { cause }, Duration::from_millis(500)).await;
    }
}

//! One endpoint: its thread, its status.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstreamer as gst;

use super::carrier::{Broken, Carrier, Progress};
use super::course::{Change, Course, Idle};
use super::rist::Rist;
use super::rtmp::Rtmp;
use super::srt::Srt;
use super::status::{self, SendStatus, Sums};
use super::stream::Stream;
use super::udp::Udp;
use super::weave::Weave;
use crate::media::EventSink;
use crate::media::clock::HouseClock;
use crate::media::encode::{NoUnit, Subscription, Tap};
use crate::model::{ChannelId, DestinationId, LiveTimeline, RenditionId};
use crate::plan::{CarrierPlan, SendPlan};

/// Units that may wait for the thread: several seconds.
const QUEUE: usize = 600;
/// How often a connection is looked after.
const TICK: Duration = Duration::from_millis(20);
/// The same where packets are spread over time.
const FINE_TICK: Duration = Duration::from_millis(4);
/// How often the status is brought up to date.
const SAY: Duration = Duration::from_millis(100);
/// For a connection to be closed.
const CLOSE: Duration = Duration::from_millis(1500);

/// What a sender is started with.
#[derive(Debug, Clone)]
pub struct SendSetting {
    /// The channel.
    pub channel: ChannelId,
    /// The destination.
    pub destination: DestinationId,
    /// What is sent, and by what.
    pub plan: SendPlan,
    /// Whether it is not to be connected yet, see [`Sender::rest`].
    pub rests: bool,
}

/// An endpoint at work. Dropping it lets its thread end by itself.
pub struct Sender {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and its owner share.
struct Shared {
    orders: Mutex<Orders>,
    changed: Condvar,
    status: Mutex<SendStatus>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Orders {
    stop: bool,
    pause: bool,
    rest: bool,
}

impl Orders {
    /// Why nothing is sent, as the status tells it.
    fn idle(self) -> Option<Idle> {
        if self.rest { Some(Idle::Rests) } else { self.pause.then_some(Idle::Paused) }
    }
}

impl Sender {
    /// Starts it; it connects by itself.
    pub fn start(
        setting: SendSetting,
        tap: Tap,
        timeline: LiveTimeline,
        clock: HouseClock,
        events: EventSink,
    ) -> std::io::Result<Self> {
        let status = status::first(&setting.plan.carrier, clock.now());
        let orders = Mutex::new(Orders { rest: setting.rests, ..Orders::default() });
        let shared = Shared { orders, changed: Condvar::new(), status: Mutex::new(status) };
        let shared = Arc::new(shared);
        let course = Course::new(Duration::from_millis(setting.plan.stall_ms.into()), Instant::now());
        let sums = Sums::default();
        let mut work = Work { setting, tap, timeline, clock, events, shared: Arc::clone(&shared), course, sums };
        let thread = std::thread::Builder::new().name("send".into()).spawn(move || work.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Where it stands.
    pub fn status(&self) -> SendStatus {
        let status = lock(&self.shared.status).clone();
        if self.thread.as_ref().is_some_and(JoinHandle::is_finished) { status::ended(status) } else { status }
    }

    /// Hangs up until it is told otherwise: nothing is to be sent to it while the program is on slate.
    pub fn pause(&self, paused: bool) {
        lock(&self.shared.orders).pause = paused;
        self.shared.changed.notify_all();
    }

    /// The same for an endpoint that is not in use.
    pub fn rest(&self, rests: bool) {
        lock(&self.shared.orders).rest = rests;
        self.shared.changed.notify_all();
    }

    /// Hangs up, within `limit`; false if it did not come to its end by then. Blocks: not for the async runtime.
    pub fn stop(mut self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        self.order_stop();
        let Some(thread) = self.thread.take() else { return true };
        while !thread.is_finished() && Instant::now() < until {
            std::thread::park_timeout(Duration::from_millis(2));
        }
        thread.is_finished()
    }

    fn order_stop(&self) {
        lock(&self.shared.orders).stop = true;
        self.shared.changed.notify_all();
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.order_stop();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Why a connection is over.
enum End {
    Stopped,
    Idle,
    Broken(Broken),
}

impl From<Broken> for End {
    fn from(broken: Broken) -> Self {
        End::Broken(broken)
    }
}

/// What the thread owns.
struct Work {
    setting: SendSetting,
    tap: Tap,
    timeline: LiveTimeline,
    clock: HouseClock,
    events: EventSink,
    shared: Arc<Shared>,
    course: Course,
    sums: Sums,
}

impl Work {
    fn run(&mut self) {
        loop {
            let orders = self.orders();
            self.course.idle(orders.idle(), Instant::now());
            if orders.stop {
                return;
            }
            if orders.idle().is_some() {
                self.say(None);
                self.sleep(Duration::from_secs(60), orders);
                continue;
            }
            match self.connection() {
                End::Stopped => return,
                End::Idle => {}
                End::Broken(broken) => {
                    let (wait, change) = self.course.broke(broken, Instant::now(), fastrand::f64());
                    self.tell(change);
                    self.say(None);
                    self.sleep(wait, orders);
                }
            }
        }
    }

    fn orders(&self) -> Orders {
        *lock(&self.shared.orders)
    }

    /// Waits, unless something else is asked for.
    fn sleep(&self, bound: Duration, asked: Orders) {
        let until = Instant::now() + bound;
        let mut orders = lock(&self.shared.orders);
        while *orders == asked {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            orders = self.shared.changed.wait_timeout(orders, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// One connection, from opening to its end.
    fn connection(&mut self) -> End {
        self.say(None);
        let mut carrier = match open(&self.setting.plan) {
            Ok(carrier) => carrier,
            Err(broken) => return End::Broken(broken),
        };
        self.course.opened(Instant::now());
        let end = self.flow(carrier.as_mut());
        carrier.close(CLOSE);
        self.sums.close();
        end
    }

    fn flow(&mut self, carrier: &mut dyn Carrier) -> End {
        let renditions = renditions(&self.setting.plan);
        let units = self.tap.subscribe_all(&renditions, QUEUE);
        let pictures = self.setting.plan.video.is_some();
        let mut line = Line { weave: Weave::new(&renditions, pictures), caps: vec![None; renditions.len()] };
        let tick = tick(&self.setting.plan.carrier);
        let mut said = Instant::now();
        loop {
            let orders = self.orders();
            if orders.stop || orders.idle().is_some() {
                return if orders.stop { End::Stopped } else { End::Idle };
            }
            match self.step(carrier, &units, &mut line, tick) {
                Ok(progress) => {
                    let (change, stalled) = self.course.progress(&progress, Instant::now());
                    let changed = change.is_some();
                    self.sums.now(&progress, line.weave.lost());
                    self.tell(change);
                    if changed || said.elapsed() >= SAY {
                        said = Instant::now();
                        self.say(Some(&progress));
                    }
                    if let Some(stalled) = stalled {
                        return End::Broken(stalled);
                    }
                }
                Err(end) => return end,
            }
        }
    }

    /// Sends on what has come, and looks after the connection.
    fn step(
        &mut self,
        carrier: &mut dyn Carrier,
        units: &Subscription,
        line: &mut Line,
        tick: Duration,
    ) -> Result<Progress, End> {
        match units.next(tick) {
            Ok(unit) => line.weave.put(unit, Instant::now()),
            Err(NoUnit::Timeout) => {}
            // What waits is sent on before.
            Err(NoUnit::Ended) => return Err(End::Stopped),
        }
        while let Some((track, unit)) = line.weave.next(Instant::now()) {
            if carrier.is_full() {
                line.weave.interrupt();
                continue;
            }
            if line.caps[track].as_ref() != Some(&unit.caps) {
                carrier.configure(track, &unit)?;
                line.caps[track] = Some(unit.caps.clone());
            }
            carrier.put(track, &unit, self.timeline.get().cued())?;
            self.sums.position = Some(unit.pts + unit.duration);
        }
        Ok(carrier.tick(Instant::now())?)
    }

    /// Brings the status up to date.
    fn say(&self, progress: Option<&Progress>) {
        let now = self.clock.now();
        let mut said = lock(&self.shared.status);
        status::update(&mut said, &self.setting.plan.carrier, &self.course, &self.sums, progress, now);
    }

    fn tell(&mut self, change: Option<Change>) {
        let Some(change) = change else { return };
        if let Change::Interrupted(broken) | Change::Failed(broken) = &change {
            self.sums.last_error = Some(format!("{}: {}", self.clock.now(), broken.reason));
        }
        let event = status::event(&self.setting.plan.carrier, &change, self.clock.now());
        (self.events)(event.channel(&self.setting.channel).subject(&self.setting.destination));
    }
}

/// What one connection keeps of its tracks.
struct Line {
    weave: Weave,
    /// What each track is, as the carrier knows it.
    caps: Vec<Option<gst::Caps>>,
}

fn renditions(plan: &SendPlan) -> Vec<RenditionId> {
    let video = plan.video.iter().map(|video| video.rendition.clone());
    video.chain(plan.audio.iter().map(|audio| audio.rendition.clone())).collect()
}

fn tick(carrier: &CarrierPlan) -> Duration {
    match carrier {
        CarrierPlan::UdpTs { .. } => FINE_TICK,
        CarrierPlan::Srt { ts, .. } | CarrierPlan::Rist { ts, .. } if ts.bitrate.is_some() => FINE_TICK,
        _ => TICK,
    }
}

fn open(plan: &SendPlan) -> Result<Box<dyn Carrier>, Broken> {
    let stream = |transport, ts, spread| -> Box<dyn Carrier> {
        Box::new(Stream::new(plan, ts, transport, spread, Instant::now()))
    };
    Ok(match &plan.carrier {
        CarrierPlan::Srt { ts, .. } => stream(Box::new(Srt::open(plan)?), ts, false),
        CarrierPlan::Rist { ts, .. } => stream(Box::new(Rist::open(plan)?), ts, false),
        CarrierPlan::UdpTs { ts, .. } => stream(Box::new(Udp::open(plan)?), ts, true),
        CarrierPlan::Rtmp { .. } => Box::new(Rtmp::open(plan)?),
    })
}

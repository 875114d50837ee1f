//! One endpoint: its thread, its status.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gstreamer as gst;

use super::carrier::{Broken, Carrier, Progress};
use super::course::{Change, Course};
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
    /// Whether it hangs up while the program is on slate.
    pub pauses_on_slate: bool,
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

#[derive(Default)]
struct Orders {
    stop: bool,
    slate: bool,
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
        let shared = Shared { orders: Mutex::default(), changed: Condvar::new(), status: Mutex::new(status) };
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

    /// Whether the program is on slate.
    pub fn slate(&self, on: bool) {
        lock(&self.shared.orders).slate = on;
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
    Paused,
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
            let (stop, paused) = self.orders();
            self.course.pause(paused, Instant::now());
            if stop {
                return;
            }
            if paused {
                self.say(None);
                self.sleep(Duration::from_secs(60), paused);
                continue;
            }
            match self.connection() {
                End::Stopped => return,
                End::Paused => {}
                End::Broken(broken) => {
                    let (wait, change) = self.course.broke(broken, Instant::now(), fastrand::f64());
                    self.tell(change);
                    self.say(None);
                    self.sleep(wait, paused);
                }
            }
        }
    }

    /// Whether to stop, and whether to pause.
    fn orders(&self) -> (bool, bool) {
        let orders = lock(&self.shared.orders);
        (orders.stop, orders.slate && self.setting.pauses_on_slate)
    }

    /// Waits, unless something else is asked for.
    fn sleep(&self, bound: Duration, paused: bool) {
        let until = Instant::now() + bound;
        let pauses = self.setting.pauses_on_slate;
        let mut orders = lock(&self.shared.orders);
        while !orders.stop && (orders.slate && pauses) == paused {
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
            let (stop, paused) = self.orders();
            if stop || paused {
                return if stop { End::Stopped } else { End::Paused };
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

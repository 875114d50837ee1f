//! Status and events of an endpoint, in words.

use std::time::Duration;

use super::carrier::Progress;
use super::course::{Change, Course, Idle};
use crate::model::status::{DestinationState, LinkFigures};
use crate::model::{Event, EventCode, Fault, Health, HealthReport, MediaTime, Severity};
use crate::plan::{CarrierPlan, SrtMode};

/// Losses are held against an endpoint for this long.
const REMEMBERED: Duration = Duration::from_secs(10);

/// Where an endpoint stands.
#[derive(Debug, Clone, PartialEq)]
pub struct SendStatus {
    /// Where it goes, without secrets.
    pub url: String,
    /// Where it stands.
    pub state: DestinationState,
    /// Health with reason.
    pub health: HealthReport,
    /// Whose fault, if it does not stream.
    pub fault: Option<Fault>,
    /// Bytes sent since it was started, acknowledged or not.
    pub bytes_sent: u64,
    /// Bytes acknowledged; none where the protocol does not tell.
    pub bytes_acknowledged: Option<u64>,
    /// End of the last picture or sound handed to the network.
    pub position: Option<MediaTime>,
    /// Program time that waits to be sent, seconds.
    pub queue_seconds: f64,
    /// Pictures and AAC frames that were left out because the network did not take them.
    pub lost_units: u64,
    /// Whether that happened a moment ago.
    pub losing: bool,
    /// Times it was lost and came back.
    pub reconnects: u64,
    /// The last error, with its time.
    pub last_error: Option<String>,
    /// Figures of the connection that there is.
    pub link: LinkFigures,
}

/// What is counted over all connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Sums {
    sent: Sum,
    acknowledged: Sum,
    lost: Sum,
    lost_at: Option<std::time::Instant>,
    pub position: Option<MediaTime>,
    pub last_error: Option<String>,
}

/// A count of connections that are over, and of the one that there is.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    before: u64,
    now: u64,
}

impl Sum {
    fn get(self) -> u64 {
        self.before + self.now
    }

    fn close(&mut self) {
        *self = Self { before: self.get(), now: 0 };
    }
}

impl Sums {
    pub(super) fn now(&mut self, progress: &Progress, lost: u64) {
        if lost > self.lost.now {
            self.lost_at = Some(std::time::Instant::now());
        }
        self.sent.now = progress.sent;
        self.acknowledged.now = progress.acknowledged.unwrap_or(0);
        self.lost.now = lost;
    }

    /// The connection is over.
    pub(super) fn close(&mut self) {
        [&mut self.sent, &mut self.acknowledged, &mut self.lost].into_iter().for_each(Sum::close);
    }

    fn losing(&self) -> bool {
        self.lost_at.is_some_and(|at| at.elapsed() < REMEMBERED)
    }
}

fn tells(carrier: &CarrierPlan) -> bool {
    !matches!(carrier, CarrierPlan::UdpTs { .. })
}

/// Before anything happened.
pub(super) fn first(carrier: &CarrierPlan, now: MediaTime) -> SendStatus {
    SendStatus {
        url: carrier.shown(),
        state: DestinationState::Connecting,
        health: HealthReport::new(Health::PartiallyHealthy, "connecting", connecting(carrier), now),
        fault: None,
        bytes_sent: 0,
        bytes_acknowledged: tells(carrier).then_some(0),
        position: None,
        queue_seconds: 0.0,
        lost_units: 0,
        losing: false,
        reconnects: 0,
        last_error: None,
        link: LinkFigures::default(),
    }
}

fn connecting(carrier: &CarrierPlan) -> &'static str {
    match carrier {
        CarrierPlan::Srt { mode: SrtMode::Listener, .. } => "no caller has come yet",
        _ => "nothing has been acknowledged yet",
    }
}

/// Brings `status` up to date.
pub(super) fn update(
    status: &mut SendStatus,
    carrier: &CarrierPlan,
    course: &Course,
    sums: &Sums,
    progress: Option<&Progress>,
    now: MediaTime,
) {
    status.state = course.state();
    status.fault = course.broken().map(|broken| broken.fault);
    status.bytes_sent = sums.sent.get();
    status.bytes_acknowledged = tells(carrier).then_some(sums.acknowledged.get());
    status.position = sums.position;
    status.queue_seconds = progress.map_or(0.0, |progress| progress.queue.as_secs_f64());
    status.lost_units = sums.lost.get();
    status.losing = sums.losing();
    status.reconnects = course.reconnects();
    status.last_error.clone_from(&sums.last_error);
    status.link = progress.map_or_else(LinkFigures::default, |progress| progress.link.clone());
    status.health.update(health(carrier, course, sums, now));
}

fn health(carrier: &CarrierPlan, course: &Course, sums: &Sums, now: MediaTime) -> HealthReport {
    let report = |health, code: &str, reason: String| HealthReport::new(health, code, reason, now);
    let why = || course.broken().map_or_else(String::new, |broken| format!("{}: {}", broken.reason, broken.hint));
    match course.state() {
        DestinationState::Connecting => report(Health::PartiallyHealthy, "connecting", connecting(carrier).to_owned()),
        DestinationState::Interrupted => report(Health::Unhealthy, "push_interrupted", why()),
        DestinationState::Failed => report(Health::Unhealthy, "push_refused", why()),
        DestinationState::Disabled => {
            let (code, reason) = match course.idles() {
                Some(Idle::Rests) => ("standby", "on standby: connects when it is needed"),
                _ => ("paused_on_slate", "paused while the program is on slate, as configured"),
            };
            report(Health::Inactive, code, reason.to_owned())
        }
        DestinationState::Streaming if sums.losing() => {
            let reason = format!(
                "the way to the peer is too slow: {} pictures and AAC frames were left out so far; lower the bit rate, or \
                 name a smaller rendition",
                sums.lost.get()
            );
            report(Health::PartiallyHealthy, "send_losing", reason)
        }
        DestinationState::Streaming if tells(carrier) => {
            report(Health::Healthy, "ok", "acknowledges what is sent".to_owned())
        }
        DestinationState::Streaming => {
            report(Health::Healthy, "ok", "is sent to; UDP does not tell whether anybody receives".to_owned())
        }
    }
}

/// The thread has ended without being told to: the encoders have stopped, or it failed.
pub(super) fn ended(status: SendStatus) -> SendStatus {
    let health = HealthReport::new(Health::Inactive, "ended", status.health.reason, status.health.since);
    SendStatus { state: DestinationState::Disabled, health, ..status }
}

/// The event for a change.
pub(super) fn event(carrier: &CarrierPlan, change: &Change, now: MediaTime) -> Event {
    let shown = carrier.shown();
    match change {
        Change::Streams(away) => {
            let does = if tells(carrier) { "acknowledges" } else { "is sent to" };
            let again = away.map_or_else(String::new, |away| format!(" again after {:.1} s", away.as_secs_f64()));
            Event::new(now, Severity::Info, EventCode::PushConnected, format!("{shown} {does}{again}"))
        }
        Change::Interrupted(broken) => {
            let text = format!("{shown}: {}; it is tried again, and goes on with the next keyframe", broken.reason);
            Event::new(now, Severity::Error, EventCode::PushInterrupted, text).blame(broken.fault, broken.hint)
        }
        Change::Failed(broken) => {
            let text = format!("{shown}: {}; it is tried again seldom", broken.reason);
            Event::new(now, Severity::Error, EventCode::PushRefused, text).blame(broken.fault, broken.hint)
        }
    }
}

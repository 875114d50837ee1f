//! WHIP as an endpoint: a session while it is active or restoring, none on standby.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};

use super::endpoint::Endpoint;
use super::{Setting, lock};
use crate::media::EventSink;
use crate::media::clock::HouseClock;
use crate::media::encode::Tap;
use crate::media::whip::{OpusEncoders, WhipAccess, WhipSender, WhipSetup, WhipStatus};
use crate::model::status::{DestinationState, LinkFigures};
use crate::model::{BitRate, DestinationId, Duty, EndpointName, EndpointStatus, Health, HealthReport, ProgramFormat};
use crate::plan::{DestinationPlan, EndpointPlan, WhipPlan};
use crate::policy::Bottleneck;
use crate::push::{Left, tls_settings, tokens};

/// For the server to take note of the end of a session that is not needed any more.
const FAREWELL: Duration = Duration::from_secs(2);

/// See the module's header.
struct Whip {
    destination: DestinationId,
    name: EndpointName,
    plan: WhipPlan,
    program: ProgramFormat,
    tap: Tap,
    opus: Arc<OpusEncoders>,
    clock: HouseClock,
    events: EventSink,
    state: Mutex<State>,
}

struct State {
    duty: Duty,
    paused: bool,
    sender: Option<WhipSender>,
    /// Of senders that are over: bytes sent, acknowledged.
    before: (u64, u64),
    health: HealthReport,
}

/// Starts to publish, unless it is on standby.
pub(super) fn open(
    setting: &Setting,
    destination: &DestinationPlan,
    endpoint: &EndpointPlan,
    plan: &WhipPlan,
    duty: Duty,
) -> Box<dyn Endpoint> {
    let health = HealthReport::new(Health::Inactive, "standby", "not in use", setting.clock.now());
    let state = State { duty: Duty::Standby, paused: false, sender: None, before: (0, 0), health };
    let whip = Whip {
        destination: destination.id.clone(),
        name: endpoint.name.clone(),
        plan: plan.clone(),
        program: setting.plan.program,
        tap: setting.tap.clone(),
        opus: Arc::clone(&setting.opus),
        clock: setting.clock,
        events: Arc::clone(&setting.events),
        state: Mutex::new(state),
    };
    whip.assign(duty);
    Box::new(whip)
}

impl Whip {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    fn start(&self, paused: bool) -> Option<WhipSender> {
        let setup = WhipSetup {
            destination: self.destination.clone(),
            endpoint: self.name.clone(),
            plan: self.plan.clone(),
            access: access(&self.plan),
            program: self.program,
        };
        let sender = WhipSender::start(setup, &self.tap, &self.opus, self.clock, Arc::clone(&self.events));
        let sender = sender.inspect_err(|error| tracing::error!(%error, "a WHIP endpoint cannot be started")).ok()?;
        sender.pause(paused);
        Some(sender)
    }
}

impl Endpoint for Whip {
    fn status(&self) -> EndpointStatus {
        let mut state = self.state();
        let sender = state.sender.as_ref().map(WhipSender::status);
        let health = match &sender {
            Some(status) => health(status, &self.plan, state.paused),
            None => HealthReport::new(Health::Inactive, "standby", "not in use", self.clock.now()),
        };
        state.health.update(health);
        let of = |get: fn(&WhipStatus) -> u64| sender.as_ref().map_or(0, get);
        let stands = sender.as_ref().map_or(DestinationState::Connecting, |status| status.state);
        EndpointStatus {
            name: self.name.clone(),
            url: self.plan.shown(),
            duty: state.duty,
            state: stands,
            health: state.health.clone(),
            fault: sender.as_ref().and_then(|status| status.fault),
            bytes_sent: state.before.0 + of(|status| status.bytes_sent),
            bytes_acknowledged: state.before.1 + of(|status| status.bytes_acknowledged),
            position: sender.as_ref().and_then(|status| status.acknowledged),
            queue_segments: 0,
            queue_seconds: 0.0,
            reconnects: of(|status| status.reconnects),
            slow: false,
            deleted_segments: 0,
            playable: stands == DestinationState::Streaming,
            lost_units: of(|status| status.dropped),
            line: None,
            link: sender.as_ref().map(link),
            pair: None,
            last_error: sender.and_then(|status| status.last_error),
        }
    }

    fn assign(&self, duty: Duty) {
        let mut state = self.state();
        state.duty = duty;
        match (duty, state.sender.is_some()) {
            (Duty::Active | Duty::Restoring, false) => state.sender = self.start(state.paused),
            (Duty::Standby, true) => {
                if let Some(sender) = state.sender.take() {
                    let status = sender.status();
                    state.before.0 += status.bytes_sent;
                    state.before.1 += status.bytes_acknowledged;
                    tokio::spawn(sender.stop(FAREWELL));
                }
            }
            _ => {}
        }
    }

    fn pause(&self, paused: bool) {
        let mut state = self.state();
        state.paused = paused;
        if let Some(sender) = &state.sender {
            sender.pause(paused);
        }
    }

    fn stop(self: Box<Self>, limit: Duration) -> BoxFuture<'static, Left> {
        let sender = self.state.into_inner().unwrap_or_else(PoisonError::into_inner).sender;
        async move {
            if let Some(sender) = sender {
                sender.stop(limit.min(FAREWELL)).await;
            }
            Left::default()
        }
        .boxed()
    }
}

/// What requests take; a token's source is set to work.
fn access(plan: &WhipPlan) -> Result<WhipAccess, String> {
    let tokens = plan.token.as_ref().map(|source| tokens(source, &plan.trust)).transpose()?;
    Ok(WhipAccess { tokens, tls: tls_settings(&plan.trust, plan.url.scheme() == "https")? })
}

/// As the peer reports it (RTCP).
fn link(status: &WhipStatus) -> LinkFigures {
    LinkFigures {
        rtt_ms: status.round_trip_ms.map(f64::from),
        packets_lost: Some(status.lost_packets),
        bitrate_bps: status.bitrate.map(BitRate::bps),
        layers: status.layers.clone(),
        ..LinkFigures::default()
    }
}

fn health(status: &WhipStatus, plan: &WhipPlan, paused: bool) -> HealthReport {
    let report = |health, code: &str, reason: String| HealthReport::new(health, code, reason, status.since);
    let why = || match (&status.trouble, &status.hint) {
        (Some(trouble), Some(hint)) => format!("{trouble}: {hint}"),
        _ => "nothing has been acknowledged yet".to_owned(),
    };
    match status.state {
        DestinationState::Streaming if paused => {
            report(Health::Healthy, "paused_on_slate", "connected, and silent while the program is on slate".to_owned())
        }
        DestinationState::Streaming => match lowered(status, plan) {
            Some(reason) => report(Health::PartiallyHealthy, "bitrate_lowered", reason),
            None => report(Health::Healthy, "ok", format!("acknowledges what is sent{}", layers(status))),
        },
        DestinationState::Connecting | DestinationState::Disabled => {
            report(Health::PartiallyHealthy, "connecting", why())
        }
        DestinationState::Interrupted => report(Health::Unhealthy, "push_interrupted", why()),
        DestinationState::Failed => report(Health::Unhealthy, "push_refused", why()),
    }
}

/// How many layers of several are sent.
fn layers(status: &WhipStatus) -> String {
    let (sent, all) = (status.layers.iter().filter(|layer| layer.sent).count(), status.layers.len());
    if sent < all { format!(": {sent} of {all} layers") } else { String::new() }
}

/// Pictures at less than half of their bit rate are worse than was planned.
fn lowered(status: &WhipStatus, plan: &WhipPlan) -> Option<String> {
    let (now, planned) = (status.bitrate?, plan.own.as_ref()?.rendition.bitrate);
    let why = match status.bottleneck? {
        Bottleneck::Loss => "the network loses packets",
        Bottleneck::Queue => "the network carries no more: packets queue up on the way",
        Bottleneck::Receiver => "the receiver asks for no more",
    };
    (now.bps() * 2 < planned.bps()).then(|| format!("pictures are encoded at {now} instead of {planned}: {why}"))
}

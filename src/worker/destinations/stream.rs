//! A stream (SRT, RTMP, RIST, MPEG-TS over UDP) as an endpoint.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};

use super::Setting;
use super::endpoint::Endpoint;
use crate::media::send::{SendSetting, SendStatus, Sender};
use crate::model::status::DestinationState;
use crate::model::{Duty, EndpointName, EndpointStatus, Health, HealthReport};
use crate::plan::{DestinationPlan, EndpointPlan, SendPlan};
use crate::push::Left;

/// A sender, and what it is there for.
struct Stream {
    name: EndpointName,
    url: String,
    /// None if the box could not start its thread.
    sender: Option<Sender>,
    standby: AtomicBool,
    restoring: AtomicBool,
    since: crate::model::MediaTime,
}

/// Starts to send.
pub(super) fn open(
    setting: &Setting,
    destination: &DestinationPlan,
    endpoint: &EndpointPlan,
    plan: &SendPlan,
    duty: Duty,
) -> Box<dyn Endpoint> {
    let to = SendSetting {
        channel: setting.plan.channel.clone(),
        destination: destination.id.clone(),
        plan: plan.clone(),
        rests: duty == Duty::Standby,
    };
    let (tap, timeline) = (setting.tap.clone(), setting.timeline.clone());
    let sender = Sender::start(to, tap, timeline, setting.clock, Arc::clone(&setting.events))
        .inspect_err(|error| tracing::error!(destination = %destination.id, %error, "a sender could not be started"));
    let stream = Stream {
        name: endpoint.name.clone(),
        url: plan.carrier.shown(),
        sender: sender.ok(),
        standby: AtomicBool::default(),
        restoring: AtomicBool::default(),
        since: setting.clock.now(),
    };
    stream.assign(duty);
    Box::new(stream)
}

impl Stream {
    fn duty(&self) -> Duty {
        match (self.standby.load(Ordering::Relaxed), self.restoring.load(Ordering::Relaxed)) {
            (true, _) => Duty::Standby,
            (_, true) => Duty::Restoring,
            _ => Duty::Active,
        }
    }

    fn told(&self, status: SendStatus) -> EndpointStatus {
        // Who rests is not bad: nothing is known of it.
        let state = match status.state {
            DestinationState::Disabled => DestinationState::Connecting,
            state => state,
        };
        EndpointStatus {
            name: self.name.clone(),
            url: status.url,
            duty: self.duty(),
            state,
            health: status.health,
            fault: status.fault,
            bytes_sent: status.bytes_sent,
            // Where nobody acknowledges, what was sent has to do.
            bytes_acknowledged: status.bytes_acknowledged.unwrap_or(status.bytes_sent),
            position: status.position,
            queue_segments: 0,
            queue_seconds: status.queue_seconds,
            reconnects: status.reconnects,
            slow: status.losing,
            playable: state == DestinationState::Streaming,
            last_error: status.last_error,
            lost_units: status.lost_units,
            line: None,
            link: Some(status.link),
            pair: None,
            deleted_segments: 0,
        }
    }

    fn failed(&self) -> EndpointStatus {
        let reason = "the box could not start a thread: look at its load and limits";
        EndpointStatus {
            name: self.name.clone(),
            url: self.url.clone(),
            duty: self.duty(),
            state: DestinationState::Failed,
            health: HealthReport::new(Health::Unhealthy, "push_refused", reason, self.since),
            fault: Some(crate::model::Fault::Hardware),
            bytes_sent: 0,
            bytes_acknowledged: 0,
            position: None,
            queue_segments: 0,
            queue_seconds: 0.0,
            reconnects: 0,
            slow: false,
            playable: false,
            last_error: None,
            lost_units: 0,
            line: None,
            link: None,
            pair: None,
            deleted_segments: 0,
        }
    }
}

impl Endpoint for Stream {
    fn status(&self) -> EndpointStatus {
        self.sender.as_ref().map_or_else(|| self.failed(), |sender| self.told(sender.status()))
    }

    fn assign(&self, duty: Duty) {
        self.standby.store(duty == Duty::Standby, Ordering::Relaxed);
        self.restoring.store(duty == Duty::Restoring, Ordering::Relaxed);
        if let Some(sender) = &self.sender {
            sender.rest(duty == Duty::Standby);
        }
    }

    fn pause(&self, paused: bool) {
        if let Some(sender) = &self.sender {
            sender.pause(paused);
        }
    }

    fn stop(mut self: Box<Self>, limit: Duration) -> BoxFuture<'static, Left> {
        let sender = self.sender.take();
        async move {
            let stopping = tokio::task::spawn_blocking(move || sender.is_none_or(|sender| sender.stop(limit)));
            // What was not sent is over: a stream leaves nothing for later.
            if !stopping.await.unwrap_or(false) {
                tracing::warn!("a sender hangs and is left behind");
            }
            Left::default()
        }
        .boxed()
    }
}

//! What an endpoint tells: events and its status.

use tokio::sync::watch;

use super::ledger::Figures;
use super::machine::{Machine, Told};
use super::pilot::Course;
use super::sender::WhipStatus;
use crate::media::EventSink;
use crate::media::clock::HouseClock;
use crate::model::status::LayerFigures;
use crate::model::{DestinationId, EndpointName, Event, EventCode, Fault, Severity};

pub(super) struct Report {
    destination: DestinationId,
    endpoint: EndpointName,
    clock: HouseClock,
    events: EventSink,
    status: watch::Sender<WhipStatus>,
    /// Bytes of sessions that are over: sent, acknowledged.
    before: (u64, u64),
}

impl Report {
    pub(super) fn new(
        destination: DestinationId,
        endpoint: EndpointName,
        clock: HouseClock,
        events: EventSink,
        status: watch::Sender<WhipStatus>,
    ) -> Self {
        Self { destination, endpoint, clock, events, status, before: (0, 0) }
    }

    pub(super) fn tell(&self, told: &Told) {
        let place = format!("destination {} ({})", self.destination, self.endpoint);
        let event =
            |severity, code, text| Event::new(self.clock.now(), severity, code, text).subject(&self.destination);
        let event = match told {
            Told::Connected(None) => {
                event(Severity::Info, EventCode::PushConnected, format!("{place} receives the channel"))
            }
            Told::Connected(Some(away)) => {
                let text = format!("{place} receives the channel again, after {:.1} s", away.as_secs_f64());
                event(Severity::Info, EventCode::PushConnected, text)
            }
            Told::Interrupted(verdict) => {
                let text = format!("{place} is interrupted: {}", verdict.text);
                event(Severity::Warning, EventCode::PushInterrupted, text).blame(verdict.fault, verdict.hint)
            }
            Told::Refused(verdict) => {
                let text = format!("{place} does not receive the channel: {}", verdict.text);
                event(Severity::Error, EventCode::PushRefused, text).blame(verdict.fault, verdict.hint)
            }
        };
        (self.events)(event);
    }

    /// Not all layers are sent: which, and why.
    pub(super) fn layers(&self, left: &str) {
        let text = format!("destination {} ({}) is sent {left}", self.destination, self.endpoint);
        let event = Event::new(self.clock.now(), Severity::Warning, EventCode::PushLayersRefused, text);
        let hint = "turn simulcast on at the endpoint, or name one rendition in the destination";
        (self.events)(event.subject(&self.destination).blame(Fault::Destination, hint));
    }

    /// A session is over.
    pub(super) fn over(&mut self, figures: Figures) {
        self.before.0 += figures.sent;
        self.before.1 += figures.received;
    }

    /// Something new was acknowledged.
    pub(super) fn acknowledged(&self) {
        self.status.send_modify(|status| status.acknowledged = Some(self.clock.now()));
    }

    pub(super) fn publish(
        &self,
        machine: &Machine,
        figures: Figures,
        dropped: u64,
        course: Option<Course>,
        layers: Vec<LayerFigures>,
    ) {
        let now = self.clock.now();
        self.status.send_if_modified(|status| {
            let before = status.clone();
            if status.state != machine.state() {
                (status.state, status.since) = (machine.state(), now);
            }
            let trouble = machine.trouble();
            status.trouble = trouble.map(|verdict| verdict.text.clone());
            status.fault = trouble.map(|verdict| verdict.fault);
            status.hint = trouble.map(|verdict| verdict.hint.to_owned());
            status.last_error = status.trouble.clone().or(status.last_error.take());
            status.bytes_sent = self.before.0 + figures.sent;
            status.bytes_acknowledged = self.before.1 + figures.received;
            status.reconnects = machine.reconnects();
            status.lost_packets = figures.lost_packets;
            status.round_trip_ms = figures.round_trip_ms;
            status.keyframes_asked = figures.keyframes_asked;
            status.dropped = dropped;
            status.bitrate = course.map(|course| course.bitrate);
            status.bottleneck = course.and_then(|course| course.bottleneck);
            status.layers = layers;
            *status != before
        });
    }
}

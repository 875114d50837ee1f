//! One destination at work: its endpoints, and which of them is in use.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use super::drill::{DRILL, Drill, Stopwatch};
use super::endpoint::{Endpoint, open};
use super::{CLOSE, Setting};
use super::{account, kept};
use crate::model::pair::ClockState;
use crate::model::status::{DestinationState, DestinationStatus};
use crate::model::{
    DestinationId, DestinationOrder, DrillReport, Duty, EndpointStatus, Event, EventCode, Fault, HealthReport, Hold,
    OnSlate, RecordingAsk, RenditionId, Severity, SwitchReport,
};
use crate::plan::{DestinationPlan, EndpointPlan};
use crate::policy::{Failover, Reason, Seen, Standing, Switch};
use crate::record::Recorded;

/// An endpoint that runs, and the plan it runs by.
struct Seat {
    plan: EndpointPlan,
    endpoint: Box<dyn Endpoint>,
}

/// See the module.
pub(super) struct Running {
    plan: DestinationPlan,
    order: DestinationOrder,
    /// None while the destination is disabled.
    seats: Vec<Seat>,
    failover: Failover,
    /// Times the endpoint that became active last.
    watch: Option<Stopwatch>,
    drill: Option<Drill>,
    last_switch: Option<SwitchReport>,
    last_drill: Option<DrillReport>,
    health: Option<HealthReport>,
    paused: bool,
}

impl Running {
    pub(super) fn open(setting: &Setting, plan: &DestinationPlan, order: Option<&DestinationOrder>) -> Self {
        let order = order.cloned().unwrap_or_default();
        let kept = kept::load(setting.spool.directory(), &plan.id);
        let place = |name| plan.endpoints.iter().position(|endpoint| endpoint.name == name);
        let active = order.endpoint.clone().or(kept).and_then(place).unwrap_or(0);
        let mut running = Self {
            plan: plan.clone(),
            order: DestinationOrder::default(),
            seats: Vec::new(),
            failover: Failover::new(plan.policy, active),
            watch: None,
            drill: None,
            last_switch: None,
            last_drill: None,
            health: None,
            paused: false,
        };
        running.obey(order);
        if running.enabled() {
            running.seats =
                plan.endpoints.iter().enumerate().map(|(n, one)| running.seat(setting, one, running.duty(n))).collect();
        }
        running
    }

    pub(super) fn id(&self) -> &DestinationId {
        &self.plan.id
    }

    pub(super) fn plan(&self) -> &DestinationPlan {
        &self.plan
    }

    /// Whether another box delivers there, too.
    pub(super) fn is_paired(&self) -> bool {
        self.plan.pair.is_some()
    }

    fn enabled(&self) -> bool {
        self.order.enabled.unwrap_or(self.plan.enabled) && self.order.hold() != Some(Hold::Stopped)
    }

    /// Whether its budget leaves it the lowest video rendition only.
    fn lowest_only(&self) -> bool {
        self.order.hold() == Some(Hold::Lowest)
    }

    fn seat(&self, setting: &Setting, plan: &EndpointPlan, duty: Duty) -> Seat {
        Seat { plan: plan.clone(), endpoint: open(setting, &self.plan, plan, (duty, self.lowest_only())) }
    }

    /// Takes over another plan or order; gives the endpoints that are to be closed, and how long each may take.
    pub(super) fn change(
        &mut self,
        setting: &Setting,
        plan: &DestinationPlan,
        order: Option<&DestinationOrder>,
    ) -> Vec<(Box<dyn Endpoint>, Duration)> {
        let order = order.cloned().unwrap_or_default();
        if self.plan == *plan && self.order == order {
            return Vec::new();
        }
        // Endpoints are started with the rules and with what a pause means to them.
        let same_rules = (self.plan.policy, self.plan.on_slate, self.plan.endpoints.len() > 1, &self.plan.pair)
            == (plan.policy, plan.on_slate, plan.endpoints.len() > 1, &plan.pair);
        let active = self.plan.endpoints.get(self.failover.active()).map(|endpoint| endpoint.name.clone());
        let was_used = self.enabled();
        let was = std::mem::replace(&mut self.plan, plan.clone());
        if was.endpoints.len() != plan.endpoints.len() || was.policy.kind != plan.policy.kind {
            let place = active.and_then(|name| plan.endpoints.iter().position(|endpoint| endpoint.name == name));
            self.failover = Failover::new(plan.policy, place.unwrap_or(0));
        }
        self.failover.set_policy(plan.policy);
        self.end_drill("the destination was changed");
        self.watch = None;
        self.obey(order);
        let mut before = std::mem::take(&mut self.seats);
        let wanted: &[EndpointPlan] = if self.enabled() { &plan.endpoints } else { &[] };
        for (place, endpoint) in wanted.iter().enumerate() {
            let same = before.iter().position(|seat| seat.plan == *endpoint).filter(|_| same_rules);
            let seat = match same {
                Some(same) => before.swap_remove(same),
                None if was_used => self.seat(setting, endpoint, self.duty(place)),
                // Nothing is owed of the time when it was not wanted: it begins like one that was on standby.
                None => self.seat(setting, endpoint, Duty::Standby),
            };
            self.seats.push(seat);
        }
        let lowest_only = self.lowest_only();
        self.seats.iter().for_each(|seat| seat.endpoint.ration(lowest_only));
        self.assign();
        let replaced = |seat: &Seat| self.seats.iter().any(|new| new.plan.name == seat.plan.name);
        // Two must not write to one place: what is replaced does not finish.
        let close = |seat: Seat| (if replaced(&seat) { Duration::ZERO } else { CLOSE }, seat.endpoint);
        before.into_iter().map(close).map(|(limit, endpoint)| (endpoint, limit)).collect()
    }

    fn obey(&mut self, order: DestinationOrder) {
        let forced = order.endpoint.as_ref();
        let place = forced.and_then(|name| self.plan.endpoints.iter().position(|endpoint| endpoint.name == *name));
        self.failover.force(place);
        self.order = order;
    }

    fn duty(&self, place: usize) -> Duty {
        match &self.drill {
            Some(drill) if drill.watch.place == place => Duty::Active,
            _ => self.failover.duty(place),
        }
    }

    /// Tells every endpoint what it is there for.
    fn assign(&self) {
        for (place, seat) in self.seats.iter().enumerate() {
            seat.endpoint.assign(self.duty(place));
        }
    }

    /// Other renditions.
    pub(super) fn list(&self, setting: &Setting) {
        self.seats.iter().for_each(|seat| seat.endpoint.list(setting));
    }

    fn statuses(&self) -> Vec<EndpointStatus> {
        self.seats.iter().map(|seat| seat.endpoint.status()).collect()
    }

    /// Looks at the endpoints, and acts on it.
    pub(super) fn look(&mut self, setting: &Setting, now: Instant) {
        if self.seats.is_empty() {
            return;
        }
        self.pause(self.plan.on_slate == OnSlate::Pause && setting.slates.since().is_some());
        let statuses = self.statuses();
        self.look_at_drill(setting, &statuses, now);
        let seen: Vec<Seen> = statuses.iter().map(seen).collect();
        if let Some(switch) = self.failover.look(&seen, now) {
            self.switched(setting, &statuses, &switch, now);
        }
        if let Some(mut watch) = self.watch.take() {
            let done = statuses.get(watch.place).is_none_or(|status| watch.look(status, now));
            if let Some(last) = &mut self.last_switch {
                last.first_segment_seconds = watch.first;
                last.playable_seconds = watch.playable;
            }
            if done { self.tell_playable(setting) } else { self.watch = Some(watch) }
        }
    }

    fn pause(&mut self, paused: bool) {
        if std::mem::replace(&mut self.paused, paused) != paused {
            self.seats.iter().for_each(|seat| seat.endpoint.pause(paused));
        }
    }

    fn switched(&mut self, setting: &Setting, statuses: &[EndpointStatus], switch: &Switch, now: Instant) {
        self.end_drill("the endpoint in use was changed meanwhile");
        let (Some(from), Some(to)) = (self.plan.endpoints.get(switch.from), self.plan.endpoints.get(switch.to)) else {
            return;
        };
        let (from, to) = (from.name.clone(), to.name.clone());
        // First the one that is left: never are two active.
        self.assign();
        kept::save(setting.spool.directory(), &self.plan.id, &to);
        let why = match &switch.reason {
            Reason::Fault(why) => why.clone(),
            Reason::Restored => format!("{to} is good again"),
            Reason::Forced => "an operator ordered it".to_owned(),
        };
        let at = setting.clock.now();
        let severity = if matches!(switch.reason, Reason::Fault(_)) { Severity::Error } else { Severity::Info };
        let event = Event::new(at, severity, EventCode::EndpointSwitched, format!("{from} is left for {to}: {why}"));
        let event = event.subject(&self.plan.id);
        (setting.events)(match severity {
            Severity::Error => event.blame(Fault::Destination, "look at the endpoint that was left, and tell players"),
            _ => event,
        });
        self.watch = statuses.get(switch.to).map(|status| Stopwatch::start(switch.to, status, now));
        self.last_switch =
            Some(SwitchReport { at, from, to, why, first_segment_seconds: None, playable_seconds: None });
    }

    fn tell_playable(&self, setting: &Setting) {
        let Some(last) = &self.last_switch else { return };
        let seconds = |measured: Option<f64>| measured.map_or("-".to_owned(), |seconds| format!("{seconds:.1} s"));
        let text = format!(
            "{} can be played: first segment after {}, whole window after {}",
            last.to,
            seconds(last.first_segment_seconds),
            seconds(last.playable_seconds)
        );
        let event = Event::new(setting.clock.now(), Severity::Info, EventCode::EndpointPlayable, text);
        (setting.events)(event.subject(&self.plan.id));
    }

    /// Begins a drill of the best backup that is good.
    pub(super) fn drill(&mut self, setting: &Setting, now: Instant) -> Result<oneshot::Receiver<DrillReport>, String> {
        let statuses = self.statuses();
        if statuses.is_empty() {
            return Err(format!("destination {} is disabled", self.plan.id));
        }
        if self.drill.is_some() {
            return Err("a drill is under way".to_owned());
        }
        let standby = |(place, status): (usize, &EndpointStatus)| {
            let fit = !matches!(seen(status).standing, Standing::Bad(_));
            (fit && self.failover.duty(place) == Duty::Standby).then_some(place)
        };
        let place = statuses.iter().enumerate().find_map(standby);
        let place = place.ok_or("there is no backup on standby that could take over")?;
        let (drill, told) = Drill::start(Stopwatch::start(place, &statuses[place], now), setting.clock.now());
        self.drill = Some(drill);
        self.assign();
        Ok(told)
    }

    /// Begins or ends a recording, or marks it.
    pub(super) fn record(&self, ask: RecordingAsk) -> Result<oneshot::Receiver<Recorded>, String> {
        let Some(seat) = self.seats.first() else { return Err(format!("destination {} is disabled", self.plan.id)) };
        seat.endpoint.record(ask).ok_or_else(|| format!("destination {} is no recording", self.plan.id))
    }

    /// Gives the destination to the other box of its pair.
    pub(super) fn hand_over(&self) -> Result<BoxFuture<'static, Result<String, String>>, String> {
        if self.plan.pair.is_none() {
            return Err(format!("destination {} has no pair", self.plan.id));
        }
        let first = self.seats.first().ok_or_else(|| format!("destination {} is disabled", self.plan.id))?;
        Ok(first.endpoint.hand_over())
    }

    fn look_at_drill(&mut self, setting: &Setting, statuses: &[EndpointStatus], now: Instant) {
        let Some(mut drill) = self.drill.take() else { return };
        let status = statuses.get(drill.watch.place);
        let done = status.is_none_or(|status| drill.watch.look(status, now));
        let late = now.saturating_duration_since(drill.watch.since) >= DRILL;
        if !done && !late {
            self.drill = Some(drill);
            return;
        }
        let trouble = (!done).then(|| {
            let why = status.map_or("it is gone", |status| status.health.reason.as_str());
            format!("no whole window within {} s: {why}", DRILL.as_secs())
        });
        let report = drill.finish(status, trouble);
        self.assign();
        (setting.events)(account::drilled(&report, setting.clock.now()).subject(&self.plan.id));
        self.last_drill = Some(report);
    }

    fn end_drill(&mut self, why: &str) {
        if let Some(drill) = self.drill.take() {
            self.last_drill = Some(drill.finish(None, Some(why.to_owned())));
        }
    }

    /// Whether nothing is owed for a segment any more. Nothing is owed to an endpoint on standby, nor to a destination
    /// that is disabled.
    pub(super) fn delivered(&self, rendition: &RenditionId, number: u64) -> bool {
        let owed = self.seats.iter().enumerate().filter(|(place, _)| self.duty(*place) != Duty::Standby);
        owed.map(|(_, seat)| seat).all(|seat| seat.endpoint.delivered(rendition, number))
    }

    /// Whether nothing is left to be delivered, where nothing new will come.
    pub(super) fn is_done(&self) -> bool {
        self.seats.iter().all(|seat| seat.endpoint.is_done())
    }

    /// Whether a recording still needs a segment of a companion.
    pub(super) fn needs(&self, rendition: &RenditionId, number: u64) -> bool {
        self.seats.iter().any(|seat| seat.endpoint.needs(rendition, number))
    }

    pub(super) fn status(&mut self, setting: &Setting, clock: Option<ClockState>) -> DestinationStatus {
        let paused_since = setting.slates.since().filter(|_| self.plan.on_slate == OnSlate::Pause);
        let mut endpoints = self.statuses();
        endpoints.iter_mut().filter_map(|one| one.pair.as_mut()).for_each(|pair| pair.clock = clock);
        let now = setting.clock.now();
        let mut status = account::combine(&self.plan, endpoints, paused_since, now);
        account::look_at_clock(&mut status, now);
        if let Some(order) = self.order.budget {
            account::look_at_budget(&mut status, order, now);
        }
        let health = self.health.get_or_insert_with(|| status.health.clone());
        health.update(status.health);
        status.health = health.clone();
        status.forced.clone_from(&self.order.endpoint);
        status.last_switch.clone_from(&self.last_switch);
        status.last_drill.clone_from(&self.last_drill);
        status.recording = self.seats.first().and_then(|seat| seat.endpoint.recording());
        status
    }

    pub(super) fn into_endpoints(self) -> Vec<Box<dyn Endpoint>> {
        self.seats.into_iter().map(|seat| seat.endpoint).collect()
    }
}

/// What failover sees of an endpoint.
fn seen(status: &EndpointStatus) -> Seen {
    let standing = match status.state {
        DestinationState::Streaming if status.slow => {
            Standing::Bad("it takes segments more slowly than they are made".to_owned())
        }
        DestinationState::Streaming => Standing::Good,
        DestinationState::Connecting => Standing::Unknown,
        DestinationState::Interrupted | DestinationState::Failed | DestinationState::Disabled => bad(status),
    };
    Seen { standing, ready: status.playable }
}

fn bad(status: &EndpointStatus) -> Standing {
    Standing::Bad(status.health.reason.clone())
}

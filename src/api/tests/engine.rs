//! The engine of the stage: what it makes of orders, as the real one would, at once and always.

use super::rig::{Rig, endpoint, now, report};
use super::site::Site;
use crate::model::status::{
    ChannelOrder, ChannelState, ChannelStatus, DestinationState, DestinationStatus, ProgramOrder, RemainderStatus,
    Showing, WorkerReport,
};
use crate::model::{
    Act, BitRate, CatchUp, ChannelEffect, ChannelId, DestinationChange, DestinationEffect, DestinationId, DrillReport,
    Duty, Effect, EndpointName, EndpointStatus, Health, HealthReport, LineStatus, LiveChange, RecordingAsk,
    RecordingStatus, SwitchReport, TakeOrder,
};
use crate::supervisor::{Command, Outcome, Refusal};

/// Gives the first destination a backup, and the channel a recorder.
pub(super) fn furnish(channel: &mut ChannelStatus) {
    let Some(report) = &mut channel.report else { return };
    let Some(first) = report.destinations.first_mut() else { return };
    let primary = endpoint();
    let backup = EndpointStatus {
        name: EndpointName::at(1),
        url: "http://127.0.0.1:8091/live".into(),
        duty: Duty::Standby,
        ..primary.clone()
    };
    let archive = DestinationStatus {
        id: DestinationId::new("archive").unwrap(),
        url: "/var/lib/uplink/recordings/demo".into(),
        recording: Some(RecordingStatus { free_bytes: 80_000_000_000, ..RecordingStatus::default() }),
        ..first.clone()
    };
    first.endpoints = vec![primary, backup];
    report.destinations.push(archive);
}

/// What a reload would do, or has done.
fn reloaded(dry: bool) -> Outcome {
    let effect = ChannelEffect {
        channel: ChannelId::new("demo").unwrap(),
        effect: Effect::Restart,
        live: vec![],
        restart: vec!["the stream class is another one".into()],
        destinations: vec![DestinationEffect {
            destination: DestinationId::new("cloud").unwrap(),
            change: DestinationChange::Interrupted,
            seconds: Some(1.2),
        }],
        off_air_seconds: Some(1.2),
        happened: (!dry).then(|| "on air again".into()),
    };
    Outcome {
        changed: !dry,
        order: None,
        program: None,
        state: None,
        showing: None,
        acted: None,
        channels: Some(vec![effect]),
        text: if dry { "nothing is changed" } else { "the configuration is in force" }.into(),
    }
}

type Change = Box<dyn Fn(&mut ChannelStatus)>;

pub(super) fn obey(rig: &Rig, site: &Site, command: Command) -> Result<Outcome, Refusal> {
    let (id, act): (_, Change) = match command {
        Command::Start(id) | Command::StartAnyway(id) => {
            let start = |channel: &mut ChannelStatus| {
                set(channel, ChannelOrder::OnAir, ChannelState::Running);
                if channel.report.is_none() {
                    channel.report = Some(report());
                    furnish(channel);
                }
            };
            (id, Box::new(start))
        }
        Command::Stop(id) => (id, Box::new(leave)),
        Command::StopNow(id) => (id, Box::new(|channel| set(channel, ChannelOrder::OffAir, ChannelState::Idle))),
        Command::Slate(id) => (id, Box::new(|channel| program(channel, ProgramOrder::Slate))),
        Command::Release(id) if id.as_str() == "studio-b" => {
            return Err(Refusal::NotConfirmed { seconds: 5, known: "no source delivers; the slate stays".into() });
        }
        Command::Release(id) => (id, Box::new(|channel| program(channel, ProgramOrder::Auto))),
        Command::Change(id, LiveChange::Preview { order }) => {
            (id, Box::new(move |channel| preview(channel, order.clone())))
        }
        Command::DryReload | Command::Try(_) => return site.answer(command).map(|_| reloaded(true)),
        Command::Reload => {
            site.answer(command)?;
            rig.change(|status| status.config.generation += 1);
            return Ok(reloaded(false));
        }
        Command::Show(id, take) => (id, Box::new(move |channel| show(channel, &take))),
        Command::Change(id, LiveChange::Endpoint { destination, endpoint }) => {
            (id, Box::new(move |channel| force(channel, &destination, endpoint.as_ref())))
        }
        Command::Change(id, LiveChange::Destination { destination, enabled }) => {
            (id, Box::new(move |channel| enable(channel, &destination, enabled)))
        }
        Command::Act(id, Act::Drill { destination }) => (id, Box::new(move |channel| drill(channel, &destination))),
        Command::Act(id, Act::Record { destination, ask }) => {
            (id, Box::new(move |channel| record(channel, &destination, &ask)))
        }
        Command::Take(..) | Command::Change(..) | Command::Act(..) | Command::BeginShow(..) | Command::EndShow(_) => {
            return Err(Refusal::Failed("this stage plays no such thing".into()));
        }
    };
    rig.change(|status| status.channels.iter_mut().filter(|channel| channel.id == id).for_each(act));
    Ok(outcome(&rig.status.borrow().channels, &id))
}

fn set(channel: &mut ChannelStatus, order: ChannelOrder, state: ChannelState) {
    (channel.order, channel.state, channel.on_air) = (order, state, order == ChannelOrder::OnAir);
    channel.remainder = None;
    channel.on_air_since = channel.on_air.then(now);
    let (health, code, reason) = match channel.on_air {
        true => (Health::Healthy, "ok", "all is well"),
        false => (Health::Inactive, "off_air", "nobody asked for it to be on air"),
    };
    channel.health = HealthReport::new(health, code, reason, now());
}

/// Off air, and something is left: a destination has not got the last 44 s.
fn leave(channel: &mut ChannelStatus) {
    let report = channel.report.clone();
    set(channel, ChannelOrder::OffAir, ChannelState::Delivering);
    channel.report = None;
    channel.remainder = report.map(|WorkerReport { mut destinations, spool, .. }| {
        destinations.retain(|one| one.recording.is_none());
        for one in &mut destinations {
            (one.queue_segments, one.queue_seconds) = (44, 44.0);
            let (measured, catch_up) = (Some(BitRate(4_000_000)), CatchUp::Takes { seconds: 90.0 });
            one.line = Some(LineStatus { measured, needed: BitRate(0), catch_up, renditions: Vec::new() });
        }
        RemainderStatus { destinations, spool }
    });
}

fn program(channel: &mut ChannelStatus, order: ProgramOrder) {
    let Some(report) = &mut channel.report else { return };
    let slate = order == ProgramOrder::Slate;
    channel.state = if slate { ChannelState::Slate } else { ChannelState::Running };
    report.program.showing = match &order {
        ProgramOrder::Slate => Showing::Slate,
        ProgramOrder::Source { source } => Showing::Source { source: source.clone() },
        ProgramOrder::Auto | ProgramOrder::Scene { .. } => Showing::Source { source: report.sources[0].id.clone() },
    };
    report.program.order = order;
}

fn preview(channel: &mut ChannelStatus, order: Option<ProgramOrder>) {
    channel.live.preview.clone_from(&order);
    if let Some(report) = &mut channel.report {
        report.program.preview = order;
    }
}

/// What is in preview, and what was on air is next.
fn show(channel: &mut ChannelStatus, take: &TakeOrder) {
    let before = channel.report.as_ref().map(|report| report.program.order.clone());
    if let Some(order) = take.order.clone().or_else(|| channel.live.preview.clone()) {
        program(channel, order);
    }
    preview(channel, before);
}

fn outcome(channels: &[ChannelStatus], id: &ChannelId) -> Outcome {
    let channel = channels.iter().find(|channel| channel.id == *id).unwrap();
    let program = channel.report.as_ref().map(|report| &report.program);
    Outcome {
        changed: true,
        order: Some(channel.order),
        program: program.map(|program| program.order.clone()),
        state: Some(channel.state),
        showing: program.map(|program| program.showing.clone()),
        acted: None,
        channels: None,
        text: format!("the engine confirmed: {}", super::super::sheet::spelled(&channel.state)),
    }
}

fn destination<'a>(channel: &'a mut ChannelStatus, id: &DestinationId) -> Option<&'a mut DestinationStatus> {
    channel.report.as_mut()?.destinations.iter_mut().find(|one| one.id == *id)
}

/// Onto this endpoint; by the rules if none, which is the first.
fn force(channel: &mut ChannelStatus, id: &DestinationId, wanted: Option<&EndpointName>) {
    channel.live.destinations.entry(id.clone()).or_default().endpoint = wanted.cloned();
    let Some(one) = destination(channel, id) else { return };
    let active = |end: &EndpointStatus| end.duty == Duty::Active;
    let from = one.endpoints.iter().find(|end| active(end)).map(|end| end.name.clone());
    let to = wanted.cloned().or_else(|| one.endpoints.first().map(|end| end.name.clone()));
    for end in &mut one.endpoints {
        end.duty = if Some(&end.name) == to.as_ref() { Duty::Active } else { Duty::Standby };
    }
    one.forced = wanted.cloned();
    let (Some(from), Some(to)) = (from, to) else { return };
    let (at, why, seconds) = (now(), "an operator has forced it".to_owned(), Some(0.4));
    one.last_switch =
        Some(SwitchReport { at, from, to, why, first_segment_seconds: seconds, playable_seconds: seconds });
}

fn enable(channel: &mut ChannelStatus, id: &DestinationId, enabled: Option<bool>) {
    channel.live.destinations.entry(id.clone()).or_default().enabled = enabled;
    let used = enabled.unwrap_or(true);
    let Some(one) = destination(channel, id) else { return };
    one.state = if used { DestinationState::Streaming } else { DestinationState::Disabled };
    let (health, reason) = match used {
        true => (Health::Healthy, "all is well"),
        false => (Health::Inactive, "an operator has switched it off"),
    };
    one.health = HealthReport::new(health, if used { "ok" } else { "disabled" }, reason, now());
}

fn drill(channel: &mut ChannelStatus, id: &DestinationId) {
    let Some(one) = destination(channel, id) else { return };
    let Some(backup) = one.endpoints.iter().find(|end| end.duty != Duty::Active) else { return };
    one.last_drill = Some(DrillReport {
        at: now(),
        endpoint: backup.name.clone(),
        first_segment_seconds: Some(0.3),
        playable_seconds: Some(2.1),
        trouble: None,
    });
}

fn record(channel: &mut ChannelStatus, id: &DestinationId, ask: &RecordingAsk) {
    let Some(recording) = destination(channel, id).and_then(|one| one.recording.as_mut()) else { return };
    match ask {
        RecordingAsk::Start { title } => {
            let free_bytes = recording.free_bytes;
            let (running, began, title) = (true, Some(now()), title.clone());
            *recording = RecordingStatus { free_bytes, running, began, title, ..RecordingStatus::default() };
        }
        RecordingAsk::Stop => (recording.running, recording.ended) = (false, Some(now())),
        RecordingAsk::Marker { .. } => recording.markers += 1,
    }
}

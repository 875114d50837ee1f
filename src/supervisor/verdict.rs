//! State and health of a channel, from what is known. Pure.

use std::time::Duration;

use super::lifecycle::Stand;
use crate::model::sound::{SoundFault, SoundState};
use crate::model::status::{
    ChannelState, DestinationState, DestinationStatus, ProgramOrder, RemainderStatus, Showing, SourceStatus,
    WorkerReport,
};
use crate::model::{Health, HealthReport, MediaTime};

/// A worker is in doubt when its last heartbeat is this old (it sends two a second).
pub(crate) const DOUBT: Duration = Duration::from_millis(1600);

/// What is known of a channel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) stand: Stand,
    pub(crate) wanted: bool,
    pub(crate) report: Option<&'a WorkerReport>,
    /// What is left of a channel that is off air.
    pub(crate) remainder: Option<&'a RemainderStatus>,
    pub(crate) on_air: bool,
    /// Age of the last heartbeat.
    pub(crate) silence: Option<Duration>,
    /// What happened to the worker before this one, if it did not end as asked.
    pub(crate) trouble: Option<&'a str>,
    pub(crate) now: MediaTime,
}

/// What the engine does.
pub(crate) fn state(stand: Stand, wanted: bool, report: Option<&WorkerReport>) -> ChannelState {
    match (stand, report) {
        (Stand::Idle, _) => ChannelState::Idle,
        (Stand::Delivering, _) => ChannelState::Delivering,
        (Stand::Ending, _) if !wanted => ChannelState::Stopping,
        (Stand::GivenUp, _) => ChannelState::Failed,
        (Stand::Up, Some(report)) if report.program.showing == Showing::Slate => ChannelState::Slate,
        (Stand::Up, Some(_)) => ChannelState::Running,
        // Up without a report: what is shown is not known yet.
        (Stand::Up | Stand::Starting | Stand::Ending, _) => ChannelState::Starting,
    }
}

/// Whether a viewer can receive the programme: a destination has acknowledged all but the last `lag` of it. What is kept on
/// the box's own disk reaches no viewer; only where nothing else is wanted, that is what a channel is on air for.
pub(crate) fn delivered(report: &WorkerReport, lag: Duration) -> bool {
    let fresh = |destination: &DestinationStatus| {
        // Nothing is missing that should be there.
        let paused = destination.paused_since.is_some() && destination.state == DestinationState::Streaming;
        paused
            || destination.state == DestinationState::Streaming
                && destination.position.is_some_and(|position| report.program.position.since(position) <= lag)
    };
    let recorded_only = report.destinations.iter().all(|destination| destination.recording.is_some());
    let counts = |destination: &&DestinationStatus| recorded_only || destination.recording.is_none();
    report.destinations.iter().filter(counts).any(fresh)
}

/// Health: the worst of the parts; what is first in this order wins a tie.
pub(crate) fn health(facts: &Facts<'_>) -> HealthReport {
    let say = |health, code: &str, reason: String| HealthReport::new(health, code, reason, facts.now);
    match facts.stand {
        Stand::Idle => return say(Health::Inactive, "off_air", "off air, as ordered".to_owned()),
        Stand::Delivering => return say(Health::Inactive, "delivering", left(facts)),
        Stand::Ending if !facts.wanted => {
            return say(Health::Inactive, "stopping", "going off air, as ordered".to_owned());
        }
        Stand::GivenUp => {
            let trouble = facts.trouble.unwrap_or("the worker cannot be kept running");
            return say(Health::Unhealthy, "worker_failed", format!("{trouble}; the next attempt is slow"));
        }
        Stand::Starting | Stand::Ending => {
            return match facts.trouble {
                Some(trouble) => say(Health::Unhealthy, "worker_restarting", format!("{trouble}; starting again")),
                None => say(Health::PartiallyHealthy, "starting", "the worker is coming up".to_owned()),
            };
        }
        Stand::Up => {}
    }
    let Some(report) = facts.report else {
        return say(Health::PartiallyHealthy, "starting", "on air, first report awaited".to_owned());
    };
    let mut parts = vec![program(report, facts.now)];
    if let Some(silence) = facts.silence.filter(|silence| *silence > DOUBT) {
        let reason =
            format!("the worker has not reported for {:.1} s; what is shown is the last known", silence.as_secs_f64());
        parts.push(say(Health::PartiallyHealthy, "no_contact", reason));
    }
    parts.extend(report.program.sound_states.iter().filter(|state| state.active).map(sound));
    parts.push(delivery(report, facts.on_air, facts.now));
    parts.extend(report.sources.iter().filter_map(|source| standby(source, &report.program.showing)));
    parts.extend(report.renditions.iter().map(|rendition| about_rendition(rendition.id.as_str(), &rendition.health)));
    parts.push(capped(report.spool.health.clone()));
    parts.into_iter().reduce(HealthReport::worst).unwrap_or_else(|| say(Health::Healthy, "ok", "on air".to_owned()))
}

/// What is left of a channel that is off air, in words.
fn left(facts: &Facts<'_>) -> String {
    let waits = |rest: &RemainderStatus| {
        rest.destinations.iter().filter(|one| one.queue_segments > 0).max_by_key(|one| one.queue_segments).cloned()
    };
    match (facts.trouble, facts.remainder.and_then(waits)) {
        (Some(trouble), _) => format!("off air, as ordered; what is left waits for another worker: {trouble}"),
        (None, None) => "off air, as ordered; what is left is being delivered".to_owned(),
        (None, Some(one)) => format!(
            "off air, as ordered; {:.0} s are still to be delivered to {}: {}",
            one.queue_seconds, one.id, one.health.reason
        ),
    }
}

fn program(report: &WorkerReport, now: MediaTime) -> HealthReport {
    let say = |health, code: &str, reason: String| HealthReport::new(health, code, reason, now);
    match (&report.program.order, &report.program.showing) {
        (ProgramOrder::Source { source: wanted }, Showing::Source { source }) if source != wanted => {
            let reason = format!("source {wanted}, taken by hand, does not deliver: source {source} is shown");
            say(Health::PartiallyHealthy, "taken_source_lost", reason)
        }
        (ProgramOrder::Scene { .. }, Showing::Source { source }) => {
            let reason = format!("source {source} is shown alone: the other one of the scene does not deliver");
            say(Health::PartiallyHealthy, "scene_incomplete", reason)
        }
        (_, Showing::Scene { scene }) => {
            let of = |id: &crate::model::SourceId| report.sources.iter().find(|status| status.id == *id);
            let parts = scene.sources.iter().filter_map(of).map(|status| capped(status.health.clone()));
            let [first, second] = &scene.sources;
            let fine = say(Health::Healthy, "ok", format!("on air with sources {first} and {second}"));
            parts.fold(fine, HealthReport::worst)
        }
        (_, Showing::Source { source }) => {
            let shown = report.sources.iter().find(|status| status.id == *source);
            match shown.filter(|status| status.health.health > Health::Healthy) {
                Some(status) => capped(status.health.clone()),
                None => say(Health::Healthy, "ok", format!("on air with source {source}")),
            }
        }
        (ProgramOrder::Slate, Showing::Slate) => {
            say(Health::Healthy, "slate_ordered", "the slate is on air, as ordered".to_owned())
        }
        (ProgramOrder::Source { source }, Showing::Slate) => {
            let why = report.sources.iter().find(|status| status.id == *source).map(|s| s.health.reason.as_str());
            let reason = format!("the slate is on air: source {source}: {}", why.unwrap_or("not known to the worker"));
            say(Health::Unhealthy, "source_lost", reason)
        }
        (ProgramOrder::Auto | ProgramOrder::Scene { .. }, Showing::Slate) => {
            let why: Vec<_> = report.sources.iter().map(|s| format!("{}: {}", s.id, s.health.reason)).collect();
            // As when a worker has just come up: what delivers is shown in a moment.
            let coming = report.sources.iter().any(|one| one.health.health == Health::Healthy);
            let what = if coming { "no source is shown yet" } else { "no source delivers" };
            let reason = format!("the slate is on air: {what} ({})", why.join("; "));
            say(Health::Unhealthy, "no_source", reason)
        }
    }
}

fn sound(state: &SoundState) -> HealthReport {
    let names: Vec<String> = state.channels.iter().map(u8::to_string).collect();
    let (code, what) = match state.fault {
        SoundFault::Silence => ("silence", "no sound"),
        SoundFault::OverLevel => ("over_level", "true peaks above the limit"),
        SoundFault::PhaseInverted => ("phase_inverted", "left and right cancel each other in mono"),
        SoundFault::ChannelMissing => ("channel_missing", "one channel is silent, the others are not"),
    };
    let reason = format!("sound of channels {}: {what}", names.join(", "));
    HealthReport::new(Health::PartiallyHealthy, code, reason, state.since)
}

fn delivery(report: &WorkerReport, on_air: bool, now: MediaTime) -> HealthReport {
    let wanted = || report.destinations.iter().filter(|d| d.state != DestinationState::Disabled);
    let bad = wanted().filter(|d| d.health.health > Health::Healthy).max_by_key(|d| d.health.health);
    let about = |d: &DestinationStatus| format!("destination {}: {}", d.id, d.health.reason);
    match (on_air, bad) {
        _ if wanted().next().is_none() => {
            HealthReport::new(Health::PartiallyHealthy, "no_destination", "no destination is configured", now)
        }
        (true, None) => HealthReport::new(Health::Healthy, "ok", "delivered", now),
        (true, Some(d)) => HealthReport::new(Health::PartiallyHealthy, &d.health.code, about(d), d.health.since),
        (false, _) if wanted().all(|d| d.state == DestinationState::Connecting) => {
            HealthReport::new(Health::PartiallyHealthy, "connecting", "nothing has been delivered yet", now)
        }
        (false, Some(d)) => HealthReport::new(Health::Unhealthy, &d.health.code, about(d), d.health.since),
        (false, None) => HealthReport::new(Health::Unhealthy, "not_delivered", "no destination keeps up", now),
    }
}

/// A source that is not shown, but would be missing if it were needed.
fn standby(source: &SourceStatus, showing: &Showing) -> Option<HealthReport> {
    let shown = match showing {
        Showing::Source { source: shown } => *shown == source.id,
        Showing::Scene { scene } => scene.sources.contains(&source.id),
        Showing::Slate => false,
    };
    let bad = source.health.health > Health::Healthy && !shown;
    let reason = format!("source {}: {}", source.id, source.health.reason);
    bad.then(|| HealthReport::new(Health::PartiallyHealthy, &source.health.code, reason, source.health.since))
}

fn about_rendition(id: &str, health: &HealthReport) -> HealthReport {
    let report = capped(health.clone());
    HealthReport { reason: format!("rendition {id}: {}", report.reason), ..report }
}

/// A fault that leaves the channel on air.
fn capped(report: HealthReport) -> HealthReport {
    let health = if report.health == Health::Inactive { Health::Healthy } else { report.health };
    HealthReport { health: health.min(Health::PartiallyHealthy), ..report }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;

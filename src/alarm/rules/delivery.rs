//! Destinations and recordings.

use crate::alarm::limits::ChannelLimits;
use crate::model::status::{ApplianceStatus, DestinationState, DestinationStatus, LinkFigures, WorkerReport};
use crate::model::{AlarmCode, AlarmPriority, ChannelId, EndpointStatus, Health};
use crate::policy::Sighting;

pub(super) fn see(channel: &ChannelId, report: &WorkerReport, limits: ChannelLimits, seen: &mut Vec<Sighting>) {
    for one in report.destinations.iter().filter(|one| one.state != DestinationState::Disabled) {
        let found = match one.recording {
            Some(_) => recording(one).into_iter().collect(),
            None => destination(one, limits),
        };
        seen.extend(found.into_iter().map(|sighting| sighting.of(channel).about(&one.id)));
    }
}

/// Less than this of recording is left.
const HOUR: f64 = 3600.0;
/// A packet that was lost has been sent again within so many round trips (Haivision's rule for a good line).
const ROUND_TRIPS: f64 = 4.0;

/// Recordings of all channels, which share disks.
pub(super) fn see_room(status: &ApplianceStatus, seen: &mut Vec<Sighting>) {
    for (channel, destination, seconds) in status.recording_times().into_iter().filter(|(.., left)| *left < HOUR) {
        let minutes = (seconds / 60.0).floor();
        let reason = format!("recording {destination}: {minutes:.0} min of what is recorded now still fit on the disk");
        let sighting = Sighting::new(AlarmCode::RecordingTimeShort, AlarmPriority::Critical, reason);
        seen.push(sighting.of(channel).about(destination).lasting(10, 60));
    }
}

/// A line by SRT whose latency is less than four of its round trips.
pub(super) fn too_short(what: &str, link: &LinkFigures) -> Option<Sighting> {
    let (latency, needed) = (link.latency_ms?, link.rtt_ms? * ROUND_TRIPS);
    let reason = format!("{what}: latency {latency:.0} ms is less than four round trips ({needed:.0} ms)");
    // A new connection knows its round trip after some seconds only.
    let sighting = || Sighting::new(AlarmCode::SrtLatencyShort, AlarmPriority::Warning, reason).lasting(10, 30);
    (latency < needed).then(sighting)
}

fn destination(one: &DestinationStatus, limits: ChannelLimits) -> Vec<Sighting> {
    let reason = || format!("destination {}: {}", one.id, one.health.reason);
    let sighting = |code, priority| Sighting::new(code, priority, reason()).since(one.health.since);
    let mut found = Vec::new();
    match one.state {
        DestinationState::Failed => {
            found.push(sighting(AlarmCode::DestinationFailed, AlarmPriority::Critical).lasting(1, 3));
        }
        DestinationState::Interrupted => {
            found.push(sighting(AlarmCode::DestinationInterrupted, AlarmPriority::Warning).lasting(3, 5));
        }
        DestinationState::Connecting | DestinationState::Streaming | DestinationState::Disabled => {}
    }
    let code = match one.health.code.as_str() {
        "on_backup" => Some(AlarmCode::DestinationOnBackup),
        "backup_lost" | "mirror_lost" => Some(AlarmCode::DestinationBackupLost),
        "renditions_dropped" | "send_losing" | "bitrate_lowered" => Some(AlarmCode::DestinationSlow),
        _ => None,
    };
    found.extend(code.map(|code| sighting(code, AlarmPriority::Warning).lasting(5, 10)));
    found.extend(behind(one, limits));
    let streaming = |endpoint: &&EndpointStatus| endpoint.state == DestinationState::Streaming;
    let mut links = one.endpoints.iter().filter(streaming).filter_map(|endpoint| endpoint.link.as_ref());
    found.extend(links.find_map(|link| too_short(&format!("destination {}", one.id), link)));
    let trouble = one.endpoints.iter().filter_map(|endpoint| endpoint.pair.as_ref()?.trouble.as_ref()).next();
    found.extend(trouble.map(|trouble| {
        let reason = format!("destination {}: {trouble}", one.id);
        Sighting::new(AlarmCode::PairTrouble, AlarmPriority::Warning, reason).lasting(3, 10)
    }));
    found
}

fn behind(one: &DestinationStatus, limits: ChannelLimits) -> Option<Sighting> {
    let waits = one.queue_seconds;
    let priority = if waits >= limits.far_behind.as_secs_f64() {
        AlarmPriority::Critical
    } else if waits >= limits.behind.as_secs_f64() {
        AlarmPriority::Warning
    } else {
        return None;
    };
    let reason = format!("destination {}: {waits:.0} s of programme wait in the spool", one.id);
    Some(Sighting::new(AlarmCode::DestinationBehind, priority, reason).lasting(5, 5))
}

fn recording(one: &DestinationStatus) -> Option<Sighting> {
    let stopped = matches!(one.state, DestinationState::Interrupted | DestinationState::Failed);
    let (code, priority) = match (one.health.code.as_str(), stopped) {
        ("no_room", true) => (AlarmCode::RecordingNoRoom, AlarmPriority::Critical),
        ("no_room", false) => (AlarmCode::RecordingNoRoom, AlarmPriority::Warning),
        (_, true) if one.health.health == Health::Unhealthy => (AlarmCode::RecordingFailed, AlarmPriority::Critical),
        _ => return None,
    };
    let reason = format!("recording {}: {}", one.id, one.health.reason);
    Some(Sighting::new(code, priority, reason).since(one.health.since).lasting(2, 5))
}

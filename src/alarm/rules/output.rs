//! Spool and encoders.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::status::{DestinationState, WorkerReport};
use crate::model::{AlarmCode, AlarmPriority, ChannelId, DestinationId, Health, MediaTime};
use crate::policy::Sighting;

/// What waits may take so much of the spool, percent.
const NEAR_FULL: u64 = 80;
/// Segments that were lost this short a while ago are still being lost.
const LOSING: Duration = Duration::from_secs(30);

/// What spools had lost before.
#[derive(Debug, Default)]
pub(in crate::alarm) struct Past {
    lost: BTreeMap<(ChannelId, DestinationId), Lost>,
}

#[derive(Debug)]
struct Lost {
    segments: u64,
    /// When the number last grew.
    at: Option<MediaTime>,
}

impl Past {
    pub(super) fn see(&mut self, channel: &ChannelId, report: &WorkerReport, now: MediaTime, seen: &mut Vec<Sighting>) {
        for one in &report.spool.overflowed {
            let place = (channel.clone(), one.destination.clone());
            let past = self.lost.entry(place).or_insert(Lost { segments: one.segments, at: None });
            if one.segments > past.segments {
                past.at = Some(now);
            }
            past.segments = one.segments;
            if past.at.is_some_and(|at| now.since(at) < LOSING) {
                let reason = format!(
                    "destination {} has lost {} segments, because the spool was full ({} to {})",
                    one.destination, one.segments, one.from, one.to
                );
                let sighting = Sighting::new(AlarmCode::SpoolOverflowed, AlarmPriority::Critical, reason);
                seen.push(sighting.of(channel).about(&one.destination).lasting(0, 5));
            }
        }
    }
}

pub(super) fn see(channel: &ChannelId, report: &WorkerReport, seen: &mut Vec<Sighting>) {
    let spool = &report.spool;
    if spool.health.health == Health::Unhealthy {
        let reason = format!("the spool cannot be written: {}", spool.health.reason);
        let sighting = Sighting::new(AlarmCode::SpoolFailing, AlarmPriority::Critical, reason).of(channel);
        seen.push(sighting.since(spool.health.since).lasting(1, 5));
    }
    seen.extend(near_full(report).map(|sighting| sighting.of(channel)));
    for one in &report.renditions {
        let code = match one.health.code.as_str() {
            "encoder_replaced" => AlarmCode::EncoderReplaced,
            "frames_dropped" => AlarmCode::EncoderOverloaded,
            _ => continue,
        };
        let reason = format!("rendition {}: {}", one.id, one.health.reason);
        let sighting = Sighting::new(code, AlarmPriority::Warning, reason).of(channel).about(&one.id);
        seen.push(sighting.since(one.health.since).lasting(3, 15));
    }
}

/// A spool keeps what was delivered as long as there is room; what counts is what is owed to the one that waits longest.
fn near_full(report: &WorkerReport) -> Option<Sighting> {
    let owes = |one: &&crate::model::status::DestinationStatus| one.state != DestinationState::Disabled;
    let longest = report.destinations.iter().filter(owes).map(|one| one.queue_seconds).fold(0.0, f64::max);
    let rate: u64 = report.renditions.iter().map(|one| one.measured.bps()).sum();
    let owed = longest * rate as f64 / 8.0;
    let percent = owed * 100.0 / report.spool.quota_bytes.max(1) as f64;
    let reason = format!("what waits for destinations takes about {percent:.0} % of the spool");
    let sighting = || Sighting::new(AlarmCode::SpoolNearFull, AlarmPriority::Warning, reason).lasting(5, 10);
    (percent >= NEAR_FULL as f64).then(sighting)
}

//! Being on air, and the worker that keeps a channel there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::model::status::{ChannelOrder, ChannelStatus, DestinationState, ProgramOrder, Showing, WorkerReport};
use crate::model::{AlarmCode, AlarmPriority, ChannelId, MediaTime};
use crate::policy::Sighting;

/// So many restarts of a worker within [`LATELY`] are no accident.
const RESTARTS: usize = 3;
const LATELY: Duration = Duration::from_secs(600);
/// Workers report twice a second.
const SILENT: f64 = 3.0;
/// A worker that has just come up has no source yet.
const YOUNG: Duration = Duration::from_secs(15);

/// Whether an alarm of this kind is judged without a worker's report.
pub(super) fn needs_no_report(code: AlarmCode) -> bool {
    matches!(code, AlarmCode::OffAir | AlarmCode::WorkerRestarts | AlarmCode::WorkerSilent)
}

/// What channels were like before.
#[derive(Debug, Default)]
pub(in crate::alarm) struct Past {
    /// Have been on air since they were ordered to be.
    on_air: BTreeSet<ChannelId>,
    restarts: BTreeMap<ChannelId, Restarts>,
}

#[derive(Debug)]
struct Restarts {
    counted: u64,
    at: VecDeque<MediaTime>,
}

impl Past {
    pub(super) fn see(&mut self, channel: &ChannelStatus, now: MediaTime, seen: &mut Vec<Sighting>) {
        if channel.order == ChannelOrder::OffAir {
            self.on_air.remove(&channel.id);
            self.restarts.remove(&channel.id);
            return;
        }
        seen.extend(self.off_air(channel));
        seen.extend(self.restarts(channel, now));
        let worker = channel.worker.as_ref().filter(|worker| worker.heartbeat_age_seconds > SILENT);
        seen.extend(worker.map(|worker| {
            let age = worker.heartbeat_age_seconds;
            let reason = format!("worker {} has not reported for {age:.0} s", worker.pid);
            Sighting::new(AlarmCode::WorkerSilent, AlarmPriority::Warning, reason).of(&channel.id).lasting(2, 5)
        }));
    }

    fn off_air(&mut self, channel: &ChannelStatus) -> Option<Sighting> {
        if channel.on_air {
            self.on_air.insert(channel.id.clone());
            return None;
        }
        let destinations = channel.report.as_ref().map(|report| &report.destinations);
        // Nobody wants it sent anywhere.
        if destinations.is_some_and(|all| all.iter().all(|one| one.state == DestinationState::Disabled)) {
            return None;
        }
        // The first segment takes its time.
        let enter = if self.on_air.contains(&channel.id) { 5 } else { 20 };
        let reason = format!("off air: {}", channel.health.reason);
        Some(Sighting::new(AlarmCode::OffAir, AlarmPriority::Critical, reason).of(&channel.id).lasting(enter, 3))
    }

    fn restarts(&mut self, channel: &ChannelStatus, now: MediaTime) -> Option<Sighting> {
        let first = || Restarts { counted: channel.restarts, at: VecDeque::new() };
        let past = self.restarts.entry(channel.id.clone()).or_insert_with(first);
        for _ in past.counted..channel.restarts.min(past.counted + RESTARTS as u64) {
            past.at.push_back(now);
        }
        past.counted = channel.restarts;
        while past.at.front().is_some_and(|at| now.since(*at) > LATELY) {
            past.at.pop_front();
        }
        while past.at.len() > 100 {
            past.at.pop_front();
        }
        let many = past.at.len() >= RESTARTS;
        let minutes = LATELY.as_secs() / 60;
        let reason = format!("the worker was started again {} times within {minutes} minutes", past.at.len());
        let sighting = || Sighting::new(AlarmCode::WorkerRestarts, AlarmPriority::Warning, reason);
        many.then(|| sighting().of(&channel.id).lasting(0, 0))
    }
}

/// The slate that nobody ordered.
pub(super) fn see(channel: &ChannelStatus, report: &WorkerReport, now: MediaTime, seen: &mut Vec<Sighting>) {
    let program = &report.program;
    if program.showing != Showing::Slate || program.order == ProgramOrder::Slate {
        return;
    }
    let why: Vec<String> = report.sources.iter().map(|one| format!("{}: {}", one.id, one.health.reason)).collect();
    let reason = format!("{} ({})", program.sentence(), why.join("; "));
    let young = channel.worker.as_ref().is_some_and(|worker| now.since(worker.since) < YOUNG);
    let enter = if young { 10 } else { 2 };
    let sighting = Sighting::new(AlarmCode::OnSlate, AlarmPriority::Critical, reason).of(&channel.id);
    seen.push(sighting.since(program.since).lasting(enter, 3));
}

//! Sources: lost, black, frozen, silent, of the wrong format. Those that are not shown matter, too: they are what the
//! program falls back on.

use super::delivery::too_short;
use crate::model::status::{Showing, SourceState, SourceStatus, WorkerReport};
use crate::model::{AlarmCode, AlarmPriority, ChannelId, Health, MediaTime};
use crate::policy::Sighting;

pub(super) fn see(channel: &ChannelId, report: &WorkerReport, seen: &mut Vec<Sighting>) {
    for source in &report.sources {
        seen.extend(lost(source).map(|sighting| sighting.of(channel).about(&source.id)));
        let link = source.link.as_ref().filter(|_| source.state == SourceState::Delivering);
        let short = link.and_then(|link| too_short(&format!("source {}", source.id), link));
        seen.extend(short.map(|sighting| sighting.of(channel).about(&source.id)));
        // How long these have to last is the stream class's business.
        let faults = signal(source, shown(source, &report.program.showing));
        seen.extend(faults.map(|sighting| sighting.of(channel).about(&source.id).lasting(0, 3)));
    }
}

fn shown(source: &SourceStatus, showing: &Showing) -> bool {
    match showing {
        Showing::Source { source: shown } => *shown == source.id,
        Showing::Scene { scene } => scene.sources.contains(&source.id),
        Showing::Slate => false,
    }
}

/// One that has ended in order is not lost, and one that nobody has called yet was never there.
fn lost(source: &SourceStatus) -> Option<Sighting> {
    let gone = matches!(source.state, SourceState::Lost | SourceState::Failed);
    let reason = format!("source {}: {}", source.id, source.health.reason);
    let sighting = Sighting::new(AlarmCode::SourceLost, AlarmPriority::Warning, reason);
    (gone && source.health.health == Health::Unhealthy).then(|| sighting.since(source.health.since).lasting(2, 3))
}

fn signal(source: &SourceStatus, shown: bool) -> impl Iterator<Item = Sighting> {
    let (id, signal) = (&source.id, &source.signal);
    let priority = if shown { AlarmPriority::Warning } else { AlarmPriority::Info };
    let place = if shown { "on air" } else { "not on air" };
    let faults: [(AlarmCode, Option<MediaTime>, &str); 4] = [
        (AlarmCode::SourceBlack, signal.black_since, "its picture is black"),
        (AlarmCode::SourceFrozen, signal.freeze_since, "its picture stands still"),
        (AlarmCode::SourceSilent, signal.silence_since, "its sound is silent"),
        (AlarmCode::SourceWrongFormat, signal.wrong_format_since, "its picture has not the expected format"),
    ];
    faults.into_iter().filter_map(move |(code, since, what)| {
        Some(Sighting::new(code, priority, format!("source {id}, {place}: {what}")).since(since?))
    })
}

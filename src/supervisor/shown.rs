//! The health of a channel and of its parts as it is shown: what is judged, held by [`Steady`].

use std::collections::BTreeMap;
use std::time::Instant;

use crate::model::HealthReport;
use crate::model::status::{DestinationStatus, WorkerReport};
use crate::policy::Steady;

/// Which part: what it is, and its name.
type Part = (&'static str, String);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    channel: Steady,
    parts: BTreeMap<Part, Steady>,
}

impl Shown {
    /// Of the channel.
    pub(crate) fn channel(&mut self, judged: HealthReport, at: Instant) -> HealthReport {
        self.channel.show(judged, at)
    }

    /// Of what a worker reports, and of the destinations of one that only delivers what is left. Parts that are gone are
    /// forgotten.
    pub(crate) fn parts<'a>(
        &mut self,
        report: Option<&'a mut WorkerReport>,
        left: impl IntoIterator<Item = &'a mut DestinationStatus>,
        at: Instant,
    ) {
        let mut before = std::mem::take(&mut self.parts);
        let mut show = |what: &'static str, name: String, health: &mut HealthReport| {
            let mut steady = before.remove(&(what, name.clone())).unwrap_or_default();
            *health = steady.show(health.clone(), at);
            self.parts.insert((what, name), steady);
        };
        let mut destinations: Vec<&mut DestinationStatus> = left.into_iter().collect();
        if let Some(report) = report {
            report.sources.iter_mut().for_each(|one| show("source", one.id.to_string(), &mut one.health));
            report.renditions.iter_mut().for_each(|one| show("rendition", one.id.to_string(), &mut one.health));
            show("spool", String::new(), &mut report.spool.health);
            destinations.extend(&mut report.destinations);
        }
        for one in destinations {
            show("destination", one.id.to_string(), &mut one.health);
            for endpoint in &mut one.endpoints {
                show("endpoint", format!("{} {}", one.id, endpoint.name), &mut endpoint.health);
            }
        }
    }

    /// When something else is to be shown although nothing has changed.
    pub(crate) fn due(&self) -> Option<Instant> {
        std::iter::once(&self.channel).chain(self.parts.values()).filter_map(Steady::due).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::model::{Health, MediaTime};

    use Health::{Healthy, PartiallyHealthy, Unhealthy};

    fn destination((id, health): &(&str, Health)) -> DestinationStatus {
        let health = HealthReport::new(*health, "push_interrupted", "…", MediaTime::from_secs(1));
        let one = json!({
            "id": id, "url": "", "state": "streaming", "health": health, "fault": null, "bytes_sent": 0,
            "bytes_acknowledged": 0, "position": null, "queue_segments": 0, "queue_seconds": 0.0, "reconnects": 0,
            "last_error": null
        });
        serde_json::from_value(one).unwrap()
    }

    #[test]
    fn each_part_is_steady_by_itself_and_forgotten_when_it_is_gone() {
        let (mut shown, start) = (Shown::default(), Instant::now());
        let mut show = |all: &[(&str, Health)], after: u64| -> Vec<Health> {
            let mut parts: Vec<_> = all.iter().map(destination).collect();
            shown.parts(None, &mut parts, start + Duration::from_secs(after));
            parts.iter().map(|one| one.health.health).collect()
        };
        assert_eq!(show(&[("a", Unhealthy), ("b", Healthy)], 0), [Unhealthy, Healthy]);
        assert_eq!(show(&[("a", Healthy), ("b", PartiallyHealthy)], 1), [Unhealthy, PartiallyHealthy]);
        assert_eq!(show(&[("b", PartiallyHealthy)], 2), [PartiallyHealthy]);
        let again = show(&[("a", Healthy), ("b", PartiallyHealthy)], 3);
        assert_eq!(again, [Healthy, PartiallyHealthy], "a is another one by now");
        assert_eq!(shown.due(), None);
    }
}

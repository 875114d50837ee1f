//! Whether the encoders keep up: frames they had no time for, told once per bout and shown in their health.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::media::encode::{Choice, Counters};
use crate::model::{Event, EventCode, Fault, Health, HealthReport, MediaTime, RenditionId, Severity};

/// A bout of dropping ends when none was dropped for this long.
const BOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
struct Bout {
    began: MediaTime,
    last: MediaTime,
}

/// What has been dropped so far.
#[derive(Debug, Default)]
pub(super) struct Strain {
    seen: BTreeMap<RenditionId, u64>,
    bouts: BTreeMap<RenditionId, Bout>,
}

impl Strain {
    /// Takes note of the counters; an event for each rendition whose bout begins.
    pub(super) fn note(&mut self, counters: &Counters, now: MediaTime) -> Vec<Event> {
        self.bouts.retain(|_, bout| now.since(bout.last) < BOUT);
        let mut events = Vec::new();
        for rendition in &counters.renditions {
            // A frame that did not even enter the graph is missing in every rendition.
            let dropped = rendition.dropped + counters.pictures_dropped;
            let before = self.seen.insert(rendition.rendition.clone(), dropped).unwrap_or(0);
            if dropped <= before {
                continue;
            }
            let bout = self.bouts.get_mut(&rendition.rendition);
            if let Some(bout) = bout {
                bout.last = now;
                continue;
            }
            self.bouts.insert(rendition.rendition.clone(), Bout { began: now, last: now });
            let text = format!("the encoder of {} had no time for {} frames", rendition.rendition, dropped - before);
            let event = Event::new(now, Severity::Error, EventCode::FramesDropped, text).subject(&rendition.rendition);
            events.push(event.blame(
                Fault::Hardware,
                "the box is too slow for this ladder or busy with something else: look with top, choose a lighter \
                 stream class or a hardware encoder",
            ));
        }
        events
    }

    /// Frames of `rendition` dropped so far.
    pub(super) fn dropped(&self, rendition: &RenditionId) -> u64 {
        self.seen.get(rendition).copied().unwrap_or(0)
    }

    /// Whether `rendition` keeps up.
    pub(super) fn health(&self, rendition: &RenditionId, choice: Option<&Choice>, since: MediaTime) -> HealthReport {
        let replaced = choice.and_then(|choice| Some((choice, choice.failed.as_ref()?)));
        match (self.bouts.get(rendition), replaced) {
            (None, Some((choice, failure))) => {
                let reason = format!("{} failed ({}); {} encodes", failure.element, failure.reason, choice.element);
                HealthReport::new(Health::PartiallyHealthy, "encoder_replaced", reason, choice.since.unwrap_or(since))
            }
            (None, None) => HealthReport::new(Health::Healthy, "ok", "keeps up", since),
            (Some(bout), _) => {
                let reason = format!("{} frames dropped: the encoder does not keep up", self.dropped(rendition));
                HealthReport::new(Health::PartiallyHealthy, "frames_dropped", reason, bout.began)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::encode::RenditionCounters;

    fn counters(dropped: u64) -> Counters {
        let rendition = RenditionCounters {
            rendition: RenditionId::new("720p").unwrap(),
            dropped,
            encoded: 0,
            unaligned: 0,
            chunks: 0,
            bytes: 0,
        };
        Counters { renditions: vec![rendition], ..Counters::default() }
    }

    #[test]
    fn a_bout_is_told_once_and_ends() {
        let id = RenditionId::new("720p").unwrap();
        let at = MediaTime::from_secs;
        let mut strain = Strain::default();
        assert!(strain.note(&counters(0), at(1)).is_empty());
        assert_eq!(strain.note(&counters(5), at(2)).len(), 1);
        assert!(strain.note(&counters(9), at(8)).is_empty());
        assert_eq!(strain.health(&id, None, at(1)).code, "frames_dropped");
        assert_eq!(strain.health(&id, None, at(1)).since, at(2));
        assert!(strain.note(&counters(9), at(20)).is_empty());
        assert_eq!((strain.health(&id, None, at(1)).code.as_str(), strain.dropped(&id)), ("ok", 9));
        assert_eq!(strain.note(&counters(10), at(21)).len(), 1);
    }
}

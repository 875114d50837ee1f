//! A measurement under way: how long an endpoint takes from an order to a first segment, and to a window that players can
//! have. A drill measures a backup, a switch the endpoint that has just become active.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::model::{DrillReport, EndpointStatus, MediaTime};

/// A backup that has no whole window by then has failed the drill.
pub(super) const DRILL: Duration = Duration::from_secs(30);

/// From an order on.
#[derive(Debug)]
pub(super) struct Stopwatch {
    /// The endpoint that is measured, by place.
    pub(super) place: usize,
    pub(super) since: Instant,
    /// What it had when it began.
    before: Option<MediaTime>,
    pub(super) first: Option<f64>,
    pub(super) playable: Option<f64>,
}

impl Stopwatch {
    pub(super) fn start(place: usize, status: &EndpointStatus, now: Instant) -> Self {
        Self { place, since: now, before: status.position, first: None, playable: None }
    }

    /// Looks at the endpoint; true when all is measured.
    pub(super) fn look(&mut self, status: &EndpointStatus, now: Instant) -> bool {
        let seconds = now.saturating_duration_since(self.since).as_secs_f64();
        // What it had from an earlier turn does not count.
        if self.first.is_none() && status.position > self.before {
            self.first = Some(seconds);
        }
        if self.playable.is_none() && self.first.is_some() && status.playable {
            self.playable = Some(seconds);
        }
        self.playable.is_some()
    }
}

/// A drill under way.
#[derive(Debug)]
pub(super) struct Drill {
    pub(super) watch: Stopwatch,
    at: MediaTime,
    answer: Option<oneshot::Sender<DrillReport>>,
}

impl Drill {
    pub(super) fn start(watch: Stopwatch, at: MediaTime) -> (Self, oneshot::Receiver<DrillReport>) {
        let (answer, told) = oneshot::channel();
        (Self { watch, at, answer: Some(answer) }, told)
    }

    /// The report, given to whoever waits for it.
    pub(super) fn finish(mut self, status: Option<&EndpointStatus>, trouble: Option<String>) -> DrillReport {
        let report = DrillReport {
            at: self.at,
            endpoint: status.map_or_else(|| crate::model::EndpointName::at(self.watch.place), |s| s.name.clone()),
            first_segment_seconds: self.watch.first,
            playable_seconds: self.watch.playable,
            trouble,
        };
        if let Some(answer) = self.answer.take() {
            let _ = answer.send(report.clone());
        }
        report
    }
}

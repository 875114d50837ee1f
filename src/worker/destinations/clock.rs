//! The clock that a pair of boxes relies on: looked at while a destination has a pair, told when it is not kept right.

use std::time::{Duration, Instant};

use crate::model::pair::ClockState;
use crate::model::{Event, EventCode, Fault, MediaTime, Severity};
use crate::push::PairClock;
use crate::system::clock_discipline;

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Tells how it is now; right where that cannot be told.
pub(super) fn tell_first(pair: &PairClock) {
    pair.tell(clock_discipline().map_or(true, |found| found.synchronised));
}

/// What is known of the clock.
#[derive(Debug, Default)]
pub(super) struct ClockWatch {
    looked: Option<Instant>,
    state: Option<ClockState>,
}

impl ClockWatch {
    /// What was seen last; none where it cannot be told.
    pub(super) fn state(&self) -> Option<ClockState> {
        self.state
    }

    /// Looks, if it is time to; says what changed.
    pub(super) fn look(&mut self, at: MediaTime, now: Instant) -> Option<Event> {
        if self.looked.is_some_and(|looked| now.saturating_duration_since(looked) < EVERY) {
            return None;
        }
        self.looked = Some(now);
        let found = clock_discipline().ok().map(|found| ClockState {
            synchronised: found.synchronised,
            error_ms: found.largest_error.as_secs_f64() * 1e3,
        });
        self.take(found, at)
    }

    fn take(&mut self, found: Option<ClockState>, at: MediaTime) -> Option<Event> {
        let was = std::mem::replace(&mut self.state, found).map(|state| state.synchronised);
        match (was, found.map(|state| state.synchronised)) {
            (None | Some(true), Some(false)) => {
                let text = "nothing keeps the clock of this box right: the segments of the pair will not match";
                let event = Event::new(at, Severity::Warning, EventCode::ClockUnsynchronised, text);
                Some(event.blame(Fault::Configuration, "run chrony, systemd-timesyncd or ptp4l on both boxes"))
            }
            (Some(false), Some(true)) => {
                let text = "the clock of this box is kept right again";
                Some(Event::new(at, Severity::Info, EventCode::ClockSynchronised, text))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_once() {
        let mut watch = ClockWatch::default();
        let state = |synchronised| Some(ClockState { synchronised, error_ms: 1.0 });
        let mut codes = Vec::new();
        for found in [state(true), state(false), state(false), None, state(false), state(true), state(true)] {
            codes.push(watch.take(found, MediaTime::from_secs(1)).map(|event| event.code));
        }
        let (bad, good) = (Some(EventCode::ClockUnsynchronised), Some(EventCode::ClockSynchronised));
        assert_eq!(codes, [None, bad, None, None, bad, good, None]);
    }
}

//! When a destination gets nothing, because the program is on slate: spans of media time, told by the worker.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::model::MediaTime;

/// Spans that are kept. What was decided about older segments is in the record of what was delivered.
const KEPT: usize = 256;

/// One span; without end while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pause {
    from: MediaTime,
    until: Option<MediaTime>,
}

/// Shared by the endpoints of a destination. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Pauses(Arc<RwLock<Vec<Pause>>>);

impl Pauses {
    /// What is shown from `at` on is withheld.
    pub fn begin(&self, at: MediaTime) {
        let mut pauses = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if pauses.last().is_some_and(|last| last.until.is_none()) {
            return;
        }
        if pauses.len() == KEPT {
            pauses.remove(0);
        }
        pauses.push(Pause { from: at, until: None });
    }

    /// What is shown from `at` on is delivered again.
    pub fn end(&self, at: MediaTime) {
        let mut pauses = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = pauses.last_mut().filter(|last| last.until.is_none()) {
            last.until = Some(at.max(last.from));
        }
    }

    /// Since when nothing is delivered, if that is so.
    pub fn since(&self) -> Option<MediaTime> {
        let pauses = self.0.read().unwrap_or_else(PoisonError::into_inner);
        pauses.last().filter(|last| last.until.is_none()).map(|last| last.from)
    }

    /// Whether a segment shows nothing that is to be delivered.
    pub fn cover(&self, start: MediaTime, duration: Duration) -> bool {
        let pauses = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let end = start + duration;
        pauses.iter().any(|pause| pause.from <= start && pause.until.is_none_or(|until| end <= until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_slate_from_end_to_end_is_withheld() {
        let (pauses, at, long) = (Pauses::default(), MediaTime::from_secs, Duration::from_secs(2));
        assert!(!pauses.cover(at(10), long));
        pauses.begin(at(11));
        pauses.begin(at(12));
        assert_eq!(
            (pauses.since(), pauses.cover(at(10), long), pauses.cover(at(12), long)),
            (Some(at(11)), false, true)
        );
        pauses.end(at(15));
        let covered = [10, 12, 14, 16].map(|start| pauses.cover(at(start), long));
        assert_eq!((pauses.since(), covered), (None, [false, true, false, false]));
    }
}

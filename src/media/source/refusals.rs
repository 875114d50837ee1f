//! Publishers who were not admitted: whoever tries again and again for the same reason is news once in a while, with the
//! number of attempts.

use std::time::{Duration, Instant};

/// The same refusal is told again after this long.
const TOLD_AGAIN: Duration = Duration::from_secs(60);

/// What was told, and how often it happened since.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    told: Option<(String, Instant)>,
    attempts: u64,
}

impl Refusals {
    /// Counts a refusal; the number of attempts to tell of, if it is news `now`.
    pub(super) fn count(&mut self, what: &str, now: Instant) -> Option<u64> {
        self.attempts += 1;
        let known = |(last, at): &(String, Instant)| last == what && now.duration_since(*at) < TOLD_AGAIN;
        if self.told.as_ref().is_some_and(known) {
            return None;
        }
        self.told = Some((what.to_owned(), now));
        Some(std::mem::take(&mut self.attempts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_a_minute_with_the_attempts_and_another_at_once() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut refusals = Refusals::default();
        assert_eq!(refusals.count("wrong key", at(0)), Some(1));
        assert_eq!((1..60).filter_map(|second| refusals.count("wrong key", at(second))).count(), 0);
        assert_eq!(refusals.count("wrong key", at(60)), Some(60));
        assert_eq!(refusals.count("occupied", at(61)), Some(1));
    }
}

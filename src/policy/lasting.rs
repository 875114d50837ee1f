//! A condition that counts only when it lasts: separate times to enter and to clear.
//!
//! ```text
//! clear ──true for `enter`──▶ entered ──false for `clear`──▶ clear
//! ```
//!
//! What cannot be judged at the moment (a pause in which no channel has sound says nothing of a missing one) stops the
//! clock and decides nothing.

use std::time::Duration;

use crate::model::MediaTime;

/// A condition and how long it has been so.
#[derive(Debug, Clone)]
pub struct Lasting {
    enter: Duration,
    clear: Duration,
    active: bool,
    /// When it last began to be other than `active`, moved on by what could not be judged.
    other_since: Option<MediaTime>,
    last: Option<MediaTime>,
}

/// A change of the condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It lasted: since then.
    Entered(MediaTime),
    /// It is over: since then.
    Cleared(MediaTime),
}

impl Lasting {
    /// A condition that is entered when it was true for `enter`, and cleared when it was false for `clear`.
    pub fn new(enter: Duration, clear: Duration) -> Self {
        Self { enter, clear, active: false, other_since: None, last: None }
    }

    /// Whether it is entered.
    pub fn is_active(&self) -> bool {
        self.active
    }

    /// What is seen at `at`: true, false, or none if it cannot be judged. Call in order of time.
    pub fn see(&mut self, at: MediaTime, seen: Option<bool>) -> Option<Turn> {
        let elapsed = self.last.replace(at).map_or(Duration::ZERO, |last| at.since(last));
        let Some(seen) = seen else {
            self.other_since = self.other_since.map(|since| since + elapsed);
            return None;
        };
        if seen == self.active {
            self.other_since = None;
            return None;
        }
        let since = *self.other_since.get_or_insert(at);
        let wanted = if self.active { self.clear } else { self.enter };
        if at.since(since) < wanted {
            return None;
        }
        self.other_since = None;
        self.active = seen;
        Some(if seen { Turn::Entered(since) } else { Turn::Cleared(since) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> MediaTime {
        MediaTime::from_nanos(1_763_000_000_000_000_000 + millis * 1_000_000)
    }

    #[test]
    fn it_is_entered_after_its_time_and_says_when_it_began() {
        let mut silence = Lasting::new(Duration::from_secs(2), Duration::from_millis(500));
        assert_eq!(silence.see(at(0), Some(false)), None);
        assert_eq!(silence.see(at(1000), Some(true)), None);
        assert_eq!(silence.see(at(2900), Some(true)), None);
        assert_eq!(silence.see(at(3000), Some(true)), Some(Turn::Entered(at(1000))));
        assert_eq!(silence.see(at(3100), Some(false)), None);
        assert_eq!(silence.see(at(3300), Some(true)), None, "a word in between is not the end of it");
        assert_eq!(silence.see(at(3400), Some(false)), None);
        assert_eq!(silence.see(at(3900), Some(false)), Some(Turn::Cleared(at(3400))));
    }

    #[test]
    fn without_an_enter_time_once_is_enough() {
        let mut over = Lasting::new(Duration::ZERO, Duration::from_secs(5));
        assert_eq!(over.see(at(40), Some(true)), Some(Turn::Entered(at(40))));
        assert_eq!(over.see(at(80), Some(false)), None);
        assert!(over.is_active());
    }

    #[test]
    fn what_cannot_be_judged_stops_the_clock() {
        let mut missing = Lasting::new(Duration::from_secs(2), Duration::from_secs(1));
        missing.see(at(0), Some(true));
        missing.see(at(1000), Some(true));
        (0..100).for_each(|n| assert_eq!(missing.see(at(1100 + n * 100), None), None));
        assert_eq!(missing.see(at(11_100), Some(true)), None, "1.1 s of it were seen");
        assert!(matches!(missing.see(at(12_100), Some(true)), Some(Turn::Entered(_))));
    }
}

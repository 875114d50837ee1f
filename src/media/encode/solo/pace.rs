//! Which pictures are keyframes. Pure.

use std::time::Duration;

use crate::model::MediaTime;

/// Which pictures are keyframes.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<MediaTime>,
    asked: bool,
}

impl Pace {
    /// A receiver whose request is lost gets one after this time.
    const REGULAR: Duration = Duration::from_secs(4);
    /// However often it is asked: each takes its bits from the pictures behind it.
    const LEAST: Duration = Duration::from_millis(500);

    /// Whether the picture at `time` shall be one. The first of an encoder is one anyway.
    pub(super) fn due(&mut self, asked: bool, time: MediaTime) -> bool {
        self.asked |= asked;
        let Some(last) = self.last else {
            self.last = Some(time);
            self.asked = false;
            return false;
        };
        let since = time.since(last);
        let due = since >= Self::REGULAR || self.asked && since >= Self::LEAST;
        if due {
            (self.last, self.asked) = (Some(time), false);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyframes_come_when_asked_but_not_in_a_row_and_now_and_then_anyway() {
        let mut pace = Pace::default();
        let mut keys = Vec::new();
        for n in 0..250u64 {
            // Asked on every picture of the second second.
            if pace.due((25..50).contains(&n), MediaTime::from_nanos(n * 40_000_000)) {
                keys.push(n * 40);
            }
        }
        // What was asked within half a second of the last one is not forgotten.
        assert_eq!(keys, [1000, 1520, 2040, 6040]);
    }
}

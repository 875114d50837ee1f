//! What a DeckLink card has said of the signal at its input, and what that means. Pure; time is passed in.
//!
//! ```text
//! not known ──▶ no signal ◀──▶ locked, or mismatch
//!                   └──▶ unstable ◀──┘   while it breaks off, or changes its format, again and again
//! ```

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::model::InputState;

/// Within so long, so many times that a signal broke off or became another one are no accident.
const LATELY: Duration = Duration::from_secs(5);
const MANY: usize = 3;

/// What the card has said.
#[derive(Debug, Default)]
pub(super) struct Sight {
    signal: Option<bool>,
    format: Option<String>,
    breaks: VecDeque<Instant>,
}

/// What that means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) state: InputState,
    pub(super) format: Option<String>,
    pub(super) reason: String,
}

impl Sight {
    /// The card sees a signal, or none.
    pub(super) fn signal(&mut self, there: bool, now: Instant) {
        if self.signal.replace(there) == Some(true) && !there {
            self.breaks.push_back(now);
        }
    }

    /// Pictures arrive in this format.
    pub(super) fn format(&mut self, format: String, now: Instant) {
        let other = self.format.as_ref().is_some_and(|before| *before != format);
        if other {
            self.breaks.push_back(now);
        }
        self.format = Some(format);
    }

    /// Whether the card has said anything.
    pub(super) fn has_spoken(&self) -> bool {
        self.signal.is_some()
    }

    /// Whether the card sees nothing; false as long as it has not said so.
    pub(super) fn is_dark(&self) -> bool {
        self.signal == Some(false)
    }

    /// What is known at `now`; none before the card has said anything. `wrong`: what arrives is not what is expected.
    pub(super) fn seen(&mut self, mode: &str, wrong: bool, now: Instant) -> Option<Seen> {
        while self.breaks.front().is_some_and(|at| now.saturating_duration_since(*at) >= LATELY) {
            self.breaks.pop_front();
        }
        let there = self.signal?;
        let format = self.format.clone().filter(|_| there);
        let (state, reason) = if self.breaks.len() >= MANY {
            let (times, seconds) = (self.breaks.len(), LATELY.as_secs());
            (InputState::Unstable, format!("the signal broke off {times} times within {seconds} s"))
        } else if !there && mode == "auto" {
            (InputState::NoSignal, "no signal at the input".to_owned())
        } else if !there {
            (InputState::NoSignal, format!("no signal at the input, or none in mode {mode}, which is asked for"))
        } else if wrong {
            (InputState::Mismatch, "the picture is not in the expected format".to_owned())
        } else {
            (InputState::Locked, "the device reads the signal".to_owned())
        };
        Some(Seen { state, format, reason })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HD: &str = "1920x1080i50";

    fn state(sight: &mut Sight, wrong: bool, now: Instant) -> Option<InputState> {
        sight.seen("auto", wrong, now).map(|seen| seen.state)
    }

    #[test]
    fn a_card_that_has_said_nothing_is_not_dark() {
        let (mut sight, now) = (Sight::default(), Instant::now());
        assert_eq!(sight.seen("auto", false, now), None);
        assert!(!sight.is_dark());
    }

    #[test]
    fn a_signal_comes_is_another_than_expected_and_goes() {
        let (mut sight, now) = (Sight::default(), Instant::now());
        sight.signal(false, now);
        let seen = sight.seen("1080i50", false, now).unwrap();
        assert_eq!((seen.state, seen.format), (InputState::NoSignal, None));
        assert!(sight.is_dark() && seen.reason.contains("mode 1080i50"), "{}", seen.reason);
        sight.signal(true, now);
        sight.format(HD.to_owned(), now);
        let seen = sight.seen("auto", false, now).unwrap();
        assert_eq!((seen.state, seen.format.as_deref()), (InputState::Locked, Some(HD)));
        assert_eq!(state(&mut sight, true, now), Some(InputState::Mismatch));
        sight.signal(false, now);
        let seen = sight.seen("auto", true, now).unwrap();
        assert_eq!((seen.state, seen.format), (InputState::NoSignal, None), "what is not there is in no format");
    }

    #[test]
    fn one_that_breaks_off_again_and_again_is_unstable_until_it_holds() {
        let (mut sight, start) = (Sight::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        // Plugged in: none of that is a fault.
        sight.signal(false, at(0));
        sight.signal(true, at(100));
        sight.format(HD.to_owned(), at(100));
        for n in 0..2 {
            sight.signal(false, at(1000 + n * 500));
            sight.signal(true, at(1100 + n * 500));
        }
        assert_eq!(state(&mut sight, false, at(1700)), Some(InputState::Locked), "two times may be two hands");
        sight.format("1280x720p50".to_owned(), at(2000));
        let seen = sight.seen("auto", false, at(2000)).unwrap();
        assert_eq!((seen.state, seen.format.as_deref()), (InputState::Unstable, Some("1280x720p50")));
        assert!(!sight.is_dark() && seen.reason.contains("3 times"), "{}", seen.reason);
        sight.signal(false, at(2100));
        assert_eq!(state(&mut sight, false, at(2100)), Some(InputState::Unstable));
        assert!(sight.is_dark());
        sight.signal(true, at(2200));
        assert_eq!(state(&mut sight, false, at(6499)), Some(InputState::Unstable));
        assert_eq!(state(&mut sight, false, at(6500)), Some(InputState::Locked));
    }
}

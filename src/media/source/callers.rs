//! Who calls an SRT listener. It takes one caller.
//!
//! ```text
//! nobody ──calls, with the right stream id──▶ knocked ──accepted──▶ in
//!    ▲                                          │
//!    └────────── not accepted in time ──────────┘
//! ```
//!
//! Whether the passphrase fits is found out behind the knock, by the library, which turns the caller away and tells
//! nobody: what shows of it is a knock that nothing follows.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The handshake goes on at once behind the knock; on a busy box a thread has to wait for its turn.
const HANDSHAKE: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Caller {
    #[default]
    Nobody,
    Knocked(Instant),
    In(Instant),
}

#[derive(Debug, Default)]
struct Known {
    caller: Caller,
    /// Another caller was turned away while one is in.
    another: bool,
    /// Somebody who knocked was turned away behind that.
    turned_away: bool,
}

/// The callers of one connection.
#[derive(Debug, Default)]
pub(super) struct Callers(Mutex<Known>);

impl Callers {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one who calls now may go on.
    pub(super) fn knock(&self, now: Instant) -> bool {
        let mut known = self.known();
        known.settle(now);
        match known.caller {
            Caller::Nobody => known.caller = Caller::Knocked(now),
            Caller::Knocked(_) => return false,
            Caller::In(_) => {
                known.another = true;
                return false;
            }
        }
        true
    }

    /// Who knocked is in.
    pub(super) fn accepted(&self, now: Instant) {
        self.known().caller = Caller::In(now);
    }

    /// Whether somebody who knocked was turned away since this was asked last.
    pub(super) fn turned_away(&self, now: Instant) -> bool {
        let mut known = self.known();
        known.settle(now);
        std::mem::take(&mut known.turned_away)
    }

    /// How long the caller has been in, if another one was turned away since this was asked last.
    pub(super) fn contested(&self, now: Instant) -> Option<Duration> {
        let mut known = self.known();
        let contested = std::mem::take(&mut known.another);
        match known.caller {
            Caller::In(since) if contested => Some(now.saturating_duration_since(since)),
            _ => None,
        }
    }
}

impl Known {
    fn settle(&mut self, now: Instant) {
        if let Caller::Knocked(since) = self.caller
            && now.saturating_duration_since(since) >= HANDSHAKE
        {
            (self.caller, self.turned_away) = (Caller::Nobody, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_caller_is_let_in_and_another_is_known_of() {
        let (callers, start) = (Callers::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert!(callers.knock(at(0)) && !callers.knock(at(1)), "the handshake of the first is under way");
        callers.accepted(at(5));
        assert_eq!(callers.contested(at(6)), None, "nobody was in when the other one came");
        assert!(!callers.knock(at(3000)));
        assert_eq!(callers.contested(at(3005)), Some(Duration::from_secs(3)));
        assert_eq!(callers.contested(at(3006)), None, "told once");
        assert!(!callers.turned_away(at(9000)), "who is in stays in");
    }

    #[test]
    fn a_knock_that_nothing_follows_is_told_once_and_makes_room() {
        let (callers, start) = (Callers::default(), Instant::now());
        let at = |millis| start + Duration::from_millis(millis);
        assert!(callers.knock(at(0)) && !callers.turned_away(at(900)));
        assert!(callers.turned_away(at(1000)) && !callers.turned_away(at(1001)));
        assert!(callers.knock(at(1100)), "there is room");
        // The next one who knocks finds out, too.
        assert!(callers.knock(at(2500)) && callers.turned_away(at(2501)));
        callers.accepted(at(2502));
        assert!(!callers.turned_away(at(9000)) && callers.contested(at(9000)).is_none());
    }
}

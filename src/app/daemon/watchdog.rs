//! The service manager's watchdog: fed while the daemon's loop turns and the store writes.
//!
//! ```text
//!               a write was answered                     a write waits for half the limit
//!  fed, untried ─────────────────────▶ fed ─────────────────────────────────────────────────▶ not fed, told
//!        │ a write waits: an alarm      ▲                 it is answered, told                   │   │ the limit
//!        ▼                              └────────────────────────────────────────────────────────┘   ▼
//!  fed: the daemon before had that,                                                         ended, and started
//!  and to be started again was no help                                                      again by the manager
//! ```
//!
//! What counts as not writing: a write that does not come back (a disk that has stopped), or a database that another
//! connection holds locked. What does not: a disk that is full or read-only, rights, a damaged file, one of a newer version.
//! Those answer, no new daemon is better off, and the alarm `store_failed` says them. A daemon whose store has never written
//! is fed, too: else one whose disk stays as it is would be started again every few seconds for nothing.

use std::time::{Duration, SystemTime};

use tokio::time::{Interval, MissedTickBehavior};

use crate::model::{Event, EventCode, Fault, MediaTime, Severity};
use crate::store::Store;
use crate::system::Service;

/// Looks so many times within the limit, and feeds as often.
const TURNS: u32 = 4;

/// Feeds the watchdog, if there is one.
pub(super) struct Watchdog {
    store: Store,
    /// Within which time the service manager wants to hear, and when to look.
    pace: Option<(Duration, Interval)>,
    starving: bool,
}

impl Watchdog {
    /// Of a service manager that wants to hear within `limit`; none waits for nothing.
    pub(super) fn new(store: Store, limit: Option<Duration>) -> Self {
        let pace = limit.filter(|limit| !limit.is_zero()).map(|limit| {
            let mut turns = tokio::time::interval(limit / TURNS);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            (limit, turns)
        });
        Self { store, pace, starving: false }
    }

    /// Waits for the next turn, and feeds or lets starve; what is to be told of it. May be dropped.
    pub(super) async fn turn(&mut self) -> Option<Event> {
        let Some((limit, turns)) = &mut self.pace else { return std::future::pending().await };
        turns.tick().await;
        self.store.beat(*limit / TURNS);
        let silence = self.store.silence().filter(|silence| hangs(*silence, *limit, self.store.has_answered()));
        if silence.is_none() {
            Service.alive();
        }
        let was = std::mem::replace(&mut self.starving, silence.is_some());
        match (was, silence) {
            (false, Some(silence)) => Some(starves(silence, *limit)),
            (true, None) => Some(answers()),
            _ => None,
        }
    }
}

/// Whether a write that waits for `silence` is a reason to start the daemon again. A store that has never `answered` is none.
fn hangs(silence: Duration, limit: Duration, answered: bool) -> bool {
    answered && silence * 2 >= limit
}

fn starves(silence: Duration, limit: Duration) -> Event {
    let text = format!(
        "the database has not answered for {:.1} s: the watchdog is not fed, and the service manager starts the daemon again \
         within {:.0} s unless that ends; channels stay on air",
        silence.as_secs_f64(),
        limit.as_secs_f64()
    );
    let hint = "look at the disk of the state directory (dmesg), and at who else holds uplink.db (fuser -v)";
    Event::new(now(), Severity::Warning, EventCode::StoreFailed, text).blame(Fault::Hardware, hint)
}

fn answers() -> Event {
    let text = "the database answers again: the watchdog is fed, and the daemon stays";
    Event::new(now(), Severity::Info, EventCode::StoreRecovered, text)
}

fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_store_that_wrote_and_waits_for_half_the_limit_is_a_reason() {
        let seconds = Duration::from_secs;
        let cases = [(0, true, false), (7, true, false), (8, true, true), (600, true, true), (600, false, false)];
        for (silence, answered, expected) in cases {
            assert_eq!(hangs(seconds(silence), seconds(15), answered), expected, "{silence} s, answered: {answered}");
        }
    }
}

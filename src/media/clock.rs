//! The house clock: UTC read off the machine's monotonic clock.
//!
//! UTC is sampled once when the worker starts; from then on media time advances with `CLOCK_MONOTONIC`, which the kernel
//! disciplines (slews) together with the wall clock but never steps. A step of the wall clock therefore does not tear
//! the programme; it is seen by [`HouseClock::drift`].

use std::time::{Duration, SystemTime};

use rustix::thread::clock_nanosleep_absolute;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::model::MediaTime;

/// Nanoseconds of `CLOCK_MONOTONIC`, which is also what GStreamer's system clock counts.
fn monotonic_nanos() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// UTC on the monotonic clock. Cheap to copy; all copies agree.
#[derive(Debug, Clone, Copy)]
pub struct HouseClock {
    /// UTC minus monotonic, nanoseconds.
    offset: u64,
}

impl HouseClock {
    /// Samples UTC now.
    pub fn start() -> Self {
        let before = monotonic_nanos();
        let utc = MediaTime::from_system(SystemTime::now()).as_nanos();
        let after = monotonic_nanos();
        Self { offset: utc.saturating_sub(before.midpoint(after)) }
    }

    /// The same, or one that says `time` now if this one is behind it.
    pub fn no_earlier_than(self, time: MediaTime) -> Self {
        let ahead = time.as_nanos().saturating_sub(self.now().as_nanos());
        Self { offset: self.offset.saturating_add(ahead) }
    }

    /// The time now.
    pub fn now(self) -> MediaTime {
        self.at_monotonic(monotonic_nanos())
    }

    /// The time at a reading of GStreamer's system clock.
    pub fn at_monotonic(self, nanos: u64) -> MediaTime {
        MediaTime::from_nanos(nanos.saturating_add(self.offset))
    }

    /// The reading of GStreamer's system clock at `time`.
    pub fn monotonic_at(self, time: MediaTime) -> u64 {
        time.as_nanos().saturating_sub(self.offset)
    }

    /// Wall clock minus house clock now, nanoseconds: what a step of the wall clock leaves behind.
    pub fn drift(self) -> i64 {
        let wall = MediaTime::from_system(SystemTime::now()).as_nanos();
        wall as i64 - self.now().as_nanos() as i64
    }

    /// Sleeps until `time`; returns at once if it has passed.
    pub fn sleep_until(self, time: MediaTime) {
        let target = self.monotonic_at(time);
        let request = Timespec { tv_sec: (target / 1_000_000_000) as i64, tv_nsec: (target % 1_000_000_000) as _ };
        // A signal may wake the thread early; sleep on until the instant is there.
        while monotonic_nanos() < target {
            let _ = clock_nanosleep_absolute(ClockId::Monotonic, &request);
        }
    }

    /// How long until `time`, zero if it has passed.
    pub fn until(self, time: MediaTime) -> Duration {
        time.since(self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_clock_is_utc() {
        let clock = HouseClock::start();
        assert!(clock.drift().abs() < 50_000_000, "drift {} ns", clock.drift());
        let later = clock.now() + Duration::from_millis(5);
        clock.sleep_until(later);
        assert!(clock.now() >= later);
        assert_eq!(clock.at_monotonic(clock.monotonic_at(later)), later);
    }
}

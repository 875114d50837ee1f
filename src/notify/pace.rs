//! How long things may take.

use std::time::Duration;

use crate::policy::Backoff;

/// Deadlines and pauses of all lanes.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two attempts.
    pub backoff: Backoff,
    /// For an attempt, from the name to the acknowledgement.
    pub answer: Duration,
    /// A notice that could not be delivered for this long is given up.
    pub keep: Duration,
    /// What comes within this time is one mail.
    pub gather: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        let hour = Duration::from_secs(3600);
        Self {
            backoff: Backoff { first: Duration::from_secs(1), cap: hour / 4, factor: 2.0, jitter: 0.25 },
            answer: Duration::from_secs(15),
            keep: 24 * hour,
            gather: Duration::from_secs(30),
        }
    }
}

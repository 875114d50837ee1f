//! Whether the thread that writes gets answers.
//!
//! ```text
//!  idle ─ a write is begun ─▶ waiting, since then ─ the disk has written, or refused (full, read-only, damaged) ─▶ idle
//!                               └─ no answer, or another connection holds the database ─▶ still waiting
//! ```
//!
//! A refusal is an answer: it is told, it is an alarm, and no new daemon would be better off. What counts as silence is a
//! write that does not come back, and a lock that does not end: those a new daemon may be free of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::model::MediaTime;

/// A write that waits for so long is told as trouble. A disk at its limits takes a second or two.
const TROUBLE: Duration = Duration::from_secs(5);

/// Cheap to clone; all are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Pulse(Arc<Mutex<Writing>>);

#[derive(Debug, Default)]
struct Writing {
    /// Whether the thread is at a write just now.
    at_it: bool,
    /// Since when a write waits; by the clock of the house, too, for people.
    waiting: Option<(Instant, MediaTime)>,
    /// When the last one was answered.
    answered: Option<Instant>,
}

impl Pulse {
    /// A write is begun.
    pub(super) fn begun(&self) {
        let now = (Instant::now(), MediaTime::from_system(SystemTime::now()));
        let mut writing = self.lock();
        writing.at_it = true;
        writing.waiting.get_or_insert(now);
    }

    /// Another connection holds the database: it waits on.
    pub(super) fn held(&self) {
        self.lock().at_it = false;
    }

    /// The disk has written, or refused to.
    pub(super) fn answered(&self) {
        *self.lock() = Writing { at_it: false, waiting: None, answered: Some(Instant::now()) };
    }

    /// For how long a write has been waiting; none if none waits.
    pub(super) fn silence(&self) -> Option<Duration> {
        self.lock().waiting.map(|(since, _)| since.elapsed())
    }

    /// Whether any write was ever answered.
    pub(super) fn has_answered(&self) -> bool {
        self.lock().answered.is_some()
    }

    /// Whether nothing is being written, and nothing was answered within this time.
    pub(super) fn idle_for(&self, time: Duration) -> bool {
        let writing = self.lock();
        !writing.at_it && writing.answered.is_none_or(|answered| answered.elapsed() >= time)
    }

    /// What is to be said of a write that waits.
    pub(super) fn trouble(&self) -> Option<String> {
        let (since, at) = self.lock().waiting?;
        (since.elapsed() > TROUBLE).then(|| format!("the database does not answer: a write waits since {at}"))
    }

    fn lock(&self) -> MutexGuard<'_, Writing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

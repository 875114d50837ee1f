//! When a request's body moved last, for whom silence is a sign.
//!
//! Bytes of a destination as a whole say nothing of that: each new segment is taken by the kernel of a receiver that has
//! stopped, and what is stuck would look alive for as long as there is something new.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

tokio::task_local! {
    static MOTION: Motion;
}

/// See the module's header. Clones are of the same request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Motion(Arc<State>);

#[derive(Debug, Default)]
struct State {
    moved: Mutex<Option<Instant>>,
    waits: AtomicBool,
}

impl Motion {
    /// Does `act` as the request whose motion this is.
    pub(crate) async fn scope<T>(self, act: impl Future<Output = T>) -> T {
        MOTION.scope(self, act).await
    }

    /// Of the request that is made now; of nobody's if there is none.
    pub(crate) fn current() -> Self {
        MOTION.try_with(Clone::clone).unwrap_or_default()
    }

    /// A piece was taken by the connection.
    pub(crate) fn moved(&self) {
        self.0.waits.store(false, Ordering::Relaxed);
        *self.0.moved.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// The next piece waits for its turn.
    pub(crate) fn wait(&self) {
        self.0.waits.store(true, Ordering::Relaxed);
    }

    /// Whether the next piece waits for its turn: that it stands still says nothing.
    pub(crate) fn waits(&self) -> bool {
        self.0.waits.load(Ordering::Relaxed)
    }

    /// Since when a request that was `started` then stands still.
    pub(crate) fn still_since(&self, started: Instant) -> Instant {
        let moved = *self.0.moved.lock().unwrap_or_else(PoisonError::into_inner);
        moved.map_or(started, |at| at.max(started))
    }
}

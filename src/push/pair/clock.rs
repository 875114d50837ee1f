//! Whether something keeps the clock of this box right, as whoever looks at it has told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Right until somebody says otherwise: where nobody can tell, a pair goes by what it sees. Shared by the endpoints of a
/// channel. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct PairClock(Arc<AtomicBool>);

impl PairClock {
    /// How it is now.
    pub fn tell(&self, right: bool) {
        self.0.store(!right, Ordering::Relaxed);
    }

    pub(crate) fn is_wrong(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

//! The companions of a channel, as the program's outlet finds them on each tick.

use std::sync::{Arc, PoisonError, RwLock};

use super::Companion;
use crate::model::{RecordedOf, SourceId};

/// Cheap to clone; all clones are one list.
#[derive(Clone, Default)]
pub struct Companions {
    all: Arc<RwLock<Vec<Arc<Companion>>>>,
}

impl Companions {
    /// One more.
    pub fn add(&self, companion: Arc<Companion>) {
        self.all.write().unwrap_or_else(PoisonError::into_inner).push(companion);
    }

    /// One less: it is offered nothing any more.
    pub fn remove(&self, of: &RecordedOf) {
        self.all.write().unwrap_or_else(PoisonError::into_inner).retain(|one| one.of() != of);
    }

    /// That of the program without graphics.
    pub fn clean(&self) -> Option<Arc<Companion>> {
        self.find(|of| *of == RecordedOf::Clean)
    }

    /// That of a source.
    pub fn of_source(&self, source: &SourceId) -> Option<Arc<Companion>> {
        self.find(|of| matches!(of, RecordedOf::Source(id) if id == source))
    }

    fn find(&self, wanted: impl Fn(&RecordedOf) -> bool) -> Option<Arc<Companion>> {
        let all = self.all.read().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|one| wanted(one.of())).cloned()
    }
}

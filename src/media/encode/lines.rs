//! The video renditions of a running graph: shared by who gives pictures, who watches, and who changes them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::line::Line;
use crate::model::RenditionId;

/// See the module. Cheap to clone; all clones are one list.
#[derive(Clone, Default)]
pub(super) struct Lines {
    all: Arc<RwLock<Vec<Arc<Line>>>>,
    numbers: Arc<AtomicUsize>,
}

impl Lines {
    /// A number for a line, which no other has had.
    pub(super) fn number(&self) -> usize {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn add(&self, lines: impl IntoIterator<Item = Arc<Line>>) {
        self.all.write().unwrap_or_else(PoisonError::into_inner).extend(lines);
    }

    pub(super) fn remove(&self, line: &Arc<Line>) {
        self.all.write().unwrap_or_else(PoisonError::into_inner).retain(|one| !Arc::ptr_eq(one, line));
    }

    /// What does this with each may take its time: the list is free meanwhile.
    pub(super) fn get(&self) -> Vec<Arc<Line>> {
        self.all.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The line of this number.
    pub(super) fn numbered(&self, number: usize) -> Option<Arc<Line>> {
        self.get().into_iter().find(|line| line.number() == number)
    }

    /// The newest line of a rendition.
    pub(super) fn of(&self, rendition: &RenditionId) -> Option<Arc<Line>> {
        self.get().into_iter().rfind(|line| line.id() == rendition)
    }
}

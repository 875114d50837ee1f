//! What was written of the configuration in force: for people who look where a value comes from, and to be kept.

use std::sync::{Arc, PoisonError, RwLock};

use crate::config::{Setting, Texts};

/// Cheap to clone; all clones know the same.
#[derive(Debug, Clone, Default)]
pub struct Written(Arc<RwLock<InForce>>);

#[derive(Debug, Clone, Default)]
struct InForce {
    settings: Arc<[Setting]>,
    files: Arc<Texts>,
}

impl Written {
    /// These are in force now.
    pub(crate) fn put(&self, settings: Arc<[Setting]>, files: Arc<Texts>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = InForce { settings, files };
    }

    /// What is in force.
    pub fn get(&self) -> Arc<[Setting]> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).settings.clone()
    }

    /// The files that it was read from.
    pub fn files(&self) -> Arc<Texts> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).files.clone()
    }
}

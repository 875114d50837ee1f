//! What was written of the configuration in force: for people who look where a value comes from.

use std::sync::{Arc, PoisonError, RwLock};

use crate::config::Setting;

/// Cheap to clone; all clones know the same.
#[derive(Debug, Clone, Default)]
pub struct Written(Arc<RwLock<Arc<[Setting]>>>);

impl Written {
    /// These are in force now.
    pub(crate) fn put(&self, settings: Arc<[Setting]>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// What is in force.
    pub fn get(&self) -> Arc<[Setting]> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

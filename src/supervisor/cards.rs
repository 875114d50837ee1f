//! Which card of the hardware profiles a driver belongs to: for people who look at a list of devices.

use std::sync::{Arc, PoisonError, RwLock};

use crate::profile::Profiles;

/// Cheap to clone; all clones know the same.
#[derive(Debug, Clone, Default)]
pub struct Cards(Arc<RwLock<Profiles>>);

impl Cards {
    /// These profiles are in force now.
    pub fn learn(&self, profiles: &Profiles) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = profiles.clone();
    }

    /// The name of the card with this driver.
    pub fn name(&self, driver: &str) -> Option<String> {
        let profiles = self.0.read().unwrap_or_else(PoisonError::into_inner);
        profiles.card_for_driver(driver).map(|card| card.name.clone())
    }
}

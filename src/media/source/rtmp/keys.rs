//! The stream keys of one source, exchanged while it is open.

use std::sync::{Arc, Mutex, PoisonError};

use subtle::{Choice, ConstantTimeEq};

use crate::model::Secret;

/// Any of them admits.
pub(in crate::media::source) struct StreamKeys(Mutex<Vec<Secret>>);

impl StreamKeys {
    pub(super) fn new(keys: Vec<Secret>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(keys)))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Vec<Secret>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether `key` admits. Takes as long for a wrong one as for a right one.
    pub(super) fn fits(&self, key: &str) -> bool {
        let equal = |known: &Secret| known.reveal().as_bytes().ct_eq(key.as_bytes());
        self.known().iter().fold(Choice::from(0), |any, known| any | equal(known)).into()
    }

    /// Only these admit from now on.
    pub(in crate::media::source) fn exchange(&self, keys: Vec<Secret>) {
        *self.known() = keys;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exchanged_keys_admit_and_those_before_do_not() {
        let keys = StreamKeys::new(vec![Secret::new("first-key"), Secret::new("second-key")]);
        assert!(keys.fits("first-key") && keys.fits("second-key") && !keys.fits("third-key") && !keys.fits(""));
        keys.exchange(vec![Secret::new("third-key"), Secret::new("second-key")]);
        assert!(!keys.fits("first-key") && keys.fits("second-key") && keys.fits("third-key"));
        keys.exchange(Vec::new());
        assert!(!keys.fits("third-key") && !keys.fits(""));
    }
}

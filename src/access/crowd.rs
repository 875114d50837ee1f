//! Passwords that are being looked at, by address: whoever sends many at once is turned away, and not those behind it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::caller::Via;
use super::limits::place;

/// At once from one address; people behind one proxy are few enough, and quick enough.
const MOST: usize = 8;

/// See the module; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Crowd(Arc<Mutex<HashMap<String, usize>>>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub(super) struct One {
    crowd: Crowd,
    place: String,
}

impl Crowd {
    /// None if there are enough from there.
    pub(super) fn enter(&self, via: &Via) -> Option<One> {
        let place = place(via);
        let mut places = self.locked();
        let count = places.entry(place.clone()).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(One { crowd: self.clone(), place })
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for One {
    fn drop(&mut self) {
        let mut places = self.crowd.locked();
        if let Some(count) = places.get_mut(&self.place) {
            *count -= 1;
            if *count == 0 {
                places.remove(&self.place);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::caller::Peer;
    use super::*;

    #[test]
    fn a_crowd_from_one_address_keeps_nobody_else_out_and_leaves_nothing_behind() {
        let from = |ip: &str| Via { peer: Peer::Network(ip.parse().unwrap()), encrypted: true };
        let (crowd, here) = (Crowd::default(), from("192.0.2.7"));
        let mut inside: Vec<One> = (0..MOST).map(|_| crowd.enter(&here).unwrap()).collect();
        assert!(crowd.enter(&here).is_none());
        assert!(crowd.enter(&from("192.0.2.8")).is_some());
        inside.pop();
        inside.push(crowd.enter(&here).unwrap());
        assert!(crowd.enter(&here).is_none());
        drop(inside);
        assert!(crowd.locked().is_empty());
    }
}

//! Who watches: so many at once, each for as long as it is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::model::RenditionId;

/// At once on one channel: a control room, and not the audience.
const MOST: usize = 8;
/// A session that nobody has kept for so long ends.
const KEPT: Duration = Duration::from_secs(20);

/// The places of a channel.
#[derive(Default)]
pub(super) struct Places(Mutex<BTreeMap<String, Taken>>);

struct Taken {
    /// What is watched.
    rendition: RenditionId,
    kept: Instant,
}

/// All places are taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full(pub(super) usize);

impl Places {
    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Taken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place to watch this.
    pub(super) fn take(self: &Arc<Self>, rendition: &RenditionId, now: Instant) -> Result<Place, Full> {
        let mut all = self.all();
        if all.len() >= MOST {
            return Err(Full(MOST));
        }
        let name = format!("{:032x}", fastrand::u128(..));
        all.insert(name.clone(), Taken { rendition: rendition.clone(), kept: now });
        Ok(Place { name, of: Arc::downgrade(self) })
    }

    /// Whether there was such a session.
    pub(super) fn keep(&self, name: &str, now: Instant) -> bool {
        self.all().get_mut(name).map(|taken| taken.kept = now).is_some()
    }

    /// The same; it ends soon.
    pub(super) fn leave(&self, name: &str) -> bool {
        self.all().remove(name).is_some()
    }

    /// Those who watch something else end soon.
    pub(super) fn retain(&self, watchable: impl Fn(&RenditionId) -> bool) {
        self.all().retain(|_, taken| watchable(&taken.rendition));
    }
}

/// The place of one session; free again when it is dropped.
pub(super) struct Place {
    name: String,
    of: Weak<Places>,
}

impl Place {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Why the session shall end, if it shall.
    pub(super) fn over(&self, now: Instant) -> Option<&'static str> {
        let Some(places) = self.of.upgrade() else { return Some("the channel goes off air") };
        match places.all().get(&self.name) {
            None => Some("it was ended"),
            Some(taken) if now.saturating_duration_since(taken.kept) > KEPT => Some("nobody has kept it"),
            Some(_) => None,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(places) = self.of.upgrade() {
            places.leave(&self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> RenditionId {
        RenditionId::new(name).unwrap()
    }

    #[test]
    fn there_are_so_many_places_and_they_become_free() {
        let (places, now) = (Arc::new(Places::default()), Instant::now());
        let mut taken: Vec<Place> = (0..MOST).map(|_| places.take(&id("v"), now).unwrap()).collect();
        assert_eq!(places.take(&id("v"), now).err(), Some(Full(MOST)));
        taken.pop();
        let last = places.take(&id("v"), now).unwrap();
        assert!(places.leave(last.name()) && !places.leave(last.name()));
        assert_eq!(last.over(now), Some("it was ended"));
        let next = places.take(&id("w"), now).unwrap();
        drop(last);
        assert_eq!(next.over(now), None, "a place is its own");
        places.retain(|rendition| *rendition == id("w"));
        assert!(taken.iter().all(|place| place.over(now) == Some("it was ended")));
        assert_eq!(next.over(now), None);
        drop(places);
        assert_eq!(next.over(now), Some("the channel goes off air"));
    }

    #[test]
    fn who_is_not_kept_ends() {
        let (places, now) = (Arc::new(Places::default()), Instant::now());
        let place = places.take(&id("v"), now).unwrap();
        let later = now + KEPT + Duration::from_secs(1);
        assert_eq!((place.over(now + KEPT), place.over(later)), (None, Some("nobody has kept it")));
        assert!(places.keep(place.name(), later) && !places.keep("another", later));
        assert_eq!(place.over(later), None);
    }
}

//! The shelf of keys that players can have, and how one comes there: asked for once, however many requests wait for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::KeyTrouble;
use super::key::{ContentKey, KeyId};
use super::source::Source;

/// A source that fails is asked again no sooner. Requests that come meanwhile fail at once, for the same reason.
const AGAIN: Duration = Duration::from_secs(1);
/// So many keys are kept at hand; others are made or asked for again.
const SHELF: usize = 2048;

/// See the module's header.
#[derive(Debug)]
pub(crate) struct Keeper {
    source: Source,
    shelf: Mutex<BTreeMap<u64, Arc<ContentKey>>>,
    /// One at a time.
    turn: tokio::sync::Mutex<()>,
    failed: Mutex<Option<(Instant, KeyTrouble)>>,
    preparing: Mutex<BTreeSet<u64>>,
    generation: AtomicU64,
}

impl Keeper {
    /// An empty shelf.
    pub(super) fn new(source: Source) -> Self {
        Self {
            source,
            shelf: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            failed: Mutex::default(),
            preparing: Mutex::default(),
            generation: AtomicU64::new(0),
        }
    }

    /// What the key of `period` is called.
    pub(super) fn key_id(&self, period: u64) -> KeyId {
        self.source.key_id(period)
    }

    /// The key of `period`, if players can have it.
    pub(super) fn known(&self, period: u64) -> Option<Arc<ContentKey>> {
        lock(&self.shelf).get(&period).cloned()
    }

    /// The key of `period`, as soon as players can have it.
    pub(super) async fn key(&self, period: u64) -> Result<Arc<ContentKey>, KeyTrouble> {
        if let Some(key) = self.known(period) {
            return Ok(key);
        }
        let _turn = self.turn.lock().await;
        // Somebody else may have seen to it meanwhile, or have failed.
        if let Some(key) = self.known(period) {
            return Ok(key);
        }
        if let Some((at, trouble)) = lock(&self.failed).clone()
            && at.elapsed() < AGAIN
        {
            return Err(trouble);
        }
        match self.source.fetch(period).await {
            Ok(key) => Ok(self.shelve(period, Arc::new(key))),
            Err(trouble) => {
                *lock(&self.failed) = Some((Instant::now(), trouble.clone()));
                Err(trouble)
            }
        }
    }

    /// Sees to the key of `period` beside everything else.
    pub(super) fn prepare(self: &Arc<Self>, period: u64) {
        if self.known(period).is_some() || !lock(&self.preparing).insert(period) {
            return;
        }
        let keeper = self.clone();
        tokio::spawn(async move {
            // Whoever needs it hears why there is none; it is tried again when it is asked for again.
            let _ = keeper.key(period).await;
            lock(&keeper.preparing).remove(&period);
        });
    }

    /// Grows with each key that comes.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Why the last attempt failed, if it did.
    pub(super) fn trouble(&self) -> Option<KeyTrouble> {
        lock(&self.failed).as_ref().map(|(_, trouble)| trouble.clone())
    }

    fn shelve(&self, period: u64, key: Arc<ContentKey>) -> Arc<ContentKey> {
        *lock(&self.failed) = None;
        let mut shelf = lock(&self.shelf);
        shelf.insert(period, key.clone());
        while shelf.len() > SHELF {
            // The oldest, unless that is the one which has just been wanted: then the one after it.
            let oldest = shelf.keys().copied().find(|of| *of != period);
            oldest.map(|oldest| shelf.remove(&oldest));
        }
        drop(shelf);
        self.generation.fetch_add(1, Ordering::Release);
        key
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::protect::source::Script;

    fn keeper(script: impl Fn(u32) -> Result<(), KeyTrouble> + Send + Sync + 'static) -> Arc<Keeper> {
        Arc::new(Keeper::new(Source::Script(Script::new(script))))
    }

    #[tokio::test]
    async fn many_who_wait_are_one_question() {
        let keeper = keeper(|_| Ok(()));
        let keys = futures::future::join_all((0..20).map(|_| keeper.key(7))).await;
        assert!(keys.iter().all(|key| key.as_ref().is_ok_and(|key| key.id == keeper.key_id(7))));
        assert_eq!((keeper.source.asked(), keeper.generation()), (1, 1));
    }

    #[tokio::test]
    async fn a_source_that_fails_is_left_alone_for_a_while() {
        let keeper = keeper(|n| if n == 1 { Err(KeyTrouble::away("away")) } else { Ok(()) });
        for _ in 0..5 {
            assert_eq!(keeper.key(1).await.unwrap_err(), KeyTrouble::away("away"));
        }
        assert_eq!((keeper.source.asked(), keeper.trouble()), (1, Some(KeyTrouble::away("away"))));
        let end = Instant::now() + Duration::from_secs(20);
        while keeper.key(1).await.is_err() {
            assert!(Instant::now() < end, "it is never asked again");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!((keeper.source.asked(), keeper.trouble()), (2, None));
    }

    #[tokio::test]
    async fn the_shelf_does_not_grow_for_ever() {
        let keeper = keeper(|_| Ok(()));
        for period in (0..SHELF as u64 + 20).chain([3]) {
            keeper.key(period).await.unwrap();
        }
        assert_eq!(lock(&keeper.shelf).len(), SHELF);
        assert!(keeper.known(3).is_some() && keeper.known(SHELF as u64 + 19).is_some());
    }
}

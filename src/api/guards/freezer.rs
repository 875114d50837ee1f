//! The freeze that is in force: kept by the store, so that it outlives the daemon, and over by itself when its time is up.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use crate::model::{ChannelId, Event, EventCode, Fault, Freeze, MediaTime, Severity};
use crate::store::{Pages, Store};

/// How often is looked whether its time is up: nobody waits for it.
const EVERY: Duration = Duration::from_secs(1);
/// The book in the store, and its only page.
const BOOK: &str = "freeze";

/// Cheap to clone; all are one.
#[derive(Clone)]
pub struct Freezer {
    inner: Arc<Inner>,
}

struct Inner {
    store: Option<Store>,
    tell: Box<dyn Fn(Event) + Send + Sync>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    freeze: Option<Freeze>,
    /// What was kept is known, or somebody has said something newer.
    restored: bool,
}

impl Freezer {
    /// Kept by `store`; what happens is said to `tell`.
    pub fn kept_by(store: Store, tell: Box<dyn Fn(Event) + Send + Sync>) -> Self {
        Self { inner: Arc::new(Inner { store: Some(store), tell, state: Mutex::default() }) }
    }

    /// Kept by nobody, and nobody is told.
    pub fn idle() -> Self {
        Self { inner: Arc::new(Inner { store: None, tell: Box::new(|_| {}), state: Mutex::default() }) }
    }

    /// The freeze in force.
    pub fn in_force(&self) -> Option<Freeze> {
        self.at(now())
    }

    pub(super) fn at(&self, now: MediaTime) -> Option<Freeze> {
        let mut state = self.lock();
        self.restore(&mut state);
        let over = state.freeze.take_if(|freeze| !freeze.lasts(now));
        let freeze = state.freeze.clone();
        if over.is_some() {
            self.keep(&state);
        }
        drop(state);
        if let Some(over) = over {
            let text = format!("the freeze is over, its time is up ({})", over.reason);
            self.tell(Severity::Info, EventCode::FreezeEnded, text, &over);
        }
        freeze
    }

    /// The freeze in force, if it covers something that touches these channels.
    pub(super) fn covering(&self, touched: &[ChannelId]) -> Option<Freeze> {
        self.in_force().filter(|freeze| freeze.covers(touched))
    }

    /// Freezes. False if it was so already.
    pub(in crate::api) fn begin(&self, freeze: Freeze) -> bool {
        let mut state = self.lock();
        state.restored = true;
        let same = |old: &Freeze| Freeze { since: freeze.since, ..old.clone() } == freeze;
        if state.freeze.as_ref().is_some_and(same) {
            return false;
        }
        state.freeze = Some(freeze.clone());
        self.keep(&state);
        drop(state);
        self.tell(Severity::Info, EventCode::FreezeBegan, freeze.to_string(), &freeze);
        true
    }

    /// Ends it; gives what was frozen.
    pub(super) fn end(&self, by: Option<&str>) -> Option<Freeze> {
        let ended = self.in_force()?;
        let mut state = self.lock();
        state.freeze = None;
        self.keep(&state);
        drop(state);
        let text =
            format!("the freeze was ended{} ({})", by.map(|by| format!(" by {by}")).unwrap_or_default(), ended.reason);
        self.tell(Severity::Info, EventCode::FreezeEnded, text, &ended);
        Some(ended)
    }

    /// Waits, not long, until it is on the disk.
    pub(super) async fn settled(&self) {
        if let Some(store) = &self.inner.store {
            store.flush().await;
        }
    }

    /// Somebody has broken the glass.
    pub(super) fn broken(&self, freeze: &Freeze, by: Option<&str>, what: &str, reason: &str) {
        let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
        let text = format!("the freeze ({}) was overridden{by}: {what}; reason: {reason}", freeze.reason);
        self.tell(Severity::Warning, EventCode::FreezeOverridden, text, freeze);
    }

    /// Something that nobody waits for an answer of was not done.
    pub fn held(&self, freeze: &Freeze, what: &str) {
        let text = format!("{what} was not done: {freeze}");
        let event = Event::new(now(), Severity::Warning, EventCode::FreezeHeld, text);
        let hint = "wait until the freeze is over, end it (`uplinkctl unfreeze`), or override it with a reason";
        (self.inner.tell)(event.blame(Fault::Configuration, hint));
    }

    /// Tells when its time is up, for ever.
    pub async fn watch(self) {
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tick.tick().await;
            self.in_force();
        }
    }

    fn restore(&self, state: &mut State) {
        let Some(store) = self.inner.store.as_ref().filter(|_| !state.restored) else { return };
        // None while the database cannot be read: then nobody knows of a freeze, and it is asked again.
        if let Some(pages) = store.take_book(BOOK) {
            state.restored = true;
            state.freeze = pages.get(BOOK).and_then(|page| serde_json::from_str(page).ok());
        }
    }

    fn keep(&self, state: &State) {
        if let Some(store) = &self.inner.store {
            let page = state.freeze.as_ref().and_then(|freeze| serde_json::to_string(freeze).ok());
            store.keep_book(BOOK, page.into_iter().map(|page| (BOOK.to_owned(), page)).collect::<Pages>());
        }
    }

    /// The lock is let go before anybody hears of it.
    fn tell(&self, severity: Severity, code: EventCode, text: String, freeze: &Freeze) {
        let event = Event::new(now(), severity, code, text);
        (self.inner.tell)(match freeze.channels.as_slice() {
            [only] => event.channel(only),
            _ => event,
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Freezer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Freezer").finish_non_exhaustive()
    }
}

pub(super) fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn freeze(until: Option<MediaTime>) -> Freeze {
        Freeze { since: now(), until, by: Some("ada".into()), reason: "Cup final".into(), channels: Vec::new() }
    }

    fn kept(path: &std::path::Path) -> (Freezer, Store, mpsc::Receiver<Event>) {
        let (store, _) = Store::open(path, |_| {});
        let (tell, told) = mpsc::channel();
        (Freezer::kept_by(store.clone(), Box::new(move |event| drop(tell.send(event)))), store, told)
    }

    #[tokio::test]
    async fn a_freeze_outlives_the_daemon() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("uplink.db");
        let (freezer, store, told) = kept(&path);
        assert_eq!(freezer.in_force(), None);
        let wanted = freeze(None);
        assert!(freezer.begin(wanted.clone()));
        assert!(!freezer.begin(Freeze { since: now(), ..wanted.clone() }), "it was so already, since the first time");
        assert_eq!(told.try_iter().map(|event| event.code).collect::<Vec<_>>(), [EventCode::FreezeBegan]);
        store.flush().await;
        drop((freezer, store));
        let (freezer, store, told) = kept(&path);
        assert_eq!(freezer.in_force(), Some(wanted));
        assert!(told.try_recv().is_err(), "it is no news");
        assert!(freezer.end(Some("ben")).is_some() && freezer.end(None).is_none());
        assert!(told.try_recv().unwrap().text.contains("ended by ben"));
        store.flush().await;
        drop((freezer, store));
        assert_eq!(kept(&path).0.in_force(), None);
    }

    #[test]
    fn it_is_over_when_its_time_is_up_and_that_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let (freezer, _store, told) = kept(&dir.path().join("uplink.db"));
        let until = now() + Duration::from_secs(600);
        freezer.begin(freeze(Some(until)));
        assert!(freezer.at(until + Duration::from_secs(1)).is_none());
        assert!(freezer.at(until).is_none(), "it does not come back");
        let codes: Vec<_> = told.try_iter().map(|event| event.code).collect();
        assert_eq!(codes, [EventCode::FreezeBegan, EventCode::FreezeEnded]);
    }
}

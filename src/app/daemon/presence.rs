//! That a daemon was there. A mark in the store says until when, so that the next daemon can say of what time nothing was
//! written down.
//!
//! ```text
//! start ─ mark of the one before ─▶ daemon_absent, since its last sign of life
//!   └─▶ a mark every ten seconds … end ─▶ the last mark, with the word that it was in order
//! ```

use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::access::Access;
use crate::model::{Event, EventCode, MediaTime, Severity};
use crate::store::{Found, Pages, Span, Store};

/// A gap seems longer than it was by up to this.
const EVERY: Duration = Duration::from_secs(10);

/// The book in the store, and its pages.
const BOOK: &str = "presence";
const ALIVE: &str = "alive";
const ENDED: &str = "ended";

/// Keeps the mark; see the module.
pub(super) struct Presence {
    store: Store,
    end: oneshot::Sender<()>,
    keeping: JoinHandle<()>,
}

impl Presence {
    /// Says to `tell` since when no daemon was there, and marks from now on that one is. To be called before anything of
    /// this run is written down.
    pub(super) async fn begin(store: &Store, access: &Access, tell: UnboundedSender<Event>) -> Self {
        let begun = now();
        let newest = newest(store, access, begun).await;
        let (end, ending) = oneshot::channel();
        let keeping = tokio::spawn(keep(store.clone(), ending, move |before| {
            absence(before, newest, begun).into_iter().for_each(|event| drop(tell.send(event)));
        }));
        Self { store: store.clone(), end, keeping }
    }

    /// It ends in order. To be called when all else is written down.
    pub(super) async fn end(self) {
        let _ = self.end.send(());
        let _ = self.keeping.await;
        self.store.flush().await;
    }
}

/// Marks until the end, and tells `found` once what mark there was before. Nothing is marked while that cannot be read: it
/// would be lost.
async fn keep(store: Store, mut ending: oneshot::Receiver<()>, found: impl FnOnce(Mark)) {
    let mut found = Some(found);
    let mut tick = tokio::time::interval(EVERY);
    loop {
        let ended = tokio::select! {
            _ = tick.tick() => false,
            in_order = &mut ending => match in_order {
                Ok(()) => true,
                Err(_) => return,
            },
        };
        if found.is_some()
            && let Some(book) = store.take_book(BOOK)
            && let Some(found) = found.take()
        {
            found(Mark::read(&book));
        }
        if found.is_none() {
            store.keep_book(BOOK, Mark { alive: Some(now()), ended }.written());
        }
        if ended {
            return;
        }
    }
}

/// When something was written down last before `begun`.
async fn newest(store: &Store, access: &Access, begun: MediaTime) -> Option<MediaTime> {
    let span = Span { from: MediaTime::default(), before: (begun, 0), most: 1 };
    let first = |found: Found<()>| found.entries.first().map(|((at, _), ())| *at);
    let told = store.as_run(span, |_| Some(())).await.ok().and_then(first);
    let asked = access.acts(span, |_| Some(())).await.ok().and_then(first);
    told.max(asked)
}

/// The mark as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    alive: Option<MediaTime>,
    ended: bool,
}

impl Mark {
    fn read(book: &Pages) -> Self {
        let alive = book.get(ALIVE).and_then(|nanos| nanos.parse().ok()).map(MediaTime::from_nanos);
        Self { alive, ended: book.contains_key(ENDED) }
    }

    fn written(self) -> Pages {
        let alive = self.alive.map(|at| (ALIVE.to_owned(), at.as_nanos().to_string()));
        let ended = self.ended.then(|| (ENDED.to_owned(), "in order".to_owned()));
        alive.into_iter().chain(ended).collect()
    }
}

/// What is said of the time before `begun`; nothing on a box that is new.
fn absence(before: Mark, newest: Option<MediaTime>, begun: MediaTime) -> Option<Event> {
    let since = before.alive.max(newest).filter(|since| *since < begun)?;
    // One that keeps no mark was there after it.
    let by_another = before.alive.is_none_or(|alive| newest.is_some_and(|newest| newest.since(alive) > 2 * EVERY));
    let (severity, how) = match before.ended {
        _ if by_another => (Severity::Info, "the version before has left no word of its end"),
        true => (Severity::Info, "it was stopped in order"),
        false => (Severity::Warning, "it was not stopped in order: it was killed, or the power was cut"),
    };
    let seconds = begun.since(since).as_secs_f64();
    let text = format!("no daemon was there from {since} to {begun}, {seconds:.1} s: {how}");
    let hint = "channels go on without a daemon; what their workers have seen meanwhile is told when they are taken over";
    let event = Event::new(begun, severity, EventCode::DaemonAbsent, text).since(since);
    Some(Event { hint: Some(hint.to_owned()), ..event })
}

fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(alive: u64, ended: bool) -> Mark {
        Mark { alive: Some(MediaTime::from_secs(alive)), ended }
    }

    fn said(before: Mark, newest: Option<u64>) -> Option<(Severity, Option<MediaTime>, String)> {
        let event = absence(before, newest.map(MediaTime::from_secs), MediaTime::from_secs(1000))?;
        Some((event.severity, event.since, event.text))
    }

    #[test]
    fn a_gap_begins_with_the_last_sign_of_life_and_says_how_it_came() {
        let none = Mark { alive: None, ended: false };
        assert_eq!(said(none, None), None, "a new box has no gap");
        let (severity, since, text) = said(mark(900, true), Some(880)).unwrap();
        assert_eq!((severity, since), (Severity::Info, Some(MediaTime::from_secs(900))));
        assert!(text.contains("100.0 s: it was stopped in order"), "{text}");
        let (severity, since, text) = said(mark(900, false), Some(906)).unwrap();
        assert_eq!((severity, since), (Severity::Warning, Some(MediaTime::from_secs(906))));
        assert!(text.contains("killed, or the power was cut"), "{text}");
        // A version that keeps no mark ran after the one that did, or before it.
        for (before, newest) in [(mark(900, true), 950), (none, 950)] {
            let (severity, since, text) = said(before, Some(newest)).unwrap();
            assert_eq!((severity, since), (Severity::Info, Some(MediaTime::from_secs(950))));
            assert!(text.contains("no word of its end"), "{text}");
        }
        assert_eq!(said(mark(2000, false), None), None, "a clock that was put back names no gap");
    }

    #[tokio::test]
    async fn the_mark_says_whether_the_one_before_has_ended_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("uplink.db");
        let mut said = Vec::new();
        for in_order in [true, false, true] {
            let (store, _) = Store::open(&path, |_| {});
            let (end, ending) = oneshot::channel();
            let (found, mark) = oneshot::channel();
            let keeping = tokio::spawn(keep(store.clone(), ending, |before| found.send(before).unwrap()));
            let before = mark.await.unwrap();
            said.push((before.alive.is_some(), before.ended));
            match in_order {
                true => end.send(()).unwrap(),
                false => drop(end),
            }
            keeping.await.unwrap();
            store.flush().await;
        }
        assert_eq!(said, [(false, false), (true, true), (true, false)]);
    }
}

//! The ring of recent events. One task fills it; each client of the event stream reads on from its own place, so a slow
//! client holds nothing back: it finds its place gone and is told so.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::model::{EventCode, Severity};
use crate::supervisor::StampedEvent;

/// Events held for clients that come back: hours of an ordinary day, about a megabyte.
pub(crate) const HELD: usize = 2_000;

type Entry = Arc<StampedEvent>;

/// The place is no longer held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone {
    /// The oldest event that is held.
    pub(crate) oldest: u64,
}

#[derive(Default)]
struct Ring {
    entries: VecDeque<Entry>,
    /// Everything after this number and up to `newest` is held.
    gone: u64,
    newest: u64,
    /// What was gone when the first event came in: it was never meant for a client of this journal.
    before: u64,
    counts: BTreeMap<(EventCode, Severity), u64>,
    missed: u64,
}

impl Ring {
    fn push(&mut self, entry: Entry) {
        if entry.seq != self.newest + 1 {
            self.gone = entry.seq.saturating_sub(1);
            match self.newest {
                0 => self.before = self.gone,
                newest => self.missed += self.gone.saturating_sub(newest),
            }
            self.entries.clear();
        }
        self.newest = entry.seq;
        *self.counts.entry((entry.event.code, entry.event.severity)).or_default() += 1;
        self.entries.push_back(entry);
        if self.entries.len() > HELD {
            self.gone = self.entries.pop_front().map_or(self.newest, |first| first.seq);
        }
    }
}

/// See the module.
pub(crate) struct Journal {
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
}

impl Journal {
    /// Records what comes in until `closing`.
    pub(crate) fn record(events: broadcast::Receiver<Entry>, closing: CancellationToken) -> Arc<Self> {
        let journal = Arc::new(Self { ring: Mutex::default(), newest: watch::Sender::new(0) });
        let recorder = Arc::clone(&journal);
        tokio::spawn(closing.run_until_cancelled_owned(async move { recorder.run(events).await }));
        journal
    }

    async fn run(&self, mut events: broadcast::Receiver<Entry>) {
        loop {
            match events.recv().await {
                Ok(entry) => self.push(entry),
                // The next event shows the hole by its number.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn push(&self, entry: Entry) {
        let seq = entry.seq;
        self.read(|ring| ring.push(entry));
        self.newest.send_replace(seq);
    }

    /// Short and without a wait; a poisoned lock holds a ring that is whole all the same.
    fn read<T>(&self, f: impl FnOnce(&mut Ring) -> T) -> T {
        f(&mut self.ring.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wakes when there is something newer.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Everything after `place`, oldest first; 0 is the place of before the first event.
    pub(crate) fn after(&self, place: u64) -> Result<Vec<Entry>, Gone> {
        self.read(|ring| {
            let first = place == 0 && ring.gone == ring.before;
            if (place < ring.gone && !first) || place > ring.newest {
                return Err(Gone { oldest: ring.gone + 1 });
            }
            Ok(ring.entries.iter().skip_while(|entry| entry.seq <= place).cloned().collect())
        })
    }

    /// Every event that is held, newest first.
    pub(crate) fn newest_first(&self) -> Vec<Entry> {
        self.read(|ring| ring.entries.iter().rev().cloned().collect())
    }

    /// The oldest and the newest number that are held.
    pub(crate) fn span(&self) -> (u64, u64) {
        self.read(|ring| (ring.gone + 1, ring.newest))
    }

    /// How often each event was seen, and how many were never seen.
    pub(crate) fn counts(&self) -> (BTreeMap<(EventCode, Severity), u64>, u64) {
        self.read(|ring| (ring.counts.clone(), ring.missed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Event, MediaTime};

    fn journal() -> Journal {
        Journal { ring: Mutex::default(), newest: watch::Sender::new(0) }
    }

    fn entry(seq: u64) -> Entry {
        let event = Event::new(MediaTime::from_secs(seq), Severity::Info, EventCode::SlateOn, "slate");
        Arc::new(StampedEvent { seq, event })
    }

    fn numbers(entries: Vec<Entry>) -> Vec<u64> {
        entries.iter().map(|entry| entry.seq).collect()
    }

    #[test]
    fn reads_on_from_a_place() {
        let journal = journal();
        (1..=5).for_each(|seq| journal.push(entry(seq)));
        assert_eq!(numbers(journal.after(3).unwrap()), [4, 5]);
        assert_eq!(numbers(journal.after(5).unwrap()), [0u64; 0]);
        assert_eq!(journal.after(6), Err(Gone { oldest: 1 }), "a place of another run");
        assert_eq!(numbers(journal.newest_first()), [5, 4, 3, 2, 1]);
    }

    #[test]
    fn the_contract_says_how_many_are_held() {
        assert!(crate::api::contract().contains(&format!("holds the newest {HELD} events")));
    }

    #[test]
    fn forgets_the_oldest_and_says_so() {
        let journal = journal();
        (1..=HELD as u64 + 10).for_each(|seq| journal.push(entry(seq)));
        assert_eq!(journal.after(9), Err(Gone { oldest: 11 }));
        assert_eq!(journal.after(10).unwrap().len(), HELD);
        assert_eq!(journal.span(), (11, HELD as u64 + 10));
    }

    #[test]
    fn whoever_came_before_the_first_event_misses_nothing() {
        let journal = journal();
        assert_eq!(numbers(journal.after(0).unwrap()), [0u64; 0]);
        journal.push(entry(7));
        assert_eq!(numbers(journal.after(0).unwrap()), [7]);
        assert_eq!(journal.counts().1, 0);
    }

    #[test]
    fn a_hole_is_never_bridged_silently() {
        let journal = journal();
        [1, 2, 6].into_iter().for_each(|seq| journal.push(entry(seq)));
        assert_eq!(journal.after(2), Err(Gone { oldest: 6 }));
        assert_eq!(numbers(journal.after(5).unwrap()), [6]);
        assert_eq!(journal.counts().1, 3);
    }
}

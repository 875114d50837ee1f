//! SQLite: orders, as-run log, the ledger of what delivery costs, books of others; apart from those, users and the audit log.
//!
//! Owns: `<state>/uplink.db` and `<state>/access.db`, and the threads that write them. Must not: keep a channel waiting,
//! or matter so much that one goes off air: what cannot be written is told, counted and tried again, what cannot be read
//! is moved aside.
//!
//! ```text
//!  save, append ─▶ queue (bounded) ─▶ thread ─▶ database
//!                                       │ fails            told once; every later job tries again
//!                                       │ corrupt          moved aside as uplink.db.corrupt-<time>, begun anew
//!                                       │ does not answer  told; `silence` says for how long (`pulse.rs`)
//! ```
//!
//! The ledger is pages of text by name; what is on them is the business of whoever keeps it. They are turned all together
//! or not at all.

mod accounts;
mod books;
mod database;
mod outline;
mod past;
mod pulse;
mod thread;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::model::status::{ChannelOrder, ProgramOrder};
use crate::model::{ChannelId, Event, LiveSettings};

use books::Books;
pub use outline::outline;
use past::{AS_RUN, Reader};
pub use past::{Found, Row, Span, Unread};
use pulse::Pulse;
use thread::{Job, Keeper, Ledger, Said};

pub use accounts::{AccountChange, AccountKey, AccountPages, Accounts, AccountsError, Entries};

/// Jobs that may wait for the disk; more are lost, and counted.
const QUEUE: usize = 1024;
/// How long an orderly end waits for the last write.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// What somebody asked of a channel, as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Orders {
    /// On air or off.
    pub channel: ChannelOrder,
    /// What the program shall show.
    pub program: ProgramOrder,
    /// What operators have set.
    pub live: LiveSettings,
}

/// Orders by channel.
pub type SavedOrders = BTreeMap<ChannelId, Orders>;

/// The ledger: texts by name.
pub type Pages = BTreeMap<String, String>;

/// The store; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    jobs: SyncSender<Job>,
    trouble: Arc<Mutex<Option<String>>>,
    found: Arc<Mutex<Ledger>>,
    library: books::Found,
    lost: Arc<Mutex<u64>>,
    pulse: Pulse,
    log: Reader,
}

impl Store {
    /// Opens, or creates, the database at `path`, and returns the orders kept in it. Never fails: a database that cannot
    /// be used is told to `notice` and shows in [`Store::trouble`].
    pub fn open(path: &Path, notice: impl Fn(Event) + Send + 'static) -> (Self, SavedOrders) {
        let (jobs, queue) = sync_channel(QUEUE);
        let trouble: Arc<Mutex<Option<String>>> = Arc::default();
        let found: Arc<Mutex<Ledger>> = Arc::default();
        let library = books::Found::default();
        let pulse = Pulse::default();
        let said = Said { trouble: trouble.clone(), pulse: pulse.clone(), notice: Box::new(notice) };
        let mut keeper = Keeper::new(path.to_owned(), found.clone(), Books::new(library.clone()), said);
        let orders = keeper.open();
        let name = "store".to_owned();
        if let Err(error) = std::thread::Builder::new().name(name).spawn(move || keeper.run(&queue)) {
            *trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("no thread for it: {error}"));
        }
        let log = Reader::new(path, AS_RUN);
        (Self { jobs, trouble, found, library, lost: Arc::default(), pulse, log }, orders)
    }

    /// Keeps the orders of `channel`. Returns at once.
    pub fn save(&self, channel: &ChannelId, orders: Orders) {
        self.put(Job::Save(channel.clone(), Box::new(orders)));
    }

    /// Appends to the as-run log. Returns at once.
    pub fn append(&self, event: &Event) {
        self.put(Job::Append(Box::new(event.clone())));
    }

    /// The ledger as it was kept, once. None while the database cannot be read (it is tried again then), and after the first
    /// time.
    pub fn take_ledger(&self) -> Option<Pages> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *found, Ledger::Taken) {
            Ledger::Pages(pages) => Some(pages),
            Ledger::Taken => None,
            Ledger::Nothing => {
                *found = Ledger::Nothing;
                drop(found);
                self.put(Job::Find);
                None
            }
        }
    }

    /// Keeps the ledger so. To be called by who has taken it. Returns at once.
    pub fn keep_ledger(&self, pages: Pages) {
        self.put(Job::Turn(pages));
    }

    /// The book `title` as it was kept, the first time; empty if it is new. None while the database cannot be read: it is
    /// tried again then.
    pub fn take_book(&self, title: &str) -> Option<Pages> {
        let mut library = self.library.lock().unwrap_or_else(PoisonError::into_inner);
        let found = library.as_mut().map(|library| library.remove(title).unwrap_or_default());
        drop(library);
        if found.is_none() {
            self.put(Job::Find);
        }
        found
    }

    /// Keeps the book `title` so. To be called by who has taken it. Returns at once.
    pub fn keep_book(&self, title: &str, pages: Pages) {
        self.put(Job::Keep(title.to_owned(), pages));
    }

    /// What `pick` makes of the as-run log in `span`, newest first; what it answers with none is left out. Waits for nobody
    /// who writes.
    pub async fn as_run<T: Send + 'static>(
        &self,
        span: Span,
        pick: impl Fn(Event) -> Option<T> + Send + 'static,
    ) -> Result<Found<T>, Unread> {
        // An entry of a newer version may be of a kind that this one does not know.
        self.log.read(span, move |text| pick(serde_json::from_str(text).ok()?)).await
    }

    /// Waits, not long, until what was asked so far has been written.
    pub async fn flush(&self) {
        let (reply, answer) = oneshot::channel();
        self.put(Job::Flush(reply));
        let _ = tokio::time::timeout(ANSWER_WITHIN, answer).await;
    }

    /// What is wrong with the database, if anything is.
    pub fn trouble(&self) -> Option<String> {
        let told = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        told.or_else(|| self.pulse.trouble())
    }

    /// Has a sign of life written, unless something is being written, or was within this time. Returns at once.
    pub fn beat(&self, within: Duration) {
        if self.pulse.idle_for(within) {
            // No room means that there is enough to write.
            let _ = self.jobs.try_send(Job::Beat);
        }
    }

    /// For how long a write has been waiting for an answer of the disk; none if none waits. To be refused is an answer.
    pub fn silence(&self) -> Option<Duration> {
        self.pulse.silence()
    }

    /// Whether any write of this run was answered.
    pub fn has_answered(&self) -> bool {
        self.pulse.has_answered()
    }

    /// Jobs that were lost because the disk did not keep up.
    pub fn lost(&self) -> u64 {
        *self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, job: Job) {
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.jobs.try_send(job) {
            *self.lost.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }
    }
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;

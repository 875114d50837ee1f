//! The thread that owns the database, and what it does when the database fails it.

use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::oneshot;

use super::books::Books;
use super::database::{Database, StoreError};
use super::pulse::Pulse;
use super::{Orders, Pages, SavedOrders};
use crate::model::{ChannelId, Event, EventCode, Fault, MediaTime, Severity};

/// Tells that the store failed, or works again.
type Notice = Box<dyn Fn(Event) + Send>;

/// What the thread is asked for.
#[derive(Debug)]
pub(super) enum Job {
    Save(ChannelId, Box<Orders>),
    Append(Box<Event>),
    /// Keep the ledger so.
    Turn(Pages),
    /// Keep a book so.
    Keep(String, Pages),
    /// Look for a ledger, or books, that could not be read so far.
    Find,
    /// Write a sign of life.
    Beat,
    Flush(oneshot::Sender<()>),
}

/// The ledger on its way to whoever keeps it.
#[derive(Debug, Default)]
pub(super) enum Ledger {
    /// It could not be read yet.
    #[default]
    Nothing,
    /// As it was when the database was opened.
    Pages(Pages),
    /// It was handed over.
    Taken,
}

/// Where others find how it goes.
pub(super) struct Said {
    pub(super) trouble: Arc<Mutex<Option<String>>>,
    pub(super) pulse: Pulse,
    pub(super) notice: Notice,
}

/// Owns the database.
pub(super) struct Keeper {
    path: PathBuf,
    database: Option<Database>,
    /// All orders, to write them again into a database that was begun anew.
    orders: SavedOrders,
    /// Orders that are not in the database yet.
    unsaved: bool,
    /// The ledger as it is to be kept, if it is not in the database yet.
    unturned: Option<Pages>,
    /// The ledger as it is in the database.
    pages: Pages,
    /// Where whoever keeps the ledger finds it, once it can be read.
    found: Arc<Mutex<Ledger>>,
    books: Books,
    said: Said,
}

impl Keeper {
    pub(super) fn new(path: PathBuf, found: Arc<Mutex<Ledger>>, books: Books, said: Said) -> Self {
        Self {
            path,
            database: None,
            orders: SavedOrders::new(),
            unsaved: false,
            unturned: None,
            pages: Pages::new(),
            found,
            books,
            said,
        }
    }

    /// Opens the database and returns the orders in it; none if it cannot be opened.
    pub(super) fn open(&mut self) -> SavedOrders {
        let opened = self.reopen().and_then(|()| match &self.database {
            Some(database) => database.orders(),
            None => Ok(SavedOrders::new()),
        });
        match opened {
            Ok(orders) => self.orders = orders,
            Err(error) => self.failed(&error),
        }
        self.orders.clone()
    }

    /// Until every [`super::Store`] is gone.
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            match job {
                Job::Save(channel, orders) => {
                    self.orders.insert(channel, *orders);
                    self.unsaved = true;
                    self.write(|_| Ok(()));
                }
                Job::Append(event) => self.write(|database| database.append(&event)),
                Job::Turn(pages) => {
                    self.unturned = Some(pages);
                    self.write(|_| Ok(()));
                }
                Job::Keep(title, pages) => {
                    self.books.want(title, pages);
                    self.write(|_| Ok(()));
                }
                Job::Find => self.write(|_| Ok(())),
                Job::Beat => self.write(|database| database.beat(now())),
                Job::Flush(reply) => {
                    let _ = reply.send(());
                }
            }
        }
    }

    /// Does one write, and with it whatever an earlier one could not write.
    fn write(&mut self, job: impl Fn(&Database) -> Result<(), StoreError>) {
        self.said.pulse.begun();
        let mut done = self.attempt(&job);
        if let Err(error @ StoreError::Corrupt(_)) = &done {
            self.failed(error);
            self.database = None;
            done = self.attempt(&job);
        }
        match done.as_ref().is_err_and(StoreError::is_held) {
            true => self.said.pulse.held(),
            false => self.said.pulse.answered(),
        }
        match done {
            Ok(()) => self.recovered(),
            Err(error) => self.failed(&error),
        }
    }

    fn attempt(&mut self, job: impl Fn(&Database) -> Result<(), StoreError>) -> Result<(), StoreError> {
        if self.database.is_none() {
            self.reopen()?;
        }
        let Some(database) = &self.database else { return Ok(()) };
        if self.unsaved {
            for (channel, orders) in &self.orders {
                database.save(channel, orders)?;
            }
            self.unsaved = false;
        }
        if let Some(pages) = &self.unturned {
            database.turn(&self.pages, pages)?;
            self.pages = self.unturned.take().unwrap_or_default();
        }
        database.write_books(&mut self.books)?;
        job(database)
    }

    /// Opens the database; a damaged one is moved aside and begun anew.
    fn reopen(&mut self) -> Result<(), StoreError> {
        self.database = match Database::open(&self.path) {
            Err(StoreError::Corrupt(cause)) => {
                let aside = self
                    .move_aside()
                    .map_err(|error| StoreError::Corrupt(format!("{cause}; and it cannot be moved aside: {error}")))?;
                let text =
                    format!("the database was damaged ({cause}) and begun anew; the old one is {}", aside.display());
                let hint = "orders are as the configuration says; look at the disk";
                (self.said.notice)(event(Severity::Warning, EventCode::StoreFailed, text).blame(Fault::Hardware, hint));
                self.unsaved = true;
                // What was kept is written again, by whoever knows it.
                self.unturned.get_or_insert_with(|| std::mem::take(&mut self.pages));
                self.books.lost();
                Some(Database::open(&self.path)?)
            }
            other => Some(other?),
        };
        // Without its ledger a database is not open: it is tried again.
        self.read_pages().inspect_err(|_| self.database = None)
    }

    /// What the ledger says in a database that was just opened. Who keeps it is told the first time only: afterwards he
    /// knows better.
    fn read_pages(&mut self) -> Result<(), StoreError> {
        let Some(database) = &self.database else { return Ok(()) };
        self.pages = database.pages()?;
        self.books.opened(database.library()?);
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*found, Ledger::Nothing) {
            *found = Ledger::Pages(self.pages.clone());
        }
        Ok(())
    }

    fn move_aside(&self) -> std::io::Result<PathBuf> {
        let name = |suffix: &str| {
            let mut name = self.path.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        let aside = name(&format!(".corrupt-{}", now().as_nanos() / 1_000_000_000));
        std::fs::rename(&self.path, &aside)?;
        // They belong to the file that is gone, and would damage the new one.
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(name(suffix));
        }
        Ok(aside)
    }

    fn failed(&mut self, error: &StoreError) {
        let text = format!("{} cannot be used: {error}", self.path.display());
        let before = self.said.trouble.lock().unwrap_or_else(PoisonError::into_inner).replace(text.clone());
        if before.is_none() {
            let hint = "channels go on, but orders and the as-run log are not kept: check space and rights of the state directory";
            (self.said.notice)(event(Severity::Warning, EventCode::StoreFailed, text).blame(Fault::Hardware, hint));
        }
    }

    fn recovered(&mut self) {
        if self.said.trouble.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            let text = "orders and the as-run log are kept again";
            (self.said.notice)(event(Severity::Info, EventCode::StoreRecovered, text));
        }
    }
}

fn event(severity: Severity, code: EventCode, text: impl Into<String>) -> Event {
    Event::new(now(), severity, code, text)
}

fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}

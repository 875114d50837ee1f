//! The second database: users, sessions, tokens and the audit log, in `<state>/access.db`. Apart from the first, because
//! only the daemon may read it, and because damage to what is written many times a minute must not let anybody in or out.
//!
//! What an account holds is the business of `access`: here it is text by kind and id. A change is on the disk before it is
//! answered; an entry of the audit log is not waited for.

use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use super::database::{StoreError, connect};
use super::past::{AUDIT, Found, Reader, Span, Unread};
use crate::model::MediaTime;

/// Jobs that may wait for the disk; more are refused, and counted.
const QUEUE: usize = 1024;
/// How long who asks waits for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Entries of the audit log that are kept.
const KEEP: i64 = 500_000;
/// The log is cut to [`KEEP`] after so many entries.
const CUT_EVERY: i64 = 1_000;

/// See `database::MIGRATIONS`.
const MIGRATIONS: &[&str] = &[
    "CREATE TABLE account (kind TEXT NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL,
                           PRIMARY KEY (kind, id)) STRICT, WITHOUT ROWID;
     CREATE TABLE audit (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, entry TEXT NOT NULL) STRICT;",
    "CREATE INDEX audit_at ON audit (at);",
];

/// Kind and id of an account.
pub type AccountKey = (String, String);

/// What is known of all accounts: documents by kind and id.
pub type AccountPages = BTreeMap<AccountKey, String>;

/// What is to become of an account: its document, or none for one that goes.
pub type AccountChange = (AccountKey, Option<String>);

/// The database of accounts cannot be used now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("users and the audit log cannot be used now: {0}")]
pub struct AccountsError(String);

enum Job {
    Load(oneshot::Sender<Result<AccountPages, AccountsError>>),
    Change(Vec<AccountChange>, Option<oneshot::Sender<Result<(), AccountsError>>>),
    Append(MediaTime, String),
    Read(Option<i64>, u32, oneshot::Sender<Result<Entries, AccountsError>>),
}

/// Entries of the audit log with their numbers, newest first.
pub type Entries = Vec<(i64, String)>;

/// Users, sessions, tokens, audit log; cheap to clone.
#[derive(Debug, Clone)]
pub struct Accounts {
    jobs: SyncSender<Job>,
    lost: Arc<AtomicU64>,
    log: Reader,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Job")
    }
}

impl Accounts {
    /// The database at `path`; it is opened, or created, with the first job.
    pub fn new(path: &Path) -> Self {
        let (jobs, queue) = sync_channel(QUEUE);
        let mut vault = Vault { path: path.to_owned(), connection: None, known: None };
        if let Err(error) = std::thread::Builder::new().name("accounts".to_owned()).spawn(move || vault.run(&queue)) {
            // The queue is gone with it, so every job is answered by a refusal.
            tracing::error!(%error, "no thread for users and the audit log");
        }
        Self { jobs, lost: Arc::default(), log: Reader::new(path, AUDIT) }
    }

    /// All accounts.
    pub async fn load(&self) -> Result<AccountPages, AccountsError> {
        let (reply, answer) = oneshot::channel();
        self.put(Job::Load(reply))?;
        waited(answer).await
    }

    /// Makes these changes, all or none; they are on the disk when this returns.
    pub async fn change(&self, changes: Vec<AccountChange>) -> Result<(), AccountsError> {
        let (reply, answer) = oneshot::channel();
        self.put(Job::Change(changes, Some(reply)))?;
        waited(answer).await
    }

    /// Makes a change that may be lost (when somebody was last seen). Returns at once.
    pub fn note(&self, change: AccountChange) {
        let _ = self.put(Job::Change(vec![change], None));
    }

    /// Appends to the audit log. Returns at once.
    pub fn append(&self, at: MediaTime, entry: String) {
        let _ = self.put(Job::Append(at, entry));
    }

    /// The newest entries of the audit log before number `before`, newest first.
    pub async fn entries(&self, before: Option<i64>, most: u32) -> Result<Entries, AccountsError> {
        let (reply, answer) = oneshot::channel();
        self.put(Job::Read(before, most, reply))?;
        waited(answer).await
    }

    /// What `pick` makes of the audit log in `span`, newest first; what it answers with none is left out. Waits for nobody
    /// who writes.
    pub async fn past<T: Send + 'static>(
        &self,
        span: Span,
        pick: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> Result<Found<T>, Unread> {
        self.log.read(span, pick).await
    }

    /// Jobs that were lost because the disk did not keep up.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn put(&self, job: Job) -> Result<(), AccountsError> {
        self.jobs.try_send(job).map_err(|_| {
            self.lost.fetch_add(1, Ordering::Relaxed);
            AccountsError("the disk does not keep up".to_owned())
        })
    }
}

async fn waited<T>(answer: oneshot::Receiver<Result<T, AccountsError>>) -> Result<T, AccountsError> {
    match tokio::time::timeout(ANSWER_WITHIN, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(AccountsError("the thread that writes them has ended".to_owned())),
        Err(_) => Err(AccountsError(format!("the disk did not answer within {ANSWER_WITHIN:?}"))),
    }
}

/// The thread's side.
struct Vault {
    path: PathBuf,
    connection: Option<Connection>,
    /// What the database is to hold: written again into one that was begun anew.
    known: Option<AccountPages>,
}

impl Vault {
    /// Until every [`Accounts`] is gone.
    fn run(&mut self, jobs: &Receiver<Job>) {
        while let Ok(job) = jobs.recv() {
            match job {
                Job::Load(reply) => {
                    let loaded = self.attempt(|_| Ok(())).map(|()| self.known.clone().unwrap_or_default());
                    let _ = reply.send(loaded);
                }
                Job::Change(changes, reply) => {
                    let done = self.attempt(|connection| change(connection, &changes));
                    if let (Ok(()), Some(known)) = (&done, &mut self.known) {
                        changes.into_iter().for_each(|(key, document)| match document {
                            Some(document) => drop(known.insert(key, document)),
                            None => drop(known.remove(&key)),
                        });
                    }
                    if let Some(reply) = reply {
                        let _ = reply.send(done);
                    }
                }
                // What cannot be written is in the daemon's log all the same.
                Job::Append(at, entry) => drop(self.attempt(|connection| append(connection, at, &entry))),
                Job::Read(before, most, reply) => {
                    let _ = reply.send(self.attempt(|connection| newest(connection, before, most)));
                }
            }
        }
    }

    fn attempt<T>(&mut self, job: impl Fn(&Connection) -> Result<T, StoreError>) -> Result<T, AccountsError> {
        let outcome = self.opened().and_then(job);
        outcome.map_err(|error| {
            // Opened anew with the next job, which finds out what is wrong with it.
            self.connection = None;
            tracing::error!(path = %self.path.display(), %error, "users and the audit log cannot be used");
            AccountsError(format!("{}: {error}", self.path.display()))
        })
    }

    fn opened(&mut self) -> Result<&Connection, StoreError> {
        if self.connection.is_none() {
            let connection = match open(&self.path) {
                Err(StoreError::Corrupt(cause)) => self.begin_anew(&cause)?,
                other => other?,
            };
            match &self.known {
                None => self.known = Some(all(&connection)?),
                // Nobody but this thread writes it: what is missing was lost.
                Some(known) => {
                    let rows = known.iter().map(|(key, document)| (key.clone(), Some(document.clone())));
                    change(&connection, &rows.collect::<Vec<_>>())?;
                }
            }
            self.connection = Some(connection);
        }
        self.connection.as_ref().ok_or_else(|| StoreError::Corrupt("it was not opened".to_owned()))
    }

    fn begin_anew(&self, cause: &str) -> Result<Connection, StoreError> {
        let now = MediaTime::from_system(std::time::SystemTime::now()).as_nanos() / 1_000_000_000;
        let name = |suffix: &str| {
            let mut name = self.path.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        let aside = name(&format!(".corrupt-{now}"));
        let moved = std::fs::rename(&self.path, &aside);
        moved.map_err(|error| StoreError::Corrupt(format!("{cause}; and it cannot be moved aside: {error}")))?;
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(name(suffix));
        }
        let aside = aside.display().to_string();
        tracing::error!(cause, aside, "the database of users was damaged and begun anew");
        open(&self.path)
    }
}

/// For the daemon's eyes only: SQLite gives its other files the same rights.
fn open(path: &Path) -> Result<Connection, StoreError> {
    let created = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    created.map_err(|error| {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
        StoreError::Failed(rusqlite::Error::SqliteFailure(code, Some(error.to_string())))
    })?;
    connect(path, MIGRATIONS)
}

fn all(connection: &Connection) -> Result<AccountPages, StoreError> {
    let mut statement = connection.prepare("SELECT kind, id, document FROM account")?;
    let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?;
    Ok(rows.collect::<Result<AccountPages, _>>()?)
}

fn change(connection: &Connection, changes: &[AccountChange]) -> Result<(), StoreError> {
    let transaction = connection.unchecked_transaction()?;
    for ((kind, id), document) in changes {
        match document {
            Some(document) => transaction.execute(
                "INSERT INTO account (kind, id, document) VALUES (?1, ?2, ?3)
                 ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document",
                params![kind, id, document],
            )?,
            None => transaction.execute("DELETE FROM account WHERE kind = ?1 AND id = ?2", params![kind, id])?,
        };
    }
    transaction.commit()?;
    Ok(())
}

fn append(connection: &Connection, at: MediaTime, entry: &str) -> Result<(), StoreError> {
    let at = i64::try_from(at.as_nanos()).unwrap_or(i64::MAX);
    connection.execute("INSERT INTO audit (at, entry) VALUES (?1, ?2)", params![at, entry])?;
    let id = connection.last_insert_rowid();
    if id % CUT_EVERY == 0 {
        connection.execute("DELETE FROM audit WHERE id <= ?1", params![id - KEEP])?;
    }
    Ok(())
}

fn newest(connection: &Connection, before: Option<i64>, most: u32) -> Result<Entries, StoreError> {
    let mut statement = connection.prepare("SELECT id, entry FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2")?;
    let rows = statement.query_map(params![before.unwrap_or(i64::MAX), most], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<Entries, _>>()?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn key(id: &str) -> AccountKey {
        ("user".to_owned(), id.to_owned())
    }

    #[tokio::test]
    async fn accounts_and_entries_survive_and_only_the_daemon_reads_them() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.db");
        let accounts = Accounts::new(&path);
        assert_eq!(accounts.load().await.unwrap(), AccountPages::new());
        let both = vec![(key("ada"), Some("1".into())), (key("bob"), Some("2".into()))];
        accounts.change(both).await.unwrap();
        accounts.change(vec![(key("bob"), None), (key("ada"), Some("3".into()))]).await.unwrap();
        for n in 0..5 {
            accounts.append(MediaTime::from_secs(n), format!("entry {n}"));
        }
        let last: Vec<String> = accounts.entries(None, 2).await.unwrap().into_iter().map(|(_, text)| text).collect();
        assert_eq!(last, ["entry 4", "entry 3"]);
        let (place, _) = accounts.entries(None, 2).await.unwrap()[1];
        assert_eq!(accounts.entries(Some(place), 9).await.unwrap().len(), 3);
        drop(accounts);
        let again = Accounts::new(&path);
        assert_eq!(again.load().await.unwrap(), AccountPages::from([(key("ada"), "3".into())]));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let journal = std::fs::metadata(path.with_extension("db-wal")).unwrap();
        assert_eq!(journal.permissions().mode() & 0o077, 0);
    }

    #[tokio::test]
    async fn what_cannot_be_kept_is_said_and_works_as_soon_as_it_can() {
        let directory = tempfile::tempdir().unwrap();
        let accounts = Accounts::new(&directory.path().join("missing/access.db"));
        assert!(accounts.load().await.is_err());
        assert!(accounts.change(vec![(key("ada"), Some("1".into()))]).await.is_err());
        std::fs::create_dir(directory.path().join("missing")).unwrap();
        assert_eq!(accounts.load().await.unwrap(), AccountPages::new(), "what was refused is not there");
    }

    #[tokio::test]
    async fn a_damaged_database_is_moved_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.db");
        std::fs::write(&path, "this is no database at all, but long enough to be read as one. ".repeat(100)).unwrap();
        let accounts = Accounts::new(&path);
        assert_eq!(accounts.load().await.unwrap(), AccountPages::new());
        let names = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names.into_iter().any(|name| name.to_string_lossy().contains(".corrupt-")));
    }
}

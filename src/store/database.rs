//! The database itself: schema, statements.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, params};

use super::books::{self, Books, Library};
use super::{Orders, Pages, SavedOrders};
use crate::model::status::ChannelOrder;
use crate::model::{ChannelId, Event, MediaTime};

/// How long another program (a backup, a curious technician) may hold the database.
const BUSY: Duration = Duration::from_millis(500);
/// Entries of the as-run log that are kept.
const KEEP: i64 = 100_000;
/// The log is cut to [`KEEP`] after so many entries.
const CUT_EVERY: i64 = 500;

/// Step n brings a database from version n to n + 1 (`user_version`). Never changed once released, only added to.
pub(super) const MIGRATIONS: &[&str] = &[
    "CREATE TABLE orders (channel TEXT PRIMARY KEY, on_air INTEGER NOT NULL, program TEXT NOT NULL) STRICT;
     CREATE TABLE as_run (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, channel TEXT, code TEXT NOT NULL,
                          event TEXT NOT NULL) STRICT;
     CREATE INDEX as_run_at ON as_run (at);",
    "ALTER TABLE orders ADD COLUMN live TEXT NOT NULL DEFAULT '{}';",
    "CREATE TABLE ledger (page TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT, WITHOUT ROWID;",
    "CREATE TABLE books (book TEXT NOT NULL, page TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (book, page))
     STRICT, WITHOUT ROWID;",
    "CREATE TABLE heartbeat (one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL) STRICT;",
];

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    /// It is damaged, or no database: to be moved aside.
    #[error("it is damaged: {0}")]
    Corrupt(String),
    /// It was written by a newer version: to be left alone.
    #[error("a newer version of uplink has written it (schema {0}): install that version, or move the file away")]
    Newer(i64),
    /// Locked, read-only, no space: may heal.
    #[error(transparent)]
    Failed(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt(error.to_string()),
            _ => StoreError::Failed(error),
        }
    }
}

impl StoreError {
    /// Another connection holds the database, and nothing is known of the disk.
    pub(super) fn is_held(&self) -> bool {
        let held = |code| matches!(code, ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked);
        matches!(self, StoreError::Failed(error) if error.sqlite_error_code().is_some_and(held))
    }
}

#[derive(Debug)]
pub(super) struct Database {
    connection: Connection,
}

impl Database {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { connection: connect(path, MIGRATIONS)? })
    }

    pub(super) fn orders(&self) -> Result<SavedOrders, StoreError> {
        let mut statement = self.connection.prepare("SELECT channel, on_air, program, live FROM orders")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        let mut orders = SavedOrders::new();
        for row in rows {
            let (channel, on_air, program, live): (String, bool, String, String) = row?;
            // A row that a person has edited into nonsense is as good as none.
            let Ok(channel) = ChannelId::new(channel) else { continue };
            let order = if on_air { ChannelOrder::OnAir } else { ChannelOrder::OffAir };
            let program = serde_json::from_str(&program).unwrap_or_default();
            let live = serde_json::from_str(&live).unwrap_or_default();
            orders.insert(channel, Orders { channel: order, program, live });
        }
        Ok(orders)
    }

    pub(super) fn save(&self, channel: &ChannelId, orders: &Orders) -> Result<(), StoreError> {
        let program = serde_json::to_string(&orders.program).unwrap_or_default();
        let live = serde_json::to_string(&orders.live).unwrap_or_default();
        let on_air = orders.channel == ChannelOrder::OnAir;
        self.connection.execute(
            "INSERT INTO orders (channel, on_air, program, live) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (channel) DO UPDATE SET on_air = excluded.on_air, program = excluded.program,
                                                 live = excluded.live",
            params![channel.as_str(), on_air, program, live],
        )?;
        Ok(())
    }

    pub(super) fn pages(&self) -> Result<Pages, StoreError> {
        let mut statement = self.connection.prepare("SELECT page, content FROM ledger")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<Pages, _>>()?)
    }

    /// Makes `after` of what is `before`, all of it or nothing: what stands on one page is reckoned with another.
    pub(super) fn turn(&self, before: &Pages, after: &Pages) -> Result<(), StoreError> {
        let transaction = self.connection.unchecked_transaction()?;
        for (page, content) in after.iter().filter(|(page, content)| before.get(*page) != Some(*content)) {
            transaction.execute(
                "INSERT INTO ledger (page, content) VALUES (?1, ?2)
                 ON CONFLICT (page) DO UPDATE SET content = excluded.content",
                params![page, content],
            )?;
        }
        for page in before.keys().filter(|page| !after.contains_key(*page)) {
            transaction.execute("DELETE FROM ledger WHERE page = ?1", params![page])?;
        }
        transaction.commit()?;
        Ok(())
    }

    pub(super) fn library(&self) -> Result<Library, StoreError> {
        books::read(&self.connection)
    }

    pub(super) fn write_books(&self, books: &mut Books) -> Result<(), StoreError> {
        books.write(&self.connection)
    }

    /// A write for its own sake, which says whether the disk answers.
    pub(super) fn beat(&self, now: MediaTime) -> Result<(), StoreError> {
        let at = i64::try_from(now.as_nanos()).unwrap_or(i64::MAX);
        self.connection.execute("INSERT OR REPLACE INTO heartbeat (one, at) VALUES (1, ?1)", params![at])?;
        Ok(())
    }

    pub(super) fn append(&self, event: &Event) -> Result<(), StoreError> {
        let text = serde_json::to_string(event).unwrap_or_default();
        let at = i64::try_from(event.at.as_nanos()).unwrap_or(i64::MAX);
        self.connection.execute(
            "INSERT INTO as_run (at, channel, code, event) VALUES (?1, ?2, ?3, ?4)",
            params![at, event.channel.as_ref().map(ChannelId::as_str), event.code.as_str(), text],
        )?;
        let id = self.connection.last_insert_rowid();
        if id % CUT_EVERY == 0 {
            self.connection.execute("DELETE FROM as_run WHERE id <= ?1", params![id - KEEP])?;
        }
        Ok(())
    }
}

/// Opens a sound database and brings it up to date.
pub(super) fn connect(path: &Path, steps: &[&str]) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // An order must survive a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(StoreError::Corrupt(sound));
    }
    migrate(&mut connection, steps)?;
    Ok(connection)
}

/// The oldest schema whose programs can use what this one writes: steps have only added so far, with defaults for what an
/// older program does not write. To be raised with a step that takes away or changes what older statements name; not by
/// more than one version's worth of steps, so that the version before can always be put back.
const OLDEST: i64 = 1;

fn migrate(connection: &mut Connection, steps: &[&str]) -> Result<(), StoreError> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    // Nothing else uses that number of SQLite's header.
    let oldest: i64 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let known = steps.len() as i64;
    if version > known {
        // After an upgrade that was taken back.
        return if (1..=known).contains(&oldest) { Ok(()) } else { Err(StoreError::Newer(version)) };
    }
    for (from, step) in (version..known).zip(&steps[version.max(0) as usize..]) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", from + 1)?;
        transaction.commit()?;
    }
    if oldest != OLDEST {
        connection.pragma_update(None, "application_id", OLDEST)?;
    }
    Ok(())
}

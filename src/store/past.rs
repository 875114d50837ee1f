//! Reading back what was written down, from the newest to the oldest, by its time.
//!
//! Each reading opens the database for itself and cannot write (WAL): who writes waits for no reader, however far back
//! somebody looks. What one reading looks at is bounded; it says how far it came.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};
use tokio::sync::Semaphore;

use crate::model::MediaTime;

/// Rows that one reading looks at.
const LOOK: usize = 20_000;
/// Readings at once; others wait.
const READERS: usize = 2;
/// How long who asks waits for an answer.
const WITHIN: Duration = Duration::from_secs(5);
/// A database that is being checkpointed is waited for.
const BUSY: Duration = Duration::from_millis(500);

/// A place in one log: when, and the number of the entry.
pub type Row = (MediaTime, i64);

/// What of a log is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Nothing that is older.
    pub from: MediaTime,
    /// What stands before this place; a row of number 0 is the place of before its time.
    pub before: Row,
    /// Most entries.
    pub most: usize,
}

/// What was found of it, newest first.
#[derive(Debug)]
pub struct Found<T> {
    /// The entries, with their places.
    pub entries: Vec<(Row, T)>,
    /// How far back this goes; none if to the end of the span.
    pub reached: Option<Row>,
}

/// A log cannot be read now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{log} cannot be read: {why}; look at space, rights and disk of the state directory")]
pub struct Unread {
    log: &'static str,
    why: String,
}

/// Reads one log.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    log: &'static str,
    path: PathBuf,
    /// Number, time and text of its rows.
    statement: &'static str,
    readers: Arc<Semaphore>,
}

/// Of this table, with its text in this column.
macro_rules! rows {
    ($table:literal, $text:literal) => {
        concat!(
            "SELECT id, at, ",
            $text,
            " FROM ",
            $table,
            " WHERE at >= ?1 AND at <= ?2 AND (at < ?2 OR id < ?3)",
            " ORDER BY at DESC, id DESC LIMIT ?4"
        )
    };
}

/// The as-run log.
pub(super) const AS_RUN: (&str, &str) = ("the as-run log", rows!("as_run", "event"));
/// The audit log.
pub(super) const AUDIT: (&str, &str) = ("the audit log", rows!("audit", "entry"));

impl Reader {
    pub(super) fn new(path: &Path, (log, statement): (&'static str, &'static str)) -> Self {
        Self { log, path: path.to_owned(), statement, readers: Arc::new(Semaphore::new(READERS)) }
    }

    /// What `pick` makes of the rows of `span`; it leaves out those that it answers with none.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        span: Span,
        pick: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> Result<Found<T>, Unread> {
        let log = self.log;
        let unread = move |why: String| Unread { log, why };
        let (path, statement, readers) = (self.path.clone(), self.statement, self.readers.clone());
        let reading = async move {
            let place = readers.acquire_owned().await.map_err(|error| error.to_string())?;
            // It keeps its place until it ends, also when nobody waits any more.
            let read = tokio::task::spawn_blocking(move || {
                let _place = place;
                look(&path, statement, span, pick).map_err(|error| error.to_string())
            });
            read.await.map_err(|error| error.to_string())?
        };
        match tokio::time::timeout(WITHIN, reading).await {
            Ok(found) => found.map_err(unread),
            Err(_) => Err(unread(format!("the disk did not answer within {WITHIN:?}"))),
        }
    }
}

fn look<T>(
    path: &Path,
    statement: &str,
    Span { from, before: (until, number), most }: Span,
    pick: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<Found<T>> {
    let nanos = |time: MediaTime| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(BUSY)?;
    let mut statement = connection.prepare(statement)?;
    let mut rows = statement.query(params![nanos(from), nanos(until), number, LOOK as i64])?;
    let (mut entries, mut looked, mut last) = (Vec::new(), 0, None);
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(1)?;
        let place = (MediaTime::from_nanos(at.unsigned_abs()), row.get(0)?);
        (looked, last) = (looked + 1, Some(place));
        if let Some(entry) = pick(row.get_ref(2)?.as_str()?) {
            entries.push((place, entry));
        }
        if entries.len() == most {
            break;
        }
    }
    let stopped = entries.len() == most || looked == LOOK;
    Ok(Found { entries, reached: last.filter(|_| stopped) })
}

#[cfg(test)]
mod tests {
    use super::super::{Accounts, Store};
    use super::*;
    use crate::model::{Event, EventCode, Severity};

    fn span(before: Row, most: usize) -> Span {
        Span { from: MediaTime::default(), before, most }
    }

    const ALL: Row = (MediaTime::from_secs(1_000_000), 0);

    #[tokio::test]
    async fn a_log_is_read_page_by_page_and_each_entry_once() {
        let directory = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&directory.path().join("uplink.db"), |_| {});
        // Of one moment there are several, and a worker's word may come late.
        for (n, second) in [5, 7, 7, 7, 6, 9].into_iter().enumerate() {
            let at = MediaTime::from_secs(second);
            store.append(&Event::new(at, Severity::Info, EventCode::SlateOn, n.to_string()));
        }
        store.flush().await;
        let (mut seen, mut before) = (Vec::new(), ALL);
        for _ in 0..10 {
            let found = store.as_run(span(before, 2), Some).await.unwrap();
            seen.extend(found.entries.into_iter().map(|(_, event)| event.text));
            // What is written meanwhile moves nothing.
            store.append(&Event::new(MediaTime::from_secs(20), Severity::Info, EventCode::SlateOn, "newer"));
            store.flush().await;
            match found.reached {
                Some(reached) => before = reached,
                None => break,
            }
        }
        assert_eq!(seen, ["5", "3", "2", "1", "4", "0"]);
        let from = Span { from: MediaTime::from_secs(6), ..span((MediaTime::from_secs(9), 0), 9) };
        let found = store.as_run(from, |event| (event.text != "2").then_some(event.text)).await.unwrap();
        let texts: Vec<String> = found.entries.into_iter().map(|(_, text)| text).collect();
        assert_eq!((texts, found.reached), (vec!["3".into(), "1".into(), "4".into()], None));
    }

    #[tokio::test]
    async fn a_reading_is_bounded_and_says_how_far_it_came() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("access.db");
        let accounts = Accounts::new(&path);
        accounts.load().await.unwrap();
        let connection = Connection::open(&path).unwrap();
        let many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 20001)
                    INSERT INTO audit (at, entry) SELECT x, 'entry ' || x FROM n";
        connection.execute(many, []).unwrap();
        let none = |_: &str| None::<()>;
        let found = accounts.past(span(ALL, 5), none).await.unwrap();
        assert_eq!((found.entries.len(), found.reached), (0, Some((MediaTime::from_nanos(2), 2))));
        let rest = accounts.past(span(found.reached.unwrap(), 5), |text| Some(text.to_owned())).await.unwrap();
        assert_eq!((rest.entries[0].1.as_str(), rest.entries.len(), rest.reached), ("entry 1", 1, None));
        // The time has an index: nobody sorts half a million entries for a page.
        let plan = format!("EXPLAIN QUERY PLAN {}", AUDIT.1);
        let plan: String = connection.query_row(&plan, params![0, 9, 9, 9], |row| row.get(3)).unwrap();
        assert!(plan.contains("USING INDEX audit_at"), "{plan}");
    }

    #[tokio::test]
    async fn a_log_that_cannot_be_read_says_which_and_why() {
        let directory = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(&directory.path().join("missing/uplink.db"), |_| {});
        let unread = store.as_run(span(ALL, 1), Some).await.unwrap_err().to_string();
        assert!(unread.contains("the as-run log cannot be read") && unread.contains("state directory"), "{unread}");
    }
}

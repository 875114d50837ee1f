//! Books: texts by name, each book kept by somebody of its own. What is on a page is that one's business.
//!
//! A book is handed over once, when the database could be read, and from then on kept as its keeper says: all of a change
//! or nothing of it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};

use super::Pages;
use super::database::StoreError;

/// Books by title.
pub(super) type Library = BTreeMap<String, Pages>;

/// What was in the database when it was first read, on its way to the keepers.
pub(super) type Found = Arc<Mutex<Option<Library>>>;

/// The books as they are to be, and as they are.
#[derive(Debug)]
pub(super) struct Books {
    found: Found,
    /// As they are in the database.
    kept: Library,
    /// As they are to be, those that differ.
    unwritten: Library,
}

impl Books {
    pub(super) fn new(found: Found) -> Self {
        Self { found, kept: Library::new(), unwritten: Library::new() }
    }

    /// A keeper wants its book so.
    pub(super) fn want(&mut self, title: String, pages: Pages) {
        self.unwritten.insert(title, pages);
    }

    /// The database was opened: what it says is told to the keepers, the first time; later they know better.
    pub(super) fn opened(&mut self, library: Library) {
        self.kept = library;
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.get_or_insert_with(|| self.kept.clone());
    }

    /// The database was begun anew: everything is to be written again.
    pub(super) fn lost(&mut self) {
        for (title, pages) in std::mem::take(&mut self.kept) {
            self.unwritten.entry(title).or_insert(pages);
        }
    }

    /// Writes what is not written.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), StoreError> {
        while let Some((title, pages)) = self.unwritten.first_key_value() {
            turn(connection, title, self.kept.get(title), pages)?;
            if let Some((title, pages)) = self.unwritten.pop_first() {
                self.kept.insert(title, pages);
            }
        }
        Ok(())
    }
}

/// Every book of the database.
pub(super) fn read(connection: &Connection) -> Result<Library, StoreError> {
    let mut statement = connection.prepare("SELECT book, page, content FROM books")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut library = Library::new();
    for row in rows {
        let (book, page, content): (String, String, String) = row?;
        library.entry(book).or_default().insert(page, content);
    }
    Ok(library)
}

fn turn(connection: &Connection, title: &str, before: Option<&Pages>, after: &Pages) -> Result<(), StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let same = |page: &String, content: &String| before.and_then(|before| before.get(page)) == Some(content);
    for (page, content) in after.iter().filter(|(page, content)| !same(page, content)) {
        transaction.execute(
            "INSERT INTO books (book, page, content) VALUES (?1, ?2, ?3)
             ON CONFLICT (book, page) DO UPDATE SET content = excluded.content",
            params![title, page, content],
        )?;
    }
    for page in before.into_iter().flat_map(Pages::keys).filter(|page| !after.contains_key(*page)) {
        transaction.execute("DELETE FROM books WHERE book = ?1 AND page = ?2", params![title, page])?;
    }
    transaction.commit()?;
    Ok(())
}

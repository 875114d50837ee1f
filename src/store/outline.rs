//! What a database has, without what is in it: for people who help from elsewhere.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// The database below a state directory.
const FILE: &str = "uplink.db";
const BUSY: Duration = Duration::from_secs(1);

/// Its version, and the tables with how many rows each has. Nothing is written, and nobody is kept from writing for long.
pub fn outline(state: &Path) -> Result<String, String> {
    read(&state.join(FILE)).map_err(|error| error.to_string())
}

fn read(file: &Path) -> rusqlite::Result<String> {
    let database = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    database.busy_timeout(BUSY)?;
    let version: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let mut text = format!("version {version}\n");
    let mut tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    let names: Vec<String> = tables.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for name in names {
        let quoted = name.replace('"', "\"\"");
        let rows: i64 = database.query_row(&format!("SELECT count(*) FROM \"{quoted}\""), [], |row| row.get(0))?;
        text.push_str(&format!("{name}: {rows} row(s)\n"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_counted_and_not_read() {
        let state = tempfile::tempdir().unwrap();
        assert!(outline(state.path()).is_err());
        let database = Connection::open(state.path().join(FILE)).unwrap();
        database.execute_batch("CREATE TABLE orders (x TEXT); INSERT INTO orders VALUES ('canary'), ('b')").unwrap();
        let text = outline(state.path()).unwrap();
        assert_eq!(text, "version 0\norders: 2 row(s)\n");
    }
}

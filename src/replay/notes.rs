//! `uploads.json` of a recording: which uploads were asked for, so that another daemon goes on with them.

use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::model::BitRate;

const FILE: &str = "uploads.json";

/// An upload that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadNote {
    /// `<destination>`, or `<destination>/<endpoint>`.
    pub(crate) to: String,
    /// The most it may take of the line.
    pub(crate) limit: Option<BitRate>,
    /// Nobody has to go on with it.
    pub(crate) done: bool,
    /// Nobody asked for it: it begins by itself when the recording has ended.
    #[serde(default)]
    pub(crate) after: bool,
}

impl UploadNote {
    /// Not done yet.
    pub(crate) fn asked(to: String, limit: Option<BitRate>) -> Self {
        Self { to, limit, done: false, after: false }
    }

    /// To be done when the recording has ended.
    pub(crate) fn after(to: String) -> Self {
        Self { after: true, ..Self::asked(to, None) }
    }
}

/// What was asked for the recording in `directory`. A file that cannot be read asks for nothing.
pub(crate) fn read(directory: &Path) -> Vec<UploadNote> {
    let text = std::fs::read(directory.join(FILE)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Puts `note` in the place of an earlier one with the same destination. An upload is not held up by a note that cannot
/// be written: it would only not be gone on with.
pub(crate) fn write(directory: &Path, note: UploadNote) {
    let mut notes = read(directory);
    notes.retain(|known| known.to != note.to);
    notes.push(note);
    if let Err(error) = store(directory, &notes) {
        let directory = directory.display();
        tracing::warn!(%error, "{directory}/{FILE} cannot be written: a restart would not go on with this upload");
    }
}

fn store(directory: &Path, notes: &[UploadNote]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(&serde_json::to_vec(notes)?)?;
    file.as_file().sync_all()?;
    file.persist(directory.join(FILE)).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_note_takes_the_place_of_an_earlier_one() {
        let directory = tempfile::tempdir().unwrap();
        assert!(read(directory.path()).is_empty());
        let note = |to: &str| UploadNote::asked(to.to_owned(), None);
        write(directory.path(), note("a"));
        write(directory.path(), note("b"));
        write(directory.path(), UploadNote { done: true, ..note("a") });
        assert_eq!(read(directory.path()), [note("b"), UploadNote { done: true, ..note("a") }]);
        std::fs::write(directory.path().join(FILE), b"{").unwrap();
        assert!(read(directory.path()).is_empty());
    }
}

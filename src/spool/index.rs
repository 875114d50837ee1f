//! The index of a rendition: what its files do not say themselves. Append-only lines, each with its own checksum.
//!
//! The index is never the only witness. A segment without a line is adopted, a line without a file is dropped, a torn
//! line is skipped: so a failure to write the index loses no media, it is only made good later.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::disk::write_atomic;
use super::error::SpoolError;
use super::segment::Segment;

/// File name of the index in a rendition's directory.
pub(crate) const INDEX: &str = "index.jsonl";

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Record {
    /// An initialisation is on disk and in force from here on.
    Init {
        /// File name.
        name: String,
        /// RFC 6381 codec string.
        codec: String,
    },
    /// A segment is on disk.
    Segment(Segment),
    /// A segment was deleted on purpose.
    Deleted(u64),
    /// The newest segment there ever was: survives the deletion of all.
    Last {
        /// Its number.
        number: u64,
        /// Its discontinuity sequence.
        discontinuity_sequence: u64,
    },
}

/// The index file. It is not kept open: where it was deleted, that has to be noticed.
#[derive(Debug)]
pub(crate) struct Index {
    path: PathBuf,
    /// The file ends with a whole line.
    sound: bool,
    lines: usize,
}

impl Index {
    /// Reads the records of `directory`; with them, how many lines were torn or false.
    pub(crate) fn read(directory: &Path) -> io::Result<(Vec<Record>, usize)> {
        let text = match fs::read(directory.join(INDEX)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
            Err(error) => return Err(error),
        };
        let lines = text.split_inclusive(|byte| *byte == b'\n');
        let (good, bad): (Vec<_>, Vec<_>) = lines.map(parse).partition(Option::is_some);
        Ok((good.into_iter().flatten().collect(), bad.len()))
    }

    /// An index for `directory` that has to be [rewritten](Self::rewrite) before it takes records.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { path: directory.join(INDEX), sound: false, lines: 0 }
    }

    /// Lines in the file, for deciding when to rewrite.
    pub(crate) fn lines(&self) -> usize {
        self.lines
    }

    /// Appends a record and, if `durable`, waits until it is on disk. After a failure, which may leave half a line,
    /// every append fails until the index is rewritten.
    pub(crate) fn append(&mut self, record: &Record, durable: bool) -> io::Result<()> {
        if !std::mem::replace(&mut self.sound, false) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut file = OpenOptions::new().append(true).open(&self.path)?;
        file.write_all(&line(record)?)?;
        if durable {
            file.sync_data()?;
        }
        self.lines += 1;
        self.sound = true;
        Ok(())
    }

    /// Replaces the whole file.
    pub(crate) fn rewrite<'a>(&mut self, records: impl Iterator<Item = &'a Record>) -> Result<(), SpoolError> {
        use super::error::At;
        self.sound = false;
        let lines = records.map(line).collect::<io::Result<Vec<_>>>().at(&self.path)?;
        write_atomic(&self.path, &lines.concat())?;
        self.sound = true;
        self.lines = lines.len();
        Ok(())
    }
}

fn checksum(json: &[u8]) -> String {
    hex::encode(&Sha256::digest(json)[..4])
}

/// `<8 hex of sha256> <json>\n`
fn line(record: &Record) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(record)?;
    Ok([checksum(&json).as_bytes(), b" ", &json, b"\n"].concat())
}

fn parse(line: &[u8]) -> Option<Record> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, json) = (line.get(..8)?, line.get(9..)?);
    (sum == checksum(json).as_bytes()).then(|| serde_json::from_slice(json).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_line_costs_itself_only() {
        let directory = tempfile::tempdir().unwrap();
        let mut index = Index::new(directory.path());
        let record = |number| Record::Last { number, discontinuity_sequence: 0 };
        assert!(index.append(&record(0), true).is_err(), "nothing is appended before it is known what is there");
        index.rewrite([record(1), record(2)].iter()).unwrap();
        index.append(&record(3), true).unwrap();
        let whole = fs::read(directory.path().join(INDEX)).unwrap();
        for cut in 0..whole.len() {
            fs::write(directory.path().join(INDEX), &whole[..cut]).unwrap();
            let (records, torn) = Index::read(directory.path()).unwrap();
            let newlines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(records, (1..=newlines as u64).map(record).collect::<Vec<_>>());
            assert_eq!(torn, usize::from(cut > 0 && whole[cut - 1] != b'\n'));
        }
        let mut flipped = whole.clone();
        flipped[20] ^= 1;
        fs::write(directory.path().join(INDEX), flipped).unwrap();
        assert_eq!(Index::read(directory.path()).unwrap(), (vec![record(2), record(3)], 1));
    }
}

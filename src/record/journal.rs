//! The journal: what happened to a running recording, a line each. Appended only. A line is believed when it is whole
//! and its checksum is right; what was lost with a torn one is found again in the files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::manifest::{Gap, JOURNAL, Marker, RecordedRendition, RecordedSegment};
use crate::model::{Cued, MediaTime, RenditionId};
use crate::spool::SpoolError;
use crate::spool::error::At;

/// One line of the journal: `<8 hex of the sha256 of what follows> {"entry":"segment",…}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    /// A segment is complete.
    Segment {
        /// Of this rendition.
        rendition: RenditionId,
        /// Its codec string, where it is the first of its initialisation.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        codecs: Option<String>,
        /// The segment.
        #[serde(flatten)]
        segment: RecordedSegment,
    },
    /// A rendition came in, or other words for one, while the recording ran.
    Rendition {
        /// Without segments.
        rendition: Box<RecordedRendition>,
    },
    /// Somebody set a marker.
    Marker {
        /// The marker.
        #[serde(flatten)]
        marker: Marker,
    },
    /// Something is missing.
    Gap {
        /// The gap.
        #[serde(flatten)]
        gap: Gap,
    },
    /// Breaks and timed metadata, all that there has been.
    Cued {
        /// In place of what was known.
        cued: Cued,
    },
    /// Another worker goes on with the recording.
    Resumed {
        /// Since when.
        at: MediaTime,
        /// How often that has happened.
        interruptions: u64,
    },
}

/// The journal, open for writing.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
}

impl Journal {
    /// Opens the journal in `directory`, for appending behind its last whole line.
    pub(crate) fn open(directory: &Path) -> Result<Self, SpoolError> {
        let path = directory.join(JOURNAL);
        let mut options = OpenOptions::new();
        let mut file = options.create(true).read(true).append(true).open(&path).at(&path)?;
        let text = fs::read(&path).at(&path)?;
        if text.last().is_some_and(|last| *last != b'\n') {
            // The torn line stays, ended: it is no line, and the next one is.
            file.write_all(b"\n").at(&path)?;
        }
        Ok(Self { file })
    }

    /// Appends a line. Not synced: whatever it says can be read from the files again, except markers, see `sync`.
    pub(crate) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        self.file.write_all(&line(entry)?)
    }

    /// Makes what was appended last through a power cut.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// The whole lines of the journal in `directory`, in order; none if there is no journal.
pub fn read(directory: &Path) -> Result<Vec<Entry>, SpoolError> {
    let path = directory.join(JOURNAL);
    match fs::read(&path) {
        Ok(text) => Ok(text.split_inclusive(|byte| *byte == b'\n').filter_map(parse).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).at(&path),
    }
}

fn checksum(json: &[u8]) -> String {
    hex::encode(&Sha256::digest(json)[..4])
}

/// `<8 hex of sha256> <json>\n`
fn line(entry: &Entry) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(entry)?;
    Ok([checksum(&json).as_bytes(), b" ", &json, b"\n"].concat())
}

fn parse(line: &[u8]) -> Option<Entry> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, json) = (line.get(..8)?, line.get(9..)?);
    (sum == checksum(json).as_bytes()).then(|| serde_json::from_slice(json).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker(n: u64) -> Entry {
        let (text, by) = (format!("goal {n}"), "operator".to_owned());
        Entry::Marker { marker: Marker { at: MediaTime::from_secs(n), text, by } }
    }

    fn segment(n: u64) -> Entry {
        let segment = RecordedSegment {
            sequence: n,
            file: format!("{n}.m4s"),
            init: "init-00000000.mp4".into(),
            begin: MediaTime::from_nanos(n * 2_000_000_001),
            duration: std::time::Duration::from_millis(2000),
            bytes: 7,
            sha256: "00".repeat(32),
            keyframe: true,
            discontinuity: n == 2,
            discontinuity_sequence: 3,
        };
        Entry::Segment { rendition: RenditionId::new("v180").unwrap(), codecs: Some("avc1.64001f".into()), segment }
    }

    #[test]
    fn a_journal_torn_anywhere_keeps_its_whole_lines_and_goes_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(JOURNAL);
        let entries = [segment(1), marker(1), segment(2), marker(2)];
        let mut journal = Journal::open(directory.path()).unwrap();
        entries.iter().for_each(|entry| journal.append(entry).unwrap());
        let whole = fs::read(&path).unwrap();
        assert_eq!(read(directory.path()).unwrap(), entries);
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(read(directory.path()).unwrap(), entries[..lines]);
            Journal::open(directory.path()).unwrap().append(&marker(9)).unwrap();
            let mut expected = entries[..lines].to_vec();
            // A line that lacks nothing but its end is whole when it is ended.
            if whole[cut..].first() == Some(&b'\n') {
                expected.push(entries[lines].clone());
            }
            expected.push(marker(9));
            assert_eq!(read(directory.path()).unwrap(), expected, "cut at {cut}");
        }
        let mut flipped = whole.clone();
        flipped[30] ^= 1;
        fs::write(&path, flipped).unwrap();
        assert_eq!(read(directory.path()).unwrap(), entries[1..]);
    }
}

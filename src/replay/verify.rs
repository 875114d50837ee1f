//! Whether a recording is what its manifest says: each file read, each checksum compared.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::record::Manifest;

/// Files named in a report; more are only counted.
const NAMED: usize = 200;
const PIECE: usize = 256 << 10;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Nothing is missing or torn.
    pub good: bool,
    /// Segments that are as they should be.
    pub whole: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Files that are not there.
    pub missing: Faulty,
    /// Files whose size or checksum is not that of the manifest.
    pub torn: Faulty,
    /// Stretches of time that the recording itself says it does not have.
    pub gaps: usize,
}

/// Files with a fault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Faulty {
    /// How many.
    pub count: u64,
    /// The first of them.
    pub files: Vec<String>,
}

impl Faulty {
    fn add(&mut self, name: String) {
        self.count += 1;
        if self.files.len() < NAMED {
            self.files.push(name);
        }
    }
}

/// Reads every file of the recording in `directory`. `go_on` hears the bytes read so far. None if it was stopped.
pub(crate) fn verify(
    manifest: &Manifest,
    directory: &Path,
    mut go_on: impl FnMut(u64) -> bool,
) -> io::Result<Option<Verified>> {
    let mut found = Verified { gaps: manifest.gaps.len(), ..Verified::default() };
    let mut inits = BTreeSet::new();
    for rendition in &manifest.renditions {
        let folder = directory.join(rendition.id.as_str());
        for segment in &rendition.segments {
            if !go_on(found.bytes) {
                return Ok(None);
            }
            let name = format!("{}/{}", rendition.id, segment.file_name());
            match digest(&folder.join(segment.file_name())) {
                Ok((bytes, digest)) => {
                    found.bytes += bytes;
                    let same = bytes == segment.bytes && digest == segment.sha256;
                    if same { found.whole += 1 } else { found.torn.add(name) }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => found.missing.add(name),
                Err(error) => return Err(error),
            }
            if !segment.init.is_empty() {
                inits.insert(format!("{}/{}", rendition.id, segment.init));
            }
        }
    }
    for name in inits {
        // Its name is the beginning of its checksum.
        let wanted = name.rsplit_once("/init-").and_then(|(_, rest)| rest.strip_suffix(".mp4")).unwrap_or("none");
        match digest(&directory.join(&name)) {
            Ok((_, digest)) if digest.starts_with(wanted) => {}
            Ok(_) => found.torn.add(name),
            Err(error) if error.kind() == io::ErrorKind::NotFound => found.missing.add(name),
            Err(error) => return Err(error),
        }
    }
    found.good = found.missing.count == 0 && found.torn.count == 0;
    Ok(Some(found))
}

/// Length and SHA-256 of a file.
pub(crate) fn digest(path: &Path) -> io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut hash, mut piece, mut bytes) = (Sha256::new(), vec![0; PIECE], 0);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok((bytes, hex::encode(hash.finalize()))),
            read => {
                hash.update(&piece[..read]);
                bytes += read as u64;
            }
        }
    }
}

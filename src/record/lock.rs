//! One writer per recording: a lock on its directory, released by the system however the process ends.

use std::fs::File;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;

use crate::spool::SpoolError;
use crate::spool::error::At;

/// Holds a recording until it is dropped.
#[derive(Debug)]
pub struct Held {
    _directory: File,
}

/// Takes the recording in `directory` for changing it; none if somebody else has it (it is being recorded, mended or
/// deleted).
pub fn hold(directory: &Path) -> Result<Option<Held>, SpoolError> {
    let file = File::open(directory).at(directory)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Ok(None),
        taken => taken.at(directory).map(|()| Some(Held { _directory: file })),
    }
}

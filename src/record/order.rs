//! What somebody said by hand, on disk: the next worker, and the next daemon, go on with it. A small file beside the
//! spool's renditions.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::{DestinationId, MediaTime, RecordingStart};
use crate::spool::SpoolError;
use crate::spool::disk::write_atomic;
use crate::spool::error::At;

/// An order to record or not to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) record: bool,
    pub(crate) title: Option<String>,
    pub(crate) at: MediaTime,
}

fn path(spool: &Path, destination: &DestinationId) -> PathBuf {
    spool.join(format!("recording-{destination}"))
}

impl Order {
    pub(crate) fn load(spool: &Path, destination: &DestinationId) -> Option<Self> {
        serde_json::from_slice(&fs::read(path(spool, destination)).ok()?).ok()
    }

    pub(crate) fn keep(&self, spool: &Path, destination: &DestinationId) -> Result<(), SpoolError> {
        let path = path(spool, destination);
        let text = serde_json::to_vec(self).map_err(std::io::Error::from).at(&path)?;
        write_atomic(&path, &text)
    }
}

/// Whether a recording is wanted when a worker starts. `goes_on`: the channel was on air until just now. An order to
/// record stands until somebody takes it back; one not to holds for the programme that was on air then.
pub(crate) fn wanted(order: Option<&Order>, start: RecordingStart, goes_on: bool) -> bool {
    match order {
        Some(order) if order.record => true,
        Some(_) if goes_on => false,
        _ => start == RecordingStart::WithChannel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_by_hand_stands() {
        let (record, stop) = (said(true), said(false));
        let table = [
            (None, RecordingStart::WithChannel, false, true),
            (None, RecordingStart::ByHand, false, false),
            (Some(&record), RecordingStart::ByHand, false, true),
            (Some(&record), RecordingStart::ByHand, true, true),
            (Some(&stop), RecordingStart::WithChannel, true, false),
            (Some(&stop), RecordingStart::WithChannel, false, true),
            (Some(&stop), RecordingStart::ByHand, false, false),
        ];
        for (order, start, goes_on, expected) in table {
            assert_eq!(wanted(order, start, goes_on), expected, "{order:?} {start:?} {goes_on}");
        }
    }

    fn said(record: bool) -> Order {
        Order { record, title: Some("Show".into()), at: MediaTime::from_secs(7) }
    }

    #[test]
    fn an_order_is_kept() {
        let spool = tempfile::tempdir().unwrap();
        let id = DestinationId::new("archive").unwrap();
        assert_eq!(Order::load(spool.path(), &id), None);
        said(true).keep(spool.path(), &id).unwrap();
        assert_eq!(Order::load(spool.path(), &id), Some(said(true)));
    }
}

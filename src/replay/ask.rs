//! What can be asked of the desk, and why it may say no.

use super::catalog::CatalogError;
use super::range::Stretch;
use crate::model::{BitRate, RenditionId};

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    /// Make one MP4 of it, from when it was ordered to begin to when it was ordered to end: on the key frames around that.
    Stitch {
        /// This picture; the best if none.
        video: Option<RenditionId>,
        /// These voices; the default one if none.
        audio: Vec<RenditionId>,
        /// On the picture: the first and last group of pictures are encoded anew.
        exact: bool,
    },
    /// Cut a stretch out of it.
    Clip {
        /// From where to where.
        stretch: Stretch,
        /// What to call it.
        title: Option<String>,
        /// As one MP4 instead of a recording of its own.
        movie: bool,
        /// On the picture, which makes it an MP4.
        exact: bool,
        /// As for a stitch.
        video: Option<RenditionId>,
        /// As for a stitch.
        audio: Vec<RenditionId>,
    },
    /// Compare it with its checksums.
    Verify,
    /// Send it to a destination.
    Upload {
        /// `<destination>`, or `<destination>/<endpoint>`.
        to: String,
        /// The most it may take of the line.
        limit: Option<BitRate>,
    },
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// About the recording.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// It makes no sense; says why.
    #[error("{0}")]
    Impossible(String),
    /// Something else has to end first.
    #[error("{0}")]
    Busy(String),
    /// There is no such job.
    #[error("there is no job {0}")]
    UnknownJob(u64),
}

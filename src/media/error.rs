//! What can go wrong with a graph, as decisions.

use crate::model::{Fault, RenditionId};

/// Why a graph could not be built or started.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// GStreamer itself does not start: nothing can work in this process.
    #[error("gstreamer does not start: {0}; reinstall the gstreamer1.0 packages")]
    Unusable(String),
    /// An element that every graph needs is not installed.
    #[error("the gstreamer element `{element}` is missing; install the package {package}")]
    MissingElement {
        /// Its factory.
        element: &'static str,
        /// The Debian package that brings it.
        package: &'static str,
    },
    /// No encoder candidate of a rendition works on this box.
    #[error("no encoder works for rendition {rendition}: {reasons}; check the hardware profiles")]
    NoEncoder {
        /// The rendition.
        rendition: RenditionId,
        /// Each candidate and what is wrong with it.
        reasons: String,
    },
    /// A part of the graph could not be put together or started.
    #[error("cannot build {part}: {reason}")]
    Graph {
        /// Which part.
        part: String,
        /// What GStreamer said.
        reason: String,
    },
    /// Something blocked longer than it may.
    #[error("{part} did not answer within {millis} ms; the driver or device may hang")]
    Deadline {
        /// Which part.
        part: String,
        /// The bound.
        millis: u64,
    },
}

impl MediaError {
    /// Where a technician looks first.
    pub fn fault(&self) -> Fault {
        match self {
            MediaError::Unusable(_) | MediaError::MissingElement { .. } => Fault::Configuration,
            MediaError::NoEncoder { .. } | MediaError::Deadline { .. } => Fault::Hardware,
            MediaError::Graph { .. } => Fault::Internal,
        }
    }

    /// A part that could not be built, with what GStreamer said.
    pub fn graph(part: impl Into<String>, reason: impl ToString) -> Self {
        MediaError::Graph { part: part.into(), reason: reason.to_string() }
    }
}

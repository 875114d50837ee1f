//! How a running graph fails.

use crate::model::RenditionId;

/// An error of a running graph. It does not heal: the worker exits and is restarted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}the element {element} failed: {reason}", self.rendition.as_ref().map(|r| format!("rendition {r}: ")).unwrap_or_default())]
pub struct EncodeFailure {
    /// The rendition, where it is one's own fault.
    pub rendition: Option<RenditionId>,
    /// Name of the element that gave up.
    pub element: String,
    /// What it said.
    pub reason: String,
}

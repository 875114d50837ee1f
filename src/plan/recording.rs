//! Destinations that keep the programme on the box's own disk.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config;
use crate::model::{RecordingLimits, RecordingStart, RenditionId};

/// What is recorded, where, and how much of it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingPlan {
    /// The directory of all recordings; `<channel>/<id>` is made below it.
    pub directory: PathBuf,
    /// When a recording begins.
    pub start: RecordingStart,
    /// Title of a recording that is not given one.
    pub title: Option<String>,
    /// What is recorded; all renditions if empty.
    pub renditions: Vec<RenditionId>,
    /// How much is kept in that directory.
    pub limits: RecordingLimits,
}

/// `place`: where recordings are, unless the configuration says otherwise.
pub(super) fn derive(written: &config::Recorded, place: &std::path::Path) -> RecordingPlan {
    RecordingPlan {
        directory: written.directory.clone().unwrap_or_else(|| place.to_owned()),
        start: written.start,
        title: written.title.clone(),
        renditions: written.renditions.clone(),
        limits: written.limits,
    }
}

//! Destinations that keep the programme on the box's own disk.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config;
use crate::model::{RecordedOf, RecordingLimits, RecordingStart, RenditionId};

/// What is recorded, where, and how much of it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingPlan {
    /// The directory of all recordings; `<channel>/<id>` is made below it.
    pub directory: PathBuf,
    /// When a recording begins.
    pub start: RecordingStart,
    /// Title of a recording that is not given one.
    pub title: Option<String>,
    /// Of what, each a recording of its own.
    #[serde(default = "program")]
    pub record: Vec<RecordedOf>,
    /// What is recorded of the program; all renditions if empty.
    pub renditions: Vec<RenditionId>,
    /// How much is kept in that directory.
    pub limits: RecordingLimits,
}

fn program() -> Vec<RecordedOf> {
    vec![RecordedOf::Program]
}

/// `place`: where recordings are, unless the configuration says otherwise. `record`: what it says is recorded.
pub(super) fn derive(written: &config::Recorded, place: &std::path::Path, record: Vec<RecordedOf>) -> RecordingPlan {
    RecordingPlan {
        directory: written.directory.clone().unwrap_or_else(|| place.to_owned()),
        start: written.start,
        title: written.title.clone(),
        record,
        renditions: written.renditions.clone(),
        limits: written.limits,
    }
}

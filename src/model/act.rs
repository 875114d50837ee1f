//! Commands to a channel on air that are carried out by its worker and answered by it: what was asked and what happened.

use serde::{Deserialize, Serialize};

use super::live::LiveSettings;
use super::time::MediaTime;

/// What a worker is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Put these settings in force, whole.
    Live {
        /// The settings.
        live: Box<LiveSettings>,
    },
    /// Begin the integrated loudness, LRA and true peaks of the program anew, as for a new show.
    RestartLoudness,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Acted {
    /// One sentence.
    pub text: String,
    /// The first frame of the program that shows it, by media time.
    pub at: Option<MediaTime>,
    /// The same frame by its number since the Unix epoch at the program's frame rate.
    pub frame: Option<u64>,
    /// What else belongs to the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<serde_json::Value>,
}

impl Acted {
    /// An answer in one sentence.
    pub fn said(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

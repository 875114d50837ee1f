//! Recordings: when one runs, how much is kept of them, what is asked of one and what it says of itself.

use serde::{Deserialize, Serialize};

use super::time::MediaTime;

/// When a recording begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingStart {
    /// With the channel.
    #[default]
    WithChannel,
    /// When somebody says so.
    ByHand,
}

/// How much is kept in a directory of recordings, of all channels together. What is protected, and what runs, is not
/// deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct RecordingLimits {
    /// Most bytes; no limit if none.
    pub max_bytes: Option<u64>,
    /// How long a recording is kept after its end, seconds; for ever if none.
    pub keep_seconds: Option<u64>,
    /// What has to stay free on the file system, bytes.
    pub keep_free_bytes: u64,
}

/// What is asked of a recording destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum RecordingAsk {
    /// Begin a recording with the segment that is on air.
    Start {
        /// Its title, for people.
        #[serde(default)]
        title: Option<String>,
    },
    /// End it with the segment that is on air.
    Stop,
    /// Set a marker in it, at this moment.
    Marker {
        /// What is to be found again.
        text: String,
        /// Who sets it.
        #[serde(default)]
        by: Option<String>,
    },
}

/// The longest title or marker, characters.
pub const RECORDING_TEXT: usize = 200;

impl RecordingAsk {
    /// What is wrong with it, in one sentence.
    pub fn check(&self) -> Result<(), String> {
        let fits = |text: &str| text.chars().count() <= RECORDING_TEXT && !text.chars().any(char::is_control);
        match self {
            RecordingAsk::Start { title: Some(text) } if !fits(text) || text.trim().is_empty() => {
                Err(format!("a title has 1 to {RECORDING_TEXT} characters, in one line"))
            }
            RecordingAsk::Marker { text, .. } if !fits(text) || text.trim().is_empty() => {
                Err(format!("a marker has 1 to {RECORDING_TEXT} characters, in one line"))
            }
            RecordingAsk::Marker { by: Some(by), .. } if !fits(by) => {
                Err(format!("`by` has at most {RECORDING_TEXT} characters, in one line"))
            }
            _ => Ok(()),
        }
    }
}

/// What a recording destination says of itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct RecordingStatus {
    /// The recording that runs; of the others below the last one that did, if none runs.
    pub id: Option<String>,
    /// It runs now.
    pub running: bool,
    /// Its title.
    pub title: Option<String>,
    /// Its directory.
    pub directory: Option<String>,
    /// When it was ordered to begin.
    pub began: Option<MediaTime>,
    /// When it ended.
    pub ended: Option<MediaTime>,
    /// End of the last media that a power cut would leave, in every rendition.
    pub synced: Option<MediaTime>,
    /// Bytes of its segments.
    pub bytes: u64,
    /// Segments of all renditions.
    pub segments: u64,
    /// Times something is missing.
    pub gaps: u64,
    /// Times that a worker was lost and another one went on.
    pub interruptions: u64,
    /// Markers in it.
    pub markers: u64,
    /// Free on the file system of the recordings, bytes.
    pub free_bytes: u64,
    /// Old recordings deleted since the worker started.
    pub deleted_recordings: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_reads_like_this() {
        let ask = |text: &str| serde_json::from_str::<RecordingAsk>(text).unwrap();
        assert_eq!(ask(r#"{"action":"start"}"#), RecordingAsk::Start { title: None });
        assert_eq!(ask(r#"{"action":"stop"}"#), RecordingAsk::Stop);
        let marker = ask(r#"{"action":"marker","text":"Goal"}"#);
        assert_eq!(marker, RecordingAsk::Marker { text: "Goal".into(), by: None });
        assert_eq!(marker.check(), Ok(()));
        for bad in ["", "  ", "a\nb", &"x".repeat(201)] {
            assert!(RecordingAsk::Marker { text: bad.into(), by: None }.check().is_err(), "{bad:?}");
            assert!(RecordingAsk::Start { title: Some(bad.into()) }.check().is_err(), "{bad:?}");
        }
    }
}

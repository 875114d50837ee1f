//! Recordings: of what, when one runs, how much is kept of them, what is asked of one and what it says of itself.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::id::SourceId;
use super::time::MediaTime;

/// What a recording is of. Everything but the program is a companion of it: encoded beside the ladder, for recordings
/// alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub enum RecordedOf {
    /// What is on air.
    #[default]
    Program,
    /// The program without graphics.
    Clean,
    /// One source, on air or not (ISO).
    Source(SourceId),
}

impl RecordedOf {
    /// Whether it is what is on air.
    pub fn is_program(&self) -> bool {
        *self == RecordedOf::Program
    }

    /// What its recordings and renditions are called after; none for the program.
    pub fn slug(&self) -> Option<String> {
        match self {
            RecordedOf::Program => None,
            RecordedOf::Clean => Some("clean".to_owned()),
            RecordedOf::Source(source) => Some(format!("iso-{source}")),
        }
    }
}

impl fmt::Display for RecordedOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordedOf::Program => f.write_str("program"),
            RecordedOf::Clean => f.write_str("clean"),
            RecordedOf::Source(source) => write!(f, "source:{source}"),
        }
    }
}

impl FromStr for RecordedOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match (text, text.strip_prefix("source:")) {
            ("program", _) => Ok(RecordedOf::Program),
            ("clean", _) => Ok(RecordedOf::Clean),
            (_, Some(source)) => SourceId::new(source).map(RecordedOf::Source).map_err(|error| error.to_string()),
            _ => Err(format!("`{text}` is none of program, clean and source:<id>")),
        }
    }
}

impl TryFrom<String> for RecordedOf {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<RecordedOf> for String {
    fn from(of: RecordedOf) -> String {
        of.to_string()
    }
}

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
        /// Who sets it, where nobody logs in; who is logged in is that.
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
    /// What it is of.
    #[serde(skip_serializing_if = "RecordedOf::is_program")]
    pub of: RecordedOf,
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
    /// What can still be recorded there: what is free, and old recordings that would be deleted for it.
    pub room_bytes: Option<u64>,
    /// Old recordings deleted since the worker started.
    pub deleted_recordings: u64,
    /// What the same destination records beside it: the clean feed, sources.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub companions: Vec<RecordingStatus>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_is_of_is_one_word() {
        for text in ["program", "clean", "source:cam1"] {
            assert_eq!(text.parse::<RecordedOf>().unwrap().to_string(), text);
        }
        assert!("source:".parse::<RecordedOf>().is_err() && "sources".parse::<RecordedOf>().is_err());
        let none: RecordingStatus = serde_json::from_str("{}").unwrap();
        assert!(none.of.is_program() && !serde_json::to_string(&none).unwrap().contains("companions"));
    }

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

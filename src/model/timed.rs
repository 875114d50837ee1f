//! Timed metadata: what somebody says about an instant or a while of the programme.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::id::CueId;
use super::time::MediaTime;

/// Most attributes of one.
const MOST_ATTRIBUTES: usize = 16;
/// Most bytes of all names and values of one.
const MOST_BYTES: usize = 4096;

/// Metadata at a media time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct TimedMetadata {
    /// Its name, the ID of its EXT-X-DATERANGE.
    pub id: CueId,
    /// The frame it belongs to.
    pub at: MediaTime,
    /// How long it holds, milliseconds; an instant if none.
    pub duration_ms: Option<u64>,
    /// What kind it is (CLASS).
    pub class: Option<String>,
    /// Client-defined attributes, `X-…` (rfc8216bis 4.4.5.1).
    pub attributes: BTreeMap<String, String>,
    /// Any JSON, told as a hexadecimal sequence in `X-JSON` and as text in ID3.
    pub json: Option<String>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetadataAsk {
    /// Its name; made from its frame if it is not given. The same again changes nothing.
    #[serde(default)]
    pub id: Option<CueId>,
    /// When, UTC; now if not given. Brought to the nearest frame.
    #[serde(default)]
    pub at: Option<MediaTime>,
    /// How long it holds, milliseconds; an instant if not given.
    #[serde(default)]
    pub duration_ms: Option<u64>,
    /// What kind it is, such as `com.example.score`.
    #[serde(default)]
    pub class: Option<String>,
    /// Attributes; names begin with `X-`.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Any JSON.
    #[serde(default)]
    pub json: Option<serde_json::Value>,
}

/// What became of a [`MetadataAsk`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct MetadataPlaced {
    /// Its name.
    pub id: CueId,
    /// Whether anything changed; false if it was so already.
    pub changed: bool,
    /// Media time of its frame, UTC.
    pub at: MediaTime,
    /// Frames since the Unix epoch.
    pub frame: u64,
    /// The segment it is in.
    pub segment: u64,
}

/// Why metadata is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum MetadataRefusal {
    /// It is about what players have left behind.
    #[error("{asked} has left the playlists: the earliest possible is {earliest}")]
    TooLate {
        /// What was asked for.
        asked: MediaTime,
        /// What is possible.
        earliest: MediaTime,
    },
    /// Too far ahead, or too long.
    #[error("{what} is more than 24 hours: give a shorter one")]
    TooFar {
        /// What it is.
        what: String,
    },
    /// There is another of this name already.
    #[error("`{id}` is taken, at {at}: choose another id")]
    Taken {
        /// The other.
        id: CueId,
        /// When it is.
        at: MediaTime,
    },
    /// What a playlist cannot say.
    #[error("{0}")]
    Malformed(String),
    /// Too many are kept.
    #[error("{most} are known already: no more are taken before some are over")]
    Full {
        /// The limit.
        most: usize,
    },
}

impl MetadataAsk {
    /// Checks what a playlist can say (rfc8216bis 4.2).
    pub(super) fn check(&self) -> Result<(), MetadataRefusal> {
        let refuse = |text: String| Err(MetadataRefusal::Malformed(text));
        if self.attributes.is_empty() && self.json.is_none() {
            return refuse("there is nothing in it: give attributes or json".into());
        }
        let json = self.json.as_ref().map_or(0, |json| json.to_string().len());
        let bytes: usize = self.attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
        if self.attributes.len() > MOST_ATTRIBUTES || bytes + json > MOST_BYTES {
            return refuse(format!("at most {MOST_ATTRIBUTES} attributes, and {MOST_BYTES} bytes with the json"));
        }
        for (name, value) in &self.attributes {
            let rest = name.strip_prefix("X-").unwrap_or_default();
            let legal = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-';
            if rest.is_empty() || !rest.bytes().all(legal) || name == "X-JSON" {
                return refuse(format!("`{name}` is no attribute: X- and A-Z, 0-9, - (X-JSON is for `json`)"));
            }
            quotable(name, value)?;
        }
        self.class.as_ref().map_or(Ok(()), |class| quotable("class", class))
    }
}

/// A quoted string of a playlist has no way to say these.
fn quotable(name: &str, value: &str) -> Result<(), MetadataRefusal> {
    if value.chars().any(|c| c == '"' || c.is_control()) {
        let text =
            format!("`{name}` must be free of double quotes and line breaks: a playlist cannot say them; json can");
        return Err(MetadataRefusal::Malformed(text));
    }
    Ok(())
}

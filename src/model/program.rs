//! The program of a channel: what was asked, what is shown, and what is measured of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::SourceId;
use super::sound::{Loudness, SoundState};
use super::take::{Scene, ScheduledTake};
use super::time::MediaTime;

/// What somebody asked the program to show.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "show", rename_all = "snake_case")]
pub enum ProgramOrder {
    /// The first healthy source in the order of the configuration, else the slate.
    #[default]
    Auto,
    /// The slate, until released.
    Slate,
    /// This source while it delivers, else the slate (or the next healthy one, if the stream class says so).
    Source {
        /// The source.
        source: SourceId,
    },
    /// Two sources in one picture; one of them alone while the other does not deliver.
    Scene {
        /// Which and how.
        scene: Scene,
    },
}

impl fmt::Display for ProgramOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProgramOrder::Auto => f.write_str("the best source"),
            ProgramOrder::Slate => f.write_str("the slate"),
            ProgramOrder::Source { source } => write!(f, "source {source}"),
            ProgramOrder::Scene { scene } => write!(f, "a scene of {} and {}", scene.sources[0], scene.sources[1]),
        }
    }
}

impl ProgramOrder {
    /// The sources it names.
    pub fn sources(&self) -> &[SourceId] {
        match self {
            ProgramOrder::Auto | ProgramOrder::Slate => &[],
            ProgramOrder::Source { source } => std::slice::from_ref(source),
            ProgramOrder::Scene { scene } => &scene.sources,
        }
    }
}

/// What the program shows now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "showing", rename_all = "snake_case")]
pub enum Showing {
    /// The slate.
    Slate,
    /// A source.
    Source {
        /// The source.
        source: SourceId,
    },
    /// Two sources in one picture.
    Scene {
        /// Which and how.
        scene: Scene,
    },
}

/// The program of a channel, counted since its worker started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProgramStatus {
    /// What was asked.
    pub order: ProgramOrder,
    /// What is shown.
    pub showing: Showing,
    /// Since when it is shown.
    pub since: MediaTime,
    /// The last frame that left the switch.
    pub position: MediaTime,
    /// Frames that left the switch.
    pub frames: u64,
    /// Of these, frames shown again because the source had no newer one (a source slower than the program repeats).
    pub repeated: u64,
    /// Ticks that were missed altogether.
    pub missed: u64,
    /// Sample peak of the last second per channel, dBFS, −120 for digital silence.
    pub peak_dbfs: Vec<f32>,
    /// What would be shown if nobody had ordered anything; none for the slate.
    #[serde(default)]
    pub auto: Option<SourceId>,
    /// What is to be shown next, if that is said.
    #[serde(default)]
    pub preview: Option<ProgramOrder>,
    /// Takes to come, in order of time.
    #[serde(default)]
    pub scheduled: Vec<ScheduledTake>,
    /// Whether a dissolve is under way.
    #[serde(default)]
    pub dissolving: bool,
    /// Loudness of each mix, the main one first; empty before it is measured.
    #[serde(default)]
    pub loudness: Vec<Loudness>,
    /// What is watched of the sound of each mix.
    #[serde(default)]
    pub sound_states: Vec<SoundState>,
    /// Timecode of its newest frame, where it follows the source on air.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timecode: Option<ProgramTimecode>,
}

/// Timecode of a frame of the program that follows its sources' own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct ProgramTimecode {
    /// SMPTE ST 12-1; `;` for drop-frame.
    pub timecode: String,
    /// The frame that is labelled so, since the Unix epoch.
    pub frame: u64,
    /// Whose timecode it is; none if it is the clock's, counted from midnight of UTC.
    pub source: Option<SourceId>,
    /// Why it is the clock's.
    pub reason: Option<String>,
}

impl ProgramStatus {
    /// What is shown, in one sentence.
    pub fn sentence(&self) -> String {
        match (&self.showing, &self.order) {
            (Showing::Source { source }, ProgramOrder::Source { source: wanted }) if source != wanted => {
                format!("the program shows source {source}, because source {wanted} does not deliver")
            }
            (Showing::Source { source }, ProgramOrder::Scene { .. }) => {
                format!("the program shows source {source} alone, because the other one does not deliver")
            }
            (Showing::Source { source }, _) => format!("the program shows source {source}"),
            (Showing::Scene { scene: Scene { sources: [first, second], .. } }, _) => {
                format!("the program shows sources {first} and {second}")
            }
            (Showing::Slate, ProgramOrder::Slate) => "the program shows the slate, as ordered".to_owned(),
            (Showing::Slate, ProgramOrder::Auto) => "the program shows the slate: no source delivers".to_owned(),
            (Showing::Slate, _) => "the program shows the slate: the source does not deliver".to_owned(),
        }
    }
}

//! Commands to a channel on air that are carried out by its worker and answered by it: what was asked and what happened.

use serde::{Deserialize, Serialize};

use super::cue::CueAsk;
use super::guest::GuestAsk;
use super::id::DestinationId;
use super::live::LiveSettings;
use super::recording::RecordingAsk;
use super::status::ProgramOrder;
use super::take::{ScheduledTake, Transition};
use super::time::MediaTime;
use super::timed::MetadataAsk;
use super::timeline::Cued;
use super::watch::WatchAsk;

/// What a worker is asked to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// Put these settings in force, whole.
    Live {
        /// The settings.
        live: Box<LiveSettings>,
    },
    /// Place a cue, or take it back.
    Cue {
        /// What is asked.
        ask: CueAsk,
    },
    /// Insert captions.
    Captions {
        /// One or more lines; none takes captions off the screen.
        text: Option<String>,
    },
    /// Place timed metadata.
    Metadata {
        /// What is asked.
        ask: MetadataAsk,
    },
    /// Something about a guest's browser; the answer's detail is a [`super::GuestAnswer`].
    Guest {
        /// What.
        ask: Box<GuestAsk>,
    },
    /// Something about who watches live; the answer's detail is a [`super::WatchAnswer`].
    Watch {
        /// What.
        ask: WatchAsk,
    },
    /// Show this from the next frame on. Answered when it is shown, with the first frame that shows it.
    Take {
        /// What to show.
        order: ProgramOrder,
        /// How to get there.
        transition: Transition,
    },
    /// Show this from a frame to come. Answered at once, with that frame.
    Schedule {
        /// What, how and when.
        take: ScheduledTake,
    },
    /// Try a backup of a destination without leaving the endpoint in use. Answered when it is measured; the detail is a
    /// [`super::DrillReport`].
    Drill {
        /// The destination.
        destination: DestinationId,
    },
    /// Begin or end a recording, or set a marker in it. Answered when it is done: a recording ends with the segment that
    /// is being written. The detail is a [`super::RecordingStatus`].
    Record {
        /// The destination.
        destination: DestinationId,
        /// What.
        #[serde(flatten)]
        ask: RecordingAsk,
    },
    /// Give a destination to the other box of a pair. Answered when that has it.
    HandOver {
        /// The destination.
        destination: DestinationId,
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
    /// It was so already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
    /// What else belongs to the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<serde_json::Value>,
    /// Cues and metadata as they are now, if it changed them: for the supervisor to keep, not for who asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cued: Option<Box<Cued>>,
}

impl Acted {
    /// An answer in one sentence.
    pub fn said(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

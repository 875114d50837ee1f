//! What operators set while a channel is on air, and what must therefore survive a restart of its worker and of the
//! daemon. One document per channel; the supervisor keeps it, a worker gets it whole with its start and with each change.

use serde::{Deserialize, Serialize};

use super::id::SourceId;
use super::status::ProgramOrder;
use super::take::ScheduledTake;
use super::timeline::Cued;

/// The longest text that a slate can be told to say, characters.
pub const SLATE_TEXT: usize = 200;

/// The settings of one channel. A field that an older version did not write has its default.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct LiveSettings {
    /// What the slate says in place of the configured text.
    pub slate_text: Option<String>,
    /// Cues and timed metadata. Only the worker decides them (`Act::Cue`, `Act::Metadata`): a change of the other
    /// settings leaves those of a worker on air as they are.
    pub cued: Cued,
    /// What is to be shown next, if that is said.
    pub preview: Option<ProgramOrder>,
    /// Takes to come, in order of time.
    pub scheduled: Vec<ScheduledTake>,
}

/// One change of the settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "set", rename_all = "snake_case")]
pub enum LiveChange {
    /// What the slate says; none for the configured text.
    SlateText {
        /// One or more lines.
        text: Option<String>,
    },
    /// What is to be shown next; none for nothing.
    Preview {
        /// The order.
        order: Option<ProgramOrder>,
    },
    /// A scheduled take is not wanted any more.
    CancelTake {
        /// Its number.
        id: u64,
    },
}

impl LiveSettings {
    /// The settings after `change`; a sentence if it cannot be.
    pub fn changed(&self, change: &LiveChange) -> Result<Self, String> {
        let mut after = self.clone();
        match change {
            LiveChange::SlateText { text } => {
                if text.as_ref().is_some_and(|text| text.chars().count() > SLATE_TEXT) {
                    return Err(format!("a slate has room for {SLATE_TEXT} characters"));
                }
                after.slate_text = text.as_ref().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
            }
            LiveChange::Preview { order } => {
                if let Some(ProgramOrder::Scene { scene }) = order {
                    scene.check()?;
                }
                after.preview.clone_from(order);
            }
            LiveChange::CancelTake { id } => {
                after.scheduled.retain(|take| take.id != *id);
                if after.scheduled.len() == self.scheduled.len() {
                    return Err(format!("there is no take {id} to come"));
                }
            }
        }
        Ok(after)
    }

    /// Keeps a take to come, in order of time.
    pub fn schedule(&mut self, take: ScheduledTake) {
        self.scheduled.retain(|known| known.id != take.id);
        let place = self.scheduled.partition_point(|known| known.at <= take.at);
        self.scheduled.insert(place, take);
    }

    /// Drops what names a source that is not `known` any more.
    pub fn keep_to(&mut self, known: impl Fn(&SourceId) -> bool) {
        let all = |order: &ProgramOrder| order.sources().iter().all(&known);
        self.preview.take_if(|order| !all(order));
        self.scheduled.retain(|take| all(&take.order));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let settings = LiveSettings::default();
        let set = |text: &str| settings.changed(&LiveChange::SlateText { text: Some(text.to_owned()) });
        assert_eq!(set(" back at nine ").unwrap().slate_text.as_deref(), Some("back at nine"));
        assert_eq!(set("  ").unwrap(), settings);
        assert!(set(&"x".repeat(201)).is_err());
    }

    #[test]
    fn an_older_document_is_read() {
        assert_eq!(serde_json::from_str::<LiveSettings>("{}").unwrap(), LiveSettings::default());
    }
}

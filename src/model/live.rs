//! What operators set while a channel is on air, and what must therefore survive a restart of its worker and of the
//! daemon. One document per channel; the supervisor keeps it, a worker gets it whole with its start and with each change.

use serde::{Deserialize, Serialize};

use super::image::ImageName;
use super::overlay::{Overlay, OverlayKind, OverlayOrders};
use super::time::MediaTime;
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
    /// What the slate shows behind its words in place of the configured image.
    pub slate_image: Option<ImageName>,
    /// What the slate counts down to.
    pub slate_countdown: Option<MediaTime>,
    /// What is laid over the program, in place of what is configured.
    pub overlays: OverlayOrders,
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
    /// The whole slate; what is missing is as configured.
    Slate {
        /// One or more lines.
        #[serde(default)]
        text: Option<String>,
        /// An image behind the words.
        #[serde(default)]
        image: Option<ImageName>,
        /// A time to count down to; the digits vanish when it has come.
        #[serde(default)]
        countdown_to: Option<MediaTime>,
    },
    /// Lays this over the program, in place of another of its kind.
    Overlay {
        /// What.
        overlay: Overlay,
    },
    /// Takes an overlay away, configured or not.
    OverlayOff {
        /// Which.
        kind: OverlayKind,
    },
    /// Shows what is configured again.
    OverlayAsConfigured {
        /// Which.
        kind: OverlayKind,
    },
}

impl LiveSettings {
    /// The settings after `change`; a sentence if it cannot be.
    pub fn changed(&self, change: &LiveChange) -> Result<Self, String> {
        let mut after = self.clone();
        match change {
            LiveChange::SlateText { text } => after.slate_text = slate_text(text.as_deref())?,
            LiveChange::Slate { text, image, countdown_to } => {
                after.slate_text = slate_text(text.as_deref())?;
                after.slate_image = image.clone();
                after.slate_countdown = *countdown_to;
            }
            LiveChange::Overlay { overlay } => {
                overlay.check()?;
                after.overlays.insert(overlay.kind(), Some(overlay.clone()));
            }
            LiveChange::OverlayOff { kind } => {
                after.overlays.insert(*kind, None);
            }
            LiveChange::OverlayAsConfigured { kind } => {
                after.overlays.remove(kind);
            }
        }
        Ok(after)
    }
}

/// Without blanks around it; none for the configured text.
fn slate_text(text: Option<&str>) -> Result<Option<String>, String> {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) if text.chars().count() > SLATE_TEXT => Err(format!("a slate has room for {SLATE_TEXT} characters")),
        text => Ok(text.map(str::to_owned)),
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

//! What operators set while a channel is on air, and what must therefore survive a restart of its worker and of the
//! daemon. One document per channel; the supervisor keeps it, a worker gets it whole with its start and with each change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cost::BudgetOrder;
use super::delivery::DestinationOrder;
use super::id::{DestinationId, EndpointName, RenditionId, SourceId};
use super::image::ImageName;
use super::overlay::{Overlay, OverlayKind, OverlayOrders};
use super::sound::{LiveSound, SoundOverride};
use super::status::ProgramOrder;
use super::take::ScheduledTake;
use super::time::MediaTime;
use super::timeline::Cued;
use super::units::BitRate;

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
    /// Gain, mute and delay of sources and program.
    pub sound: LiveSound,
    /// What the slate shows behind its words in place of the configured image.
    pub slate_image: Option<ImageName>,
    /// What the slate counts down to.
    pub slate_countdown: Option<MediaTime>,
    /// What is laid over the program, in place of what is configured.
    pub overlays: OverlayOrders,
    /// Average bit rates of video renditions in place of the configured ones.
    pub bitrates: BTreeMap<RenditionId, BitRate>,
    /// Destinations that are not used as configured.
    pub destinations: BTreeMap<DestinationId, DestinationOrder>,
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
    /// The average bit rate of a video rendition; none for the configured one. Its peak moves with it.
    BitRate {
        /// The rendition.
        rendition: RenditionId,
        /// 50 kbit/s to 100 Mbit/s.
        bitrate: Option<BitRate>,
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
    /// Gain, mute and delay of a source's sound, or of the program's. What is missing stays as it is.
    Sound {
        /// The source; the program if none.
        source: Option<SourceId>,
        /// What to set.
        #[serde(flatten)]
        sound: SoundOverride,
    },
    /// The sound of a source or of the program as it is configured.
    SoundAsConfigured {
        /// The source; the program if none.
        source: Option<SourceId>,
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
    /// Uses a destination, or does not; as configured if none.
    Destination {
        /// The destination.
        destination: DestinationId,
        /// Whether it is used.
        enabled: Option<bool>,
    },
    /// Uses this endpoint of a destination, whatever its state; by the rules if none.
    Endpoint {
        /// The destination.
        destination: DestinationId,
        /// The endpoint.
        endpoint: Option<EndpointName>,
    },
}

impl LiveChange {
    /// The image that is to be shown.
    pub fn image(&self) -> Option<&ImageName> {
        match self {
            LiveChange::Slate { image, .. } => image.as_ref(),
            LiveChange::Overlay { overlay: Overlay::Logo { image, .. } } => Some(image),
            _ => None,
        }
    }
}

impl LiveSettings {
    /// These settings, with slate and overlays of `other`.
    pub fn drawn_as(self, other: &Self) -> Self {
        let Self { slate_text, slate_image, slate_countdown, overlays, .. } = other.clone();
        Self { slate_text, slate_image, slate_countdown, overlays, ..self }
    }

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
            LiveChange::BitRate { rendition, bitrate: None } => {
                after.bitrates.remove(rendition);
            }
            LiveChange::BitRate { rendition, bitrate: Some(bitrate) } => {
                if !(50_000..=100_000_000).contains(&bitrate.bps()) {
                    return Err("a picture is encoded with 50 kbit/s to 100 Mbit/s".to_owned());
                }
                after.bitrates.insert(rendition.clone(), *bitrate);
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
            LiveChange::Sound { source: None, sound } => after.sound.program = after.sound.program.with(sound)?,
            LiveChange::Sound { source: Some(source), sound } => {
                let of = after.sound.sources.entry(source.clone()).or_default();
                *of = of.with(sound)?;
            }
            LiveChange::Destination { destination, enabled } => {
                after.destinations.entry(destination.clone()).or_default().enable(*enabled);
                after.destinations.retain(|_, order| *order != DestinationOrder::default());
            }
            LiveChange::Endpoint { destination, endpoint } => {
                after.destinations.entry(destination.clone()).or_default().endpoint.clone_from(endpoint);
                after.destinations.retain(|_, order| *order != DestinationOrder::default());
            }
            LiveChange::SoundAsConfigured { source: None } => after.sound.program = SoundOverride::default(),
            LiveChange::SoundAsConfigured { source: Some(source) } => {
                after.sound.sources.remove(source);
            }
        }
        Ok(after)
    }

    /// What a spent budget makes of a destination; none if it does not.
    pub fn hold(&mut self, destination: &DestinationId, order: Option<BudgetOrder>) {
        self.destinations.entry(destination.clone()).or_default().budget = order;
        self.destinations.retain(|_, order| *order != DestinationOrder::default());
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
    fn sound_is_set_piece_by_piece() {
        let change = |text: &str| serde_json::from_str::<LiveChange>(text).unwrap();
        let settings = LiveSettings::default();
        let settings = settings.changed(&change(r#"{"set": "sound", "source": "cam", "gain_db": -3}"#)).unwrap();
        let settings = settings.changed(&change(r#"{"set": "sound", "source": "cam", "mute": true}"#)).unwrap();
        let cam = settings.sound.sources.values().next().unwrap();
        assert_eq!((cam.gain_db, cam.mute, cam.delay_ms), (Some(-3.0), Some(true), None));
        assert!(settings.changed(&change(r#"{"set": "sound", "delay_ms": 5000}"#)).is_err());
        let back = settings.changed(&change(r#"{"set": "sound_as_configured", "source": "cam"}"#)).unwrap();
        assert_eq!(back, LiveSettings::default());
    }

    #[test]
    fn an_older_document_is_read() {
        assert_eq!(serde_json::from_str::<LiveSettings>("{}").unwrap(), LiveSettings::default());
    }
}

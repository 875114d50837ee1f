//! What is laid over the program: one overlay of each kind at a time. Everything stays within the graphics safe area
//! (EBU R 95).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::image::ImageName;

/// Longest text, characters.
pub const OVERLAY_TEXT: usize = 200;

/// The kinds, in the order in which they are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OverlayKind {
    /// A picture with alpha in a corner.
    Logo,
    /// A text on a dark box.
    Text,
    /// Name and function of who speaks.
    LowerThird,
    /// The time of day.
    Clock,
    /// Time of day and frame of each picture.
    Timecode,
}

/// Where an overlay stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Top left.
    TopLeft,
    /// Top, in the middle.
    Top,
    /// Top right.
    #[default]
    TopRight,
    /// In the middle.
    Middle,
    /// Bottom left.
    BottomLeft,
    /// Bottom, in the middle.
    Bottom,
    /// Bottom right.
    BottomRight,
}

/// Whose time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    /// That of the box.
    #[default]
    Local,
    /// UTC.
    Utc,
}

fn logo_width() -> u8 {
    12
}

fn whole() -> u8 {
    100
}

fn text_height() -> u8 {
    5
}

/// One overlay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Overlay {
    /// See [`OverlayKind::Logo`].
    Logo {
        /// A PNG or JPEG file among the images of the box.
        image: ImageName,
        /// Where.
        #[serde(default)]
        place: Place,
        /// Width, percent of the program's, 1 to 50.
        #[serde(default = "logo_width")]
        width_percent: u8,
        /// 1 (hardly seen) to 100.
        #[serde(default = "whole")]
        opacity_percent: u8,
    },
    /// See [`OverlayKind::Text`].
    Text {
        /// One or more lines.
        text: String,
        /// Where.
        #[serde(default)]
        place: Place,
        /// Height of a line, percent of the program's, 2 to 20.
        #[serde(default = "text_height")]
        height_percent: u8,
    },
    /// See [`OverlayKind::LowerThird`].
    LowerThird {
        /// Who.
        title: String,
        /// What, where.
        #[serde(default)]
        subtitle: String,
    },
    /// See [`OverlayKind::Clock`].
    Clock {
        /// Where.
        #[serde(default)]
        place: Place,
        /// Whose time.
        #[serde(default)]
        zone: Zone,
    },
    /// See [`OverlayKind::Timecode`].
    Timecode {
        /// Where.
        #[serde(default)]
        place: Place,
        /// Whose time.
        #[serde(default)]
        zone: Zone,
    },
}

impl Overlay {
    /// Its kind.
    pub fn kind(&self) -> OverlayKind {
        match self {
            Overlay::Logo { .. } => OverlayKind::Logo,
            Overlay::Text { .. } => OverlayKind::Text,
            Overlay::LowerThird { .. } => OverlayKind::LowerThird,
            Overlay::Clock { .. } => OverlayKind::Clock,
            Overlay::Timecode { .. } => OverlayKind::Timecode,
        }
    }

    /// A sentence if it cannot be shown.
    pub fn check(&self) -> Result<(), String> {
        let within = |name: &str, value: u8, from: u8, to: u8| match (from..=to).contains(&value) {
            true => Ok(()),
            false => Err(format!("{name} must be {from} to {to}")),
        };
        let fits = |name: &str, text: &str, needed: bool| {
            if needed && text.trim().is_empty() {
                return Err(format!("{name} is empty: switch the overlay off instead"));
            }
            match text.chars().count() > OVERLAY_TEXT {
                true => Err(format!("{name} has room for {OVERLAY_TEXT} characters")),
                false => Ok(()),
            }
        };
        match self {
            Overlay::Logo { width_percent, opacity_percent, .. } => {
                within("width_percent", *width_percent, 1, 50)?;
                within("opacity_percent", *opacity_percent, 1, 100)
            }
            Overlay::Text { text, height_percent, .. } => {
                within("height_percent", *height_percent, 2, 20)?;
                fits("the text", text, true)
            }
            Overlay::LowerThird { title, subtitle } => {
                fits("the title", title, true)?;
                fits("the subtitle", subtitle, false)
            }
            Overlay::Clock { .. } | Overlay::Timecode { .. } => Ok(()),
        }
    }
}

/// What operators said of each kind: shown so, or off (none). What is not mentioned is as configured.
pub type OverlayOrders = BTreeMap<OverlayKind, Option<Overlay>>;

/// What is to be shown, given what is configured.
pub fn overlays_in_force(configured: &[Overlay], orders: &OverlayOrders) -> BTreeMap<OverlayKind, Overlay> {
    let mut shown: BTreeMap<_, _> = configured.iter().map(|overlay| (overlay.kind(), overlay.clone())).collect();
    for (kind, order) in orders {
        match order {
            Some(overlay) => shown.insert(*kind, overlay.clone()),
            None => shown.remove(kind),
        };
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlays_are_read_with_their_defaults_and_refused_by_their_rules() {
        let logo: Overlay = serde_json::from_str(r#"{"kind": "logo", "image": "station.png"}"#).unwrap();
        let expected = Overlay::Logo {
            image: "station.png".parse().unwrap(),
            place: Place::TopRight,
            width_percent: 12,
            opacity_percent: 100,
        };
        assert_eq!((logo.check(), logo), (Ok(()), expected));
        assert!(serde_json::from_str::<Overlay>(r#"{"kind": "logo", "image": "../etc/shadow"}"#).is_err());
        assert!(serde_json::from_str::<Overlay>(r#"{"kind": "clock", "colour": "red"}"#).is_err());
        let text = |text: &str, height_percent| Overlay::Text { text: text.into(), place: Place::Top, height_percent };
        assert!(text(" ", 5).check().is_err() && text("x", 21).check().is_err());
        assert!(text(&"x".repeat(201), 5).check().is_err());
    }

    #[test]
    fn operators_overrule_what_is_configured() {
        let clock = |zone| Overlay::Clock { place: Place::TopLeft, zone };
        let timecode = Overlay::Timecode { place: Place::Bottom, zone: Zone::Utc };
        let configured = [clock(Zone::Local), timecode];
        let orders = OverlayOrders::from([(OverlayKind::Clock, Some(clock(Zone::Utc))), (OverlayKind::Timecode, None)]);
        let shown = overlays_in_force(&configured, &orders);
        assert_eq!(shown.into_values().collect::<Vec<_>>(), [clock(Zone::Utc)]);
        assert_eq!(overlays_in_force(&configured, &OverlayOrders::new()).len(), 2);
        let text = serde_json::to_string(&orders).unwrap();
        assert_eq!(serde_json::from_str::<OverlayOrders>(&text).unwrap(), orders, "{text}");
    }
}

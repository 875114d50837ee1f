//! `[channels.<id>.overlays]` → overlays. Whether an image is there is found out by the worker: it may be sent later.

use super::Findings;
use crate::document::Section;
use crate::model::ImageName;
use crate::model::overlay::{Overlay, Place, Zone};

/// The overlays of a channel.
pub(crate) fn read(channel: &Section<'_>, findings: &mut Findings) -> Vec<Overlay> {
    let Some(section) = channel.table("overlays") else { return Vec::new() };
    let percent = |name: &str| section.value::<i64>(name).and_then(|n| u8::try_from(n).ok());
    let logo = image(&section, "logo", findings).map(|image| Overlay::Logo {
        image,
        place: place(section.value::<String>("logo_place").as_deref()),
        width_percent: percent("logo_width").unwrap_or(12),
        opacity_percent: percent("logo_opacity").unwrap_or(100),
    });
    let zone = |name: &str| match section.value::<String>(name)?.as_str() {
        "local" => Some(Zone::Local),
        "utc" => Some(Zone::Utc),
        _ => None,
    };
    let clock = zone("clock").map(|zone| Overlay::Clock { place: Place::TopLeft, zone });
    let timecode = zone("timecode").map(|zone| Overlay::Timecode { place: Place::Bottom, zone });
    [logo, clock, timecode].into_iter().flatten().collect()
}

/// The name of an image.
pub(crate) fn image(section: &Section<'_>, key: &str, findings: &mut Findings) -> Option<ImageName> {
    let written = section.get::<String>(key)?;
    match written.value.parse() {
        Ok(name) => Some(name),
        Err(_) => {
            let rule = "is no name of an image: letters, digits, `-`, `_` and `.`, ending in .png or .jpg";
            findings.faults.add(&written.spot, rule, "name one that `uplinkctl image list` shows, without directories");
            None
        }
    }
}

fn place(word: Option<&str>) -> Place {
    match word {
        Some("top-left") => Place::TopLeft,
        Some("top") => Place::Top,
        Some("middle") => Place::Middle,
        Some("bottom-left") => Place::BottomLeft,
        Some("bottom") => Place::Bottom,
        Some("bottom-right") => Place::BottomRight,
        _ => Place::TopRight,
    }
}

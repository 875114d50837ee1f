//! Blackmagic DeckLink: picture with captions and timecode, and embedded sound, of one input. Whether there is a signal
//! is asked of the card ([`Card`]): its frames do not tell. Without one its element only says so once it has been started,
//! so nothing is known of an input before.

mod card;
mod sight;

use gstreamer as gst;
use gstreamer::prelude::*;

pub(super) use self::card::Card;
use super::branch::Branches;
use super::head::Built;
use crate::plan::{DeckLinkInput, SourceKind};

/// Where to look when it does not deliver.
pub(super) const HINT: &str = "check the cable and the signal, that no other program uses the input, and that Blackmagic's \
                               Desktop Video is installed (BlackmagicFirmwareUpdater status)";

/// The vendor's library, which GStreamer's elements load.
const LIBRARY: &str = "libDeckLinkAPI.so";
const MISSING: &str = "the DeckLink driver (libDeckLinkAPI.so) is not installed: install Blackmagic's Desktop Video, then stop \
                       and start the channel";
/// An element that cannot be started has found no card, or one that is taken.
pub(super) const NOT_THERE: &str =
    "there is no such input: no card, or another number or persistent id, or it is taken";
/// Frames between card and pipeline.
const FRAMES: u32 = 5;

pub(super) fn build(kind: &SourceKind, pipeline: &gst::Pipeline, branches: &Branches) -> Built {
    let (picture, sound) = elements(kind)?;
    if !is_installed() {
        return Err(gst::glib::bool_error!("{}", MISSING));
    }
    pipeline.add(&picture)?;
    branches.link(&pad(&picture)?)?;
    if let Some(sound) = sound {
        pipeline.add(&sound)?;
        branches.link(&pad(&sound)?)?;
    }
    branches.set_complete();
    Ok(())
}

/// Name of the element that knows.
const PICTURE: &str = "decklink-picture";

/// The two sources of one input, set up. Needs the elements, but neither driver nor card.
fn elements(kind: &SourceKind) -> Result<(gst::Element, Option<gst::Element>), gst::glib::BoolError> {
    let SourceKind::DeckLink { input, connection, mode, sound, sound_channels, captions } = kind else {
        return Err(gst::glib::bool_error!("not a DeckLink source"));
    };
    let picture = gst::ElementFactory::make("decklinkvideosrc")
        .name(PICTURE)
        .property("buffer-size", FRAMES)
        // Without a signal cards deliver black or bars, which must not pass for a picture.
        .property("drop-no-signal-frames", true)
        .property("output-cc", *captions)
        .build()?;
    picture.set_property_from_str("timecode-format", "rp188any");
    set(&picture, "connection", connection)?;
    set(&picture, "mode", mode)?;
    choose(&picture, *input);
    let Some(sound) = sound else { return Ok((picture, None)) };
    let element = gst::ElementFactory::make("decklinkaudiosrc").property("buffer-size", FRAMES).build()?;
    set(&element, "connection", sound)?;
    set(&element, "channels", &sound_channels.to_string())?;
    choose(&element, *input);
    Ok((picture, Some(element)))
}

fn choose(element: &gst::Element, input: DeckLinkInput) {
    match input {
        DeckLinkInput::Id(id) => element.set_property("persistent-id", id),
        DeckLinkInput::Number(number) => element.set_property("device-number", number),
    }
}

/// Sets an enumeration by its nick; an unknown one would end the process.
fn set(element: &gst::Element, name: &str, nick: &str) -> Result<(), gst::glib::BoolError> {
    let known = element
        .find_property(name)
        .and_then(|property| gst::glib::EnumClass::with_type(property.value_type()))
        .is_some_and(|class| class.value_by_nick(nick).is_some());
    if !known {
        return Err(gst::glib::bool_error!("this GStreamer's DeckLink element knows no {} {}", name, nick));
    }
    element.set_property_from_str(name, nick);
    Ok(())
}

/// Where the system looks for libraries, as far as that is known: the loader itself would have to be asked with unsafe
/// code.
fn is_installed() -> bool {
    let paths = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
    let usual =
        ["/usr/lib", "/usr/lib64", "/lib", "/usr/local/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"];
    paths
        .split(':')
        .chain(usual)
        .filter(|directory| !directory.is_empty())
        .any(|directory| std::path::Path::new(directory).join(LIBRARY).exists())
}

fn pad(element: &gst::Element) -> Result<gst::Pad, gst::glib::BoolError> {
    element.static_pad("src").ok_or_else(|| gst::glib::bool_error!("{} without a pad", element.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(connection: &str, mode: &str, sound: Option<&str>, sound_channels: u32) -> SourceKind {
        SourceKind::DeckLink {
            input: DeckLinkInput::Number(1),
            connection: connection.to_owned(),
            mode: mode.to_owned(),
            sound: sound.map(str::to_owned),
            sound_channels,
            captions: true,
        }
    }

    fn present() -> bool {
        gst::init().unwrap();
        let found = gst::ElementFactory::find("decklinkvideosrc").is_some();
        if !found {
            eprintln!("SKIPPED: DeckLink properties: GStreamer's DeckLink plugin is not installed");
        }
        found
    }

    #[test]
    fn every_word_of_the_configuration_is_one_of_the_real_elements() {
        if !present() {
            return;
        }
        for connection in ["auto", "sdi", "optical-sdi", "hdmi", "component", "composite", "svideo"] {
            elements(&kind(connection, "auto", None, 2)).unwrap();
        }
        for sound in ["embedded", "aes", "analog"] {
            for channels in [2, 8, 16] {
                elements(&kind("sdi", "auto", Some(sound), channels)).unwrap();
            }
        }
    }

    #[test]
    fn both_elements_open_the_same_input() {
        if !present() {
            return;
        }
        let SourceKind::DeckLink { connection, mode, sound, .. } = kind("sdi", "1080i50", Some("embedded"), 8) else {
            unreachable!()
        };
        let input = DeckLinkInput::Id(0x0012_3456_789a);
        let plan = SourceKind::DeckLink { input, connection, mode, sound, sound_channels: 8, captions: false };
        let (picture, sound) = elements(&plan).unwrap();
        let sound = sound.unwrap();
        assert_eq!(picture.property::<i64>("persistent-id"), 0x0012_3456_789a);
        assert_eq!(sound.property::<i64>("persistent-id"), 0x0012_3456_789a);
        assert!(picture.property::<bool>("drop-no-signal-frames") && !picture.property::<bool>("output-cc"));
        let nick = |element: &gst::Element, name: &str| {
            let value = element.property_value(name);
            gst::glib::EnumValue::from_value(&value).map(|(_, value)| value.nick().to_owned()).unwrap()
        };
        assert_eq!((nick(&picture, "mode"), nick(&picture, "connection")), ("1080i50".into(), "sdi".into()));
        assert_eq!((nick(&sound, "channels"), nick(&sound, "connection")), ("8".into(), "embedded".into()));
    }

    #[test]
    fn an_unknown_word_is_an_error_and_no_crash() {
        if present() {
            assert!(elements(&kind("sdi", "1080i51", None, 2)).unwrap_err().to_string().contains("1080i51"));
        }
    }
}

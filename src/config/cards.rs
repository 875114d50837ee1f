//! `kind = "ndi"` and `kind = "decklink"`: what needs a vendor's library.

use super::Findings;
use super::checked::{DeckLinkInput, SourceKind};
use super::keys::key;
use crate::document::{Key, Kind, Need, Section};

pub(super) const NDI: &[Key] = &[
    key(
        "ndi_name",
        Kind::Text(200),
        Need::Optional,
        "Name as the sender announces it, such as `STUDIO-PC (Camera 1)`. Found by mDNS or a discovery server",
    ),
    key(
        "url_address",
        Kind::Text(253),
        Need::Optional,
        "Address of the sender, `host:port`, where names are not found. With `ndi_name` both must fit",
    ),
    key(
        "bandwidth",
        Kind::Word(&[
            ("highest", "the full picture"),
            ("lowest", "the sender's small preview picture, to save network and processor"),
        ]),
        Need::Default("\"highest\""),
        "Which picture to ask for",
    ),
];

pub(super) const DECKLINK: &[Key] = &[
    key(
        "persistent_id",
        Kind::Integer(0, i64::MAX, "as the card reports it"),
        Need::Optional,
        "The input by its persistent id (Desktop Video Setup shows it): stays the same when cards are added",
    ),
    key(
        "device_number",
        Kind::Integer(0, 63, "counted from 0"),
        Need::Optional,
        "The input by its number. Instead of `persistent_id`",
    ),
    key(
        "connection",
        Kind::Word(&[
            ("auto", "what the card is set to"),
            ("sdi", "SDI"),
            ("optical-sdi", "optical SDI"),
            ("hdmi", "HDMI"),
            ("component", "component"),
            ("composite", "composite"),
            ("svideo", "S-Video"),
        ]),
        Need::Default("\"auto\""),
        "Connector of the card",
    ),
    key(
        "mode",
        Kind::Text(30),
        Need::Default("\"auto\""),
        "Video mode, such as `1080i50` or `1080p2997`. `auto` follows the signal; older cards cannot do that",
    ),
    key(
        "sound",
        Kind::Word(&[
            ("embedded", "within the picture's signal"),
            ("aes", "AES/EBU input"),
            ("analog", "analogue input"),
            ("none", "silence"),
        ]),
        Need::Default("\"embedded\""),
        "Where its sound comes from",
    ),
    key(
        "sound_channels",
        Kind::Integer(2, 16, "channels: 2, 8 or 16"),
        Need::Default("2"),
        "Channels of embedded sound to take: 2, 8 or 16",
    ),
    key("captions", Kind::Truth, Need::Default("true"), "Whether CEA-608/708 captions of the signal are taken over"),
];

/// Modes as GStreamer's DeckLink elements call them. `tests/config/elements.rs` compares them with the real element.
pub const DECKLINK_MODES: &[&str] = &[
    "auto",
    "ntsc",
    "ntsc2398",
    "pal",
    "ntsc-p",
    "pal-p",
    "1080p2398",
    "1080p24",
    "1080p25",
    "1080p2997",
    "1080p30",
    "1080i50",
    "1080i5994",
    "1080i60",
    "1080p50",
    "1080p5994",
    "1080p60",
    "720p50",
    "720p5994",
    "720p60",
    "1556p2398",
    "1556p24",
    "1556p25",
    "2kdcip2398",
    "2kdcip24",
    "2kdcip25",
    "2kdcip2997",
    "2kdcip30",
    "2kdcip50",
    "2kdcip5994",
    "2kdcip60",
    "2160p2398",
    "2160p24",
    "2160p25",
    "2160p2997",
    "2160p30",
    "2160p50",
    "2160p5994",
    "2160p60",
    "ntsc-widescreen",
    "ntsc2398-widescreen",
    "pal-widescreen",
    "ntsc-p-widescreen",
    "pal-p-widescreen",
    "4kdcip2398",
    "4kdcip24",
    "4kdcip25",
    "4kdcip2997",
    "4kdcip30",
    "4kdcip50",
    "4kdcip5994",
    "4kdcip60",
    "8kp2398",
    "8kp24",
    "8kp25",
    "8kp2997",
    "8kp30",
    "8kp50",
    "8kp5994",
    "8kp60",
    "8kdcip2398",
    "8kdcip24",
    "8kdcip25",
    "8kdcip2997",
    "8kdcip30",
    "8kdcip50",
    "8kdcip5994",
    "8kdcip60",
];

pub(crate) fn read_ndi(section: &Section<'_>, findings: &mut Findings) -> Option<SourceKind> {
    let (name, address) = (section.value::<String>("ndi_name"), section.get::<String>("url_address"));
    if !section.has("ndi_name") && !section.has("url_address") {
        let fix = "add `ndi_name = \"MACHINE (Source)\"`, or `url_address = \"host:port\"`";
        findings.faults.add(&section.spot("ndi_name"), "must be given", fix);
        return None;
    }
    if let Some(address) = &address {
        let named = address.value.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && super::srt::check_host(host).is_ok() && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
        if !named {
            findings.faults.add(&address.spot, "is no address of a sender", "write host:port, such as 192.0.2.7:5961");
            return None;
        }
    }
    Some(SourceKind::Ndi {
        name,
        address: address.map(|address| address.value),
        lowest: section.value::<String>("bandwidth")? == "lowest",
    })
}

pub(crate) fn read_decklink(section: &Section<'_>, findings: &mut Findings) -> Option<SourceKind> {
    let faults = &mut findings.faults;
    let before = faults.len();
    let (id, number) = (section.value::<i64>("persistent_id"), section.get::<i64>("device_number"));
    if let (Some(_), Some(number)) = (id, &number) {
        faults.add(&number.spot, "cannot stand beside `persistent_id`", "keep one of the two");
    }
    if !section.has("persistent_id") && !section.has("device_number") {
        let fix = "add `persistent_id` (Desktop Video Setup shows it) or `device_number = 0`";
        faults.add(&section.spot("persistent_id"), "must be given", fix);
    }
    let mode = section.get::<String>("mode")?;
    if !DECKLINK_MODES.contains(&mode.value.as_str()) {
        let fix =
            "write \"auto\", or size, scan and rate in one word: 1080i50, 1080p2997, 720p5994, 2160p25, pal, ntsc";
        faults.add(&mode.spot, "is no mode of a DeckLink card", fix);
    }
    let channels = section.get::<i64>("sound_channels")?;
    if ![2, 8, 16].contains(&channels.value) {
        faults.add(&channels.spot, "must be 2, 8 or 16", "take the next larger of them");
    }
    let input = match (id, number) {
        (Some(id), _) => DeckLinkInput::Id(id),
        (None, Some(number)) => DeckLinkInput::Number(i32::try_from(number.value).ok()?),
        (None, None) => return None,
    };
    let sound = section.value::<String>("sound")?;
    (faults.len() == before).then_some(SourceKind::DeckLink {
        input,
        connection: section.value("connection")?,
        mode: mode.value,
        sound: Some(sound).filter(|sound| sound != "none"),
        sound_channels: u32::try_from(channels.value).ok()?,
        captions: section.value("captions")?,
    })
}

//! `--source CHANNEL=WHAT`: replaces a channel's sources by one, for this run.

use std::path::PathBuf;

use super::Findings;
use super::checked::{Source, SourceKind};
use super::files::Files;
use super::{devices, playlist, srt};
use crate::document::{Spot, suggestion};
use crate::model::SourceId;
use crate::model::sound::SourceSound;

/// `CHANNEL=WHAT` as typed. `WHAT` is `auto`, `test`, a capture device (`/dev/videoN` will do for one run), `srt://…`
/// or the path of a file or an M3U list. It is checked together with the configuration, so that its faults come with all the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceOverride(pub String);

impl From<String> for SourceOverride {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for SourceOverride {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// An override that has been understood.
pub(crate) struct Replacement {
    pub(crate) channel: String,
    pub(crate) source: Source,
    pub(crate) spot: Spot,
}

pub(crate) fn read(
    overrides: &[SourceOverride],
    channels: &[String],
    files: &Files,
    findings: &mut Findings,
) -> Vec<Replacement> {
    let mut replacements: Vec<Replacement> = Vec::new();
    for text in overrides {
        let Some(replacement) = read_one(&text.0, channels, files, findings) else { continue };
        match replacements.iter().any(|earlier| earlier.channel == replacement.channel) {
            true => {
                findings.faults.add(&replacement.spot, "the channel has an override already", "give one per channel")
            }
            false => replacements.push(replacement),
        }
    }
    replacements
}

fn read_one(text: &str, channels: &[String], files: &Files, findings: &mut Findings) -> Option<Replacement> {
    let spot = |value: Option<&str>| Spot {
        key: "--source".to_owned(),
        value: value.map(str::to_owned),
        ..Spot::file("command line")
    };
    // What stands in an address may be secret, so it is shown only up to its options.
    let spot = spot(Some(text.split('?').next().unwrap_or(text)));
    let Some((channel, what)) = text.split_once('=') else {
        findings.faults.add(&spot, "must be CHANNEL=WHAT", "write for example demo=test");
        return None;
    };
    if !channels.iter().any(|known| known == channel) {
        findings.faults.add(&spot, format!("there is no channel `{channel}`"), suggestion(channel, channels));
        return None;
    }
    let kind = match what {
        "auto" => SourceKind::Auto,
        "test" => SourceKind::Test,
        "" => {
            findings.faults.add(&spot, "names no source", "write auto, test, /dev/videoN, srt://host:port or a file");
            return None;
        }
        _ if what.starts_with("srt://") => match srt::parse(what) {
            Ok(address) => SourceKind::Srt {
                mode: address.mode,
                host: address.host,
                port: address.port,
                latency_ms: address.latency_ms.unwrap_or(120),
                passphrase: None,
                stream_id: address.stream_id,
            },
            Err(rule) => {
                findings.faults.add(&spot, rule, "write srt://host:port or srt://:port?mode=listener");
                return None;
            }
        },
        _ if ["/dev/", "serial:", "path:"].iter().any(|start| what.starts_with(start)) => {
            let (device, kernel) = devices::read(what, &spot, devices::Volatile::Resolve, findings)?;
            SourceKind::V4l2 { device, kernel, sound: None, size: None }
        }
        _ => playlist::named(
            PathBuf::from(what),
            &spot,
            true,
            "write auto, test, /dev/videoN, srt://host:port or an existing file",
            files,
            findings,
        )?,
    };
    let word = match kind {
        SourceKind::Auto => "auto",
        SourceKind::Test => "test",
        SourceKind::V4l2 { .. } | SourceKind::Alsa { .. } => "device",
        SourceKind::File { .. } | SourceKind::Playlist { .. } => "file",
        SourceKind::Srt { .. } => "srt",
        SourceKind::Rtmp { .. } => "rtmp",
        SourceKind::Rtsp { .. } => "rtsp",
        SourceKind::Custom { .. } => "custom",
        // Not of a form that can be typed here.
        SourceKind::Whip { .. } | SourceKind::Ndi { .. } | SourceKind::DeckLink { .. } => return None,
    };
    Some(Replacement {
        channel: channel.to_owned(),
        source: Source {
            id: SourceId::new(word).ok()?,
            kind,
            expect: Default::default(),
            fit: Default::default(),
            sound: SourceSound::default(),
        },
        spot,
    })
}

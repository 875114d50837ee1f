//! `[sources.<id>]` → [`Source`].

use std::path::PathBuf;

use super::Findings;
use super::checked::{Source, SourceKind, SrtMode};
use super::files::{Base, Files};
use super::secrets::{self, Credentials, Rule};
use super::{cards, devices, guest, playlist, rtmp, rtsp, srt};
use crate::document::{Section, Spot};
use crate::model::sound::{ChannelMap, SoundSetting, SourceSound};
use crate::model::{ExpectedFormat, Fit, SourceId};

/// One source and where it stands; none for the source if it is faulty, so that references to it are no second fault.
pub(crate) struct WrittenSource {
    pub(crate) id: String,
    pub(crate) source: Option<Source>,
    /// Where the fragment of a custom source stands.
    pub(crate) fragment: Option<Spot>,
}

pub(crate) fn read(
    root: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Vec<WrittenSource> {
    let each = |(id, section): (String, Section<'_>)| {
        let kind = read_kind(&section, base, credentials, findings);
        let expect = ExpectedFormat { size: section.value("expect_size"), frame_rate: section.value("expect_rate") };
        let (sound, fit) = (read_sound(&section, findings), fit(&section));
        let source = kind.zip(SourceId::new(id.as_str()).ok()).zip(sound);
        let source = source.map(|((kind, id), sound)| Source { id, kind, expect, sound, fit });
        let fragment = section.has("fragment").then(|| section.spot("fragment"));
        WrittenSource { id, source, fragment }
    };
    root.map("sources").into_iter().map(each).collect()
}

fn read_sound(section: &Section<'_>, findings: &mut Findings) -> Option<SourceSound> {
    let audio = section.table("audio")?;
    let rows = super::stream_class::map_rows(&audio, findings);
    let setting = SoundSetting {
        gain_db: audio.value::<f64>("gain_db")? as f32,
        mute: audio.value("mute")?,
        delay_ms: audio.value::<i64>("delay_ms")?.try_into().ok()?,
    };
    let map = audio.has("map").then(|| ChannelMap::from_rows(rows.into_iter().map(|(row, _)| row).collect()));
    Some(SourceSound { map, setting })
}

fn fit(section: &Section<'_>) -> Fit {
    match section.value::<String>("fit").as_deref() {
        Some("crop") => Fit::Crop,
        Some("stretch") => Fit::Stretch,
        _ => Fit::Letterbox,
    }
}

fn read_kind(
    section: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<SourceKind> {
    match section.value::<String>("kind")?.as_str() {
        "auto" => Some(SourceKind::Auto),
        "test" => Some(SourceKind::Test),
        "v4l2" => {
            let device = section.get::<String>("device")?;
            let sound = section.get::<String>("sound");
            let sound_good = sound.as_ref().is_none_or(|sound| alsa_name(&sound.value, &sound.spot, findings));
            let (device, kernel) = devices::read(&device.value, &device.spot, devices::Volatile::Refuse, findings)?;
            let sound = sound.filter(|_| sound_good).map(|sound| sound.value);
            Some(SourceKind::V4l2 { device, kernel, sound, size: section.value("size") })
        }
        "alsa" => {
            let device = section.get::<String>("device")?;
            alsa_name(&device.value, &device.spot, findings).then_some(SourceKind::Alsa { device: device.value })
        }
        "file" => playlist::read(section, base, findings),
        "srt" => read_srt(section, base, credentials, findings),
        "rtmp" => rtmp::read(section, base, credentials, findings),
        "rtsp" => rtsp::read(section, base, credentials, findings),
        "custom" => Some(SourceKind::Custom { fragment: section.value("fragment")? }),
        "whip" => guest::read(section, base, credentials, findings),
        "ndi" => cards::read_ndi(section, findings),
        "decklink" => cards::read_decklink(section, findings),
        _ => None,
    }
}

pub(crate) fn media_file(
    path: PathBuf,
    spot: &Spot,
    fix: &str,
    files: &Files,
    findings: &mut Findings,
) -> Option<SourceKind> {
    let shown = path.display();
    match std::fs::metadata(&path) {
        Ok(meta) if meta.is_file() => {}
        Ok(_) => files.absent(spot, format!("{shown} is no file"), "name a media file", &mut findings.faults)?,
        Err(error) => files.absent(spot, format!("{shown} cannot be read: {error}"), fix, &mut findings.faults)?,
    }
    // Absolute: the worker may run in another directory.
    Some(SourceKind::File { path: std::path::absolute(&path).unwrap_or(path) })
}

fn alsa_name(name: &str, spot: &Spot, findings: &mut Findings) -> bool {
    let good = !name.starts_with("/dev") && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-:=,.".contains(&b));
    if !good {
        findings.faults.add(spot, "is no ALSA device", "write hw:1 or hw:CARD=…,DEV=0, as arecord -L lists them");
    }
    good
}

/// The SRT keys of a source, which a destination has as well.
pub(crate) fn read_srt(
    section: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<SourceKind> {
    let faults = &mut findings.faults;
    let passphrase = secrets::read(section, "passphrase", Rule::Passphrase, base, credentials, faults);
    let latency_ms = section.value("latency_ms")?;
    let stream_id = section.value::<String>("stream_id");
    if let Some(url) = section.get::<String>("url") {
        for other in ["mode", "host", "port"].into_iter().filter(|other| section.has(other)) {
            faults.add(&section.spot(other), "cannot stand beside `url`", "keep one of the two");
        }
        return match srt::parse(&url.value) {
            Ok(address) => Some(SourceKind::Srt {
                mode: address.mode,
                host: address.host,
                port: address.port,
                latency_ms: address.latency_ms.unwrap_or(latency_ms),
                passphrase,
                stream_id: address.stream_id.or(stream_id),
            }),
            Err(rule) => {
                faults.add(&url.spot, rule, "write srt://host:port?mode=caller or srt://:port?mode=listener");
                None
            }
        };
    }
    for needed in ["mode", "port"].into_iter().filter(|needed| !section.has(needed)) {
        faults.add(&section.spot(needed), "must be given", "add it, or `url = \"srt://host:port\"`");
    }
    let mode = match section.value::<String>("mode")?.as_str() {
        "caller" => SrtMode::Caller,
        _ => SrtMode::Listener,
    };
    let host = match (section.get::<String>("host"), mode) {
        (Some(host), _) => {
            if let Err(rule) = srt::check_host(&host.value) {
                faults.add(&host.spot, rule, "write a name or an address without port");
            }
            host.value
        }
        (None, SrtMode::Listener) => "0.0.0.0".to_owned(),
        (None, SrtMode::Caller) => {
            faults.add(&section.spot("host"), "must be given for a caller", "add `host = \"…\"`, the peer to call");
            return None;
        }
    };
    Some(SourceKind::Srt { mode, host, port: section.value("port")?, latency_ms, passphrase, stream_id })
}

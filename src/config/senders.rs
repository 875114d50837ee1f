//! Destinations that send a stream: `kind = "srt"`, `"rtmp"`, `"rist"`, `"udp-ts"`.

use std::path::PathBuf;

use super::checked::{Destination, DestinationKind, Sent, SourceKind};
use super::files::Base;
use super::secrets::{self, Credentials, Rule};
use super::stream_class::StreamClass;
use super::{Findings, address};
use super::{sources, srt};
use crate::document::{Placed, Section};
use crate::model::{Carrier, RenditionId, SpliceForm, SrtMode, TransportStream, VideoCodec};

/// One endpoint: `section` is the destination's table, `of` where the address stands (the same, or one of `backups`).
pub(crate) fn read(
    kind: &str,
    section: &Section<'_>,
    of: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<DestinationKind> {
    let carrier = match kind {
        "srt" => read_srt(section, of, base, credentials, findings),
        "rtmp" => read_rtmp(section, of, base, credentials, findings),
        "rist" => read_rist(section, of, findings),
        _ => read_udp(section, of, findings),
    };
    let id = |text: String| RenditionId::new(text).ok();
    let audio = section.list::<String>("audio").into_iter().filter_map(|placed| id(placed.value)).collect();
    let rendition = section.value::<String>("rendition").and_then(id);
    Some(DestinationKind::Send(Box::new(Sent {
        rendition,
        audio,
        stall_ms: section.value("stall_ms")?,
        carrier: carrier?,
    })))
}

fn read_srt(
    section: &Section<'_>,
    of: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<Carrier> {
    let ts = transport_stream(section, findings);
    // The same keys as a source's.
    let SourceKind::Srt { mode, host, port, latency_ms, passphrase, stream_id } =
        sources::read_srt(of, base, credentials, findings)?
    else {
        return None;
    };
    Some(Carrier::Srt {
        mode: match mode {
            super::SrtMode::Caller => SrtMode::Caller,
            super::SrtMode::Listener => SrtMode::Listener,
        },
        host,
        port,
        latency_ms,
        passphrase,
        key_length: match section.value::<String>("encryption")?.as_str() {
            "aes-192" => 24,
            "aes-256" => 32,
            _ => 16,
        },
        stream_id,
        overhead_percent: small(section, "overhead_percent")?,
        max_bandwidth: section.value("max_bandwidth"),
        ts: ts?,
    })
}

fn read_rtmp(
    section: &Section<'_>,
    of: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<Carrier> {
    let faults = &mut findings.faults;
    let key = secrets::read(of, "stream_key", Rule::Password, base, credentials, faults);
    if let Some(second) = section.list::<String>("audio").get(1) {
        faults.add(&second.spot, "is one too many: RTMP carries one audio rendition", "keep one");
    }
    let fix = "use `stream_key_file` or `stream_key_credential`";
    let url = address::without_credentials(of, "url", fix, faults)?;
    if url.value.path().trim_matches('/').is_empty() {
        faults.add(&url.spot, "must name the application", "write rtmp://host/application");
        return None;
    }
    if url.value.query().is_some() || url.value.fragment().is_some() {
        let fix = "what stands there is part of the stream key: write it into that file";
        faults.add(&url.spot, "must not have a ? or # part", fix);
        return None;
    }
    let ca = of.value::<PathBuf>("ca_file").map(|path| base.join(path));
    if let Some(path) = ca.as_ref().filter(|path| !path.is_file()) {
        let rule = format!("{}: there is no such file", path.display());
        base.files.absent(&of.spot("ca_file"), rule, "name a file of certificates (PEM)", faults);
    }
    if url.value.scheme() == "rtmp" && key.is_some() && !address::is_loopback(&url.value) {
        findings.warnings.add(&url.spot, "carries the stream key unencrypted", "use rtmps, if the server knows it");
    }
    Some(Carrier::Rtmp { url: url.value, key, ca })
}

fn read_rist(section: &Section<'_>, of: &Section<'_>, findings: &mut Findings) -> Option<Carrier> {
    let ts = transport_stream(section, findings);
    let (host, port) = (host(of, findings), of.get::<u16>("port")?);
    if port.value % 2 == 1 {
        findings.faults.add(&port.spot, "must be even: RTCP uses the next one", "add or take away 1");
        return None;
    }
    Some(Carrier::Rist { host: host?, port: port.value, buffer_ms: of.value("buffer_ms")?, ts: ts? })
}

fn read_udp(section: &Section<'_>, of: &Section<'_>, findings: &mut Findings) -> Option<Carrier> {
    let ts = transport_stream(section, findings);
    let host = host(of, findings);
    Some(Carrier::UdpTs {
        host: host?,
        port: of.value("port")?,
        ttl: small(of, "ttl")?,
        interface: of.value("interface"),
        ts: ts?,
    })
}

/// A number that its table of keys keeps below 256.
fn small(of: &Section<'_>, name: &str) -> Option<u8> {
    of.value::<u16>(name)?.try_into().ok()
}

fn host(of: &Section<'_>, findings: &mut Findings) -> Option<String> {
    let host = of.get::<String>("host")?;
    match srt::check_host(&host.value) {
        Ok(()) => Some(host.value),
        Err(rule) => {
            findings.faults.add(&host.spot, rule, "write a name or an address without port");
            None
        }
    }
}

fn transport_stream(section: &Section<'_>, findings: &mut Findings) -> Option<TransportStream> {
    let form = match section.value::<String>("scte35")?.as_str() {
        "off" => None,
        "time-signal" => Some(SpliceForm::TimeSignal),
        _ => Some(SpliceForm::Insert),
    };
    let audio = section.list::<String>("audio").len().max(1) as u16;
    let (video_pid, audio_pid) = (section.value("video_pid")?, section.value::<u16>("audio_pid")?);
    let (map_pid, scte35_pid) = (section.value("map_pid")?, section.value("scte35_pid")?);
    let mut taken: Vec<u16> = (audio_pid..audio_pid.saturating_add(audio)).collect();
    for (name, pid) in [("video_pid", video_pid), ("map_pid", map_pid), ("scte35_pid", scte35_pid)] {
        if name == "scte35_pid" && form.is_none() {
            continue;
        }
        if taken.contains(&pid) {
            findings.faults.add(
                &section.spot(name),
                format!("{pid} is a PID of something else in this stream"),
                "choose another",
            );
            return None;
        }
        taken.push(pid);
    }
    Some(TransportStream {
        // The channel's title, where none is written.
        name: section.value("service_name").unwrap_or_default(),
        program: section.value("program")?,
        map_pid,
        video_pid,
        audio_pid,
        splices: form.map(|form| (scte35_pid, form)),
        bitrate: section.value("bitrate"),
    })
}

/// Whether the stream class of a channel has what its destination is to send.
pub(crate) fn check(placed: &Placed<Destination>, class: &StreamClass, findings: &mut Findings) {
    let Some(DestinationKind::Send(sent)) = placed.value.endpoints.first() else { return };
    let has = |id: &RenditionId, video: bool| match video {
        true => class.video.iter().any(|rendition| rendition.id == *id),
        false => class.audio.iter().any(|rendition| rendition.id == *id),
    };
    let wanted = sent.rendition.iter().map(|id| (id, true)).chain(sent.audio.iter().map(|id| (id, false)));
    for (id, video) in wanted.filter(|(id, video)| !has(id, *video)) {
        let kind = if video { "video" } else { "audio" };
        let rule = format!("sends the {kind} rendition `{id}`, which the stream class `{}` does not have", class.name);
        findings.faults.add(&placed.spot, rule, "name one of that class in the destination, or leave it out");
    }
    let chosen = class.video.iter().find(|rendition| sent.rendition.as_ref().is_none_or(|id| *id == rendition.id));
    let av1 = chosen.filter(|rendition| rendition.codec == VideoCodec::Av1);
    if let Some(rendition) = av1.filter(|_| !matches!(sent.carrier, Carrier::Rtmp { .. })) {
        let rule = format!("sends `{}`, which is AV1: an MPEG transport stream carries H.264 or HEVC", rendition.id);
        findings.faults.add(&placed.spot, rule, "name another rendition in the destination");
    }
    let enough = |most: u64| sent.carrier.bitrate().is_none_or(|rate| rate.bps() > most);
    let audio = class.audio.iter().filter(|rendition| sent.audio.is_empty() || sent.audio.contains(&rendition.id));
    let audio: u64 = audio.take(sent.audio.len().max(1)).map(|rendition| rendition.bitrate.bps()).sum();
    let most = chosen.map_or(0, |rendition| rendition.max_bitrate.bps()) + audio;
    if !enough(most) {
        let rule = format!("has a `bitrate` below the {} bit/s that its renditions may take", most);
        findings.faults.add(&placed.spot, rule, "raise it by a tenth more than that, or name a smaller rendition");
    }
}

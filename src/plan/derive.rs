//! Checked configuration + inventory → plans. Pure.

use std::path::PathBuf;

use super::companion::CompanionPlan;
use super::graph::{
    AudioRenditionPlan, CaptionsPlan, ChannelPlan, CorrectionPlan, DeckLinkInput, DestinationKind, DestinationPlan,
    EncoderPlan, EndpointPlan, GraphicsPlan, RtspTransport, SecondPublisher, SlatePlan, SoundAlarmPlan, SoundPlan,
    SourceKind, SourcePlan, SpoolPlan, SrtMode, ThresholdPlan, VideoRenditionPlan,
};
use super::sessions::there_are;
use crate::config::stream_class::VideoRendition;
use crate::config::{self, Channel, Checked};
use crate::model::sound::SourceSound;
use crate::model::{
    CaptureDevice, ChannelId, EndpointName, ExpectedFormat, HardwareDevice, Inventory, RecordedOf, RenditionId,
    SourceId,
};
use crate::profile::{Candidate, Profiles};

/// Where a daemon keeps what channels write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanPaths {
    /// Spools, one directory per channel below it.
    pub spool_root: PathBuf,
    /// Images for slates and logos.
    pub images: PathBuf,
    /// Recordings, unless the configuration says where; one directory per channel below it.
    pub recordings: PathBuf,
}

/// Why a checked configuration gives no plan. The check of the configuration excludes all of it, so this is a fault of
/// Uplink.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No hardware profile can encode a rendition.
    #[error(
        "channel `{channel}`: no hardware profile has an encoder for rendition `{rendition}`; correct the profiles and reload"
    )]
    NoEncoder {
        /// The channel.
        channel: ChannelId,
        /// The rendition.
        rendition: RenditionId,
    },
    /// An identifier that had to be made up is none.
    #[error("channel `{channel}`: {reason}; give the source a shorter identifier")]
    Identifier {
        /// The channel.
        channel: ChannelId,
        /// What is wrong with it.
        reason: String,
    },
}

/// One plan per channel, in the order of the configuration, with every encoder that fits: which of them have a session for
/// it is known when it goes on air (see [`grant`](super::grant)).
pub fn derive(checked: &Checked, inventory: &Inventory, paths: &PlanPaths) -> Result<Vec<ChannelPlan>, PlanError> {
    let free = unclaimed(checked, inventory);
    let fitting = checked.profiles.fitting(&inventory.devices);
    let encoders = Encoders { all: &checked.profiles, fitting: &fitting, devices: &inventory.devices };
    checked.channels.iter().map(|channel| derive_channel(channel, &encoders, &free, paths)).collect()
}

/// Where encoders come from.
struct Encoders<'a> {
    all: &'a Profiles,
    /// Those that fit the box.
    fitting: &'a Profiles,
    devices: &'a [HardwareDevice],
}

/// Capture devices that no source names: what `auto` may take, without sound that another source names. If there is
/// just one sound card that is not part of a capture device, the first device without sound of its own takes it.
fn unclaimed(checked: &Checked, inventory: &Inventory) -> Vec<CaptureDevice> {
    let (mut names, mut sounds) = (Vec::new(), Vec::new());
    for source in checked.channels.iter().flat_map(|channel| &channel.sources) {
        match &source.kind {
            config::SourceKind::V4l2 { device, sound, .. } => {
                names.push(device);
                sounds.extend(sound.iter().map(|sound| config::sound_resource(sound)));
            }
            config::SourceKind::Alsa { device } => sounds.push(config::sound_resource(device)),
            _ => {}
        }
    }
    let claimed: Vec<&CaptureDevice> = names.into_iter().filter_map(|name| inventory.find(name).ok()).collect();
    let free = inventory.capture.iter().filter(|device| !claimed.contains(device)).cloned();
    let quiet = |sound: &String| !sounds.contains(&config::sound_resource(sound));
    let mut free: Vec<CaptureDevice> =
        free.map(|device| CaptureDevice { sound: device.sound.filter(quiet), ..device }).collect();
    let lone = lone_card(inventory).filter(quiet);
    if let Some((device, sound)) = free.iter_mut().find(|device| device.sound.is_none()).zip(lone) {
        device.sound = Some(sound);
    }
    free
}

/// The first device of the only sound card that is not part of a capture device.
fn lone_card(inventory: &Inventory) -> Option<String> {
    let mut others = inventory.sound.iter().filter(|sound| !sound.of_capture);
    let first = others.next()?;
    others.all(|other| other.card == first.card).then(|| first.device.clone())
}

fn derive_channel(
    channel: &Channel,
    encoders: &Encoders<'_>,
    free: &[CaptureDevice],
    paths: &PlanPaths,
) -> Result<ChannelPlan, PlanError> {
    let class = &channel.stream_class;
    let sources = sources(channel, free)?;
    let video = video(channel, encoders)?;
    let each = |one| destination(one, channel, &sources, paths, encoders);
    let destinations: Vec<DestinationPlan> = channel.destinations.iter().map(each).collect::<Result<_, _>>()?;
    let companions = companions(channel, &sources, encoders)?;
    Ok(ChannelPlan {
        channel: channel.id.clone(),
        title: channel.title.clone(),
        stream_class: class.title(),
        program: class.program,
        timecode: channel.timecode,
        segments: class.segments,
        parts: class.parts,
        slate: SlatePlan { text: channel.slate_text.clone() },
        graphics: GraphicsPlan {
            images: paths.images.clone(),
            slate_image: channel.slate_image.clone(),
            overlays: channel.overlays.clone(),
        },
        video,
        audio: class
            .audio
            .iter()
            .map(|rendition| AudioRenditionPlan {
                id: rendition.id.clone(),
                name: rendition.name.clone(),
                language: rendition.language.clone(),
                bitrate: rendition.bitrate,
                map: rendition.map.clone(),
                correction: rendition.loudness_target.map(|target| CorrectionPlan {
                    target_lufs: target.0,
                    max_gain_db: class.audio_policy.max_gain_db,
                }),
            })
            .collect(),
        captions: class.captions.as_ref().map(|captions| CaptionsPlan {
            name: captions.name.clone(),
            language: captions.language.clone(),
            webvtt: captions.webvtt.clone(),
        }),
        spool: SpoolPlan {
            directory: paths.spool_root.join(channel.id.as_str()),
            quota_bytes: channel.spool.quota_bytes,
            retain_seconds: channel.spool.retain.as_secs(),
            playlist_segments: class.playlist_segments,
            when_full: channel.spool.when_full,
        },
        destinations,
        thresholds: ThresholdPlan {
            loss_ms: class.fallback.loss_ms,
            wait_to_restore_ms: class.fallback.wait_to_restore_ms,
            stall_ms: class.thresholds.stall_ms,
            failover: class.failover,
            signal: class.signal.clone(),
        },
        sound: sound(channel, &sources),
        sources,
        companions,
    })
}

fn companions(
    channel: &Channel,
    sources: &[SourcePlan],
    encoders: &Encoders<'_>,
) -> Result<Vec<CompanionPlan>, PlanError> {
    let mut plans: Vec<CompanionPlan> = Vec::new();
    for written in &channel.companions {
        let planned: Vec<RecordedOf> = match &written.of {
            RecordedOf::Source(id) => super::companion::sources_of(id, channel, sources)
                .map(|one| RecordedOf::Source(one.id.clone()))
                .collect(),
            of => vec![of.clone()],
        };
        for of in planned {
            // One that `auto` found has a name of its own.
            let id = |text: String| {
                let reason = |error: crate::model::id::NotASlug| error.to_string();
                let told = |reason| PlanError::Identifier { channel: channel.id.clone(), reason };
                RenditionId::new(text).map_err(reason).map_err(told)
            };
            let slug = of.slug().unwrap_or_default();
            let video = match &written.video {
                Some(video) => {
                    let asked = VideoRendition { id: id(slug.clone())?, ..video.clone() };
                    Some(encoded(&asked, channel, encoders)?)
                }
                None => None,
            };
            let audio = AudioRenditionPlan {
                id: id(format!("{slug}-sound"))?,
                name: of.to_string(),
                language: None,
                bitrate: written.sound_bitrate,
                map: None,
                correction: None,
            };
            plans.push(CompanionPlan { of, video, audio });
        }
    }
    Ok(plans)
}

/// What `auto` finds is treated as `auto` says.
fn sound(channel: &Channel, sources: &[SourcePlan]) -> SoundPlan {
    let (policy, alarms) = (&channel.stream_class.audio_policy, &channel.stream_class.sound_alarms);
    let of = |plan: &SourcePlan| {
        let auto = channel.sources.iter().find(|source| source.kind == config::SourceKind::Auto);
        let source = channel.sources.iter().find(|source| source.id == plan.id).or(auto)?;
        (source.sound != SourceSound::default()).then(|| (plan.id.clone(), source.sound.clone()))
    };
    SoundPlan {
        layout: policy.layout,
        sources: sources.iter().filter_map(of).collect(),
        true_peak_max: policy.true_peak_max,
        loudness_target: policy.loudness_target.0,
        correction: policy
            .correction
            .then_some(CorrectionPlan { target_lufs: policy.loudness_target.0, max_gain_db: policy.max_gain_db }),
        alarms: SoundAlarmPlan {
            silence_dbfs: alarms.silence_dbfs,
            silence_ms: alarms.silence_ms,
            phase_correlation: alarms.phase_correlation,
            phase_ms: alarms.phase_ms,
            missing_ms: alarms.missing_ms,
            clear_ms: alarms.clear_ms,
        },
    }
}

fn video(channel: &Channel, from: &Encoders<'_>) -> Result<Vec<VideoRenditionPlan>, PlanError> {
    channel.stream_class.video.iter().map(|rendition| encoded(rendition, channel, from)).collect()
}

fn encoded(
    rendition: &VideoRendition,
    channel: &Channel,
    from: &Encoders<'_>,
) -> Result<VideoRenditionPlan, PlanError> {
    let class = &channel.stream_class;
    let request = class.encode_request(rendition);
    let candidates = match channel.hardware_profile.as_deref() {
        // Named by a technician, who knows what is in the box.
        Some(name) => from.all.encoders_for(&request, Some(name)),
        None => from.fitting.encoders_for(&request, None),
    };
    if candidates.is_empty() {
        return Err(PlanError::NoEncoder { channel: channel.id.clone(), rendition: rendition.id.clone() });
    }
    let pixels = f64::from(rendition.size.width()) * f64::from(rendition.size.height());
    let rate = pixels * class.program.frame_rate.as_f64() / 1e9;
    Ok(VideoRenditionPlan {
        id: rendition.id.clone(),
        size: rendition.size,
        bitrate: rendition.bitrate,
        max_bitrate: rendition.max_bitrate,
        encoders: candidates.into_iter().map(|candidate| encoder(candidate, rate, from)).collect(),
        passed_over: Vec::new(),
    })
}

/// `rate` in thousands of megapixels per second.
fn encoder(candidate: Candidate, rate: f64, from: &Encoders<'_>) -> EncoderPlan {
    let cores = candidate.cost.map(|cost| (cost * rate * 1000.0).round() / 1000.0);
    let sessions = there_are(&candidate, from.all, from.devices);
    EncoderPlan { cores, sessions, ..EncoderPlan::from(candidate) }
}

impl From<Candidate> for EncoderPlan {
    fn from(candidate: Candidate) -> Self {
        Self {
            profile: candidate.profile,
            element: candidate.element,
            properties: candidate.properties,
            input_format: candidate.input_format,
            h264_profile: candidate.h264_profile,
            codec: candidate.codec,
            found: candidate.found,
            cores: None,
            sessions: None,
            rates: candidate.rates,
            upload: candidate.upload,
            memory: candidate.memory,
            converts: candidate.converts,
            counts: candidate.counts,
            hardware: candidate.hardware,
        }
    }
}

/// `auto` becomes `<id>-1`, `<id>-2`, … for the capture devices and `<id>-test`; every other source keeps its identifier.
fn sources(channel: &Channel, free: &[CaptureDevice]) -> Result<Vec<SourcePlan>, PlanError> {
    let named = |id: String| {
        SourceId::new(id)
            .map_err(|error| PlanError::Identifier { channel: channel.id.clone(), reason: error.to_string() })
    };
    let mut plans = Vec::new();
    for source in &channel.sources {
        let config::SourceKind::Auto = &source.kind else {
            let plan =
                SourcePlan { id: source.id.clone(), kind: kind(&source.kind), expect: source.expect, fit: source.fit };
            plans.push(plan);
            continue;
        };
        for (n, device) in free.iter().enumerate() {
            let Ok(name) = device.stable_name().parse() else { continue };
            let kind = SourceKind::V4l2 { device: name, sound: device.sound.clone(), size: None };
            let id = named(format!("{}-{}", source.id, n + 1))?;
            plans.push(SourcePlan { id, kind, expect: source.expect, fit: source.fit });
        }
        let id = named(format!("{}-test", source.id))?;
        plans.push(SourcePlan { id, kind: SourceKind::Test, expect: ExpectedFormat::default(), fit: source.fit });
    }
    Ok(plans)
}

fn kind(kind: &config::SourceKind) -> SourceKind {
    match kind {
        config::SourceKind::Auto | config::SourceKind::Test => SourceKind::Test,
        config::SourceKind::V4l2 { device, sound, size, .. } => {
            SourceKind::V4l2 { device: device.clone(), sound: sound.clone(), size: *size }
        }
        config::SourceKind::Alsa { device } => SourceKind::Alsa { device: device.clone() },
        config::SourceKind::File { path } => SourceKind::File { path: path.clone() },
        config::SourceKind::Srt { mode, host, port, latency_ms, passphrase, stream_id } => SourceKind::Srt {
            mode: match mode {
                config::SrtMode::Caller => SrtMode::Caller,
                config::SrtMode::Listener => SrtMode::Listener,
            },
            host: host.clone(),
            port: *port,
            latency_ms: *latency_ms,
            passphrase: passphrase.clone(),
            stream_id: stream_id.clone(),
        },
        config::SourceKind::Playlist { paths, repeat } => {
            SourceKind::Playlist { paths: paths.clone(), repeat: *repeat }
        }
        config::SourceKind::Rtmp { listen, app, keys, replace } => SourceKind::Rtmp {
            listen: *listen,
            app: app.clone(),
            keys: keys.clone(),
            second_publisher: if *replace { SecondPublisher::Replace } else { SecondPublisher::Refuse },
        },
        config::SourceKind::Rtsp { url, user, password, udp, latency_ms } => SourceKind::Rtsp {
            url: url.clone(),
            user: user.clone(),
            password: password.clone(),
            transport: if *udp { RtspTransport::Udp } else { RtspTransport::Tcp },
            latency_ms: *latency_ms,
        },
        config::SourceKind::Custom { fragment } => SourceKind::Custom { fragment: fragment.clone() },
        config::SourceKind::Whip { key, latency_ms, replace, stun, turn } => SourceKind::Whip {
            key: key.clone(),
            latency_ms: *latency_ms,
            second_publisher: if *replace { SecondPublisher::Replace } else { SecondPublisher::Refuse },
            stun: stun.clone(),
            turn: turn.clone(),
        },
        config::SourceKind::Ndi { name, address, lowest } => {
            SourceKind::Ndi { name: name.clone(), address: address.clone(), lowest: *lowest }
        }
        config::SourceKind::DeckLink { input, connection, mode, sound, sound_channels, captions } => {
            SourceKind::DeckLink {
                input: match input {
                    config::DeckLinkInput::Id(id) => DeckLinkInput::Id(*id),
                    config::DeckLinkInput::Number(number) => DeckLinkInput::Number(*number),
                },
                connection: connection.clone(),
                mode: mode.clone(),
                sound: sound.clone(),
                sound_channels: *sound_channels,
                captions: *captions,
            }
        }
    }
}

fn destination(
    destination: &config::Destination,
    channel: &Channel,
    sources: &[SourcePlan],
    paths: &PlanPaths,
    encoders: &Encoders<'_>,
) -> Result<DestinationPlan, PlanError> {
    let mut endpoints = Vec::new();
    for (place, kind) in destination.endpoints.iter().enumerate() {
        let kind = delivery(kind, channel, sources, paths, encoders)?;
        endpoints.push(EndpointPlan { name: EndpointName::at(place), kind });
    }
    Ok(DestinationPlan {
        id: destination.id.clone(),
        enabled: destination.enabled,
        on_slate: destination.on_slate.unwrap_or(channel.stream_class.on_slate),
        policy: destination.policy,
        pair: destination.pair.clone(),
        endpoints,
    })
}

fn delivery(
    kind: &config::DestinationKind,
    channel: &Channel,
    sources: &[SourcePlan],
    paths: &PlanPaths,
    encoders: &Encoders<'_>,
) -> Result<DestinationKind, PlanError> {
    Ok(match kind {
        config::DestinationKind::HlsPush { url, upload } => {
            DestinationKind::HlsPush { url: url.clone(), upload: upload.clone() }
        }
        config::DestinationKind::Send(sent) => DestinationKind::Send(Box::new(super::send::derive(sent, channel))),
        config::DestinationKind::Whip(whip) => {
            let asked = whip.own.as_ref().and_then(config::OwnRendition::asked);
            let own = asked.map(|asked| encoded(&asked, channel, encoders)).transpose()?;
            DestinationKind::Whip(Box::new(super::whip::derive(whip, &channel.stream_class, own)))
        }
        config::DestinationKind::Recording(written) => {
            let record = super::companion::recorded(&written.record, channel, sources);
            DestinationKind::Recording(Box::new(super::recording::derive(written, &paths.recordings, record)))
        }
    })
}

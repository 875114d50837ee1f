//! `kind = "whip"` of a destination: the channel is published to a WebRTC server.

use super::checked::{Destination, DestinationKind, OwnRendition, WhipDestination};
use super::destination_keys::{TOKEN_CREDENTIAL, TOKEN_FILE};
use super::files::Base;
use super::keys::key;
use super::secrets::{self, Credentials, Rule};
use super::stream_class::{AudioRendition, StreamClass, VideoRendition};
use super::upload::Reader;
use super::upload_keys::{
    AUDIENCE, CA_FILE, CLIENT_CERTIFICATE_FILE, CLIENT_ID, CLIENT_KEY_CREDENTIAL, CLIENT_KEY_FILE,
    CLIENT_SECRET_CREDENTIAL, CLIENT_SECRET_FILE, SCOPE, TOKEN_COMMAND, TOKEN_URL,
};
use super::{Findings, access, address};
use crate::document::{Key, Kind, Need, Placed, Section, Shape};
use crate::model::{BitRate, IceServer, IceServers, PictureSize, RenditionId, VideoCodec};
use crate::profile::EFFORTS;

static ID: Kind = Kind::Id;

/// The profile that every WebRTC peer takes (RFC 7742, 6.2).
const EVERYWHERE: &str = "constrained-baseline";

pub(super) const WHIP: &[Key] = &[
    URL,
    TOKEN_FILE,
    TOKEN_CREDENTIAL,
    TOKEN_COMMAND,
    TOKEN_URL,
    CLIENT_ID,
    CLIENT_SECRET_FILE,
    CLIENT_SECRET_CREDENTIAL,
    SCOPE,
    AUDIENCE,
    CA_FILE,
    CLIENT_CERTIFICATE_FILE,
    CLIENT_KEY_FILE,
    CLIENT_KEY_CREDENTIAL,
    key(
        "rendition",
        Kind::Id,
        Need::Optional,
        "Video rendition to send, H.264; the best one if missing. Profile `constrained-baseline` is taken by every \
         server. Its bit rate and its keyframes are those of HLS, whatever the network to the server carries",
    ),
    key(
        "renditions",
        Kind::List(&ID),
        Need::Optional,
        "Two or three of them instead of `rendition`, all in H.264 and one profile, the largest first: they are offered as \
         layers (simulcast), of which the server passes to each viewer what that one's line carries. A server that takes \
         one layer only gets the first. A keyframe that the server asks for comes within a second, in HLS, too",
    ),
    key(
        "own_rendition",
        Kind::Table(&OWN),
        Need::Optional,
        "Pictures that are encoded for each endpoint of this destination alone, instead of `rendition`",
    ),
    key(
        "audio",
        Kind::Id,
        Need::Optional,
        "Audio rendition whose channels are sent; the default one if missing. More than two are mixed down",
    ),
    key("audio_bitrate", Kind::BitRate, Need::Default("\"96k\""), "Bit rate of the sound (Opus), 16k to 256k"),
    key(
        "stun",
        Kind::Text(260),
        Need::Optional,
        "STUN server, `host:port`, that tells this box its public address. Seldom needed: the server sees it anyway",
    ),
    key(
        "turn",
        Kind::Text(300),
        Need::Optional,
        "TURN server that relays where no direct way exists: `turn:host:port?transport=udp` (or tcp), `turns:host:port`. \
         What the WHIP server offers itself (Link headers) is used as well",
    ),
    key("turn_user", Kind::Text(200), Need::Optional, "User at the TURN server"),
    key("turn_password_file", Kind::Path, Need::Optional, "File that holds the password at the TURN server"),
    key(
        "turn_password_credential",
        Kind::Text(100),
        Need::Optional,
        "The password at the TURN server as a systemd credential (`LoadCredential=`)",
    ),
    key("backups", Kind::Tables(&BACKUP), Need::Optional, "Other endpoints, best first"),
];

static BACKUP: Shape = Shape::plain(
    "Another endpoint of the same destination.",
    &[
        URL,
        TOKEN_FILE,
        TOKEN_CREDENTIAL,
        TOKEN_COMMAND,
        TOKEN_URL,
        CLIENT_ID,
        CLIENT_SECRET_FILE,
        CLIENT_SECRET_CREDENTIAL,
        SCOPE,
        AUDIENCE,
        CA_FILE,
        CLIENT_CERTIFICATE_FILE,
        CLIENT_KEY_FILE,
        CLIENT_KEY_CREDENTIAL,
    ],
);

static OWN: Shape = Shape::plain(
    "Pictures that are encoded for each endpoint of this destination alone: H.264 in profile `constrained-baseline`, at \
     the program's frame rate, in no playlist. Their bit rate follows what the server reports of the network, and a \
     keyframe comes when the server asks for one. Each costs an encoder, for as long as its endpoint is in use.",
    &[
        key("size", Kind::Size, Need::Required("\"1280x720\""), "Picture size; not larger than the program"),
        key("bitrate", Kind::BitRate, Need::Required("\"2.5M\""), "Bit rate on a network that carries it; never more"),
        key(
            "min_bitrate",
            Kind::BitRate,
            Need::Default("\"200k\""),
            "Never less, however bad the network: below it pictures are of no use",
        ),
        key("effort", Kind::Word(EFFORTS), Need::Default("\"low\""), "Picture quality against load"),
    ],
);

/// Layers that servers know what to do with.
const LAYERS: std::ops::RangeInclusive<usize> = 2..=3;

/// Below it not even a small picture is any good.
const LEAST: u64 = 50_000;

const URL: Key = key(
    "url",
    Kind::Url(&["http", "https"]),
    Need::Required("\"https://whip.example/live/studio-a\""),
    "WHIP endpoint (RFC 9725)",
);

/// `of` holds what each endpoint has of its own.
pub(super) fn read(
    section: &Section<'_>,
    of: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<DestinationKind> {
    let before = findings.faults.len();
    let faults = &mut findings.faults;
    let reader = Reader { section: of, base, credentials };
    let (token, trust) = (access::source(&reader, "https", faults), reader.trust(faults));
    let servers = servers(section, base, credentials, findings);
    let own = own(section, findings);
    let renditions = renditions(section, findings);
    let bitrate = section.get::<BitRate>("audio_bitrate")?;
    if !(16_000..=256_000).contains(&bitrate.value.bps()) {
        findings.faults.add(&bitrate.spot, "must be from 16k to 256k", "96k is good for stereo");
        return None;
    }
    let fix = "use `token_file` or `token_credential`";
    let url = address::without_credentials(of, "url", fix, &mut findings.faults)?;
    if url.value.scheme() == "http" && token.is_some() && !address::is_loopback(&url.value) {
        findings.warnings.add(&url.spot, "carries the token unencrypted", "use https");
    }
    if findings.faults.len() > before {
        return None;
    }
    Some(DestinationKind::Whip(Box::new(WhipDestination {
        url: url.value,
        token,
        trust,
        servers: servers?,
        rendition: section.value("rendition"),
        renditions,
        own,
        audio: section.value("audio"),
        audio_bitrate: bitrate.value,
    })))
}

fn own(section: &Section<'_>, findings: &mut Findings) -> Option<OwnRendition> {
    if !section.has("own_rendition") {
        return None;
    }
    let faults = &mut findings.faults;
    if section.has("rendition") {
        let rule = "cannot stand beside `own_rendition`";
        faults.add(&section.spot("rendition"), rule, "keep one of the two");
    }
    let own = section.table("own_rendition")?;
    let (most, least) = (own.get::<BitRate>("bitrate")?, own.get::<BitRate>("min_bitrate")?);
    if least.value.bps() < LEAST {
        faults.add(&least.spot, "must be at least 50k", "200k is good for a small picture");
    }
    if least.value > most.value {
        faults.add(&least.spot, "is more than `bitrate`", "lower it, or raise `bitrate`");
    }
    Some(OwnRendition {
        size: own.value::<PictureSize>("size")?,
        bitrate: most.value,
        min_bitrate: least.value,
        effort: own.value("effort")?,
    })
}

/// Layers of simulcast.
fn renditions(section: &Section<'_>, findings: &mut Findings) -> Vec<RenditionId> {
    if !section.has("renditions") {
        return Vec::new();
    }
    let (spot, faults) = (section.spot("renditions"), &mut findings.faults);
    for other in ["rendition", "own_rendition"].into_iter().filter(|other| section.has(other)) {
        faults.add(&spot, format!("cannot stand beside `{other}`"), "keep one of the two");
    }
    let named = section.list::<String>("renditions");
    if !LAYERS.contains(&named.len()) {
        faults.add(
            &spot,
            "must name two or three renditions",
            "use `rendition` for one, and leave out the least useful",
        );
    }
    for (place, one) in named.iter().enumerate() {
        if named[..place].iter().any(|before| before.value == one.value) {
            faults.add(&one.spot, "names a rendition once more", "name each of them once");
        }
    }
    named.into_iter().filter_map(|one| RenditionId::new(one.value).ok()).collect()
}

fn servers(
    section: &Section<'_>,
    base: &Base<'_>,
    credentials: &Credentials,
    findings: &mut Findings,
) -> Option<IceServers> {
    let faults = &mut findings.faults;
    let password = secrets::read(section, "turn_password", Rule::Password, base, credentials, faults);
    let mut servers = IceServers::default();
    if let Some(stun) = section.get::<String>("stun") {
        let server = IceServer::read(&format!("stun:{}", stun.value), None, None);
        let Some(server) = server.filter(|_| stun.value.contains(':')) else {
            faults.add(&stun.spot, "is no address of a STUN server", "write host:port, such as stun.example:3478");
            return None;
        };
        servers.0.push(server);
    }
    if let Some(turn) = section.get::<String>("turn") {
        let user = section.value::<String>("turn_user");
        if user.is_none() || !(section.has("turn_password_file") || section.has("turn_password_credential")) {
            faults.add(&turn.spot, "needs a user and a password", "add `turn_user` and `turn_password_file`");
            return None;
        }
        // A credential cannot be looked at by whoever only checks; then there is nothing to compare.
        let password = password.unwrap_or_else(|| crate::model::Secret::new(""));
        let Some(server) = IceServer::read(&turn.value, user, Some(password)) else {
            faults.add(&turn.spot, "is no address of a TURN server", "write turn:host:port?transport=udp");
            return None;
        };
        servers.0.push(server);
    }
    Some(servers)
}

impl WhipDestination {
    /// The video rendition of `class` that is sent; the largest of several.
    pub fn pictures<'a>(&self, class: &'a StreamClass) -> Option<&'a VideoRendition> {
        let named = self.renditions.first().map(RenditionId::as_str).or(self.rendition.as_deref());
        let wanted = |rendition: &&VideoRendition| match named {
            Some(name) => rendition.id.as_str() == name,
            None => rendition.codec == VideoCodec::H264,
        };
        class.video.iter().find(wanted)
    }

    /// The audio rendition of `class` whose channels are sent.
    pub fn sound<'a>(&self, class: &'a StreamClass) -> Option<&'a AudioRendition> {
        let wanted = |rendition: &&AudioRendition| match &self.audio {
            Some(name) => rendition.id.as_str() == name,
            None => true,
        };
        class.audio.iter().find(wanted)
    }
}

/// What the rendition of its own of a destination asks of an encoder. Its peak is its average: the network does not take
/// more for a moment.
pub(super) fn asked(destination: &Destination) -> Option<VideoRendition> {
    let Some(DestinationKind::Whip(whip)) = destination.endpoints.first() else { return None };
    whip.own.as_ref()?.asked()
}

impl OwnRendition {
    /// What it asks of an encoder.
    pub fn asked(&self) -> Option<VideoRendition> {
        Some(VideoRendition {
            id: RenditionId::new("own").ok()?,
            size: self.size,
            bitrate: self.bitrate,
            max_bitrate: self.bitrate,
            codec: VideoCodec::H264,
            h264_profile: EVERYWHERE.to_owned(),
            effort: self.effort.clone(),
            latency: "low".to_owned(),
        })
    }
}

fn own_fits(destination: &Placed<Destination>, whip: &WhipDestination, class: &StreamClass, findings: &mut Findings) {
    let (Some(own), program) = (&whip.own, class.program.size) else { return };
    if class.video.is_empty() {
        let rule = format!("has an `own_rendition`, and {} has no pictures", class.name);
        findings.faults.add(&destination.spot, rule, "remove it, or use another stream class");
    } else if own.size.width() > program.width() || own.size.height() > program.height() {
        let rule = format!("has an `own_rendition` of {}, and the program of {} is {program}", own.size, class.name);
        findings.faults.add(&destination.spot, rule, "make it no larger than the program");
    }
}

/// Several renditions are the same pictures, smaller and smaller.
fn layers_fit(destination: &Placed<Destination>, whip: &WhipDestination, class: &StreamClass, findings: &mut Findings) {
    let (spot, faults) = (&destination.spot, &mut findings.faults);
    let mut layers: Vec<&VideoRendition> = Vec::new();
    for name in &whip.renditions {
        match class.video.iter().find(|rendition| rendition.id == *name && rendition.codec == VideoCodec::H264) {
            Some(rendition) => layers.push(rendition),
            None => {
                let rule =
                    format!("wants rendition {name} in H.264, which {} does not have (`renditions`)", class.name);
                let h264 = class.video.iter().filter(|rendition| rendition.codec == VideoCodec::H264);
                let ids: Vec<&str> = h264.map(|rendition| rendition.id.as_str()).collect();
                faults.add(spot, rule, format!("name some of {}", ids.join(", ")));
            }
        }
    }
    for pair in layers.windows(2) {
        let [one, next] = pair else { continue };
        if one.h264_profile != next.h264_profile {
            let rule = format!(
                "wants layers of one H.264 profile, and {} has {}, {} has {} (`renditions`)",
                one.id, one.h264_profile, next.id, next.h264_profile
            );
            faults.add(spot, rule, "name renditions with the same h264_profile");
        }
        let pixels =
            |rendition: &VideoRendition| u64::from(rendition.size.width()) * u64::from(rendition.size.height());
        if pixels(one) <= pixels(next) {
            let rule = format!("wants rendition {} behind {}, which is not larger (`renditions`)", next.id, one.id);
            faults.add(spot, rule, "name the largest first, each size once");
        }
    }
}

/// Whether a channel of this stream class has what the destination sends.
pub(super) fn fits(destination: &Placed<Destination>, class: &StreamClass, findings: &mut Findings) {
    let Some(DestinationKind::Whip(whip)) = destination.value.endpoints.first() else { return };
    let (id, spot) = (&destination.value.id, &destination.spot);
    let names = |ids: Vec<&str>| format!("write one of {} in [destinations.{id}]", ids.join(", "));
    let before = findings.faults.len();
    layers_fit(destination, whip, class, findings);
    match whip.pictures(class) {
        _ if findings.faults.len() > before => {}
        _ if whip.own.is_some() => own_fits(destination, whip, class, findings),
        None if whip.rendition.is_none() && class.video.is_empty() => {}
        Some(rendition) if rendition.codec == VideoCodec::H264 => {
            if rendition.h264_profile != EVERYWHERE {
                let rule = format!(
                    "sends rendition {} of {} in H.264 profile {}, which strict WebRTC servers refuse",
                    rendition.id, class.name, rendition.h264_profile
                );
                let fix = format!("choose a `rendition` with h264_profile = \"{EVERYWHERE}\", or test it");
                findings.warnings.add(spot, rule, fix);
            }
        }
        _ => {
            let h264 = class.video.iter().filter(|rendition| rendition.codec == VideoCodec::H264);
            let rule = format!("wants a rendition in H.264 that {} does not have (`rendition`)", class.name);
            findings.faults.add(spot, rule, names(h264.map(|rendition| rendition.id.as_str()).collect()));
        }
    }
    let Some(sound) = whip.sound(class) else {
        let rule = format!("wants an audio rendition that {} does not have (`audio`)", class.name);
        let fix = names(class.audio.iter().map(|rendition| rendition.id.as_str()).collect());
        return findings.faults.add(spot, rule, fix);
    };
    if sound.map.as_ref().is_some_and(|map| map.channels() > 2) {
        let rule = format!("wants the sound of rendition {} (`audio`), whose map has more than two channels", sound.id);
        findings.faults.add(spot, rule, "choose an audio rendition of one or two channels");
    }
}

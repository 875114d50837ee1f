//! Claims: what only one source or destination may use. A clash names both claimants.

use super::Findings;
use super::channels::PlacedChannel;
use super::checked::{Channel, DeckLinkInput, Destination, DestinationKind, Source, SourceKind, SrtMode};
use crate::document::Placed;
use crate::document::Spot;
use crate::model::{self, Carrier, ChannelId, EndpointName, Secret};
use crate::profile::Profiles;

/// Who claims what, and where that is written.
struct Claim {
    /// Names of one resource; two claims clash if they have one in common.
    names: Vec<String>,
    what: String,
    claimant: String,
    spot: Spot,
    /// Claims of one channel may share it.
    shared: Option<ChannelId>,
}

pub(crate) fn check(
    listen: Option<&Placed<std::net::SocketAddr>>,
    osc: Option<&Placed<std::net::SocketAddr>>,
    channels: &[PlacedChannel],
    findings: &mut Findings,
) {
    let mut claims = Vec::new();
    if let Some(listen) = listen {
        claims.push(Claim {
            names: vec![format!("port {}", listen.value.port())],
            what: format!("port {}", listen.value.port()),
            claimant: if listen.spot.value.is_some() { "the API".to_owned() } else { "the API by default".to_owned() },
            spot: listen.spot.clone(),
            shared: None,
        });
    }
    claims.extend(osc.map(|listen| Claim {
        names: vec![format!("port {}", listen.value.port())],
        what: format!("port {}", listen.value.port()),
        claimant: "[surfaces.osc]".to_owned(),
        spot: listen.spot.clone(),
        shared: None,
    }));
    for placed in channels {
        for (source, spot) in placed.channel.sources.iter().zip(&placed.source_spots) {
            let claimant = format!("source `{}` of channel `{}`", source.id, placed.channel.id);
            claims.extend(of_source(source, &placed.channel.id, &claimant, spot));
        }
        for (destination, spot) in placed.channel.destinations.iter().zip(&placed.destination_spots) {
            claims.extend(of_destination(destination, placed, spot));
        }
    }
    for (n, claim) in claims.iter().enumerate() {
        let clash = claims[..n].iter().find(|earlier| {
            let together = claim.shared.is_some() && claim.shared == earlier.shared;
            !together && earlier.names.iter().any(|name| claim.names.contains(name))
        });
        if let Some(earlier) = clash {
            let rule = format!(
                "{} is claimed by {} and by {} ({})",
                claim.what,
                claim.claimant,
                earlier.claimant,
                earlier.spot.position()
            );
            findings.faults.add(&claim.spot, rule, "give each its own");
        }
    }
}

/// A channel that names one profile has no other encoder to turn to when the sessions of its hardware are used up. How
/// many cards there are is not known here, so this only warns.
pub(crate) fn check_sessions(channels: &[PlacedChannel], profiles: &Profiles, findings: &mut Findings) {
    for profile in profiles.iter() {
        let Some(most) = profile.encoders.iter().filter_map(|encoder| encoder.max_sessions).max() else { continue };
        let mine = channels.iter().filter(|placed| placed.channel.hardware_profile.as_ref() == Some(&profile.name));
        let mine: Vec<&PlacedChannel> = mine.collect();
        let encodes = |channel: &Channel| {
            channel.stream_class.video.len() + channel.companions.iter().filter(|one| one.video.is_some()).count()
        };
        let taken: usize = mine.iter().map(|placed| encodes(&placed.channel)).sum();
        if let Some(last) = mine.last().filter(|_| taken > most as usize) {
            let names: Vec<String> = mine.iter().map(|placed| format!("`{}`", placed.channel.id)).collect();
            let rule = format!(
                "asks `{}` for {taken} encoder sessions together with all that name it ({}); it allows {most} for each card",
                profile.name,
                names.join(", ")
            );
            findings.warnings.add(&last.profile_spot, rule, "name another profile for one of them, or \"auto\"");
        }
    }
}

fn of_source(source: &Source, channel: &ChannelId, claimant: &str, spot: &Spot) -> Vec<Claim> {
    let claim = |names: Vec<String>, what: String| Claim {
        names,
        what,
        claimant: claimant.to_owned(),
        spot: spot.clone(),
        shared: None,
    };
    match &source.kind {
        SourceKind::V4l2 { device, kernel, sound, .. } => {
            let names = std::iter::once(device.to_string()).chain(kernel.clone());
            let mut claims = vec![claim(names.collect(), format!("capture device {device}"))];
            claims
                .extend(sound.iter().map(|sound| claim(vec![sound_resource(sound)], format!("sound device {sound}"))));
            claims
        }
        SourceKind::Alsa { device } => vec![claim(vec![sound_resource(device)], format!("sound device {device}"))],
        SourceKind::Srt { mode: SrtMode::Listener, port, .. } => {
            vec![claim(vec![format!("port {port}")], format!("port {port}"))]
        }
        SourceKind::Auto => {
            vec![claim(vec!["auto".to_owned()], "every capture device that no other source names".to_owned())]
        }
        SourceKind::Rtmp { listen, app, keys, .. } => {
            let port = listen.port();
            let names = |key: &Secret| format!("rtmp {port}/{app} {}", key.reveal());
            let port =
                Claim { shared: Some(channel.clone()), ..claim(vec![format!("port {port}")], format!("port {port}")) };
            vec![port, claim(keys.iter().map(names).collect(), format!("a stream key of {listen}/{app}"))]
        }
        SourceKind::DeckLink { input, .. } => {
            let name = match input {
                DeckLinkInput::Id(id) => format!("DeckLink input with persistent id {id}"),
                DeckLinkInput::Number(number) => format!("DeckLink input number {number}"),
            };
            vec![claim(vec![name.clone()], name)]
        }
        SourceKind::Test
        | SourceKind::File { .. }
        | SourceKind::Playlist { .. }
        | SourceKind::Rtsp { .. }
        | SourceKind::Custom { .. }
        | SourceKind::Whip { .. }
        | SourceKind::Ndi { .. }
        | SourceKind::Srt { mode: SrtMode::Caller, .. } => Vec::new(),
    }
}

/// `plughw:1,0`, `hw:1` and `hw:1,0` are one device; names of cards and numbers of cards cannot be compared here.
pub(crate) fn sound_resource(device: &str) -> String {
    let device = device.strip_prefix("plug").unwrap_or(device);
    let device = device.strip_suffix(",0").or_else(|| device.strip_suffix(",DEV=0")).unwrap_or(device);
    format!("alsa {}", device.replace("hw:CARD=", "hw:"))
}

fn of_destination<'a>(
    destination: &'a Destination,
    placed: &'a PlacedChannel,
    spot: &'a Spot,
) -> impl Iterator<Item = Claim> + 'a {
    destination.endpoints.iter().enumerate().filter_map(move |(place, kind)| {
        let name = EndpointName::at(place);
        let of = if place == 0 { String::new() } else { format!(" ({name})") };
        let claimant = format!("destination `{}`{of} of channel `{}`", destination.id, placed.channel.id);
        let (name, what) = of_endpoint(kind, &placed.channel.id)?;
        Some(Claim { names: vec![name], what, claimant, spot: spot.clone(), shared: None })
    })
}

/// What only one endpoint may use, by name and in words; none if any number may.
fn of_endpoint(kind: &DestinationKind, channel: &ChannelId) -> Option<(String, String)> {
    let same = |what: String| (what.clone(), what);
    match kind {
        // What stands behind the ? may be a secret.
        DestinationKind::Whip(whip) => {
            Some((format!("whip {}", whip.url), format!("WHIP target {}", shown(&whip.url))))
        }
        DestinationKind::HlsPush { url, upload } => {
            Some(same(format!("push target {}", super::upload::target(url, upload, channel))))
        }
        DestinationKind::Send(sent) => match &sent.carrier {
            Carrier::Srt { mode: model::SrtMode::Listener, port, .. } => Some(same(format!("port {port}"))),
            Carrier::Srt { stream_id: Some(id), .. } => {
                Some(same(format!("stream id `{id}` of {}", sent.carrier.shown())))
            }
            Carrier::Srt { .. } => None,
            Carrier::Rtmp { url, key: Some(key), .. } => {
                Some((format!("{url} {}", key.reveal()), format!("the stream key of {url}")))
            }
            Carrier::Rtmp { .. } => None,
            Carrier::Rist { .. } | Carrier::UdpTs { .. } => Some(same(format!("receiver {}", sent.carrier.shown()))),
        },
        // Each recording is a directory of its own.
        DestinationKind::Recording(_) => None,
    }
}

fn shown(url: &url::Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

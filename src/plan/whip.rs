//! A destination that is published to by WebRTC (WHIP, RFC 9725).

use serde::{Deserialize, Serialize};

use super::graph::VideoRenditionPlan;
use crate::config;
use crate::model::sound::{ChannelMap, SoundLayout};
use crate::model::upload::{TokenSource, Trust};
use crate::model::{BitRate, IceServers, RenditionId};

/// Where it goes and what is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WhipPlan {
    /// Where offers are posted.
    pub url: url::Url,
    /// Where the bearer token (RFC 6750) comes from.
    pub token: Option<TokenSource>,
    /// Whom to trust in TLS, and who this box is.
    #[serde(default)]
    pub trust: Trust,
    /// STUN and TURN servers.
    pub servers: IceServers,
    /// H.264 rendition to send; sound only if there is neither this nor one of its own.
    pub rendition: Option<RenditionId>,
    /// Further renditions, each smaller than the one before: all are offered as layers (simulcast, RFC 8853).
    #[serde(default)]
    pub more: Vec<RenditionId>,
    /// Pictures of its own, instead.
    #[serde(default)]
    pub own: Option<Box<OwnPlan>>,
    /// Sound to send; pictures only if none.
    pub sound: Option<OpusPlan>,
}

impl WhipPlan {
    /// The address without what may be a secret.
    pub fn shown(&self) -> String {
        let mut url = self.url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.to_string()
    }
}

/// Pictures that are encoded for one endpoint alone, at a bit rate that follows its network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnPlan {
    /// What is encoded, at most.
    pub rendition: VideoRenditionPlan,
    /// The bit rate is never less.
    pub floor: BitRate,
}

/// Program sound as Opus. Two that are equal are encoded once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpusPlan {
    /// Which channels of the program; all of them, mixed down to two, if none.
    pub map: Option<ChannelMap>,
    /// How the channels of the program belong together.
    pub layout: SoundLayout,
    /// Bit rate.
    pub bitrate: BitRate,
}

/// What a channel of this stream class publishes; `own` are the encoders of what it has of its own.
pub(super) fn derive(
    whip: &config::WhipDestination,
    class: &config::StreamClass,
    own: Option<VideoRenditionPlan>,
) -> WhipPlan {
    let sound = OpusPlan {
        map: whip.sound(class).and_then(|rendition| rendition.map.clone()),
        layout: class.audio_policy.layout,
        bitrate: whip.audio_bitrate,
    };
    let own = own.zip(whip.own.as_ref());
    let shared = whip.pictures(class).filter(|_| own.is_none());
    WhipPlan {
        url: whip.url.clone(),
        token: whip.token.clone(),
        trust: whip.trust.clone(),
        servers: whip.servers.clone(),
        rendition: shared.map(|rendition| rendition.id.clone()),
        more: whip.renditions.iter().skip(1).cloned().collect(),
        own: own.map(|(rendition, wanted)| Box::new(OwnPlan { rendition, floor: wanted.min_bitrate })),
        sound: Some(sound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plan travels between daemon and worker, of which either may be the older one: if this text cannot be read any
    /// more, `ipc::PROTOCOL` has to grow, as it did for 4, when the token became a source.
    #[test]
    fn what_another_build_of_this_protocol_is_on_air_with_is_read() {
        let text = r#"{
            "url": "https://whip.example/live/a", "token": {"kind": "fixed", "token": "secret"}, "servers": [],
            "rendition": "360p", "sound": {"map": null, "layout": "stereo", "bitrate": 96000}
        }"#;
        let plan: WhipPlan = serde_json::from_str(text).unwrap();
        assert!(matches!(&plan.token, Some(TokenSource::Fixed { token }) if token.reveal() == "secret"));
        assert_eq!(serde_json::from_str::<WhipPlan>(&serde_json::to_string(&plan).unwrap()).unwrap(), plan);
        assert_eq!(plan.more, []);
        assert!(
            serde_json::from_str::<WhipPlan>(&text.replace(r#"{"kind": "fixed", "token": "secret"}"#, r#""text""#))
                .is_err()
        );
    }
}

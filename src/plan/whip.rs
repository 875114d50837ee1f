//! A destination that is published to by WebRTC (WHIP, RFC 9725).

use serde::{Deserialize, Serialize};

use crate::config;
use crate::model::sound::{ChannelMap, SoundLayout};
use crate::model::{BitRate, IceServers, RenditionId, Secret};

/// Where it goes and what is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WhipPlan {
    /// Where offers are posted.
    pub url: url::Url,
    /// Bearer token (RFC 6750).
    pub token: Option<Secret>,
    /// STUN and TURN servers.
    pub servers: IceServers,
    /// H.264 rendition to send; sound only if none.
    pub rendition: Option<RenditionId>,
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

/// What a channel of this stream class publishes.
pub(super) fn derive(whip: &config::WhipDestination, class: &config::StreamClass) -> WhipPlan {
    let sound = OpusPlan {
        map: whip.sound(class).and_then(|rendition| rendition.map.clone()),
        layout: class.audio_policy.layout,
        bitrate: whip.audio_bitrate,
    };
    WhipPlan {
        url: whip.url.clone(),
        token: whip.token.clone(),
        servers: whip.servers.clone(),
        rendition: whip.pictures(class).map(|rendition| rendition.id.clone()),
        sound: Some(sound),
    }
}

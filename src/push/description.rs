//! What to push and where: all that a destination needs to know of its channel.

use std::time::Duration;

use url::Url;

use super::pair::clock::PairClock;
use super::pauses::Pauses;
use super::protect::Protection;
use crate::hls::{segment_name, text_name};
use crate::model::pair::Pairing;
use crate::model::upload::{StoreKind, Upload};
use crate::model::{
    BitRate, ChannelId, DestinationId, Duty, EndpointName, FrameRate, LiveTimeline, PictureSize, RenditionId,
    SegmentGrid,
};

/// One endpoint of a destination of one channel.
#[derive(Debug, Clone)]
pub struct PushDescription {
    /// The channel.
    pub channel: ChannelId,
    /// The destination.
    pub destination: DestinationId,
    /// Which of its endpoints.
    pub endpoint: EndpointName,
    /// Base; objects go below it.
    pub url: Url,
    /// How they do.
    pub upload: Upload,
    /// Video renditions, best first.
    pub video: Vec<PushedVideo>,
    /// Audio renditions; the first is the default.
    pub audio: Vec<PushedAudio>,
    /// Captions, if players are told of any.
    pub captions: Option<PushedCaptions>,
    /// Segments in a media playlist.
    pub playlist_segments: u32,
    /// No part is longer; none without low latency.
    pub part_target: Option<Duration>,
    /// How long segments are.
    pub grid: SegmentGrid,
    /// Where they are cut, and what is told of them.
    pub timeline: LiveTimeline,
    /// What it is there for to begin with.
    pub duty: Duty,
    /// When it counts as lost or slow; as patient as segments are long if there is nothing to turn to.
    pub limits: Option<Limits>,
    /// What is withheld.
    pub pauses: Pauses,
    /// This box in its pair, if there are two.
    pub pair: Option<Pairing>,
    /// The clock that a pair relies on.
    pub clock: PairClock,
    /// Whether it gets the video rendition with the smallest rate only, to begin with: its budget is spent.
    pub lowest_only: bool,
}

/// The renditions, and what players are told of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// Video renditions, best first.
    pub video: Vec<PushedVideo>,
    /// Audio renditions; the first is the default.
    pub audio: Vec<PushedAudio>,
    /// Captions, if there are.
    pub captions: Option<PushedCaptions>,
    /// Segments in a media playlist.
    pub playlist_segments: u32,
}

/// When an endpoint that has a backup counts as bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nothing acknowledged for this long although something is under way that does not move: lost.
    pub silence: Duration,
    /// So many segments in a row took longer to send than they last, or so many wait at the live edge: slow. Never if 0.
    pub slow_segments: u32,
}

/// A video rendition as the multivariant playlist tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct PushedVideo {
    /// The rendition.
    pub id: RenditionId,
    /// Pixels.
    pub size: PictureSize,
    /// Frames per second.
    pub frame_rate: FrameRate,
    /// Wanted average, told until there is something to measure.
    pub bitrate: BitRate,
    /// Wanted peak; the least that is told as BANDWIDTH.
    pub max_bitrate: BitRate,
}

/// An audio rendition as the multivariant playlist tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct PushedAudio {
    /// The rendition.
    pub id: RenditionId,
    /// Name shown by players.
    pub name: String,
    /// BCP 47 language.
    pub language: Option<String>,
    /// 1 or 2.
    pub channels: u8,
    /// Wanted average.
    pub bitrate: BitRate,
}

/// Captions as the multivariant playlist tells them.
#[derive(Debug, Clone, PartialEq)]
pub struct PushedCaptions {
    /// Name shown by players.
    pub name: String,
    /// BCP 47 language.
    pub language: Option<String>,
    /// The WebVTT rendition.
    pub text: Option<RenditionId>,
}

impl PushDescription {
    /// Its renditions.
    pub(crate) fn listing(&self) -> Listing {
        Listing {
            video: self.video.clone(),
            audio: self.audio.clone(),
            captions: self.captions.clone(),
            playlist_segments: self.playlist_segments,
        }
    }

    /// Other renditions.
    pub(crate) fn list(&mut self, listing: Listing) {
        let Listing { video, audio, captions, playlist_segments } = listing;
        (self.video, self.audio) = (video, audio);
        (self.captions, self.playlist_segments) = (captions, playlist_segments);
    }

    /// Whether this is the destination's first endpoint.
    pub(crate) fn is_primary(&self) -> bool {
        self.endpoint == EndpointName::at(0)
    }

    /// The url as it may be shown: without user, password and query.
    pub(crate) fn shown_url(&self) -> String {
        let mut url = self.url.clone();
        // These fail only for addresses without a host, which hold no user either.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_query(None);
        url.to_string()
    }

    /// What tells one place from another where objects lie: what is acknowledged here is not there.
    pub(crate) fn place(&self) -> String {
        let mut place = self.shown_url();
        if let StoreKind::S3 { endpoint: Some(endpoint), .. }
        | StoreKind::Gcs { endpoint: Some(endpoint) }
        | StoreKind::Azure { endpoint: Some(endpoint), .. } = &self.upload.store
        {
            place = format!("{place} at {endpoint}");
        }
        if !self.upload.paths.is_default() {
            place = format!("{place} as {}", self.upload.paths);
        }
        match Protection::place(self) {
            Some(protection) => format!("{place} by {protection}"),
            None => place,
        }
    }

    /// All renditions with their kind: video, audio, text.
    pub(crate) fn renditions(&self) -> impl Iterator<Item = (&RenditionId, Medium)> {
        let video = self.video.iter().map(|video| (&video.id, Medium::Video));
        let text = self.captions.iter().filter_map(|captions| Some((captions.text.as_ref()?, Medium::Text)));
        video.chain(self.audio.iter().map(|audio| (&audio.id, Medium::Audio))).chain(text)
    }
}

/// Picture, sound or text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Medium {
    /// Picture.
    Video,
    /// Sound.
    Audio,
    /// WebVTT.
    Text,
}

impl Medium {
    /// Content type of its initialisations and segments (RFC 4337; W3C WebVTT, 9).
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Medium::Video => "video/mp4",
            Medium::Audio => "audio/mp4",
            Medium::Text => "text/vtt",
        }
    }

    /// File name of segment `number`.
    pub(crate) fn segment_name(self, number: u64) -> String {
        match self {
            Medium::Video | Medium::Audio => segment_name(number),
            Medium::Text => text_name(number),
        }
    }
}

//! The grammar of what the origin holds: nothing else is accepted, so nothing else needs escaping.

use std::path::PathBuf;

use super::vod::{Shown, ShownFile, VOD};
use crate::hls::{part_name, part_number};
use crate::model::{ChannelId, RenditionId};

/// The multivariant playlist of a channel.
pub(crate) const MULTIVARIANT: &str = "multivariant.m3u8";
/// The media playlist of a rendition.
pub(crate) const MEDIA: &str = "media.m3u8";

/// What the origin can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Object {
    /// `<channel>/multivariant.m3u8`
    Multivariant { channel: ChannelId },
    /// `<channel>/<rendition>/…`
    Of { channel: ChannelId, rendition: RenditionId, part: Part },
    /// `vod/<channel>/<recording>/…`
    Vod(Box<Shown>),
}

/// What lies in a rendition's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// `media.m3u8`
    Playlist,
    /// `init-<8 or 16 hex digits>.mp4`
    Init { hash: String },
    /// `<number>.m4s`
    Segment { number: u64 },
    /// `<number>.<index>.m4s`: a part of a segment.
    Partial { number: u64, index: u32 },
    /// `<number>.vtt`
    Text { number: u64 },
}

/// Why a path names no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameFault {
    #[error(
        "the path is no object of this origin: <channel>/{MULTIVARIANT} or <channel>/<rendition>/<object> is expected"
    )]
    Shape,
    #[error("the channel's name breaks the rule: {}", crate::model::id::SLUG_RULE)]
    Channel,
    #[error("the recording's name breaks the rule: YYYYMMDDTHHMMSSZ, perhaps with -words behind it")]
    Recording,
    #[error("the rendition's name breaks the rule: {}", crate::model::id::SLUG_RULE)]
    Rendition,
    #[error(
        "the object's name breaks the rule: {MEDIA}, init-<8 or 16 hex digits>.mp4, or <media sequence number>.m4s or .vtt"
    )]
    Part,
}

impl Object {
    /// Reads the part of a request's path behind `/live/`, as it was sent: percent escapes, `..`, backslashes and NULs
    /// are simply not in the grammar.
    pub(crate) fn parse(path: &str) -> Result<Self, NameFault> {
        let all: Vec<&str> = path.splitn(7, '/').collect();
        // Three pieces are an object of a channel that is called like this.
        if let ([VOD, rest @ ..], true) = (all.as_slice(), all.len() > 3) {
            return Shown::parse(rest).map(|shown| Self::Vod(Box::new(shown)));
        }
        let mut pieces = path.split('/');
        let (Some(channel), Some(second), third, None) = (pieces.next(), pieces.next(), pieces.next(), pieces.next())
        else {
            return Err(NameFault::Shape);
        };
        let channel = ChannelId::new(channel).map_err(|_| NameFault::Channel)?;
        match third {
            None if second == MULTIVARIANT => Ok(Self::Multivariant { channel }),
            None => Err(NameFault::Shape),
            Some(file) => {
                let rendition = RenditionId::new(second).map_err(|_| NameFault::Rendition)?;
                let part = Part::parse(file).ok_or(NameFault::Part)?;
                Ok(Self::Of { channel, rendition, part })
            }
        }
    }

    /// The channel it belongs to.
    pub(crate) fn channel(&self) -> &ChannelId {
        match self {
            Self::Multivariant { channel } | Self::Of { channel, .. } => channel,
            Self::Vod(shown) => &shown.channel,
        }
    }

    /// Whether it is replaced all the time (a playlist) or written once.
    pub(crate) fn is_playlist(&self) -> bool {
        match self {
            Self::Vod(shown) => shown.is_playlist(),
            _ => matches!(self, Self::Multivariant { .. } | Self::Of { part: Part::Playlist, .. }),
        }
    }

    /// Whether it is pushed once, and never again: that of a live channel which is replaced, or made whole by another, is not.
    pub(crate) fn is_lasting(&self) -> bool {
        let passing =
            matches!(self, Self::Of { part: Part::Playlist | Part::Partial { .. }, .. } | Self::Multivariant { .. });
        !passing
    }

    /// Whether players begin with it.
    pub(crate) fn is_entrance(&self) -> bool {
        match self {
            Self::Vod(shown) => shown.file == ShownFile::Multivariant,
            _ => matches!(self, Self::Multivariant { .. }),
        }
    }

    /// Where it lies, below `live/`, or `vod/` if it is of a recording.
    pub(crate) fn relative_path(&self) -> PathBuf {
        match self {
            Self::Vod(shown) => shown.relative_path(),
            Self::Multivariant { channel } => [channel.as_str(), MULTIVARIANT].iter().collect(),
            Self::Of { channel, rendition, part } => {
                [channel.as_str(), rendition.as_str(), &part.file_name()].iter().collect()
            }
        }
    }
}

/// The path of an object in the path of a request: behind `/live/`, or `vod/…` by itself.
pub(crate) fn asked(path: &str) -> &str {
    let own = path.strip_prefix('/').filter(|path| path.strip_prefix(VOD).is_some_and(|rest| rest.starts_with('/')));
    path.strip_prefix("/live/").or(own).unwrap_or_default()
}

impl Part {
    /// Reads a file name.
    pub(crate) fn parse(file: &str) -> Option<Self> {
        if file == MEDIA {
            return Some(Self::Playlist);
        }
        if let Some(hash) = file.strip_prefix("init-").and_then(|rest| rest.strip_suffix(".mp4")) {
            let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            return (matches!(hash.len(), 8 | 16) && hash.bytes().all(hex))
                .then(|| Self::Init { hash: hash.to_owned() });
        }
        if let Some((number, index)) = part_number(file) {
            return Some(Self::Partial { number, index });
        }
        let (number, text) = match file.strip_suffix(".vtt") {
            Some(number) => (number, true),
            None => (file.strip_suffix(".m4s")?, false),
        };
        // One spelling per number: a leading zero or a plus sign would be a second name for the same segment.
        let plain = number == "0" || (number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0'));
        let number = number.parse().ok().filter(|_| plain)?;
        Some(if text { Self::Text { number } } else { Self::Segment { number } })
    }

    /// Its name in the rendition's directory.
    pub(crate) fn file_name(&self) -> String {
        match self {
            Self::Playlist => MEDIA.to_owned(),
            Self::Init { hash } => format!("init-{hash}.mp4"),
            Self::Segment { number } => format!("{number}.m4s"),
            Self::Partial { number, index } => part_name(*number, *index),
            Self::Text { number } => format!("{number}.vtt"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_kind_of_object_is_read() {
        for good in [
            "demo/multivariant.m3u8",
            "demo/video-720p/media.m3u8",
            "demo/video-720p/init-00c0ffee.mp4",
            "demo/video-720p/init-00c0ffee00c0ffee.mp4",
            "demo/video-720p/0.m4s",
            "demo/video-720p/881500123.m4s",
            "demo/captions/881500123.vtt",
            "demo/video-720p/881500123.0.m4s",
        ] {
            let object = Object::parse(good).unwrap();
            assert_eq!(object.relative_path().to_str(), Some(good));
        }
    }

    #[test]
    fn recordings_have_objects_of_their_own() {
        for good in [
            "demo/20261121T190000Z/multivariant.m3u8",
            "demo/20261121T190000Z-show/recording.json",
            "demo/20261121T190000Z/v720/index.m3u8",
            "demo/20261121T190000Z/v720/init-00c0ffee.mp4",
            "demo/20261121T190000Z/v720/881500123.m4s",
            "demo/20261121T190000Z/captions/881500123.vtt",
        ] {
            let object = Object::parse(&format!("vod/{good}")).unwrap();
            assert_eq!((object.relative_path().to_str(), object.channel().as_str()), (Some(good), "demo"));
        }
        for bad in [
            "vod/demo/20261121T190000Z/other.m3u8",
            "vod/demo/../multivariant.m3u8",
            "vod/demo/x/multivariant.m3u8",
            "vod/demo/20261121T190000Z/../recording.json",
            "vod/demo/20261121T190000Z/v/1.0.m4s",
            "vod/demo/20261121T190000Z/v/media.m3u8",
            "vod/demo/20261121T190000Z/v/w/1.m4s",
            "vod/demo/20261121T190000Z/v/w/x/1.m4s",
        ] {
            assert!(Object::parse(bad).is_err(), "{bad}");
        }
        assert!(matches!(Object::parse("vod/v720/1.m4s"), Ok(Object::Of { .. })), "a channel of that name");
        assert_eq!(["/live/a/b", "/vod/a/b", "/vodka", "/x"].map(asked), ["a/b", "vod/a/b", "", ""]);
    }

    #[test]
    fn everything_else_is_refused_with_its_rule() {
        use NameFault::{Channel, Part, Rendition, Shape};
        for (bad, fault) in [
            ("", Shape),
            ("demo", Shape),
            ("demo/", Shape),
            ("demo/other.m3u8", Shape),
            ("demo/a/b/1.m4s", Shape),
            ("/etc/passwd", Channel),
            ("../etc/1.m4s", Channel),
            ("Demo/multivariant.m3u8", Channel),
            ("%2e%2e/a/1.m4s", Channel),
            ("demo/../1.m4s", Rendition),
            ("demo/.%2e/1.m4s", Rendition),
            ("demo/a\\b/1.m4s", Rendition),
            ("demo//1.m4s", Rendition),
            ("demo/a/..", Part),
            ("demo/a/", Part),
            ("demo/a/01.m4s", Part),
            ("demo/a/+1.m4s", Part),
            ("demo/a/01.vtt", Part),
            ("demo/a/.vtt", Part),
            ("demo/a/1.vtt.m4s", Part),
            ("demo/a/1.01.m4s", Part),
            ("demo/a/1.2.3.m4s", Part),
            ("demo/a/1.4294967296.m4s", Part),
            ("demo/a/.m4s", Part),
            ("demo/a/1.m4s\0", Part),
            ("demo/a/1.ts", Part),
            ("demo/a/18446744073709551616.m4s", Part),
            ("demo/a/init-00C0FFEE.mp4", Part),
            ("demo/a/init-00c0ffe.mp4", Part),
            ("demo/a/init-00c0ffee0.mp4", Part),
            ("demo/a/multivariant.m3u8", Part),
        ] {
            assert_eq!(Object::parse(bad), Err(fault), "{bad:?}");
        }
        assert_eq!(Object::parse(&format!("{}/multivariant.m3u8", "x".repeat(5000))), Err(Channel));
    }

    proptest! {
        #[test]
        fn an_accepted_path_has_one_spelling_and_stays_inside(path in "\\PC{0,80}") {
            if let Ok(object) = Object::parse(&path) {
                let written = object.relative_path();
                let path = if matches!(object, Object::Vod(_)) { &path[4..] } else { path.as_str() };
                prop_assert_eq!(written.to_str(), Some(path));
            }
        }
    }
}

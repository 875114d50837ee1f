//! The multivariant playlist of a channel (rfc8216bis 4.4.6).

use std::fmt;

use crate::model::{BitRate, FrameRate, PictureSize, RenditionId};

use super::name::MEDIA_PLAYLIST;

/// The group all audio renditions are in: every variant plays with any of them.
const AUDIO_GROUP: &str = "audio";
/// The groups of captions: in the pictures, and as text.
const CAPTIONS_GROUP: &str = "captions";
const TEXT_GROUP: &str = "subtitles";
/// What captions are, in the words of rfc8216bis 4.4.6.1.
const FOR_THE_DEAF: &str =
    "public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound";

/// An audio rendition (EXT-X-MEDIA).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AudioRendition {
    /// The rendition.
    pub id: RenditionId,
    /// Name shown by players; unique in the channel.
    pub name: String,
    /// BCP 47 language.
    pub language: Option<String>,
    /// Channels of the sound, 1 or 2.
    pub channels: u8,
    /// RFC 6381 codec string.
    pub codec: String,
    /// Peak segment bit rate.
    pub peak: BitRate,
    /// Average bit rate.
    pub average: BitRate,
}

/// A video rendition (EXT-X-STREAM-INF, together with the audio group).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    /// The rendition.
    pub id: RenditionId,
    /// Pixels.
    pub size: PictureSize,
    /// Frame rate.
    pub frame_rate: FrameRate,
    /// RFC 6381 codec string.
    pub codec: String,
    /// Peak segment bit rate of the picture alone.
    pub peak: BitRate,
    /// Average bit rate of the picture alone.
    pub average: BitRate,
}

/// Captions (EXT-X-MEDIA): in the pictures of every variant, and perhaps as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptionsOffer {
    /// Name shown by players.
    pub name: String,
    /// BCP 47 language.
    pub language: Option<String>,
    /// The WebVTT rendition.
    pub text: Option<TextRendition>,
}

/// A WebVTT rendition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRendition {
    /// The rendition.
    pub id: RenditionId,
    /// Peak segment bit rate.
    pub peak: BitRate,
    /// Average bit rate.
    pub average: BitRate,
}

/// What a channel offers; its text is its `Display`. The first audio rendition is the default. The first audio rendition
/// also is a variant of its own: the lowest rung of the ladder, and the only one of an audio-only channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultivariantPlaylist {
    /// Video renditions, best first.
    pub video: Vec<Variant>,
    /// Audio renditions.
    pub audio: Vec<AudioRendition>,
    /// Captions, if players are told of any.
    pub captions: Option<CaptionsOffer>,
}

impl MultivariantPlaylist {
    /// Its text where media playlists are called `media_playlist`.
    pub fn naming<'a>(&'a self, media_playlist: &'a str) -> impl fmt::Display + 'a {
        Naming { playlist: self, media_playlist }
    }

    /// What every variant begins with: the bit rates and codecs of `picture`, if it has one, plus those of the dearest
    /// audio rendition (rfc8216bis 4.4.6.2: the largest sum that any playable combination of renditions produces).
    fn write_stream(&self, f: &mut fmt::Formatter<'_>, picture: Option<&Variant>) -> fmt::Result {
        let dearest = |rate: fn(&AudioRendition) -> BitRate| self.audio.iter().map(rate).map(BitRate::bps).max();
        let text = |rate: fn(&TextRendition) -> BitRate| self.text().map_or(0, |text| rate(text).bps());
        let peak = picture.map_or(0, |picture| picture.peak.bps())
            + dearest(|audio| audio.peak).unwrap_or(0)
            + text(|text| text.peak);
        let average = picture.map_or(0, |picture| picture.average.bps())
            + dearest(|audio| audio.average).unwrap_or(0)
            + text(|text| text.average);
        let mut codecs: Vec<&str> = picture.iter().map(|picture| picture.codec.as_str()).collect();
        for audio in &self.audio {
            if !codecs.contains(&audio.codec.as_str()) {
                codecs.push(&audio.codec);
            }
        }
        let codecs = codecs.join(",");
        write!(f, "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\",")?;
        if self.text().is_some() {
            write!(f, "SUBTITLES=\"{TEXT_GROUP}\",")?;
        }
        Ok(())
    }

    fn write_video(&self, f: &mut fmt::Formatter<'_>, variant: &Variant, media: &str) -> fmt::Result {
        self.write_stream(f, Some(variant))?;
        write!(f, "RESOLUTION={},FRAME-RATE={:.3},", variant.size, variant.frame_rate.as_f64())?;
        if !self.audio.is_empty() {
            write!(f, "AUDIO=\"{AUDIO_GROUP}\",")?;
        }
        match &self.captions {
            Some(_) => write!(f, "CLOSED-CAPTIONS=\"{CAPTIONS_GROUP}\"")?,
            None => write!(f, "CLOSED-CAPTIONS=NONE")?,
        }
        writeln!(f, "\n{}/{media}", variant.id)
    }

    fn text(&self) -> Option<&TextRendition> {
        self.captions.as_ref()?.text.as_ref()
    }
}

impl fmt::Display for MultivariantPlaylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.naming(MEDIA_PLAYLIST))
    }
}

/// See [`MultivariantPlaylist::naming`].
struct Naming<'a> {
    playlist: &'a MultivariantPlaylist,
    media_playlist: &'a str,
}

impl fmt::Display for Naming<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (playlist, media) = (self.playlist, self.media_playlist);
        // Every segment begins with a key frame of its own: the encoders are forced to at each grid boundary.
        writeln!(f, "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-INDEPENDENT-SEGMENTS\n")?;
        for (index, audio) in playlist.audio.iter().enumerate() {
            write_audio(f, audio, index == 0, media)?;
        }
        if let Some(captions) = &playlist.captions {
            write_captions(f, captions, media)?;
        }
        for variant in &playlist.video {
            writeln!(f)?;
            playlist.write_video(f, variant, media)?;
        }
        if let Some(audio) = playlist.audio.first() {
            writeln!(f)?;
            playlist.write_stream(f, None)?;
            // Either every variant says that there are none, or none does (4.4.6.2).
            let none = if playlist.captions.is_none() { ",CLOSED-CAPTIONS=NONE" } else { "" };
            writeln!(f, "AUDIO=\"{AUDIO_GROUP}\"{none}\n{}/{media}", audio.id)?;
        }
        Ok(())
    }
}

fn write_audio(f: &mut fmt::Formatter<'_>, audio: &AudioRendition, default: bool, media: &str) -> fmt::Result {
    write!(f, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{AUDIO_GROUP}\",NAME=\"{}\",", quotable(&audio.name))?;
    if let Some(language) = &audio.language {
        write!(f, "LANGUAGE=\"{}\",", quotable(language))?;
    }
    let default = if default { "YES" } else { "NO" };
    write!(f, "DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"{}\",", audio.channels)?;
    writeln!(f, "URI=\"{}/{media}\"", audio.id)
}

fn write_captions(f: &mut fmt::Formatter<'_>, captions: &CaptionsOffer, media: &str) -> fmt::Result {
    let begin = |f: &mut fmt::Formatter<'_>, kind: &str, group: &str| {
        write!(f, "#EXT-X-MEDIA:TYPE={kind},GROUP-ID=\"{group}\",NAME=\"{}\",", quotable(&captions.name))?;
        match &captions.language {
            Some(language) => write!(f, "LANGUAGE=\"{}\",", quotable(language)),
            None => Ok(()),
        }
    };
    begin(f, "CLOSED-CAPTIONS", CAPTIONS_GROUP)?;
    writeln!(f, "DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID=\"CC1\"")?;
    let Some(text) = &captions.text else { return Ok(()) };
    begin(f, "SUBTITLES", TEXT_GROUP)?;
    write!(f, "DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,CHARACTERISTICS=\"{FOR_THE_DEAF}\",")?;
    writeln!(f, "URI=\"{}/{media}\"", text.id)
}

/// A quoted string has no escape: neither quotation marks nor line ends can be in it (rfc8216bis 4.2).
fn quotable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).map(|c| if c == '"' { '\'' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn audio(id: &str, name: &str, language: Option<&str>) -> AudioRendition {
        AudioRendition {
            id: RenditionId::new(id).unwrap(),
            name: name.into(),
            language: language.map(str::to_owned),
            channels: 2,
            codec: "mp4a.40.2".into(),
            peak: BitRate(131_000),
            average: BitRate(128_000),
        }
    }

    fn variant(id: &str, size: &str, rate: &str, codec: &str, peak: u64) -> Variant {
        Variant {
            id: RenditionId::new(id).unwrap(),
            size: size.parse().unwrap(),
            frame_rate: rate.parse().unwrap(),
            codec: codec.into(),
            peak: BitRate(peak),
            average: BitRate(peak * 3 / 4),
        }
    }

    #[test]
    fn a_ladder_with_two_languages_reads_like_this() {
        let playlist = MultivariantPlaylist {
            video: vec![
                variant("v720", "1280x720", "30000/1001", "avc1.64001f", 4_000_000),
                variant("v360", "640x360", "30000/1001", "avc1.64001e", 1_000_000),
            ],
            audio: vec![audio("a-en", "The \"main\" mix", Some("en")), audio("a-de", "Deutsch", Some("de"))],
            captions: None,
        };
        insta::assert_snapshot!(playlist, @r##"
        #EXTM3U
        #EXT-X-VERSION:8
        #EXT-X-INDEPENDENT-SEGMENTS

        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="The 'main' mix",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="a-en/media.m3u8"
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Deutsch",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,CHANNELS="2",URI="a-de/media.m3u8"

        #EXT-X-STREAM-INF:BANDWIDTH=4131000,AVERAGE-BANDWIDTH=3128000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="audio",CLOSED-CAPTIONS=NONE
        v720/media.m3u8

        #EXT-X-STREAM-INF:BANDWIDTH=1131000,AVERAGE-BANDWIDTH=878000,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=640x360,FRAME-RATE=29.970,AUDIO="audio",CLOSED-CAPTIONS=NONE
        v360/media.m3u8

        #EXT-X-STREAM-INF:BANDWIDTH=131000,AVERAGE-BANDWIDTH=128000,CODECS="mp4a.40.2",AUDIO="audio",CLOSED-CAPTIONS=NONE
        a-en/media.m3u8
        "##);
    }

    #[test]
    fn captions_are_told_in_both_forms() {
        let text =
            TextRendition { id: RenditionId::new("captions").unwrap(), peak: BitRate(2000), average: BitRate(900) };
        let captions = CaptionsOffer { name: "English".into(), language: Some("en".into()), text: Some(text) };
        let video = vec![variant("v360", "640x360", "25", "avc1.64001e", 1_000_000)];
        let audio = vec![audio("a-en", "Main", None)];
        insta::assert_snapshot!(MultivariantPlaylist { video, audio, captions: Some(captions) }, @r##"
        #EXTM3U
        #EXT-X-VERSION:8
        #EXT-X-INDEPENDENT-SEGMENTS

        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Main",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="a-en/media.m3u8"
        #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="captions",NAME="English",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,INSTREAM-ID="CC1"
        #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subtitles",NAME="English",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,CHARACTERISTICS="public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound",URI="captions/media.m3u8"

        #EXT-X-STREAM-INF:BANDWIDTH=1133000,AVERAGE-BANDWIDTH=878900,CODECS="avc1.64001e,mp4a.40.2",SUBTITLES="subtitles",RESOLUTION=640x360,FRAME-RATE=25.000,AUDIO="audio",CLOSED-CAPTIONS="captions"
        v360/media.m3u8

        #EXT-X-STREAM-INF:BANDWIDTH=133000,AVERAGE-BANDWIDTH=128900,CODECS="mp4a.40.2",SUBTITLES="subtitles",AUDIO="audio"
        a-en/media.m3u8
        "##);
    }

    #[test]
    fn an_audio_only_channel_has_its_variant() {
        let playlist =
            MultivariantPlaylist { video: vec![], audio: vec![audio("a-main", "Main", None)], captions: None };
        insta::assert_snapshot!(playlist, @r##"
        #EXTM3U
        #EXT-X-VERSION:8
        #EXT-X-INDEPENDENT-SEGMENTS

        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Main",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="a-main/media.m3u8"

        #EXT-X-STREAM-INF:BANDWIDTH=131000,AVERAGE-BANDWIDTH=128000,CODECS="mp4a.40.2",AUDIO="audio",CLOSED-CAPTIONS=NONE
        a-main/media.m3u8
        "##);
    }

    #[test]
    fn m3u8_rs_reads_what_is_written() {
        let video = vec![variant("v720", "1280x720", "50", "avc1.640020", 4_000_000)];
        let playlist = MultivariantPlaylist { video, audio: vec![audio("a-en", "Main", Some("en"))], captions: None };
        let parsed = m3u8_rs::parse_master_playlist_res(playlist.to_string().as_bytes()).unwrap();
        assert!(parsed.independent_segments);
        let (first, last) = (&parsed.variants[0], &parsed.variants[1]);
        assert_eq!((first.bandwidth, first.average_bandwidth), (4_131_000, Some(3_128_000)));
        assert_eq!(first.codecs.as_deref(), Some("avc1.640020,mp4a.40.2"));
        assert_eq!(first.resolution, Some(m3u8_rs::Resolution { width: 1280, height: 720 }));
        assert_eq!((first.frame_rate, first.audio.as_deref()), (Some(50.0), Some("audio")));
        assert_eq!((last.uri.as_str(), last.codecs.as_deref()), ("a-en/media.m3u8", Some("mp4a.40.2")));
        assert_eq!(parsed.alternatives[0].uri.as_deref(), Some("a-en/media.m3u8"));
    }
}

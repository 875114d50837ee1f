//! Reads playlists as a player does (rfc8216bis). Strict where a player must be, silent about tags it does not know.

use url::Url;

/// A playlist of either kind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Playlist {
    Multivariant(Vec<Listed>),
    Media(MediaPlaylist),
}

/// A media playlist that a multivariant playlist names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// As written.
    pub(crate) name: String,
    pub(crate) url: Url,
    pub(crate) resolution: Option<String>,
}

/// A media playlist.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MediaPlaylist {
    pub(crate) target_duration: u64,
    pub(crate) ended: bool,
    pub(crate) entries: Vec<Entry>,
}

/// A segment in a media playlist.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    pub(crate) discontinuity_number: u64,
    pub(crate) url: Url,
    pub(crate) map: Option<Url>,
    pub(crate) seconds: f64,
    pub(crate) date_time: Option<u64>,
    pub(crate) discontinuity: bool,
    pub(crate) gap: bool,
    /// A cue out or in stands before it.
    pub(crate) cue: bool,
}

/// Reads `text`, which came from `url`; the error is the rule that it breaks.
pub(crate) fn read(text: &str, url: &Url) -> Result<Playlist, String> {
    let mut lines = text.lines().map(str::trim_end);
    if lines.next() != Some("#EXTM3U") {
        return Err("it does not begin with #EXTM3U".to_owned());
    }
    if text.contains("#EXT-X-STREAM-INF:") || text.contains("#EXT-X-MEDIA:") {
        read_multivariant(text, url)
    } else {
        read_media(text, url)
    }
}

fn resolve(base: &Url, reference: &str) -> Result<Url, String> {
    base.join(reference).map_err(|error| format!("`{reference}` is not an address ({error})"))
}

fn read_multivariant(text: &str, url: &Url) -> Result<Playlist, String> {
    let mut listed: Vec<Listed> = Vec::new();
    let mut add = |name: &str, resolution: Option<String>| -> Result<(), String> {
        let url = resolve(url, name)?;
        if !listed.iter().any(|known| known.url == url) {
            listed.push(Listed { name: name.to_owned(), url, resolution });
        }
        Ok(())
    };
    let mut variant: Option<Option<String>> = None;
    for line in text.lines().map(str::trim) {
        if let Some(attributes) = line.strip_prefix("#EXT-X-STREAM-INF:") {
            variant = Some(attribute(attributes, "RESOLUTION").map(str::to_owned));
        } else if let Some(attributes) = line.strip_prefix("#EXT-X-MEDIA:") {
            let sound = matches!(attribute(attributes, "TYPE"), Some("AUDIO" | "VIDEO"));
            if let Some(uri) = attribute(attributes, "URI").filter(|_| sound) {
                add(uri, None)?;
            }
        } else if !line.is_empty() && !line.starts_with('#') {
            add(line, variant.take().flatten())?;
        }
    }
    if listed.is_empty() { Err("it lists no media playlist".to_owned()) } else { Ok(Playlist::Multivariant(listed)) }
}

/// The value of `name` in an attribute list (rfc8216bis 4.2), without quotes.
fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = list;
    while let Some((key, tail)) = rest.split_once('=') {
        let (value, tail) = match tail.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => tail.split_at(tail.find(',').unwrap_or(tail.len())),
        };
        if key.trim() == name {
            return Some(value);
        }
        rest = tail.trim_start_matches(',');
    }
    None
}

/// Tags that apply to the next segment, and to all that follow.
#[derive(Default)]
struct Pending {
    seconds: Option<f64>,
    date_time: Option<u64>,
    discontinuity: bool,
    gap: bool,
    cue: bool,
    map: Option<Url>,
}

fn read_media(text: &str, url: &Url) -> Result<Playlist, String> {
    let mut target_duration = None;
    let (mut number, mut discontinuity_number, mut ended) = (0u64, 0u64, false);
    let mut pending = Pending::default();
    let mut entries = Vec::new();
    for line in text.lines().map(str::trim) {
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXT-X-TARGETDURATION" => target_duration = Some(integer(tag, value)?),
            "#EXT-X-MEDIA-SEQUENCE" => number = integer(tag, value)?,
            "#EXT-X-DISCONTINUITY-SEQUENCE" => discontinuity_number = integer(tag, value)?,
            "#EXT-X-ENDLIST" => ended = true,
            "#EXTINF" => {
                let seconds = value.split(',').next().unwrap_or_default().trim();
                pending.seconds = Some(seconds.parse().map_err(|_| format!("EXTINF `{value}` is not a duration"))?);
            }
            "#EXT-X-PROGRAM-DATE-TIME" => pending.date_time = Some(date_time(value)?),
            "#EXT-X-DISCONTINUITY" => pending.discontinuity = true,
            "#EXT-X-GAP" => pending.gap = true,
            "#EXT-X-DATERANGE" => pending.cue |= value.contains("SCTE35-"),
            "#EXT-X-MAP" => {
                let uri = attribute(value, "URI").ok_or("EXT-X-MAP without URI")?;
                pending.map = Some(resolve(url, uri)?);
            }
            "#EXT-X-BYTERANGE" => return Err("byte ranges (EXT-X-BYTERANGE) cannot be measured".to_owned()),
            _ if line.is_empty() || line.starts_with('#') => {}
            _ => {
                let seconds = pending.seconds.take().ok_or_else(|| format!("segment `{line}` has no EXTINF"))?;
                discontinuity_number += u64::from(pending.discontinuity);
                entries.push(Entry {
                    number,
                    discontinuity_number,
                    url: resolve(url, line)?,
                    map: pending.map.clone(),
                    seconds,
                    date_time: pending.date_time.take(),
                    discontinuity: std::mem::take(&mut pending.discontinuity),
                    gap: std::mem::take(&mut pending.gap),
                    cue: std::mem::take(&mut pending.cue),
                });
                number += 1;
            }
        }
    }
    let target_duration = target_duration.ok_or("it has no EXT-X-TARGETDURATION and no EXT-X-STREAM-INF")?;
    Ok(Playlist::Media(MediaPlaylist { target_duration, ended, entries }))
}

fn integer(tag: &str, value: &str) -> Result<u64, String> {
    value.trim().parse().map_err(|_| format!("{} `{value}` is not a whole number", tag.trim_start_matches('#')))
}

fn date_time(value: &str) -> Result<u64, String> {
    let time: jiff::Timestamp =
        value.trim().parse().map_err(|_| format!("EXT-X-PROGRAM-DATE-TIME `{value}` is not a date and time"))?;
    u64::try_from(time.as_nanosecond()).map_err(|_| format!("EXT-X-PROGRAM-DATE-TIME `{value}` is before 1970"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> Url {
        Url::parse("http://origin/live/demo/multivariant.m3u8").unwrap()
    }

    #[test]
    fn a_multivariant_playlist_names_each_media_playlist_once() {
        let text = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a,b\",NAME=\"main\",URI=\"audio/media.m3u8\"\n\
            #EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1280x720,AUDIO=\"a\"\n720p/media.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=2,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=320x180\n180p/media.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=3\n180p/media.m3u8\n";
        let Playlist::Multivariant(listed) = read(text, &url()).unwrap() else { panic!("a media playlist") };
        let names: Vec<_> = listed.iter().map(|l| (l.name.as_str(), l.resolution.as_deref())).collect();
        assert_eq!(
            names,
            [("audio/media.m3u8", None), ("720p/media.m3u8", Some("1280x720")), ("180p/media.m3u8", Some("320x180"))]
        );
        assert_eq!(listed[0].url.as_str(), "http://origin/live/demo/audio/media.m3u8");
    }

    #[test]
    fn a_media_playlist_counts_numbers_and_discontinuities() {
        let text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n\
            #EXT-X-MAP:URI=\"init.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:2026-11-21T00:00:00.000+0000\n#EXTINF:2.000,\n7.m4s\n\
            #EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXTINF:1.5\n8.m4s\n#EXT-X-ENDLIST\n";
        let Playlist::Media(media) = read(text, &url()).unwrap() else { panic!("a multivariant playlist") };
        let numbers: Vec<_> = media.entries.iter().map(|e| (e.number, e.discontinuity_number, e.gap)).collect();
        assert_eq!((media.target_duration, media.ended), (2, true));
        assert_eq!(numbers, [(7, 3, false), (8, 4, true)]);
        assert_eq!(media.entries[0].date_time, Some(1_795_219_200_000_000_000));
    }

    #[test]
    fn what_is_no_playlist_is_named() {
        for (text, rule) in [
            ("<html>", "#EXTM3U"),
            ("#EXTM3U\n", "EXT-X-TARGETDURATION"),
            ("#EXTM3U\n#EXT-X-TARGETDURATION:2\na.m4s\n", "EXTINF"),
            ("#EXTM3U\n#EXT-X-TARGETDURATION:two\n", "whole number"),
            ("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PROGRAM-DATE-TIME:noon\n", "date and time"),
        ] {
            let error = read(text, &url()).unwrap_err();
            assert!(error.contains(rule), "{error}");
        }
    }
}

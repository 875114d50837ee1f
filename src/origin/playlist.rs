//! What a playlist names and how much media it spans. The origin reads no more of it: meaning is the push's business.

use std::collections::HashSet;
use std::time::Duration;

/// What retention has to know about a media playlist.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// File names: the last piece of every URI.
    pub(crate) files: HashSet<String>,
    /// Sum of its EXTINF.
    pub(crate) span: Duration,
    /// EXT-X-TARGETDURATION.
    pub(crate) target: Duration,
    /// Whether it holds EXT-X-ENDLIST.
    pub(crate) ended: bool,
}

/// Whether this can be a playlist at all (rfc8216bis 4.1: UTF-8 that begins with #EXTM3U).
pub(crate) fn is_playlist(data: &[u8]) -> bool {
    std::str::from_utf8(data).is_ok_and(|text| text.lines().next().is_some_and(|line| line.trim_end() == "#EXTM3U"))
}

impl Named {
    /// Reads a playlist. Lines that are not understood name nothing.
    pub(crate) fn read(text: &str) -> Self {
        let mut named = Self::default();
        for line in text.lines().map(str::trim) {
            if let Some(value) = line.strip_prefix("#EXTINF:") {
                named.span += seconds(value.split(',').next().unwrap_or_default());
            } else if let Some(value) = line.strip_prefix("#EXT-X-TARGETDURATION:") {
                named.target = seconds(value);
            } else if line == "#EXT-X-ENDLIST" {
                named.ended = true;
            }
            let uri = if line.starts_with('#') { uri_attribute(line) } else { Some(line) };
            named.files.extend(uri.and_then(file_name));
        }
        named
    }
}

/// File names of what a playlist says can be had, in order: initialisations, parts, segments; neither gaps nor what is
/// only announced.
pub(crate) fn promised(text: &str) -> Vec<String> {
    let (mut gap, mut names) = (false, Vec::new());
    for line in text.lines().map(str::trim) {
        let uri = match line {
            "#EXT-X-GAP" => {
                gap = true;
                continue;
            }
            "" => None,
            _ if line.starts_with("#EXT-X-PRELOAD-HINT:") || line.contains("GAP=YES") => None,
            _ if line.starts_with('#') => uri_attribute(line),
            _ => Some(line).filter(|_| !std::mem::take(&mut gap)),
        };
        names.extend(uri.and_then(file_name));
    }
    names
}

fn seconds(text: &str) -> Duration {
    text.trim().parse().ok().and_then(|secs| Duration::try_from_secs_f64(secs).ok()).unwrap_or_default()
}

fn uri_attribute(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("URI=\"")?;
    Some(rest.split_once('"')?.0)
}

fn file_name(uri: &str) -> Option<String> {
    let path = uri.split(['?', '#']).next()?;
    path.rsplit('/').next().filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_named_is_found() {
        let text = "#EXTM3U\r\n#EXT-X-TARGETDURATION:2\r\n#EXT-X-MAP:URI=\"init-00c0ffee.mp4\",BYTERANGE=\"9@0\"\r\n\
                    #EXTINF:2.000,\r\n10.m4s\r\n#EXT-X-GAP\r\n#EXTINF:1.500,title\r\n../v/11.m4s?x=/1\r\n\
                    #EXT-X-PART:DURATION=0.5,URI=\"12.m4s\"\r\n";
        let named = Named::read(text);
        let mut files: Vec<_> = named.files.iter().map(String::as_str).collect();
        files.sort_unstable();
        assert_eq!(files, ["10.m4s", "11.m4s", "12.m4s", "init-00c0ffee.mp4"]);
        assert_eq!(named.span, Duration::from_millis(3500));
        assert_eq!(named.target, Duration::from_secs(2));
        assert!(!named.ended && Named::read("#EXTM3U\n#EXT-X-ENDLIST\n").ended);
    }

    #[test]
    fn a_gap_and_a_hint_are_no_promise() {
        let text = "#EXTM3U\n#EXT-X-MAP:URI=\"init-00c0ffee.mp4\"\n#EXTINF:2,\n10.m4s\n#EXT-X-GAP\n#EXTINF:2,\n11.m4s\n\
                    #EXTINF:2,\n12.m4s\n#EXT-X-PART:DURATION=0.5,URI=\"13.0.m4s\"\n\
                    #EXT-X-PART:DURATION=0.5,URI=\"13.1.m4s\",GAP=YES\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"13.2.m4s\"\n";
        assert_eq!(promised(text), ["init-00c0ffee.mp4", "10.m4s", "12.m4s", "13.0.m4s"]);
    }

    #[test]
    fn only_text_that_begins_as_a_playlist_is_one() {
        for (data, is) in [
            (&b"#EXTM3U\n"[..], true),
            (b"#EXTM3U\r\n#EXT-X-VERSION:9\r\n", true),
            (b"#EXTM3U8\n", false),
            (b"<html>", false),
            (b"", false),
            (b"#EXTM3U\n\xff", false),
        ] {
            assert_eq!(is_playlist(data), is, "{data:?}");
        }
    }
}

//! A media playlist as it was told, read back: what another box that pushes the same channel has told players.

use std::time::Duration;

use crate::model::MediaTime;

use super::media::MediaSegment;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ToldPlaylist {
    /// What it lists, numbers without a break.
    pub entries: Vec<MediaSegment>,
    /// Whether parts of the segment behind the last one are told.
    pub open: bool,
}

impl ToldPlaylist {
    /// Reads a playlist like those that [`MediaPlaylist`](super::MediaPlaylist) writes, or what an origin made of one;
    /// none if it lists nothing.
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::trim_end);
        if lines.next() != Some("#EXTM3U") {
            return None;
        }
        let (mut number, mut sequence, mut init) = (0u64, 0u64, String::new());
        let mut told = Self::default();
        let mut entry = Pending::default();
        for line in lines.filter(|line| !line.is_empty()) {
            let (tag, value) = line.split_once(':').unwrap_or((line, ""));
            match tag {
                "#EXT-X-MEDIA-SEQUENCE" => number = value.parse().ok()?,
                "#EXT-X-DISCONTINUITY-SEQUENCE" => sequence = value.parse().ok()?,
                "#EXT-X-DISCONTINUITY" => entry.discontinuity = true,
                "#EXT-X-MAP" => init = file_name(attribute(value, "URI")?).to_owned(),
                "#EXT-X-GAP" => entry.gap = true,
                "#EXT-X-PROGRAM-DATE-TIME" => entry.start = time(value),
                "#EXTINF" => entry.duration = seconds(value.split(',').next()?)?,
                "#EXT-X-PART" => entry.parts = true,
                _ if line.starts_with('#') => {}
                _ => {
                    let text = file_name(line).contains(".vtt");
                    let entry = std::mem::take(&mut entry);
                    sequence += u64::from(entry.discontinuity);
                    let follows = told.entries.last().map(|last: &MediaSegment| last.start + last.duration);
                    told.entries.push(MediaSegment {
                        number,
                        start: entry.start.or(follows).unwrap_or_default(),
                        duration: entry.duration,
                        init: if text { String::new() } else { init.clone() },
                        discontinuity: entry.discontinuity,
                        discontinuity_sequence: sequence,
                        gap: entry.gap,
                    });
                    number = number.checked_add(1)?;
                }
            }
        }
        told.open = entry.parts;
        (!told.entries.is_empty()).then_some(told)
    }

    /// The first number that it lists.
    pub fn first(&self) -> u64 {
        self.entries.first().map_or(0, |entry| entry.number)
    }

    /// The last number that players know anything of.
    pub fn last(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.number) + u64::from(self.open)
    }

    /// The initialisation of its newest segment; empty for text.
    pub fn init(&self) -> &str {
        self.entries.last().map_or("", |entry| entry.init.as_str())
    }

    /// The numbers of the segments that players can have.
    pub fn there(&self) -> impl Iterator<Item = u64> {
        self.entries.iter().filter(|entry| !entry.gap).map(|entry| entry.number)
    }
}

/// What stood before the address of an entry.
#[derive(Default)]
struct Pending {
    discontinuity: bool,
    gap: bool,
    parts: bool,
    start: Option<MediaTime>,
    duration: Duration,
}

fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = list.split_once(&format!("{name}=\""))?;
    Some(rest.split_once('"')?.0)
}

fn file_name(uri: &str) -> &str {
    let path = uri.split(['?', '#']).next().unwrap_or(uri);
    path.rsplit('/').next().unwrap_or(path)
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.trim().parse().ok()?).ok()
}

fn time(text: &str) -> Option<MediaTime> {
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(timestamp.as_nanosecond()).ok().map(MediaTime::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hls::{MediaPlaylist, Parts};
    use crate::model::{Boundaries, SegmentGrid};

    fn segment(number: u64, sequence: u64, discontinuity: bool, gap: bool) -> MediaSegment {
        let grid = SegmentGrid::new(2000).unwrap();
        MediaSegment {
            number,
            start: grid.start_of(number),
            duration: grid.duration(),
            init: "init-00000001.mp4".to_owned(),
            discontinuity,
            discontinuity_sequence: sequence,
            gap,
        }
    }

    fn boundaries() -> Boundaries {
        SegmentGrid::new(2000).unwrap().into()
    }

    #[test]
    fn what_was_written_is_read_back() {
        let mut segments = [segment(10, 4, true, false), segment(11, 4, false, true), segment(12, 5, true, false)];
        segments[2].init = "init-00000002.mp4".to_owned();
        let text = MediaPlaylist::new(&boundaries(), 6, &segments).unwrap().to_string();
        let told = ToldPlaylist::read(&text).unwrap();
        assert_eq!(told.entries, segments);
        assert_eq!((told.first(), told.last(), told.init()), (10, 12, "init-00000002.mp4"));
        assert_eq!(told.there().collect::<Vec<_>>(), [10, 12]);
    }

    #[test]
    fn text_and_other_paths_and_parts_are_read() {
        let mut text = segment(7, 0, false, false);
        text.init = String::new();
        let written = MediaPlaylist::new(&boundaries(), 6, std::slice::from_ref(&text)).unwrap();
        assert_eq!(ToldPlaylist::read(&written.to_string()).unwrap().entries, [text]);
        let video = segment(7, 0, false, false);
        let parts = Parts {
            target: Duration::from_millis(500),
            listed: [(8, vec![crate::hls::MediaPart { duration: Duration::from_millis(500), independent: true }])]
                .into(),
            open: Some(segment(8, 0, false, false)),
        };
        let playlist = MediaPlaylist::new(&boundaries(), 6, std::slice::from_ref(&video)).unwrap().with_parts(parts);
        let written = playlist.to_string().replace("URI=\"init", "URI=\"../../x/init").replace("7.m4s", "h/7.m4s?q=1");
        let told = ToldPlaylist::read(&written).unwrap();
        assert_eq!((told.entries, told.open), (vec![video], true));
    }

    #[test]
    fn what_is_no_playlist_tells_nothing() {
        for text in ["", "<html>", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\n", "#EXTM3U\n#EXTINF:x,\n7.m4s\n"] {
            assert_eq!(ToldPlaylist::read(text), None, "{text}");
        }
    }
}

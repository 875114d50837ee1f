//! The media playlist of a rendition (rfc8216bis 4.4.3). The module's header says how holes are listed, and why.

use std::fmt;
use std::time::Duration;

use crate::model::{Boundaries, MediaTime};

use super::daterange::DateRange;
use super::keys::{KeyWriter, Keys};
use super::name::segment_file;
use super::parts::Parts;

/// A segment as its playlist sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaSegment {
    /// Media sequence number.
    pub number: u64,
    /// Presentation time of its first sample.
    pub start: MediaTime,
    /// Media in it.
    pub duration: Duration,
    /// File name of its initialisation; empty for text, which has none.
    pub init: String,
    /// Whether a discontinuity stands before it.
    pub discontinuity: bool,
    /// Discontinuities up to and including the one before it.
    pub discontinuity_sequence: u64,
    /// It is known, but players cannot have it (now): listed with EXT-X-GAP.
    pub gap: bool,
}

/// Of a playlist that never loses what it has listed (EXT-X-PLAYLIST-TYPE, rfc8216bis 4.4.3.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaylistKind {
    /// Segments are added at its end.
    Event,
    /// It does not change.
    Vod,
}

impl MediaSegment {
    /// Its lines in a playlist, for one that is appended to; `new_init` if the entry before it has another
    /// initialisation.
    pub fn lines(&self, new_init: bool) -> impl fmt::Display + '_ {
        Lines { entry: self, new_init }
    }
}

struct Lines<'a> {
    entry: &'a MediaSegment,
    new_init: bool,
}

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is appended to lies on the box's own disk, in the clear.
        write_head(f, self.entry, self.new_init, (&mut KeyWriter::default(), None))?;
        write_name(f, self.entry)
    }
}

/// A media playlist; its text is its `Display`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaPlaylist {
    target_duration: u64,
    entries: Vec<MediaSegment>,
    /// Tags, each with the number of the segment that it stands before; ascending.
    ranges: Vec<(u64, String)>,
    parts: Option<Parts>,
    kind: Option<PlaylistKind>,
    keys: Option<Keys>,
    ended: bool,
}

impl MediaPlaylist {
    /// The playlist of the last `window` numbers (at least one) of `segments`, which ascend by number. None without
    /// any segment: an empty playlist has no media sequence that could be kept later.
    pub fn new(boundaries: &Boundaries, window: usize, segments: &[MediaSegment]) -> Option<Self> {
        let last = segments.last()?.number;
        let oldest = (last + 1).saturating_sub(window.max(1) as u64);
        let from = segments.partition_point(|segment| segment.number < oldest);
        let listed = expressible(&segments[from..]);
        let longest = listed.iter().map(|segment| rounded_secs(segment.duration)).max().unwrap_or(0);
        let entries = fill_holes(boundaries, listed);
        Some(Self {
            target_duration: longest.max(ceil_secs(boundaries.grid().duration())),
            entries,
            ranges: Vec::new(),
            parts: None,
            kind: None,
            keys: None,
            ended: false,
        })
    }

    /// Encrypted: with the tags of `keys`. None if those of something that is listed are not known. Behind
    /// [`with_parts`](Self::with_parts).
    pub fn with_keys(mut self, keys: Keys) -> Option<Self> {
        let known = self.entries.iter().chain(self.open()).all(|entry| keys.at(entry.number).is_some());
        self.keys = Some(keys);
        known.then_some(self)
    }

    /// With those of `parts` that can stand in it. Before [`with_ranges`](Self::with_ranges).
    pub fn with_parts(mut self, parts: Parts) -> Self {
        self.parts = self.entries.last().map(|last| parts.fit(last));
        self
    }

    /// The segment behind the last entry, of which parts are listed.
    fn open(&self) -> Option<&MediaSegment> {
        self.parts.as_ref()?.open.as_ref()
    }

    /// With those of `ranges` that its segments touch.
    pub fn with_ranges(mut self, ranges: &[DateRange]) -> Self {
        let newest = self.open().or(self.entries.last()).map_or(0, |entry| entry.number);
        let listed = ranges.iter().flat_map(|range| range.within(self.media_sequence(), newest));
        self.ranges = listed.map(|(number, text)| (number, text.to_owned())).collect();
        self.ranges.sort_by_key(|(number, _)| *number);
        self
    }

    /// Says that nothing listed will go. Such a playlist has no EXT-X-DISCONTINUITY-SEQUENCE (rfc8216bis 4.4.3.3): all
    /// renditions have to begin with the same number.
    pub fn of_kind(mut self, kind: PlaylistKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Says that nothing will follow (EXT-X-ENDLIST).
    pub fn ended(mut self) -> Self {
        self.ended = true;
        self
    }

    /// What is listed, holes filled with gap entries: numbers without a break.
    pub fn entries(&self) -> &[MediaSegment] {
        &self.entries
    }

    /// EXT-X-MEDIA-SEQUENCE.
    pub fn media_sequence(&self) -> u64 {
        self.entries.first().map_or(0, |entry| entry.number)
    }

    /// EXT-X-DISCONTINUITY-SEQUENCE.
    pub fn discontinuity_sequence(&self) -> u64 {
        self.entries
            .first()
            .map_or(0, |entry| entry.discontinuity_sequence.saturating_sub(u64::from(entry.discontinuity)))
    }

    /// EXT-X-TARGETDURATION in seconds.
    pub fn target_duration(&self) -> u64 {
        self.target_duration
    }
}

impl fmt::Display for MediaPlaylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Version 6 is needed for EXT-X-MAP; 8 came with EXT-X-GAP. Always 8, so that it does not change with a hole.
        // 9 is what a delta update of it needs (EXT-X-SKIP).
        let version = if self.parts.is_some() { 9 } else { 8 };
        writeln!(f, "#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:{}", self.target_duration)?;
        if let Some(parts) = &self.parts {
            parts.write_head(f)?;
        }
        match self.kind {
            Some(PlaylistKind::Event) => writeln!(f, "#EXT-X-PLAYLIST-TYPE:EVENT")?,
            Some(PlaylistKind::Vod) => writeln!(f, "#EXT-X-PLAYLIST-TYPE:VOD")?,
            None => {}
        }
        writeln!(f, "#EXT-X-MEDIA-SEQUENCE:{}", self.media_sequence())?;
        if self.kind.is_none() {
            writeln!(f, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", self.discontinuity_sequence())?;
        }
        let (mut init, mut keys) = (None, KeyWriter::default());
        for entry in self.entries.iter().chain(self.open()) {
            for (_, tag) in self.ranges.iter().filter(|(number, _)| *number == entry.number) {
                writeln!(f, "{tag}")?;
            }
            write_head(f, entry, init != Some(&entry.init), (&mut keys, self.keys.as_ref()))?;
            init = Some(&entry.init);
            if let Some(parts) = &self.parts {
                parts.write(f, entry.number)?;
            }
            if self.open() != Some(entry) {
                write_name(f, entry)?;
            }
        }
        if self.ended {
            writeln!(f, "#EXT-X-ENDLIST")?;
        }
        Ok(())
    }
}

/// What stands in front of the parts and the duration of an entry.
fn write_head<'a>(
    f: &mut fmt::Formatter<'_>,
    entry: &MediaSegment,
    new_init: bool,
    (writer, keys): (&mut KeyWriter<'a>, Option<&'a Keys>),
) -> fmt::Result {
    if entry.discontinuity {
        writeln!(f, "#EXT-X-DISCONTINUITY")?;
    }
    // Repeated behind a discontinuity, where players set up their decoders anew.
    let map = !entry.init.is_empty() && (new_init || entry.discontinuity);
    let map = map.then(|| format!("#EXT-X-MAP:URI=\"{}\"", entry.init));
    writer.write(f, keys, entry.number, map.as_deref())?;
    if entry.gap {
        writeln!(f, "#EXT-X-GAP")?;
    }
    writeln!(f, "#EXT-X-PROGRAM-DATE-TIME:{}", entry.start.rfc3339_millis())
}

fn write_name(f: &mut fmt::Formatter<'_>, entry: &MediaSegment) -> fmt::Result {
    writeln!(f, "#EXTINF:{:.6},\n{}", entry.duration.as_secs_f64(), segment_file(entry.number, &entry.init))
}

/// The part of `segments` from behind the last step of the discontinuity sequence that tags cannot express.
fn expressible(segments: &[MediaSegment]) -> &[MediaSegment] {
    let broken = segments.windows(2).rposition(|pair| {
        pair[0].discontinuity_sequence.checked_add(u64::from(pair[1].discontinuity))
            != Some(pair[1].discontinuity_sequence)
    });
    &segments[broken.map_or(0, |position| position + 1)..]
}

fn fill_holes(boundaries: &Boundaries, segments: &[MediaSegment]) -> Vec<MediaSegment> {
    let mut entries: Vec<MediaSegment> = Vec::with_capacity(segments.len());
    for segment in segments {
        if let Some(before) = entries.last().cloned() {
            let missing = before.number + 1..segment.number;
            entries.extend(missing.map(|number| MediaSegment {
                number,
                start: boundaries.start_of(number),
                duration: boundaries.duration_of(number),
                discontinuity: false,
                gap: true,
                ..before.clone()
            }));
        }
        entries.push(segment.clone());
    }
    entries
}

fn ceil_secs(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// EXTINF rounded to the nearest second, which the target duration must not be below (rfc8216bis 4.4.3.1).
fn rounded_secs(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_millis() >= 500)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hls::segment_name;
    use crate::model::cue::CueAsk;
    use crate::model::{Cued, FrameGrid, FrameRate, SegmentGrid, Timeline};
    use proptest::prelude::*;

    fn grid() -> SegmentGrid {
        SegmentGrid::new(2000).unwrap()
    }

    fn segment(number: u64, sequence: u64, discontinuity: bool) -> MediaSegment {
        MediaSegment {
            number,
            start: grid().start_of(number),
            duration: grid().duration(),
            init: format!("init-0000000{sequence}.mp4"),
            discontinuity,
            discontinuity_sequence: sequence,
            gap: false,
        }
    }

    fn numbers(playlist: &MediaPlaylist) -> Vec<(u64, bool)> {
        playlist.entries().iter().map(|entry| (entry.number, entry.gap)).collect()
    }

    #[test]
    fn a_restart_with_a_hole_reads_like_this() {
        let mut segments =
            [segment(881_500_000, 0, false), segment(881_500_001, 0, false), segment(881_500_003, 1, true)];
        segments[1].duration = Duration::from_millis(1200);
        segments[2].start = segments[2].start + Duration::from_millis(400);
        segments[2].duration = Duration::from_millis(1600);
        insta::assert_snapshot!(MediaPlaylist::new(&grid().into(), 6, &segments).unwrap(), @r##"
        #EXTM3U
        #EXT-X-VERSION:8
        #EXT-X-TARGETDURATION:2
        #EXT-X-MEDIA-SEQUENCE:881500000
        #EXT-X-DISCONTINUITY-SEQUENCE:0
        #EXT-X-MAP:URI="init-00000000.mp4"
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:20.000Z
        #EXTINF:2.000000,
        881500000.m4s
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:22.000Z
        #EXTINF:1.200000,
        881500001.m4s
        #EXT-X-GAP
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:24.000Z
        #EXTINF:2.000000,
        881500002.m4s
        #EXT-X-DISCONTINUITY
        #EXT-X-MAP:URI="init-00000001.mp4"
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:26.400Z
        #EXTINF:1.600000,
        881500003.m4s
        "##);
    }

    #[test]
    fn text_has_no_initialisation() {
        let text = |number, discontinuity| MediaSegment {
            init: String::new(),
            ..segment(number, u64::from(discontinuity), discontinuity)
        };
        let playlist = MediaPlaylist::new(&grid().into(), 6, &[text(881_500_000, false), text(881_500_002, true)]);
        insta::assert_snapshot!(playlist.unwrap(), @r##"
        #EXTM3U
        #EXT-X-VERSION:8
        #EXT-X-TARGETDURATION:2
        #EXT-X-MEDIA-SEQUENCE:881500000
        #EXT-X-DISCONTINUITY-SEQUENCE:0
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:20.000Z
        #EXTINF:2.000000,
        881500000.vtt
        #EXT-X-GAP
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:22.000Z
        #EXTINF:2.000000,
        881500001.vtt
        #EXT-X-DISCONTINUITY
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:24.000Z
        #EXTINF:2.000000,
        881500002.vtt
        "##);
    }

    fn keys(whole: bool, method: &str) -> Keys {
        let mut keys = Keys::new(whole);
        for period in 440_750_000..440_750_003u64 {
            let tag = format!("#EXT-X-KEY:METHOD={method},URI=\"https://keys.example/demo/{period}\"");
            keys.add(period * 2, period * 2 + 1, vec![tag]);
        }
        keys
    }

    #[test]
    fn keys_change_with_their_segments_and_leave_initialisations_alone() {
        let segments: Vec<MediaSegment> = (881_500_000..881_500_004)
            .map(|number| segment(number, u64::from(number > 881_500_002), number == 881_500_003))
            .collect();
        let playlist = MediaPlaylist::new(&grid().into(), 6, &segments).unwrap();
        insta::assert_snapshot!(playlist.clone().with_keys(keys(true, "AES-128")).unwrap(), @r##"
        #EXTM3U
        #EXT-X-VERSION:8
        #EXT-X-TARGETDURATION:2
        #EXT-X-MEDIA-SEQUENCE:881500000
        #EXT-X-DISCONTINUITY-SEQUENCE:0
        #EXT-X-MAP:URI="init-00000000.mp4"
        #EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/demo/440750000"
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:20.000Z
        #EXTINF:2.000000,
        881500000.m4s
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:22.000Z
        #EXTINF:2.000000,
        881500001.m4s
        #EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/demo/440750001"
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:24.000Z
        #EXTINF:2.000000,
        881500002.m4s
        #EXT-X-DISCONTINUITY
        #EXT-X-KEY:METHOD=NONE
        #EXT-X-MAP:URI="init-00000001.mp4"
        #EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/demo/440750001"
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:26.000Z
        #EXTINF:2.000000,
        881500003.m4s
        "##);
        let samples = playlist.clone().with_keys(keys(false, "SAMPLE-AES")).unwrap().to_string();
        assert!(samples.contains("demo/440750000\"\n#EXT-X-MAP:URI=\"init-00000000.mp4\"\n"), "{samples}");
        assert!(samples.contains("#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-00000001.mp4\"\n"), "{samples}");
        assert!(playlist.with_keys(Keys::new(true)).is_none(), "no playlist without the keys of what it lists");
    }

    #[test]
    fn a_playlist_needs_a_segment() {
        assert_eq!(MediaPlaylist::new(&grid().into(), 6, &[]), None);
    }

    #[test]
    fn a_hole_longer_than_the_window_leaves_nothing_before_it() {
        let segments = [segment(1, 0, false), segment(100, 0, false)];
        let playlist = MediaPlaylist::new(&grid().into(), 6, &segments).unwrap();
        assert_eq!(numbers(&playlist), [(100, false)]);
    }

    #[test]
    fn an_undelivered_segment_at_the_front_keeps_its_line() {
        let mut segments = [segment(1, 0, false), segment(2, 0, false)];
        segments[0].gap = true;
        let playlist = MediaPlaylist::new(&grid().into(), 6, &segments).unwrap();
        assert_eq!(numbers(&playlist), [(1, true), (2, false)]);
        assert!(playlist.to_string().contains("#EXT-X-MAP:URI=\"init-00000000.mp4\"\n#EXT-X-GAP\n"));
    }

    #[test]
    fn the_list_begins_behind_a_step_that_one_tag_cannot_say() {
        let segments = [segment(1, 0, false), segment(2, 2, true), segment(3, 2, false)];
        let playlist = MediaPlaylist::new(&grid().into(), 6, &segments).unwrap();
        assert_eq!(numbers(&playlist), [(2, false), (3, false)]);
        assert_eq!(playlist.discontinuity_sequence(), 1);
    }

    #[test]
    fn the_target_duration_covers_every_segment() {
        let odd = SegmentGrid::new(1500).unwrap();
        let mut one = segment(1, 0, false);
        one.duration = Duration::from_millis(1500);
        assert_eq!(MediaPlaylist::new(&odd.into(), 6, std::slice::from_ref(&one)).unwrap().target_duration(), 2);
        one.duration = Duration::from_millis(2600);
        assert_eq!(MediaPlaylist::new(&odd.into(), 6, &[one]).unwrap().target_duration(), 3);
    }

    #[test]
    fn an_ended_playlist_says_so() {
        let playlist = MediaPlaylist::new(&grid().into(), 6, &[segment(1, 0, false)]).unwrap().ended();
        assert!(playlist.to_string().ends_with("1.m4s\n#EXT-X-ENDLIST\n"));
    }

    #[test]
    fn a_break_with_its_sections_reads_like_this() {
        let start = grid().start_of(881_500_000);
        let frames = FrameGrid::new(FrameRate::new(25, 1).unwrap());
        let timeline = Timeline::new(grid(), frames, Cued::default());
        let ask = r#"{"type":"out","id":"break","event_id":1,"duration_ms":4000,"pre_roll_ms":6300}"#;
        let (timeline, placed) = timeline.cue(&serde_json::from_str::<CueAsk>(ask).unwrap(), start).unwrap();
        let boundaries = timeline.boundaries();
        let segments: Vec<MediaSegment> = (881_500_000..881_500_007)
            .filter(|number| *number != 881_500_004)
            .map(|number| MediaSegment {
                start: boundaries.start_of(number),
                duration: boundaries.duration_of(number),
                ..segment(number, 0, false)
            })
            .collect();
        assert_eq!((placed.out.segment, placed.back.unwrap().segment), (881_500_003, 881_500_005));
        let ranges = DateRange::all(&timeline);
        let playlist = |from: usize, to: usize, window: usize| {
            MediaPlaylist::new(boundaries, window, &segments[from..to]).unwrap().with_ranges(&ranges)
        };
        insta::assert_snapshot!(playlist(2, 5, 6), @r##"
        #EXTM3U
        #EXT-X-VERSION:8
        #EXT-X-TARGETDURATION:2
        #EXT-X-MEDIA-SEQUENCE:881500002
        #EXT-X-DISCONTINUITY-SEQUENCE:0
        #EXT-X-MAP:URI="init-00000000.mp4"
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:24.000Z
        #EXTINF:2.320000,
        881500002.m4s
        #EXT-X-DATERANGE:ID="break",START-DATE="2025-11-13T02:13:26.320Z",PLANNED-DURATION=4.000,SCTE35-OUT=0xFC3025000000000000FFFFF01405000000017FEFFF3D0539E0FE00057E400000000000009C2B781B
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:26.320Z
        #EXTINF:1.680000,
        881500003.m4s
        #EXT-X-GAP
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:28.000Z
        #EXTINF:2.320000,
        881500004.m4s
        #EXT-X-DATERANGE:ID="break",START-DATE="2025-11-13T02:13:26.320Z",DURATION=4.000,SCTE35-IN=0xFC3020000000000000FFFFF00F05000000017F4FFF3D0AB820000000000000B300F59B
        #EXT-X-PROGRAM-DATE-TIME:2025-11-13T02:13:30.320Z
        #EXTINF:1.680000,
        881500005.m4s
        "##);
        assert!(playlist(0, 3, 6).ranges.is_empty(), "a cue is not told before its segment");
        assert_eq!(playlist(0, 4, 6).ranges.len(), 1, "nor its end");
        assert_eq!(playlist(0, 6, 3).ranges.iter().map(|tag| tag.0).collect::<Vec<_>>(), [881_500_005, 881_500_005]);
        assert!(playlist(5, 6, 1).ranges.is_empty(), "it has left with its last segment");
    }

    /// Segments of several runs: each step skips some numbers and may begin a new run.
    fn broadcast() -> impl Strategy<Value = Vec<MediaSegment>> {
        let step =
            (prop_oneof![6 => Just(0u64), 2 => 1u64..4, 1 => 5u64..40], prop::bool::weighted(0.2), any::<bool>());
        prop::collection::vec(step, 1..60).prop_map(|steps| {
            let (mut number, mut sequence) = (1000, 0);
            let one = |(skip, restart, gap): (u64, bool, bool)| {
                number += 1 + skip;
                sequence += u64::from(restart);
                MediaSegment { gap, ..segment(number, sequence, restart) }
            };
            steps.into_iter().map(one).collect()
        })
    }

    /// The discontinuity sequence of each number, by counting tags as a player does.
    fn counted(text: &str) -> Vec<(u64, u64)> {
        let parsed = m3u8_rs::parse_media_playlist_res(text.as_bytes()).expect("m3u8-rs reads it");
        assert!(
            parsed.segments.iter().all(|segment| f64::from(segment.duration).round() <= parsed.target_duration as f64)
        );
        let mut sequence = parsed.discontinuity_sequence;
        let count = |(number, segment): (u64, &m3u8_rs::MediaSegment)| {
            assert_eq!(segment.uri, segment_name(number));
            assert!(segment.program_date_time.is_some());
            sequence += u64::from(segment.discontinuity);
            (number, sequence)
        };
        (parsed.media_sequence..).zip(&parsed.segments).map(count).collect()
    }

    proptest! {
        #[test]
        fn sequences_never_go_back_and_always_agree(segments in broadcast(), window in 1usize..12) {
            let (mut media, mut discontinuity) = (0, 0);
            for end in 1..=segments.len() {
                let known = &segments[..end];
                let playlist = MediaPlaylist::new(&grid().into(), window, known).unwrap();
                let counted = counted(&playlist.to_string());
                prop_assert!(playlist.media_sequence() >= media && playlist.discontinuity_sequence() >= discontinuity);
                (media, discontinuity) = (playlist.media_sequence(), playlist.discontinuity_sequence());
                prop_assert!(counted.len() <= window);
                prop_assert_eq!(counted.last().unwrap().0, known.last().unwrap().number);
                // A number has one discontinuity sequence, whatever the window and whenever it is listed.
                for (number, sequence) in counted {
                    let truth = known.iter().rfind(|segment| segment.number <= number).unwrap();
                    prop_assert_eq!(sequence, truth.discontinuity_sequence);
                }
            }
        }
    }
}

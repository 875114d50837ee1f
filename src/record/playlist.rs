//! The playlists of a recording. While it runs, a media playlist is only appended to, as EVENT playlists may be: writing
//! all of it anew for each segment would cost more than the media after some hours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use super::manifest::{
    MEDIA_PLAYLIST, MULTIVARIANT_PLAYLIST, Manifest, Marker, RecordedRendition, RecordedSegment, RenditionKind,
};
use crate::hls::{
    AudioRendition, CaptionsOffer, DateRange, MediaPlaylist, MediaSegment, MultivariantPlaylist, PlaylistKind,
    TextRendition, Variant,
};
use crate::model::timed::TimedMetadata;
use crate::model::{BitRate, Boundaries, CueId, Cued, FrameRate, SegmentGrid};
use crate::spool::SpoolError;
use crate::spool::disk::write_atomic;
use crate::spool::error::At;

/// CLASS of a marker's EXT-X-DATERANGE.
const MARKER: &str = "uplink.marker";

/// Where discontinuities are: the first number of each discontinuity sequence, whatever the rendition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    first_of: BTreeMap<u64, u64>,
}

impl Marks {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let mut marks = Self::default();
        manifest.renditions.iter().flat_map(|rendition| &rendition.segments).for_each(|segment| marks.note(segment));
        marks
    }

    pub(crate) fn note(&mut self, segment: &RecordedSegment) {
        let first = self.first_of.entry(segment.discontinuity_sequence).or_insert(segment.sequence);
        *first = (*first).min(segment.sequence);
    }

    /// The discontinuity sequence at a number; none before the first.
    pub(crate) fn at(&self, number: u64) -> Option<u64> {
        self.first_of.iter().rev().find(|(_, first)| **first <= number).map(|(sequence, _)| *sequence)
    }
}

/// Where a media playlist has got to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reached {
    /// The last number listed.
    pub(crate) number: u64,
    sequence: u64,
    init: String,
}

impl Reached {
    /// Before the first entry, which is to be `from`.
    fn before(from: u64, marks: &Marks, segment: &RecordedSegment) -> Self {
        let sequence = marks.at(from).unwrap_or(segment.discontinuity_sequence);
        Self { number: from.saturating_sub(1), sequence, init: segment.init.clone() }
    }

    /// The entries up to `segment`: first gaps, where numbers are missing.
    fn entries(&mut self, segment: &RecordedSegment, marks: &Marks, boundaries: &Boundaries) -> Vec<MediaSegment> {
        let mut entries = Vec::new();
        for number in self.number + 1..segment.sequence {
            let wanted = marks.at(number).unwrap_or(self.sequence).min(segment.discontinuity_sequence);
            let discontinuity = self.step_to(wanted);
            entries.push(MediaSegment {
                number,
                start: boundaries.start_of(number),
                duration: boundaries.duration_of(number),
                init: self.init.clone(),
                discontinuity,
                discontinuity_sequence: self.sequence,
                gap: true,
            });
        }
        let discontinuity = self.step_to(segment.discontinuity_sequence);
        self.number = segment.sequence;
        self.init.clone_from(&segment.init);
        entries.push(MediaSegment {
            number: segment.sequence,
            start: segment.begin,
            duration: segment.duration,
            init: segment.init.clone(),
            discontinuity,
            discontinuity_sequence: self.sequence,
            gap: false,
        });
        entries
    }

    /// One tag is one step.
    fn step_to(&mut self, wanted: u64) -> bool {
        let steps = wanted > self.sequence;
        self.sequence += u64::from(steps);
        steps
    }
}

/// Breaks, timed metadata and markers of a recording, as its playlists name them.
pub(crate) fn ranges(cued: &Cued, markers: &[Marker], boundaries: &Boundaries) -> Vec<DateRange> {
    if cued.is_empty() && markers.is_empty() {
        return Vec::new();
    }
    let markers = markers.iter().enumerate().filter_map(|(place, marker)| {
        // A quoted string has no quotes and no line breaks (rfc8216bis 4.2).
        let quoted = |text: &str| text.replace('"', "'").replace(char::is_control, " ");
        let told = [("X-TEXT", &marker.text), ("X-BY", &marker.by)];
        Some(TimedMetadata {
            id: CueId::new(format!("marker-{}", place + 1)).ok()?,
            at: marker.at,
            duration_ms: None,
            class: Some(MARKER.to_owned()),
            attributes: told.map(|(name, value)| (name.to_owned(), quoted(value))).into(),
            json: None,
        })
    });
    let mut all = cued.clone();
    all.metadata.extend(markers);
    DateRange::on(&all, boundaries)
}

/// The whole media playlist of `segments`, beginning with number `from`; none without any segment.
pub(crate) fn media(
    segments: &[RecordedSegment],
    from: u64,
    (marks, boundaries): (&Marks, &Boundaries),
    ranges: &[DateRange],
    kind: PlaylistKind,
) -> Option<(String, Reached)> {
    let mut reached = Reached::before(from, marks, segments.first()?);
    let entries: Vec<MediaSegment> =
        segments.iter().flat_map(|segment| reached.entries(segment, marks, boundaries)).collect();
    let playlist = MediaPlaylist::new(boundaries, usize::MAX, &entries)?.with_ranges(ranges).of_kind(kind);
    let playlist = if kind == PlaylistKind::Vod { playlist.ended() } else { playlist };
    Some((playlist.to_string(), reached))
}

/// A media playlist that is appended to.
#[derive(Debug)]
pub(crate) struct Growing {
    file: File,
    reached: Reached,
    /// EXT-X-TARGETDURATION, which no entry may exceed.
    target: Duration,
    /// Date ranges that it has.
    told: BTreeSet<String>,
}

impl Growing {
    /// Writes the playlist anew and goes on behind it.
    pub(crate) fn begin(directory: &Path, (text, reached): (String, Reached)) -> Result<Self, SpoolError> {
        let path = directory.join(MEDIA_PLAYLIST);
        write_atomic(&path, text.as_bytes())?;
        let file = OpenOptions::new().append(true).open(&path).at(&path)?;
        let target = text.lines().find_map(|line| line.strip_prefix("#EXT-X-TARGETDURATION:")?.parse().ok());
        let told = text.lines().filter(|line| line.starts_with("#EXT-X-DATERANGE:")).map(ToOwned::to_owned).collect();
        Ok(Self { file, reached, target: Duration::from_secs(target.unwrap_or(0)), told })
    }

    /// Whether `segment` is not too long for it. If it is, the playlist has to be written anew.
    pub(crate) fn fits(&self, segment: &RecordedSegment) -> bool {
        segment.duration < self.target + Duration::from_millis(500)
    }

    /// Appends a segment, with gaps where numbers are missing before it, and in front of it those of `ranges` that have
    /// begun and are not told yet. Not synced: it can be made anew.
    pub(crate) fn append(
        &mut self,
        segment: &RecordedSegment,
        from: u64,
        marks: &Marks,
        boundaries: &Boundaries,
        ranges: &[DateRange],
    ) -> std::io::Result<()> {
        let mut init = self.reached.init.clone();
        let mut text = String::new();
        for (_, tag) in ranges.iter().flat_map(|range| range.within(from, segment.sequence)) {
            if self.told.insert(tag.to_owned()) {
                text.push_str(tag);
                text.push('\n');
            }
        }
        for entry in self.reached.entries(segment, marks, boundaries) {
            text.push_str(&entry.lines(entry.init != init).to_string());
            init = entry.init;
        }
        self.file.write_all(text.as_bytes())
    }
}

/// The multivariant playlist of what has segments; none if nothing has.
pub(crate) fn multivariant(renditions: &[RecordedRendition]) -> Option<String> {
    let of = |kind: RenditionKind| renditions.iter().filter(move |rendition| rendition.kind == kind);
    let has = |rendition: &&RecordedRendition| !rendition.codecs.is_empty();
    let video: Vec<Variant> = of(RenditionKind::Video)
        .filter(has)
        .filter_map(|rendition| {
            Some(Variant {
                id: rendition.id.clone(),
                size: rendition.size?,
                frame_rate: rendition.frame_rate.or_else(|| FrameRate::new(25, 1))?,
                codec: rendition.codecs.clone(),
                peak: rendition.bandwidth,
                average: rendition.average_bandwidth,
            })
        })
        .collect();
    let name = |rendition: &RecordedRendition| rendition.name.clone().unwrap_or_else(|| rendition.id.to_string());
    let audio: Vec<AudioRendition> = of(RenditionKind::Audio)
        .filter(has)
        .map(|rendition| AudioRendition {
            id: rendition.id.clone(),
            name: name(rendition),
            language: rendition.language.clone(),
            channels: rendition.channels.unwrap_or(2),
            codec: rendition.codecs.clone(),
            peak: rendition.bandwidth,
            average: rendition.average_bandwidth,
        })
        .collect();
    let text = of(RenditionKind::Text).find(has);
    let in_pictures = of(RenditionKind::Video).find(|rendition| rendition.captions);
    let captions = in_pictures.or(text).map(|captions| CaptionsOffer {
        name: text.map_or_else(|| "Captions".to_owned(), name),
        language: text.unwrap_or(captions).language.clone(),
        text: text.map(|text| TextRendition {
            id: text.id.clone(),
            peak: text.bandwidth,
            average: text.average_bandwidth,
        }),
    });
    let nothing = video.is_empty() && audio.is_empty();
    let playlist = MultivariantPlaylist { video, audio, captions };
    (!nothing).then(|| playlist.naming(MEDIA_PLAYLIST).to_string())
}

/// Writes all playlists of a recording anew, from its manifest.
pub(crate) fn write_all(directory: &Path, manifest: &Manifest, kind: PlaylistKind) -> Result<(), SpoolError> {
    let Some(grid) = SegmentGrid::new(manifest.segment_ms) else { return Ok(()) };
    let (boundaries, marks) = (manifest.cued.boundaries(grid), Marks::of(manifest));
    let ranges = ranges(&manifest.cued, &manifest.markers, &boundaries);
    let firsts = manifest.renditions.iter().filter_map(|rendition| rendition.segments.first());
    let from = firsts.map(|segment| segment.sequence).min().unwrap_or(0);
    for rendition in &manifest.renditions {
        if let Some((text, _)) = media(&rendition.segments, from, (&marks, &boundaries), &ranges, kind) {
            write_atomic(&directory.join(rendition.id.as_str()).join(MEDIA_PLAYLIST), text.as_bytes())?;
        }
    }
    match multivariant(&manifest.renditions) {
        Some(text) => write_atomic(&directory.join(MULTIVARIANT_PLAYLIST), text.as_bytes()),
        None => Ok(()),
    }
}

/// Peak and average bit rate of a rendition, as its segments measure.
pub(crate) fn measure(rendition: &mut RecordedRendition, grid: SegmentGrid) {
    let sizes: Vec<_> = rendition.segments.iter().map(|segment| (segment.bytes, segment.duration)).collect();
    if let Some(rates) = crate::hls::SegmentRates::measure(&sizes, grid.duration()) {
        (rendition.bandwidth, rendition.average_bandwidth) = (rates.peak, rates.average);
    }
    rendition.average_bandwidth = BitRate(rendition.average_bandwidth.bps().min(rendition.bandwidth.bps()));
}

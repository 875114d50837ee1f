//! What goes into the spool and what comes out.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::hls::{MediaSegment, segment_file};
use crate::model::{MediaTime, RenditionId};

/// The initialisation of a rendition: an ISO BMFF `ftyp` + `moov`; no bytes for text, which has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Init {
    /// Which rendition.
    pub rendition: RenditionId,
    /// RFC 6381 codec string, such as `avc1.64001f` or `mp4a.40.2`.
    pub codec: String,
    /// The bytes.
    pub data: Bytes,
}

/// A CMAF chunk (`moof` + `mdat`, perhaps with a `styp` in front), or a whole segment of text: what the segmenter hands over, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Which rendition.
    pub rendition: RenditionId,
    /// The segment it belongs to: its media sequence number. A chunk with a higher number ends the segment before.
    pub number: u64,
    /// Presentation time of its first sample.
    pub start: MediaTime,
    /// Sum of its sample durations.
    pub duration: Duration,
    /// Whether it begins with a sync sample.
    pub independent: bool,
    /// The last chunk of its segment: the segment can be published without waiting for the next.
    pub last: bool,
    /// The bytes.
    pub data: Bytes,
}

/// A chunk of a segment that is being written or has just been: whole, on disk, and never to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentPart {
    /// Media in it.
    pub duration: Duration,
    /// Whether it begins with a sync sample.
    pub independent: bool,
    /// The bytes; those of all parts of a segment are the segment.
    pub data: Bytes,
}

/// A segment part by part; see [`Spool::parted`](super::Spool::parted).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartedSegment {
    /// Media sequence number.
    pub number: u64,
    /// Presentation time of its first sample.
    pub start: MediaTime,
    /// File name of its initialisation.
    pub init: String,
    /// As it will be of the whole segment.
    pub discontinuity: bool,
    /// As it will be of the whole segment.
    pub discontinuity_sequence: u64,
    /// From the first on.
    pub parts: Vec<SegmentPart>,
}

impl PartedSegment {
    /// Media in its parts.
    pub fn duration(&self) -> Duration {
        self.parts.iter().map(|part| part.duration).sum()
    }
}

/// A segment that is being written: its file grows by whole chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSegment {
    /// Media sequence number.
    pub number: u64,
    /// Another one for each file: one that was given up and begun again has a higher one.
    pub serial: u64,
    /// File name of its initialisation.
    pub init: String,
    /// Presentation time of its first sample.
    pub start: MediaTime,
    /// Where its last whole chunk ends.
    pub end: MediaTime,
    /// Whole chunks in its file, bytes. Written, but not synced.
    pub bytes: u64,
}

/// A whole segment on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Media sequence number, also its file name: `<number>.m4s`, or `<number>.vtt` for text.
    pub number: u64,
    /// Presentation time of its first sample (EXT-X-PROGRAM-DATE-TIME).
    pub start: MediaTime,
    /// Media in it (EXTINF). Shorter than the grid after a start, at an end, or where frames are missing.
    pub duration: Duration,
    /// Size in bytes.
    pub bytes: u64,
    /// File name of its initialisation, in the rendition's directory; empty for text, which has none.
    pub init: String,
    /// Whether it does not follow its predecessor without a seam (EXT-X-DISCONTINUITY before it).
    pub discontinuity: bool,
    /// Discontinuities of this rendition up to and including this segment, since the spool exists.
    pub discontinuity_sequence: u64,
}

impl Segment {
    /// Its file name.
    pub fn file_name(&self) -> String {
        segment_file(self.number, &self.init)
    }
}

impl From<Segment> for MediaSegment {
    /// As a playlist lists it; not a gap.
    fn from(segment: Segment) -> Self {
        Self {
            number: segment.number,
            start: segment.start,
            duration: segment.duration,
            init: segment.init,
            discontinuity: segment.discontinuity,
            discontinuity_sequence: segment.discontinuity_sequence,
            gap: false,
        }
    }
}

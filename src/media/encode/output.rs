//! What leaves the encoders. The fields are those of the spool, which this layer may not know.

use std::time::Duration;

use bytes::Bytes;

use super::choose::Choice;
use super::failure::EncodeFailure;
use crate::model::{MediaTime, RenditionId};

/// Handed to the output callback in order per rendition, from the rendition's own thread.
#[derive(Debug, Clone)]
pub enum Output {
    /// Once per rendition, before its first chunk.
    Init(InitOut),
    /// The next chunk.
    Chunk(ChunkOut),
    /// The encoder of a rendition has failed and another one has its place; nothing is lost in the other renditions.
    /// Its initialisation and chunks follow.
    Replaced(Replacement),
    /// The rendition has ended in order: its open segment is complete, though short.
    Ended(RenditionId),
    /// The graph has failed and will deliver nothing more. Also kept in `Encoders::failure`.
    Failed(EncodeFailure),
}

/// An encoder that failed on air, and what runs now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// What failed, and how; it names the rendition.
    pub failure: EncodeFailure,
    /// What it was replaced by.
    pub choice: Choice,
    /// Chunks of this segment and later ones come once more, from the new encoder: what there is of them is void. None
    /// if the pictures are gone: then the new encoder begins with the next segment.
    pub again: Option<u64>,
}

/// The initialisation of a rendition: an ISO BMFF `ftyp` + `moov`; no bytes for text, which has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitOut {
    /// Which rendition.
    pub rendition: RenditionId,
    /// RFC 6381 codec string, such as `avc1.64001f` or `mp4a.40.2`.
    pub codec: String,
    /// The bytes.
    pub data: Bytes,
}

/// A CMAF chunk (`moof` + `mdat`, with a `styp` in front), or a whole segment of WebVTT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkOut {
    /// Which rendition.
    pub rendition: RenditionId,
    /// The segment it belongs to: its media sequence number.
    pub number: u64,
    /// Presentation time of its first sample, as the bytes say it.
    pub start: MediaTime,
    /// Sum of its sample durations, as the bytes say it.
    pub duration: Duration,
    /// Samples in it: pictures, AAC frames, or cues.
    pub samples: u32,
    /// Whether it begins with a sync sample.
    pub independent: bool,
    /// Reaches the end of its segment: the segment can be published without waiting for the next.
    pub last: bool,
    /// The bytes.
    pub data: Bytes,
}

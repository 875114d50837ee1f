//! What playing one stream left behind: the input of all judgement.

use crate::lineup::Mark;

use super::report::{FaultCode, Occurrence, PlaylistReport, SequenceJump};

/// Places, or jumps, that are kept per stream.
pub(crate) const KEPT: usize = 200;

/// Collects where things went wrong.
#[derive(Debug, Default)]
pub(crate) struct Occurrences(pub(crate) Vec<Occurrence>);

impl Occurrences {
    pub(crate) fn add(&mut self, code: FaultCode, pts: u64, count: u64) {
        if self.0.len() < KEPT && count > 0 {
            self.0.push(Occurrence { code, pts, count });
        }
    }

    /// One more of what the latest place is about, or a new place.
    pub(crate) fn add_one(&mut self, code: FaultCode, pts: u64) {
        match self.0.last_mut() {
            Some(last) if last.code == code && last.pts == pts => last.count += 1,
            _ => self.add(code, pts, 1),
        }
    }
}

/// One stream, played.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) pictures: Option<Pictures>,
    pub(crate) sound: Option<SoundTrack>,
    pub(crate) segments: Vec<PlayedSegment>,
    pub(crate) jumps: Vec<SequenceJump>,
    /// Counts of the playlist; None for a file.
    pub(crate) playlist: Option<PlaylistReport>,
    pub(crate) live: bool,
    /// The first thing that could not be played.
    pub(crate) trouble: Option<String>,
}

/// A picture track.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pictures {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Coded pictures in decoding order.
    pub(crate) frames: Vec<Frame>,
    /// Decoded pictures in the order of the decoder.
    pub(crate) seen: Vec<Seen>,
}

/// A coded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) pts: u64,
    pub(crate) key: bool,
    /// Index into the recording's segments.
    pub(crate) segment: usize,
}

/// A decoded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) pts: u64,
    pub(crate) mark: Option<Mark>,
}

/// A sound track.
#[derive(Debug, Clone, Default)]
pub(crate) struct SoundTrack {
    pub(crate) rate: u32,
    pub(crate) packets: Vec<Packet>,
    pub(crate) decoded_samples: u64,
    /// Onsets of the ticks in nanoseconds.
    pub(crate) ticks: Vec<u64>,
}

/// A coded packet of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) pts: u64,
    pub(crate) duration: u64,
    pub(crate) segment: usize,
}

/// A segment that was played, or should have been.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlayedSegment {
    pub(crate) number: u64,
    /// When it was first seen in the playlist: nanoseconds since the epoch on this machine's clock.
    pub(crate) seen: u64,
    /// When it had been downloaded.
    pub(crate) fetched: u64,
    /// It appeared while the playlist was being followed.
    pub(crate) live: bool,
    pub(crate) discontinuity: bool,
    /// A cue out or in stands before it.
    pub(crate) cue: bool,
    /// EXT-X-PROGRAM-DATE-TIME in nanoseconds since the epoch.
    pub(crate) date_time: Option<u64>,
    pub(crate) seconds: f64,
    /// First presentation time and end of its first track, in nanoseconds. None: there was no media.
    pub(crate) media: Option<(u64, u64)>,
}

impl Recording {
    /// Timestamps count from the Unix epoch: they are later than September 2001.
    pub(crate) fn counts_from_epoch(&self) -> bool {
        const SEPTEMBER_2001: u64 = 1_000_000_000_000_000_000;
        self.segments.iter().filter_map(|segment| segment.media).all(|(start, _)| start > SEPTEMBER_2001)
            && self.segments.iter().any(|segment| segment.media.is_some())
    }

    /// The segment at `index` begins a timeline of its own.
    pub(crate) fn restarts_at(&self, index: usize) -> bool {
        !self.counts_from_epoch() && self.segments.get(index).is_some_and(|segment| segment.discontinuity)
    }
}

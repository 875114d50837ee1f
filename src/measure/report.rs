//! The report. Its field names are an interface: scripts, tests and benchmarks read them.

use serde::{Deserialize, Serialize};

use crate::model::MediaTime;

/// The value of [`Report::format`].
pub(crate) const FORMAT: &str = "uplink-measure/1";

/// What was measured, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// `uplink-measure/1`; fields are only added under this name.
    pub format: String,
    /// What was asked for.
    pub target: String,
    /// When the measurement began, on this machine's clock.
    pub started: MediaTime,
    /// How long it took.
    pub elapsed_ms: u64,
    /// Whether the playlist was still growing.
    pub live: bool,
    /// One entry per media playlist, or one for a file.
    pub streams: Vec<StreamReport>,
    /// Sound against picture, if both carry the marks of the test source.
    pub av_offset: Option<AvOffset>,
    /// Keyframes of the video renditions against each other; None with fewer than two.
    pub keyframes: Option<KeyframeReport>,
    /// Everything that is not as it should be. Empty: all good.
    pub faults: Vec<Fault>,
}

/// One media playlist, or a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamReport {
    /// Its address relative to the multivariant playlist.
    pub name: String,
    /// Its picture.
    pub video: Option<VideoReport>,
    /// Its sound.
    pub audio: Option<AudioReport>,
    /// The frame counter of the test source, if it is there.
    pub counter: Option<CounterReport>,
    /// From the UTC in the picture to the end of the download of its segment; live segments only.
    pub latency: Option<LatencyReport>,
    /// From the end of a segment by EXT-X-PROGRAM-DATE-TIME to its first sight in the playlist; live segments only.
    pub edge: Option<EdgeReport>,
    /// The media playlist; None for a file.
    pub playlist: Option<PlaylistReport>,
    /// Where timestamps and counters went wrong, in the order of each track; the first 200.
    pub occurrences: Vec<Occurrence>,
    /// Reloads whose numbers did not go on where the one before ended; the first 200.
    pub jumps: Vec<SequenceJump>,
    /// Every segment that was listed, in the order of playing; empty for a file.
    pub segments: Vec<SegmentReport>,
}

/// A place where timestamps or counters went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occurrence {
    /// What.
    pub code: FaultCode,
    /// The timestamp behind the fault, in nanoseconds; of a repeated source frame its first.
    pub pts: u64,
    /// Frames or samples.
    pub count: u64,
}

/// A reload of a media playlist whose newest number went back, or whose oldest left some out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceJump {
    /// [`FaultCode::SequenceGap`] or [`FaultCode::SequenceBackwards`].
    pub code: FaultCode,
    /// When it was fetched, on this machine's clock.
    pub at: MediaTime,
    /// The newest number of the reload before.
    pub newest_before: u64,
    /// The oldest number of this one.
    pub first: u64,
    /// The newest number of this one.
    pub last: u64,
}

/// One segment as a player met it. Times are on this machine's clock.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SegmentReport {
    /// Media sequence number.
    pub number: u64,
    /// When the playlist first listed it.
    pub seen: MediaTime,
    /// When it had been downloaded; None if it could not be.
    pub fetched: Option<MediaTime>,
    /// It appeared while the playlist was followed, so that `seen` says when it was published (to about 200 ms).
    pub live: bool,
    /// It follows an EXT-X-DISCONTINUITY.
    pub discontinuity: bool,
    /// Its first timestamp in nanoseconds; None if it held no media.
    pub first_pts: Option<u64>,
    /// Where its last sample ends, in nanoseconds.
    pub end_pts: Option<u64>,
}

/// Timestamps of a picture track.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VideoReport {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Frames per second, from the median step.
    pub frame_rate: f64,
    /// Coded pictures delivered.
    pub frames: u64,
    /// Pictures that came out of the decoder.
    pub decoded: u64,
    /// Coded pictures that did not.
    pub undecodable: u64,
    /// Frames that a step of 1.5 frames or more leaves out.
    pub missing: u64,
    /// Timestamps within half a frame of the one before.
    pub repeated: u64,
    /// Timestamps before the one before.
    pub out_of_order: u64,
    /// Largest step between neighbours in milliseconds.
    pub largest_step_ms: f64,
    /// IDR pictures; None for a file, whose demuxer does not tell.
    pub keyframes: Option<u64>,
    /// Segments that do not begin with one.
    pub segments_without_keyframe: u64,
    /// First timestamp in nanoseconds.
    pub first_pts: u64,
    /// Last timestamp in nanoseconds.
    pub last_pts: u64,
}

/// Timestamps of a sound track.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AudioReport {
    /// Samples per second.
    pub rate: u32,
    /// Samples per channel delivered.
    pub samples: u64,
    /// Samples per channel that its first and last timestamps span.
    pub expected_samples: u64,
    /// Samples that came out of the decoder.
    pub decoded_samples: u64,
    /// Places where samples are missing between two packets.
    pub gaps: u64,
    /// Samples missing there.
    pub gap_samples: u64,
    /// Places where two packets overlap.
    pub overlaps: u64,
    /// Samples that play twice there.
    pub overlap_samples: u64,
    /// Largest gap in milliseconds.
    pub largest_gap_ms: f64,
    /// Ticks of the test source found.
    pub ticks: u64,
}

/// The frame counter in the test picture, between its first and its last readable mark.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CounterReport {
    /// Pictures whose mark was read.
    pub marks: u64,
    /// Pictures between the first and the last mark whose mark could not be read: damaged, or another picture.
    pub unreadable: u64,
    /// Longest time without a readable mark, in milliseconds, beyond one frame.
    pub longest_unreadable_ms: f64,
    /// Source frames that never appeared and that no unreadable picture explains.
    pub missing: u64,
    /// Pictures that showed a source frame again.
    pub repeated: u64,
    /// Pictures that went back to an earlier source frame.
    pub out_of_order: u64,
    /// Longest time that one source frame stayed beyond its own duration, in milliseconds.
    pub longest_freeze_ms: f64,
    /// Median time from the UTC in the picture to the picture's timestamp, in milliseconds: what the way from source
    /// to program took. None if timestamps do not count from the epoch.
    pub delay_ms: Option<f64>,
    /// First frame number (modulo 2^40).
    pub first: u64,
    /// Last frame number (modulo 2^40).
    pub last: u64,
}

/// Latency of pictures in milliseconds, by nearest rank. Compares this machine's clock with the source's: across
/// machines it is as good as their synchronisation. Every picture of a segment counts, so that a player which
/// needs the whole segment is what is measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatencyReport {
    /// Pictures measured.
    pub frames: u64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// Largest.
    pub max_ms: f64,
}

/// Latency of segments in milliseconds, by nearest rank.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EdgeReport {
    /// Segments measured.
    pub segments: u64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// Largest.
    pub max_ms: f64,
}

/// What the media playlist said over time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PlaylistReport {
    /// EXT-X-TARGETDURATION in seconds.
    pub target_duration: u64,
    /// Times that it was fetched.
    pub reloads: u64,
    /// Times that it could not be fetched or read.
    pub failed_reloads: u64,
    /// Segments played.
    pub segments: u64,
    /// Media sequence number of the first segment played.
    pub first_sequence: Option<u64>,
    /// Media sequence number of the last segment played.
    pub last_sequence: Option<u64>,
    /// Media sequence numbers that were skipped between two reloads.
    pub sequence_gaps: u64,
    /// Reloads that went back.
    pub sequence_backwards: u64,
    /// Segments that a reload lists under another address or another EXT-X-PROGRAM-DATE-TIME than before.
    pub changed_segments: u64,
    /// EXT-X-DISCONTINUITY tags played.
    pub discontinuities: u64,
    /// Segments whose discontinuity sequence number a reload changed.
    pub discontinuity_sequence_faults: u64,
    /// EXT-X-GAP entries.
    pub gap_entries: u64,
    /// EXTINF that rounds to more than the target duration.
    pub target_duration_violations: u64,
    /// Segments whose EXTINF differs from their media by more than a frame and 2 ms.
    pub extinf_faults: u64,
    /// Segments that the playlist names and the origin does not have.
    pub missing_segments: u64,
    /// Segments that could not be fetched for another reason.
    pub failed_segments: u64,
    /// Segments that are no media.
    pub unreadable_segments: u64,
    /// Segments that end before their media does.
    pub truncated_segments: u64,
    /// Segments without EXT-X-PROGRAM-DATE-TIME.
    pub without_program_date_time: u64,
    /// Places where EXT-X-PROGRAM-DATE-TIME does not continue by EXTINF, to 2 ms, without a discontinuity.
    pub program_date_time_gaps: u64,
    /// Places where EXT-X-PROGRAM-DATE-TIME and media timestamps part by more than 1 ms, without a discontinuity.
    pub program_date_time_jumps: u64,
    /// The largest of these in milliseconds.
    pub largest_program_date_time_jump_ms: f64,
    /// Largest difference between EXT-X-PROGRAM-DATE-TIME and media time counted from the epoch, in milliseconds; None
    /// if timestamps do not count from the epoch.
    pub program_date_time_error_ms: Option<f64>,
    /// Video segments that do not begin on a multiple of the segment duration since the epoch, or whose media sequence
    /// number is not that multiple; None if timestamps do not count from the epoch. Near a cue, which moves boundaries,
    /// segments are not judged.
    pub off_epoch_segments: Option<u64>,
    /// Longest time at the live edge without a new segment, in milliseconds.
    pub longest_wait_ms: f64,
}

/// Offset of sound to picture in milliseconds. **Positive: the sound is late.** (ITU-R BT.1359 counts the other way
/// round: there positive means that the sound is early.)
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AvOffset {
    /// The stream whose pictures were taken.
    pub picture: String,
    /// The stream whose sound was taken.
    pub sound: String,
    /// Ticks measured.
    pub ticks: u64,
    /// Smallest.
    pub min_ms: f64,
    /// Median.
    pub median_ms: f64,
    /// Largest.
    pub max_ms: f64,
}

/// Keyframes and segment starts of all video renditions over the time that all of them cover.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KeyframeReport {
    /// Renditions compared.
    pub renditions: u64,
    /// Seconds compared.
    pub seconds: f64,
    /// Distinct keyframe times.
    pub keyframes: u64,
    /// Of these, times at which not every rendition has one.
    pub differing: u64,
    /// Segment starts at which not every rendition begins a segment.
    pub differing_segment_starts: u64,
}

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each name says it; the sentence of the fault explains it")]
pub enum FaultCode {
    Unmeasured,
    FramesMissing,
    FramesRepeated,
    FramesOutOfOrder,
    FramesUndecodable,
    SegmentWithoutKeyframe,
    SoundGap,
    SoundOverlap,
    SoundUndecodable,
    SourceFramesMissing,
    SourceFramesRepeated,
    SourceFramesOutOfOrder,
    MarksUnreadable,
    AvOffset,
    KeyframesDiffer,
    SegmentStartsDiffer,
    PlaylistUnavailable,
    SequenceGap,
    SequenceBackwards,
    SegmentChanged,
    DiscontinuitySequence,
    GapEntry,
    TargetDuration,
    Extinf,
    SegmentMissing,
    SegmentFailed,
    SegmentUnreadable,
    SegmentTruncated,
    ProgramDateTimeGap,
    ProgramDateTimeJump,
    OffEpoch,
    Stalled,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind.
    pub code: FaultCode,
    /// Which stream; None if it is about several.
    pub stream: Option<String>,
    /// How often, or how many.
    pub count: u64,
    /// For a technician.
    pub sentence: String,
}

//! What of a report is a fault. Pure; the thresholds are here and nowhere else.

use super::recording::Recording;
use super::report::{Fault, FaultCode, PlaylistReport, Report, StreamReport};

/// Sound may be this early or late, in milliseconds (EBU R 37, at the end of the chain).
const EARLIEST: f64 = -40.0;
const LATEST: f64 = 60.0;
/// An origin must show a new segment within this many target durations (rfc8216bis 6.2.2).
const PATIENCE: f64 = 1.5;
/// Polling sees a new segment up to this much later than it appears, in milliseconds.
const POLLING: f64 = 300.0;

/// All faults of `report`, stream by stream.
pub(crate) fn faults(report: &Report, recordings: &[Recording]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (stream, recording) in report.streams.iter().zip(recordings) {
        let mut list = List { stream: Some(&stream.name), faults: &mut faults };
        if stream.video.is_none() && stream.audio.is_none() {
            let reason = recording.trouble.as_deref().unwrap_or("there is neither picture nor sound");
            list.add(FaultCode::Unmeasured, 1, format!("not measured: {reason}"));
        }
        timestamps(stream, &mut list);
        counter(stream, &mut list);
        if let Some(playlist) = &stream.playlist {
            playlist_faults(playlist, &mut list);
            segment_faults(playlist, &mut list);
        }
    }
    let mut list = List { stream: None, faults: &mut faults };
    across(report, &mut list);
    faults
}

struct List<'a> {
    stream: Option<&'a str>,
    faults: &'a mut Vec<Fault>,
}

impl List<'_> {
    /// Adds a fault unless `count` is zero.
    fn add(&mut self, code: FaultCode, count: u64, sentence: impl Into<String>) {
        if count > 0 {
            self.faults.push(Fault { code, stream: self.stream.map(str::to_owned), count, sentence: sentence.into() });
        }
    }
}

fn timestamps(stream: &StreamReport, list: &mut List<'_>) {
    if let Some(v) = &stream.video {
        let step = v.largest_step_ms;
        list.add(
            FaultCode::FramesMissing,
            v.missing,
            format!("{} frames are missing; largest step {step:.1} ms", v.missing),
        );
        list.add(FaultCode::FramesRepeated, v.repeated, format!("{} timestamps are repeated", v.repeated));
        list.add(FaultCode::FramesOutOfOrder, v.out_of_order, format!("{} timestamps go back", v.out_of_order));
        list.add(FaultCode::FramesUndecodable, v.undecodable, format!("{} pictures do not decode", v.undecodable));
        let without = v.segments_without_keyframe;
        list.add(
            FaultCode::SegmentWithoutKeyframe,
            without,
            format!("{without} segments do not begin with a keyframe"),
        );
    }
    if let Some(a) = &stream.audio {
        let (gaps, samples, largest) = (a.gaps, a.gap_samples, a.largest_gap_ms);
        list.add(
            FaultCode::SoundGap,
            gaps,
            format!("{gaps} gaps in the sound, {samples} samples; largest {largest:.1} ms"),
        );
        let (overlaps, samples) = (a.overlaps, a.overlap_samples);
        list.add(FaultCode::SoundOverlap, overlaps, format!("{overlaps} overlaps in the sound, {samples} samples"));
        // A decoder may keep one packet's worth to itself at the end.
        let lost = a.samples.saturating_sub(a.decoded_samples);
        let lost = if lost > 2048 { lost } else { 0 };
        list.add(FaultCode::SoundUndecodable, lost, format!("{lost} samples of sound do not decode"));
    }
}

fn counter(stream: &StreamReport, list: &mut List<'_>) {
    let Some(c) = &stream.counter else { return };
    list.add(
        FaultCode::SourceFramesMissing,
        c.missing,
        format!("{} source frames never appeared (frame counter)", c.missing),
    );
    list.add(
        FaultCode::SourceFramesRepeated,
        c.repeated,
        format!("{} pictures repeat a source frame; longest freeze {:.0} ms", c.repeated, c.longest_freeze_ms),
    );
    list.add(
        FaultCode::SourceFramesOutOfOrder,
        c.out_of_order,
        format!("{} pictures go back to an earlier source frame", c.out_of_order),
    );
    list.add(
        FaultCode::MarksUnreadable,
        c.unreadable,
        format!("{} pictures carry no readable mark; longest {:.0} ms", c.unreadable, c.longest_unreadable_ms),
    );
}

fn playlist_faults(p: &PlaylistReport, list: &mut List<'_>) {
    let table = [
        (FaultCode::PlaylistUnavailable, p.failed_reloads, "reloads of the playlist failed"),
        (FaultCode::SequenceGap, p.sequence_gaps, "media sequence numbers were skipped between two reloads"),
        (FaultCode::SequenceBackwards, p.sequence_backwards, "reloads went back in the media sequence"),
        (FaultCode::SegmentChanged, p.changed_segments, "listed segments changed their address or date"),
        (
            FaultCode::DiscontinuitySequence,
            p.discontinuity_sequence_faults,
            "segments changed their discontinuity sequence number",
        ),
        (FaultCode::GapEntry, p.gap_entries, "segments are marked as gaps (EXT-X-GAP)"),
        (FaultCode::TargetDuration, p.target_duration_violations, "segments are longer than the target duration"),
    ];
    for (code, count, what) in table {
        list.add(code, count, format!("{count} {what}"));
    }
    let allowed = p.target_duration as f64 * 1e3 * PATIENCE + POLLING;
    let stalled = u64::from(p.longest_wait_ms > allowed);
    let wait = p.longest_wait_ms / 1e3;
    list.add(
        FaultCode::Stalled,
        stalled,
        format!("no new segment for {wait:.1} s (target duration {} s)", p.target_duration),
    );
}

fn segment_faults(p: &PlaylistReport, list: &mut List<'_>) {
    let off_epoch = p.off_epoch_segments.unwrap_or(0);
    let table = [
        (FaultCode::SegmentMissing, p.missing_segments, "segments are listed and not there"),
        (FaultCode::SegmentFailed, p.failed_segments, "segments could not be fetched"),
        (FaultCode::SegmentUnreadable, p.unreadable_segments, "segments are no media"),
        (FaultCode::SegmentTruncated, p.truncated_segments, "segments are cut off"),
        (FaultCode::Extinf, p.extinf_faults, "segments are not as long as their EXTINF"),
        (FaultCode::ProgramDateTimeGap, p.program_date_time_gaps, "gaps in EXT-X-PROGRAM-DATE-TIME"),
        (FaultCode::OffEpoch, off_epoch, "segments are not where their media sequence number says"),
    ];
    for (code, count, what) in table {
        list.add(code, count, format!("{count} {what}"));
    }
    let (jumps, largest) = (p.program_date_time_jumps, p.largest_program_date_time_jump_ms);
    list.add(
        FaultCode::ProgramDateTimeJump,
        jumps,
        format!("EXT-X-PROGRAM-DATE-TIME and media time part {jumps} times; largest {largest:.0} ms"),
    );
}

fn across(report: &Report, list: &mut List<'_>) {
    if let Some(offset) = report.av_offset.as_ref().filter(|o| !(EARLIEST..=LATEST).contains(&o.median_ms)) {
        let word = if offset.median_ms > 0.0 { "late" } else { "early" };
        let sentence =
            format!("the sound is {:.0} ms {word} (EBU R 37: 40 ms early to 60 ms late)", offset.median_ms.abs());
        list.add(FaultCode::AvOffset, offset.ticks, sentence);
    }
    if let Some(keyframes) = &report.keyframes {
        let (differing, starts) = (keyframes.differing, keyframes.differing_segment_starts);
        list.add(FaultCode::KeyframesDiffer, differing, format!("{differing} keyframes are not in every rendition"));
        list.add(FaultCode::SegmentStartsDiffer, starts, format!("{starts} segment starts are not in every rendition"));
    }
}

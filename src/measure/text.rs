//! The report as text for a technician.

use std::fmt::Write as _;

use crate::model::MediaTime;

use super::report::{AudioReport, CounterReport, PlaylistReport, Report, StreamReport, VideoReport};

/// Places that are written out per stream.
const PLACES: usize = 5;
/// Timestamps later than September 2001 count from the epoch.
const SINCE_EPOCH: u64 = 1_000_000_000_000_000_000;

/// The report in lines of text, the verdict last.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut out, report);
    out
}

fn write(out: &mut String, report: &Report) -> std::fmt::Result {
    let kind = if report.live { "live" } else { "recorded" };
    writeln!(out, "{} ({kind}, measured for {:.1} s)", report.target, report.elapsed_ms as f64 / 1e3)?;
    for stream in &report.streams {
        write_stream(out, stream)?;
    }
    if let Some(o) = &report.av_offset {
        writeln!(
            out,
            "\nA/V offset   median {:+.1} ms, {:+.1} to {:+.1} ms over {} ticks (+: sound late)",
            o.median_ms, o.min_ms, o.max_ms, o.ticks
        )?;
    }
    if let Some(k) = &report.keyframes {
        writeln!(
            out,
            "keyframes    {} in {} renditions over {:.1} s, {} differ; {} segment starts differ",
            k.keyframes, k.renditions, k.seconds, k.differing, k.differing_segment_starts
        )?;
    }
    if report.faults.is_empty() {
        return writeln!(out, "\ngood: no fault found");
    }
    writeln!(out, "\n{} faults:", report.faults.len())?;
    for fault in &report.faults {
        match &fault.stream {
            Some(stream) => writeln!(out, "  {stream}: {}", fault.sentence)?,
            None => writeln!(out, "  {}", fault.sentence)?,
        }
    }
    Ok(())
}

fn write_stream(out: &mut String, stream: &StreamReport) -> std::fmt::Result {
    writeln!(out, "\n{}", stream.name)?;
    if let Some(video) = &stream.video {
        write_video(out, video)?;
    }
    if let Some(audio) = &stream.audio {
        write_audio(out, audio)?;
    }
    if let Some(counter) = &stream.counter {
        write_counter(out, counter)?;
    }
    if let Some(l) = &stream.latency {
        writeln!(
            out,
            "  latency    p50 {:.0} ms, p95 {:.0} ms, max {:.0} ms (picture to player)",
            l.p50_ms, l.p95_ms, l.max_ms
        )?;
    }
    if let Some(e) = &stream.edge {
        writeln!(
            out,
            "  live edge  p50 {:.0} ms, p95 {:.0} ms, max {:.0} ms behind the segment's end",
            e.p50_ms, e.p95_ms, e.max_ms
        )?;
    }
    if let Some(playlist) = &stream.playlist {
        write_playlist(out, playlist)?;
    }
    write_places(out, stream)
}

/// The first places, as time since the epoch where timestamps are that, else in seconds.
fn write_places(out: &mut String, stream: &StreamReport) -> std::fmt::Result {
    for place in stream.occurrences.iter().take(PLACES) {
        let code = serde_json::to_string(&place.code).unwrap_or_default().replace(['"'], "").replace('_', " ");
        match place.pts {
            SINCE_EPOCH.. => writeln!(out, "  at {}  {code}: {}", MediaTime::from_nanos(place.pts), place.count)?,
            pts => writeln!(out, "  at {:.3} s  {code}: {}", pts as f64 / 1e9, place.count)?,
        }
    }
    for jump in stream.jumps.iter().take(PLACES) {
        let (before, first, last) = (jump.newest_before, jump.first, jump.last);
        writeln!(out, "  at {}  the playlist went from …{before} to {first}…{last}", jump.at)?;
    }
    match stream.occurrences.len().saturating_sub(PLACES) {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more places (--json lists them)"),
    }
}

fn write_video(out: &mut String, v: &VideoReport) -> std::fmt::Result {
    writeln!(
        out,
        "  picture    {}x{} at {} frames/s, {} frames, {} decoded",
        v.width, v.height, v.frame_rate, v.frames, v.decoded
    )?;
    writeln!(
        out,
        "  timestamps {} missing, {} repeated, {} out of order; largest step {:.1} ms{}",
        v.missing,
        v.repeated,
        v.out_of_order,
        v.largest_step_ms,
        v.keyframes.map(|count| format!("; {count} keyframes")).unwrap_or_default()
    )
}

fn write_audio(out: &mut String, a: &AudioReport) -> std::fmt::Result {
    writeln!(
        out,
        "  sound      {} of {} samples at {} Hz; {} gaps ({} samples), {} overlaps ({} samples); {} ticks",
        a.samples, a.expected_samples, a.rate, a.gaps, a.gap_samples, a.overlaps, a.overlap_samples, a.ticks
    )
}

fn write_counter(out: &mut String, c: &CounterReport) -> std::fmt::Result {
    writeln!(
        out,
        "  counter    {} marks: {} missing, {} repeated, {} out of order, {} unreadable; longest freeze {:.0} ms{}",
        c.marks,
        c.missing,
        c.repeated,
        c.out_of_order,
        c.unreadable,
        c.longest_freeze_ms,
        c.delay_ms.map(|delay| format!("; {delay:+.1} ms from source to timestamp")).unwrap_or_default()
    )
}

fn write_playlist(out: &mut String, p: &PlaylistReport) -> std::fmt::Result {
    let sequence = match (p.first_sequence, p.last_sequence) {
        (Some(first), Some(last)) => format!(", media sequence {first} to {last}"),
        _ => String::new(),
    };
    writeln!(
        out,
        "  playlist   {} segments of {} s{sequence}; {} discontinuities; {} reloads, {} failed; longest wait {:.1} s",
        p.segments,
        p.target_duration,
        p.discontinuities,
        p.reloads,
        p.failed_reloads,
        p.longest_wait_ms / 1e3
    )?;
    if let Some(error) = p.program_date_time_error_ms {
        writeln!(out, "  date       EXT-X-PROGRAM-DATE-TIME within {error:.1} ms of media time")?;
    }
    Ok(())
}

//! Judging what was delivered, with the code of `uplink-measure`.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::ensure;
use uplink::measure::{Options, Report, StreamReport};

use crate::bench::{Bench, wait};
use crate::studio::Studio;

/// The renditions of `line-up-360p30`, as the origin knows them.
pub const LINE_UP: [&str; 3] = ["360p", "180p", "sound"];

/// The newest segment that all renditions of a channel have at the origin.
pub fn newest(studio: &Studio<'_>, channel: &str, renditions: &[&str]) -> anyhow::Result<u64> {
    // A channel comes on air rendition by rendition.
    wait("every rendition is at the origin", Duration::from_secs(15), Duration::from_millis(50), || {
        let last = renditions.iter().map(|rendition| studio.lane(channel, rendition).numbers().last().copied());
        Ok(last.min().flatten())
    })
}

/// Plays what the origin holds of `numbers`, every rendition, and judges it. After the fact: measuring takes nothing
/// from what is measured.
pub fn judge(
    studio: &Studio<'_>,
    channel: &str,
    renditions: &[&str],
    numbers: std::ops::RangeInclusive<u64>,
) -> anyhow::Result<Report> {
    ensure!(!numbers.is_empty(), "there are no segments to judge");
    let directory = studio.bench.directory(&format!("judge-{channel}-{}", numbers.start()))?;
    let mut multivariant = "#EXTM3U\n".to_owned();
    for rendition in renditions {
        let playlist = studio.lane(channel, rendition).recorded(numbers.clone())?;
        std::fs::write(directory.join(format!("{rendition}.m3u8")), playlist)?;
        let _ = if *rendition == "sound" {
            writeln!(multivariant, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"{rendition}.m3u8\"")
        } else {
            writeln!(multivariant, "#EXT-X-STREAM-INF:BANDWIDTH=1000000,AUDIO=\"a\"\n{rendition}.m3u8")
        };
    }
    let path = directory.join("multivariant.m3u8");
    std::fs::write(&path, multivariant)?;
    play(studio.bench, Options::new(path.to_string_lossy()))
}

/// Measures as `uplink-measure` does.
pub fn play(bench: &Bench, options: Options) -> anyhow::Result<Report> {
    Ok(bench.web.runtime.block_on(uplink::measure::run(options))?)
}

/// Frames that did not arrive, over all renditions: timestamps left out, and source frames that were never shown.
pub fn frames_missing(report: &Report) -> u64 {
    let missing = report.streams.iter().map(|stream| {
        let stamps = stream.video.map_or(0, |video| video.missing);
        stamps.max(stream.counter.map_or(0, |counter| counter.missing)) + unplayed(stream)
    });
    missing.sum()
}

fn unplayed(stream: &StreamReport) -> u64 {
    stream
        .playlist
        .map_or(0, |list| list.gap_entries + list.missing_segments + list.failed_segments + list.unreadable_segments)
        + u64::from(stream.video.is_none() && stream.audio.is_none())
}

/// Timestamps that are missing, repeated or go back, in picture and sound of all renditions.
pub fn timestamp_faults(report: &Report) -> u64 {
    let faults = report.streams.iter().map(|stream| {
        let picture = stream.video.map_or(0, |video| video.missing + video.repeated + video.out_of_order);
        let sound = stream.audio.map_or(0, |audio| audio.gaps + audio.overlaps);
        picture + sound + unplayed(stream)
    });
    faults.sum()
}

/// What was played, and the faults in words, for the details of a row.
pub fn described(report: &Report) -> serde_json::Value {
    let frames: Vec<u64> = report.streams.iter().filter_map(|stream| Some(stream.video?.frames)).collect();
    let faults: Vec<String> = report
        .faults
        .iter()
        .map(|fault| format!("{}: {}", fault.stream.as_deref().unwrap_or("all"), fault.sentence))
        .collect();
    serde_json::json!({ "frames": frames, "faults": faults })
}

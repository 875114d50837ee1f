//! One channel with all its parts.

use std::fmt::Write;

use super::destinations::{destination, endpoints, line_of, recording};
use super::words::{air, asked, columns, duration, judged, order, shows, to_do, word};
use crate::model::sound::{Loudness, LoudnessTarget, SoundState};
use crate::model::status::{
    ChannelStatus, DestinationStatus, ProgramOrder, RenditionStatus, SourceStatus, SpoolStatus, WorkerReport,
};
use crate::model::{MediaTime, OverflowReport};

/// One channel with all its parts.
pub(crate) fn channel(channel: &ChannelStatus, now: MediaTime) -> String {
    let mut text = format!("{}  {}  ({})\n", channel.id, channel.title, channel.stream_class);
    let _ = writeln!(text, "  {}  order {}, state {}", air(channel), order(channel), word(&channel.state));
    let _ = writeln!(text, "  {}", judged(&channel.health, now));
    text.push_str(&to_do("  ", "", &channel.health));
    let sources = channel.report.iter().flat_map(|report| &report.sources);
    sources.for_each(|one| text.push_str(&to_do("  ", &format!(" at source {}", one.id), &one.health)));
    match &channel.worker {
        Some(worker) => {
            let adopted = if worker.adopted { ", adopted" } else { "" };
            let (up, beat) = (duration(now.since(worker.since).as_secs_f64()), duration(worker.heartbeat_age_seconds));
            let _ = writeln!(text, "  worker {}{adopted}, up {up}, last heartbeat {beat} ago", worker.pid);
        }
        None => text.push_str("  no worker\n"),
    }
    let _ = writeln!(text, "  {} restart(s) since the daemon came up", channel.restarts);
    if let Some(report) = &channel.report {
        text.push_str(&parts(report, channel.loudness_target, now));
    }
    if let Some(rest) = &channel.remainder {
        text.push_str("\n  off air; what is left is being delivered:\n");
        text.push_str(&delivery(&rest.destinations, now));
        text.push_str(&disk(&rest.spool, now));
    }
    text
}

fn rows(heads: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = vec![heads.iter().map(|&head| head.to_owned()).collect()];
    table.extend(rows);
    format!("\n{}", columns(&table, "  "))
}

fn delivery(destinations: &[DestinationStatus], now: MediaTime) -> String {
    let each = |one| [vec![destination(one, now)], endpoints(one, now), recording(one, now)].concat();
    let mut text = rows(
        &["DESTINATION", "STATE", "WAITING", "ACKNOWLEDGED", "HEALTH"],
        destinations.iter().flat_map(each).collect(),
    );
    destinations.iter().filter_map(line_of).for_each(|line| text.push_str(&line));
    text
}

fn disk(spool: &SpoolStatus, now: MediaTime) -> String {
    let (used, quota) = (spool.bytes / 1_000_000, spool.quota_bytes / 1_000_000);
    let (lost, health) = (spool.lost_segments, judged(&spool.health, now));
    let mut text = format!("\n  spool {used} of {quota} MB, {lost} segment(s) lost, {health}\n");
    spool.overflowed.iter().for_each(|lost| text.push_str(&overflowed(lost)));
    text
}

fn parts(report: &WorkerReport, target: Option<LoudnessTarget>, now: MediaTime) -> String {
    let program = &report.program;
    let since = duration(now.since(program.since).as_secs_f64());
    let mut text = format!("  shows {} (asked: {}) for {since}\n", shows(&program.showing), asked(&program.order));
    let _ =
        writeln!(text, "  {} frames, {} repeated, {} ticks missed", program.frames, program.repeated, program.missed);
    if program.order != ProgramOrder::Auto {
        let best = program.auto.as_ref().map_or("the slate".to_owned(), ToString::to_string);
        let _ = writeln!(text, "  without the order it would show {best}");
    }
    for take in &program.scheduled {
        let what = asked(&take.order);
        let _ = writeln!(text, "  take {} at {}: {what} ({})", take.id, take.at, word(&take.transition.kind));
    }
    program.loudness.iter().for_each(|mix| text.push_str(&loudness(mix, target, now)));
    program.sound_states.iter().filter(|state| state.active).for_each(|state| text.push_str(&sound_fault(state, now)));
    let sources = report.sources.iter().map(|one| source(one, now)).collect();
    text += &rows(&["SOURCE", "STATE", "ARRIVING", "FRAMES", "HEALTH"], sources);
    text += &delivery(&report.destinations, now);
    let renditions = report.renditions.iter().map(rendition).collect();
    text += &rows(&["RENDITION", "ENCODER", "TARGET", "MEASURED", "SEGMENTS"], renditions);
    text + &disk(&report.spool, now)
}

/// What a destination has lost.
fn overflowed(lost: &OverflowReport) -> String {
    let OverflowReport { destination, segments, renditions, from, to } = lost;
    let renditions: Vec<String> = renditions.iter().map(ToString::to_string).collect();
    format!("  ! {destination} has lost {segments} segment(s) of {}, from {from} to {to}\n", renditions.join(", "))
}

fn loudness(mix: &Loudness, target: Option<LoudnessTarget>, now: MediaTime) -> String {
    let lufs = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    let peak = mix.true_peak.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let correction = mix.correction_db.map_or_else(String::new, |gain| format!(", corrected by {gain:+.1} dB"));
    let target = target.map_or_else(String::new, |target| format!(" (target {})", target.lufs));
    format!(
        "  channels {}: {} LUFS momentary, {} short-term, {} integrated{target}, LRA {} LU, true peak {peak:.1} dBTP, for {}{correction}\n",
        list(&mix.channels),
        lufs(mix.momentary),
        lufs(mix.short_term),
        lufs(mix.integrated),
        lufs(mix.lra),
        duration(now.since(mix.since).as_secs_f64()),
    )
}

fn sound_fault(state: &SoundState, now: MediaTime) -> String {
    let (what, since) = (word(&state.fault).replace('_', " "), duration(now.since(state.since).as_secs_f64()));
    format!("  ! channels {}: {what} for {since}\n", list(&state.channels))
}

fn list(channels: &[u8]) -> String {
    channels.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

fn source(one: &SourceStatus, now: MediaTime) -> Vec<String> {
    let picture = one.picture.map(|size| match one.frame_rate {
        Some(rate) => format!("{size} @ {rate}"),
        None => size.to_string(),
    });
    let arriving: Vec<String> = picture.into_iter().chain(one.sound.clone()).collect();
    let arriving = if arriving.is_empty() { "nothing".to_owned() } else { arriving.join(", ") };
    let frames = format!("{} ({} late)", one.frames, one.late);
    vec![format!("{} ({})", one.id, one.kind), word(&one.state), arriving, frames, judged(&one.health, now)]
}

fn rendition(one: &RenditionStatus) -> Vec<String> {
    let (id, target, measured) = (one.id.to_string(), one.target.to_string(), one.measured.to_string());
    vec![id, one.encoder.clone(), target, measured, one.segments.to_string()]
}

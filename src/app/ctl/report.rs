//! Tables and sentences for people, readable at three in the morning: what is on air first, then what is wrong and why.

use std::fmt::Write;

use serde_json::Value;

use super::client::Failure;
use crate::model::pair::{PairRole, PairStatus};
use crate::model::sound::{Loudness, SoundState};
use crate::model::status::{
    ApplianceStatus, ChannelOrder, ChannelStatus, DestinationStatus, ProgramOrder, RenditionStatus, Showing,
    SourceStatus, WorkerReport,
};
use crate::model::{
    Carried, CatchUp, ChannelEffect, EndpointStatus, Event, Health, HealthReport, LineStatus, MediaTime,
    OverflowReport, RecordingStatus, Scene, Severity,
};

/// The whole appliance: a line per channel, then the faults.
pub(crate) fn appliance(status: &ApplianceStatus) -> String {
    let up = duration(status.now.since(status.started_at).as_secs_f64());
    let mut text =
        format!("{}  Uplink {}, up {up}, configuration {}\n", status.name, status.version, status.config.path);
    if !status.config.rejected.is_empty() {
        let count = status.config.rejected.len();
        let _ =
            writeln!(text, "! a newer configuration has {count} fault(s) and was rejected; the old one is in force:");
        status.config.rejected.iter().for_each(|fault| text.push_str(&format!("    {fault}\n")));
    }
    if let Some(freeze) = &status.freeze {
        let _ = writeln!(text, "* {freeze}");
    }
    if status.channels.is_empty() {
        return text + "no channel is configured\n";
    }
    let heads = ["CHANNEL", "AIR", "ORDER", "STATE", "HEALTH", "SHOWS", "ON AIR FOR", "DESTINATIONS"];
    let mut table = vec![heads.map(str::to_owned).to_vec()];
    table.extend(status.channels.iter().map(|channel| line(channel, status.now)));
    text.push('\n');
    text.push_str(&columns(&table, ""));
    for channel in status.channels.iter().filter(|channel| channel.needs_attention()) {
        text.push('\n');
        text.push_str(&faults(channel, status.now));
    }
    text
}

/// One channel with all its parts.
pub(crate) fn channel(channel: &ChannelStatus, now: MediaTime) -> String {
    let mut text = format!("{}  {}  ({})\n", channel.id, channel.title, channel.stream_class);
    let _ = writeln!(text, "  {}  order {}, state {}", air(channel), order(channel), word(&channel.state));
    let _ = writeln!(text, "  {}", judged(&channel.health, now));
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
        text.push_str(&parts(report, now));
    }
    text
}

fn parts(report: &WorkerReport, now: MediaTime) -> String {
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
    program.loudness.iter().for_each(|mix| text.push_str(&loudness(mix, now)));
    program.sound_states.iter().filter(|state| state.active).for_each(|state| text.push_str(&sound_fault(state, now)));
    let rows = |heads: &[&str], rows: Vec<Vec<String>>| {
        let mut table = vec![heads.iter().map(|&head| head.to_owned()).collect()];
        table.extend(rows);
        format!("\n{}", columns(&table, "  "))
    };
    let sources = report.sources.iter().map(|one| source(one, now)).collect();
    text += &rows(&["SOURCE", "STATE", "ARRIVING", "FRAMES", "HEALTH"], sources);
    let destinations = report
        .destinations
        .iter()
        .flat_map(|one| [vec![destination(one, now)], endpoints(one, now), recording(one, now)].concat())
        .collect();
    text += &rows(&["DESTINATION", "STATE", "WAITING", "ACKNOWLEDGED", "HEALTH"], destinations);
    report.destinations.iter().filter_map(line_of).for_each(|line| text.push_str(&line));
    let renditions = report.renditions.iter().map(rendition).collect();
    text += &rows(&["RENDITION", "ENCODER", "TARGET", "MEASURED", "SEGMENTS"], renditions);
    let spool = &report.spool;
    let (used, quota) = (spool.bytes / 1_000_000, spool.quota_bytes / 1_000_000);
    let lost = spool.lost_segments;
    let _ = writeln!(text, "\n  spool {used} of {quota} MB, {lost} segment(s) lost, {}", judged(&spool.health, now));
    spool.overflowed.iter().for_each(|lost| text.push_str(&overflowed(lost)));
    text
}

/// What a destination has lost.
fn overflowed(lost: &OverflowReport) -> String {
    let OverflowReport { destination, segments, renditions, from, to } = lost;
    let renditions: Vec<String> = renditions.iter().map(ToString::to_string).collect();
    format!("  ! {destination} has lost {segments} segment(s) of {}, from {from} to {to}\n", renditions.join(", "))
}

fn asked(order: &ProgramOrder) -> String {
    match order {
        ProgramOrder::Auto => "best source".to_owned(),
        ProgramOrder::Slate => "slate".to_owned(),
        ProgramOrder::Source { source } => format!("source {source}"),
        ProgramOrder::Scene { scene } => scene_of(scene),
    }
}

fn loudness(mix: &Loudness, now: MediaTime) -> String {
    let lufs = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    let peak = mix.true_peak.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let correction = mix.correction_db.map_or_else(String::new, |gain| format!(", corrected by {gain:+.1} dB"));
    format!(
        "  channels {}: {} LUFS momentary, {} short-term, {} integrated, LRA {} LU, true peak {peak:.1} dBTP, for {}{correction}\n",
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

fn destination(one: &DestinationStatus, now: MediaTime) -> Vec<String> {
    let waiting = waiting(one.queue_seconds, one.line.as_ref());
    let mut health = judged(&one.health, now);
    if let Some(error) = one.last_error.as_ref().filter(|error| !ok(&one.health) && !health.contains(error.as_str())) {
        let _ = write!(health, " ({error})");
    }
    let sent = format!("{} MB", one.bytes_acknowledged / 1_000_000);
    vec![one.id.to_string(), word(&one.state), waiting, sent, health]
}

/// The recording that runs, if the destination is one.
fn recording(one: &DestinationStatus, now: MediaTime) -> Vec<Vec<String>> {
    let all = one.recording.iter().flat_map(|recording| std::iter::once(recording).chain(&recording.companions));
    let row = |recording: &RecordingStatus| {
        let id = recording.id.as_deref().unwrap_or_default();
        let age = recording.began.map_or_else(String::new, |began| format!("{} s", now.since(began).as_secs()));
        let (size, gaps) = (format!("{} MB", recording.bytes / 1_000_000), format!("{} gaps", recording.gaps));
        vec![format!("  {id}"), "recording".to_owned(), age, size, gaps]
    };
    all.filter(|recording| recording.running).map(row).collect()
}

/// Program time that waits, and how long it takes until it does not.
fn waiting(seconds: f64, line: Option<&LineStatus>) -> String {
    let until = match line.map(|line| line.catch_up) {
        Some(CatchUp::Takes { seconds }) => format!(" (even in {})", duration(seconds)),
        Some(CatchUp::Never) => " (never even at this rate)".to_owned(),
        _ => String::new(),
    };
    format!("{seconds:.1} s{until}")
}

/// The line, where it does not carry everything.
fn line_of(one: &DestinationStatus) -> Option<String> {
    let line = one.line.as_ref()?;
    let other = line.renditions.iter().filter(|rendition| rendition.carried != Carried::Whole);
    let other: Vec<String> = other
        .map(|rendition| format!("{} {} ({} left out)", rendition.id, word(&rendition.carried), rendition.left_out))
        .collect();
    let measured = line.measured.map_or_else(|| "unknown".to_owned(), |rate| rate.to_string());
    let needed = line.needed;
    (!other.is_empty())
        .then(|| format!("  ! {}: the line carries {measured}, {needed} are sent: {}\n", one.id, other.join(", ")))
}

/// Primary and backups, if there are any.
fn endpoints(one: &DestinationStatus, now: MediaTime) -> Vec<Vec<String>> {
    let row = |endpoint: &EndpointStatus| {
        let forced = if one.forced.as_ref() == Some(&endpoint.name) { ", forced" } else { "" };
        vec![
            format!("  {} ({}{forced})", endpoint.name, word(&endpoint.duty)),
            word(&endpoint.state),
            waiting(endpoint.queue_seconds, endpoint.line.as_ref()),
            format!("{} MB", endpoint.bytes_acknowledged / 1_000_000),
            judged(&endpoint.health, now),
        ]
    };
    let mut rows: Vec<Vec<String>> = match one.endpoints.len() {
        0 | 1 => Vec::new(),
        _ => one.endpoints.iter().map(row).collect(),
    };
    rows.extend(one.endpoints.iter().filter_map(|endpoint| endpoint.pair.as_ref()).map(|pair| paired(pair, now)));
    rows
}

/// This box in its pair.
fn paired(pair: &PairStatus, now: MediaTime) -> Vec<String> {
    let holder = match (&pair.holder, pair.role) {
        (Some(holder), role) if role != PairRole::Holder => format!(", {holder} delivers"),
        _ => String::new(),
    };
    let since = duration(now.since(pair.since).as_secs_f64());
    let clock = match pair.clock {
        Some(clock) if clock.synchronised => format!("clock right within {:.0} ms", clock.error_ms),
        Some(_) => "CLOCK NOT SYNCHRONISED".to_owned(),
        None => "clock unknown".to_owned(),
    };
    let takeovers = format!("{} takeover(s)", pair.takeovers);
    vec![
        format!("  pair ({})", pair.member),
        word(&pair.role),
        String::new(),
        takeovers,
        format!("for {since}{holder}; {clock}"),
    ]
}

fn rendition(one: &RenditionStatus) -> Vec<String> {
    let (id, target, measured) = (one.id.to_string(), one.target.to_string(), one.measured.to_string());
    vec![id, one.encoder.clone(), target, measured, one.segments.to_string()]
}

fn line(channel: &ChannelStatus, now: MediaTime) -> Vec<String> {
    let report = channel.report.as_ref();
    let since = channel.on_air_since.filter(|_| channel.on_air);
    let good = report.map(|report| {
        let good = report.destinations.iter().filter(|one| ok(&one.health)).count();
        format!("{good} of {}", report.destinations.len())
    });
    let none = || "-".to_owned();
    vec![
        channel.id.to_string(),
        air(channel).to_owned(),
        order(channel).to_owned(),
        word(&channel.state),
        health(channel.health.health).to_owned(),
        report.map_or_else(none, |report| shows(&report.program.showing)),
        since.map_or_else(none, |since| duration(now.since(since).as_secs_f64())),
        good.unwrap_or_else(none),
    ]
}

/// What is wrong with a channel, worst first known: the channel's own sentence, then each part that is not well.
fn faults(channel: &ChannelStatus, now: MediaTime) -> String {
    let mut text = format!("! {}: {}\n", channel.id, judged(&channel.health, now));
    let Some(report) = &channel.report else { return text };
    for one in report.sources.iter().filter(|one| one.health.health > Health::Healthy) {
        let _ = writeln!(text, "    source {}: {}, {}", one.id, word(&one.state), judged(&one.health, now));
    }
    for one in report.destinations.iter().filter(|one| one.health.health > Health::Healthy) {
        let waiting = duration(one.queue_seconds);
        let judged = judged(&one.health, now);
        let _ = writeln!(text, "    destination {}: {}, {waiting} waiting, {judged}", one.id, word(&one.state));
    }
    if report.spool.health.health > Health::Healthy {
        let _ = writeln!(text, "    spool: {}", judged(&report.spool.health, now));
    }
    text
}

/// What the engine confirmed.
pub(crate) fn outcome(answer: &Value) -> String {
    let text = answer.get("text").and_then(Value::as_str).unwrap_or("done");
    if let Some(effects) = answer.get("channels").cloned().and_then(|value| serde_json::from_value(value).ok()) {
        return format!("{text}\n{}", reload(effects));
    }
    let already = answer.get("changed").and_then(Value::as_bool) == Some(false);
    format!("{text}{}\n", if already { " (it was so already)" } else { "" })
}

/// What a reload does to each channel.
fn reload(effects: Vec<ChannelEffect>) -> String {
    let mut text = String::new();
    for ChannelEffect { channel, effect, live, restart, off_air_seconds, happened, .. } in effects {
        let off = off_air_seconds.map_or_else(String::new, |seconds| format!(", off air for about {seconds:.1} s"));
        let _ = writeln!(text, "  {channel}: {}{off}", effect.word());
        restart.iter().for_each(|reason| text.push_str(&format!("    because {reason}\n")));
        live.iter().for_each(|change| text.push_str(&format!("    {change}\n")));
        if let Some(happened) = happened {
            let _ = writeln!(text, "    -> {happened}");
        }
    }
    text
}

/// Why it was not done, and every fault behind it.
pub(crate) fn failure(failure: &Failure) -> String {
    let mut text = format!("uplinkctl: {failure}");
    match failure {
        Failure::Unreachable { .. } => {
            text.push_str("\n  is uplinkd running, and is --api right? channels may be on air all the same\n");
        }
        Failure::Refused { code, errors, .. } => {
            let _ = writeln!(text, " [{code}]");
            errors.iter().for_each(|fault| text.push_str(&format!("  {fault}\n")));
        }
        Failure::Unreadable { .. } => text.push('\n'),
    }
    text
}

/// One event, one line.
pub(crate) fn event(event: &Event) -> String {
    let severity = match event.severity {
        Severity::Info => "info   ",
        Severity::Warning => "WARNING",
        Severity::Error => "ERROR  ",
    };
    let about: Vec<&str> =
        event.channel.iter().map(|id| id.as_str()).chain(event.subject.iter().map(String::as_str)).collect();
    let about = if about.is_empty() { "appliance".to_owned() } else { about.join("/") };
    let hint = event.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    format!("{}  {severity}  {about}: {}{hint} [{}]\n", event.at, event.text, event.code.as_str())
}

/// Left-aligned columns, two blanks between, nothing behind the last.
pub(super) fn columns(table: &[Vec<String>], indent: &str) -> String {
    let count = table.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |n: usize| table.iter().filter_map(|row| row.get(n)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in table {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        text.push_str(indent);
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn judged(report: &HealthReport, now: MediaTime) -> String {
    match ok(report) {
        true => health(report.health).to_owned(),
        false => {
            let since = duration(now.since(report.since).as_secs_f64());
            format!("{} for {since}: {} [{}]", health(report.health), report.reason, report.code)
        }
    }
}

fn ok(report: &HealthReport) -> bool {
    report.health == Health::Healthy
}

fn health(health: Health) -> &'static str {
    match health {
        Health::Inactive => "inactive",
        Health::Healthy => "healthy",
        Health::PartiallyHealthy => "DEGRADED",
        Health::Unhealthy => "FAILED",
    }
}

fn air(channel: &ChannelStatus) -> &'static str {
    match (&channel.report, channel.on_air) {
        (_, false) => "OFF AIR",
        (Some(report), true) if report.program.showing == Showing::Slate => "SLATE",
        (_, true) => "ON AIR",
    }
}

fn order(channel: &ChannelStatus) -> &'static str {
    match channel.order {
        ChannelOrder::OnAir => "on air",
        ChannelOrder::OffAir => "off air",
    }
}

fn shows(showing: &Showing) -> String {
    match showing {
        Showing::Slate => "slate".to_owned(),
        Showing::Source { source } => source.to_string(),
        Showing::Scene { scene } => scene_of(scene),
    }
}

fn scene_of(scene: &Scene) -> String {
    let [first, second] = &scene.sources;
    format!("{first} + {second}")
}

fn word(word: &impl serde::Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(Value::String(text)) => text,
        _ => "?".to_owned(),
    }
}

pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3_600 => format!("{} min {:02} s", whole / 60, whole % 60),
        3_600..86_400 => format!("{} h {:02} min", whole / 3_600, whole / 60 % 60),
        _ => format!("{} d {} h", whole / 86_400, whole / 3_600 % 24),
    }
}

//! Destinations: what waits, primary and backups, the line, the pair, what is recorded.

use std::fmt::Write;

use super::words::{duration, judged, ok, word};
use crate::model::pair::{PairRole, PairStatus};
use crate::model::status::{DestinationStatus, LayerFigures};
use crate::model::{Carried, CatchUp, EndpointStatus, LineStatus, MediaTime, RecordingStatus};

pub(super) fn destination(one: &DestinationStatus, now: MediaTime) -> Vec<String> {
    let waiting = waiting(one.queue_seconds, one.line.as_ref());
    let mut health = judged(&one.health, now);
    if let Some(error) = one.last_error.as_ref().filter(|error| !ok(&one.health) && !health.contains(error.as_str())) {
        let _ = write!(health, " ({error})");
    }
    let sent = format!("{} MB", one.bytes_acknowledged / 1_000_000);
    vec![one.id.to_string(), word(&one.state), waiting, sent, health]
}

/// The recording that runs, if the destination is one.
pub(super) fn recording(one: &DestinationStatus, now: MediaTime) -> Vec<Vec<String>> {
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
pub(super) fn line_of(one: &DestinationStatus) -> Option<String> {
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
pub(super) fn endpoints(one: &DestinationStatus, now: MediaTime) -> Vec<Vec<String>> {
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
    let layers = one.endpoints.iter().filter_map(|endpoint| endpoint.link.as_ref()).flat_map(|link| &link.layers);
    rows.extend(layers.map(layer));
    rows.extend(one.endpoints.iter().filter_map(|endpoint| endpoint.pair.as_ref()).map(|pair| paired(pair, now)));
    rows
}

/// One size of several.
fn layer(layer: &LayerFigures) -> Vec<String> {
    let sent = if layer.sent { "sent" } else { "not taken" };
    let bytes = format!("{} MB", layer.bytes_acknowledged / 1_000_000);
    vec![format!("  layer {}", layer.rendition), sent.to_owned(), String::new(), bytes, String::new()]
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

//! Status and events of a destination, in words.

use std::time::Duration;

use crate::model::status::DestinationState;
use crate::model::{Duty, EndpointStatus, Event, EventCode, Fault, Health, HealthReport, MediaTime, Severity};
use crate::policy::{RateTurn, Verdict};

use super::credential::TokenTrouble;
use super::delivery::{Delivery, Post};
use super::description::PushDescription;
use super::flow::Turned;
use super::lane::Lane;
use super::link::{Change, Link, Phase};
use super::protect::KeyTrouble;

/// What the task counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counters {
    /// Media bytes acknowledged.
    pub(crate) bytes_acknowledged: u64,
    /// Segments that were refused, or could not be read.
    pub(crate) skipped: u64,
    /// The last error, with its time.
    pub(crate) last_error: Option<String>,
    /// The task waits for the configuration to be mended.
    pub(crate) disabled: Option<String>,
}

/// The status before anything happened.
pub(crate) fn first_status(description: &PushDescription, now: MediaTime) -> EndpointStatus {
    EndpointStatus {
        name: description.endpoint.clone(),
        url: description.shown_url(),
        duty: description.duty,
        state: DestinationState::Connecting,
        health: HealthReport::new(Health::PartiallyHealthy, "connecting", CONNECTING, now),
        fault: None,
        bytes_sent: 0,
        bytes_acknowledged: 0,
        position: None,
        queue_segments: 0,
        queue_seconds: 0.0,
        reconnects: 0,
        slow: false,
        deleted_segments: 0,
        playable: false,
        last_error: None,
        lost_units: 0,
        line: None,
        link: None,
        pair: None,
    }
}

const CONNECTING: &str = "nothing has been acknowledged yet";

/// Brings `status` up to date.
pub(crate) fn update(
    status: &mut EndpointStatus,
    delivery: &Delivery,
    link: &Link,
    (counters, pair): (&Counters, Option<HealthReport>),
    bytes_sent: u64,
    now: MediaTime,
) {
    let (segments, media) = queue(delivery);
    status.state = if counters.disabled.is_some() { DestinationState::Failed } else { link.state() };
    status.fault = counters.disabled.as_ref().map(|_| Fault::Configuration).or(link.fault());
    status.bytes_sent = bytes_sent;
    status.bytes_acknowledged = counters.bytes_acknowledged;
    // Of all renditions that the line carries the one that is furthest behind; none as long as one has nothing.
    let ends: Option<Vec<MediaTime>> = delivery.carried().map(Lane::position).collect();
    status.position = ends.and_then(|ends| ends.into_iter().min());
    status.queue_segments = segments;
    status.queue_seconds = media.as_secs_f64();
    status.reconnects = link.reconnects();
    status.last_error.clone_from(&counters.last_error);
    let acknowledges = matches!(link.phase(), Phase::Streaming | Phase::Faltering) && counters.disabled.is_none();
    let pair = pair.filter(|report| acknowledges || report.health == Health::Unhealthy);
    status.health.update(pair.unwrap_or_else(|| health(delivery, link, counters, segments, media, now)));
}

/// Segments owed, and the program time of the rendition that is owed most.
fn queue(delivery: &Delivery) -> (u64, Duration) {
    // What the other box of a pair is about to tell of.
    if delivery.post() != Post::Deliver {
        return (0, Duration::ZERO);
    }
    let mut segments = 0;
    let mut longest = Duration::ZERO;
    for lane in &delivery.lanes {
        let owed = lane.owed().filter_map(|number| lane.segment(number));
        let mut media = Duration::ZERO;
        for segment in owed {
            segments += 1;
            media += segment.duration;
        }
        longest = longest.max(media);
    }
    (segments, longest)
}

fn health(
    delivery: &Delivery,
    link: &Link,
    counters: &Counters,
    segments: u64,
    media: Duration,
    now: MediaTime,
) -> HealthReport {
    let report = |health, code: &str, reason: String| HealthReport::new(health, code, reason, now);
    if let Some(why) = &counters.disabled {
        return report(Health::Unhealthy, "push_misconfigured", format!("{why}: correct the destination's url"));
    }
    let why = |verdict: Option<&Verdict>| {
        verdict.map_or_else(String::new, |verdict| format!("{}: {}", verdict.text, verdict.hint))
    };
    match link.phase() {
        Phase::Connecting => report(Health::PartiallyHealthy, "connecting", CONNECTING.to_owned()),
        Phase::Interrupted => report(Health::Unhealthy, "push_interrupted", why(link.verdict())),
        Phase::Refused => report(Health::Unhealthy, "push_refused", why(link.verdict())),
        Phase::Streaming | Phase::Faltering if delivery.lanes.iter().any(Lane::outgrows_line) => {
            report(Health::PartiallyHealthy, "renditions_dropped", left_out(delivery))
        }
        Phase::Streaming | Phase::Faltering if delivery.lanes.iter().any(Lane::well_behind) => {
            let seconds = media.as_secs();
            let reason = format!("{} ({seconds} s) being delivered behind the live edge", counted(segments));
            report(Health::PartiallyHealthy, "push_behind", reason)
        }
        Phase::Streaming | Phase::Faltering => {
            let skipped = match counters.skipped {
                0 => String::new(),
                count => format!("; {} refused for good since the worker started", counted(count)),
            };
            report(Health::Healthy, "ok", format!("acknowledges what is sent{skipped}"))
        }
    }
}

/// Which renditions the line does not carry.
fn left_out(delivery: &Delivery) -> String {
    let dropped: Vec<&str> =
        delivery.lanes.iter().filter(|lane| lane.outgrows_line()).map(|lane| lane.id.as_str()).collect();
    format!("the line is too slow for {}: players get the other renditions", dropped.join(", "))
}

/// An event of this destination.
pub(crate) fn event(
    description: &PushDescription,
    severity: Severity,
    code: EventCode,
    text: String,
    now: MediaTime,
) -> Event {
    let text = match description.is_primary() {
        true => text,
        false => format!("{}: {text}", description.endpoint),
    };
    Event::new(now, severity, code, text).channel(&description.channel).subject(&description.destination)
}

/// The event for a change of the link.
pub(crate) fn link_event(description: &PushDescription, duty: Duty, change: &Change, now: MediaTime) -> Event {
    match change {
        Change::Connected(None) => {
            let text = format!("{} acknowledges", description.shown_url());
            event(description, Severity::Info, EventCode::PushConnected, text, now)
        }
        Change::Connected(Some(away)) => {
            let text = format!("{} acknowledges again after {:.1} s", description.shown_url(), away.as_secs_f64());
            event(description, Severity::Info, EventCode::PushConnected, text, now)
        }
        Change::Interrupted(verdict) => {
            let (severity, then) = match duty {
                Duty::Standby => (Severity::Warning, "it could not take over now"),
                _ => (Severity::Error, "segments wait in the spool"),
            };
            event(description, severity, EventCode::PushInterrupted, format!("{}; {then}", verdict.text), now)
                .blame(verdict.fault, verdict.hint)
        }
        Change::Refused(verdict) => {
            let severity = if duty == Duty::Standby { Severity::Warning } else { Severity::Error };
            event(description, severity, EventCode::PushRefused, verdict.text.clone(), now)
                .blame(verdict.fault, verdict.hint)
        }
    }
}

/// A rendition is left out, or taken up again.
pub(crate) fn turned(description: &PushDescription, turned: &Turned, now: MediaTime) -> Event {
    let Turned { turn, rendition, measured, needed } = turned;
    let figures = format!("it carries {measured}, {needed} are needed with it");
    match turn {
        RateTurn::Drop => {
            let text = format!("the line is too slow for {rendition}, which is left out: {figures}");
            event(description, Severity::Warning, EventCode::PushRenditionDropped, text, now).blame(
                Fault::Destination,
                "give the line more upload rate, or the stream class a smaller ladder; it comes back by itself",
            )
        }
        RateTurn::Return => {
            let text = format!("{rendition} is delivered again: {figures}");
            event(description, Severity::Info, EventCode::PushRenditionReturned, text, now)
        }
    }
}

/// The url cannot be pushed to.
pub(crate) fn misconfigured(description: &PushDescription, why: &str, now: MediaTime) -> Event {
    event(description, Severity::Error, EventCode::PushRefused, why.to_owned(), now)
        .blame(Fault::Configuration, "correct the destination's url")
}

/// It takes segments, but no parts.
pub(crate) fn parts_refused(description: &PushDescription, why: &str, now: MediaTime) -> Event {
    let text = format!("parts are refused ({why}): whole segments are delivered, without low latency");
    event(description, Severity::Warning, EventCode::PushPartsRefused, text, now)
        .blame(Fault::Destination, "let the origin take `<number>.<part>.m4s`, or use a stream class without `part_ms`")
}

/// A segment in the spool's list cannot be read.
pub(crate) fn unreadable(description: &PushDescription, why: &str, now: MediaTime) -> Event {
    let text = format!("a segment cannot be read from the spool to be pushed: {why}");
    event(description, Severity::Warning, EventCode::SpoolFailed, text, now)
        .blame(Fault::Hardware, "check the spool's disk")
}

/// There is no newer token, for now or for good.
pub(crate) fn token_failed(description: &PushDescription, trouble: &TokenTrouble, now: MediaTime) -> Event {
    let (text, verdict) = (trouble.text.clone(), crate::policy::judge(&trouble.clone().into()));
    event(description, Severity::Warning, EventCode::TokenFailed, text, now).blame(verdict.fault, verdict.hint)
}

/// There is no further content key, for now or for good.
pub(crate) fn keys_failed(description: &PushDescription, trouble: &KeyTrouble, now: MediaTime) -> Event {
    let (text, verdict) = (trouble.text.clone(), crate::policy::judge(&trouble.clone().into()));
    event(description, Severity::Warning, EventCode::KeysFailed, text, now).blame(verdict.fault, verdict.hint)
}

/// Old segments cannot be deleted.
pub(crate) fn not_deleted(description: &PushDescription, verdict: &Verdict, now: MediaTime) -> Event {
    let text = format!("old segments cannot be deleted: {}", verdict.text);
    event(description, Severity::Warning, EventCode::OldSegmentsStay, text, now)
        .blame(verdict.fault, "let the destination's credentials delete, or set `old_objects = \"keep\"`")
}

/// All that waited has been delivered; `skipped` segments were refused on the way.
pub(crate) fn caught_up(description: &PushDescription, backfilled: u64, skipped: u64, now: MediaTime) -> Event {
    let refused = if skipped == 0 { String::new() } else { format!(", {} refused for good", counted(skipped)) };
    let text = format!("{} delivered behind the live edge{refused}", counted(backfilled));
    event(description, Severity::Info, EventCode::PushCaughtUp, text, now)
}

/// So many segments.
pub(crate) fn counted(segments: u64) -> String {
    format!("{segments} segment{}", if segments == 1 { "" } else { "s" })
}

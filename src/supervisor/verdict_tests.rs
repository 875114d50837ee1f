//! What is said about a channel, as tables.

use std::time::Duration;

use super::*;
use crate::model::status::{ProgramStatus, SourceState, SpoolStatus};

fn report_on(state: Health, code: &str) -> HealthReport {
    HealthReport::new(state, code, format!("it is {code}"), MediaTime::from_secs(1))
}

fn fine() -> HealthReport {
    report_on(Health::Healthy, "ok")
}

fn source(name: &str, health: HealthReport) -> SourceStatus {
    SourceStatus {
        id: name.parse().unwrap(),
        kind: "srt".into(),
        state: SourceState::Delivering,
        health,
        picture: None,
        frame_rate: None,
        sound: None,
        connects: 1,
        frames: 1,
        late: 0,
        timecode: None,
        signal: Default::default(),
        input: None,
        link: None,
    }
}

fn destination(state: DestinationState, health: HealthReport, position: u64) -> DestinationStatus {
    DestinationStatus {
        id: "origin".parse().unwrap(),
        url: String::new(),
        state,
        health,
        fault: None,
        bytes_sent: 0,
        bytes_acknowledged: 0,
        position: Some(MediaTime::from_secs(position)),
        queue_segments: 0,
        queue_seconds: 0.0,
        reconnects: 0,
        last_error: None,
        endpoints: Vec::new(),
        forced: None,
        last_switch: None,
        last_drill: None,
        recording: None,
        paused_since: None,
        line: None,
    }
}

/// On air with its first source, delivered up to 99 s of 100 s.
fn good() -> WorkerReport {
    WorkerReport {
        program: ProgramStatus {
            order: ProgramOrder::Auto,
            showing: Showing::Source { source: "cam".parse().unwrap() },
            since: MediaTime::from_secs(1),
            position: MediaTime::from_secs(100),
            frames: 1,
            repeated: 0,
            missed: 0,
            peak_dbfs: Vec::new(),
            auto: None,
            preview: None,
            scheduled: Vec::new(),
            dissolving: false,
            loudness: Vec::new(),
            sound_states: Vec::new(),
            timecode: None,
        },
        sources: vec![source("cam", fine()), source("spare", fine())],
        renditions: Vec::new(),
        destinations: vec![destination(DestinationState::Streaming, fine(), 99)],
        spool: SpoolStatus { health: fine(), bytes: 0, quota_bytes: 1, lost_segments: 0, overflowed: Vec::new() },
    }
}

fn judge(report: &WorkerReport) -> (Health, String) {
    let on_air = delivered(report, Duration::from_secs(5));
    let facts = Facts {
        stand: Stand::Up,
        wanted: true,
        report: Some(report),
        remainder: None,
        on_air,
        silence: Some(Duration::ZERO),
        trouble: None,
        now: MediaTime::from_secs(100),
    };
    let judged = health(&facts);
    (judged.health, judged.code)
}

#[test]
fn what_is_only_recorded_reaches_no_viewer() {
    let mut report = good();
    let archive = DestinationStatus { recording: Some(Default::default()), ..report.destinations[0].clone() };
    report.destinations.push(archive.clone());
    let lag = Duration::from_secs(5);
    assert!(delivered(&report, lag));
    report.destinations[0] = destination(DestinationState::Interrupted, report_on(Health::Unhealthy, "refused"), 90);
    assert!(!delivered(&report, lag), "the recording alone is no delivery");
    assert_eq!(judge(&report), (Health::Unhealthy, "refused".to_owned()));
    report.destinations = vec![archive];
    assert!(delivered(&report, lag), "nothing else is wanted");
}

#[test]
fn health_is_the_worst_of_the_parts() {
    use Health::{Healthy, PartiallyHealthy, Unhealthy};
    type Change = fn(&mut WorkerReport);
    let table: &[(&str, Change, Health, &str)] = &[
        ("all is well", |_| {}, Healthy, "ok"),
        (
            "an ordered slate",
            |r| (r.program.order, r.program.showing) = (ProgramOrder::Slate, Showing::Slate),
            Healthy,
            "slate_ordered",
        ),
        ("no source", |r| r.program.showing = Showing::Slate, Unhealthy, "no_source"),
        (
            "the ordered source is lost",
            |r| {
                (r.program.order, r.program.showing) =
                    (ProgramOrder::Source { source: "cam".parse().unwrap() }, Showing::Slate)
            },
            Unhealthy,
            "source_lost",
        ),
        ("a spare is lost", |r| r.sources[1].health = report_on(Unhealthy, "lost"), PartiallyHealthy, "lost"),
        ("the shown source is odd", |r| r.sources[0].health = report_on(Unhealthy, "late"), PartiallyHealthy, "late"),
        (
            "interrupted, and behind",
            |r| {
                r.destinations[0] =
                    destination(DestinationState::Interrupted, report_on(PartiallyHealthy, "refused"), 90)
            },
            Unhealthy,
            "refused",
        ),
        (
            "one of two is interrupted",
            |r| r.destinations.push(destination(DestinationState::Interrupted, report_on(Unhealthy, "refused"), 90)),
            PartiallyHealthy,
            "refused",
        ),
        (
            "nothing keeps up",
            |r| r.destinations[0].position = Some(MediaTime::from_secs(80)),
            Unhealthy,
            "not_delivered",
        ),
        (
            "not connected yet",
            |r| r.destinations[0].state = DestinationState::Connecting,
            PartiallyHealthy,
            "connecting",
        ),
        ("no destination", |r| r.destinations.clear(), PartiallyHealthy, "no_destination"),
        (
            "only a disabled one",
            |r| r.destinations[0].state = DestinationState::Disabled,
            PartiallyHealthy,
            "no_destination",
        ),
        ("the spool", |r| r.spool.health = report_on(Unhealthy, "disk_full"), PartiallyHealthy, "disk_full"),
    ];
    for (name, change, health, code) in table {
        let mut report = good();
        change(&mut report);
        assert_eq!(judge(&report), (*health, (*code).to_owned()), "{name}");
    }
}

#[test]
fn silence_is_told_before_it_is_a_stall() {
    let report = good();
    let silence = Some(Duration::from_secs(2));
    let facts = Facts {
        stand: Stand::Up,
        wanted: true,
        report: Some(&report),
        remainder: None,
        on_air: true,
        silence,
        trouble: None,
        now: MediaTime::from_secs(100),
    };
    let judged = health(&facts);
    assert_eq!((judged.health, judged.code.as_str()), (Health::PartiallyHealthy, "no_contact"));
    assert!(judged.reason.contains("2.0 s"), "{}", judged.reason);
}

#[test]
fn without_a_report_the_phase_speaks() {
    use Health::{Inactive, PartiallyHealthy, Unhealthy};
    let table = [
        (Stand::Idle, false, None, Inactive, "off_air", ChannelState::Idle),
        (Stand::Starting, true, None, PartiallyHealthy, "starting", ChannelState::Starting),
        (Stand::Starting, true, Some("it died"), Unhealthy, "worker_restarting", ChannelState::Starting),
        (Stand::Up, true, None, PartiallyHealthy, "starting", ChannelState::Starting),
        (Stand::Ending, false, None, Inactive, "stopping", ChannelState::Stopping),
        (Stand::Ending, true, Some("it stalled"), Unhealthy, "worker_restarting", ChannelState::Starting),
        (Stand::Delivering, false, None, Inactive, "delivering", ChannelState::Delivering),
        (Stand::GivenUp, true, Some("it died"), Unhealthy, "worker_failed", ChannelState::Failed),
    ];
    for (stand, wanted, trouble, word, code, expected) in table {
        let now = MediaTime::from_secs(1);
        let (report, remainder, on_air, silence) = (None, None, false, None);
        let judged = health(&Facts { stand, wanted, report, remainder, on_air, silence, trouble, now });
        assert_eq!((judged.health, judged.code.as_str()), (word, code), "{stand:?}");
        assert_eq!(state(stand, wanted, None), expected, "{stand:?}");
    }
}

#[test]
fn what_is_left_is_said_with_the_destination_that_waits_most() {
    let mut waiting = destination(DestinationState::Interrupted, fine(), 99);
    (waiting.queue_segments, waiting.queue_seconds) = (12, 24.0);
    waiting.health.reason = "connection refused".to_owned();
    let id = waiting.id.clone();
    let even = destination(DestinationState::Streaming, fine(), 99);
    let rest = RemainderStatus { destinations: vec![even, waiting], spool: good().spool };
    let (stand, wanted, report, remainder) = (Stand::Delivering, false, None, Some(&rest));
    let now = MediaTime::from_secs(1);
    let told =
        |trouble| health(&Facts { stand, wanted, report, remainder, on_air: false, silence: None, trouble, now });
    let judged = told(None);
    assert_eq!((judged.health, judged.code.as_str()), (Health::Inactive, "delivering"));
    let expected = format!("off air, as ordered; 24 s are still to be delivered to {id}: connection refused");
    assert_eq!(judged.reason, expected);
    assert!(told(Some("the worker died")).reason.contains("waits for another worker: the worker died"));
}

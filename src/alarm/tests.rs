//! The rules on snapshots as they come, and the list with a real store.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::limits::{ChannelLimits, Limits};
use super::rules::{Look, Memory, sightings, unseen};
use super::{Alarms, Setting};
use crate::model::cost::{CostStatus, Month};
use crate::model::status::{
    ApplianceStatus, ChannelOrder, ChannelStatus, DestinationState, ProgramOrder, Showing, SourceState, WorkerReport,
};
use crate::model::{
    AlarmCounts, AlarmNotice, AlarmPriority, Event, EventCode, Health, HealthReport, MediaTime, RecordingStatus,
    Validity,
};
use crate::policy::{Annunciator, Unseen};
use crate::store::Store;

const START: u64 = 1_790_000_000;

fn at(secs: u64) -> MediaTime {
    MediaTime::from_secs(START + secs)
}

fn health(word: &str, code: &str) -> Value {
    json!({"health": word, "code": code, "reason": format!("the reason of {code}"), "since": at(0)})
}

fn destination(id: &str) -> Value {
    json!({
        "id": id, "url": "http://origin/live", "state": "streaming", "health": health("healthy", "ok"), "fault": null,
        "bytes_sent": 1, "bytes_acknowledged": 1, "position": at(0), "queue_segments": 0, "queue_seconds": 0.0,
        "reconnects": 0, "last_error": null
    })
}

fn source(id: &str) -> Value {
    json!({
        "id": id, "kind": "srt", "state": "delivering", "health": health("healthy", "ok"), "picture": "1280x720",
        "frame_rate": null, "sound": null, "connects": 1, "frames": 1, "late": 0
    })
}

fn rendition(id: &str, bps: u64) -> Value {
    json!({
        "id": id, "encoder": "x264enc", "target": bps, "measured": bps, "position": null, "media_sequence": null,
        "segments": 1, "dropped_frames": 0, "health": health("healthy", "ok")
    })
}

/// A channel on air with two sources, and nothing wrong.
fn appliance() -> ApplianceStatus {
    let report = json!({
        "program": {
            "order": {"show": "auto"}, "showing": {"showing": "source", "source": "cam-1"}, "since": at(0),
            "position": at(0), "frames": 1, "repeated": 0, "missed": 0, "peak_dbfs": [-20.0, -20.0]
        },
        "sources": [source("cam-1"), source("cam-2")],
        "renditions": [rendition("720p", 3_000_000), rendition("sound", 128_000)],
        "destinations": [destination("origin"), destination("archive")],
        "spool": {"health": health("healthy", "ok"), "bytes": 1, "quota_bytes": 1_000_000_000, "lost_segments": 0}
    });
    let channel = json!({
        "id": "demo", "title": "Demo", "stream_class": "talk 1.0.0", "frame_rate": "25", "timecode": "utc",
        "order": "on_air", "state": "running", "health": health("healthy", "ok"), "on_air": true, "on_air_since": at(0),
        "worker": {"pid": 7, "build": "x", "since": at(0), "adopted": false, "heartbeat_age_seconds": 0.2},
        "restarts": 0, "live": {}, "report": report, "generation": 1
    });
    let config = json!({"path": "/etc/uplink/uplinkd.toml", "loaded_at": at(0), "generation": 1, "rejected": []});
    let status = json!({
        "name": "studio", "version": "0", "now": at(0), "started_at": at(0), "health": health("healthy", "ok"),
        "config": config, "channels": [channel]
    });
    serde_json::from_value(status).unwrap()
}

/// Snapshots that follow on each other.
struct Studio {
    status: ApplianceStatus,
    memory: Memory,
    list: Annunciator,
    limits: Limits,
    validities: Vec<Validity>,
}

impl Studio {
    fn new() -> Self {
        let limits = ChannelLimits { loudness_target: Some(-23.0), ..ChannelLimits::default() };
        let limits = Limits::from([("demo".parse().unwrap(), limits)]);
        let (memory, list, validities) = Default::default();
        Self { status: appliance(), memory, list, limits, validities }
    }

    fn channel(&mut self) -> &mut ChannelStatus {
        &mut self.status.channels[0]
    }

    fn report(&mut self) -> &mut WorkerReport {
        self.channel().report.as_mut().unwrap()
    }

    /// Looks from second `from` to `to`; what happened, as `raised source_lost.demo.cam-1`.
    fn look(&mut self, from: u64, to: u64) -> Vec<String> {
        let mut happened = Vec::new();
        for secs in from..=to {
            let look = Look {
                status: &self.status,
                limits: &self.limits,
                now: at(secs),
                clock: None,
                trouble: None,
                certificate: None,
                validities: &self.validities,
                costs: None,
            };
            let seen = sightings(&look, &mut self.memory);
            let news = self.list.see(at(secs), seen, |alarm| unseen(&look, alarm));
            happened.extend(news.into_iter().map(|(news, alarm)| format!("{} {}", news.as_str(), alarm.id)));
        }
        happened
    }
}

fn bad(health: &mut HealthReport, word: Health, code: &str) {
    *health = HealthReport::new(word, code, format!("the reason of {code}"), at(100));
}

#[test]
fn all_is_well() {
    let mut studio = Studio::new();
    assert_eq!(studio.look(0, 60), Vec::<String>::new());
    assert!(studio.list.list().is_empty());
}

/// The alarm that breaking something of a report makes.
type Case = (&'static str, AlarmPriority, fn(&mut WorkerReport));

const SOURCES: &[Case] = &[
    ("source_lost.demo.cam-2", AlarmPriority::Warning, |report| {
        report.sources[1].state = SourceState::Lost;
        bad(&mut report.sources[1].health, Health::Unhealthy, "source_lost");
    }),
    ("source_black.demo.cam-1", AlarmPriority::Warning, |report| {
        report.sources[0].signal.black_since = Some(at(100));
    }),
    ("source_frozen.demo.cam-2", AlarmPriority::Info, |report| {
        report.sources[1].signal.freeze_since = Some(at(100));
    }),
    ("source_silent.demo.cam-1", AlarmPriority::Warning, |report| {
        report.sources[0].signal.silence_since = Some(at(100));
    }),
    ("source_wrong_format.demo.cam-1", AlarmPriority::Warning, |report| {
        report.sources[0].signal.wrong_format_since = Some(at(100));
    }),
    ("on_slate.demo", AlarmPriority::Critical, |report| {
        report.program.showing = Showing::Slate;
        report.program.since = at(100);
    }),
];

const DESTINATIONS: &[Case] = &[
    ("destination_interrupted.demo.origin", AlarmPriority::Warning, |report| {
        report.destinations[0].state = DestinationState::Interrupted;
        bad(&mut report.destinations[0].health, Health::Unhealthy, "push_interrupted");
    }),
    ("destination_failed.demo.origin", AlarmPriority::Critical, |report| {
        report.destinations[0].state = DestinationState::Failed;
        bad(&mut report.destinations[0].health, Health::Unhealthy, "push_refused");
    }),
    ("destination_on_backup.demo.origin", AlarmPriority::Warning, |report| {
        bad(&mut report.destinations[0].health, Health::PartiallyHealthy, "on_backup");
    }),
    ("destination_backup_lost.demo.origin", AlarmPriority::Warning, |report| {
        bad(&mut report.destinations[0].health, Health::PartiallyHealthy, "backup_lost");
    }),
    ("destination_slow.demo.origin", AlarmPriority::Warning, |report| {
        bad(&mut report.destinations[0].health, Health::PartiallyHealthy, "renditions_dropped");
    }),
    ("destination_behind.demo.origin", AlarmPriority::Warning, |report| {
        report.destinations[0].queue_seconds = 31.0;
    }),
];

const OUTPUT: &[Case] = &[
    ("spool_failing.demo", AlarmPriority::Critical, |report| {
        bad(&mut report.spool.health, Health::Unhealthy, "disk_full");
    }),
    ("encoder_replaced.demo.720p", AlarmPriority::Warning, |report| {
        bad(&mut report.renditions[0].health, Health::PartiallyHealthy, "encoder_replaced");
    }),
    ("encoder_overloaded.demo.720p", AlarmPriority::Warning, |report| {
        bad(&mut report.renditions[0].health, Health::PartiallyHealthy, "frames_dropped");
    }),
    ("recording_failed.demo.archive", AlarmPriority::Critical, |report| {
        report.destinations[1].recording = Some(Default::default());
        report.destinations[1].state = DestinationState::Interrupted;
        bad(&mut report.destinations[1].health, Health::Unhealthy, "disk_full");
    }),
    ("recording_no_room.demo.archive", AlarmPriority::Warning, |report| {
        report.destinations[1].recording = Some(Default::default());
        bad(&mut report.destinations[1].health, Health::PartiallyHealthy, "no_room");
    }),
    ("sound_silent.demo.1-2", AlarmPriority::Warning, |report| {
        let state = json!({"fault": "silence", "channels": [1, 2], "active": true, "since": at(100), "count": 1});
        report.program.sound_states = vec![serde_json::from_value(state).unwrap()];
    }),
    ("loudness_off_target.demo.1-2", AlarmPriority::Warning, |report| {
        let loud = json!({"channels": [1, 2], "momentary": null, "short_term": null, "integrated": -21.4, "lra": null,
                          "true_peak": [-3.0, -3.0], "since": at(0)});
        report.program.loudness = vec![serde_json::from_value(loud).unwrap()];
    }),
];

#[test]
fn what_is_wrong_with_each_part_is_an_alarm_of_its_own() {
    for (id, priority, spoil) in [SOURCES, DESTINATIONS, OUTPUT].concat() {
        let mut studio = Studio::new();
        assert!(studio.look(0, 99).is_empty());
        let good = studio.status.clone();
        spoil(studio.report());
        let until = if id.starts_with("loudness") { 400 } else { 115 };
        assert_eq!(studio.look(100, until), [format!("raised {id}")]);
        let alarm = studio.list.list().remove(0);
        assert_eq!((alarm.id.as_str(), alarm.priority), (id, priority));
        assert!(alarm.reason.len() > 10 && !alarm.action.is_empty(), "{alarm:?}");
        studio.status = good;
        assert_eq!(studio.look(until + 1, until + 70), [format!("cleared {id}")]);
    }
}

#[test]
fn a_channel_that_leaves_the_air_is_told_within_seconds_and_one_that_comes_up_gets_its_time() {
    let mut studio = Studio::new();
    studio.channel().on_air = false;
    assert!(studio.look(0, 19).is_empty(), "the first segment is on its way");
    studio.channel().on_air = true;
    assert!(studio.look(20, 30).is_empty());
    studio.channel().on_air = false;
    assert!(studio.look(31, 35).is_empty());
    assert_eq!(studio.look(36, 36), ["raised off_air.demo"]);
    studio.channel().on_air = true;
    assert_eq!(studio.look(37, 45), ["cleared off_air.demo"]);
}

#[test]
fn what_somebody_ordered_is_no_alarm() {
    let mut studio = Studio::new();
    studio.look(0, 10);
    studio.channel().on_air = false;
    studio.report().destinations.iter_mut().for_each(|one| {
        one.state = DestinationState::Disabled;
    });
    studio.report().program.showing = Showing::Slate;
    studio.report().program.order = ProgramOrder::Slate;
    assert!(studio.look(11, 60).is_empty());
}

#[test]
fn off_air_by_order_ends_what_was_wrong_at_once() {
    let mut studio = Studio::new();
    studio.look(0, 10);
    studio.channel().on_air = false;
    assert_eq!(studio.look(11, 20), ["raised off_air.demo"]);
    studio.channel().order = ChannelOrder::OffAir;
    assert_eq!(studio.look(21, 21), ["cleared off_air.demo"]);
}

#[test]
fn a_worker_that_is_gone_says_nothing_of_its_sources() {
    let mut studio = Studio::new();
    studio.report().sources[0].signal.black_since = Some(at(0));
    assert_eq!(studio.look(1, 5), ["raised source_black.demo.cam-1"]);
    let report = studio.channel().report.take();
    assert!(studio.look(6, 60).is_empty(), "it cannot be told");
    studio.channel().report = report;
    studio.report().sources[0].signal.black_since = None;
    assert_eq!(studio.look(61, 70), ["cleared source_black.demo.cam-1"]);
}

#[test]
fn one_restart_heals_itself_and_three_are_told() {
    let mut studio = Studio::new();
    studio.channel().restarts = 40;
    studio.look(0, 10);
    studio.channel().restarts = 41;
    assert!(studio.look(11, 20).is_empty());
    studio.channel().restarts = 43;
    assert_eq!(studio.look(21, 30), ["raised worker_restarts.demo"]);
    assert_eq!(studio.look(31, 700), ["cleared worker_restarts.demo"]);
}

#[test]
fn a_backlog_gets_worse_and_fills_the_spool() {
    let mut studio = Studio::new();
    studio.report().destinations[0].queue_seconds = 40.0;
    assert_eq!(studio.look(0, 10), ["raised destination_behind.demo.origin"]);
    studio.report().destinations[0].queue_seconds = 400.0;
    assert_eq!(studio.look(11, 20), ["raised destination_behind.demo.origin"]);
    // 3.128 Mbit/s for 2200 s are 860 MB of 1000.
    studio.report().destinations[0].queue_seconds = 2200.0;
    assert_eq!(studio.look(21, 30), ["raised spool_near_full.demo"]);
    let lost = |segments: u64| json!([{"destination": "origin", "segments": segments, "renditions": [], "from": at(0), "to": at(9)}]);
    studio.report().spool.overflowed = serde_json::from_value(lost(4)).unwrap();
    assert!(studio.look(31, 35).is_empty(), "of old");
    studio.report().spool.overflowed = serde_json::from_value(lost(9)).unwrap();
    assert_eq!(studio.look(36, 40), ["raised spool_overflowed.demo.origin"]);
    assert_eq!(studio.look(41, 90), ["cleared spool_overflowed.demo.origin"], "nothing more is lost");
}

/// A recording that runs: so many seconds of a megabyte each so far, and room for so many bytes more.
fn recording(channel: &str, seconds: u64, room: u64) -> Option<RecordingStatus> {
    let one = json!({
        "running": true, "directory": format!("/srv/recordings/{channel}/show"), "began": at(0),
        "synced": at(seconds), "bytes": seconds * 1_000_000, "room_bytes": room
    });
    serde_json::from_value(one).unwrap()
}

#[test]
fn less_than_an_hour_of_recording_is_told_for_all_that_share_the_disk() {
    let mut studio = Studio::new();
    let mut other = studio.status.channels[0].clone();
    other.id = "other".parse().unwrap();
    studio.report().destinations[1].recording = recording("demo", 60, 3_600_000_000);
    assert_eq!(studio.look(0, 30), Vec::<String>::new(), "a whole hour is left");
    other.report.as_mut().unwrap().destinations[1].recording = recording("other", 60, 3_600_000_000);
    studio.status.channels.push(other);
    let raised = ["raised recording_time_short.demo.archive", "raised recording_time_short.other.archive"];
    assert_eq!(studio.look(31, 60), raised, "two of them take it in half the time");
    let alarm = studio.list.list().into_iter().next().unwrap();
    assert_eq!(alarm.priority, AlarmPriority::Critical);
    assert!(alarm.reason.contains("30 min"), "{}", alarm.reason);
    studio.status.channels.truncate(1);
    let cleared = studio.look(61, 125);
    assert!(cleared.contains(&"cleared recording_time_short.demo.archive".to_owned()), "{cleared:?}");
}

#[test]
fn what_is_not_known_of_a_recording_is_no_alarm() {
    let mut studio = Studio::new();
    for (seconds, room) in [(9, 1), (0, 1)] {
        studio.report().destinations[1].recording = recording("demo", seconds, room);
        assert_eq!(studio.look(0, 30), Vec::<String>::new(), "its rate is not known yet");
    }
    studio.report().destinations[1].recording = recording("demo", 60, 1);
    studio.report().destinations[1].recording.as_mut().unwrap().room_bytes = None;
    assert_eq!(studio.look(31, 60), Vec::<String>::new(), "of a worker that does not say what room there is");
}

#[test]
fn a_latency_of_less_than_four_round_trips_is_told_when_it_stays_so() {
    let mut studio = Studio::new();
    let endpoint = json!({
        "name": "primary", "url": "srt://far:9000", "duty": "active", "state": "streaming",
        "health": health("healthy", "ok"), "fault": null, "bytes_sent": 1, "bytes_acknowledged": 1, "position": null,
        "queue_segments": 0, "queue_seconds": 0.0, "reconnects": 0, "last_error": null,
        "link": {"rtt_ms": 30.0, "packets_lost": 0, "packets_retransmitted": 0, "packets_dropped": 0, "callers": null,
                 "latency_ms": 120.0}
    });
    studio.report().destinations[0].endpoints = vec![serde_json::from_value(endpoint).unwrap()];
    assert_eq!(studio.look(0, 30), Vec::<String>::new(), "four are enough");
    let rtt = |studio: &mut Studio, rtt: f64| {
        let endpoint = &mut studio.report().destinations[0].endpoints[0];
        endpoint.link.as_mut().unwrap().rtt_ms = Some(rtt);
    };
    rtt(&mut studio, 100.0);
    assert_eq!(
        studio.look(31, 35),
        Vec::<String>::new(),
        "a new connection begins with a round trip that nobody measured"
    );
    rtt(&mut studio, 5.0);
    assert_eq!(studio.look(36, 40), Vec::<String>::new());
    rtt(&mut studio, 31.0);
    assert_eq!(studio.look(41, 60), ["raised srt_latency_short.demo.origin"]);
    rtt(&mut studio, 29.0);
    assert_eq!(studio.look(61, 95), ["cleared srt_latency_short.demo.origin"]);
}

#[test]
fn how_long_a_critical_alarm_took_is_counted() {
    let mut studio = Studio::new();
    studio.channel().on_air = false;
    studio.look(0, 30);
    let detected = studio.list.detected();
    assert_eq!((detected.count(), studio.list.list()[0].priority), (1, AlarmPriority::Critical));
    let alarm = studio.list.list().remove(0);
    assert!((detected.sum() - alarm.raised.since(alarm.since).as_secs_f64()).abs() < 1e-9);
}

#[test]
fn a_certificate_is_told_before_its_end_loudly_behind_it_and_no_more_when_it_was_renewed() {
    let mut studio = Studio::new();
    let days = |days: u64| at(100) + Duration::from_secs(days * 86_400);
    let good = |ends| vec![Validity { which: "usual", begins: MediaTime::default(), ends }];
    studio.validities = good(days(15));
    assert!(studio.look(1, 100).is_empty());
    studio.validities = good(days(14));
    assert!(studio.look(101, 160).is_empty(), "a clock that is being set is waited for");
    assert_eq!(studio.look(161, 170), ["raised certificate_expiring.usual"]);
    let [alarm] = &studio.list.list()[..] else { panic!() };
    assert_eq!(alarm.priority, AlarmPriority::Warning);
    assert!(alarm.reason.contains("the usual certificate of the API ends in 13 days, at 2"), "{}", alarm.reason);
    // It is not renewed, and ends.
    studio.validities = good(at(175));
    studio.look(171, 240);
    let [alarm] = &studio.list.list()[..] else { panic!() };
    assert_eq!((alarm.priority, alarm.active), (AlarmPriority::Critical, true));
    assert!(alarm.reason.contains("is over since"), "{}", alarm.reason);
    studio.validities = good(days(90));
    let cleared = studio.look(241, 320);
    assert_eq!(cleared, ["cleared certificate_expiring.usual"]);
}

#[test]
fn the_box_itself() {
    let studio = Studio::new();
    let mut status = studio.status.clone();
    status.config.rejected = vec!["a fault".into()];
    let budget = json!({"allowance": {"bytes": 1000}, "spent": {"bytes_sent": 900, "bytes_acknowledged": 850, "cost": null},
                        "used": 0.85, "alarm_percent": 80, "when_spent": "keep", "hold": null});
    let costs = json!({"now": at(0), "month": "2026-09", "complete": true, "channels": [{"channel": "demo", "shows": [],
        "destinations": [{"destination": "origin", "price": null, "month": {"bytes_sent": 0, "bytes_acknowledged": 0, "cost": null},
                          "days": [], "endpoints": [], "budget": budget}]}]});
    let costs: CostStatus = serde_json::from_value(costs).unwrap();
    let clock = crate::model::pair::ClockState { synchronised: false, error_ms: 0.0 };
    let trouble = Some("the disk is full".to_owned());
    let certificate = Some("no certificate for a.example");
    let (limits, clock, costs) = (&studio.limits, Some(clock), Some(&costs));
    let look = Look { status: &status, limits, now: at(0), clock, trouble, certificate, validities: &[], costs };
    let seen = sightings(&look, &mut Memory::default());
    let ids: Vec<String> = seen.iter().map(|one| one.key.to_string()).collect();
    let wanted =
        ["clock_unsynchronised", "config_rejected", "store_failed", "certificate_failed", "budget_near.origin"];
    assert_eq!(ids, wanted);
    // It is one fault, and has one alarm.
    let mut fallen = status.clone();
    let used = json!({"at": at(0), "version": "0.1.0", "path": "/var/lib/uplink/configurations/0007"});
    fallen.config.last_good = serde_json::from_value(used).unwrap();
    let seen = sightings(&Look { status: &fallen, trouble: None, ..look }, &mut Memory::default());
    let of_it: Vec<_> = seen.iter().filter(|one| one.key.to_string().starts_with("config_")).collect();
    assert_eq!(of_it.len(), 1);
    assert_eq!(of_it[0].key.to_string(), "config_last_good");
    assert!(
        of_it[0].reason.contains("configurations/0007") && of_it[0].reason.contains("1 fault"),
        "{}",
        of_it[0].reason
    );
    let look = Look { status: &status, trouble: Some("the disk is full".to_owned()), ..look };
    let blind = Look { costs: None, ..look };
    let alarm = {
        let mut list = Annunciator::default();
        let raised = list.see(at(0), seen, |_| Unseen::Absent);
        raised
            .into_iter()
            .map(|(_, alarm)| alarm)
            .find(|alarm| alarm.channel.is_none() && alarm.subject.is_some())
            .unwrap()
    };
    assert_eq!((alarm.id.as_str(), unseen(&blind, &alarm)), ("budget_near.origin", Unseen::Unknown));
}

type Told = Arc<Mutex<Vec<Event>>>;

fn open(directory: &Path) -> (Alarms, Store, Told, Arc<Mutex<Vec<AlarmNotice>>>) {
    let (store, _) = Store::open(&directory.join("uplink.db"), |_| {});
    let (told, passed): (Told, Arc<Mutex<Vec<AlarmNotice>>>) = Default::default();
    let (tell, pass) = (told.clone(), passed.clone());
    let alarms = Alarms::new(Setting {
        store: store.clone(),
        tell: Box::new(move |event| tell.lock().unwrap().push(event)),
        pass: Box::new(move |notice| pass.lock().unwrap().push(notice)),
        costs: Box::new(|| CostStatus { now: at(0), month: Month::of(at(0)), complete: true, channels: Vec::new() }),
    });
    (alarms, store, told, passed)
}

fn codes(told: &Told) -> Vec<EventCode> {
    told.lock().unwrap().iter().map(|event| event.code).collect()
}

#[tokio::test]
async fn a_new_daemon_goes_on_with_the_list() {
    let directory = tempfile::tempdir().unwrap();
    let mut status = appliance();
    status.channels[0].report.as_mut().unwrap().sources[1].signal.black_since = Some(at(0));
    let id = "source_black.demo.cam-2";
    let (alarms, store, told, passed) = open(directory.path());
    alarms.look(&status, at(1));
    assert_eq!(codes(&told), [EventCode::AlarmRaised]);
    let event = told.lock().unwrap()[0].clone();
    assert_eq!((event.subject.as_deref(), event.channel.unwrap().as_str()), (Some(id), "demo"));
    assert!(event.hint.is_some());
    assert_eq!(alarms.counts(), AlarmCounts { info: 1, unacknowledged: 1, ..AlarmCounts::default() });
    assert!(alarms.ack(id, Some("ada".into())).unwrap().1);
    assert!(alarms.shelve(id, 10, "rigging".into(), None).unwrap().1 && alarms.unshelve(id).unwrap().1);
    let events = [EventCode::AlarmRaised, EventCode::AlarmAcked, EventCode::AlarmShelved, EventCode::AlarmShelved];
    assert_eq!(codes(&told), events);
    let passed: Vec<String> = passed.lock().unwrap().iter().map(|notice| notice.appliance.clone()).collect();
    assert_eq!(passed, ["studio"; 4]);
    store.flush().await;
    drop((alarms, store));

    let (alarms, _store, told, _passed) = open(directory.path());
    alarms.look(&status, at(100));
    let list = alarms.list();
    assert_eq!((list.len(), list[0].acked.as_ref().unwrap().by.as_deref()), (1, Some("ada")));
    assert!(codes(&told).is_empty(), "it was told before");
    status.channels[0].report.as_mut().unwrap().sources[1].signal.black_since = None;
    (101..110).for_each(|secs| alarms.look(&status, at(secs)));
    assert_eq!((codes(&told), alarms.list().len()), (vec![EventCode::AlarmCleared], 0));
}

#[tokio::test]
async fn a_list_without_a_store_works_all_the_same() {
    let directory = tempfile::tempdir().unwrap();
    let (alarms, _store, told, _) = open(&directory.path().join("missing"));
    let status = appliance();
    (0..8).for_each(|secs| alarms.look(&status, at(secs)));
    assert_eq!(codes(&told), [EventCode::AlarmRaised]);
    assert_eq!(alarms.list()[0].id, "store_failed");
}

#[tokio::test(start_paused = true)]
async fn it_watches_until_there_are_no_more_snapshots() {
    let directory = tempfile::tempdir().unwrap();
    let (alarms, ..) = open(directory.path());
    let mut status = appliance();
    status.config.rejected = vec!["a fault".into()];
    let (publish, watched) = tokio::sync::watch::channel(Arc::new(status));
    let watching = tokio::spawn(alarms.clone().watch(watched));
    while alarms.list().is_empty() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    drop(publish);
    watching.await.unwrap();
}

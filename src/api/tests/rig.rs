//! What the tests of this module stand on: a handle whose mailbox, snapshot and events the test drives, and a snapshot
//! of three channels as a studio sees them (well, degraded, off air).

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::model::cost::{Allowance, Budget, Counted, Price, WhenSpent};
use crate::model::sound::LoudnessTarget;
use crate::model::status::*;
use crate::model::timecode::TimecodeDay;
use crate::model::{
    BitRate, ChannelId, DestinationId, EndpointStatus, Event, EventCode, Fault, FrameRate, Health, HealthReport,
    LiveSettings, MediaTime, MeterReading, RenditionId, Severity, SourceId,
};
use crate::supervisor::{Budgets, Command, Costs, Handle, Outcome, Refusal, StampedEvent, Written};

type Request = (Command, oneshot::Sender<Result<Outcome, Refusal>>);

/// The other end of a handle.
pub(crate) struct Rig {
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) status: watch::Sender<Arc<ApplianceStatus>>,
    pub(crate) events: broadcast::Sender<Arc<StampedEvent>>,
    pub(crate) costs: Costs,
    pub(crate) written: Written,
    pub(crate) meters: broadcast::Sender<Arc<(ChannelId, MeterReading)>>,
}

pub(crate) fn rig(runtime: &Path) -> (Handle, Rig) {
    let (requests, inbox) = mpsc::channel(16);
    let (status, seen) = watch::channel(Arc::new(appliance()));
    let (events, _) = broadcast::channel(4096);
    let costs = Costs::default();
    let meters = broadcast::Sender::new(64);
    let written = Written::default();
    let handle = Handle {
        requests,
        status: seen,
        events: events.clone(),
        runtime: runtime.to_owned(),
        images: runtime.join("images"),
        cards: Default::default(),
        costs: costs.clone(),
        written: written.clone(),
        meters: meters.clone(),
    };
    (handle, Rig { requests: inbox, status, events, costs, meters, written })
}

impl Rig {
    pub(crate) fn emit(&self, seq: u64, text: &str) {
        let event = Event::new(now(), Severity::Warning, EventCode::SourceLost, text).channel(&id("demo"));
        let event = event.subject("cam-1").blame(Fault::Source, "check the camera's cable");
        let _ = self.events.send(Arc::new(StampedEvent { seq, event }));
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut ApplianceStatus)) {
        self.status.send_modify(|status| {
            let status = Arc::make_mut(status);
            status.now = now();
            change(status);
        });
    }
}

/// Something was done, and this is said of it.
pub(crate) fn outcome(text: &str) -> Outcome {
    Outcome {
        changed: true,
        order: None,
        program: None,
        state: None,
        showing: None,
        acted: None,
        channels: None,
        text: text.into(),
    }
}

pub(crate) fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}

pub(crate) fn id(text: &str) -> ChannelId {
    ChannelId::new(text).unwrap()
}

fn ago(seconds: u64) -> MediaTime {
    MediaTime::from_system(SystemTime::now() - Duration::from_secs(seconds))
}

fn health(health: Health, code: &str, reason: &str, seconds: u64) -> HealthReport {
    HealthReport::new(health, code, reason, ago(seconds))
}

fn ok() -> HealthReport {
    health(Health::Healthy, "ok", "all is well", 4_210)
}

pub(crate) fn appliance() -> ApplianceStatus {
    let lost = "origin-b does not answer: connection refused; check that the origin runs";
    let mut status = ApplianceStatus {
        name: "studio-box".into(),
        version: "0.1.0".into(),
        now: now(),
        started_at: MediaTime::from_secs(1_790_000_000),
        health: health(Health::PartiallyHealthy, "push_interrupted", lost, 42),
        config: ConfigStatus {
            path: "/etc/uplink/uplinkd.toml".into(),
            loaded_at: ago(9_000),
            generation: 1,
            rejected: vec![],
            last_good: None,
        },
        capacity: Default::default(),
        alarms: Default::default(),
        freeze: None,
        clock: None,
        channels: vec![
            channel("demo", "Evening briefing", ChannelState::Running, ok()),
            degraded(health(Health::PartiallyHealthy, "push_interrupted", lost, 42)),
            off(),
        ],
    };
    // Last, so that no age is a moment short.
    status.now = now();
    status
}

fn channel(name: &str, title: &str, state: ChannelState, health: HealthReport) -> ChannelStatus {
    ChannelStatus {
        id: id(name),
        title: title.into(),
        stream_class: "talk-720p30 1.2.0".into(),
        order: ChannelOrder::OnAir,
        state,
        health,
        on_air: true,
        on_air_since: Some(ago(4_210)),
        worker: Some(WorkerStatus {
            pid: 41_207,
            build: "0.1.0".into(),
            since: ago(4_212),
            adopted: true,
            heartbeat_age_seconds: 0.21,
            up_after_seconds: None,
        }),
        frame_rate: FrameRate::new(25, 1),
        timecode: TimecodeDay::Utc,
        loudness_target: Some(LoudnessTarget::live(-23.0)),
        live: LiveSettings::default(),
        restarts: 0,
        report: Some(report()),
        remainder: None,
        generation: 7,
    }
}

fn degraded(health: HealthReport) -> ChannelStatus {
    let mut channel = channel("studio-b", "Court 2 (backup)", ChannelState::Slate, health);
    channel.restarts = 2;
    let report = channel.report.as_mut().unwrap();
    report.program.showing = Showing::Slate;
    report.program.order = ProgramOrder::Slate;
    let source = &mut report.sources[0];
    source.state = SourceState::Lost;
    source.health = self::health(Health::Unhealthy, "source_lost", "no picture for 42 s; check the sender", 42);
    let mut backup = report.destinations[0].clone();
    backup.id = DestinationId::new("origin-b").unwrap();
    backup.state = DestinationState::Interrupted;
    backup.health = channel.health.clone();
    backup.fault = Some(Fault::Destination);
    (backup.queue_segments, backup.queue_seconds, backup.reconnects) = (66, 44.0, 3);
    backup.last_error = Some("connection refused".into());
    report.destinations.push(backup);
    channel
}

fn off() -> ChannelStatus {
    let idle = health(Health::Inactive, "off_air", "nobody asked for it to be on air", 86_400);
    let mut channel = channel("late-show", "Late show", ChannelState::Idle, idle);
    (channel.order, channel.on_air, channel.on_air_since) = (ChannelOrder::OffAir, false, None);
    (channel.worker, channel.report) = (None, None);
    channel
}

pub(crate) fn report() -> WorkerReport {
    let source = |name: &str, kind: &str| SourceStatus {
        id: SourceId::new(name).unwrap(),
        kind: kind.into(),
        state: SourceState::Delivering,
        health: ok(),
        picture: Some("1280x720".parse().unwrap()),
        frame_rate: Some("30000/1001".parse().unwrap()),
        sound: Some("48000 Hz, 2 channels".into()),
        connects: 1,
        frames: 126_300,
        late: 4,
        timecode: None,
        signal: Default::default(),
        input: None,
        link: None,
    };
    WorkerReport {
        program: ProgramStatus {
            order: ProgramOrder::Auto,
            showing: Showing::Source { source: SourceId::new("cam-1").unwrap() },
            since: ago(4_200),
            position: now(),
            frames: 126_318,
            repeated: 18,
            missed: 0,
            peak_dbfs: vec![-18.2, -19.7],
            auto: None,
            preview: None,
            scheduled: Vec::new(),
            dissolving: false,
            loudness: Vec::new(),
            sound_states: Vec::new(),
            timecode: None,
        },
        sources: vec![source("cam-1", "srt"), source("clip", "file")],
        renditions: vec![rendition("video-720p", "x264enc", 3_000_000), rendition("audio-main", "avenc_aac", 128_000)],
        destinations: vec![DestinationStatus {
            id: DestinationId::new("origin-a").unwrap(),
            url: "http://127.0.0.1:8090/live".into(),
            state: DestinationState::Streaming,
            health: ok(),
            fault: None,
            bytes_sent: 1_610_000_000,
            bytes_acknowledged: 1_609_500_000,
            position: Some(now()),
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
        }],
        spool: SpoolStatus {
            health: ok(),
            bytes: 740_000_000,
            quota_bytes: 4_000_000_000,
            lost_segments: 0,
            overflowed: Vec::new(),
        },
    }
}

/// All of a budget is used.
pub(crate) fn budgets() -> Budgets {
    let budget = Budget {
        price: Some(Price { per_gb: 100.0, currency: "EUR".into() }),
        allowance: Some(Allowance::Bytes(1_609_500_000)),
        counted: Counted::Acknowledged,
        alarm_percent: 80,
        when_spent: WhenSpent::Stop,
    };
    Budgets::from([(DestinationId::new("origin-a").unwrap(), budget)])
}

/// The primary of `origin-a`.
pub(crate) fn endpoint() -> EndpointStatus {
    let status = serde_json::json!({
        "name": "primary", "url": "http://127.0.0.1:8090/live", "duty": "active", "state": "streaming", "health": ok(),
        "fault": null, "bytes_sent": 1_610_000_000, "bytes_acknowledged": 1_609_500_000, "position": now(),
        "queue_segments": 0, "queue_seconds": 0.0, "reconnects": 0, "playable": true, "last_error": null,
    });
    serde_json::from_value(status).unwrap()
}

fn rendition(name: &str, encoder: &str, bps: u64) -> RenditionStatus {
    RenditionStatus {
        id: RenditionId::new(name).unwrap(),
        encoder: encoder.into(),
        target: BitRate(bps),
        measured: BitRate(bps * 97 / 100),
        position: Some(now()),
        media_sequence: Some(895_000_123),
        segments: 2_105,
        dropped_frames: 0,
        health: ok(),
    }
}

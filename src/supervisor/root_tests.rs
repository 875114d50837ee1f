//! The root, with an actor that fails.

use super::*;
use crate::model::Resources;
use crate::store::Store;
use crate::supervisor::{Configuration, Limits, Settings, journal::Journal};
use crate::telemetry::Recorder;
use std::path::Path;
use tokio::sync::Notify;

fn root(directory: &Path) -> Root {
    let (store, _) = Store::open(&directory.join("uplink.db"), |_| {});
    let settings = Settings {
        runtime: directory.join("run"),
        images: directory.join("images"),
        worker: "/bin/false".into(),
        limits: Limits::default(),
        groups: Default::default(),
    };
    let shared = Shared {
        settings: Arc::new(settings),
        journal: Journal::new(Arc::new(Recorder::new(Box::new(|_| {})))),
        costs: Default::default(),
        store,
        changed: Arc::new(Notify::new()),
        answers: mpsc::unbounded_channel().0,
        meters: tokio::sync::broadcast::Sender::new(1),
    };
    let configuration = Configuration {
        name: "test".to_owned(),
        path: "uplinkd.toml".to_owned(),
        channels: Vec::new(),
        budget: Default::default(),
        written: Arc::new([]),
        files: Default::default(),
        instead: None,
    };
    let mut overview = Overview::new(&configuration);
    let (snapshot, _) = watch::channel(Arc::new(overview.status(Vec::new(), None)));
    let reload = Reloading::new(Box::new(|_| Err(Vec::new())));
    Root::new(shared, overview, SavedOrders::new(), snapshot, reload)
}

fn off_air(name: &str) -> Configured {
    let plan = serde_json::from_value(serde_json::json!({
        "channel": name, "title": name, "stream_class": "test 1.0.0",
        "program": {"size": "320x180", "frame_rate": "25", "audio": {"sample_rate": 48000, "channels": 2}},
        "segments": 1000, "sources": [{"id": "one", "kind": {"kind": "test"}}], "slate": {"text": ""},
        "video": [], "audio": [], "destinations": [],
        "spool": {"directory": "/nowhere", "quota_bytes": 1, "retain_seconds": 1, "playlist_segments": 5},
        "thresholds": {"loss_ms": 250, "wait_to_restore_ms": 2000, "stall_ms": 2000},
    }));
    Configured {
        plan: plan.unwrap(),
        order: ChannelOrder::OffAir,
        needs: Resources::default(),
        budgets: Default::default(),
        share: Default::default(),
    }
}

#[tokio::test]
async fn an_actor_that_fails_is_begun_anew_and_takes_orders_again() {
    let directory = tempfile::tempdir().unwrap();
    let mut root = root(directory.path());
    let mut events = root.shared.journal.events().subscribe();
    root.add(off_air("a"));
    root.actors.abort_all();
    let ended = root.actors.join_next_with_id().await.unwrap();
    root.on_actor_ended(ended);
    assert_eq!(events.try_recv().unwrap().event.code, EventCode::SupervisionFailed);
    let (reply, answer) = tokio::sync::oneshot::channel();
    root.on_command(Command::Stop("a".parse().unwrap()), reply);
    let answer = tokio::time::timeout(Duration::from_secs(5), answer).await.unwrap().unwrap();
    assert!(!answer.unwrap().changed, "the new actor answers, with the old one's order");
}

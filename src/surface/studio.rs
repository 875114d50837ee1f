//! A studio to test with: one channel on a camera, one on the slate, one off air.

use serde_json::{Value, json};

use crate::model::status::ApplianceStatus;
use crate::model::{ChannelId, MediaTime, SourceId};

pub(crate) fn id(text: &str) -> ChannelId {
    text.parse().unwrap()
}

pub(crate) fn source(text: &str) -> SourceId {
    text.parse().unwrap()
}

fn at() -> MediaTime {
    MediaTime::from_secs(1_790_000_000)
}

fn health() -> Value {
    json!({"health": "healthy", "code": "ok", "reason": "all is well", "since": at()})
}

fn sources() -> Value {
    let one = |id: &str, state: &str| {
        json!({
            "id": id, "kind": "srt", "state": state, "health": health(), "picture": null, "frame_rate": null,
            "sound": null, "connects": 1, "frames": 1, "late": 0
        })
    };
    json!([one("cam-1", "delivering"), one("clip", "delivering"), one("gone", "lost")])
}

fn channel(id: &str, title: &str, showing: Option<(&str, Value, Value)>) -> Value {
    let report = showing.as_ref().map(|(_, order, showing)| {
        json!({
            "program": {
                "order": order, "showing": showing, "since": at(), "position": at(), "frames": 1, "repeated": 0,
                "missed": 0, "peak_dbfs": [-20.0, -20.0]
            },
            "sources": sources(), "renditions": [], "destinations": [],
            "spool": {"health": health(), "bytes": 1, "quota_bytes": 1_000_000_000, "lost_segments": 0}
        })
    });
    let on_air = report.is_some();
    let worker =
        on_air.then(|| json!({"pid": 7, "build": "x", "since": at(), "adopted": false, "heartbeat_age_seconds": 0.2}));
    json!({
        "id": id, "title": title, "stream_class": "talk 1.0.0", "frame_rate": "25", "timecode": "utc",
        "order": if on_air { "on_air" } else { "off_air" }, "state": showing.map_or("idle", |(state, ..)| state),
        "health": health(), "on_air": on_air, "on_air_since": on_air.then(at), "worker": worker, "restarts": 0,
        "live": {}, "report": report, "generation": 1
    })
}

pub(crate) fn appliance() -> ApplianceStatus {
    let camera = json!({"showing": "source", "source": "cam-1"});
    let channels = [
        channel("demo", "Demo", Some(("running", json!({"show": "auto"}), camera))),
        channel("studio-b", "Studio B", Some(("slate", json!({"show": "slate"}), json!({"showing": "slate"})))),
        channel("late-show", "Late show", None),
    ];
    let status = json!({
        "name": "studio", "version": "0", "now": at(), "started_at": at(), "health": health(),
        "config": {"path": "/etc/uplink/uplinkd.toml", "loaded_at": at(), "generation": 1, "rejected": []},
        "channels": channels
    });
    serde_json::from_value(status).unwrap()
}

//! Takes by the API: the answer names the frame, what is scheduled outlives a worker, a preview has a picture.

use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use serde_json::json;
use uplink::model::status::{ProgramOrder, Showing};
use uplink::model::{FrameGrid, MediaTime};

use crate::process;
use crate::rig::Rig;

const TWO: &str = "sources = [\"test\", \"other\"]";

fn rig() -> Rig {
    let mut rig = Rig::new(&[("a", TWO)]);
    rig.edit(|text| format!("{text}[sources.other]\nkind = \"test\"\n"));
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    let delivers = |id: &str, showing: &Showing| matches!(showing, Showing::Source { source } if source.as_str() == id);
    rig.wait_channel("a", "its source", |channel| {
        channel.report.as_ref().is_some_and(|report| delivers("test", &report.program.showing))
    });
    rig
}

/// The frames of the rig's stream class.
fn grid() -> FrameGrid {
    FrameGrid::new("25".parse().unwrap())
}

fn take(rig: &Rig, body: &serde_json::Value) -> serde_json::Value {
    let answer = rig.post("/api/v1/channels/a/take", body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn the_answer_to_a_take_names_a_frame_of_the_program() {
    let rig = rig();
    for body in [
        json!({"source": "other"}),
        json!({"source": "test", "transition": {"kind": "dissolve", "duration_ms": 200}}),
        json!({"scene": {"layout": "side_by_side", "sources": ["test", "other"]}}),
        json!({"show": "slate"}),
        json!({"show": "auto"}),
    ] {
        let taken = take(&rig, &body);
        assert_eq!(taken["changed"], true, "{taken}");
        let at: MediaTime = serde_json::from_value(taken["acted"]["at"].clone()).unwrap();
        let frame = taken["acted"]["frame"].as_u64().unwrap();
        assert_eq!(grid().time_of(frame), at, "{taken}");
    }
    for (body, status) in [
        (json!({"source": "test", "show": "slate"}), 400),
        (json!({"scene": {"layout": "pip", "sources": ["test", "test"]}}), 422),
        (json!({"source": "test", "transition": {"kind": "dissolve", "duration_ms": 60_000}}), 422),
        (json!({"source": "test", "at": "2001-01-01T00:00:00Z"}), 422),
        (json!({}), 422),
    ] {
        assert_eq!(rig.post("/api/v1/channels/a/take", &body).status, status, "{body}");
    }
}

#[test]
fn what_is_in_preview_has_a_picture_and_is_taken() {
    let rig = rig();
    let picture = || rig.get("/api/v1/channels/a/preview.jpg");
    assert_eq!(picture().status, 404);
    assert_eq!(rig.post("/api/v1/channels/a/preview", &json!({"source": "other"})).status, 200);
    rig.until("the preview has a picture", || picture().status == 200);
    assert_eq!(picture().body[..2], [0xff, 0xd8]);
    let taken = take(&rig, &json!({}));
    assert_eq!(taken["showing"]["source"], "other", "{taken}");
    assert_eq!(rig.channel("a").live.preview, Some(ProgramOrder::Auto), "what was on air is next");
    assert_eq!(rig.post("/api/v1/channels/a/preview", &json!({})).status, 200);
    assert_eq!(picture().status, 404);
}

#[test]
fn a_scheduled_take_outlives_its_worker_and_its_daemon() {
    let mut rig = rig();
    let soon = MediaTime::from_system(SystemTime::now()) + Duration::from_secs(6);
    let scheduled = take(&rig, &json!({"source": "other", "at": soon}));
    let frame = scheduled["acted"]["frame"].as_u64().unwrap();
    let old = rig.worker("a");
    process::signal(old, Signal::SIGKILL);
    rig.wait_channel("a", "another worker", |channel| {
        channel.worker.as_ref().is_some_and(|worker| worker.pid != old) && channel.report.is_some()
    });
    rig.end_daemon(Signal::SIGKILL);
    rig.start_daemon();
    let channel = rig.wait_channel("a", "the take", |channel| {
        let report = channel.report.as_ref();
        report.is_some_and(|r| matches!(&r.program.showing, Showing::Source { source } if source.as_str() == "other"))
    });
    let (program, worker) = (channel.report.unwrap().program, channel.worker.unwrap());
    assert!(program.since >= soon, "{program:?}, for {soon}");
    if worker.since + Duration::from_secs(2) < soon {
        assert_eq!(program.since, grid().time_of(frame));
    } else {
        crate::rig::skip("the frame of the take: the next worker was up too late for it");
    }
    rig.wait_channel("a", "nothing is to come", |channel| channel.live.scheduled.is_empty());
}

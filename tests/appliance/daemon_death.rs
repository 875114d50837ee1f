//! The picture outlives the daemon.

use nix::sys::signal::Signal;
use serde_json::json;
use uplink::model::status::{ChannelOrder, ChannelState, ProgramOrder};

use crate::delivered::{assert_whole, measure};
use crate::rig::{PLAIN, Rig};

#[test]
fn a_killed_daemon_costs_no_frame_and_the_next_one_takes_over() {
    let mut rig = Rig::on_air(&[("a", PLAIN), ("b", PLAIN), ("c", PLAIN)]);
    rig.order("b", "slate");
    rig.order("c", "stop");
    let (a, b) = (rig.worker("a"), rig.worker("b"));
    let measuring = measure(&rig, "a", 16);
    let before = rig.report("a").program.frames;
    for round in 0..2 {
        assert_eq!(rig.end_daemon(Signal::SIGKILL), None);
        assert!(crate::process::lives(a) && crate::process::lives(b), "round {round}");
        rig.start_daemon();
        let adopted = rig.wait_channel("a", "adopted", |channel| channel.worker.as_ref().is_some_and(|w| w.adopted));
        assert_eq!(adopted.worker.unwrap().pid, a);
        rig.wait_event("worker_adopted", Some("a"));
        rig.wait_event("worker_adopted", Some("b"));
        assert!(!rig.events().iter().any(|event| event["code"] == "worker_started"), "no worker is started");
    }
    let held = rig.wait_channel("b", "its slate", |channel| channel.state == ChannelState::Slate);
    assert_eq!(held.report.unwrap().program.order, ProgramOrder::Slate);
    assert_eq!(held.worker.unwrap().pid, b);
    let off = rig.channel("c");
    assert_eq!((off.order, off.state), (ChannelOrder::OffAir, ChannelState::Idle), "an order outlives the daemon");
    let program = rig.report("a").program;
    assert!(program.frames > before, "the same count goes on");
    let report = measuring.report();
    assert_whole(&rig, "a", &report, 14);
    for stream in &report.streams {
        assert_eq!(stream.playlist.unwrap().discontinuities, 0);
    }
    eprintln!("daemon killed twice: 0 frames missing; ticks missed since the start: {}", program.missed);
    // The adopted worker obeys the new daemon.
    assert_eq!(rig.post("/api/v1/channels/b/release", &json!({})).status, 200);
    rig.wait_channel("b", "released", |channel| channel.state == ChannelState::Running);
}

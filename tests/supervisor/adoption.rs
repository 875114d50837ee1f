//! A daemon that comes back.

use uplink::model::EventCode;
use uplink::model::status::ChannelState;
use uplink::supervisor::Command;

use super::rig::{Rig, alive, id, signal, until};

#[test]
fn a_worker_stays_on_air_and_is_taken_over_untouched() {
    let rig = Rig::new(&["a", "b"]);
    let daemon = rig.daemon();
    let pids = [daemon.running("a"), daemon.running("b")];
    daemon.ask(Command::Slate(id("b"))).unwrap();
    daemon.crash();
    assert!(pids.iter().all(|pid| alive(*pid)));
    let before = rig.heard("a").len();

    let mut daemon = rig.daemon();
    assert_eq!(daemon.running("a"), pids[0]);
    let slate = daemon.wait("b", |channel| channel.state == ChannelState::Slate);
    assert_eq!((slate.worker.unwrap().pid, slate.restarts), (pids[1], 0));
    assert!(daemon.channel("a").worker.unwrap().adopted);
    assert_eq!(rig.heard("a")[before..], ["hello", "start"], "and nothing else was said to it");
    assert_eq!((daemon.count(EventCode::WorkerAdopted), daemon.count(EventCode::WorkerStarted)), (2, 0));

    // An adopted worker is no child; it is watched, replaced and stopped all the same.
    signal(pids[0], rustix::process::Signal::KILL);
    let next = daemon.replaced("a", pids[0]);
    let channel = daemon.channel("a");
    assert_eq!((channel.worker.unwrap().adopted, channel.restarts), (false, 1));
    daemon.stop();
    assert!(!alive(next) && !alive(pids[1]));
}

#[test]
fn a_worker_with_another_plan_is_replaced_in_order() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    let pid = daemon.running("a");
    daemon.crash();
    rig.next.lock().unwrap().as_mut().unwrap()[0].program.frame_rate = "50".parse().unwrap();
    let mut daemon = rig.daemon();
    daemon.replaced("a", pid);
    assert!(rig.heard("a").contains(&"stop".to_owned()), "asked before it was replaced");
    assert!(daemon.event(EventCode::WorkerReplaced).contains("on air with another plan"));
    daemon.stop();
}

#[test]
fn a_worker_whose_channel_is_gone_is_stopped() {
    let rig = Rig::new(&["a", "b"]);
    let daemon = rig.daemon();
    let (a, b) = (daemon.running("a"), daemon.running("b"));
    daemon.crash();
    rig.next.lock().unwrap().as_mut().unwrap().pop();
    let daemon = rig.daemon();
    until("the stray worker is gone", || !alive(b));
    assert_eq!(rig.heard("b").last().unwrap(), "stop");
    assert_eq!(daemon.running("a"), a);
    daemon.stop();
}

#[test]
fn a_worker_that_was_ordered_off_air_meanwhile_is_stopped() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    let pid = daemon.running("a");
    daemon.crash();
    let (store, _) = uplink::store::Store::open(&rig.directory.path().join("uplink.db"), |_| {});
    let off = uplink::store::Orders {
        channel: uplink::model::status::ChannelOrder::OffAir,
        program: uplink::model::status::ProgramOrder::Auto,
        live: uplink::model::LiveSettings::default(),
    };
    store.save(&id("a"), off);
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(store.flush());
    let daemon = rig.daemon();
    until("it is gone", || !alive(pid));
    daemon.wait("a", |channel| channel.state == ChannelState::Idle);
    daemon.stop();
}

#[test]
fn a_stale_socket_is_no_obstacle() {
    let rig = Rig::new(&["a"]);
    drop(std::os::unix::net::UnixListener::bind(rig.runtime().join("a/worker.sock")).unwrap());
    let daemon = rig.daemon();
    daemon.running("a");
    daemon.stop();
}

#[test]
fn a_worker_that_says_nothing_is_killed_and_replaced() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    let pid = daemon.running("a");
    daemon.crash();
    rig.behave("a", "silent");
    let mut daemon = rig.daemon();
    assert!(daemon.event(EventCode::ProtocolViolation).contains("did not say hello"));
    until("it is killed", || !alive(pid));
    rig.behave("a", "");
    daemon.replaced("a", pid);
    daemon.stop();
}

#[test]
fn a_worker_of_another_protocol_is_replaced() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    let pid = daemon.running("a");
    daemon.crash();
    rig.behave("a", "protocol");
    let mut daemon = rig.daemon();
    assert!(daemon.event(EventCode::ProtocolViolation).contains("protocol 99"));
    until("it is gone", || !alive(pid));
    rig.behave("a", "");
    daemon.replaced("a", pid);
    daemon.stop();
}

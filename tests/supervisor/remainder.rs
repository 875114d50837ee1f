//! A channel that is off air while something is left in its spool.

use uplink::ipc::owed_mark;
use uplink::model::status::ChannelState;
use uplink::model::{EventCode, LiveChange};
use uplink::supervisor::Command;

use super::rig::{Daemon, Rig, alive, id, plan, until};

/// A channel with a spool of its own; whether something is left is said by its mark.
fn rig() -> Rig {
    let rig = Rig::new(&["a"]);
    let mut plan = plan("a");
    plan.spool.directory = rig.directory.path().join("spool");
    std::fs::create_dir_all(&plan.spool.directory).unwrap();
    std::fs::write(owed_mark(&plan), "").unwrap();
    *rig.next.lock().unwrap() = Ok(vec![plan]);
    rig
}

fn mark(rig: &Rig) -> bool {
    owed_mark(&rig.next.lock().unwrap().clone().unwrap()[0]).exists()
}

fn delivering(daemon: &Daemon) -> u32 {
    let shown = daemon.wait("a", |one| one.state == ChannelState::Delivering && one.remainder.is_some());
    assert!(shown.report.is_none() && !shown.on_air, "{shown:?}");
    let waits: Vec<u64> = shown.destinations().iter().map(|one| one.queue_segments).collect();
    assert_eq!((waits, shown.health.code.as_str()), (vec![3], "delivering"));
    shown.worker.expect("a worker").pid
}

#[test]
fn what_is_left_is_delivered_off_air_across_daemons_until_nothing_is() {
    let rig = rig();
    let daemon = rig.daemon();
    let on_air = daemon.running("a");
    let told = daemon.ask(Command::Stop(id("a"))).unwrap();
    assert!(told.changed && told.text.contains("what is left is being delivered"), "{told:?}");
    let worker = delivering(&daemon);
    assert!(worker != on_air && !alive(on_air));
    let again = daemon.ask(Command::Stop(id("a"))).unwrap();
    assert!(!again.changed && again.text.contains("off air already; what is left"), "{again:?}");

    // A daemon that dies leaves it to the next one.
    daemon.crash();
    let daemon = rig.daemon();
    assert_eq!(delivering(&daemon), worker, "taken over");
    // The worker dies, too: another one goes on.
    super::rig::signal(worker, rustix::process::Signal::KILL);
    until("another worker", || {
        daemon.channel("a").worker.is_some_and(|one| one.pid != worker) && daemon.channel("a").remainder.is_some()
    });
    delivering(&daemon);
    // A daemon that goes down in order ends it, and the next one begins it again.
    daemon.stop();
    assert!(mark(&rig));
    let mut daemon = rig.daemon();
    let worker = delivering(&daemon);
    rig.behave("a", "delivered");
    daemon.wait("a", |one| one.state == ChannelState::Idle && one.remainder.is_none());
    assert!(!alive(worker) && !mark(&rig));
    daemon.event(EventCode::RemainderDelivered);
    drop(daemon);
    rig.behave("a", "");
    let daemon = rig.daemon();
    daemon.wait("a", |one| one.state == ChannelState::Idle);
    assert_eq!(rig.heard("a").iter().filter(|word| *word == "deliver").count(), 4, "{:?}", rig.heard("a"));
}

#[test]
fn a_start_takes_over_and_a_stop_now_leaves_the_rest_for_it() {
    let rig = rig();
    let mut daemon = rig.daemon();
    daemon.running("a");
    daemon.ask(Command::Stop(id("a"))).unwrap();
    let worker = delivering(&daemon);
    // Orders for destinations reach it.
    let change = LiveChange::Destination { destination: "origin".parse().unwrap(), enabled: Some(true) };
    daemon.ask(Command::Change(id("a"), change)).unwrap();
    until("another worker", || daemon.channel("a").worker.is_some_and(|one| one.pid != worker));
    let worker = delivering(&daemon);

    daemon.ask(Command::Start(id("a"))).unwrap();
    assert_ne!(daemon.running("a"), worker);
    assert!(!alive(worker) && daemon.channel("a").remainder.is_none());

    let told = daemon.ask(Command::StopNow(id("a"))).unwrap();
    assert!(told.text.contains("its worker is gone"), "{told:?}");
    assert_eq!((daemon.channel("a").state, mark(&rig)), (ChannelState::Idle, false));

    // The same of one that delivers.
    daemon.ask(Command::Start(id("a"))).unwrap();
    daemon.running("a");
    std::fs::write(owed_mark(&rig.next.lock().unwrap().clone().unwrap()[0]), "").unwrap();
    daemon.ask(Command::Stop(id("a"))).unwrap();
    let worker = delivering(&daemon);
    daemon.ask(Command::StopNow(id("a"))).unwrap();
    assert!(!alive(worker) && !mark(&rig));
    daemon.event(EventCode::RemainderLeft);
}

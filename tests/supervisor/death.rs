//! Workers that die, stall, or never come up.

use std::time::{Duration, Instant};

use uplink::model::status::ChannelState;
use uplink::model::{EventCode, Health};
use uplink::policy::{Backoff, RestartPolicy};
use uplink::supervisor::{Command, Refusal};

use super::rig::{Rig, alive, id, signal, until};

fn impatient() -> RestartPolicy {
    let backoff =
        Backoff { first: Duration::from_millis(20), cap: Duration::from_millis(50), factor: 2.0, jitter: 0.0 };
    RestartPolicy { limit: 3, backoff, slow_retry: Duration::from_millis(700), ..RestartPolicy::default() }
}

#[test]
fn a_killed_worker_is_replaced_and_its_neighbour_notices_nothing() {
    let rig = Rig::new(&["a", "b"]);
    let mut daemon = rig.daemon();
    let (a, b) = (daemon.running("a"), daemon.running("b"));
    let killed = Instant::now();
    signal(a, rustix::process::Signal::KILL);
    daemon.replaced("a", a);
    println!("replaced and running {:?} after the kill", killed.elapsed());
    assert_eq!(daemon.channel("a").restarts, 1);
    let text = daemon.event(EventCode::WorkerDied);
    assert_eq!(text, format!("worker {a} killed by signal 9 (SIGKILL); starting again at once"));
    let neighbour = daemon.channel("b");
    assert_eq!((neighbour.worker.unwrap().pid, neighbour.restarts), (b, 0));
    assert_eq!(daemon.count(EventCode::WorkerStarted), 3);
    daemon.stop();
}

#[test]
fn a_worker_that_never_comes_up_uses_up_its_budget_and_is_tried_slowly() {
    let rig = Rig::new(&["a"]).restarts(impatient());
    rig.behave("a", "exit");
    let mut daemon = rig.daemon();
    let failed = daemon.wait("a", |channel| channel.state == ChannelState::Failed);
    assert_eq!((failed.health.health, failed.health.code.as_str()), (Health::Unhealthy, "worker_failed"));
    assert!(failed.health.reason.contains("exited with code 3"), "{}", failed.health.reason);
    daemon.event(EventCode::ChannelFailed);
    assert!(matches!(daemon.ask(Command::Start(id("a"))), Err(Refusal::Failed(_))));
    rig.behave("a", "");
    daemon.running("a");
    daemon.stop();
}

#[test]
fn a_refused_start_is_told_with_the_workers_reason() {
    let rig = Rig::new(&["a"]).restarts(impatient());
    rig.behave("a", "refuse");
    let mut daemon = rig.daemon();
    assert!(daemon.event(EventCode::WorkerDied).contains("refused the start: no encoder works"));
    daemon.wait("a", |channel| channel.state == ChannelState::Failed);
    daemon.stop();
}

#[test]
fn a_stall_is_told_with_what_stood_still() {
    let rig = Rig::new(&["a", "b"]);
    let mut daemon = rig.daemon();
    let (a, b) = (daemon.running("a"), daemon.running("b"));
    rig.behave("a", "mute");
    assert!(daemon.event(EventCode::WorkerStalled).contains("it sent no heartbeat for 2.0 s"));
    until("it is killed", || !alive(a));
    rig.behave("a", "");
    rig.behave("b", "frozen");
    daemon.replaced("a", a);
    until("the other is killed", || !alive(b));
    rig.behave("b", "");
    daemon.replaced("b", b);
    assert_eq!(daemon.count(EventCode::WorkerStalled), 2);
    daemon.stop();
}

#[test]
fn a_stopped_process_is_a_stall_and_silence_shows_before_that() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    let pid = daemon.running("a");
    signal(pid, rustix::process::Signal::STOP);
    let doubtful = daemon.wait("a", |channel| channel.health.code == "no_contact");
    assert_eq!(doubtful.worker.unwrap().pid, pid);
    daemon.replaced("a", pid);
    assert!(!alive(pid));
    daemon.stop();
}

#[test]
fn a_worker_that_cannot_be_started_at_all_says_so() {
    let rig = Rig::new(&["a"]).restarts(impatient());
    let daemon = rig.daemon();
    let pid = daemon.running("a");
    let worker = rig.directory.path().join("worker.sh");
    std::fs::remove_file(&worker).unwrap();
    signal(pid, rustix::process::Signal::KILL);
    let failed = daemon.wait("a", |channel| channel.state == ChannelState::Failed);
    assert!(failed.health.reason.contains("worker.sh cannot be started"), "{}", failed.health.reason);
    super::rig::executable_in(rig.directory.path());
    daemon.replaced("a", pid);
    daemon.stop();
}

#[test]
fn a_crash_is_told_by_its_name() {
    let rig = Rig::new(&["a"]);
    let mut daemon = rig.daemon();
    let pid = daemon.running("a");
    // A Rust program takes the first for a guard page and the second for what it is.
    until("it crashes", || {
        signal(pid, rustix::process::Signal::SEGV);
        !alive(pid)
    });
    assert!(daemon.event(EventCode::WorkerDied).contains("killed by signal 11 (SIGSEGV)"));
    daemon.replaced("a", pid);
    daemon.stop();
}

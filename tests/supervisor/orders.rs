//! Orders and what confirms them.

use uplink::model::status::{ChannelOrder, ChannelState, ProgramOrder, Showing};
use uplink::model::{Act, EventCode, Health, LiveChange};
use uplink::supervisor::{Command, Refusal};

use super::rig::{Daemon, Rig, alive, id, until};

#[test]
fn stop_is_confirmed_when_the_process_is_gone_and_start_when_it_runs() {
    let rig = Rig::new(&["a"]);
    let mut daemon = rig.daemon();
    let pid = daemon.running("a");
    assert!(daemon.channel("a").on_air);
    let stopped = daemon.ask(Command::Stop(id("a"))).unwrap();
    assert!(!alive(pid), "confirmed before it was true");
    assert_eq!((stopped.changed, stopped.state), (true, Some(ChannelState::Idle)));
    let channel = daemon.channel("a");
    assert_eq!((channel.order, channel.health.health, channel.on_air), (ChannelOrder::OffAir, Health::Inactive, false));
    assert_eq!(daemon.event(EventCode::ChannelStopped), format!("off air: worker {pid} is gone"));
    assert!(!daemon.ask(Command::Stop(id("a"))).unwrap().changed);

    let started = daemon.ask(Command::Start(id("a"))).unwrap();
    assert_eq!((started.changed, started.state), (true, Some(ChannelState::Running)));
    assert!(!daemon.ask(Command::Start(id("a"))).unwrap().changed);
    daemon.stop();
}

#[test]
fn slate_take_and_release_are_confirmed_by_a_heartbeat() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    daemon.running("a");
    let slate = daemon.ask(Command::Slate(id("a"))).unwrap();
    assert_eq!((slate.changed, slate.showing), (true, Some(Showing::Slate)));
    assert_eq!(daemon.channel("a").state, ChannelState::Slate);
    let channel = daemon.wait("a", |channel| channel.health.code == "slate_ordered");
    assert_eq!(channel.health.health, Health::Healthy);
    assert!(!daemon.ask(Command::Slate(id("a"))).unwrap().changed);
    let two = "two".parse().unwrap();
    let taken = daemon.ask(Command::Take(id("a"), two)).unwrap();
    assert_eq!(taken.text, "the program shows source two");
    let released = daemon.ask(Command::Release(id("a"))).unwrap();
    assert_eq!((released.changed, released.program), (true, Some(ProgramOrder::Auto)));
    daemon.stop();
}

#[test]
fn what_the_worker_does_not_show_is_not_confirmed() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    daemon.running("a");
    rig.behave("a", "disobey");
    let refusal = daemon.ask(Command::Slate(id("a"))).unwrap_err();
    let known = "the program shows source one".to_owned();
    assert_eq!(refusal, Refusal::NotConfirmed { seconds: 3, known });
    daemon.stop();
}

#[test]
fn what_cannot_be_is_refused_with_the_reason() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    daemon.running("a");
    assert_eq!(daemon.ask(Command::Stop(id("b"))), Err(Refusal::UnknownChannel(id("b"))));
    let camera: uplink::model::SourceId = "camera".parse().unwrap();
    let refused = daemon.ask(Command::Take(id("a"), camera.clone()));
    assert_eq!(refused, Err(Refusal::UnknownSource(id("a"), camera)));
    daemon.ask(Command::Stop(id("a"))).unwrap();
    assert_eq!(daemon.ask(Command::Slate(id("a"))), Err(Refusal::OffAir(id("a"))));
    daemon.stop();
}

#[test]
fn orders_outlive_the_daemon() {
    let rig = Rig::new(&["a", "b"]);
    let daemon = rig.daemon();
    daemon.running("b");
    let pid = daemon.running("a");
    daemon.ask(Command::Stop(id("a"))).unwrap();
    daemon.ask(Command::Slate(id("b"))).unwrap();
    daemon.stop();
    assert!(!alive(pid));
    let daemon = rig.daemon();
    daemon.wait("b", |channel| channel.state == ChannelState::Slate);
    let channel = daemon.channel("a");
    assert_eq!((channel.order, channel.state, channel.worker), (ChannelOrder::OffAir, ChannelState::Idle, None));
    daemon.stop();
}

#[test]
fn a_worker_that_does_not_stop_is_terminated_and_then_killed() {
    let rig = Rig::new(&["a"]).quick_stop();
    rig.behave("a", "stubborn");
    let daemon = rig.daemon();
    let pid = daemon.running("a");
    daemon.ask(Command::Stop(id("a"))).unwrap();
    assert!(!alive(pid));
    assert_eq!(rig.heard("a"), ["hello", "start", "stop"], "it was asked first");
    daemon.stop();
}

#[test]
fn the_end_of_the_daemon_stops_all_workers_and_a_second_word_kills_them() {
    let rig = Rig::new(&["a", "b"]);
    rig.behave("a", "stubborn");
    let mut daemon = rig.daemon();
    let pids = [daemon.running("a"), daemon.running("b")];
    daemon.begin_stop();
    until("the obedient worker is gone", || !alive(pids[1]));
    assert!(alive(pids[0]));
    daemon.hurry();
    daemon.finished();
    assert!(!alive(pids[0]), "killed at the second word");
    assert_eq!(daemon.ask(Command::Start(id("a"))), Err(Refusal::ShuttingDown));
}

#[test]
fn a_later_order_overtakes_an_earlier_one() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    daemon.running("a");
    rig.behave("a", "disobey");
    let handle = daemon.handle.clone();
    let slate = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(handle.ask(Command::Slate(id("a"))))
    });
    until("the first order has arrived", || rig.heard("a").contains(&"program".to_owned()));
    daemon.ask(Command::Stop(id("a"))).unwrap();
    assert!(matches!(slate.join().unwrap(), Err(Refusal::Failed(text)) if text.contains("overtaken")));
    daemon.stop();
}

#[test]
fn an_order_given_while_the_worker_comes_up_is_not_lost() {
    let rig = Rig::new(&["a"]);
    let daemon = rig.daemon();
    let pid = daemon.running("a");
    super::rig::signal(pid, rustix::process::Signal::KILL);
    // Confirmed or not in time: it has to come true.
    let _ = daemon.ask(Command::Slate(id("a")));
    daemon.wait("a", |channel| channel.state == ChannelState::Slate);
    daemon.stop();
}

#[test]
fn a_setting_is_kept_confirmed_and_given_to_the_next_worker() {
    let rig = Rig::new(&["a"]);
    let mut daemon = rig.daemon();
    let before = daemon.running("a");
    let say = |text: &str| Command::Change(id("a"), LiveChange::SlateText { text: Some(text.to_owned()) });
    let set = daemon.ask(say("soon")).unwrap();
    assert_eq!((set.changed, set.acted.unwrap().text.as_str()), (true, "soon"));
    assert!(!daemon.ask(say("soon")).unwrap().changed);
    assert_eq!(daemon.ask(say("impossible")).unwrap_err(), Refusal::Failed("impossible".to_owned()));
    assert!(matches!(daemon.ask(say(&"x".repeat(300))).unwrap_err(), Refusal::Impossible(_)));
    assert_eq!(daemon.channel("a").live.slate_text.as_deref(), Some("soon"), "what was refused is not kept");

    daemon.ask(say("later")).unwrap();
    rig.behave("a", "deaf");
    let refusal = daemon.ask(say("heard by nobody")).unwrap_err();
    assert!(matches!(refusal, Refusal::NotConfirmed { seconds: 3, .. }), "{refusal}");
    rig.behave("a", "");
    assert_eq!(daemon.channel("a").live.slate_text.as_deref(), Some("heard by nobody"), "the order stands");
    let _ = before;
    daemon.stop();
    daemon = rig.daemon();
    daemon.running("a");
    assert_eq!(daemon.channel("a").live.slate_text.as_deref(), Some("heard by nobody"));
    daemon.stop();
}

#[test]
fn a_cue_is_the_workers_to_decide_and_the_daemons_to_keep() {
    let rig = Rig::new(&["a"]);
    let mut daemon = rig.daemon();
    let before = daemon.running("a");
    let out = |name: &str| -> Command {
        let ask = serde_json::json!({"type": "out", "id": name, "duration_ms": 30_000, "pre_roll_ms": 60_000});
        Command::Act(id("a"), Act::Cue { ask: serde_json::from_value(ask).unwrap() })
    };
    let placed = daemon.ask(out("one")).unwrap().acted.unwrap();
    assert_eq!((placed.text.as_str(), placed.cued), ("one", None), "the list is not for who asked");
    assert!(matches!(daemon.ask(out("two")).unwrap_err(), Refusal::Impossible(text) if text.contains("overlaps")));
    daemon.ask(Command::Change(id("a"), LiveChange::SlateText { text: Some("soon".into()) })).unwrap();
    let cued =
        |daemon: &Daemon| daemon.channel("a").live.cued.cues.iter().map(|cue| cue.id.to_string()).collect::<Vec<_>>();
    assert_eq!(cued(&daemon), ["one"]);

    super::rig::signal(before, rustix::process::Signal::KILL);
    daemon.wait("a", |channel| {
        channel.worker.as_ref().is_some_and(|worker| worker.pid != before) && channel.report.is_some()
    });
    assert!(daemon.ask(out("two")).is_err(), "the next worker knows of it");
    daemon.stop();
    daemon = rig.daemon();
    daemon.running("a");
    assert_eq!(cued(&daemon), ["one"]);
    daemon.ask(Command::Stop(id("a"))).unwrap();
    assert_eq!(daemon.ask(out("three")).unwrap_err(), Refusal::OffAir(id("a")));
    daemon.stop();
}

//! What delivery costs: counted over daemons, held to budgets, by show.

use uplink::model::cost::{Allowance, Budget, Counted, Hold, Month, WhenSpent};
use uplink::model::status::{ChannelStatus, DestinationState};
use uplink::model::{EventCode, LiveChange, MediaTime};
use uplink::supervisor::Command;

use super::rig::{Daemon, Rig, id, until};

fn ten_gigabytes() -> Budget {
    Budget {
        price: None,
        allowance: Some(Allowance::Bytes(10_000_000_000)),
        counted: Counted::Acknowledged,
        alarm_percent: 80,
        when_spent: WhenSpent::Stop,
    }
}

/// Bytes of this month, of the only destination.
fn counted(daemon: &Daemon) -> u64 {
    let now = MediaTime::from_system(std::time::SystemTime::now());
    let status = daemon.handle.costs().status(Month::of(now), now);
    status.channels[0].destinations[0].month.traffic.acknowledged
}

fn state(channel: &ChannelStatus) -> Option<DestinationState> {
    channel.report.as_ref().map(|report| report.destinations[0].state)
}

fn hold(channel: &ChannelStatus) -> Option<Hold> {
    channel.live.destinations.values().next().and_then(|order| order.hold())
}

#[test]
fn a_budget_holds_over_daemons_and_workers_until_somebody_lifts_it() {
    let rig = Rig::new(&["a"]).budget(ten_gigabytes());
    rig.behave("a", "sent=6000000000");
    let daemon = rig.daemon();
    let worker = daemon.running("a");
    until("it is counted", || counted(&daemon) == 6_000_000_000);
    daemon.crash();

    let mut daemon = rig.daemon();
    assert_eq!(daemon.running("a"), worker, "the worker is taken over");
    rig.behave("a", "sent=7000000000");
    until("it is counted on", || counted(&daemon) >= 7_000_000_000);
    assert_eq!(counted(&daemon), 7_000_000_000, "nothing is counted twice");
    rig.behave("a", "sent=10000000001");
    daemon.event(EventCode::BudgetSpent);
    let held = |channel: &ChannelStatus| state(channel) == Some(DestinationState::Disabled);
    assert_eq!(hold(&daemon.wait("a", held)), Some(Hold::Stopped));

    // The next worker counts from nothing, and is started with the hold.
    rig.behave("a", "sent=5");
    super::rig::signal(worker, rustix::process::Signal::KILL);
    let next = daemon.replaced("a", worker);
    daemon.wait("a", |channel| held(channel) && channel.worker.as_ref().is_some_and(|worker| worker.pid == next));

    let use_it = LiveChange::Destination { destination: "origin".parse().unwrap(), enabled: Some(true) };
    daemon.ask(Command::Change(id("a"), use_it)).unwrap();
    let used = daemon.wait("a", |channel| state(channel) == Some(DestinationState::Streaming));
    assert_eq!(hold(&used), Some(Hold::Lifted));
    until("it is counted again", || counted(&daemon) == 10_000_000_006);
    assert_eq!(hold(&daemon.channel("a")), Some(Hold::Lifted), "for the rest of the month");
    assert_eq!(daemon.count(EventCode::BudgetSpent), 1);
    daemon.stop();
}

#[test]
fn shows_begin_and_end_by_order_and_with_the_channel() {
    let rig = Rig::new(&["a"]);
    rig.behave("a", "sent=2000000000");
    let mut daemon = rig.daemon();
    daemon.running("a");
    let begun = daemon.ask(Command::BeginShow(id("a"), Some("  Cup final ".into()))).unwrap();
    assert_eq!(begun.text, "show `Cup final` has begun; its loudness is measured from now on");
    until("the worker was asked", || rig.heard("a").contains(&"restart-loudness".to_owned()));
    assert!(daemon.ask(Command::BeginShow(id("a"), Some("x".repeat(201)))).is_err());
    assert!(daemon.ask(Command::BeginShow(id("b"), None)).is_err());
    rig.behave("a", "sent=3500000000");
    let now = || MediaTime::from_system(std::time::SystemTime::now());
    let on = || {
        let status = daemon.handle.costs().status(Month::of(now()), now());
        let shows = &status.channels[0].shows;
        shows[0].destinations.iter().map(|share| share.amount.traffic.acknowledged).sum::<u64>()
    };
    until("the show has a share", || on() >= 1_500_000_000);
    let ended = daemon.ask(Command::EndShow(id("a"))).unwrap();
    assert_eq!((ended.changed, ended.text.as_str()), (true, "show `Cup final` has ended: 1.50 GB were acknowledged"));
    assert!(!daemon.ask(Command::EndShow(id("a"))).unwrap().changed);
    daemon.ask(Command::Stop(id("a"))).unwrap();
    daemon.ask(Command::Start(id("a"))).unwrap();
    daemon.ask(Command::Stop(id("a"))).unwrap();
    assert_eq!((daemon.count(EventCode::ShowBegan), daemon.count(EventCode::ShowEnded)), (2, 2));
    daemon.stop();
}

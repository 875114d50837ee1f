//! Another configuration, by difference.

use uplink::model::EventCode;
use uplink::supervisor::{Command, Refusal};

use super::rig::{Rig, alive, plan, until};

#[test]
fn only_what_changed_is_touched() {
    let rig = Rig::new(&["same", "changed", "gone"]);
    let mut daemon = rig.daemon();
    let (same, changed, gone) = (daemon.running("same"), daemon.running("changed"), daemon.running("gone"));
    let mut different = plan("changed");
    different.thresholds.loss_ms = 500;
    rig.behave("new", "");
    *rig.next.lock().unwrap() = Ok(vec![plan("new"), different, plan("same")]);
    let outcome = daemon.ask(Command::Reload).unwrap();
    let text = "the configuration was read again: replaced the worker of changed; added new; removed gone; 1 untouched";
    assert_eq!((outcome.changed, outcome.text.as_str()), (true, text));
    daemon.running("new");
    daemon.replaced("changed", changed);
    until("the removed one is gone", || !alive(gone));
    assert_eq!(daemon.running("same"), same);
    let order: Vec<_> = daemon.status().channels.iter().map(|channel| channel.id.to_string()).collect();
    assert_eq!(order, ["new", "changed", "same"]);
    assert_eq!(daemon.status().config.generation, 2);
    daemon.event(EventCode::ConfigReloaded);
    assert!(!daemon.ask(Command::Reload).unwrap().changed);
    daemon.stop();
}

#[test]
fn a_faulty_configuration_changes_nothing_and_lists_every_fault() {
    let rig = Rig::new(&["a"]);
    let mut daemon = rig.daemon();
    let pid = daemon.running("a");
    let faults = vec!["uplinkd.toml:3:1: first".to_owned(), "uplinkd.toml:9:4: second".to_owned()];
    *rig.next.lock().unwrap() = Err(faults.clone());
    let refused = daemon.ask(Command::Reload);
    assert_eq!(refused, Err(Refusal::FaultyConfiguration(faults.clone())));
    let text = daemon.event(EventCode::ConfigRejected);
    assert!(faults.iter().all(|fault| text.contains(fault.as_str())), "{text}");
    until("the snapshot shows it", || daemon.status().config.rejected == faults);
    let status = daemon.status();
    assert_eq!((status.health.code.as_str(), status.config.generation), ("config_rejected", 1));
    assert_eq!(daemon.running("a"), pid);

    *rig.next.lock().unwrap() = Ok(vec![plan("a")]);
    assert!(!daemon.ask(Command::Reload).unwrap().changed);
    until("the faults are forgotten", || daemon.status().config.rejected.is_empty());
    assert_eq!(daemon.running("a"), pid);
    daemon.stop();
}

#[test]
fn a_channel_that_comes_back_is_on_air_again() {
    let rig = Rig::new(&["a", "b"]);
    let daemon = rig.daemon();
    let b = daemon.running("b");
    *rig.next.lock().unwrap() = Ok(vec![plan("a")]);
    daemon.ask(Command::Reload).unwrap();
    *rig.next.lock().unwrap() = Ok(vec![plan("a"), plan("b")]);
    daemon.ask(Command::Reload).unwrap();
    daemon.replaced("b", b);
    assert!(!alive(b));
    daemon.stop();
}

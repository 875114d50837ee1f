//! Another configuration, by difference.

use uplink::model::{Effect, EventCode};
use uplink::supervisor::{Command, Refusal};

use super::rig::{Rig, alive, plan, until};

#[test]
fn only_what_changed_is_touched() {
    let rig = Rig::new(&["same", "changed", "gone"]);
    let mut daemon = rig.daemon();
    let (same, changed, gone) = (daemon.running("same"), daemon.running("changed"), daemon.running("gone"));
    let mut different = plan("changed");
    different.sound.true_peak_max = -3.0;
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
fn what_a_worker_can_take_over_replaces_none() {
    let rig = Rig::new(&["a", "b"]);
    let daemon = rig.daemon();
    let (a, b) = (daemon.running("a"), daemon.running("b"));
    let mut different = plan("a");
    different.thresholds.loss_ms = 500;
    different.title = "Renamed".to_owned();
    *rig.next.lock().unwrap() = Ok(vec![different.clone(), plan("b")]);
    let told = |outcome: uplink::supervisor::Outcome| {
        let effects = outcome.channels.unwrap();
        effects.into_iter().map(|effect| (effect.effect, effect.happened)).collect::<Vec<_>>()
    };
    let said = daemon.ask(Command::DryReload).unwrap();
    assert_eq!((said.changed, told(said)), (false, vec![(Effect::Live, None), (Effect::Unchanged, None)]));
    assert_eq!((daemon.status().config.generation, daemon.status().channels[0].title.as_str()), (1, "a"));
    let done = daemon.ask(Command::Reload).unwrap();
    assert_eq!(told(done), [(Effect::Live, Some("changed".to_owned())), (Effect::Unchanged, None)]);
    assert_eq!((daemon.running("a"), daemon.running("b")), (a, b));
    until("it has another name", || daemon.status().channels[0].title == "Renamed");

    // A worker that does not take it over is replaced, and that is said.
    rig.behave("a", "unbending");
    different.title = "Again".to_owned();
    *rig.next.lock().unwrap() = Ok(vec![different, plan("b")]);
    let done = told(daemon.ask(Command::Reload).unwrap());
    assert_eq!((done[0].0, done[0].1.as_ref().unwrap().contains("a stand-in cannot")), (Effect::Restart, true));
    daemon.replaced("a", a);
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
    until("its health, too", || daemon.status().health.code == "config_rejected");
    assert_eq!(daemon.status().config.generation, 1);
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

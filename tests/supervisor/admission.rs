//! What the box cannot carry is refused before it costs those on air their frames.

use uplink::model::EventCode;
use uplink::model::status::ChannelOrder;
use uplink::supervisor::{Command, Refusal};

use super::rig::{Rig, id};

#[test]
fn a_channel_that_does_not_fit_is_refused_until_there_is_room_or_it_is_forced() {
    let rig = Rig::new(&["a", "b"]).crowded(1.2);
    let mut daemon = rig.daemon();
    daemon.running("a");
    // Of a new configuration what fits goes on air.
    assert_eq!(daemon.channel("b").order, ChannelOrder::OffAir);
    assert!(daemon.event(EventCode::ChannelRefused).contains("it takes 1.20 cores and 0.80 of 2.00 are free"));
    let refused = daemon.ask(Command::Start(id("b"))).unwrap_err();
    assert!(matches!(&refused, Refusal::NoRoom { channel, .. } if channel.as_str() == "b"), "{refused}");
    // One that is on air may be asked for again.
    assert!(!daemon.ask(Command::Start(id("a"))).unwrap().changed);
    let capacity = daemon.status().capacity.clone();
    assert_eq!((capacity.taken.cores, capacity.classes[0].more), (1.2, 0));
    daemon.ask(Command::Stop(id("a"))).unwrap();
    daemon.ask(Command::Start(id("b"))).unwrap();
    daemon.ask(Command::StartAnyway(id("a"))).unwrap();
    let on_air: Vec<bool> = daemon.status().capacity.channels.iter().map(|channel| channel.on_air).collect();
    assert_eq!(on_air, [true, true]);
    daemon.stop();
}

#[test]
fn what_was_on_air_before_is_not_judged_again() {
    let rig = Rig::new(&["a", "b"]).crowded(1.2);
    let daemon = rig.daemon();
    daemon.running("a");
    daemon.ask(Command::StartAnyway(id("b"))).unwrap();
    daemon.stop();
    let daemon = rig.daemon();
    daemon.running("a");
    daemon.running("b");
    daemon.stop();
}

//! Peers that break the protocol: the connection ends, and nothing else.

use uplink::model::EventCode;

use super::rig::{Rig, until};

/// Both come once; afterwards the worker behaves.
fn costs_only_the_connection(word: &str, told: &str) {
    let rig = Rig::new(&["a", "b"]);
    let mut daemon = rig.daemon();
    let (a, b) = (daemon.running("a"), daemon.running("b"));
    rig.behave("a", word);
    let text = daemon.event(EventCode::ProtocolViolation);
    assert!(text.contains(told), "{text}");
    until("it is connected to again", || rig.heard("a").iter().filter(|word| *word == "hello").count() == 2);
    let generation = daemon.channel("a").generation;
    daemon.wait("a", |channel| channel.generation > generation + 2);
    assert_eq!((daemon.running("a"), daemon.running("b")), (a, b), "both workers are the same");
    assert_eq!(daemon.count(EventCode::ProtocolViolation), 1);
    daemon.stop();
}

#[test]
fn garbage_costs_only_the_connection() {
    costs_only_the_connection("garbage", "malformed");
}

#[test]
fn an_oversized_message_costs_only_the_connection() {
    costs_only_the_connection("oversize", "more than 1048576 bytes");
}

#[test]
fn a_fresh_worker_of_another_protocol_is_replaced_until_it_fits() {
    let rig = Rig::new(&["a"]);
    rig.behave("a", "protocol");
    let mut daemon = rig.daemon();
    assert!(daemon.event(EventCode::ProtocolViolation).contains("install matching builds"));
    rig.behave("a", "");
    daemon.running("a");
    daemon.stop();
}

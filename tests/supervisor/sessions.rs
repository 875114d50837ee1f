//! Encoder sessions of a card: who is on air has them, who comes later gets what is left.

use serde_json::{Value, json};
use uplink::model::EventCode;
use uplink::model::status::ChannelOrder;
use uplink::plan::ChannelPlan;
use uplink::supervisor::{Command, Refusal};

use super::rig::{Daemon, Rig, alive, id, plan, until};

/// An encoder of a card with so many sessions.
fn card(sessions: u32) -> Value {
    json!({"profile": "card", "element": "x264enc", "properties": [], "input_format": "NV12", "h264_profile": "high",
        "sessions": sessions, "found": true, "hardware": true, "cores": 0.01})
}

/// An encoder in software that takes so many cores.
fn software(cores: f64) -> Value {
    json!({"profile": "software", "element": "x264enc", "properties": [], "input_format": "I420",
        "h264_profile": "high", "cores": cores})
}

/// A channel with these renditions, best first.
fn ladder(name: &str, renditions: &[&str], encoders: &[Value]) -> ChannelPlan {
    let rendition = |id: &&str| json!({"id": id, "size": "320x180", "bitrate": 400_000, "max_bitrate": 500_000, "encoders": encoders});
    let video: Vec<Value> = renditions.iter().map(rendition).collect();
    ChannelPlan { video: serde_json::from_value(video.into()).unwrap(), ..plan(name) }
}

/// Sessions that each channel holds, and all that are taken.
fn held(daemon: &Daemon) -> (Vec<u32>, u32) {
    let capacity = daemon.status().capacity.clone();
    let of = |sessions: &std::collections::BTreeMap<String, u32>| sessions.get("card").copied().unwrap_or_default();
    (capacity.channels.iter().map(|channel| of(&channel.sessions)).collect(), capacity.sessions[0].taken)
}

#[test]
fn sessions_follow_who_is_on_air_also_through_the_daemons_death() {
    let rig = Rig::new(&["a", "b", "c"]).with_card(3);
    let of = |name| ladder(name, &["high", "low"], &[card(3), software(0.2)]);
    *rig.next.lock().unwrap() = Ok(vec![of("a"), of("b"), of("c")]);
    let daemon = rig.daemon();
    let pids = ["a", "b", "c"].map(|name| daemon.running(name));
    assert_eq!(rig.encoders("a"), ["card", "card"]);
    assert_eq!(rig.encoders("b"), ["card", "software"]);
    assert_eq!(rig.encoders("c"), ["software", "software"]);
    assert_eq!(held(&daemon), (vec![2, 1, 0], 3));

    daemon.ask(Command::Stop(id("a"))).unwrap();
    assert_eq!(held(&daemon), (vec![0, 1, 0], 1));
    assert_eq!(rig.heard("c").iter().filter(|word| *word == "change").count(), 0, "nothing changes by itself");
    daemon.ask(Command::Stop(id("c"))).unwrap();
    daemon.ask(Command::Start(id("c"))).unwrap();
    assert_eq!(rig.encoders("c"), ["card", "card"]);
    daemon.ask(Command::Start(id("a"))).unwrap();
    assert_eq!(rig.encoders("a"), ["software", "software"]);
    assert_eq!(held(&daemon), (vec![0, 1, 2], 3));

    // The next daemon knows who holds what, whatever the order of the configuration says.
    let before = ["a", "b", "c"].map(|name| daemon.running(name));
    assert_eq!(before[1], pids[1]);
    daemon.crash();
    let daemon = rig.daemon();
    assert_eq!(["a", "b", "c"].map(|name| daemon.running(name)), before);
    assert_eq!(held(&daemon), (vec![0, 1, 2], 3));
    for name in ["a", "b", "c"] {
        assert!(!rig.heard(name).contains(&"change".to_owned()), "{name} was left as it was");
    }
    // A reload takes none away, either.
    *rig.next.lock().unwrap() = Ok(vec![of("c"), of("a"), of("b")]);
    daemon.ask(Command::Reload).unwrap();
    assert_eq!(held(&daemon), (vec![2, 0, 1], 3));
    assert_eq!(["a", "b", "c"].map(|name| daemon.running(name)), before);
    daemon.stop();
}

#[test]
fn a_start_without_a_session_that_software_cannot_bear_is_refused_in_words() {
    let rig = Rig::new(&["a", "b", "c"]).with_card(1);
    let heavy = ladder("b", &["one"], &[card(1), software(3.0)]);
    *rig.next.lock().unwrap() = Ok(vec![ladder("a", &["one"], &[card(1)]), heavy, ladder("c", &["one"], &[card(1)])]);
    let mut daemon = rig.daemon();
    daemon.running("a");
    assert_eq!([daemon.channel("b").order, daemon.channel("c").order], [ChannelOrder::OffAir; 2]);
    daemon.event(EventCode::ChannelRefused);
    let refused = daemon.ask(Command::Start(id("b"))).unwrap_err();
    assert!(matches!(&refused, Refusal::NoRoom { .. }), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("the only session of card is taken, so it is encoded by something lesser"), "{text}");
    let text = daemon.ask(Command::Start(id("c"))).unwrap_err().to_string();
    assert!(text.contains("the only session of card is taken, and rendition one may use no other encoder"), "{text}");
    // Forced, it may try what there is.
    daemon.ask(Command::StartAnyway(id("c"))).unwrap();
    assert_eq!(rig.encoders("c"), ["card"]);
    daemon.ask(Command::Stop(id("c"))).unwrap();
    daemon.ask(Command::Stop(id("a"))).unwrap();
    daemon.ask(Command::Start(id("b"))).unwrap();
    assert_eq!(rig.encoders("b"), ["card"]);
    daemon.stop();
}

#[test]
fn a_reload_that_adds_renditions_on_air_is_judged_like_a_start() {
    let rig = Rig::new(&["a", "b"]).with_card(2);
    let with = |renditions: &[&str], cores| ladder("a", renditions, &[card(2), software(cores)]);
    let other = ladder("b", &["one"], &[card(2), software(0.1)]);
    *rig.next.lock().unwrap() = Ok(vec![with(&["low"], 0.3), other.clone()]);
    let mut daemon = rig.daemon();
    let pids = ["a", "b"].map(|name| daemon.running(name));
    for command in [Command::DryReload, Command::Reload] {
        *rig.next.lock().unwrap() = Ok(vec![with(&["high", "low"], 2.5), other.clone()]);
        let refused = daemon.ask(command).unwrap_err();
        assert!(matches!(&refused, Refusal::NoRoomOnAir { channel, .. } if channel.as_str() == "a"), "{refused}");
        assert!(refused.to_string().contains("all 2 sessions of card are taken"), "{refused}");
    }
    assert!(daemon.event(EventCode::ConfigRejected).contains("the old configuration stays in force"));
    until("the status says so", || daemon.status().config.rejected.len() == 1);
    assert_eq!(daemon.status().config.generation, 1);
    assert_eq!((rig.encoders("a"), daemon.running("a")), (vec!["card".to_owned()], pids[0]));

    // What software can bear is taken over, and nobody's session with it.
    *rig.next.lock().unwrap() = Ok(vec![with(&["high", "low"], 0.3), other.clone()]);
    daemon.ask(Command::Reload).unwrap();
    until("it has two renditions", || rig.encoders("a") == ["software", "card"]);
    assert_eq!(["a", "b"].map(|name| daemon.running(name)), pids);
    assert_eq!((held(&daemon), daemon.status().config.rejected.len()), ((vec![1, 1], 2), 0));

    // A new channel sees what is left, wherever it stands.
    rig.behave("new", "");
    let new = ladder("new", &["one"], &[card(2), software(0.1)]);
    *rig.next.lock().unwrap() = Ok(vec![new, with(&["high", "low"], 0.3), other]);
    daemon.ask(Command::Reload).unwrap();
    daemon.running("new");
    assert_eq!((rig.encoders("new"), held(&daemon)), (vec!["software".to_owned()], (vec![0, 1, 1], 2)));
    assert!(alive(pids[0]) && alive(pids[1]));
    daemon.stop();
}

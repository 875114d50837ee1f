//! What cannot start says why, and starts nothing.

use std::net::TcpListener;

use uplink::model::Health;
use uplink::model::status::{ChannelState, SourceState};

use crate::delivered::wait_picture;
use crate::rig::{PLAIN, Rig};

fn assert_says(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in:\n{said}");
    }
}

#[test]
fn a_malformed_file_is_refused_with_its_place() {
    let rig = Rig::new(&[("a", PLAIN)]);
    rig.edit(|text| text.replace("[channels.a]", "[channels.a"));
    let (code, said) = rig.run(rig.daemon_command());
    assert_eq!(code, Some(64), "{said}");
    let line = std::fs::read_to_string(rig.config()).unwrap().lines().position(|l| l == "[channels.a").unwrap() + 1;
    assert_says(&said, &[&format!("uplinkd.toml:{line}:"), "nothing was started"]);
    assert!(!rig.path("run").exists() && !rig.path("state").exists(), "nothing is written for a faulty file");
}

#[test]
fn all_faults_are_told_at_once() {
    let rig = Rig::new(&[("a", PLAIN)]);
    rig.edit(|text| text.replace("title = ", "titel = ").replace("stream_class = \"rig\"", "stream_class = \"rigg\""));
    let (code, said) = rig.run(rig.daemon_command());
    assert_eq!(code, Some(64), "{said}");
    assert_says(&said, &["titel", "title", "rigg", "uplinkd.toml:"]);
    assert!(said.lines().filter(|line| line.contains("uplinkd.toml:")).count() >= 2, "{said}");
}

#[test]
fn a_busy_port_of_the_api_is_named_and_no_worker_is_started() {
    let rig = Rig::new(&[("a", PLAIN)]);
    let _taken = TcpListener::bind(rig.api).unwrap();
    let (code, said) = rig.run(rig.daemon_command());
    assert_eq!(code, Some(1), "{said}");
    assert_says(&said, &[&rig.api.to_string(), "in use", "end the program that does, or change [api] listen"]);
    assert!(!rig.path("run/a/worker.pid").exists());
}

#[test]
fn a_busy_port_of_the_origin_is_named() {
    let rig = Rig::new(&[]);
    let _taken = TcpListener::bind(rig.origin).unwrap();
    let (code, said) = rig.run(rig.origin_command());
    assert_eq!(code, Some(1), "{said}");
    assert_says(&said, &[&format!("port {}", rig.origin.port()), "taken by another program", "set `listen`"]);
}

#[test]
fn a_second_daemon_is_refused_and_the_first_one_goes_on() {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    rig.start_origin();
    let first = rig.start_daemon();
    rig.wait_on_air("a");
    let worker = rig.worker("a");
    let (code, said) = rig.run(rig.daemon_command());
    assert_eq!(code, Some(1), "{said}");
    assert_says(&said, &[&format!("in use by process {first}"), "stop that one first"]);
    assert_eq!(rig.wait_on_air("a").worker.unwrap().pid, worker);
}

/// The driver of a capture card and the library of an encoder are not installed on this box, or not any more.
#[test]
fn a_missing_driver_keeps_nobody_off_air_who_does_not_need_it() {
    let mut rig = Rig::new(&[("a", "sources = [\"card\"]"), ("b", PLAIN), ("c", PLAIN)]);
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/hardware-profiles");
    let profiles = rig.path("profiles");
    std::fs::create_dir(&profiles).unwrap();
    let name = "software-x264.toml";
    let text = std::fs::read_to_string(std::path::Path::new(shipped).join(name)).unwrap();
    std::fs::write(profiles.join(name), &text).unwrap();
    let gone = text.replace("name = \"software-x264\"", "name = \"gone\"").replace("\"x264enc\"", "\"goneh264enc\"");
    std::fs::write(profiles.join("gone.toml"), gone).unwrap();
    rig.edit(|text| {
        let card = "[sources.card]\nkind = \"decklink\"\ndevice_number = 0\nmode = \"1080i50\"\n";
        let text = text.replace(shipped, &profiles.display().to_string());
        format!("{text}hardware_profile = \"gone\"\n{card}")
    });
    rig.start_origin();
    rig.start_daemon();
    rig.wait_channel("b", "its neighbours are missing something, it is healthy", |channel| {
        channel.on_air && channel.health.health == Health::Healthy
    });
    let card = rig.wait_channel("a", "slate with a failed source", |channel| {
        channel.on_air
            && channel.state == ChannelState::Slate
            && channel.report.as_ref().is_some_and(|report| report.sources[0].state == SourceState::Failed)
    });
    eprintln!("a missing driver: {}", card.health.reason);
    assert_says(&card.health.reason, &["the slate is on air", "card"]);
    let encoder = rig.wait_channel("c", "a reason", |channel| channel.health.reason.contains("goneh264enc"));
    eprintln!("a missing encoder: {}", encoder.health.reason);
    assert_eq!((encoder.on_air, encoder.health.health), (false, Health::Unhealthy));
}

#[test]
fn a_missing_device_is_a_slate_with_a_reason() {
    let mut rig = Rig::new(&[("a", "sources = [\"cam\"]"), ("b", PLAIN)]);
    rig.edit(|text| format!("{text}[sources.cam]\nkind = \"v4l2\"\ndevice = \"path:nowhere\"\n"));
    rig.start_origin();
    rig.start_daemon();
    let channel = rig.wait_channel("a", "slate with a failed source", |channel| {
        channel.state == ChannelState::Slate
            && channel.on_air
            && channel.report.as_ref().is_some_and(|report| report.sources[0].state == SourceState::Failed)
    });
    assert_eq!((channel.health.health, channel.health.code.as_str()), (Health::Unhealthy, "no_source"));
    assert_says(&channel.health.reason, &["the slate is on air", "cam", "path:nowhere"]);
    eprintln!("a missing device: {}", channel.health.reason);
    wait_picture(&rig, "a", false);
    rig.wait_channel("b", "its neighbour is healthy", |channel| channel.health.health == Health::Healthy);
    rig.wait_channel("a", "three attempts", |channel| {
        channel.report.as_ref().is_some_and(|report| report.sources[0].connects >= 3)
    });
    let events = rig.events();
    let told: Vec<_> = events.iter().filter(|e| e["code"] == "source_lost" && e["channel"] == "a").collect();
    assert_eq!(told.len(), 1, "each attempt is told anew: {told:#?}");
    assert_eq!(told[0]["fault"], "hardware");
    assert_says(told[0]["hint"].as_str().unwrap(), &["check the cable", "path:nowhere is there and free"]);
    assert_eq!(rig.channel("a").restarts, 0, "a source is no reason to restart a worker");
}

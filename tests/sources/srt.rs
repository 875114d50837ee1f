//! SRT senders that do what senders do.

use std::time::{Duration, Instant};

use uplink::model::EventCode;
use uplink::model::status::ProgramOrder;
use uplink::plan::{SourceKind, SrtMode};

use crate::recorder::Record;
use crate::relay::Relay;
use crate::rig::{Gateway, Rig, Sender, free_port, live, quiet_ticks, shows_slate, shows_source, watch};

fn listener(port: u16) -> SourceKind {
    SourceKind::Srt {
        mode: SrtMode::Listener,
        host: "127.0.0.1".to_owned(),
        port,
        latency_ms: 100,
        passphrase: None,
        stream_id: None,
    }
}

fn send(arguments: &[String], port: u16) -> Sender {
    Sender::srt(arguments, port)
}

#[test]
fn a_sender_killed_ten_times_comes_back_in_other_formats() {
    let port = free_port();
    let rig = Rig::start((30, 1), &[listener(port)], ProgramOrder::Auto);
    let formats = [("640x360", 30), ("1280x720", 25), ("320x240", 15)];
    let mut figures = Vec::new();
    for round in 0..10 {
        let (size, rate) = formats[round % 3];
        let started = Instant::now();
        let sender = send(&live(size, rate, rate, &[]), port);
        assert!(rig.recorder.wait(Duration::from_secs(15), shows_source), "round {round}: {}", rig.told());
        let on = started.elapsed();
        let frames = rig.recorder.record.lock().unwrap().pictures.len();
        assert!(rig.recorder.wait(Duration::from_secs(5), |r| r.pictures.len() > frames + 45));
        assert!(shows_source(&rig.recorder.record.lock().unwrap()), "round {round}: {}", rig.told());
        let killed = Instant::now();
        sender.kill();
        assert!(rig.recorder.wait(Duration::from_secs(5), shows_slate), "round {round}: {}", rig.told());
        figures.push((on.as_millis(), killed.elapsed().as_millis()));
    }
    rig.assert_unbroken();
    let record = rig.recorder.record.lock().unwrap();
    let connects = record.events.iter().filter(|e| e.code == EventCode::SourceConnected).count();
    assert_eq!(connects, 10, "each return is one event");
    drop(record);
    eprintln!("start to shown, kill to slate (ms): {figures:?}; longest gap {} ms", rig.recorder.longest_gap_ms());
}

#[test]
fn loss_and_jitter_that_srt_can_mend_are_not_seen() {
    let port = free_port();
    let rig = Rig::start((30, 1), &[listener(port)], ProgramOrder::Auto);
    // Every 20th packet is lost, every packet is late by up to 20 ms: the latency of 100 ms leaves room to send again.
    let relay = Relay::start(port, 20, Duration::from_millis(20));
    let _sender = send(&live("640x360", 30, 30, &[]), relay.port());
    assert_eq!(watch(&rig, 240), 0, "{}", rig.told());
    rig.assert_unbroken();
    assert!(relay.dropped() > 20, "only {} packets were dropped", relay.dropped());
    assert!(quiet_ticks(&rig, 200) <= 2, "{} of 200 ticks are silent", quiet_ticks(&rig, 200));
}

#[test]
fn b_frames_a_slow_clock_and_full_hd_pass() {
    // B-frames leave the decoder in order, later; 0.2 % slow; 1080p into a smaller program.
    for (what, size, extra) in
        [("b-frames", "640x360", &["-tune", "film", "-bf", "3"][..]), ("full hd", "1920x1080", &[][..])]
    {
        let port = free_port();
        let rig = Rig::start((25, 1), &[listener(port)], ProgramOrder::Auto);
        let _sender = send(&live(size, 25, 50, extra), port);
        let slate = watch(&rig, 150);
        assert_eq!(slate, 0, "{what}: {}", rig.told());
        rig.assert_unbroken();
        assert!(quiet_ticks(&rig, 100) <= 1, "{what}: {} silent ticks", quiet_ticks(&rig, 100));
    }
}

#[test]
fn a_sender_with_a_slow_clock_is_followed() {
    let port = free_port();
    let rig = Rig::start((25, 1), &[listener(port)], ProgramOrder::Auto);
    let mut arguments = live("320x180", 25, 25, &[]);
    // Media at 99.8 % of its own speed: what a crystal 0.2 % slow looks like (a bad one is 0.01 %).
    arguments.iter_mut().filter(|a| *a == "-re").for_each(|a| *a = "-readrate".to_owned());
    let places: Vec<usize> = arguments.iter().enumerate().filter(|(_, a)| *a == "-readrate").map(|(n, _)| n).collect();
    places.iter().rev().for_each(|place| arguments.insert(place + 1, "0.998".to_owned()));
    let _sender = send(&arguments, port);
    assert_eq!(watch(&rig, 25 * 40), 0, "{}", rig.told());
    rig.assert_unbroken();
    assert!(quiet_ticks(&rig, 900) <= 3, "{} of 900 ticks are silent", quiet_ticks(&rig, 900));
}

#[test]
fn picture_alone_and_sound_alone_are_sources() {
    let port = free_port();
    let rig = Rig::start((30, 1), &[listener(port)], ProgramOrder::Auto);
    let sender = send(&live("320x180", 30, 30, &["-an"]), port);
    assert_eq!(watch(&rig, 60), 0, "{}", rig.told());
    assert_eq!(quiet_ticks(&rig, 30), 30, "silence goes with a picture alone");
    sender.kill();
    assert!(rig.recorder.wait(Duration::from_secs(5), shows_slate), "{}", rig.told());
    // Sound alone is shown over the slate's picture.
    let _sender = send(&live("320x180", 30, 30, &["-vn"]), port);
    let heard = |r: &Record| r.sounds.iter().rev().take(30).all(|s| s.2 > 0.01);
    assert!(rig.recorder.wait(Duration::from_secs(20), heard), "{}", rig.told());
    rig.assert_unbroken();
}

#[test]
fn the_box_calls_a_gateway_joins_in_mid_gop_and_sees_the_format_change() {
    let Some(gateway) = Gateway::start() else {
        eprintln!("SKIPPED: srt-live-transmit (Debian package srt-tools) is not here");
        return;
    };
    // A key frame every 4 s only, and the sender runs before the box calls: the box joins in the middle of a GOP.
    let mut sender = gateway.feed(&live("640x360", 30, 120, &[]));
    std::thread::park_timeout(Duration::from_millis(1500));
    let caller = SourceKind::Srt {
        mode: SrtMode::Caller,
        host: "127.0.0.1".to_owned(),
        port: gateway.port(),
        latency_ms: 100,
        passphrase: None,
        stream_id: None,
    };
    let rig = Rig::start((30, 1), &[caller], ProgramOrder::Auto);
    assert_eq!(watch(&rig, 60), 0, "{}", rig.told());
    // The sender behind the gateway is replaced: the SRT connection stays, the stream in it is another.
    for (size, rate) in [("1280x720", 25), ("320x240", 15)] {
        drop(sender);
        assert!(rig.recorder.wait(Duration::from_secs(5), shows_slate), "{}", rig.told());
        sender = gateway.feed(&live(size, rate, rate, &[]));
        assert_eq!(watch(&rig, 45), 0, "{size}: {}", rig.told());
    }
    drop(sender);
    rig.assert_unbroken();
}

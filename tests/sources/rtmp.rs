//! Encoders that publish to the box, as they do: with a wrong key, two at a time, killed, back as something else.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use uplink::model::status::{ProgramOrder, SourceState};
use uplink::model::{EventCode, Secret};
use uplink::plan::{SecondPublisher, SourceKind};

use crate::publisher::Publisher;
use crate::rig::{Rig, Sender, clip, live, quiet_ticks, shows_slate, shows_source, watch};

const KEY: &str = "0123456789abcdef";

fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn ingest(listen: SocketAddr, app: &str, keys: &[&str], second_publisher: SecondPublisher) -> SourceKind {
    let keys = keys.iter().map(|key| Secret::new(*key)).collect();
    SourceKind::Rtmp { listen, app: app.to_owned(), keys, second_publisher }
}

fn publish(arguments: &[String], listen: SocketAddr, key: &str) -> Sender {
    Sender::flv(arguments, &format!("rtmp://{listen}/live/{key}"))
}

fn has_refused(record: &crate::recorder::Record, why: &str) -> bool {
    record.events.iter().any(|e| e.code == EventCode::PublisherRefused && e.text.contains(why))
}

fn refusals(rig: &Rig) -> Vec<String> {
    let record = rig.recorder.record.lock().unwrap();
    record.events.iter().filter(|e| e.code == EventCode::PublisherRefused).map(|e| e.text.clone()).collect()
}

#[test]
fn a_publisher_killed_five_times_comes_back_in_other_formats() {
    let listen = free_address();
    let rig = Rig::start((30, 1), &[ingest(listen, "live", &[KEY], SecondPublisher::Refuse)], ProgramOrder::Auto);
    let status = rig.program().sources().remove(0);
    assert_eq!(status.state, SourceState::Connecting);
    let mut figures = Vec::new();
    let formats = [("640x360", 30), ("1280x720", 25), ("320x240", 15)];
    for round in 0..5 {
        let (size, rate) = formats[round % 3];
        let started = Instant::now();
        let publisher = publish(&live(size, rate, rate, &[]), listen, KEY);
        assert_eq!(watch(&rig, 45), 0, "round {round}: {}", rig.told());
        let on = started.elapsed();
        let killed = Instant::now();
        publisher.kill();
        assert!(rig.recorder.wait(Duration::from_secs(5), shows_slate), "round {round}: {}", rig.told());
        figures.push((on.as_millis(), killed.elapsed().as_millis()));
    }
    rig.assert_unbroken();
    assert!(!rig.told().contains(KEY), "a stream key was told");
    eprintln!("start to 45 pictures, kill to slate (ms): {figures:?}");
}

#[test]
fn a_wrong_key_is_refused_told_and_not_shown() {
    let listen = free_address();
    let rig = Rig::start((30, 1), &[ingest(listen, "live", &[KEY], SecondPublisher::Refuse)], ProgramOrder::Auto);
    let wrong = publish(&live("320x180", 30, 30, &[]), listen, "guessed-it-wrongly");
    let told = |r: &crate::recorder::Record| r.events.iter().any(|e| e.code == EventCode::PublisherRefused);
    assert!(rig.recorder.wait(Duration::from_secs(10), told), "{}", rig.told());
    // It tries again and again; that is one event, and the status says it.
    let reason = || rig.program().sources().remove(0).health.reason;
    assert!(reason().contains("stream key is wrong"), "{}", reason());
    let _right = publish(&live("320x180", 30, 30, &[]), listen, KEY);
    assert_eq!(watch(&rig, 60), 0, "{}", rig.told());
    drop(wrong);
    rig.assert_unbroken();
    let refused = refusals(&rig);
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(!rig.told().contains("guessed-it-wrongly") && !rig.told().contains(KEY), "{}", rig.told());
    assert!(!refused[0].contains("attempts"), "{refused:?}");
}

#[test]
fn a_second_publisher_is_refused_or_replaces_the_first_as_configured() {
    let listen = free_address();
    let rig = Rig::start((30, 1), &[ingest(listen, "live", &[KEY], SecondPublisher::Refuse)], ProgramOrder::Auto);
    let _first = publish(&live("320x180", 30, 30, &[]), listen, KEY);
    assert_eq!(watch(&rig, 30), 0, "{}", rig.told());
    let second = publish(&live("640x360", 25, 25, &[]), listen, KEY);
    let told = |r: &crate::recorder::Record| r.events.iter().any(|e| e.code == EventCode::PublisherRefused);
    assert!(rig.recorder.wait(Duration::from_secs(10), told), "{}", rig.told());
    assert_eq!(watch(&rig, 60), 0, "the first one must stay: {}", rig.told());
    assert_eq!(rig.program().sources()[0].picture.map(|p| p.width()), Some(320));
    drop(second);
    rig.assert_unbroken();
    drop(rig);

    let listen = free_address();
    let rig = Rig::start((30, 1), &[ingest(listen, "live", &[KEY], SecondPublisher::Replace)], ProgramOrder::Auto);
    let first = publish(&live("320x180", 30, 30, &["-t", "60"]), listen, KEY);
    assert_eq!(watch(&rig, 30), 0, "{}", rig.told());
    first.forget();
    let _second = publish(&live("640x360", 25, 25, &[]), listen, KEY);
    let wide = || rig.program().sources()[0].picture.map(|p| p.width()) == Some(640);
    assert!(rig.recorder.wait(Duration::from_secs(10), |r| shows_source(r) && wide()), "{}", rig.told());
    assert_eq!(watch(&rig, 45), 0, "{}", rig.told());
    drop(first);
    rig.assert_unbroken();
}

#[test]
fn keys_are_rotated_and_two_sources_share_a_port() {
    let listen = free_address();
    let new = "fedcba9876543210";
    let sources = [
        ingest(listen, "live", &[KEY, new], SecondPublisher::Refuse),
        ingest(listen, "guests", &["another-key"], SecondPublisher::Refuse),
    ];
    let rig = Rig::start((30, 1), &sources, ProgramOrder::Auto);
    let old = publish(&live("320x180", 30, 30, &[]), listen, KEY);
    assert_eq!(watch(&rig, 15), 0, "{}", rig.told());
    old.kill();
    let _new = publish(&live("320x180", 30, 30, &[]), listen, new);
    let _guest = Sender::flv(&live("640x360", 30, 30, &[]), &format!("rtmp://{listen}/guests/another-key"));
    let both = || rig.program().sources().iter().all(|source| source.state == SourceState::Delivering);
    assert!(rig.recorder.wait(Duration::from_secs(15), |_| both()), "{}", rig.told());
    assert_eq!(rig.program().sources()[1].picture.map(|p| p.width()), Some(640));
    rig.assert_unbroken();
}

#[test]
fn keys_are_exchanged_while_a_publisher_is_on() {
    let listen = free_address();
    let ingest = |key: &str| ingest(listen, "live", &[key], SecondPublisher::Refuse);
    let (old, new) = (KEY, "fedcba9876543210");
    let mut rig = Rig::start((30, 1), &[ingest(old)], ProgramOrder::Auto);
    let first = publish(&live("320x180", 30, 30, &[]), listen, old);
    assert_eq!(watch(&rig, 30), 0, "{}", rig.told());
    let connects = rig.program().sources()[0].connects;
    rig.become_kinds(&[ingest(new)]);
    assert_eq!(watch(&rig, 60), 0, "who publishes stays: {}", rig.told());
    // Whoever comes with the old key is told that it is wrong, not that the place is taken.
    let late = publish(&live("640x360", 30, 30, &[]), listen, old);
    assert!(
        rig.recorder.wait(Duration::from_secs(30), |r| has_refused(r, "its stream key is wrong")),
        "{}",
        rig.told()
    );
    assert_eq!(watch(&rig, 30), 0, "{}", rig.told());
    assert_eq!(rig.program().sources()[0].connects, connects, "the first connection is the one that is there");
    first.kill();
    assert!(rig.recorder.wait(Duration::from_secs(30), shows_slate), "{}", rig.told());
    // The old key calls again and again; the new one is taken.
    let _next = publish(&live("480x270", 30, 30, &[]), listen, new);
    assert_eq!(watch(&rig, 30), 0, "{}", rig.told());
    assert_eq!(rig.program().sources()[0].picture.map(|p| p.width()), Some(480));
    drop(late);
    rig.assert_unbroken();
    assert!(!rig.told().contains(old) && !rig.told().contains(new), "a stream key was told");
}

#[test]
fn b_frames_picture_alone_and_sound_alone_are_taken() {
    let listen = free_address();
    let rig = Rig::start((30, 1), &[ingest(listen, "live", &[KEY], SecondPublisher::Refuse)], ProgramOrder::Auto);
    let open_gop = ["-tune", "film", "-bf", "3", "-x264-params", "open-gop=1:b-pyramid=normal"];
    for (what, extra, silent) in [("b-frames", &open_gop[..], false), ("picture", &["-an"][..], true)] {
        let publisher = publish(&live("640x360", 30, 30, extra), listen, KEY);
        assert_eq!(watch(&rig, 90), 0, "{what}: {}", rig.told());
        let quiet = quiet_ticks(&rig, 30);
        assert!(if silent { quiet == 30 } else { quiet <= 1 }, "{what}: {quiet} of 30 ticks are silent");
        publisher.kill();
        assert!(rig.recorder.wait(Duration::from_secs(5), shows_slate), "{what}: {}", rig.told());
    }
    let _publisher = publish(&live("320x180", 30, 30, &["-vn"]), listen, KEY);
    let heard = |r: &crate::recorder::Record| r.sounds.len() > 30 && r.sounds.iter().rev().take(30).all(|s| s.2 > 0.01);
    assert!(rig.recorder.wait(Duration::from_secs(20), heard), "{}", rig.told());
    rig.assert_unbroken();
}

#[test]
fn gstreamer_publishes_too() {
    let listen = free_address();
    let rig = Rig::start((30, 1), &[ingest(listen, "live", &[KEY], SecondPublisher::Refuse)], ProgramOrder::Auto);
    let line = format!(
        "videotestsrc is-live=true ! video/x-raw,width=640,height=360,framerate=30/1 ! x264enc speed-preset=ultrafast \
         tune=zerolatency key-int-max=30 ! h264parse ! flvmux name=m streamable=true ! rtmp2sink \
         location=rtmp://{listen}/live/{KEY} audiotestsrc is-live=true ! audioconvert ! avenc_aac ! aacparse ! m."
    );
    let _publisher = Sender::gst(&line);
    assert_eq!(watch(&rig, 90), 0, "{}", rig.told());
    assert!(quiet_ticks(&rig, 30) <= 1, "{} of 30 ticks are silent", quiet_ticks(&rig, 30));
    rig.assert_unbroken();
}

/// A file as encoders send it: two seconds, a key frame each second.
fn recording() -> std::path::PathBuf {
    let arguments = live("320x180", 30, 30, &["-t", "4"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).filter(|a| *a != "-re").collect();
    clip("recording.flv", &arguments)
}

#[test]
fn timestamps_that_leap_back_and_forth_are_followed() {
    let listen = free_address();
    let rig = Rig::start((30, 1), &[ingest(listen, "live", &[KEY], SecondPublisher::Refuse)], ProgramOrder::Auto);
    // Each round begins to count anew, far from where the last one ended.
    let rounds = [3_600_000u32, 0, u32::MAX - 1500, 7];
    let publisher = Publisher::start(listen, "live", KEY, &recording(), &rounds);
    assert_eq!(watch(&rig, 300), 0, "{}", rig.told());
    assert!(quiet_ticks(&rig, 250) <= 15, "{} of 250 ticks are silent", quiet_ticks(&rig, 250));
    rig.assert_unbroken();
    drop(publisher);
}

#[test]
fn callers_that_do_not_speak_rtmp_change_nothing() {
    use std::io::{Read, Write};
    let listen = free_address();
    let rig = Rig::start((30, 1), &[ingest(listen, "live", &[KEY], SecondPublisher::Refuse)], ProgramOrder::Auto);
    let _publisher = publish(&live("320x180", 30, 30, &[]), listen, KEY);
    assert_eq!(watch(&rig, 30), 0, "{}", rig.told());
    let mut random = fastrand::Rng::with_seed(7);
    let handshake = [&[3u8][..], &[0; 3072]].concat();
    // Garbage at once, garbage behind a good handshake, nothing at all, and more callers than there is room for.
    let mut mute = Vec::new();
    for round in 0..40 {
        let Ok(mut caller) = std::net::TcpStream::connect(listen) else { continue };
        caller.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
        let garbage: Vec<u8> = (0..20_000).map(|_| random.u8(..)).collect();
        match round % 3 {
            0 => {
                let _ = caller.write_all(&garbage);
            }
            1 => {
                let _ = caller.write_all(&handshake);
                let _ = caller.read(&mut [0; 4096]);
                let _ = caller.write_all(&garbage);
            }
            _ => mute.push(caller),
        }
    }
    assert_eq!(watch(&rig, 60), 0, "{}", rig.told());
    rig.assert_unbroken();
}

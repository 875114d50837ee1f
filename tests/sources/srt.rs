//! SRT senders that do what senders do.

use std::time::{Duration, Instant};

use uplink::model::EventCode;
use uplink::model::status::ProgramOrder;
use uplink::plan::{SourceKind, SrtMode};

use crate::recorder::Record;
use crate::rig::{Rig, Sender, free_port};

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

/// A live sender: picture of `size` at `rate`, a steady sound, GOP of `gop` frames.
fn live(size: &str, rate: u32, gop: u32, extra: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> = ["-re", "-f", "lavfi", "-i"].map(str::to_owned).to_vec();
    arguments.push(format!("testsrc2=size={size}:rate={rate}"));
    arguments.extend(["-re", "-f", "lavfi", "-i", "sine=frequency=500:sample_rate=48000"].map(str::to_owned));
    arguments.extend(
        ["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1"].map(str::to_owned),
    );
    arguments.extend(["-g".to_owned(), gop.to_string()]);
    arguments.extend(["-pix_fmt", "yuv420p", "-c:a", "aac", "-muxdelay", "0"].map(str::to_owned));
    arguments.extend(extra.iter().map(|a| (*a).to_owned()));
    arguments
}

fn send(arguments: &[String], port: u16) -> Sender {
    Sender::srt(arguments, port)
}

fn shows_source(r: &Record) -> bool {
    r.pictures.last().is_some_and(|p| !p.is_slate)
}

fn shows_slate(r: &Record) -> bool {
    r.pictures.last().is_some_and(|p| p.is_slate)
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

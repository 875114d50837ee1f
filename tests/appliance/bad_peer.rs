//! Peers that do not know the rules: a wrong token, garbage on the worker's socket, an upload without end.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::sys::signal::Signal;
use uplink::model::status::DestinationState;
use uplink::model::{Fault, Health};

use crate::delivered::{assert_whole, measure};
use crate::http;
use crate::outage::everything_is_there;
use crate::rig::{PLAIN, Rig, TOKEN};

#[test]
fn a_wrong_token_is_told_and_once_corrected_everything_arrives() {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    std::fs::write(rig.path("origin.token"), "another-token-than-the-one-pushed").unwrap();
    rig.start_origin();
    rig.start_daemon();
    let refused = rig.wait_destination("a", "segments wait, refused", |one| {
        one.queue_segments >= 9 && one.health.code == "push_refused"
    });
    assert_ne!(refused.state, DestinationState::Streaming);
    assert_eq!((refused.health.health, refused.fault), (Health::Unhealthy, Some(Fault::Destination)));
    for part in ["refuses the token (HTTP 401)", "compare the destination's token"] {
        assert!(refused.health.reason.contains(part), "{}", refused.health.reason);
    }
    let event = rig.wait_event("push_refused", Some("a"));
    assert!(event["hint"].as_str().unwrap().contains("token"), "{event}");
    for place in [rig.get("/api/v1/status").text(), rig.get("/api/v1/events/recent").text(), log(&rig, "daemon.log")] {
        assert!(!place.contains(TOKEN), "the token is shown");
    }

    rig.end_origin(Signal::SIGTERM);
    std::fs::write(rig.path("origin.token"), TOKEN).unwrap();
    rig.start_origin();
    rig.wait_destination("a", "nothing waits", |one| {
        one.state == DestinationState::Streaming && one.queue_segments == 0 && one.health.health == Health::Healthy
    });
    rig.wait_on_air("a");
    everything_is_there(&rig, "a");
}

fn log(rig: &Rig, name: &str) -> String {
    std::fs::read_to_string(rig.path(name)).unwrap()
}

#[test]
fn garbage_on_the_worker_socket_costs_nothing() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let worker = rig.worker("a");
    let measuring = measure(&rig, "a", 12);
    let json = |text: &str| [&u32::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat();
    let hello = r#"{"type":"hello","protocol":1,"build":"none"}"#;
    let garbage: [Vec<u8>; 6] = [
        vec![0xFF; 4096],
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        json("{"),
        json(r#"{"type":"hello","protocol":4711,"build":"none"}"#),
        json(r#"{"type":"stop","deadline_ms":0}"#),
        // A peer that is greeted and then loses its mind: it takes the daemon's place, and the daemon has to come back.
        [json(hello), json(r#"{"type":"explode"}"#)].concat(),
    ];
    for bytes in &garbage {
        let mut socket = UnixStream::connect(rig.path("run/a/worker.sock")).expect("the worker listens");
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _ = socket.write_all(bytes);
        // The worker says hello, and ends the connection.
        let mut said = Vec::new();
        let _ = socket.read_to_end(&mut said);
        assert!(String::from_utf8_lossy(&said).contains("hello") || said.is_empty());
    }
    assert!(crate::process::lives(worker));
    let before = rig.report("a").program.frames;
    rig.wait_channel("a", "heard of again", |channel| {
        channel.on_air && channel.report.as_ref().is_some_and(|report| report.program.frames > before + 25)
    });
    assert_eq!((rig.worker("a"), rig.channel("a").restarts), (worker, 0));
    let said = log(&rig, "run/a/worker.log");
    assert!(said.contains("turned away"), "{said}");
    assert_whole(&rig, "a", &measuring.report(), 10);
    // It still obeys the daemon.
    rig.order("a", "slate");
    rig.order("a", "release");
}

#[test]
fn an_upload_of_ten_gigabytes_is_refused_and_harms_nobody() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let measuring = measure(&rig, "a", 8);
    let head = |length: &str| {
        format!(
            "PUT /live/a/180p/7.m4s HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: video/mp4\r\n{length}\r\n"
        )
    };
    let body = vec![0; 64 * 1024];
    let announced = http::ask(rig.origin, &head("Content-Length: 10737418240"), &body).unwrap();
    assert_eq!(announced.status, 413);
    assert!(announced.text().contains("larger than this origin takes (4194304 bytes)"), "{}", announced.text());
    // Without a length the origin finds out by itself.
    let mut chunk = format!("{:x}\r\n", 1 << 20).into_bytes();
    chunk.extend(vec![0; 1 << 20]);
    chunk.extend(b"\r\n");
    let endless = http::ask(rig.origin, &head("Transfer-Encoding: chunked"), &chunk.repeat(6));
    assert!(endless.is_ok_and(|answer| answer.status == 413), "an upload without a length");
    assert_eq!(http::get(rig.origin, "/live/a/180p/7.m4s").unwrap().status, 404);
    let files = std::fs::read_dir(rig.path("origin/live/a/180p")).unwrap().flatten();
    let large = files.filter(|file| file.metadata().is_ok_and(|about| about.len() >= 1 << 20)).count();
    assert_eq!(large, 0, "nothing of it stays");
    assert_whole(&rig, "a", &measuring.report(), 6);
}

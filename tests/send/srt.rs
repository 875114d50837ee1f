//! SRT against srt-live-transmit and ffmpeg.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use uplink::model::status::DestinationState;
use uplink::model::{EventCode, Health, Secret};
use uplink::plan::{CarrierPlan, SrtMode};

use crate::judge;
use crate::peers::{Peer, free_udp_port, has};
use crate::relay::Relay;
use crate::studio::{Studio, seconds, ts, until};

const PASSPHRASE: &str = "correct-horse-battery";

fn carrier(mode: SrtMode, port: u16, passphrase: Option<&str>, stream_id: Option<&str>) -> CarrierPlan {
    CarrierPlan::Srt {
        mode,
        host: "127.0.0.1".into(),
        port,
        latency_ms: 200,
        passphrase: passphrase.map(Secret::new),
        key_length: 32,
        stream_id: stream_id.map(ToOwned::to_owned),
        overhead_percent: 25,
        max_bandwidth: None,
        ts: ts(),
    }
}

fn transmit(directory: &Path, port: u16, options: &str, out: &Path) -> Peer {
    let mut command = Command::new("srt-live-transmit");
    command.args(["-q", &format!("srt://127.0.0.1:{port}?mode=listener&latency=200{options}"), "file://con"]);
    Peer::run(&mut command, directory, "srt-live-transmit", Some(out))
}

fn there() -> bool {
    has("srt-live-transmit", "srt-tools")
}

#[test]
fn an_encrypted_stream_arrives_whole() {
    if !there() {
        return;
    }
    let (studio, port, directory) = (Studio::start(), free_udp_port(), tempfile::tempdir().unwrap());
    let out = directory.path().join("out.ts");
    let peer = transmit(directory.path(), port, &format!("&passphrase={PASSPHRASE}&pbkeylen=32"), &out);
    let sender = studio.send(carrier(SrtMode::Caller, port, Some(PASSPHRASE), Some("#!::r=live,m=publish")));
    seconds(&sender, 6);
    let status = sender.status();
    assert_eq!((status.state, status.health.health), (DestinationState::Streaming, Health::Healthy), "{status:#?}");
    let acknowledged = status.bytes_acknowledged.unwrap();
    assert!(acknowledged > 100_000 && acknowledged <= status.bytes_sent, "{status:#?}");
    assert!(status.link.rtt_ms.is_some_and(|rtt| rtt < 100.0), "{status:#?}");
    assert!(status.link.latency_ms.is_some_and(|latency| latency >= 4.0), "{status:#?}");
    assert!(status.link.bandwidth_bps.is_some_and(|rate| rate > 0), "{status:#?}");
    assert!(sender.stop(Duration::from_secs(3)));
    peer.kill();
    let frames = judge::unbroken(&out, 3000, 1920);
    assert!(frames >= 150, "{frames} frames");
}

#[test]
fn a_wrong_passphrase_is_for_a_person_and_not_tried_madly() {
    if !there() {
        return;
    }
    let (studio, port, directory) = (Studio::start(), free_udp_port(), tempfile::tempdir().unwrap());
    let out = directory.path().join("out.ts");
    let peer = transmit(directory.path(), port, &format!("&passphrase={PASSPHRASE}&pbkeylen=32"), &out);
    for (passphrase, said) in
        [(Some("another-horse-battery"), "refuses the passphrase"), (None, "demands a passphrase")]
    {
        let sender = studio.send(carrier(SrtMode::Caller, port, passphrase, None));
        let failed =
            until(&sender, "failed", Duration::from_secs(10), |status| status.state == DestinationState::Failed);
        assert!(failed.health.reason.contains(said), "{}", failed.health.reason);
        assert!(!failed.health.reason.contains("horse"), "a secret is shown");
        let end = Instant::now() + Duration::from_secs(3);
        while Instant::now() < end {
            assert_eq!(sender.status().state, DestinationState::Failed);
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(sender.stop(Duration::from_secs(3)));
    }
    let rejected = peer.log().matches("rsp(REJECT)").count();
    assert!(rejected <= 4, "{rejected} attempts: {}", peer.log());
    let events = studio.events.lock().unwrap();
    assert_eq!(events.iter().filter(|event| event.code == EventCode::PushRefused).count(), 2);
}

#[test]
fn a_listener_serves_callers_that_name_its_stream_and_no_others() {
    let (studio, port, directory) = (Studio::start(), free_udp_port(), tempfile::tempdir().unwrap());
    let sender = studio.send(carrier(SrtMode::Listener, port, Some(PASSPHRASE), Some("main-feed")));
    let waits = until(&sender, "open", Duration::from_secs(5), |status| status.link.callers == Some(0));
    assert_eq!((waits.state, waits.health.reason.as_str()), (DestinationState::Connecting, "no caller has come yet"));
    let call = |stream: &str, passphrase: &str, out: &Path| {
        let url = format!("srt://127.0.0.1:{port}?mode=caller&passphrase={passphrase}&pbkeylen=32&streamid={stream}");
        let mut command = Command::new("timeout");
        command.args(["20", "ffmpeg", "-nostdin", "-v", "error", "-y", "-i", &url, "-t", "4", "-c", "copy"]).arg(out);
        Peer::run(&mut command, directory.path(), stream, None)
    };
    let out = directory.path().join("refused.ts");
    assert!(call("other-feed", PASSPHRASE, &out).wait(Duration::from_secs(20)), "the refused caller ends");
    assert!(!out.exists() || std::fs::metadata(&out).unwrap().len() == 0);
    assert!(call("main-feed", "wrong-horse-battery", &out).wait(Duration::from_secs(20)));
    assert!(!out.exists() || std::fs::metadata(&out).unwrap().len() == 0);
    let out = directory.path().join("out.ts");
    let peer = call("main-feed", PASSPHRASE, &out);
    until(&sender, "streaming", Duration::from_secs(10), |status| {
        status.state == DestinationState::Streaming && status.link.callers == Some(1)
    });
    assert!(peer.wait(Duration::from_secs(20)), "{}", "ffmpeg has its four seconds");
    let left = until(&sender, "left", Duration::from_secs(10), |s| s.state == DestinationState::Interrupted);
    assert!(left.health.reason.contains("the caller has left"), "{}", left.health.reason);
    assert!(sender.stop(Duration::from_secs(3)));
    let (frames, _) = judge::decoded(&out);
    assert!(frames >= 80, "{frames} frames");
}

#[test]
fn a_peer_that_is_killed_gets_the_stream_again_from_a_keyframe() {
    if !there() {
        return;
    }
    let (studio, port, directory) = (Studio::start(), free_udp_port(), tempfile::tempdir().unwrap());
    let (first, second) = (directory.path().join("first.ts"), directory.path().join("second.ts"));
    let peer = transmit(directory.path(), port, "", &first);
    let sender = studio.send(carrier(SrtMode::Caller, port, None, None));
    seconds(&sender, 2);
    peer.kill();
    let lost = until(&sender, "interrupted", Duration::from_secs(10), |s| s.state == DestinationState::Interrupted);
    assert_eq!(lost.health.code, "push_interrupted");
    let peer = transmit(directory.path(), port, "", &second);
    until(&sender, "streaming again", Duration::from_secs(15), |status| status.reconnects == 1);
    seconds(&sender, 3);
    assert!(sender.stop(Duration::from_secs(3)));
    peer.kill();
    for file in [&first, &second] {
        judge::unbroken(file, 3000, 1920);
    }
    let connected = studio.events.lock().unwrap().iter().filter(|event| event.code == EventCode::PushConnected).count();
    assert_eq!(connected, 2);
}

#[test]
fn five_percent_of_loss_are_mended_within_the_latency() {
    if !there() {
        return;
    }
    let (studio, port, directory) = (Studio::start(), free_udp_port(), tempfile::tempdir().unwrap());
    let out = directory.path().join("out.ts");
    let peer = transmit(directory.path(), port, "", &out);
    let relay = Relay::start(port, 20, Duration::from_millis(5));
    let sender = studio.send(carrier(SrtMode::Caller, relay.port(), None, None));
    seconds(&sender, 8);
    let status = sender.status();
    assert!(status.link.packets_retransmitted.is_some_and(|count| count > 5), "{status:#?}");
    assert!(sender.stop(Duration::from_secs(3)));
    peer.kill();
    let frames = judge::unbroken(&out, 3000, 1920);
    assert!(relay.dropped() > 10 && frames > 200, "{} dropped, {frames} frames", relay.dropped());
    eprintln!("SRT at 5 % loss: {} packets dropped, 0 of {frames} frames missing", relay.dropped());
}

#[test]
fn a_peer_that_falls_silent_is_noticed_by_what_it_acknowledges() {
    if !there() {
        return;
    }
    let (studio, port, directory) = (Studio::start(), free_udp_port(), tempfile::tempdir().unwrap());
    let out = directory.path().join("out.ts");
    let peer = transmit(directory.path(), port, "", &out);
    let sender = studio.send(carrier(SrtMode::Caller, port, None, None));
    seconds(&sender, 2);
    let stop = |signal: &str| Command::new("kill").args([signal, &peer.id().to_string()]).status().unwrap();
    stop("-STOP");
    let begun = Instant::now();
    let lost = until(&sender, "interrupted", Duration::from_secs(10), |s| s.state == DestinationState::Interrupted);
    let after = begun.elapsed();
    stop("-CONT");
    eprintln!("SRT peer stopped: noticed after {:.1} s: {}", after.as_secs_f64(), lost.health.reason);
    let begun = Instant::now();
    sender.stop(Duration::from_secs(4));
    assert!(begun.elapsed() < Duration::from_secs(5), "a hung peer does not hold the sender");
}

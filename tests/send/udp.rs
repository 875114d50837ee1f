//! MPEG-TS over UDP, received by a socket of the test: every byte is looked at.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use uplink::model::status::DestinationState;
use uplink::model::{BitRate, Health};
use uplink::plan::{CarrierPlan, TsPlan};

use crate::judge;
use crate::receiver::{Receiver, saved};
use crate::studio::{Studio, seconds, ts, until};

pub fn carrier(host: &str, port: u16, ts: TsPlan) -> CarrierPlan {
    CarrierPlan::UdpTs { host: host.into(), port, ttl: 1, interface: None, ts }
}

#[test]
fn a_transport_stream_arrives_whole_with_captions_and_names() {
    let (studio, receiver) = (Studio::start(), Receiver::start());
    let sender = studio.send(carrier("127.0.0.1", receiver.port(), ts()));
    seconds(&sender, 6);
    let status = sender.status();
    assert_eq!((status.state, status.health.health), (DestinationState::Streaming, Health::Healthy));
    assert_eq!(status.bytes_acknowledged, None);
    assert!(status.health.reason.contains("does not tell"), "{}", status.health.reason);
    assert!(sender.stop(Duration::from_secs(3)));
    let datagrams = receiver.finish();
    assert!(datagrams.iter().all(|(_, datagram)| datagram.len() <= 1316 && datagram.len() % 188 == 0));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.ts");
    saved(&datagrams, &file);
    let frames = judge::unbroken(&file, 3000, 1920);
    assert!(frames >= 150, "{frames} frames");
    assert!(judge::captions(&file).contains("HELLO"));
    let streams = judge::streams(&file);
    for part in ["h264", "aac", "0x100", "0x110", "eng", "Test"] {
        assert!(streams.contains(part), "no {part} in {streams}");
    }
}

#[test]
fn a_constant_rate_is_constant_and_its_clock_fits() {
    let (studio, receiver) = (Studio::start(), Receiver::start());
    let rate = BitRate(1_504_000);
    let sender = studio.send(carrier("127.0.0.1", receiver.port(), TsPlan { bitrate: Some(rate), ..ts() }));
    seconds(&sender, 5);
    assert!(sender.stop(Duration::from_secs(3)));
    let datagrams = receiver.finish();
    let packets: Vec<&[u8]> = datagrams.iter().flat_map(|(_, datagram)| datagram.chunks(188)).collect();
    let clock = |packet: &[u8]| {
        let has = packet[3] & 0x20 != 0 && packet[4] > 6 && packet[5] & 0x10 != 0;
        let base =
            || u64::from(u32::from_be_bytes(packet[6..10].try_into().unwrap())) << 1 | u64::from(packet[10] >> 7);
        has.then(|| base() * 300 + (u64::from(packet[10] & 1) << 8 | u64::from(packet[11])))
    };
    let clocks: Vec<(u64, u64)> = packets.iter().zip(0..).filter_map(|(packet, n)| Some((n, clock(packet)?))).collect();
    assert!(clocks.len() > 100);
    for pair in clocks.windows(2) {
        // A packet is a millisecond: 27,000 ticks.
        assert_eq!(pair[1].1 - pair[0].1, (pair[1].0 - pair[0].0) * 27_000, "the clock counts packets");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.ts");
    saved(&datagrams, &file);
    judge::unbroken(&file, 3000, 1920);
    // No unit comes after it should have been decoded.
    let last = clocks[clocks.len() - 1];
    let decoded: Vec<i64> = judge::packets(&file, "v:0").iter().map(|packet| packet.dts).collect();
    let behind = decoded[decoded.len() - 1] - (last.1 / 300) as i64;
    assert!(behind > 0, "the last picture is {behind} ticks ahead of the clock");
}

#[test]
fn a_group_is_reached_by_its_interface() {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let group = "239.255.77.13";
    if let Err(error) = socket.join_multicast_v4(&group.parse().unwrap(), &"127.0.0.1".parse().unwrap()) {
        eprintln!("\n*** SKIPPED: no multicast on this machine ({error}) ***\n");
        return;
    }
    let (studio, receiver) = (Studio::start(), Receiver::on(socket));
    let port = receiver.port();
    let carrier = CarrierPlan::UdpTs { host: group.into(), port, ttl: 1, interface: Some("lo".into()), ts: ts() };
    let sender = studio.send(carrier);
    seconds(&sender, 2);
    assert!(sender.stop(Duration::from_secs(3)));
    assert!(receiver.finish().len() > 50);
}

#[test]
fn a_name_that_does_not_resolve_is_said_and_holds_nobody_up() {
    let studio = Studio::start();
    let sender = studio.send(carrier("nobody.invalid", 5000, ts()));
    let status =
        until(&sender, "interrupted", Duration::from_secs(20), |status| status.state == DestinationState::Interrupted);
    assert!(status.health.reason.contains("`nobody.invalid` does not resolve"), "{}", status.health.reason);
    let begun = Instant::now();
    sender.stop(Duration::from_secs(2));
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_sender_that_pauses_on_slate_sends_nothing_then() {
    let (studio, receiver) = (Studio::start(), Receiver::start());
    let sender = studio.send(carrier("127.0.0.1", receiver.port(), ts()));
    seconds(&sender, 1);
    sender.pause(true);
    let paused = until(&sender, "paused", Duration::from_secs(3), |status| status.state == DestinationState::Disabled);
    assert_eq!(paused.health.health, Health::Inactive);
    sender.pause(false);
    until(&sender, "streaming again", Duration::from_secs(5), |status| status.position > paused.position);
    assert!(sender.stop(Duration::from_secs(3)));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("out.ts");
    saved(&receiver.finish(), &file);
    let video = judge::packets(&file, "v:0");
    let gap = video.windows(2).position(|pair| pair[1].pts - pair[0].pts != 3000).expect("a pause");
    assert!(video[gap + 1].key, "it goes on with a keyframe");
}

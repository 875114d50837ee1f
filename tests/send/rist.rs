//! RIST against ristreceiver (librist).

use std::process::Command;
use std::time::Duration;

use uplink::model::status::DestinationState;
use uplink::plan::CarrierPlan;

use crate::judge;
use crate::peers::{Peer, free_udp_pair, has};
use crate::studio::{Studio, seconds, ts, until};
use crate::udp::{Receiver, saved};

fn carrier(port: u16) -> CarrierPlan {
    CarrierPlan::Rist { host: "127.0.0.1".into(), port, buffer_ms: 1000, ts: ts() }
}

#[test]
fn a_receiver_gets_the_stream_and_its_silence_is_noticed() {
    if !has("ristreceiver", "rist-tools") {
        return;
    }
    let (studio, port, directory) = (Studio::start(), free_udp_pair(), tempfile::tempdir().unwrap());
    let sender = studio.send(carrier(port));
    let nobody = until(&sender, "interrupted", Duration::from_secs(10), |s| s.state == DestinationState::Interrupted);
    assert!(nobody.health.reason.contains("acknowledged nothing"), "{}", nobody.health.reason);
    let receiver = Receiver::start();
    let mut command = Command::new("ristreceiver");
    command.args(["-p", "0", "-i", &format!("rist://@127.0.0.1:{port}"), "-b", "300"]);
    command.args(["-o", &format!("udp://127.0.0.1:{}", receiver.port())]);
    let peer = Peer::run(&mut command, directory.path(), "ristreceiver", None);
    let status =
        until(&sender, "streaming", Duration::from_secs(15), |status| status.state == DestinationState::Streaming);
    assert!(status.bytes_acknowledged.is_some_and(|bytes| bytes > 0), "{status:#?}");
    seconds(&sender, 6);
    peer.kill();
    let lost = until(&sender, "interrupted", Duration::from_secs(10), |s| s.state == DestinationState::Interrupted);
    assert!(lost.health.reason.contains("acknowledged nothing for"), "{}", lost.health.reason);
    assert!(sender.stop(Duration::from_secs(3)));
    let file = directory.path().join("out.ts");
    saved(&receiver.finish(), &file);
    let (frames, _) = judge::decoded(&file);
    // Two of the six seconds: from there to here it is plain UDP, which a machine that stands still loses.
    assert!(frames >= 50, "{frames} frames");
}

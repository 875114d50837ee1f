//! A channel that is sent as a stream to three peers at once, beside its origin: what the daemon was told in the file is
//! what arrives, and none of them minds what becomes of another.

use std::path::Path;
use std::process::Command;

use nix::sys::signal::Signal;
use uplink::model::status::{DestinationState, DestinationStatus};
use uplink::model::{Fault, Health};

use crate::judge;
use crate::nginx::{KEY, Nginx};
use crate::peers::{Peer, free_udp_pair, free_udp_port, has};
use crate::receiver::{Receiver, saved};
use crate::rig::{PLAIN, Rig};

const PASSPHRASE: &str = "a-passphrase-of-the-rig";
const STREAMS: [&str; 3] = ["srt", "rtmp", "rist"];
/// Ticks of a picture and of a frame of sound, in a transport stream.
const STEPS: (i64, i64) = (3600, 1920);

fn one(rig: &Rig, id: &str) -> Option<DestinationStatus> {
    rig.channel("a").report?.destinations.into_iter().find(|one| one.id.as_str() == id)
}

fn wait(rig: &Rig, id: &str, what: &str, test: impl Fn(&DestinationStatus) -> bool) -> DestinationStatus {
    let mut found = None;
    rig.until(&format!("{id}: {what}"), || {
        found = one(rig, id).filter(&test);
        found.is_some()
    });
    found.unwrap()
}

/// Waits until the peer of `id` has acknowledged so much more.
fn goes_on(rig: &Rig, id: &str) {
    let before = one(rig, id).map_or(0, |one| one.bytes_acknowledged);
    wait(rig, id, "more is acknowledged", |one| one.bytes_acknowledged > before + 100_000);
}

/// That `id` was never lost and nothing waits there.
fn assert_untouched(rig: &Rig, id: &str) {
    let one = one(rig, id).expect("it is there");
    assert_eq!((one.state, one.reconnects), (DestinationState::Streaming, 0), "{id}: {one:#?}");
    assert_eq!(one.health.health, Health::Healthy, "{id}: {one:#?}");
}

fn srt_peer(rig: &Rig, port: u16, file: &Path) -> Peer {
    let mut command = Command::new("srt-live-transmit");
    let from = format!("srt://127.0.0.1:{port}?mode=listener&latency=200&passphrase={PASSPHRASE}&pbkeylen=16");
    command.args(["-q", &from, "file://con"]);
    Peer::run(&mut command, &rig.path(""), "srt-live-transmit", Some(file))
}

fn rist_peer(rig: &Rig, port: u16, receiver: &Receiver) -> Peer {
    let mut command = Command::new("ristreceiver");
    command.args(["-p", "0", "-b", "1500", "-i", &format!("rist://@127.0.0.1:{port}")]);
    command.args(["-o", &format!("udp://127.0.0.1:{}", receiver.port())]);
    Peer::run(&mut command, &rig.path(""), "ristreceiver", None)
}

fn configure(rig: &Rig, srt: u16, rtmp: u16, rist: u16) {
    std::fs::write(rig.path("srt.passphrase"), PASSPHRASE).unwrap();
    std::fs::write(rig.path("rtmp.key"), KEY).unwrap();
    rig.edit(|text| {
        let text = text.replace("[\"origin\"]", "[\"origin\", \"srt\", \"rtmp\", \"rist\"]");
        format!(
            "{text}\n[destinations.srt]\nkind = \"srt\"\nmode = \"caller\"\nhost = \"127.0.0.1\"\nport = {srt}\n\
             latency_ms = 200\npassphrase_file = \"srt.passphrase\"\n\
             [destinations.rtmp]\nkind = \"rtmp\"\nurl = \"rtmp://127.0.0.1:{rtmp}/live\"\nstream_key_file = \"rtmp.key\"\n\
             [destinations.rist]\nkind = \"rist\"\nhost = \"127.0.0.1\"\nport = {rist}\nbuffer_ms = 2000\n"
        )
    });
}

/// Pictures of an FLV file, which are not one missing: 40 ms each.
fn recorded(file: &Path) -> usize {
    let video = judge::packets(file, "v:0");
    assert!(video.first().is_some_and(|first| first.key), "it begins with {:?}", video.first());
    for pair in video.windows(2) {
        assert_eq!(pair[1].pts - pair[0].pts, 40, "{pair:?} in {}", file.display());
    }
    let (frames, complaints) = judge::decoded(file);
    assert_eq!(complaints.trim(), "", "the decoder complains");
    frames
}

#[test]
fn three_peers_get_one_channel_and_each_heals_without_the_others() {
    if !has("srt-live-transmit", "srt-tools") || !has("ristreceiver", "rist-tools") {
        return;
    }
    let Some(mut nginx) = Nginx::start() else { return };
    let mut rig = Rig::new(&[("a", PLAIN)]);
    let (srt, rist, receiver) = (free_udp_port(), free_udp_pair(), Receiver::start());
    configure(&rig, srt, nginx.port, rist);
    let (first, second) = (rig.path("first.ts"), rig.path("second.ts"));
    let srt_listener = srt_peer(&rig, srt, &first);
    let rist_receiver = rist_peer(&rig, rist, &receiver);
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    for id in STREAMS {
        wait(&rig, id, "streams", |one| one.state == DestinationState::Streaming);
        goes_on(&rig, id);
    }

    srt_listener.kill();
    let lost = wait(&rig, "srt", "lost", |one| one.state == DestinationState::Interrupted);
    assert_eq!((lost.health.code.as_str(), lost.fault), ("push_interrupted", Some(Fault::Destination)), "{lost:#?}");
    goes_on(&rig, "rtmp");
    let srt_listener = srt_peer(&rig, srt, &second);
    wait(&rig, "srt", "back", |one| one.state == DestinationState::Streaming && one.reconnects == 1);
    for id in ["rtmp", "rist"] {
        assert_untouched(&rig, id);
    }

    nginx.go_away();
    wait(&rig, "rtmp", "lost", |one| one.state == DestinationState::Interrupted);
    goes_on(&rig, "srt");
    nginx.come_back();
    wait(&rig, "rtmp", "back", |one| one.state == DestinationState::Streaming && one.reconnects == 1);
    goes_on(&rig, "rtmp");
    assert_untouched(&rig, "rist");
    assert_eq!(one(&rig, "srt").unwrap().reconnects, 1, "it did not notice");
    let program = rig.report("a").program;
    assert_eq!((program.missed, rig.channel("a").restarts), (0, 0));

    // What is still in the receiver's buffer goes with it; the others are ended properly.
    rist_receiver.kill();
    assert_eq!(rig.end_daemon(Signal::SIGTERM), Some(0));
    srt_listener.kill();
    rig.until("both recordings are closed", || nginx.recorded().len() == 2);
    let in_order = rig.path("rist.ts");
    saved(&receiver.finish(), &in_order);
    let (video, sound) = STEPS;
    let srt = [&first, &second].map(|file| judge::unbroken(file, video, sound));
    let rtmp: Vec<usize> = nginx.recorded().iter().map(|file| recorded(file)).collect();
    let rist = judge::unbroken_once_begun(&in_order, video, sound);
    eprintln!("pictures decoded: SRT {srt:?}, RTMP {rtmp:?}, RIST {rist} of one session");
    // It began later than RTMP and had nothing cut.
    assert!(rist > srt[0] && rist > rtmp[1], "one session lasts longer than what came before or behind a cut");
}

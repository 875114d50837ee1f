//! The end, in order: what was encoded is delivered, and nothing stays behind.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::delivered::newest;
use crate::http;
use crate::outage::{delivered, everything_is_there};
use crate::process::{self, exit_code};
use crate::rig::{PLAIN, RENDITIONS, Rig, SOON, skip, tail};

#[test]
fn an_interrupt_takes_all_channels_off_air_in_order() {
    let mut rig = Rig::on_air(&[("a", PLAIN), ("b", PLAIN)]);
    let workers = [rig.worker("a"), rig.worker("b")];
    assert_eq!(rig.end_daemon(Signal::SIGINT), Some(0));
    for worker in workers {
        assert!(!process::lives(worker), "worker {worker} is left");
    }
    for channel in ["a", "b"] {
        everything_is_there(&rig, channel);
        let last: Vec<u64> = RENDITIONS.iter().map(|rendition| newest(&rig, channel, rendition)).collect();
        assert_eq!(last, [last[0]; 3], "{channel}: the renditions do not end together");
    }
    assert_eq!(rig.end_origin(Signal::SIGINT), Some(0));
    assert_eq!(rig.leftovers(), Vec::<u32>::new());
}

#[test]
fn an_origin_that_is_away_does_not_hold_up_the_end_and_gets_the_rest_later() {
    let mut rig = Rig::on_air(&[("a", PLAIN)]);
    rig.end_origin(Signal::SIGKILL);
    rig.wait_destination("a", "segments wait", |one| one.queue_segments >= 6);
    assert_eq!(rig.end_daemon(Signal::SIGTERM), Some(0));
    assert_eq!(rig.leftovers(), Vec::<u32>::new());
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    rig.wait_destination("a", "nothing waits", |one| one.queue_segments == 0);
    let numbers = RENDITIONS.map(|rendition| delivered(&rig, "a", rendition));
    assert!(numbers.iter().all(|all| all.len() >= 3), "{numbers:?}");
}

/// The demo as people start it: on its fixed ports.
#[test]
fn the_demo_runs_and_leaves_nothing_running() {
    if [8080, 8090].iter().any(|port| TcpListener::bind(("127.0.0.1", *port)).is_err()) {
        return skip("packaging/demo/run: port 8080 or 8090 is taken by another program");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let binaries = Path::new(env!("CARGO_BIN_EXE_uplinkd")).parent().unwrap();
    let data = TempDir::with_prefix("demo").unwrap();
    let log = data.path().join("said.log");
    let said = std::fs::File::create(&log).unwrap();
    let mut demo = Command::new(root.join("packaging/demo/run"))
        .arg("--binaries")
        .arg(binaries)
        .arg("--data")
        .arg(data.path())
        .args(["--source", "test"])
        .stdin(Stdio::null())
        .stdout(said.try_clone().unwrap())
        .stderr(said)
        .spawn()
        .unwrap();
    let on_air = std::panic::catch_unwind(|| {
        process::until("the demo says it is on air", SOON, || {
            std::fs::read_to_string(&log).is_ok_and(|text| text.contains("on air"))
        });
    });
    let text = std::fs::read_to_string(&log).unwrap();
    let playlist = http::get(([127, 0, 0, 1], 8090).into(), "/live/demo/multivariant.m3u8").map(|answer| answer.status);
    let player = http::get(([127, 0, 0, 1], 8090).into(), "/watch/demo").map(|answer| answer.status);
    // As the terminal does: to the shell and to what it started.
    for pid in process::naming(data.path()) {
        // What the shell asked something of may have ended meanwhile.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), Signal::SIGINT);
    }
    let code = exit_code(&mut demo, Duration::from_secs(30));
    let left = process::naming(data.path());
    left.iter().for_each(|pid| process::signal(*pid, Signal::SIGKILL));
    assert!(on_air.is_ok(), "{}", tail(&log, 40));
    assert!(text.contains("The demo channel is on air."), "{text}");
    for address in ["http://127.0.0.1:8080", "http://127.0.0.1:8090/watch/demo"] {
        assert!(text.contains(address), "{text}");
    }
    assert_eq!((playlist.ok(), player.ok()), (Some(200), Some(200)));
    assert_eq!(left, Vec::<u32>::new(), "left running");
    assert_eq!(code, Some(0), "{}", tail(&log, 40));
}

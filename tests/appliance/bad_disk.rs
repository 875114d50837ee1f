//! A disk that is full or read-only costs segments, says so, and is used again as soon as it can be. Needs root, for
//! file systems of its own.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use uplink::model::Health;

use crate::delivered::{assert_whole, measure, named, newest, wait_picture};
use crate::last_good::cut_power;
use crate::rig::{PLAIN, RENDITIONS, Rig, skip};

/// A mount that ends with the test.
struct Mount(PathBuf);

impl Mount {
    fn new(arguments: &[&str], at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        run("mount", arguments, at).then(|| Self(at.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        run("umount", &["-l"], &self.0);
    }
}

fn run(program: &str, arguments: &[&str], at: &Path) -> bool {
    Command::new(program).args(arguments).arg(at).status().is_ok_and(|status| status.success())
}

fn assert_told(event: &Value, parts: &[&str]) {
    let told = format!("{}: {}", event["text"], event["hint"]);
    for part in parts {
        assert!(told.contains(part), "`{part}` is not in {told}");
    }
    assert_eq!(event["severity"], "error");
    eprintln!("{told}");
}

#[test]
fn a_full_disk_is_told_and_used_again_when_there_is_room() {
    let mut rig = Rig::new(&[("a", PLAIN), ("b", PLAIN)]);
    let Some(_mount) = Mount::new(&["-t", "tmpfs", "-o", "size=12m", "none"], &rig.spool("a")) else {
        return skip("a full disk: this user may not mount a tmpfs");
    };
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    rig.wait_on_air("b");
    let (worker, neighbour) = (rig.worker("a"), measure(&rig, "b", 14));
    let ballast = rig.spool("a").join("ballast");
    let mut file = File::create(&ballast).unwrap();
    // The spool gives up old segments to make room, so it takes more than one attempt to leave it none.
    rig.until("an unhealthy spool", || {
        while file.write_all(&[0; 4096]).is_ok() {}
        rig.report("a").spool.health.code == "disk_full"
    });
    let spool = rig.report("a").spool;
    assert!(spool.lost_segments > 0, "{spool:?}");
    let failed = rig.wait_event("spool_failed", Some("a"));
    assert_told(&failed, &["the disk is full at", "free space on it", "lost until this is mended"]);
    assert_eq!(failed["fault"], "hardware");

    drop(file);
    std::fs::remove_file(&ballast).unwrap();
    rig.wait_event("spool_recovered", Some("a"));
    let last = newest(&rig, "a", RENDITIONS[0]);
    rig.until("new segments at the origin", || newest(&rig, "a", RENDITIONS[0]) > last + 1);
    wait_picture(&rig, "a", true);
    rig.wait_channel("a", "a spool that is well again", |channel| {
        channel.report.as_ref().is_some_and(|report| report.spool.health.health == Health::Healthy)
    });
    assert_eq!(rig.worker("a"), worker, "a disk is no reason to restart a worker");
    assert_whole(&rig, "b", &neighbour.report(), 12);
}

/// Whatever it was that has filled the disk of the state directory: the box is switched on, and comes on air.
#[test]
fn a_box_whose_disk_is_full_comes_up_on_air_and_says_so() {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    let Some(_mount) = Mount::new(&["-t", "tmpfs", "-o", "size=24m", "none"], &rig.path("state")) else {
        return skip("a box that starts with a full disk: this user may not mount a tmpfs");
    };
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    // What the channel may give up, which is less than what it needs.
    rig.until("a few segments", || newest(&rig, "a", RENDITIONS[0]) > named(&rig, "a", RENDITIONS[0], 0)[0].0 + 3);
    cut_power(&mut rig, &["a"]);
    let ballast = rig.path("state/ballast");
    let mut file = File::create(&ballast).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    rig.start_daemon();
    rig.wait_on_air("a");
    rig.until("the alarm", || {
        while file.write_all(&[0; 512]).is_ok() {}
        active(&rig).iter().any(|code| code == "store_failed" || code == "spool_failing")
    });
    eprintln!("a full disk at the start: {:?}", active(&rig));

    drop(file);
    std::fs::remove_file(&ballast).unwrap();
    rig.until("all is well again", || {
        active(&rig).iter().all(|code| !["store_failed", "spool_failing"].contains(&code.as_str()))
    });
    rig.wait_on_air("a");
    wait_picture(&rig, "a", true);
    assert_eq!(rig.channel("a").restarts, 0, "a disk is no reason to restart a worker");
}

/// Codes of alarms that are so now.
fn active(rig: &Rig) -> Vec<String> {
    let list = rig.get("/api/v1/alarms").json();
    let active = list["items"].as_array().unwrap().iter().filter(|alarm| alarm["active"] == true);
    active.map(|alarm| alarm["code"].as_str().unwrap().to_owned()).collect()
}

/// As when the kernel mounts a failing disk read-only: nothing can be created any more.
#[test]
fn a_read_only_spool_is_told_and_used_again_when_it_is_writable() {
    let rig = Rig::on_air(&[("a", PLAIN), ("b", PLAIN)]);
    let (worker, neighbour) = (rig.worker("a"), measure(&rig, "b", 14));
    let spool = rig.spool("a");
    let here = spool.display().to_string();
    let Some(mount) = Mount::new(&["--bind", &here], &spool) else {
        return skip("a read-only spool: this user may not mount");
    };
    assert!(run("mount", &["-o", "remount,bind,ro"], &spool));
    let failed = rig.wait_event("spool_failed", Some("a"));
    assert_told(&failed, &["read-only file system", "check the disk (dmesg), then mount it writable"]);
    drop(mount);
    rig.wait_event("spool_recovered", Some("a"));
    wait_picture(&rig, "a", true);
    let report = rig.report("a");
    assert!(report.spool.lost_segments > 0, "{:?}", report.spool);
    assert_eq!(rig.worker("a"), worker);
    assert_whole(&rig, "b", &neighbour.report(), 12);
}

//! A person's way through the first hour, as README.md has it: real daemon, worker and origins, the panel in Chromium, and a
//! picture of each step in `target/first-hour`.

use std::path::Path;

use crate::browser::node;
use crate::rig::{Rig, free_port};

#[test]
fn a_person_gets_through_the_first_hour() {
    let mut rig = Rig::new(&[("demo", "sources = [\"test\", \"other\"]")]);
    rig.edit(|text| text.replace("access = \"open\"", "access = \"login\"") + "[sources.other]\nkind = \"test\"\n");
    let second = format!("127.0.0.1:{}", free_port());
    let origin = std::fs::read_to_string(rig.path("origin.toml")).unwrap();
    std::fs::write(rig.path("second.toml"), origin.replace(&rig.origin.to_string(), &second)).unwrap();
    rig.start_origin();
    rig.start_daemon();
    // Nobody has logged in, so nobody is told that it is on air: its playlist says so.
    rig.until("the channel is at its origin", || {
        crate::http::get(rig.origin, "/live/demo/multivariant.m3u8").is_ok_and(|answer| answer.status == 200)
    });
    let place = |name: &str| rig.path(name).display().to_string();
    let program = env!("CARGO_BIN_EXE_uplink-origin").to_owned();
    let command = [program, "--config".into(), place("second.toml"), "--state-dir".into(), place("second")];
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("first-hour");
    let settings = [
        ("UPLINK_PANEL_URL", format!("http://{}", rig.api)),
        ("UPLINK_PANEL_CHANNEL", "demo".to_owned()),
        ("UPLINK_PANEL_SHOTS", pictures.display().to_string()),
        ("UPLINK_LOG", place("daemon.log")),
        ("UPLINK_CONFIG", rig.config().display().to_string()),
        ("UPLINK_SECOND", format!("http://{second}")),
        ("UPLINK_SECOND_COMMAND", serde_json::to_string(&command).unwrap()),
    ];
    node("tests/first_hour.mjs", &settings);
}

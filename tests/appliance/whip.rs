//! A channel that is published by WHIP, from configuration to decoded pictures at a real peer.

use nix::sys::signal::Signal;
use serde_json::json;
use uplink::model::status::{DestinationState, DestinationStatus};
use uplink::model::{Duty, Health};

use crate::process;
use crate::rig::{PLAIN, Rig, SOON, free_port};
use crate::whip_server::Server;

const SECRET: &str = "a-token-of-the-whip-test";

fn cloud(rig: &Rig) -> Option<DestinationStatus> {
    let report = rig.channel("a").report?;
    report.destinations.into_iter().find(|destination| destination.id.as_str() == "cloud")
}

#[test]
fn a_channel_is_published_and_the_backup_takes_over_from_a_dead_primary() {
    let Some(server) = Server::start(json!({ "token": SECRET })) else { return };
    let mut rig = Rig::new(&[("a", PLAIN)]);
    std::fs::write(rig.path("whip.token"), SECRET).unwrap();
    // The profile that a strict peer wants.
    let class = rig.path("pipelines/rig.toml");
    let text = std::fs::read_to_string(&class).unwrap();
    std::fs::write(&class, text.replace("\"main\"", "\"constrained-baseline\"")).unwrap();
    let (dead, url) = (free_port(), server.url());
    rig.edit(|text| {
        let both = text.replace("destinations = [\"origin\"]", "destinations = [\"origin\", \"cloud\"]");
        format!(
            "{both}\n[destinations.cloud]\nkind = \"whip\"\nurl = \"http://127.0.0.1:{dead}/whip?key=hidden\"\n\
             token_file = \"whip.token\"\nrendition = \"144p\"\n\
             [[destinations.cloud.backups]]\nurl = \"{url}\"\ntoken_file = \"whip.token\"\n"
        )
    });
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    process::until("the backup is published to", SOON, || {
        cloud(&rig)
            .is_some_and(|cloud| cloud.state == DestinationState::Streaming && cloud.endpoints[1].duty == Duty::Active)
    });
    let report = server.wait("video", 60);
    assert!(!report["frames"].as_array().unwrap().is_empty(), "the test picture arrives: {report}");
    let status = cloud(&rig).unwrap();
    assert!(status.bytes_acknowledged > 0 && status.bytes_acknowledged <= status.bytes_sent);
    process::until("what was worse has been better for a while", SOON, || {
        let health = cloud(&rig).unwrap().health;
        (health.health, health.code.as_str()) == (Health::PartiallyHealthy, "on_backup")
    });
    assert!(status.endpoints[0].last_error.as_ref().unwrap().contains("no connection to the WHIP endpoint"));
    assert_eq!(rig.channel("a").report.unwrap().program.missed, 0);

    assert_eq!(rig.end_daemon(Signal::SIGTERM), Some(0));
    assert_eq!((server.count("deletes"), server.count("sessions")), (1, 0), "the session is ended at the server");
    for log in ["daemon.log", "run/a/worker.log"] {
        let text = std::fs::read_to_string(rig.path(log)).unwrap_or_default();
        assert!(!text.contains(SECRET) && !text.contains("hidden"), "a secret stands in {log}");
    }
}

#[test]
fn a_session_that_is_lost_on_air_goes_to_the_backup_by_itself() {
    let settings = || json!({ "token": SECRET });
    let Some((primary, backup)) = Server::start(settings()).zip(Server::start(settings())) else { return };
    let mut rig = Rig::new(&[("a", PLAIN)]);
    std::fs::write(rig.path("whip.token"), SECRET).unwrap();
    let class = rig.path("pipelines/rig.toml");
    let text = std::fs::read_to_string(&class).unwrap();
    std::fs::write(&class, text.replace("\"main\"", "\"constrained-baseline\"")).unwrap();
    let (first, second) = (primary.url(), backup.url());
    rig.edit(|text| {
        let both = text.replace("destinations = [\"origin\"]", "destinations = [\"origin\", \"cloud\"]");
        format!(
            "{both}\n[destinations.cloud]\nkind = \"whip\"\nurl = \"{first}\"\ntoken_file = \"whip.token\"\n\
             rendition = \"144p\"\n[destinations.cloud.failover]\nhold_off_ms = 200\nwait_to_restore_ms = 600000\n\
             [[destinations.cloud.backups]]\nurl = \"{second}\"\ntoken_file = \"whip.token\"\n"
        )
    });
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    let duties = |cloud: &DestinationStatus| cloud.endpoints.iter().map(|one| one.duty).collect::<Vec<_>>();
    process::until("the primary is published to", SOON, || {
        cloud(&rig).is_some_and(|cloud| cloud.state == DestinationState::Streaming && duties(&cloud)[0] == Duty::Active)
    });
    primary.wait("video", 25);
    assert_eq!(backup.count("video"), 0, "a backup on standby gets nothing");

    primary.kill();
    process::until("the backup is published to", SOON, || {
        cloud(&rig).is_some_and(|cloud| cloud.state == DestinationState::Streaming && duties(&cloud)[1] == Duty::Active)
    });
    let report = backup.wait("video", 50);
    let frames: Vec<u64> = serde_json::from_value(report["frames"].clone()).unwrap();
    assert!(frames.len() >= 25 && frames.windows(2).all(|pair| pair[1] > pair[0]), "{report}");
    process::until("the backup is what is said", SOON, || {
        cloud(&rig).is_some_and(|cloud| cloud.health.code.as_str() == "on_backup")
    });
    let event = rig.wait_event("endpoint_switched", Some("a"));
    assert!(event["text"].as_str().unwrap().contains("backup-1"), "{event}");
    let channel = rig.channel("a");
    assert_eq!((channel.restarts, channel.report.unwrap().program.missed), (0, 0), "the program goes on");
}

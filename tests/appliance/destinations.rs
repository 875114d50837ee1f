//! Destinations of a channel on air: failover to a backup and back, changes without a frame lost elsewhere, drills, and
//! what a destination gets while the program is on slate.

use std::process::{Child, Command, Stdio};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use uplink::model::status::{DestinationState, DestinationStatus};
use uplink::model::{Duty, Health};

use crate::delivered::{assert_whole, is_gap, measure};
use crate::http;
use crate::process;
use crate::rig::{PLAIN, RENDITIONS, Rig, free_port};

/// Another origin beside the rig's own.
pub struct Backup {
    port: u16,
    directory: std::path::PathBuf,
    process: Option<Child>,
}

impl Backup {
    fn prepare(rig: &Rig, name: &str) -> Self {
        let (port, directory) = (free_port(), rig.path(name));
        std::fs::create_dir(&directory).unwrap();
        let token = rig.path("origin.token").display().to_string();
        let text = format!("listen = \"127.0.0.1:{port}\"\n[tokens]\n\"*\" = {{ file = \"{token}\" }}\n");
        std::fs::write(directory.join("origin.toml"), text).unwrap();
        Self { port, directory, process: None }
    }

    pub fn start(rig: &Rig, name: &str) -> Self {
        let mut backup = Self::prepare(rig, name);
        backup.come_back();
        backup
    }

    fn come_back(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uplink-origin"));
        command.arg("--config").arg(self.directory.join("origin.toml"));
        command.arg("--state-dir").arg(&self.directory).env_remove("RUST_LOG");
        let log = std::fs::File::create(self.directory.join("log")).unwrap();
        self.process = Some(command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        process::until("the backup answers", crate::rig::SOON, || {
            http::get(([127, 0, 0, 1], self.port).into(), "/healthz").is_ok()
        });
    }

    fn kill(&mut self) {
        let mut child = self.process.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn address(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/live/", self.port)
    }

    fn text(&self, path: &str) -> Option<String> {
        let answer = http::get(([127, 0, 0, 1], self.port).into(), &format!("/live/{path}")).ok()?;
        (answer.status == 200).then(|| answer.text())
    }

    fn playlist(&self, channel: &str, rendition: &str) -> Option<m3u8_rs::MediaPlaylist> {
        let text = self.text(&format!("{channel}/{rendition}/media.m3u8"))?;
        Some(m3u8_rs::parse_media_playlist_res(text.as_bytes()).unwrap())
    }

    fn has(&self, path: &str) -> bool {
        self.directory.join("live").join(path).exists()
    }

    /// Asserts that a player finds a whole window in every rendition.
    fn assert_window(&self, channel: &str) -> u64 {
        let mut newest = 0;
        for rendition in RENDITIONS {
            let playlist = self.playlist(channel, rendition).expect("a playlist");
            let gaps = playlist.segments.iter().filter(|segment| is_gap(segment)).count();
            assert_eq!(gaps, 0, "{rendition}");
            for segment in &playlist.segments {
                assert!(self.has(&format!("{channel}/{rendition}/{}", segment.uri)), "{rendition} {}", segment.uri);
            }
            newest = playlist.media_sequence + playlist.segments.len() as u64;
        }
        assert!(self.text(&format!("{channel}/multivariant.m3u8")).is_some());
        newest
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        if let Some(mut child) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Gives the rig's destination a backup.
pub fn add_backup(rig: &Rig, url: &str, more: &str) {
    rig.edit(|text| {
        let lines = format!(
            "token_file = \"push.token\"\nbackups = [{{ url = \"{url}\", token_file = \"push.token\" }}]\n{more}\n"
        );
        text.replacen("token_file = \"push.token\"\n", &lines, 1)
    });
}

pub const QUICK: &str = "[destinations.origin.failover]\nhold_off_ms = 200\nwait_to_restore_ms = 1500";

fn reload(rig: &Rig) -> String {
    let answer = rig.post("/api/v1/config/reload", &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["text"].as_str().unwrap().to_owned()
}

fn duties(one: &DestinationStatus) -> Vec<Duty> {
    one.endpoints.iter().map(|endpoint| endpoint.duty).collect()
}

fn set(rig: &Rig, body: &Value) {
    let answer = rig.post("/api/v1/channels/a/set", body);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_killed_primary_hands_over_to_the_backup_and_gets_its_place_back() {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    let backup = Backup::start(&rig, "backup");
    add_backup(&rig, &backup.url(), QUICK);
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    let ready = rig.wait_destination("a", "the backup answers", |one| {
        one.endpoints.len() == 2 && one.endpoints[1].state == DestinationState::Streaming
    });
    assert_eq!(duties(&ready), [Duty::Active, Duty::Standby]);
    // A window's worth, so that there is one to hand over.
    rig.wait_channel("a", "ten segments", |channel| {
        channel.report.as_ref().is_some_and(|report| report.renditions.iter().all(|one| one.segments >= 11))
    });
    assert!(backup.playlist("a", "180p").is_none(), "a backup on standby tells players of nothing");

    rig.end_origin(Signal::SIGKILL);
    let switched = rig.wait_destination("a", "the backup has a window", |one| {
        one.last_switch.as_ref().is_some_and(|last| last.playable_seconds.is_some()) && one.health.code == "on_backup"
    });
    assert_eq!(duties(&switched), [Duty::Restoring, Duty::Active]);
    assert_eq!(switched.state, DestinationState::Streaming);
    let last = switched.last_switch.unwrap();
    eprintln!("{last:?}");
    backup.assert_window("a");
    assert!(rig.channel("a").on_air, "a backup is as good as the primary");
    let event = rig.wait_event("endpoint_switched", Some("a"));
    assert!(event["text"].as_str().unwrap().contains("primary is left for backup-1"), "{event}");

    let until = backup.assert_window("a") + 2;
    rig.until("the backup goes on", || backup.assert_window("a") >= until);
    rig.start_origin();
    let back =
        rig.wait_destination("a", "the primary is back in use", |one| duties(one) == [Duty::Active, Duty::Standby]);
    assert_eq!(back.last_switch.as_ref().map(|last| last.why.as_str()), Some("primary is good again"));
    rig.wait_destination("a", "nothing waits", |one| one.health.health == Health::Healthy && one.queue_segments == 0);
    // What it missed was delivered behind, and its playlists go on where players left them.
    crate::outage::everything_is_there(&rig, "a");
    let stopped = backup.playlist("a", "180p").unwrap().media_sequence;
    let on = rig.report("a").renditions[0].segments + 3;
    rig.wait_channel("a", "three segments more", |channel| {
        channel.report.as_ref().is_some_and(|report| report.renditions[0].segments >= on)
    });
    let after = backup.playlist("a", "180p").unwrap().media_sequence;
    assert!(after <= stopped + 1, "the backup rests: {stopped} {after}");
}

#[test]
fn both_of_a_mirror_get_everything_and_either_may_die() {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    let mut backup = Backup::start(&rig, "backup");
    add_backup(&rig, &backup.url(), "policy = \"mirror\"");
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    let both = |one: &DestinationStatus| {
        let good = |state| state == DestinationState::Streaming;
        one.endpoints.len() == 2 && one.endpoints.iter().all(|endpoint| good(endpoint.state)) && one.queue_segments == 0
    };
    let ready = rig.wait_destination("a", "both stream", both);
    assert_eq!(duties(&ready), [Duty::Active, Duty::Active]);

    backup.kill();
    let lost = rig.wait_destination("a", "one is lost", |one| one.health.code == "mirror_lost");
    assert_eq!(lost.endpoints[1].state, DestinationState::Interrupted);
    assert!(rig.channel("a").on_air, "players of the primary notice nothing");
    backup.come_back();
    rig.wait_destination("a", "both stream again", both);

    rig.end_origin(Signal::SIGKILL);
    rig.wait_destination("a", "the other is lost", |one| one.endpoints[0].state == DestinationState::Interrupted);
    let until = backup.assert_window("a") + 2;
    rig.until("the backup goes on", || backup.assert_window("a") >= until);
    rig.start_origin();
    rig.wait_destination("a", "both stream once more", both);
    crate::outage::everything_is_there(&rig, "a");
    for rendition in RENDITIONS {
        for number in crate::outage::delivered(&rig, "a", rendition) {
            let name = format!("a/{rendition}/{number}.m4s");
            rig.until("the mirror has it, too", || backup.has(&name));
            let here = std::fs::read(rig.spool("a").join(rendition).join(format!("{number}.m4s"))).unwrap();
            assert!(here == std::fs::read(backup.directory.join("live").join(&name)).unwrap(), "{name} differs");
        }
    }
}

/// As an operator tries it, of a channel on air: what is said, and what is remembered.
fn drill_by_command(rig: &Rig, before: &DestinationStatus) {
    let command = |line: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uplinkctl"));
        command.arg("--api").arg(format!("http://{}", rig.api)).args(line);
        command
    };
    let (code, said) = rig.run(command(&["--json", "drill", "a", "origin"]));
    assert_eq!(code, Some(0), "{said}");
    let answer: Value = serde_json::from_str(&said).expect(&said);
    let (drill, seconds) = (&answer["acted"]["detail"], |drill: &Value| drill["playable_seconds"].as_f64());
    assert!(seconds(drill).is_some() && drill["trouble"].is_null(), "{drill}");
    assert_eq!(drill["endpoint"], "backup-1", "{drill}");
    let recorded = rig.wait_destination("a", "it is remembered", |one| {
        let at = |one: &DestinationStatus| one.last_drill.as_ref().map(|drill| drill.at);
        at(one) > at(before) && duties(one) == [Duty::Active, Duty::Standby]
    });
    assert_eq!(recorded.last_drill.unwrap().playable_seconds, seconds(drill), "the seconds are recorded");
    assert!(recorded.last_switch.is_none(), "nothing was switched");
    let (code, said) = rig.run(command(&["drill", "a", "nowhere"]));
    assert!(code != Some(0) && said.contains("nowhere"), "{code:?} {said}");
}

#[test]
fn operators_force_and_drill() {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    let backup = Backup::start(&rig, "backup");
    add_backup(&rig, &backup.url(), QUICK);
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    rig.wait_destination("a", "the backup answers", |one| one.endpoints[1].state == DestinationState::Streaming);
    let measuring = measure(&rig, "a", 20);

    let answer = rig.post("/api/v1/channels/a/drill", &json!({"destination": "origin"}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let drill = &answer.json()["acted"]["detail"];
    eprintln!("drill: {drill}");
    assert!(drill["playable_seconds"].as_f64().is_some() && drill["trouble"].is_null(), "{drill}");
    backup.assert_window("a");
    let after = rig.wait_destination("a", "the backup rests", |one| duties(one) == [Duty::Active, Duty::Standby]);
    assert!(after.last_drill.is_some() && after.last_switch.is_none());
    rig.wait_event("drill_ended", Some("a"));
    drill_by_command(&rig, &after);
    backup.assert_window("a");
    assert_whole(&rig, "a", &measuring.report(), 16);

    for (body, status) in [
        (json!({"set": "endpoint", "destination": "origin", "endpoint": "backup-7"}), 422),
        (json!({"set": "destination", "destination": "nowhere", "enabled": false}), 422),
        (json!({"set": "endpoint", "destination": "origin", "endpoint": "backup-1"}), 200),
    ] {
        assert_eq!(rig.post("/api/v1/channels/a/set", &body).status, status, "{body}");
    }
    let forced = rig.wait_destination("a", "forced", |one| duties(one) == [Duty::Restoring, Duty::Active]);
    assert_eq!(forced.forced.map(|name| name.to_string()), Some("backup-1".to_owned()));
    // It stands, and another worker and daemon keep to it.
    let worker = rig.worker("a");
    process::signal(worker, Signal::SIGKILL);
    rig.wait_channel("a", "another worker", |channel| channel.worker.as_ref().is_some_and(|one| one.pid != worker));
    rig.wait_destination("a", "still forced", |one| duties(one) == [Duty::Restoring, Duty::Active]);
    set(&rig, &json!({"set": "endpoint", "destination": "origin", "endpoint": null}));
    rig.wait_destination("a", "the primary again", |one| duties(one) == [Duty::Active, Duty::Standby]);
}

#[test]
fn destinations_come_change_and_go_on_air() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let second = Backup::start(&rig, "second");
    let worker = rig.worker("a");
    let measuring = measure(&rig, "a", 22);
    rig.edit(|text| {
        let table = format!(
            "[destinations.second]\nkind = \"hls-push\"\nurl = \"{}\"\ntoken_file = \"push.token\"\n[channels.a]",
            second.url()
        );
        text.replace("[channels.a]", &table)
            .replace("destinations = [\"origin\"]", "destinations = [\"origin\", \"second\"]")
    });
    let said = reload(&rig);
    assert!(said.contains("changed on air a"), "{said}");
    let all = |channel: &uplink::model::status::ChannelStatus| channel.report.clone().map(|report| report.destinations);
    rig.wait_channel("a", "the second one streams", |channel| {
        all(channel).is_some_and(|all| all.len() == 2 && all[1].state == DestinationState::Streaming)
    });
    // Its first playlist may still have gaps.
    let whole = |list: m3u8_rs::MediaPlaylist| !list.segments.iter().any(is_gap);
    rig.until("the second one has a window", || {
        RENDITIONS.iter().all(|rendition| second.playlist("a", rendition).is_some_and(whole))
    });
    second.assert_window("a");

    // Off and on by an operator.
    set(&rig, &json!({"set": "destination", "destination": "second", "enabled": false}));
    rig.wait_channel("a", "the second one is off", |channel| {
        all(channel)
            .is_some_and(|all| all[1].state == DestinationState::Disabled && all[1].health.health == Health::Inactive)
    });
    set(&rig, &json!({"set": "destination", "destination": "second", "enabled": true}));
    rig.wait_channel("a", "the second one is on again", |channel| {
        all(channel).is_some_and(|all| all[1].state == DestinationState::Streaming)
    });

    // It costs more than it may.
    let budget = "[destinations.second.budget]\nprice_per_gb = 1000\ncurrency = \"EUR\"\nmonthly_cost = 0.01\nwhen_spent = \"drop_renditions\"\n";
    rig.edit(|text| text.replace("[channels.a]", &format!("{budget}[channels.a]")));
    reload(&rig);
    rig.wait_event("budget_spent", Some("a"));
    rig.wait_channel("a", "the second one gets less", |channel| {
        all(channel)
            .is_some_and(|all| all[1].health.code == "budget_spent" && all[1].state == DestinationState::Streaming)
    });
    let ladder = || second.text("a/multivariant.m3u8").unwrap_or_default();
    rig.until("it gets the lowest rendition", || ladder().contains("144p") && !ladder().contains("180p"));
    rig.edit(|text| text.replace("\"drop_renditions\"", "\"stop\""));
    reload(&rig);
    rig.wait_channel("a", "the second one is stopped", |channel| {
        all(channel)
            .is_some_and(|all| all[1].state == DestinationState::Disabled && all[1].health.code == "budget_spent")
    });
    set(&rig, &json!({"set": "destination", "destination": "second", "enabled": true}));
    rig.until("it has its ladder again", || ladder().contains("180p"));
    let cost = http::get(rig.api, "/api/v1/cost?channel=a").unwrap().json();
    let costly = &cost["channels"][0]["destinations"][1];
    assert_eq!((&costly["destination"], &costly["budget"]["hold"]), (&json!("second"), &json!("lifted")), "{cost}");
    assert!(costly["month"]["bytes_acknowledged"].as_u64().is_some_and(|bytes| bytes > 10_000), "{cost}");

    // Other rules, then gone.
    rig.edit(|text| text.replace("[destinations.second]", "[destinations.second]\non_slate = \"pause\""));
    assert!(reload(&rig).contains("changed on air a"));
    rig.edit(|text| text.replace("[\"origin\", \"second\"]", "[\"origin\"]"));
    assert!(reload(&rig).contains("changed on air a"));
    rig.wait_channel("a", "the second one is gone", |channel| all(channel).is_some_and(|all| all.len() == 1));
    assert_eq!(rig.worker("a"), worker, "no other worker was needed");
    assert_whole(&rig, "a", &measuring.report(), 18);

    // A daemon that comes back finds the worker on air with the plan as it is now.
    assert_eq!(rig.channel("a").restarts, 0);
}

#[test]
fn a_paused_destination_stands_still_on_slate_and_goes_on() {
    let mut rig = Rig::new(&[("a", PLAIN)]);
    let paused = Backup::start(&rig, "paused");
    rig.edit(|text| {
        let table = format!(
            "[destinations.paused]\nkind = \"hls-push\"\non_slate = \"pause\"\nurl = \"{}\"\ntoken_file = \"push.token\"\n[channels.a]",
            paused.url()
        );
        text.replace("[channels.a]", &table)
            .replace("destinations = [\"origin\"]", "destinations = [\"origin\", \"paused\"]")
    });
    rig.start_origin();
    rig.start_daemon();
    rig.wait_on_air("a");
    rig.until("a playlist", || paused.playlist("a", "180p").is_some_and(|list| list.segments.len() >= 3));
    rig.order("a", "slate");
    let segments = |count: u64| {
        let on = rig.report("a").renditions[0].segments + count;
        rig.wait_channel("a", "segments", |channel| {
            channel.report.as_ref().is_some_and(|report| report.renditions[0].segments >= on)
        });
    };
    segments(3);
    let newest = |list: m3u8_rs::MediaPlaylist| list.media_sequence + list.segments.len() as u64;
    let still = newest(paused.playlist("a", "180p").unwrap());
    segments(3);
    assert_eq!(newest(paused.playlist("a", "180p").unwrap()), still, "the playlist stands still");
    let status = rig.report("a").destinations[1].clone();
    assert!(status.paused_since.is_some() && status.health.health == Health::Healthy, "{status:?}");
    assert_eq!(status.queue_segments, 0, "nothing waits");
    rig.order("a", "release");
    rig.until("it goes on", || newest(paused.playlist("a", "180p").unwrap()) > still + 5);
    let list = paused.playlist("a", "180p").unwrap();
    let gaps: Vec<bool> = list.segments.iter().map(is_gap).collect();
    assert!(gaps.iter().filter(|gap| **gap).count() >= 4, "what was withheld is a gap: {gaps:?}");
    assert!(!gaps[gaps.len() - 1]);
    assert!(!list.segments.iter().any(|segment| segment.discontinuity), "the timeline goes on");
    let health = rig.channel("a").health;
    assert_eq!(health.health, Health::Healthy, "{health:?}");
}

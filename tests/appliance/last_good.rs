//! A box is switched on with a configuration that is faulty: on air it comes, with the last one that was not, and says so
//! everywhere until that is mended.

use std::process::Command;

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::delivered::wait_picture;
use crate::process;
use crate::rig::{PLAIN, Rig};

/// As if the power had gone: daemon and workers at once, and what lies in the runtime directory with them.
pub fn cut_power(rig: &mut Rig, channels: &[&str]) {
    let workers: Vec<u32> = channels.iter().map(|channel| rig.worker(channel)).collect();
    rig.end_daemon(Signal::SIGKILL);
    for worker in workers {
        process::signal(worker, Signal::SIGKILL);
        rig.until("its worker is gone", || !process::lives(worker));
    }
    std::fs::remove_dir_all(rig.path("run")).unwrap();
}

fn uplinkctl(rig: &Rig, words: &[&str]) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uplinkctl"));
    command.arg("--api").arg(format!("http://{}", rig.api)).args(words);
    rig.run(command)
}

fn alarm(rig: &Rig) -> Option<Value> {
    let list = rig.get("/api/v1/alarms").json();
    list["items"].as_array().unwrap().iter().find(|alarm| alarm["id"] == "config_last_good").cloned()
}

#[test]
fn a_box_with_a_faulty_file_comes_back_on_air_and_says_what_is_wrong() {
    let mut rig = Rig::on_air(&[("a", PLAIN), ("b", PLAIN)]);
    rig.until("what is in force is kept", || rig.path("state/configurations/0001").exists());
    cut_power(&mut rig, &["a", "b"]);
    let good = std::fs::read_to_string(rig.config()).unwrap();
    rig.edit(|text| text.replace("Channel a", "Another a") + "[from_a_newer_version]\nkey = 1\n");
    rig.start_daemon();
    for channel in ["a", "b"] {
        rig.wait_on_air(channel);
        wait_picture(&rig, channel, true);
    }
    assert_eq!(rig.channel("a").title, "Channel a", "nothing of the faulty file is in force");
    let status = rig.status();
    let used = status.config.last_good.clone().unwrap();
    assert!(used.path.ends_with("configurations/0001") && used.version == env!("CARGO_PKG_VERSION"), "{used:?}");
    assert!(status.config.rejected.iter().any(|fault| fault.contains("from_a_newer_version")), "{:?}", status.config);
    let event = rig.wait_event("config_last_good", None);
    assert_eq!((&event["fault"], &event["severity"]), (&json!("configuration"), &json!("warning")));
    assert!(event["text"].as_str().unwrap().contains("from_a_newer_version"), "{event}");
    assert!(event["hint"].as_str().unwrap().contains("uplinkctl check"), "{event}");
    rig.until("the alarm", || alarm(&rig).is_some_and(|alarm| alarm["active"] == true));
    assert!(rig.get("/api/v1/alarms").json()["items"].as_array().unwrap().iter().all(|a| a["id"] != "config_rejected"));

    // In a shell, too, with and without the daemon.
    let (_, said) = uplinkctl(&rig, &["status"]);
    assert!(said.contains("the last good configuration") && said.contains("from_a_newer_version"), "{said}");
    let (config, state) = (rig.config().display().to_string(), rig.path("state").display().to_string());
    let (code, said) = uplinkctl(&rig, &["check", &config, "--state-dir", &state]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("until that is corrected, uplinkd comes up with the last good configuration"), "{said}");
    let (_, said) = uplinkctl(&rig, &["doctor", "--config", &config, "--state-dir", &state, "--json"]);
    assert!(said.contains("the last good one is in force"), "{said}");

    // A file that is still faulty changes nothing; one that is good ends it.
    let workers = [rig.worker("a"), rig.worker("b")];
    assert_eq!(rig.post("/api/v1/config/reload", &json!({})).status, 422);
    assert_eq!(rig.status().config.last_good, Some(used));
    let config = rig.get("/api/v1/config");
    assert!(config.json()["text"].as_str().unwrap().contains("from_a_newer_version"), "what is on disk is shown");
    std::fs::write(rig.config(), good.replace("Channel b", "Another b")).unwrap();
    assert_eq!(rig.post("/api/v1/config/reload", &json!({})).status, 200);
    assert_eq!((rig.status().config.last_good, rig.status().config.rejected), (None, Vec::new()));
    rig.until("the alarm is over", || alarm(&rig).is_some_and(|alarm| alarm["active"] == false));
    assert_eq!(rig.channel("b").title, "Another b");
    assert_eq!([rig.worker("a"), rig.worker("b")], workers, "viewers have noticed nothing of it");
    rig.until("it is kept in its turn", || rig.path("state/configurations/0002").exists());
}

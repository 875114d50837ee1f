//! A configuration is put in force by difference, or not at all.

use nix::sys::signal::Signal;
use serde_json::json;

use crate::delivered::{assert_whole, measure};
use crate::http::Answer;
use crate::rig::{PLAIN, Rig};

fn ask_reload(rig: &Rig) -> Answer {
    rig.post("/api/v1/config/reload", &json!({}))
}

fn generation(rig: &Rig) -> u64 {
    rig.status().config.generation
}

#[test]
fn only_the_channel_that_changed_is_touched() {
    let rig = Rig::on_air(&[("a", PLAIN), ("b", PLAIN)]);
    let (a, b) = (rig.worker("a"), rig.worker("b"));
    let measuring = measure(&rig, "a", 14);
    // Another class for b, with a limit that the sound of a program on air cannot take over.
    let class = std::fs::read_to_string(rig.path("pipelines/rig.toml")).unwrap();
    let other =
        class.replace("name = \"rig\"", "name = \"other\"").replace("true_peak_max = -1.0", "true_peak_max = -2.0");
    std::fs::write(rig.path("pipelines/other.toml"), other).unwrap();
    rig.edit(|text| {
        let (before, b) = text.split_once("[channels.b]").unwrap();
        let b = b.replace("Channel b", "Channel B, renamed").replace("\"rig\"", "\"other\"");
        format!("{before}[channels.b]{b}")
    });
    rig.signal_daemon(Signal::SIGHUP);
    rig.until("the second configuration", || generation(&rig) == 2);
    let changed = rig.wait_channel("b", "another worker on air", |channel| {
        channel.on_air && channel.worker.as_ref().is_some_and(|worker| worker.pid != b)
    });
    assert_eq!(changed.title, "Channel B, renamed");
    assert!(!crate::process::lives(b));
    rig.wait_event("config_reloaded", None);

    // The same by the API, which answers with what was done.
    let b = rig.worker("b");
    rig.edit(|text| {
        format!("{text}[channels.c]\ntitle = \"C\"\nstream_class = \"rig\"\ndestinations = [\"origin\"]\n{PLAIN}\n")
    });
    let answer = ask_reload(&rig);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.json()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("added c") && text.contains("2 untouched"), "{text}");
    rig.wait_on_air("c");
    let c = rig.worker("c");
    rig.edit(|text| text.split("[channels.c]").next().unwrap().to_owned());
    let answer = ask_reload(&rig);
    assert!(answer.status == 200 && answer.text().contains("removed c"), "{}", answer.text());
    rig.until("the worker of c is gone", || !crate::process::lives(c));
    assert_eq!((rig.worker("a"), rig.worker("b")), (a, b));
    assert_whole(&rig, "a", &measuring.report(), 12);
}

#[test]
fn a_faulty_file_changes_nothing_and_says_every_fault() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let worker = rig.worker("a");
    let good = std::fs::read_to_string(rig.config()).unwrap();
    rig.edit(|text| text.replace("title = ", "titel = ").replace("\"200M\"", "\"200 pigeons\""));
    rig.signal_daemon(Signal::SIGHUP);
    rig.until("the faults", || !rig.status().config.rejected.is_empty());
    let config = rig.status().config;
    assert_eq!(config.generation, 1, "the old one stays in force");
    let all = config.rejected.join("\n");
    for part in ["uplinkd.toml:", "titel", "200 pigeons"] {
        assert!(all.contains(part), "{part} is not in:\n{all}");
    }
    let event = rig.wait_event("config_rejected", None);
    assert_eq!(event["fault"], "configuration");
    assert!(event["hint"].as_str().unwrap().contains("uplinkctl check"), "{event}");
    let answer = ask_reload(&rig);
    assert_eq!((answer.status, answer.json()["code"].as_str()), (422, Some("faulty_configuration")));
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), config.rejected.len());

    // Not even TOML, then no file at all.
    rig.edit(|_| "[channels.a\n".to_owned());
    assert_eq!(ask_reload(&rig).status, 422);
    std::fs::remove_file(rig.config()).unwrap();
    assert_eq!(ask_reload(&rig).status, 422);
    let channel = rig.wait_on_air("a");
    assert_eq!(channel.worker.unwrap().pid, worker);
    assert_eq!(channel.title, "Channel a");

    std::fs::write(rig.config(), good).unwrap();
    assert_eq!(ask_reload(&rig).status, 200);
    assert_eq!(rig.status().config.rejected, Vec::<String>::new());
    assert_eq!(rig.worker("a"), worker);
}

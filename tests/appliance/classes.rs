//! A stream class is changed on air by the API, kept as versions, and taken back; and what a technician does to its files.

use serde_json::{Value, json};

use crate::delivered::{assert_whole, measure};
use crate::http::{self, Answer};
use crate::rig::{PLAIN, Rig};

const CLASS: &str = "/api/v1/stream-classes/rig";

fn get(rig: &Rig, below: &str) -> Answer {
    http::get(rig.api, &format!("{CLASS}{below}")).unwrap()
}

fn apply(rig: &Rig, text: &str, dry: bool) -> Answer {
    let dry = if dry { "?dry_run=true" } else { "" };
    rig.post(&format!("{CLASS}/apply{dry}"), &json!({"text": text, "comment": "for the test"}))
}

/// How each version came about and whether it is the site's own, newest first.
fn versions(rig: &Rig) -> Vec<(u64, String, bool)> {
    let page = get(rig, "/versions").json();
    let one = |kept: &Value| {
        let about = &kept["about"];
        let how = about["how"].as_str().expect("it is not damaged").to_owned();
        (kept["version"].as_u64().unwrap(), how, about["own"].as_bool().unwrap())
    };
    page["items"].as_array().unwrap().iter().map(one).collect()
}

fn found(number: u64, how: &str, own: bool) -> (u64, String, bool) {
    (number, how.to_owned(), own)
}

#[test]
fn a_class_changes_on_air_and_goes_back_to_what_is_shipped() {
    let mut rig = Rig::on_air(&[("a", PLAIN)]);
    let worker = rig.worker("a");
    rig.until("the shipped class is the first version", || versions(&rig) == [found(1, "found", false)]);
    let shipped = std::fs::read_to_string(rig.path("pipelines/rig.toml")).unwrap();
    assert_eq!(get(&rig, "").json()["channels"], json!(["a"]));
    let measuring = measure(&rig, "a", 14);

    // What the worker takes over on air.
    let quiet = shipped.replace("{title}: line-up", "{title}: back at nine");
    let dry = apply(&rig, &quiet, true);
    assert_eq!((dry.status, &dry.json()["channels"][0]["effect"]), (200, &"live".into()), "{}", dry.text());
    let own = rig.path("state/pipelines/rig.toml");
    assert!(!own.exists(), "a dry run writes nothing");
    let done = apply(&rig, &quiet, false).json();
    assert_eq!((&done["version"], &done["channels"][0]["effect"]), (&2.into(), &"live".into()), "{done}");
    assert_eq!(std::fs::read_to_string(&own).unwrap(), quiet);
    assert_eq!(std::fs::read_to_string(rig.path("pipelines/rig.toml")).unwrap(), shipped);
    assert_eq!(rig.worker("a"), worker);
    assert_whole(&rig, "a", &measuring.report(), 12);

    // What it cannot: it is said beforehand, and confirmed.
    let loud = quiet.replace("true_peak_max = -1.0", "true_peak_max = -2.0");
    let dry = apply(&rig, &loud, true).json();
    let hit = &dry["channels"][0]["destinations"][0];
    assert_eq!((&hit["destination"], &hit["change"]), (&"origin".into(), &"interrupted".into()), "{dry}");
    assert!(hit["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{dry}");
    assert_eq!(apply(&rig, &loud, false).json()["version"], 3);
    rig.wait_channel("a", "another worker on air", |channel| {
        channel.on_air && channel.worker.as_ref().is_some_and(|one| one.pid != worker)
    });

    // Faulty ones change nothing; a channel that needs the class is known.
    let faulty = apply(&rig, &loud.replace("frame_rate = 25", "frame_rate = 0"), false);
    assert_eq!((faulty.status, faulty.json()["code"].as_str()), (422, Some("faulty_configuration")));
    assert!(faulty.text().contains("state/pipelines/rig.toml:"), "{}", faulty.text());
    assert_eq!(std::fs::read_to_string(&own).unwrap(), loud);

    // By hand, at 3 in the morning, and the daemon is killed meanwhile: nothing is lost, and it is known what counts.
    std::fs::write(&own, format!("# louder is what they wanted\n{quiet}")).unwrap();
    rig.end_daemon(nix::sys::signal::Signal::SIGKILL);
    rig.start_daemon();
    rig.wait_on_air("a");
    rig.until("the edit is a version", || versions(&rig).first() == Some(&found(4, "found", true)));
    let text = get(&rig, "/versions/4").json()["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("# louder"), "{text}");
    let between = get(&rig, "/diff?from=2&to=4").json()["text"].as_str().unwrap().to_owned();
    assert!(between.contains("+# louder is what they wanted\n"), "{between}");

    let back = rig.post(&format!("{CLASS}/rollback"), &json!({"version": 1}));
    assert_eq!((back.status, &back.json()["version"]), (200, &5.into()), "{}", back.text());
    assert!(!own.exists(), "the shipped class counts again");
    let all = [
        found(5, "rolled_back", false),
        found(4, "found", true),
        found(3, "applied", true),
        found(2, "applied", true),
        found(1, "found", false),
    ];
    assert_eq!(versions(&rig), all);
    assert_eq!(get(&rig, "").json()["in_force"], true);
}

#[test]
fn a_half_written_copy_takes_nothing_off_air_and_is_named() {
    let rig = Rig::on_air(&[("a", PLAIN)]);
    let worker = rig.worker("a");
    std::fs::create_dir_all(rig.path("state/pipelines")).unwrap();
    std::fs::write(rig.path("state/pipelines/rig.toml"), "name = \"rig\"\nversion = \"1.").unwrap();
    let refused = rig.post("/api/v1/config/reload", &json!({}));
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("state/pipelines/rig.toml:2:"), "{}", refused.text());
    let class = get(&rig, "").json();
    assert_eq!((&class["own"], &class["in_force"]), (&true.into(), &false.into()));
    assert!(class["faults"].as_u64().unwrap() > 0, "{class}");
    // Going back to what is shipped mends it; what was half written is kept.
    let back = rig.post(&format!("{CLASS}/rollback"), &json!({"shipped": true}));
    assert_eq!(back.status, 200, "{}", back.text());
    let all = versions(&rig);
    assert_eq!(all.first(), Some(&found(all.len() as u64, "rolled_back", false)));
    assert_eq!(all[1], found(all.len() as u64 - 1, "found", true));
    assert_eq!(rig.worker("a"), worker);
}

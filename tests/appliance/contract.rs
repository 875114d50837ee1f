//! The API against its own contract, of a box on air: schemathesis asks for what the contract allows, and for what it does
//! not; no answer may be a 5xx, or other than the contract says. What it is asked is in `schemathesis.toml`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::peers::Peer;
use crate::rig::{Rig, skip, tail};

const CONTRACT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/schema/openapi.json");
const HOOKS: &str = concat!("\"", env!("CARGO_MANIFEST_DIR"), "/tests/appliance/schemathesis_hooks.py\"");
const QUESTIONS: &str = include_str!("schemathesis.toml");
const CHANNELS: [&str; 2] = ["a", "b"];

/// Thousands of questions, each answered when the engine has confirmed it.
const BOUND: Duration = Duration::from_secs(1800);

fn schemathesis() -> Option<PathBuf> {
    let program = std::env::var_os("UPLINK_SCHEMATHESIS").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/schemathesis/bin/st")),
        PathBuf::from,
    );
    let there = program.is_file();
    if !there {
        skip("the API against its contract, since there is no schemathesis (packaging/test installs it)");
    }
    there.then_some(program)
}

/// Two channels on air, delivered and recorded, that want a token; and one of an admin.
fn guarded() -> (Rig, String) {
    let lines = "sources = [\"test\", \"clip\"]";
    let mut rig = Rig::new(&CHANNELS.map(|id| (id, lines)));
    rig.edit(|text| {
        let text = text.replace("destinations = [\"origin\"]", "destinations = [\"origin\", \"archive\"]");
        format!(
            "{text}[recordings]\nkeep_free = \"1M\"\n[sources.clip]\nkind = \"test\"\n\
             [destinations.archive]\nkind = \"recording\"\ntitle = \"Rig\"\n"
        )
    });
    rig.start_origin();
    rig.start_daemon();
    CHANNELS.iter().for_each(|id| drop(rig.wait_on_air(id)));
    let made = |path: &str, body: Value| {
        let answer = rig.post(path, &body);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    };
    made("/api/v1/users", json!({"name": "ada", "role": "admin", "password": "canary correct horse"}));
    let token = made("/api/v1/tokens", json!({"name": "schemathesis", "role": "admin"}))["token"].clone();
    (rig, token.as_str().unwrap().to_owned())
}

/// Lets it ask; what it says of the answers.
fn asked(rig: &Rig, program: &Path, token: &str, more: &[&str]) -> String {
    let log = rig.path("asked.log");
    let mut command = Command::new(program);
    command.arg("--config-file").arg(rig.path("schemathesis.toml")).args(["--no-color", "run", CONTRACT]);
    command.args(["--url", &format!("http://{}", rig.api), "-H", &format!("Authorization: Bearer {token}")]).args(more);
    command.current_dir(rig.path(""));
    let mut peer = Peer::run(&mut command, &rig.path(""), "schemathesis", Some(&log));
    let end = Instant::now() + BOUND;
    let good = loop {
        assert!(Instant::now() < end, "it has not come to an end: {}", tail(&log, 30));
        match peer.ended() {
            Some(status) => break status.success(),
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    };
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(good, "{said}\n{}", peer.log());
    said
}

/// Of `Operations:  N selected / M total` and of `N generated, M passed`, the first number behind the words.
fn number(said: &str, line: &str) -> u64 {
    let found = said.lines().find(|one| one.contains(line)).unwrap_or_else(|| panic!("no `{line}` in: {said}"));
    let digits = |word: &str| word.replace(',', "").parse().ok();
    found.split_whitespace().find_map(digits).unwrap_or_else(|| panic!("no number in `{found}`"))
}

#[test]
fn every_answer_is_what_the_contract_says() {
    let Some(program) = schemathesis() else { return };
    let (rig, token) = guarded();
    let recording = rig.get("/api/v1/recordings?channel=a").json()["items"][0]["id"].as_str().unwrap().to_owned();
    let questions = QUESTIONS.replace("\"RECORDING\"", &format!("\"{recording}\"")).replace("\"HOOKS\"", HOOKS);
    std::fs::write(rig.path("schemathesis.toml"), questions).unwrap();
    let workers = CHANNELS.map(|id| rig.worker(id));
    rig.edit(|text| text.replace("access = \"open\"", "access = \"login\""));
    assert_eq!(rig.post("/api/v1/config/reload", &json!({})).status, 200);
    assert_eq!(rig.get("/api/v1/status").status, 401, "it wants a token");

    let said = asked(&rig, &program, &token, &[]);
    let contract: Value = serde_json::from_str(&std::fs::read_to_string(CONTRACT).unwrap()).unwrap();
    let paths = contract["paths"].as_object().unwrap().values();
    let operations: usize = paths.map(|operations| operations.as_object().unwrap().len()).sum();
    eprintln!("{said}");
    assert_eq!(number(&said, " selected /"), operations as u64 - 1, "all but one: {said}");
    assert!(number(&said, " generated,") > 2_000, "{said}");
    asked(&rig, &program, &token, &["--include-path", "/api/v1/freeze"]);

    // The picture has outlived all of that.
    rig.edit(|text| text.replace("access = \"login\"", "access = \"open\""));
    rig.signal_daemon(nix::sys::signal::Signal::SIGHUP);
    rig.until("it is open again", || rig.get("/api/v1/status").status == 200);
    CHANNELS.iter().for_each(|id| drop(rig.wait_on_air(id)));
    assert_eq!(CHANNELS.map(|id| rig.worker(id)), workers, "no worker was lost");
}

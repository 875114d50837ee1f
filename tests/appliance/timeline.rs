//! What a daemon has written down outlives its death, and so does the time when there was none.

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::rig::Rig;

/// Every entry, page by page, newest first.
fn timeline(rig: &Rig, query: &str) -> Vec<Value> {
    let (mut all, mut cursor): (Vec<Value>, String) = Default::default();
    loop {
        let page = rig.get(&format!("/api/v1/timeline?limit=3&{query}{cursor}")).json();
        all.extend(page["items"].as_array().unwrap_or_else(|| panic!("{page}")).iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

fn codes(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["event"]["code"].as_str().unwrap_or("act")).collect()
}

#[test]
fn what_was_before_a_kill_is_in_the_timeline_and_the_gap_is_named() {
    let mut rig = Rig::new(&[("a", "sources = [\"test\"]\norder = \"off-air\"")]);
    rig.start_daemon();
    rig.wait_event("daemon_started", None);
    assert_eq!(timeline(&rig, "types=gap"), Vec::<Value>::new(), "a new box has no gap");
    rig.edit(|text| text.replace("Channel a", "Channel A"));
    assert_eq!(rig.post("/api/v1/config/reload", &json!({})).status, 200);
    rig.until("all of it is written down", || {
        let all = timeline(&rig, "types=act,event");
        let codes = codes(&all);
        ["act", "config_reloaded", "daemon_started"].iter().all(|code| codes.contains(code))
    });
    let before = timeline(&rig, "");
    assert_eq!(rig.end_daemon(Signal::SIGKILL), None);
    rig.start_daemon();
    rig.wait_event("daemon_started", None);
    rig.until("the gap is written down", || timeline(&rig, "types=gap").len() == 1);
    rig.until("the start is written down", || {
        codes(&timeline(&rig, "types=event")).iter().filter(|code| **code == "daemon_started").count() == 2
    });
    let after = timeline(&rig, "");
    let old = &after[after.len() - before.len()..];
    assert_eq!(old, before, "each once, as it was, across the death of the daemon");
    let gap = after.iter().find(|entry| entry["type"] == "gap").unwrap();
    let (since, at) = (gap["event"]["since"].as_str().unwrap(), gap["at"].as_str().unwrap());
    assert!(before[0]["at"].as_str().unwrap() <= since && since < at, "{gap} begins in {}", before[0]);
    assert_eq!(gap["severity"], "warning");
    assert!(gap["event"]["text"].as_str().unwrap().contains("not stopped in order"), "{gap}");

    assert_eq!(rig.end_daemon(Signal::SIGTERM), Some(0));
    rig.start_daemon();
    rig.until("the second gap is written down", || timeline(&rig, "types=gap").len() == 2);
    let gap = &timeline(&rig, "types=gap")[0];
    assert!(gap["event"]["text"].as_str().unwrap().contains("it was stopped in order"), "{gap}");
    let stopped = timeline(&rig, "types=event").into_iter().find(|entry| entry["event"]["code"] == "daemon_stopping");
    assert!(stopped.unwrap()["at"].as_str().unwrap() <= gap["event"]["since"].as_str().unwrap(), "{gap}");
}

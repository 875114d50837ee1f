//! All areas together, on a box that is not there.

use std::sync::Arc;
use std::time::Duration;

use super::*;

/// An empty root, nothing configured, no daemon.
pub(super) fn ground() -> (tempfile::TempDir, Ground) {
    let root = tempfile::tempdir().unwrap();
    let at = |path: &str| root.path().join(path);
    let places = Places {
        config: at("etc/uplink/uplinkd.toml"),
        state: at("var/lib/uplink"),
        runtime: at("run/uplink"),
        worker: at("usr/bin/uplink-worker"),
    };
    let mut ground = Ground::here(places, Told::nothing("connection refused"));
    ground.root = root.path().to_owned();
    (root, ground)
}

#[test]
fn every_area_answers_on_a_box_without_anything() {
    let (_root, ground) = ground();
    let report = examine(&Arc::new(ground));
    assert_eq!(report.areas.len(), AREAS.len());
    for area in &report.areas {
        assert!(!area.findings.is_empty(), "{} says nothing", area.area);
        for finding in &area.findings {
            assert!(CHECKS.contains(&finding.check), "{finding:?}");
            assert_eq!(finding.todo.is_some(), finding.state >= State::Warn, "{finding:?}");
        }
    }
    assert_eq!(report.state, State::Fault, "there is no daemon");
}

#[test]
fn an_area_that_hangs_or_fails_is_told_and_not_waited_for() {
    let (_root, ground) = ground();
    let ground = Arc::new(ground);
    let hangs: Look = |_| {
        loop {
            std::thread::park();
        }
    };
    let fails: Look = |_| std::panic::resume_unwind(Box::new("broken"));
    let report = run(&ground, &[("a", hangs), ("b", fails)], Duration::from_millis(200));
    let checks: Vec<(&str, State)> = report.areas.iter().map(|a| (a.findings[0].check, a.findings[0].state)).collect();
    assert_eq!(checks, [("hangs", State::Warn), ("hangs", State::Warn)]);
    let good: Look = |_| vec![Finding::ok("clock", "good")];
    assert_eq!(run(&ground, &[("a", good)], Duration::from_secs(60)).state, State::Ok);
}

#[test]
fn every_check_is_explained_in_the_runbook() {
    let runbook = include_str!("../../packaging/doc/runbook.md");
    let (_, rest) = runbook.split_once("\n## Doctor\n").expect("the runbook has a chapter on doctor");
    let (chapter, _) = rest.split_once("\n## ").unwrap();
    let mut rows: Vec<&str> = chapter.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    rows.sort_unstable();
    assert_eq!(rows, CHECKS);
}

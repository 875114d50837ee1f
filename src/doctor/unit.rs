//! The units of systemd, and what versions are installed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Finding, Ground};
use crate::system::ask_program;

/// The daemon is what the box is for; an origin of its own is a matter of the studio.
const UNITS: [(&str, bool); 2] = [("uplinkd.service", true), ("uplink-origin.service", false)];
const ASKED: &str =
    "--property=LoadState,ActiveState,SubState,Result,NRestarts,UnitFileState,ExecMainStartTimestamp,NeedDaemonReload";

pub(super) fn examine(ground: &Ground) -> Vec<Finding> {
    let mut findings: Vec<Finding> = UNITS.iter().map(|(unit, needed)| of(unit, *needed)).collect();
    findings.push(worker(ground));
    findings
}

fn of(unit: &str, needed: bool) -> Finding {
    match ask_program("systemctl", &["show", unit, ASKED], Duration::from_secs(4), 16 << 10) {
        Ok(text) if text.contains("LoadState=") => judge(&properties(&text), needed).of(unit),
        Ok(_) => Finding::not_here("unit", "systemd does not run here (a container?)").of(unit),
        Err(error) => Finding::not_here("unit", format!("systemctl cannot be asked: {error}")).of(unit),
    }
}

fn properties(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter_map(|line| line.split_once('=')).collect()
}

fn judge(unit: &BTreeMap<&str, &str>, needed: bool) -> Finding {
    let of = |name: &str| unit.get(name).copied().unwrap_or_default();
    if of("LoadState") != "loaded" {
        return Finding::not_here("unit", format!("not installed ({})", of("LoadState")));
    }
    let restarts: u64 = of("NRestarts").parse().unwrap_or(0);
    let seen = format!(
        "{} ({}) since {}, {restarts} restart(s), {}",
        of("ActiveState"),
        of("SubState"),
        of("ExecMainStartTimestamp"),
        of("UnitFileState"),
    );
    let log = "`journalctl -u uplinkd -n 100` says why";
    match (of("ActiveState"), needed) {
        ("active", _) if of("NeedDaemonReload") == "yes" => {
            Finding::warn("unit", format!("{seen}; its file was changed"), "systemctl daemon-reload, then restart it")
        }
        ("active", _) if restarts > 0 => Finding::warn("unit", seen, format!("it ended by itself: {log}")),
        ("active", true) if of("UnitFileState") == "disabled" => {
            Finding::warn("unit", seen, "systemctl enable uplinkd: it would not come up with the box")
        }
        ("active", _) => Finding::ok("unit", seen),
        ("failed", _) | (_, true) => {
            Finding::fault("unit", format!("{seen}, result {}", of("Result")), format!("systemctl start it; {log}"))
        }
        _ => Finding::not_here("unit", format!("{}: this studio does not use it", of("ActiveState"))),
    }
}

/// All programs are of one build.
fn worker(ground: &Ground) -> Finding {
    let path = ground.worker.display().to_string();
    let own = env!("CARGO_PKG_VERSION");
    match ask_program(&path, &["--version"], Duration::from_secs(5), 256) {
        Ok(text) if text.trim().ends_with(own) => Finding::ok("worker", format!("{path}: {}", text.trim())),
        Ok(text) if !text.trim().is_empty() => {
            let todo = "install one package for all programs, then `uplinkctl stop` and `start` each channel";
            Finding::warn("worker", format!("{path} is {}, uplinkctl is {own}", text.trim()), todo)
        }
        Ok(_) => Finding::fault(
            "worker",
            format!("{path} does not run"),
            "run it by hand with --version: a library of GStreamer may be missing",
        ),
        Err(error) => Finding::fault(
            "worker",
            format!("{path} cannot be run: {error}"),
            "install the package, or name it with --worker",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_unit_is_judged_by_what_systemd_says() {
        let text = |load: &str, active: &str, restarts: &str| {
            format!("LoadState={load}\nActiveState={active}\nSubState=x\nNRestarts={restarts}\nUnitFileState=enabled\n")
        };
        let state = |text: String, needed| judge(&properties(&text), needed).state;
        assert_eq!(state(text("loaded", "active", "0"), true), State::Ok);
        assert_eq!(state(text("loaded", "active", "3"), true), State::Warn);
        assert_eq!(state(text("loaded", "inactive", "0"), true), State::Fault);
        assert_eq!(state(text("loaded", "inactive", "0"), false), State::NotHere);
        assert_eq!(state(text("loaded", "failed", "0"), false), State::Fault);
        assert_eq!(state(text("not-found", "inactive", "0"), true), State::NotHere);
    }
}

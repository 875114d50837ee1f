//! The clock: segments are cut by it, and the boxes of a pair have to agree on it.

use std::time::Duration;

use super::{Finding, Ground};
use crate::system::{ClockDiscipline, Timekeeper, ask_program, clock_discipline, timekeeper};

/// More is seen by a pair, and in the latency that viewers are told.
const WRONG_MS: f64 = 100.0;
const DO: &str =
    "run chrony (apt install chrony), let it reach a time server; `chronyc sources -v` shows which it sees";

struct Seen {
    discipline: Option<ClockDiscipline>,
    keeper: Option<Timekeeper>,
    /// What ptp4l says of its port, where there is one.
    ptp: Option<String>,
    /// A destination is shared with another box.
    pair: bool,
}

pub(super) fn examine(ground: &Ground) -> Vec<Finding> {
    judge(&look(ground))
}

fn look(ground: &Ground) -> Seen {
    let ptp = ["run/ptp4l", "var/run/ptp4l"].iter().any(|path| ground.root.join(path).exists());
    let asked = || ask_program("pmc", &["-u", "-b", "0", "GET TIME_STATUS_NP"], Duration::from_secs(2), 16 << 10);
    let channels = ground.checked.as_ref().map(|checked| checked.channels.as_slice()).unwrap_or_default();
    Seen {
        discipline: clock_discipline().ok(),
        keeper: timekeeper(),
        ptp: ptp.then(|| asked().unwrap_or_else(|error| error.to_string())),
        pair: channels.iter().flat_map(|channel| &channel.destinations).any(|one| one.pair.is_some()),
    }
}

fn judge(seen: &Seen) -> Vec<Finding> {
    let mut findings = vec![kernel(seen)];
    if let Some(text) = &seen.ptp {
        findings.push(ptp(text).of("ptp4l"));
    }
    findings
}

fn kernel(seen: &Seen) -> Finding {
    let Some(discipline) = seen.discipline else {
        return Finding::not_here("clock", "the kernel does not tell of its clock here (a container forbids to ask)");
    };
    let keeper = seen.keeper.as_ref();
    let who = keeper.map_or_else(|| "something".to_owned(), words);
    let offset = keeper.and_then(|keeper| keeper.offset).map(|seconds| seconds * 1000.0);
    let error = discipline.largest_error.as_secs_f64() * 1000.0;
    if !discipline.synchronised {
        let what = match keeper {
            Some(keeper) => format!("{} runs, and has no source: nothing keeps the clock right", keeper.program),
            None => "nothing keeps the clock right".to_owned(),
        };
        return match seen.pair {
            true => Finding::fault("clock", format!("{what}, and a pair relies on it"), DO),
            false => Finding::warn("clock", what, DO),
        };
    }
    let told = offset.map(|offset| format!(", off by {offset:+.3} ms")).unwrap_or_default();
    let text = format!("kept right by {who}{told}, wrong by {error:.1} ms at most");
    match offset.is_some_and(|offset| offset.abs() > WRONG_MS) || error > WRONG_MS {
        true => Finding::warn("clock", text, DO),
        false => Finding::ok("clock", text),
    }
}

fn words(keeper: &Timekeeper) -> String {
    let source = keeper.source.as_ref().map(|source| format!(" from {source}")).unwrap_or_default();
    let stratum = keeper.stratum.map(|stratum| format!(" (stratum {stratum})")).unwrap_or_default();
    format!("{}{source}{stratum}", keeper.program)
}

/// `gmPresent true`, `master_offset -12` (nanoseconds).
fn ptp(text: &str) -> Finding {
    let field =
        |name: &str| text.lines().find_map(|line| line.trim().strip_prefix(name).map(|rest| rest.trim().to_owned()));
    match (field("gmPresent"), field("master_offset").and_then(|offset| offset.parse::<i64>().ok())) {
        (Some(present), Some(offset)) if present == "true" => {
            Finding::ok("clock", format!("PTP: a grandmaster is there, off by {offset} ns"))
        }
        (Some(_), _) => {
            Finding::warn("clock", "PTP: ptp4l sees no grandmaster", "check network and domain number of PTP")
        }
        _ => Finding::not_here("clock", "PTP: ptp4l runs, pmc could not ask it (needs root)"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn seen(synchronised: bool, error_ms: u64, offset: Option<f64>, pair: bool) -> Seen {
        let keeper = Timekeeper { program: "chrony", source: Some("10.0.0.1".to_owned()), stratum: Some(2), offset };
        let discipline = ClockDiscipline { synchronised, largest_error: Duration::from_millis(error_ms) };
        Seen { discipline: Some(discipline), keeper: Some(keeper), ptp: None, pair }
    }

    #[test]
    fn a_clock_is_judged_by_its_keeper_its_error_and_its_use() {
        for (seen, state) in [
            (seen(true, 2, Some(0.0001), true), State::Ok),
            (seen(true, 200, None, false), State::Warn),
            (seen(true, 2, Some(-0.3), false), State::Warn),
            (seen(false, 16_000, None, false), State::Warn),
            (seen(false, 16_000, None, true), State::Fault),
            (Seen { discipline: None, keeper: None, ptp: None, pair: true }, State::NotHere),
        ] {
            let found = judge(&seen);
            assert_eq!(found[0].state, state, "{found:?}");
            assert_eq!(found[0].todo.is_some(), state > State::Ok);
        }
        let text = &judge(&seen(true, 2, Some(0.0001), true))[0].seen;
        assert_eq!(text, "kept right by chrony from 10.0.0.1 (stratum 2), off by +0.100 ms, wrong by 2.0 ms at most");
    }

    #[test]
    fn ptp_without_a_grandmaster_is_told() {
        assert_eq!(ptp("\t\tmaster_offset  -12\n\t\tgmPresent  true\n").state, State::Ok);
        assert_eq!(ptp("\t\tmaster_offset  0\n\t\tgmPresent  false\n").state, State::Warn);
        assert_eq!(ptp("Permission denied").state, State::NotHere);
    }
}

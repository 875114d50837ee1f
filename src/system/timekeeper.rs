//! Who keeps the clock of this box right, as far as that can be told without rights: chrony says much, others only that they
//! run.

use std::path::Path;
use std::time::Duration;

use super::command::ask_program;

/// chrony answers at once, or not at all.
const WITHIN: Duration = Duration::from_secs(1);

/// Whoever keeps the clock right.
#[derive(Debug, Clone, PartialEq)]
pub struct Timekeeper {
    /// `chrony`, `systemd-timesyncd` or `ptp4l`.
    pub program: &'static str,
    /// What it goes by: an address, or a reference clock such as `PHC0`; none if it has none, or does not say.
    pub source: Option<String>,
    /// How far from a reference clock the source is.
    pub stratum: Option<u8>,
    /// By how much the clock is ahead of what it should be, seconds.
    pub offset: Option<f64>,
}

/// Asks, which takes a second at the most; none if nobody is found.
pub fn timekeeper() -> Option<Timekeeper> {
    let chrony = ask_program("chronyc", &["-c", "-n", "tracking"], WITHIN, 4096).ok();
    chrony.as_deref().and_then(chrony_says).or_else(|| runs(Path::new("/")))
}

/// `chronyc -c tracking`: reference id, address, stratum, reference time, correction, …, leap status. Its correction is what
/// the clock is behind.
fn chrony_says(line: &str) -> Option<Timekeeper> {
    let fields: Vec<&str> = line.trim().split(',').collect();
    let [_, address, stratum, _, behind, ..] = fields[..] else { return None };
    let stratum = stratum.parse().ok()?;
    let held = stratum > 0;
    Some(Timekeeper {
        program: "chrony",
        source: Some(address.to_owned()).filter(|address| held && !address.is_empty()),
        stratum: held.then_some(stratum),
        offset: behind.parse::<f64>().ok().filter(|_| held).map(|behind| -behind),
    })
}

fn runs(root: &Path) -> Option<Timekeeper> {
    let found = |program| Timekeeper { program, source: None, stratum: None, offset: None };
    let there = |path: &str| root.join(path).exists();
    if there("run/chrony/chronyd.pid") {
        Some(found("chrony"))
    } else if there("run/ptp4l") || there("var/run/ptp4l") {
        Some(found("ptp4l"))
    } else {
        there("run/systemd/timesync").then(|| found("systemd-timesyncd"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chrony_names_its_source_and_how_far_off_the_clock_is() {
        let line = "C0A80101,192.168.1.1,3,1795280400.123,-0.000250,0.0001,0.0002,1.5,0.0,0.1,0.01,0.001,64.2,Normal\n";
        let found = chrony_says(line).unwrap();
        assert_eq!((found.source.as_deref(), found.stratum), (Some("192.168.1.1"), Some(3)));
        assert!((found.offset.unwrap() - 0.00025).abs() < 1e-9, "behind by a negative time is ahead: {found:?}");
        let none = chrony_says("00000000,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised").unwrap();
        assert_eq!((none.source, none.stratum, none.offset), (None, None, None));
        for garbage in ["", "506 Cannot talk to daemon", "a,b,c"] {
            assert_eq!(chrony_says(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn who_runs_is_seen_in_the_runtime_directory() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(runs(root.path()), None);
        for (path, program) in [("run/systemd/timesync", "systemd-timesyncd"), ("run/ptp4l", "ptp4l")] {
            std::fs::create_dir_all(root.path().join(path)).unwrap();
            assert_eq!(runs(root.path()).unwrap().program, program);
        }
    }
}

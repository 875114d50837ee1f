//! Temperatures, and whether the processor was slowed down for them.

use std::path::Path;

use super::{Finding, Ground, ground};

/// So near to the limit at which the kernel switches off, degrees Celsius.
const NEAR: f64 = 10.0;
const DO: &str = "clean fans and filters, give the rack air, lower the load: a slowed processor drops pictures";

/// A sensor of the box.
#[derive(Debug, Clone, PartialEq)]
pub struct Temperature {
    /// The kernel's name of it, one of a kind.
    pub zone: String,
    /// What it is at.
    pub kind: String,
    /// Degrees Celsius.
    pub degrees: f64,
    /// From where on the box is switched off, if the kernel knows.
    pub limit: Option<f64>,
}

/// Those of the box whose file system begins at `root`, in the order of the kernel.
pub fn temperatures(root: &Path) -> Vec<Temperature> {
    let each = |(name, zone): (String, Zone)| Temperature {
        zone: name,
        kind: zone.kind,
        degrees: zone.degrees,
        limit: zone.critical,
    };
    zones(root).into_iter().map(each).collect()
}

struct Zone {
    kind: String,
    degrees: f64,
    /// From which on it is slowed down, and switched off.
    hot: Option<f64>,
    critical: Option<f64>,
}

pub(super) fn examine(ground: &Ground) -> Vec<Finding> {
    let mut findings: Vec<Finding> = zones(&ground.root).iter().map(|(_, zone)| judge(zone)).collect();
    if findings.is_empty() {
        findings.push(Finding::not_here("temperature", "the kernel shows no temperature (a virtual machine?)"));
    }
    findings.push(throttled(times(ground)));
    let board = ground.word("sys/devices/platform/soc/soc:firmware/get_throttled");
    findings.extend(board.and_then(|word| raspberry(&word)));
    findings
}

fn zones(root: &Path) -> Vec<(String, Zone)> {
    let class = "sys/class/thermal";
    let names = ground::names(root, class).into_iter().filter(|name| name.starts_with("thermal_zone"));
    let zone = |name: String| {
        let at = format!("{class}/{name}");
        let degrees = |path: &str| Some(ground::number(root, &format!("{at}/{path}"))? as f64 / 1000.0);
        let trip = |kinds: &[&str]| {
            let mut trips: Vec<f64> = (0..16)
                .filter(|n| {
                    let kind = ground::word(root, &format!("{at}/trip_point_{n}_type"));
                    kind.is_some_and(|kind| kinds.contains(&kind.as_str()))
                })
                .filter_map(|n| degrees(&format!("trip_point_{n}_temp")))
                // Some firmware has points that it never means.
                .filter(|degrees| *degrees > 30.0)
                .collect();
            trips.sort_by(f64::total_cmp);
            trips.first().copied()
        };
        let kind = ground::word(root, &format!("{at}/type")).unwrap_or_else(|| name.clone());
        let (hot, critical) = (trip(&["passive", "hot"]), trip(&["critical"]));
        Some((name, Zone { kind, degrees: degrees("temp")?, hot, critical }))
    };
    names.filter_map(zone).collect()
}

fn judge(zone: &Zone) -> Finding {
    let limit = zone.critical.map(|limit| format!(", off at {limit:.0}")).unwrap_or_default();
    let seen = format!("{:.0} °C{limit}", zone.degrees);
    let finding = if zone.critical.is_some_and(|limit| zone.degrees > limit - NEAR) {
        Finding::fault("temperature", seen, DO)
    } else if zone.hot.is_some_and(|hot| zone.degrees >= hot) {
        Finding::warn("temperature", format!("{seen}: it is being slowed down"), DO)
    } else {
        Finding::ok("temperature", seen)
    };
    finding.of(zone.kind.clone())
}

/// How often a core was slowed down since the box was started; none if it does not count.
fn times(ground: &Ground) -> Option<i64> {
    let cpus = "sys/devices/system/cpu";
    let names = ground.names(cpus).into_iter().filter(|name| name.starts_with("cpu"));
    names.filter_map(|cpu| ground.number(&format!("{cpus}/{cpu}/thermal_throttle/core_throttle_count"))).max()
}

fn throttled(times: Option<i64>) -> Finding {
    match times {
        None => Finding::not_here("throttled", "the processor does not count how often it was slowed down"),
        Some(0) => Finding::ok("throttled", "the processor was never slowed down since the start"),
        Some(times) => {
            Finding::warn("throttled", format!("the processor was slowed down {times} time(s) since the start"), DO)
        }
    }
}

/// The firmware's flags: bits 0 to 3 now, 16 to 19 since the start.
fn raspberry(word: &str) -> Option<Finding> {
    let flags = u32::from_str_radix(word.trim_start_matches("0x"), 16).ok()?;
    let todo = "use the maker's power supply and a cooler";
    Some(match (flags & 0xf, (flags >> 16) & 0xf) {
        (0, 0) => Finding::ok("throttled", "power and temperature of the board were good since the start"),
        (0, _) => Finding::warn("throttled", format!("the board had too little power or was too hot ({word})"), todo),
        _ => Finding::fault("throttled", format!("the board has too little power or is too hot now ({word})"), todo),
    })
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::super::tests::ground;
    use super::*;

    #[test]
    fn a_hot_zone_is_told_by_its_own_limits() {
        let (root, ground) = ground();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let state = |degrees: i64| {
            put("sys/class/thermal/thermal_zone0/temp", &format!("{degrees}000\n"));
            let found = examine(&ground);
            (found[0].about.clone(), found[0].state)
        };
        put("sys/class/thermal/thermal_zone0/type", "x86_pkg_temp\n");
        for (n, kind, limit) in [(0, "critical", "100000"), (1, "passive", "80000"), (2, "hot", "0")] {
            put(&format!("sys/class/thermal/thermal_zone0/trip_point_{n}_type"), kind);
            put(&format!("sys/class/thermal/thermal_zone0/trip_point_{n}_temp"), limit);
        }
        let zone = Some("x86_pkg_temp".to_owned());
        for (degrees, wanted) in [(60, State::Ok), (85, State::Warn), (95, State::Fault)] {
            assert_eq!(state(degrees), (zone.clone(), wanted), "{degrees}");
        }
        put("sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count", "3\n");
        assert_eq!(examine(&ground)[1].state, State::Warn);
    }

    #[test]
    fn flags_of_a_raspberry_are_read() {
        let state = |word: &str| raspberry(word).map(|finding| finding.state);
        assert_eq!(state("0"), Some(State::Ok));
        assert_eq!(state("0x50000"), Some(State::Warn));
        assert_eq!(state("50005"), Some(State::Fault));
        assert_eq!(state("what"), None);
    }
}

//! Memory of the box, and the limits of the daemon's process.

use super::finding::size;
use super::{Finding, Ground};

/// A worker of a full ladder takes about as much.
const LITTLE: u64 = 512 << 20;
/// Swapped memory is paused media.
const SWAPPED: u64 = 64 << 20;
/// As in the unit.
const FILES: u64 = 4096;

pub(super) fn examine(ground: &Ground) -> Vec<Finding> {
    let mut findings = vec![memory(&ground.word("proc/meminfo").unwrap_or_default())];
    match daemon_of(ground) {
        Some(pid) => match ground.word(&format!("proc/{pid}/limits")) {
            Some(text) => findings.push(limits(&text)),
            None => findings
                .push(Finding::not_here("limits", "the daemon's limits may not be read (needs its user, or root)")),
        },
        None => findings.push(Finding::not_here("limits", "no uplinkd runs")),
    }
    findings
}

/// The process that is called `uplinkd`.
fn daemon_of(ground: &Ground) -> Option<String> {
    let mut numbers = ground.names("proc").into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    numbers.find(|pid| ground.word(&format!("proc/{pid}/comm")).as_deref() == Some("uplinkd"))
}

fn memory(text: &str) -> Finding {
    let bytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.trim_start_matches(':').trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    };
    let (Some(total), Some(free)) = (bytes("MemTotal"), bytes("MemAvailable")) else {
        return Finding::not_here("memory", "/proc/meminfo does not tell");
    };
    let swapped = bytes("SwapTotal").zip(bytes("SwapFree")).map_or(0, |(all, free)| all.saturating_sub(free));
    let seen = format!("{} of {} are free, {} are swapped out", size(free), size(total), size(swapped));
    let todo = "see what takes it (`ps aux --sort -rss`); fewer channels, or more memory. `uplinkctl capacity` tells what fits";
    if free < LITTLE / 4 {
        Finding::fault("memory", seen, todo)
    } else if free < LITTLE || swapped > SWAPPED {
        Finding::warn("memory", seen, todo)
    } else {
        Finding::ok("memory", seen)
    }
}

/// `Max open files            1024                 524288               files`
fn limits(text: &str) -> Finding {
    let soft = |name: &str| {
        let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    let number = |word: &str| if word == "unlimited" { Some(u64::MAX) } else { word.parse::<u64>().ok() };
    let (Some(files), locked) = (soft("Max open files"), soft("Max locked memory")) else {
        return Finding::not_here("limits", "they cannot be read");
    };
    let nice = soft("Max nice priority").unwrap_or_else(|| "?".to_owned());
    let locked = locked.unwrap_or_else(|| "?".to_owned());
    let seen = format!("{files} open files, {locked} bytes of locked memory, nice limit {nice}");
    let todo = "run uplinkd by the unit of the package, or set LimitNOFILE=65536 and LimitNICE=-10 in yours";
    let fine = number(&files).is_some_and(|files| files >= FILES) && nice.parse::<u64>().is_ok_and(|nice| nice >= 30);
    if fine { Finding::ok("limits", seen) } else { Finding::warn("limits", seen, todo) }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn little_memory_and_swapped_memory_are_told() {
        let text = |free: u64, swap: u64| {
            format!(
                "MemTotal: 8000000 kB\nMemAvailable:   {free} kB\nSwapTotal: 1000000 kB\nSwapFree: {} kB\n",
                1_000_000 - swap
            )
        };
        assert_eq!(memory(&text(4_000_000, 0)).state, State::Ok);
        assert_eq!(memory(&text(4_000_000, 200_000)).state, State::Warn);
        assert_eq!(memory(&text(400_000, 0)).state, State::Warn);
        assert_eq!(memory(&text(40_000, 0)).state, State::Fault);
        assert_eq!(memory("").state, State::NotHere);
    }

    #[test]
    fn limits_of_a_shell_are_too_low() {
        let text = |files: &str, nice: &str| {
            format!(
                "Max open files            {files}                 524288               files\n\
                     Max locked memory         8388608              8388608              bytes\n\
                     Max nice priority         {nice}                   0\n"
            )
        };
        assert_eq!(limits(&text("65536", "30")).state, State::Ok);
        assert_eq!(limits(&text("unlimited", "40")).state, State::Ok);
        assert_eq!(limits(&text("1024", "30")).state, State::Warn);
        assert_eq!(limits(&text("65536", "0")).state, State::Warn);
    }
}

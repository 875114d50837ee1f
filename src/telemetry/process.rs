//! What this process takes, as the kernel counts it (proc(5)).

use std::fs;
use std::time::UNIX_EPOCH;

use crate::system::{TICKS, own_since};

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProcessFigures {
    /// Seconds of processor time, user and system.
    pub cpu_seconds: f64,
    /// Memory that it has.
    pub resident_bytes: u64,
    /// Addresses that it has.
    pub virtual_bytes: u64,
    /// Open file descriptors.
    pub open_files: u64,
    /// Most of them; none without a limit.
    pub most_files: Option<u64>,
    /// Threads.
    pub threads: u64,
    /// When it started, seconds since 1970.
    pub started: f64,
}

impl ProcessFigures {
    /// Now; none where the kernel does not tell.
    pub fn now() -> Option<Self> {
        let files = fs::read_dir("/proc/self/fd").ok()?.count() as u64;
        let text = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).ok();
        Self::read(&text("stat")?, &text("status")?, &text("limits")?, files)
    }

    fn read(stat: &str, status: &str, limits: &str, open_files: u64) -> Option<Self> {
        // The name in parentheses may hold anything; what follows begins with the third field.
        let ticks: Vec<u64> = stat
            .rsplit_once(')')?
            .1
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse().ok())
            .collect();
        let of_status = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let most_files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        Some(Self {
            cpu_seconds: ticks.iter().sum::<u64>() as f64 / TICKS as f64,
            resident_bytes: of_status("VmRSS")? * 1024,
            virtual_bytes: of_status("VmSize")? * 1024,
            // One is this look at them.
            open_files: open_files.saturating_sub(1),
            most_files: most_files.and_then(|line| line.split_whitespace().next()?.parse().ok()),
            threads: of_status("Threads")?,
            started: own_since().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let stat = "7 (a ) b) S 1 1 1 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 100 1 1";
        let status = "Name:\tx\nVmSize:\t  2000 kB\nVmRSS:\t   1000 kB\nThreads:\t9\n";
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 524288               files\n";
        let figures = ProcessFigures::read(stat, status, limits, 11).unwrap();
        assert!((figures.cpu_seconds - 3.0).abs() < 1e-9, "{figures:?}");
        assert_eq!((figures.resident_bytes, figures.virtual_bytes), (1_024_000, 2_048_000));
        assert_eq!((figures.open_files, figures.most_files, figures.threads), (10, Some(1024), 9));
        let unlimited = limits.replace("1024 ", "unlimited ");
        assert_eq!(ProcessFigures::read(stat, status, &unlimited, 11).unwrap().most_files, None);
    }

    #[test]
    fn this_process_is_seen() {
        let figures = ProcessFigures::now().unwrap();
        assert!(figures.resident_bytes > 0 && figures.open_files > 0 && figures.started > 1e9, "{figures:?}");
    }
}

//! Whether something keeps the clock of this box right, as the kernel knows it from whoever disciplines it (chrony,
//! systemd-timesyncd, ntpd, ptp4l with phc2sys).

use std::io;
use std::time::Duration;

/// What the kernel says of its clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockDiscipline {
    /// Somebody disciplines it, and did so lately.
    pub synchronised: bool,
    /// By how much it may be wrong, as who disciplines it reckons; grows by 0.5 ms each second without news.
    pub largest_error: Duration,
}

/// Asks the kernel (adjtimex(2), which changes nothing here).
pub fn clock_discipline() -> io::Result<ClockDiscipline> {
    #[allow(unsafe_code, reason = "no safe wrapper knows this call")]
    // SAFETY: `timex` is a plain structure of numbers, for which zeros are valid; with `modes` 0 the kernel only fills it.
    let (state, timex) = unsafe {
        let mut timex: nix::libc::timex = std::mem::zeroed();
        (nix::libc::adjtimex(&raw mut timex), timex)
    };
    match state {
        -1 => Err(io::Error::last_os_error()),
        state => Ok(judge(state, timex.status, timex.maxerror)),
    }
}

fn judge(state: i32, status: i32, largest_error: i64) -> ClockDiscipline {
    let synchronised = state != nix::libc::TIME_ERROR && status & nix::libc::STA_UNSYNC == 0;
    let micros = u64::try_from(largest_error).unwrap_or(u64::MAX);
    ClockDiscipline { synchronised, largest_error: Duration::from_micros(micros) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_nobody_looks_after_is_told() {
        assert!(judge(0, nix::libc::STA_PLL, 1500).synchronised);
        assert!(!judge(nix::libc::TIME_ERROR, nix::libc::STA_UNSYNC, 16_000_000).synchronised);
        assert!(!judge(0, nix::libc::STA_UNSYNC, 0).synchronised);
        assert_eq!(judge(0, 0, 1500).largest_error, Duration::from_micros(1500));
    }

    #[test]
    fn the_kernel_answers() {
        match clock_discipline() {
            Ok(found) => eprintln!("{found:?}"),
            Err(error) => eprintln!("SKIPPED: the kernel does not tell of its clock here: {error}"),
        }
    }
}

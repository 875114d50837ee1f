//! What the kernel says of cards, disks, power and memory since the box was started.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use super::{Finding, Ground};
use crate::system::ask_program;

/// The newest messages are looked at.
const LINES: &str = "4000";
const MOST: u64 = 2 << 20;

/// What is looked for.
struct Sign {
    /// Any of these, in lower case.
    words: &'static [&'static str],
    fault: bool,
    /// Counts from so many messages on: a link and a device also go for good reasons.
    from: usize,
    what: &'static str,
    todo: &'static str,
}

const SIGNS: [Sign; 9] = [
    Sign {
        words: &["i/o error", "medium error", "unrecovered read"],
        fault: true,
        from: 1,
        what: "a disk cannot read or write",
        todo: "save what matters, replace the disk",
    },
    Sign {
        words: &["ext4-fs error", "xfs_do_force_shutdown", "btrfs error"],
        fault: true,
        from: 1,
        what: "a file system is damaged",
        todo: "fsck it with nothing on air",
    },
    Sign {
        words: &["out of memory", "oom-kill"],
        fault: true,
        from: 1,
        what: "memory ran out and a process was killed",
        todo: "fewer channels, or more memory",
    },
    Sign {
        words: &["machine check events logged", "[hardware error]"],
        fault: true,
        from: 1,
        what: "processor or memory report errors",
        todo: "test memory, replace what fails",
    },
    Sign {
        words: &["firmware: failed", "direct firmware load"],
        fault: false,
        from: 1,
        what: "firmware of a device is missing",
        todo: "install its package (firmware-…), then restart",
    },
    Sign {
        words: &["temperature above threshold", "cpu clock throttled"],
        fault: false,
        from: 1,
        what: "the processor was slowed down for heat",
        todo: "see temperature",
    },
    Sign {
        words: &["under-voltage", "undervoltage"],
        fault: false,
        from: 1,
        what: "the board has too little power",
        todo: "use the maker's power supply",
    },
    Sign {
        words: &["link is down", "netdev watchdog"],
        fault: false,
        from: 3,
        what: "a network link comes and goes",
        todo: "check cable, switch port and SFP",
    },
    Sign {
        words: &[
            "usb disconnect",
            "cannot enable. maybe the usb cable",
            "xhci_hcd: error",
            "device not accepting address",
        ],
        fault: false,
        from: 3,
        what: "USB devices come and go, or do not start",
        todo: "another cable or port, no hub without power of its own",
    },
];

/// Words in messages that tell of trouble, in those of a card's driver.
const TROUBLE: [&str; 8] = ["error", "fail", "timeout", "timed out", "reset", "hung", "overflow", "corrupt"];

struct Seen {
    /// The messages, or why there are none.
    messages: Result<String, String>,
    /// Drivers of cards that capture or encode.
    drivers: Vec<String>,
}

pub(super) fn examine(ground: &Ground) -> Vec<Finding> {
    let inventory = ground.inventory();
    let mut drivers: Vec<String> = inventory.capture.into_iter().map(|device| device.driver).collect();
    drivers.extend(inventory.devices.into_iter().filter_map(|device| device.driver));
    drivers.sort();
    drivers.dedup();
    drivers.retain(|driver| driver != "unknown");
    judge(&Seen { messages: messages(), drivers })
}

/// From the journal, which remembers more; else from the kernel's own buffer.
pub(super) fn messages() -> Result<String, String> {
    let journal = ask_program(
        "journalctl",
        &["-k", "-b", "-q", "--no-pager", "-o", "short-iso", "-n", LINES],
        Duration::from_secs(6),
        MOST,
    );
    match journal {
        Ok(text) if !text.trim().is_empty() => Ok(text),
        _ => buffer().map_err(|error| format!("they may not be read ({error}); run doctor with sudo")),
    }
}

/// `/dev/kmsg` gives a record for each read; reading it takes nothing away from anybody.
fn buffer() -> std::io::Result<String> {
    let mut device = OpenOptions::new().read(true).custom_flags(nix::libc::O_NONBLOCK).open("/dev/kmsg")?;
    let (mut text, mut record) = (String::new(), [0; 8192]);
    while (text.len() as u64) < MOST {
        match device.read(&mut record) {
            Ok(0) => break,
            Ok(length) => text.push_str(&String::from_utf8_lossy(&record[..length])),
            // A record was overwritten meanwhile.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error),
        }
    }
    Ok(text)
}

fn judge(seen: &Seen) -> Vec<Finding> {
    let text = match &seen.messages {
        Ok(text) => text,
        Err(why) => return vec![Finding::not_here("kernel", format!("the kernel's messages: {why}"))],
    };
    // By what was found: how often, and the newest line.
    let mut found: BTreeMap<usize, (usize, &str)> = BTreeMap::new();
    let mut cards: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for line in text.lines() {
        let lower = line.to_lowercase();
        let sign = SIGNS.iter().position(|sign| sign.words.iter().any(|word| lower.contains(word)));
        if let Some(sign) = sign {
            let entry = found.entry(sign).or_insert((0, line));
            *entry = (entry.0 + 1, line);
        } else if TROUBLE.iter().any(|word| lower.contains(word))
            && let Some(driver) = seen.drivers.iter().find(|driver| names(&lower, driver))
        {
            let entry = cards.entry(driver.as_str()).or_insert((0, line));
            *entry = (entry.0 + 1, line);
        }
    }
    let mut findings = Vec::new();
    for (sign, (times, line)) in found {
        let Sign { fault, from, what, todo, .. } = SIGNS[sign];
        if times < from {
            continue;
        }
        let seen = format!("{what}: {times} message(s), the newest: {}", short(line));
        findings.push(if fault { Finding::fault("kernel", seen, todo) } else { Finding::warn("kernel", seen, todo) });
    }
    for (driver, (times, line)) in cards {
        let seen = format!("{times} message(s) of trouble, the newest: {}", short(line));
        let todo = "another cable or slot; the newest driver and firmware of the maker; send them a support bundle";
        findings.push(Finding::warn("kernel", seen, todo).of(format!("driver {driver}")));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("kernel", format!("{} messages, none of trouble", text.lines().count())));
    }
    findings
}

/// Whether a message is of this driver: its name stands in it as a word.
fn names(lower: &str, driver: &str) -> bool {
    let driver = driver.to_lowercase();
    driver.len() > 2 && lower.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).any(|word| word == driver)
}

fn short(line: &str) -> String {
    let line = line.trim();
    match line.char_indices().nth(160) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    fn judged(text: &str) -> Vec<Finding> {
        judge(&Seen { messages: Ok(text.to_owned()), drivers: vec!["hws".to_owned(), "uvcvideo".to_owned()] })
    }

    #[test]
    fn messages_of_trouble_are_found_and_counted() {
        let found = judged(
            "2026-11-21T10:00:00 box kernel: usb 1-2: new high-speed USB device number 2 using xhci_hcd\n\
             2026-11-21T10:00:00 box kernel: hws 0000:05:00.0: DMA timeout on input 1\n\
             2026-11-21T10:00:01 box kernel: hws 0000:05:00.0: DMA timeout on input 2\n\
             2026-11-21T10:00:02 box kernel: blk_update_request: I/O error, dev sda, sector 1\n",
        );
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].state, found[1].state), (State::Fault, State::Warn));
        assert_eq!(found[1].about.as_deref(), Some("driver hws"));
        assert!(found[1].seen.contains("2 message(s)") && found[1].seen.contains("input 2"), "{found:?}");
    }

    #[test]
    fn what_is_well_is_no_finding_and_what_is_forbidden_is_told() {
        assert_eq!(judged("box kernel: hws 0000:05:00.0: firmware 1.2 loaded\n")[0].state, State::Ok);
        assert_eq!(judged("box kernel: shadowsocks error\n")[0].state, State::Ok, "no driver of ours");
        let forbidden = judge(&Seen { messages: Err("forbidden".to_owned()), drivers: Vec::new() });
        assert_eq!(forbidden[0].state, State::NotHere);
    }
}

//! `uplinkctl capacity`: what the box can carry, for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::report::columns;
use crate::model::{CapacityStatus, DiskRate, MediaTime, Resources};

pub(crate) fn report(capacity: &CapacityStatus, now: MediaTime) -> String {
    let mut text = format!("room   {}\ntaken  {}\n", capacity.room, capacity.taken);
    for one in &capacity.sessions {
        let _ = writeln!(text, "encoder sessions of {}: {} of {} taken", one.profile, one.taken, one.sessions);
    }
    text.push('\n');
    let mut table = vec![heads(["CHANNEL", "ON AIR", "CORES", "MEMORY", "DISK/S", "SESSIONS"])];
    for channel in &capacity.channels {
        let on_air = if channel.on_air { "yes" } else { "no" };
        table.push(line(channel.channel.as_str(), on_air, channel.needs, &channel.sessions));
    }
    text.push_str(&columns(&table, ""));
    let mut table = vec![heads(["STREAM CLASS", "MORE", "CORES", "MEMORY", "DISK/S", "SESSIONS"])];
    for class in &capacity.classes {
        table.push(line(&class.stream_class, &class.more.to_string(), class.needs, &class.sessions));
    }
    text.push('\n');
    text.push_str(&columns(&table, ""));
    let measured = if capacity.measured {
        "costs were measured on this box"
    } else {
        "costs are those of the shipped profiles; measure them with uplink-worker --probe --measure-cost"
    };
    let _ = writeln!(text, "\n{measured}");
    let _ = writeln!(text, "{}", disk(capacity.disk.as_ref(), now));
    text
}

fn disk(rate: Option<&DiskRate>, now: MediaTime) -> String {
    match rate {
        Some(DiskRate { bytes_per_second, device, measured_at }) => {
            let (megabytes, days) = (*bytes_per_second as f64 / 1e6, now.since(*measured_at).as_secs() / 86_400);
            format!(
                "the disk ({device}) took {megabytes:.1} MB a second, synced, when it was measured {days} day(s) ago; 70 % of it count"
            )
        }
        None => {
            "the disk was not measured, a slow one is assumed; uplinkd measures it when it starts with nothing on air"
                .to_owned()
        }
    }
}

fn heads(heads: [&str; 6]) -> Vec<String> {
    heads.map(str::to_owned).to_vec()
}

fn line(name: &str, second: &str, needs: Resources, sessions: &BTreeMap<String, u32>) -> Vec<String> {
    let megabytes = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    let (memory, disk) = (megabytes(needs.memory_bytes), megabytes(needs.disk_bytes_per_second));
    let sessions: Vec<String> = sessions.iter().map(|(profile, count)| format!("{count} {profile}")).collect();
    let sessions = if sessions.is_empty() { "-".to_owned() } else { sessions.join(", ") };
    vec![name.to_owned(), second.to_owned(), format!("{:.2}", needs.cores), memory, disk, sessions]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ChannelNeeds, ClassFit, SessionRoom};

    #[test]
    fn it_reads_like_this() {
        let needs = Resources { cores: 0.31, memory_bytes: 214_300_000, disk_bytes_per_second: 1_400_000 };
        let room = Resources { cores: 2.0, memory_bytes: 3_500_000_000, disk_bytes_per_second: 40_000_000 };
        let held = BTreeMap::from([("nvidia-geforce".to_owned(), 3)]);
        let channels = vec![ChannelNeeds { channel: "demo".parse().unwrap(), on_air: true, needs, sessions: held }];
        let classes = vec![ClassFit { stream_class: "talk-720p30".into(), needs, more: 5, sessions: BTreeMap::new() }];
        let sessions = vec![SessionRoom { profile: "nvidia-geforce".into(), sessions: 8, taken: 3 }];
        let at = MediaTime::from_secs(1_763_683_200);
        let rate = DiskRate { bytes_per_second: 120_000_000, device: "8:1".to_owned(), measured_at: at };
        let (disk, now) = (Some(rate), at + std::time::Duration::from_secs(3 * 86_400));
        let text =
            report(&CapacityStatus { room, taken: needs, sessions, channels, classes, measured: false, disk }, now);
        assert!(text.contains("(8:1) took 120.0 MB a second, synced, when it was measured 3 day(s) ago"), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "room   2.00 cores, 3.5 GB of memory, 40.0 MB a second of disk");
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines[2], "encoder sessions of nvidia-geforce: 3 of 8 taken");
        assert_eq!(words(lines[5]), ["demo", "yes", "0.31", "214.3", "MB", "1.4", "MB", "3", "nvidia-geforce"]);
        assert_eq!(words(lines[8])[..3], ["talk-720p30", "5", "0.31"]);
    }
}

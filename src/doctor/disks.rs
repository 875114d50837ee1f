//! The disk that segments are written to: room, speed, health.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{StatVfs, StatVfsMountFlags, statvfs};
use serde_json::Value;

use super::finding::size;
use super::{Finding, Ground};
use crate::model::DiskRate;
use crate::system::{ask_program, device_of, synced_rate};

/// A ladder writes about a tenth of it; several channels, uploads and the store share the rest.
const SLOW: u64 = 10 << 20;
const ROOM: &str = "delete recordings (`uplinkctl recording list`), lower [spool] quota, or give it a larger disk";

struct Seen {
    directory: PathBuf,
    /// Room and flags, or why they are not known.
    room: Result<Room, String>,
    /// What the spools of all channels may take.
    quotas: u64,
    rate: Result<(u64, &'static str), String>,
    /// The disk and what `smartctl -j` says of it.
    health: Option<(String, Result<Value, String>)>,
}

#[derive(Clone, Copy)]
struct Room {
    free: u64,
    total: u64,
    /// Of 100.
    free_files: u64,
    read_only: bool,
}

impl From<StatVfs> for Room {
    fn from(stat: StatVfs) -> Self {
        let files = stat.f_files.max(1);
        Self {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            free_files: if stat.f_files == 0 { 100 } else { stat.f_favail * 100 / files },
            read_only: stat.f_flag.contains(StatVfsMountFlags::RDONLY),
        }
    }
}

pub(super) fn examine(ground: &Ground) -> Vec<Finding> {
    judge(&look(ground))
}

fn look(ground: &Ground) -> Seen {
    let directory = ground.state.clone();
    let channels = ground.checked.as_ref().map(|checked| checked.channels.as_slice()).unwrap_or_default();
    Seen {
        room: statvfs(&directory).map(Room::from).map_err(|error| error.to_string()),
        quotas: channels.iter().map(|channel| channel.spool.quota_bytes).fold(0, u64::saturating_add),
        rate: rate(ground),
        health: disk_below(ground, &directory).map(|disk| {
            let said = smart(&disk);
            (disk, said)
        }),
        directory,
    }
}

/// Measured now, unless a channel may be on air: then what the daemon measured counts.
fn rate(ground: &Ground) -> Result<(u64, &'static str), String> {
    let known = std::fs::read_to_string(ground.state.join("disk-rate.json")).ok();
    let known: Option<DiskRate> = known.and_then(|text| serde_json::from_str(&text).ok());
    if ground.on_air() {
        let why = "a channel is on air, and nothing was measured before: it is not tried now";
        return known.map(|rate| (rate.bytes_per_second, "as measured before")).ok_or_else(|| why.to_owned());
    }
    match (synced_rate(&ground.state), known) {
        (Ok(rate), _) => Ok((rate, "measured now")),
        (Err(_), Some(rate)) => Ok((rate.bytes_per_second, "as measured before")),
        (Err(error), None) => Err(format!("it cannot be written to: {error}; run doctor with sudo")),
    }
}

/// The whole disk that a directory is on; none of what has none (overlay, tmpfs, network).
fn disk_below(ground: &Ground, directory: &Path) -> Option<String> {
    let place = ground.root.join("sys/dev/block").join(device_of(directory).ok()?).canonicalize().ok()?;
    let whole = if place.join("partition").exists() { place.parent()? } else { &place };
    // A mapped disk (LVM, encryption) stands on another one.
    let below = std::fs::read_dir(whole.join("slaves")).into_iter().flatten().flatten().next();
    let below = below.and_then(|entry| entry.path().canonicalize().ok());
    let whole = match &below {
        Some(place) if place.join("partition").exists() => place.parent()?,
        Some(place) => place,
        None => whole,
    };
    Some(format!("/dev/{}", whole.file_name()?.to_str()?))
}

fn smart(disk: &str) -> Result<Value, String> {
    match ask_program("smartctl", &["-j", "-i", "-H", "-A", disk], Duration::from_secs(6), 1 << 20) {
        Ok(text) => serde_json::from_str(&text).map_err(|_| "smartctl gives no JSON".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err("smartctl is not installed (apt install smartmontools)".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

fn judge(seen: &Seen) -> Vec<Finding> {
    let about = seen.directory.display().to_string();
    let mut findings = vec![room(seen).of(&about), speed(&seen.rate).of(&about)];
    findings.push(match &seen.health {
        None => Finding::not_here("disk_health", "no disk of its own below it (a container, a network)").of(&about),
        Some((disk, Err(why))) => Finding::not_here("disk_health", why.clone()).of(disk),
        Some((disk, Ok(said))) => health(said).of(disk),
    });
    findings
}

fn room(seen: &Seen) -> Finding {
    let room = match &seen.room {
        Ok(room) => room,
        Err(why) => {
            let todo = "start uplinkd once, or name its directory with --state-dir";
            return Finding::warn("disk_space", format!("cannot be looked at: {why}"), todo);
        }
    };
    let text = format!("{} of {} are free", size(room.free), size(room.total));
    if room.read_only {
        let todo = "look at the kernel's messages: a damaged file system is made read-only; fsck it";
        Finding::fault("disk_space", format!("{text}, and it is read-only"), todo)
    } else if room.free < room.total / 50 || room.free < 256 << 20 {
        Finding::fault("disk_space", text, ROOM)
    } else if room.free < room.total / 10 {
        Finding::warn("disk_space", text, ROOM)
    } else if room.free_files < 5 {
        Finding::warn("disk_space", format!("{text}, but only {} % of its files", room.free_files), ROOM)
    } else if seen.quotas > room.total {
        let text = format!("{text}; the spools of all channels may take {}", size(seen.quotas));
        Finding::warn("disk_space", text, "lower [spool] quota: together they do not fit")
    } else {
        Finding::ok("disk_space", text)
    }
}

fn speed(rate: &Result<(u64, &'static str), String>) -> Finding {
    match rate {
        Err(why) => Finding::not_here("disk_rate", why.clone()),
        Ok((rate, when)) => {
            let text = format!("takes {}/s that are synced, {when}", size(*rate));
            let todo =
                "an SSD that keeps its promises; nothing else on the same disk. `uplinkctl capacity` tells what fits";
            if *rate < SLOW { Finding::warn("disk_rate", text, todo) } else { Finding::ok("disk_rate", text) }
        }
    }
}

fn health(said: &Value) -> Finding {
    let model = said["model_name"].as_str().unwrap_or("unknown model");
    let Some(passed) = said["smart_status"]["passed"].as_bool() else {
        let why = said["smartctl"]["messages"][0]["string"].as_str().unwrap_or("it has no SMART");
        return Finding::not_here("disk_health", format!("{model}: {why} (smartctl needs root)"));
    };
    let worn = said["nvme_smart_health_information_log"]["percentage_used"].as_u64();
    let attribute = |id: u64| {
        let table = said["ata_smart_attributes"]["table"].as_array();
        let row = table.into_iter().flatten().find(|row| row["id"].as_u64() == Some(id));
        row.and_then(|row| row["raw"]["value"].as_u64()).unwrap_or(0)
    };
    let bad = attribute(5) + attribute(197) + attribute(198);
    let media = said["nvme_smart_health_information_log"]["media_errors"].as_u64().unwrap_or(0);
    let degrees = said["temperature"]["current"].as_i64().map(|degrees| format!(", {degrees} °C")).unwrap_or_default();
    let wear = worn.map(|worn| format!(", {worn} % worn")).unwrap_or_default();
    let seen = format!("{model}{degrees}{wear}, {} bad block(s)", bad + media);
    let todo = "save recordings, replace the disk";
    match (passed, bad + media, worn.unwrap_or(0)) {
        (false, ..) => Finding::fault("disk_health", format!("{seen}: it says itself that it fails"), todo),
        (true, 0, 0..90) => Finding::ok("disk_health", seen),
        _ => Finding::warn("disk_health", seen, "plan to replace the disk"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::State;
    use super::*;

    const GB: u64 = 1 << 30;

    fn with(room: Room, quotas: u64) -> State {
        let rate = Ok((200 << 20, "measured now"));
        judge(&Seen { directory: "/x".into(), room: Ok(room), quotas, rate, health: None })[0].state
    }

    #[test]
    fn room_is_judged_by_what_is_free_and_what_is_promised() {
        let room = Room { free: 50 * GB, total: 100 * GB, free_files: 90, read_only: false };
        assert_eq!(with(room, 20 * GB), State::Ok);
        assert_eq!(with(room, 120 * GB), State::Warn);
        assert_eq!(with(Room { free: 8 * GB, ..room }, 0), State::Warn);
        assert_eq!(with(Room { free: GB, ..room }, 0), State::Fault);
        assert_eq!(with(Room { free_files: 1, ..room }, 0), State::Warn);
        assert_eq!(with(Room { read_only: true, ..room }, 0), State::Fault);
    }

    #[test]
    fn a_slow_disk_and_one_that_may_not_be_tried_differ() {
        assert_eq!(speed(&Ok((2 << 20, "measured now"))).state, State::Warn);
        assert_eq!(speed(&Err("on air".to_owned())).state, State::NotHere);
    }

    #[test]
    fn a_disk_that_fails_says_so() {
        let state = |said: Value| health(&said).state;
        assert_eq!(state(json!({ "model_name": "M", "smart_status": { "passed": true } })), State::Ok);
        assert_eq!(state(json!({ "smart_status": { "passed": false } })), State::Fault);
        let table = json!({ "table": [{ "id": 5, "raw": { "value": 8 } }] });
        assert_eq!(state(json!({ "smart_status": { "passed": true }, "ata_smart_attributes": table })), State::Warn);
        let worn = json!({ "percentage_used": 97 });
        let worn = json!({ "smart_status": { "passed": true }, "nvme_smart_health_information_log": worn });
        assert_eq!(state(worn), State::Warn);
        assert_eq!(state(json!({ "smartctl": { "messages": [{ "string": "Permission denied" }] } })), State::NotHere);
    }
}

//! What goes into a bundle, read from the box. Nothing here takes a secret out: that is done once, for all, behind it.

use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use super::super::{Ground, kernel};
use super::settings;
use crate::store;
use crate::system::ask_program;

/// One file of a bundle, or why it is not there.
#[derive(Debug, Clone)]
pub struct Paper {
    /// Its path.
    pub name: String,
    /// Its text.
    pub text: Result<String, String>,
}

impl Paper {
    /// A file of this name.
    pub fn new(name: impl Into<String>, text: Result<String, String>) -> Self {
        Self { name: name.into(), text }
    }
}

/// Of each log the end.
const TAIL: u64 = 512 << 10;
/// Entries of a list of files.
const FILES: usize = 4000;
const WITHIN: Duration = Duration::from_secs(6);
const MOST: u64 = 4 << 20;
const SHOWN: &str = "--property=Id,LoadState,ActiveState,SubState,Result,NRestarts,UnitFileState,ExecMainStartTimestamp,\
                     ExecMainStatus,MainPID,MemoryCurrent,CPUUsageNSec,TasksCurrent,FragmentPath,DropInPaths";
const PACKAGES: [&str; 10] = [
    "-W",
    "uplinkd",
    "gstreamer1.0-*",
    "libgstreamer*",
    "libsrt*",
    "linux-image-*",
    "firmware-*",
    "*nvidia-driver*",
    "desktopvideo*",
    "chrony",
];

/// All of them.
pub(super) fn gather(ground: &Ground) -> Vec<Paper> {
    let mut papers = vec![
        Paper::new("versions.txt", Ok(versions(ground))),
        program("packages.txt", "dpkg-query", &PACKAGES),
        program("units.txt", "systemctl", &["show", "uplinkd.service", "uplink-origin.service", SHOWN]),
        program(
            "journal/uplink.txt",
            "journalctl",
            &["-q", "-u", "uplinkd", "-u", "uplink-origin", "-n", "8000", "--no-pager", "-o", "short-iso-precise"],
        ),
        Paper::new("journal/kernel.txt", kernel::messages()),
        program("network/addresses.txt", "ip", &["-s", "address"]),
        program("network/routes.txt", "ip", &["route", "show", "table", "all"]),
        of_file(ground, "network/resolv.conf", "etc/resolv.conf"),
        program("clock/chrony.txt", "chronyc", &["-n", "sources", "-v"]),
        Paper::new("hardware/inventory.txt", Ok(format!("{:#?}\n", ground.inventory()))),
        Paper::new("hardware/buses.txt", Ok(buses(ground))),
        Paper::new("hardware/udev.txt", Ok(udev(ground))),
        of_file(ground, "hardware/modules.txt", "proc/modules"),
        of_file(ground, "hardware/processor.txt", "proc/cpuinfo"),
        of_file(ground, "hardware/memory.txt", "proc/meminfo"),
        program("hardware/probe.json", &ground.worker.display().to_string(), &["--probe"]),
        Paper::new("state/store.txt", store::outline(&ground.state)),
        Paper::new("state/files.txt", Ok(files(&ground.state))),
        Paper::new("run/files.txt", Ok(files(&ground.runtime))),
    ];
    for name in ["disk-rate.json", "capacity.json"] {
        let text = std::fs::read_to_string(ground.state.join(name)).map_err(|error| error.to_string());
        papers.push(Paper::new(format!("state/{name}"), text));
    }
    papers.extend(configuration(ground));
    papers.extend(logs(&ground.runtime));
    papers
}

fn program(name: &str, program: &str, arguments: &[&str]) -> Paper {
    Paper::new(name, ask_program(program, arguments, WITHIN, MOST).map_err(|error| format!("{program}: {error}")))
}

fn of_file(ground: &Ground, name: &str, path: &str) -> Paper {
    let text = std::fs::read_to_string(ground.root.join(path)).map_err(|error| format!("/{path}: {error}"));
    Paper::new(name, text)
}

fn versions(ground: &Ground) -> String {
    let mut text = format!("uplinkctl {}\n", env!("CARGO_PKG_VERSION"));
    for path in
        ["etc/os-release", "proc/version", "proc/cmdline", "proc/uptime", "proc/loadavg", "proc/sys/kernel/hostname"]
    {
        text.push_str(&format!("\n/{path}\n{}\n", ground.word(path).unwrap_or_else(|| "cannot be read".to_owned())));
    }
    text
}

/// The configuration's directory and the site's own stream classes, as they were written, and the settings in force.
fn configuration(ground: &Ground) -> Vec<Paper> {
    let mut papers = Vec::new();
    let base = ground.config.parent().unwrap_or(Path::new(""));
    let own = ground.state.join("pipelines");
    for directory in [base.to_owned(), base.join("pipelines"), base.join("hardware-profiles"), own] {
        let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
        let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "toml")) {
            let below = path.strip_prefix(base).map(|below| Path::new("configuration").join(below));
            let below = below.or_else(|_| path.strip_prefix(&ground.state).map(|below| Path::new("state").join(below)));
            let below = below.unwrap_or_else(|_| path.clone()).display().to_string();
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string());
            papers.push(Paper::new(below, text.map(|text| settings::presentable(&text))));
        }
    }
    match &ground.checked {
        Ok(checked) => {
            let text = serde_json::to_string_pretty(&*checked.written).map_err(|error| error.to_string());
            papers.push(Paper::new("configuration/in-force.json", text));
        }
        Err(faults) => papers.push(Paper::new("configuration/faults.txt", Ok(faults.lines().join("\n")))),
    }
    papers
}

/// The end of what each worker has said.
fn logs(runtime: &Path) -> Vec<Paper> {
    let entries = std::fs::read_dir(runtime).into_iter().flatten().flatten();
    let mut directories: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    directories.sort();
    let one = |directory: std::path::PathBuf| {
        let name = directory.file_name()?.to_string_lossy().into_owned();
        let file = directory.join("worker.log");
        file.exists().then(|| Paper::new(format!("workers/{name}.log"), tail(&file).map_err(|error| error.to_string())))
    };
    directories.into_iter().filter_map(one).collect()
}

/// Whole lines: the rest of a secret whose beginning was cut off would not be known.
fn tail(file: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(file)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(match from {
        0 => text,
        _ => text.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or_default(),
    })
}

/// Names, sizes and times; nothing of what is in them.
fn files(directory: &Path) -> String {
    let mut lines = Vec::new();
    let mut waiting = vec![(directory.to_owned(), 0)];
    while let Some((directory, depth)) = waiting.pop() {
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) => {
                lines.push(format!("{}: {error}", directory.display()));
                continue;
            }
        };
        for entry in entries.flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            let path = entry.path();
            let when = jiff::Timestamp::from_second(meta.mtime()).map(|when| when.to_string()).unwrap_or_default();
            let (mode, user, group) = (meta.mode(), meta.uid(), meta.gid());
            lines.push(format!("{mode:06o} {user}:{group} {:>14} {when} {}", meta.len(), path.display()));
            if meta.is_dir() && depth < 4 {
                waiting.push((path, depth + 1));
            }
            if lines.len() >= FILES {
                lines.push(format!("… more than {FILES} entries"));
                waiting.clear();
                break;
            }
        }
    }
    lines.join("\n") + "\n"
}

/// As lspci and lsusb would show it, where they are not installed.
fn buses(ground: &Ground) -> String {
    let mut text = String::new();
    for (bus, names) in [
        (
            "pci",
            &[
                "vendor",
                "device",
                "subsystem_vendor",
                "subsystem_device",
                "class",
                "revision",
                "current_link_speed",
                "current_link_width",
            ][..],
        ),
        ("usb", &["idVendor", "idProduct", "manufacturer", "product", "bcdDevice", "speed", "serial"][..]),
    ] {
        for place in ground.names(&format!("sys/bus/{bus}/devices")) {
            let at = format!("sys/bus/{bus}/devices/{place}");
            let word = |name: &&str| Some(format!("{name} {}", ground.word(&format!("{at}/{name}"))?));
            let words: Vec<String> = names.iter().filter_map(word).collect();
            let driver = std::fs::read_link(ground.root.join(format!("{at}/driver"))).ok();
            let driver = driver.and_then(|driver| Some(driver.file_name()?.to_string_lossy().into_owned()));
            if !words.is_empty() {
                let driver = driver.unwrap_or_else(|| "none".to_owned());
                text.push_str(&format!("{bus} {place}: {}, driver {driver}\n", words.join(", ")));
            }
        }
    }
    text
}

/// What udev knows of devices for pictures and sound.
fn udev(ground: &Ground) -> String {
    let mut text = String::new();
    for name in ground.names("run/udev/data") {
        if name.starts_with("c81:") || name.starts_with("c116:") || name.starts_with("c226:") {
            let known = ground.word(&format!("run/udev/data/{name}")).unwrap_or_default();
            text.push_str(&format!("{name}\n{known}\n\n"));
        }
    }
    for directory in ["dev/uplink", "dev/v4l/by-path", "dev/v4l/by-id"] {
        for link in ground.names(directory) {
            let to = std::fs::read_link(ground.root.join(directory).join(&link)).unwrap_or_default();
            text.push_str(&format!("/{directory}/{link} -> {}\n", to.display()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_log_whole_lines_at_its_end_are_taken() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("worker.log");
        let line = "a line of thirty-two characters\n";
        std::fs::write(&file, line.repeat((TAIL / 32 + 100) as usize) + "the last\n").unwrap();
        let text = tail(&file).unwrap();
        assert!(text.starts_with(line) && text.ends_with("the last\n") && text.len() as u64 <= TAIL);
    }
}

//! A control group for each channel's worker (cgroups(7), version 2), inside the one that systemd has delegated.
//!
//! ```text
//!  uplinkd.service         what holds for all together
//!  ├── daemon              this process: a group that is divided has no processes itself
//!  ├── channel-main        memory.max, memory.oom.group, cpu.weight
//!  └── channel-…
//! ```
//!
//! The next process of the service begins in the middle, where nobody may be while there is a division: the unit's
//! `ExecStopPost=` undoes it whenever this one ends, and it is made anew around the workers, which are in their groups
//! already.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::getxattr;

/// Where control groups are.
const MOUNT: &str = "/sys/fs/cgroup";
/// The group of this process.
const OWN: &str = "daemon";
/// What limits are made of.
const CONTROLLERS: [&str; 2] = ["memory", "cpu"];

/// What a worker may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Bytes of memory; beyond that it is killed, and it alone. None: as much as there is.
    pub memory_max: Option<u64>,
    /// When processors are short, in relation to other channels.
    pub cpu_weight: u32,
}

impl Default for Share {
    /// As much as there is, and no more than others.
    fn default() -> Self {
        Self { memory_max: None, cpu_weight: 100 }
    }
}

/// The group that was delegated, divided.
#[derive(Debug)]
pub struct ControlGroup {
    root: PathBuf,
    controllers: Vec<&'static str>,
}

impl ControlGroup {
    /// That of this service. Fails with the reason if it is not for this process to divide.
    pub fn delegated() -> Result<Self, String> {
        let own = fs::read_to_string("/proc/self/cgroup").map_err(|error| format!("/proc/self/cgroup: {error}"))?;
        let root = place(&own).ok_or("control groups are of version 1, or not mounted")?;
        // Somebody's terminal may be in a group of his own, which is not for us to divide.
        if std::env::var_os("NOTIFY_SOCKET").is_none() || !is_delegated(&root) {
            return Err(format!("{} is not delegated (Delegate= in the unit)", root.display()));
        }
        Self::divide(root.clone(), std::process::id()).map_err(|error| format!("{}: {error}", root.display()))
    }

    fn divide(root: PathBuf, own: u32) -> io::Result<Self> {
        let daemon = root.join(OWN);
        make(&daemon)?;
        join(&daemon, own)?;
        // Workers that are older than the division; each gets its own group as soon as it is taken over.
        for pid in fs::read_to_string(root.join("cgroup.procs"))?.lines().filter_map(|line| line.parse().ok()) {
            // It may have ended meanwhile.
            let _ = join(&daemon, pid);
        }
        let found = fs::read_to_string(root.join("cgroup.controllers"))?;
        let controllers = CONTROLLERS.into_iter().filter(|name| found.split_whitespace().any(|found| found == *name));
        let controllers: Vec<_> = controllers.collect();
        let wanted: Vec<String> = controllers.iter().map(|name| format!("+{name}")).collect();
        fs::write(root.join("cgroup.subtree_control"), wanted.join(" "))?;
        let group = Self { root, controllers };
        group.sweep();
        Ok(group)
    }

    /// Puts process `pid` into the group `name`, with this share.
    pub fn hold(&self, name: &str, pid: u32, share: Share) -> io::Result<()> {
        let group = self.group(name);
        make(&group)?;
        self.limit(&group, share)?;
        join(&group, pid)
    }

    /// Gives the group `name` another share; nothing if there is no such group.
    pub fn share(&self, name: &str, share: Share) -> io::Result<()> {
        let group = self.group(name);
        if group.is_dir() { self.limit(&group, share) } else { Ok(()) }
    }

    fn limit(&self, group: &Path, share: Share) -> io::Result<()> {
        if self.controllers.contains(&"memory") {
            let most = share.memory_max.map_or("max".to_owned(), |bytes| bytes.to_string());
            fs::write(group.join("memory.max"), most)?;
            fs::write(group.join("memory.oom.group"), "1")?;
        }
        if self.controllers.contains(&"cpu") {
            fs::write(group.join("cpu.weight"), share.cpu_weight.to_string())?;
        }
        Ok(())
    }

    fn group(&self, name: &str) -> PathBuf {
        self.root.join(format!("channel-{name}"))
    }

    /// Groups of channels that are gone. One that has processes cannot be removed.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.root).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with("channel-") {
                let _ = fs::remove_dir(entry.path());
            }
        }
    }
}

/// The group that `/proc/self/cgroup` names; that of the whole service, if it was divided before.
fn place(said: &str) -> Option<PathBuf> {
    let path = said.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let path = Path::new(MOUNT).join(path);
    let divided = path.file_name().is_some_and(|name| name == OWN);
    let path = if divided { path.parent()?.to_owned() } else { path };
    path.join("cgroup.controllers").exists().then_some(path)
}

/// As systemd marks it, or gives it away.
fn is_delegated(group: &Path) -> bool {
    let own = rustix::process::geteuid();
    let given = fs::metadata(group.join("cgroup.procs")).is_ok_and(|found| found.uid() == own.as_raw());
    let marked = |name: &str| {
        let mut value = [0; 8];
        getxattr(group, name, &mut value).is_ok_and(|length| value.get(..length) == Some(b"1".as_slice()))
    };
    (given && !own.is_root()) || marked("user.delegate") || marked("trusted.delegate")
}

fn make(group: &Path) -> io::Result<()> {
    match fs::create_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn join(group: &Path, pid: u32) -> io::Result<()> {
    fs::write(group.join("cgroup.procs"), pid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files as the kernel shows them, which take what is written.
    fn delegated(controllers: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("cgroup.controllers"), controllers).unwrap();
        fs::write(root.path().join("cgroup.subtree_control"), "").unwrap();
        fs::write(root.path().join("cgroup.procs"), "17\n").unwrap();
        root
    }

    fn said(root: &tempfile::TempDir, file: &str) -> String {
        fs::read_to_string(root.path().join(file)).unwrap_or_default()
    }

    #[test]
    fn each_worker_has_a_group_with_its_limits() {
        let root = delegated("cpuset cpu io memory pids\n");
        let gone = root.path().join("channel-gone");
        fs::create_dir(&gone).unwrap();
        let group = ControlGroup::divide(root.path().to_owned(), 42).unwrap();
        assert_eq!(said(&root, "daemon/cgroup.procs"), "17", "what was in the middle is moved out of it, last");
        assert_eq!(said(&root, "cgroup.subtree_control"), "+memory +cpu");
        assert!(!gone.exists(), "an empty one of before is removed");
        let share = Share { memory_max: Some(1 << 30), cpu_weight: 300 };
        group.hold("main", 77, share).unwrap();
        assert_eq!(said(&root, "channel-main/cgroup.procs"), "77");
        assert_eq!(said(&root, "channel-main/memory.max"), "1073741824");
        assert_eq!(said(&root, "channel-main/memory.oom.group"), "1");
        assert_eq!(said(&root, "channel-main/cpu.weight"), "300");
        group.share("main", Share { memory_max: None, cpu_weight: 100 }).unwrap();
        assert_eq!(
            (said(&root, "channel-main/memory.max"), said(&root, "channel-main/cpu.weight")),
            ("max".into(), "100".into())
        );
        assert_eq!(said(&root, "channel-main/cgroup.procs"), "77");
        group.share("other", share).unwrap();
        assert!(!root.path().join("channel-other").exists());
    }

    #[test]
    fn only_what_was_delegated_is_used() {
        let root = delegated("memory pids\n");
        let group = ControlGroup::divide(root.path().to_owned(), 42).unwrap();
        group.hold("main", 77, Share { memory_max: None, cpu_weight: 300 }).unwrap();
        assert_eq!(said(&root, "cgroup.subtree_control"), "+memory");
        assert_eq!(said(&root, "channel-main/memory.max"), "max");
        assert!(!root.path().join("channel-main/cpu.weight").exists());
        let nothing = tempfile::tempdir().unwrap();
        assert!(ControlGroup::divide(nothing.path().to_owned(), 42).is_err(), "no control group at all");
        assert!(!is_delegated(nothing.path()));
    }
}

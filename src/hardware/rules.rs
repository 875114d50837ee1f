//! What Uplink's udev rules (`udev/60-uplink.rules`) made of each node of a capture device, and why not: for whoever looks
//! for a link that is not there.
//!
//! ```text
//! rules there? ─► udev has seen it? ─► permissions, tag ─► captures? ─► input, path, serial: each its link
//!      no: none        no: none                              no: no links
//! ```
//!
//! The rules are run by udev; here is only read what came of them.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::ports::Udev;
use super::{attribute, names_in};
use crate::model::device::input_word;
use crate::model::{NodeRules, RuleOutcome};

/// Where udev looks for the rules; the first that is there counts.
const FILES: [&str; 4] = ["etc/udev/rules.d", "run/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d"];
const NAME: &str = "60-uplink.rules";
const TRIGGER: &str = "udevadm control --reload; udevadm trigger --subsystem-match=video4linux --action=change";

/// What came of the rules, for each node in the order of numbers.
pub(crate) fn explained(root: &Path) -> Vec<NodeRules> {
    let class = root.join("sys/class/video4linux");
    let mut numbers: Vec<u32> =
        names_in(&class).iter().filter_map(|name| name.strip_prefix("video")?.parse().ok()).collect();
    numbers.sort_unstable();
    let one = |number: u32| {
        let directory = class.join(format!("video{number}"));
        let node =
            Node { root, name: format!("video{number}"), udev: Udev::of(root, &directory), directory: &directory };
        NodeRules {
            kernel: format!("/dev/video{number}"),
            name: attribute(&directory.join("name")).unwrap_or_default(),
            rules: node.outcomes(),
        }
    };
    numbers.into_iter().map(one).collect()
}

struct Node<'a> {
    root: &'a Path,
    name: String,
    udev: Udev,
    directory: &'a Path,
}

impl Node<'_> {
    fn outcomes(&self) -> Vec<RuleOutcome> {
        if !FILES.iter().any(|directory| self.root.join(directory).join(NAME).exists()) {
            return vec![not("all", format!("{NAME} is not installed: the package brings it"))];
        }
        if !self.udev.knows() {
            return vec![not(
                "all",
                format!("udev has not seen the node: none runs here, as in a container; else {TRIGGER}"),
            )];
        }
        let mut outcomes = vec![self.permissions(), self.tag()];
        let capabilities = self.udev.property("ID_V4L_CAPABILITIES").unwrap_or_default();
        if !capabilities.split(':').any(|word| word == "capture") {
            let what = format!("the node captures no pictures, says its driver ({capabilities:?}): it gets no names");
            outcomes.extend(["input", "path", "serial"].map(|rule| not(rule, what.clone())));
            return outcomes;
        }
        outcomes.extend([self.input(), self.path(), self.serial()]);
        outcomes
    }

    fn permissions(&self) -> RuleOutcome {
        let groups = std::fs::read_to_string(self.root.join("etc/group")).unwrap_or_default();
        let video = groups.lines().find_map(|line| line.strip_prefix("video:")?.split(':').nth(1)?.parse::<u32>().ok());
        match std::fs::metadata(self.root.join("dev").join(&self.name)) {
            Ok(node) if Some(node.gid()) == video && node.mode() & 0o777 == 0o660 => {
                RuleOutcome::matched("permissions", "group video, mode 660")
            }
            Ok(node) => {
                let what =
                    format!("group {}, mode {:o}: another rule has the last word", node.gid(), node.mode() & 0o777);
                not("permissions", what)
            }
            Err(error) => not("permissions", format!("the node cannot be looked at: {error}")),
        }
    }

    fn tag(&self) -> RuleOutcome {
        if self.udev.has_tag("systemd") {
            RuleOutcome::matched("tag", "a unit of systemd stands for it")
        } else {
            not("tag", format!("systemd has no unit for it: {TRIGGER}"))
        }
    }

    /// By port and by the name that the driver gives.
    fn input(&self) -> RuleOutcome {
        match (self.udev.property("ID_PATH"), attribute(&self.directory.join("name"))) {
            (None, _) => not("input", NO_PORT.to_owned()),
            (_, None) => not("input", "its driver gives it no name".to_owned()),
            (Some(path), Some(name)) => self.link("input", &format!("input-{path}-{}", input_word(&name))),
        }
    }

    fn path(&self) -> RuleOutcome {
        match self.udev.property("ID_PATH") {
            _ if !self.is_first() => not("path", self.further()),
            None => not("path", NO_PORT.to_owned()),
            Some(path) => self.link("path", &format!("path-{path}")),
        }
    }

    fn serial(&self) -> RuleOutcome {
        match self.udev.property("ID_SERIAL_SHORT") {
            _ if !self.is_first() => not("serial", self.further()),
            None => not("serial", "the device says no serial number".to_owned()),
            Some(serial) => self.link("serial", &format!("serial-{serial}")),
        }
    }

    fn is_first(&self) -> bool {
        attribute(&self.directory.join("index")).is_some_and(|index| index == "0")
    }

    fn further(&self) -> String {
        let index = attribute(&self.directory.join("index")).unwrap_or_else(|| "none".to_owned());
        format!("it is a further node of its device (index {index}), whose first one has the link")
    }

    /// A link that the rules ask udev for: it is there, it is somebody else's, or it is missing.
    fn link(&self, rule: &str, link: &str) -> RuleOutcome {
        let place = format!("/dev/uplink/{link}");
        match std::fs::read_link(self.root.join("dev/uplink").join(link)) {
            Ok(to) if to.file_name().is_some_and(|name| name == self.name.as_str()) => {
                RuleOutcome::matched(rule, place)
            }
            Ok(to) => {
                let other = to.file_name().unwrap_or_default().to_string_lossy().into_owned();
                not(rule, format!("{place} leads to /dev/{other}, which claims it, too"))
            }
            Err(_) => not(rule, format!("{place} is not there: {TRIGGER}")),
        }
    }
}

const NO_PORT: &str = "udev knows no way to its port (ID_PATH)";

fn not(rule: &str, what: String) -> RuleOutcome {
    RuleOutcome { rule: rule.to_owned(), matched: false, what }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// A root directory with udev's rules and one node as udev left it.
    struct Root(tempfile::TempDir);

    impl Root {
        fn new(udev: &str) -> Self {
            let it = Self(tempfile::tempdir().unwrap());
            it.write("usr/lib/udev/rules.d/60-uplink.rules", "");
            it.write("sys/class/video4linux/video2/name", "Card SDI 1\n");
            it.write("sys/class/video4linux/video2/index", "0\n");
            it.write("sys/class/video4linux/video2/dev", "81:2\n");
            it.write("dev/video2", "");
            fs::set_permissions(it.at("dev/video2"), fs::Permissions::from_mode(0o660)).unwrap();
            it.write("etc/group", &format!("video:x:{}:\n", fs::metadata(it.at("dev/video2")).unwrap().gid()));
            it.write("run/udev/data/c81:2", udev);
            fs::create_dir_all(it.at("dev/uplink")).unwrap();
            it
        }

        fn at(&self, path: &str) -> std::path::PathBuf {
            self.0.path().join(path)
        }

        fn write(&self, path: &str, text: &str) {
            fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
            fs::write(self.at(path), text).unwrap();
        }

        /// `rule: what`, with a plus where it matched.
        fn told(&self) -> Vec<String> {
            let line = |one: RuleOutcome| format!("{}{}: {}", if one.matched { '+' } else { '-' }, one.rule, one.what);
            explained(self.0.path()).remove(0).rules.into_iter().map(line).collect()
        }
    }

    const SEEN: &str =
        "G:systemd\nE:ID_V4L_CAPABILITIES=:capture:\nE:ID_PATH=pci-0000:05:00.0\nE:ID_SERIAL_SHORT=D206\n";

    #[test]
    fn every_rule_that_matched_names_what_it_gave() {
        let it = Root::new(SEEN);
        for link in ["input-pci-0000:05:00.0-Card_SDI_1", "path-pci-0000:05:00.0", "serial-D206"] {
            symlink("../video2", it.at(&format!("dev/uplink/{link}"))).unwrap();
        }
        assert_eq!(
            it.told(),
            [
                "+permissions: group video, mode 660",
                "+tag: a unit of systemd stands for it",
                "+input: /dev/uplink/input-pci-0000:05:00.0-Card_SDI_1",
                "+path: /dev/uplink/path-pci-0000:05:00.0",
                "+serial: /dev/uplink/serial-D206",
            ]
        );
    }

    #[test]
    fn every_rule_that_did_not_says_why() {
        let it = Root::new("E:ID_V4L_CAPABILITIES=:capture:\nE:ID_PATH=pci-1\n");
        fs::set_permissions(it.at("dev/video2"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("../video3", it.at("dev/uplink/path-pci-1")).unwrap();
        let told = it.told();
        for (line, why) in told.iter().zip([
            "mode 600: another rule has the last word",
            "-tag: systemd has no unit for it: udevadm control",
            "-input: /dev/uplink/input-pci-1-Card_SDI_1 is not there: udevadm",
            "-path: /dev/uplink/path-pci-1 leads to /dev/video3, which claims it, too",
            "-serial: the device says no serial number",
        ]) {
            assert!(line.contains(why), "{line}: {why}");
        }
        assert_eq!(told.len(), 5);
        it.write("sys/class/video4linux/video2/index", "1\n");
        assert!(it.told()[3].contains("a further node of its device (index 1)"), "{:?}", it.told());
    }

    #[test]
    fn nodes_without_pictures_without_udev_or_without_rules_say_so() {
        let it = Root::new("G:systemd\nE:ID_V4L_CAPABILITIES=:\n");
        let told = it.told();
        assert_eq!(told.len(), 5);
        assert!(
            told[2..].iter().all(|line| line.starts_with('-') && line.contains("captures no pictures")),
            "{told:?}"
        );
        fs::remove_file(it.at("run/udev/data/c81:2")).unwrap();
        assert!(it.told()[0].starts_with("-all: udev has not seen the node"), "{:?}", it.told());
        fs::remove_file(it.at("usr/lib/udev/rules.d/60-uplink.rules")).unwrap();
        assert_eq!(it.told(), ["-all: 60-uplink.rules is not installed: the package brings it"]);
    }
}

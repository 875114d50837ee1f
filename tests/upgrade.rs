//! A power cut in the middle of `uplinkctl upgrade`: the real program with the real dpkg, in a root of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(60);

/// A system with dpkg's database and nothing else, and packages for it.
struct System {
    directory: tempfile::TempDir,
}

impl System {
    fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() || Command::new("dpkg").arg("--version").output().is_err() {
            eprintln!("SKIPPED: an upgrade that is cut off: it takes root and dpkg");
            return None;
        }
        let system = Self { directory: tempfile::tempdir().unwrap() };
        fs::create_dir_all(system.root().join("var/lib/dpkg/info")).unwrap();
        fs::create_dir_all(system.root().join("var/lib/dpkg/updates")).unwrap();
        fs::write(system.root().join("var/lib/dpkg/status"), "").unwrap();
        std::os::unix::fs::DirBuilderExt::mode(&mut fs::DirBuilder::new(), 0o700).create(system.kept()).unwrap();
        Some(system)
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    fn kept(&self) -> PathBuf {
        self.directory.path().join("kept")
    }

    /// A package with so many files, each of which says its version.
    fn package(&self, version: &str, files: usize) -> PathBuf {
        let tree = self.directory.path().join(version);
        fs::create_dir_all(tree.join("DEBIAN")).unwrap();
        fs::create_dir_all(tree.join("usr/share/uplink")).unwrap();
        for number in 0..files {
            fs::write(tree.join(format!("usr/share/uplink/{number}")), version).unwrap();
        }
        let control = format!(
            "Package: uplinkd\nVersion: {version}\nArchitecture: all\nMaintainer: N <n@n.example>\nDescription: test\n"
        );
        fs::write(tree.join("DEBIAN/control"), control).unwrap();
        let file = self.kept().join(format!("uplinkd_{version}_all.deb"));
        let mut build = Command::new("dpkg-deb");
        build.args(["--build", "--root-owner-group", "-Zgzip", "-z1"]).arg(tree).arg(&file).stdout(Stdio::null());
        assert!(build.status().unwrap().success());
        file
    }

    fn dpkg(&self, arguments: &[&str], package: &Path) -> Command {
        let mut command = Command::new("dpkg");
        command.args(arguments).arg(package).env("DPKG_ROOT", self.root()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// What dpkg says of the package.
    fn status(&self) -> String {
        let mut query = Command::new("dpkg-query");
        query.args(["--show", "--showformat=${db:Status-Status} ${Version}", "uplinkd"]).env("DPKG_ROOT", self.root());
        String::from_utf8(query.output().unwrap().stdout).unwrap()
    }

    /// Versions of the files that are there.
    fn versions(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root().join("usr/share/uplink")).unwrap().map(|entry| entry.unwrap().path());
        let mut found: Vec<String> = entries.map(|path| fs::read_to_string(path).unwrap()).collect();
        found.sort();
        found.dedup();
        found
    }

    fn note(&self, old: &Path) {
        let noted = json!({ "from": "1", "to": "2", "old": old, "on_air": [], "daemon": null });
        fs::write(self.kept().join("under-way.json"), noted.to_string()).unwrap();
    }

    /// Has the box end it; no daemon answers.
    fn finish(&self) -> Value {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uplinkctl"));
        command.args(["--json", "upgrade", "--finish", "--packages"]).arg(self.kept());
        command.args(["--api", "http://127.0.0.1:9"]).env("DPKG_ROOT", self.root()).stdin(Stdio::null());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
    }

    fn is_noted(&self) -> bool {
        self.kept().join("under-way.json").exists()
    }

    /// How it ended, what dpkg says then, and of which versions there are files.
    #[track_caller]
    fn ends(&self, outcome: &str, status: &str, versions: &[&str]) -> String {
        let said = self.finish();
        assert_eq!((said["outcome"].as_str(), self.status().as_str()), (Some(outcome), status), "{said}");
        assert_eq!(self.versions(), versions, "{said}");
        said["detail"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn install(&self, arguments: &[&str], package: &Path) {
        assert!(self.dpkg(arguments, package).status().unwrap().success());
    }

    /// dpkg is killed while it unpacks, as by a power cut.
    fn cut_while_unpacking(&self, package: &Path) {
        let mut dpkg = self.dpkg(&["--install"], package).spawn().unwrap();
        let began = Instant::now();
        while !self.status().starts_with("half-installed") {
            assert!(began.elapsed() < SOON && dpkg.try_wait().unwrap().is_none(), "{}", self.status());
        }
        dpkg.kill().unwrap();
        dpkg.wait().unwrap();
        assert!(!self.status().starts_with("installed"), "{}", self.status());
    }
}

#[test]
fn whatever_the_moment_of_the_cut_the_box_has_one_version_whole() {
    let Some(system) = System::new() else { return };
    let (old, new) = (system.package("1", 3000), system.package("2", 3000));
    system.install(&["--install"], &old);
    let said = system.ends("nothing", "installed 1", &["1"]);
    assert!(said.contains("no upgrade was cut off"), "{said}");
    // Before dpkg has begun.
    system.note(&old);
    let said = system.ends("refused", "installed 1", &["1"]);
    assert!(said.contains("from 1 to 2 was cut off: 1 is installed, as before"), "{said}");
    assert!(!system.is_noted(), "it is over");
    // While dpkg unpacks.
    system.note(&old);
    system.cut_while_unpacking(&new);
    let said = system.ends("put_back", "installed 1", &["1"]);
    assert!(said.contains("from 1 to 2 was cut off: it is half installed; 1 is back"), "{said}");
    assert!(!system.is_noted());
    // When it was unpacked, and not set up. No daemon was there before, so none is waited for.
    system.note(&old);
    system.install(&["--unpack"], &new);
    assert_eq!(system.status(), "unpacked 2");
    let said = system.ends("upgraded", "installed 2", &["2"]);
    assert!(said.contains("2 is good: it stays"), "{said}");
    // On the way back.
    system.note(&old);
    system.install(&["--force-downgrade", "--unpack"], &old);
    system.ends("refused", "installed 1", &["1"]);
    assert!(!system.is_noted());
}

/// A second cut, while the first is being ended.
#[test]
fn a_cut_while_one_is_ended_is_ended_as_well() {
    let Some(system) = System::new() else { return };
    let (old, new) = (system.package("1", 3000), system.package("2", 3000));
    system.install(&["--install"], &old);
    system.note(&old);
    system.cut_while_unpacking(&new);
    system.cut_while_unpacking(&old);
    system.ends("put_back", "installed 1", &["1"]);
}

#[test]
fn what_cannot_be_ended_says_so_and_is_tried_again() {
    let Some(system) = System::new() else { return };
    let (old, new) = (system.package("1", 3000), system.package("2", 3000));
    system.install(&["--install"], &old);
    // What is to be put back is gone.
    system.note(&system.kept().join("gone.deb"));
    system.cut_while_unpacking(&new);
    let said = system.finish();
    assert_eq!(said["outcome"], "broken", "{said}");
    let detail = said["detail"].as_str().unwrap();
    assert!(detail.contains("gone.deb") && detail.contains("by hand: dpkg -i FILE"), "{said}");
    assert!(system.is_noted(), "the next start tries again");
    // Somebody installs a third one by hand.
    let third = system.package("3", 1);
    system.install(&["--install"], &third);
    let said = system.finish();
    assert_eq!((&said["outcome"], system.status().as_str()), (&json!("nothing"), "installed 3"), "{said}");
    assert!(!system.is_noted());
    // A note that nobody can read is nothing to go by.
    fs::write(system.kept().join("under-way.json"), "{").unwrap();
    let said = system.finish();
    assert_eq!(said["outcome"], "refused", "{said}");
    assert!(said["detail"].as_str().unwrap().contains("end it by dpkg, and remove that file"), "{said}");
}

#[test]
fn one_upgrade_at_a_time() {
    let Some(system) = System::new() else { return };
    let old = system.package("1", 1);
    system.install(&["--install"], &old);
    system.note(&old);
    let held = fs::File::create(system.kept().join("upgrade.pid")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let said = system.finish();
    assert_eq!(said["outcome"], "refused", "{said}");
    assert!(said["detail"].as_str().unwrap().contains("is in use by process"), "{said}");
    assert!(system.is_noted());
}

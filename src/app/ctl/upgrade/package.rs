//! Debian packages: read, kept, installed.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// The package that all this is about.
pub(super) const NAME: &str = "uplinkd";

/// Reading a package of some hundred megabytes, on a slow disk.
pub(super) const READ_WITHIN: Duration = Duration::from_secs(120);
/// apt may have to fetch what a new version needs besides.
const INSTALL_WITHIN: Duration = Duration::from_secs(900);

/// A package file that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) path: PathBuf,
    pub(super) version: String,
    pub(super) architecture: String,
}

impl Package {
    /// Reads all of it, so that one that was cut off is noticed before anything is changed.
    pub(super) async fn read(path: &Path) -> Result<Self, String> {
        let path = fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let shown = path.display().to_string();
        let whole = |why: String| format!("{shown} is no whole Debian package ({why}): copy it to this box again");
        let fields = ["--show", "--showformat=${Package} ${Version} ${Architecture}"].map(OsStr::new);
        let said = run("dpkg-deb", fields.into_iter().chain([path.as_os_str()]), READ_WITHIN).await.map_err(whole)?;
        let words: Vec<&str> = said.split_whitespace().collect();
        let [name, version, architecture] = words[..] else { return Err(whole(said)) };
        if name != NAME {
            return Err(format!("{shown} is a package of {name}, not of {NAME}"));
        }
        // Everything in it is unpacked, to nowhere.
        run("dpkg-deb", [OsStr::new("--contents"), path.as_os_str()], READ_WITHIN).await.map_err(whole)?;
        Ok(Self { version: version.to_owned(), architecture: architecture.to_owned(), path })
    }

    /// Its name among those that are kept.
    fn file(&self) -> String {
        // An epoch's colon is written so in names of files.
        format!("{NAME}_{}_{}.deb", self.version.replace(':', "%3a"), self.architecture)
    }

    /// Keeps a copy in `directory`, whole or not at all.
    pub(super) fn keep(&self, directory: &Path) -> Result<Self, String> {
        let kept = directory.join(self.file());
        if kept != self.path {
            let draft = directory.join("draft");
            let copied = fs::copy(&self.path, &draft).and_then(|_| fs::File::open(&draft)?.sync_all());
            copied.and_then(|()| fs::rename(&draft, &kept)).map_err(|error| format!("{}: {error}", kept.display()))?;
        }
        Ok(Self { path: kept, ..self.clone() })
    }

    /// Installs it over whatever version is there; configuration stays as it is. `fetch`: with what else it needs.
    pub(super) async fn install(&self, fetch: bool) -> Result<(), String> {
        let path = self.path.as_os_str();
        let options = ["install", "--yes", "--quiet", "--allow-downgrades", "--no-install-recommends", "--reinstall"];
        let keep = ["-o", "Dpkg::Options::=--force-confold", "-o", "Dpkg::Use-Pty=0"];
        let done = if fetch {
            let arguments = options.into_iter().chain(keep).map(OsStr::new).chain([path]);
            run("apt-get", arguments, INSTALL_WITHIN).await
        } else {
            let arguments = ["--force-confold,downgrade", "--install"].map(OsStr::new);
            run("dpkg", arguments.into_iter().chain([path]), INSTALL_WITHIN).await
        };
        done.map(drop)
    }
}

/// The version that is installed, whole.
pub(super) async fn installed() -> Option<String> {
    let said =
        run("dpkg-query", ["--show", "--showformat=${db:Status-Status} ${Version}", NAME], READ_WITHIN).await.ok()?;
    said.strip_prefix("installed ").map(|version| version.trim().to_owned())
}

/// The version that is installed, whole, once dpkg has ended what it was kept from ending.
pub(super) async fn settled() -> Option<String> {
    if let whole @ Some(_) = installed().await {
        return whole;
    }
    if let Err(why) = run("dpkg", ["--force-confold", "--configure", "--pending"], INSTALL_WITHIN).await {
        super::say(&format!("dpkg --configure --pending: {why}"));
    }
    installed().await
}

/// The directory where packages are kept: of root alone, since root installs what is in it.
pub(super) fn shelf(directory: &Path) -> Result<(), String> {
    let shown = directory.display();
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|error| format!("{shown}: {error}"))?;
    let found = fs::metadata(directory).map_err(|error| format!("{shown}: {error}"))?;
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != own || found.mode() & 0o022 != 0 {
        return Err(format!("{shown} is not of root alone: somebody else could change what is put back from it"));
    }
    Ok(())
}

/// The installed version as a package: the one that was kept when it came, or what is installed, packed again.
pub(super) async fn before(directory: &Path, version: &str) -> Result<Package, String> {
    let kept = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in kept.filter(|path| path.extension().is_some_and(|extension| extension == "deb")) {
        if let Ok(package) = Package::read(&path).await
            && package.version == version
        {
            return Ok(package);
        }
    }
    let packed =
        super::pack::pack(directory).await.map_err(|why| format!("the installed version cannot be packed: {why}"))?;
    Package::read(&packed).await?.keep(directory).inspect(|_| drop(fs::remove_file(&packed)))
}

/// Removes packages that are neither of these versions.
pub(super) fn sweep(directory: &Path, keep: &[&Package]) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let old = path.extension().is_some_and(|extension| extension == "deb");
        if old && !keep.iter().any(|package| package.path == path) {
            let _ = fs::remove_file(path);
        }
    }
}

/// What `program` says, or what it complains of. Not ended with the terminal that this runs in.
pub(super) async fn run(
    program: &str,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    within: Duration,
) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).env("LC_ALL", "C.UTF-8").env("DEBIAN_FRONTEND", "noninteractive");
    command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
    match tokio::time::timeout(within, command.output()).await {
        Err(_) => Err(format!("{program} was not done within {within:?}")),
        Ok(Err(error)) => Err(format!("{program}: {error}")),
        Ok(Ok(output)) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(Ok(output)) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let last: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            Err(last[last.len().saturating_sub(4)..].join("; "))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A real package with one file.
    async fn package(directory: &Path, name: &str, version: &str) -> PathBuf {
        let tree = directory.join(format!("{name}-{version}"));
        fs::create_dir_all(tree.join("DEBIAN")).unwrap();
        fs::create_dir_all(tree.join("usr/bin")).unwrap();
        let noise: String = (0..40_000).map(|_| fastrand::alphanumeric()).collect();
        fs::write(tree.join("usr/bin").join(name), noise).unwrap();
        let control = format!(
            "Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: N <n@n.example>\nDescription: test\n"
        );
        fs::write(tree.join("DEBIAN/control"), control).unwrap();
        let file = directory.join(format!("{name}-{version}.deb"));
        let arguments = ["--build".as_ref(), "--root-owner-group".as_ref(), tree.as_os_str(), file.as_os_str()];
        run("dpkg-deb", arguments, READ_WITHIN).await.unwrap();
        file
    }

    #[tokio::test]
    async fn only_a_whole_package_of_ours_is_taken() {
        if std::process::Command::new("dpkg-deb").arg("--version").output().is_err() {
            eprintln!("SKIPPED: packages: no dpkg-deb here");
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let good = package(directory.path(), NAME, "1:2.0-1").await;
        let read = Package::read(&good).await.unwrap();
        assert_eq!((read.version.as_str(), read.file().as_str()), ("1:2.0-1", "uplinkd_1%3a2.0-1_all.deb"));
        let other = package(directory.path(), "other", "1").await;
        assert!(Package::read(&other).await.unwrap_err().contains("a package of other, not of uplinkd"));
        // Half-written: the head with name and version is there.
        let bytes = fs::read(&good).unwrap();
        let half = directory.path().join("half.deb");
        fs::write(&half, &bytes[..bytes.len() - 10_000]).unwrap();
        assert!(Package::read(&half).await.unwrap_err().contains("no whole Debian package"));
        fs::write(&half, "").unwrap();
        assert!(Package::read(&half).await.unwrap_err().contains("no whole Debian package"));
        assert!(Package::read(&directory.path().join("none.deb")).await.unwrap_err().contains("none.deb: "));
    }

    #[tokio::test]
    async fn this_version_and_the_one_before_are_kept() {
        if std::process::Command::new("dpkg-deb").arg("--version").output().is_err() {
            eprintln!("SKIPPED: packages: no dpkg-deb here");
            return;
        }
        let directory = tempfile::tempdir().unwrap();
        let shelf_at = directory.path().join("kept");
        shelf(&shelf_at).unwrap();
        let mut kept = Vec::new();
        for version in ["1", "2", "3"] {
            let file = package(directory.path(), NAME, version).await;
            kept.push(Package::read(&file).await.unwrap().keep(&shelf_at).unwrap());
        }
        sweep(&shelf_at, &[&kept[1], &kept[2]]);
        assert!(!kept[0].path.exists() && kept[1].path.exists() && kept[2].path.exists());
        assert_eq!(before(&shelf_at, "2").await.unwrap(), kept[1]);
        fs::set_permissions(&shelf_at, Permissions::from_mode(0o777)).unwrap();
        assert!(shelf(&shelf_at).unwrap_err().contains("not of root alone"));
    }
}

//! What is installed, packed again: the way back where the package that it came from was not kept.
//!
//! A file of its configuration that somebody has changed stays out of it. dpkg leaves such a file where it is, and still knows
//! what it was when it came; of one that came in the package as it is, it would say later that nobody had touched it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::package::{NAME, READ_WITHIN, run};

/// Packs it into a file in `directory`.
pub(super) async fn pack(directory: &Path) -> Result<PathBuf, String> {
    let tree = tempfile::tempdir_in(directory).map_err(|error| error.to_string())?;
    let listed = run("dpkg-query", ["--listfiles", NAME], READ_WITHIN).await?;
    let status = run("dpkg-query", ["--status", NAME], READ_WITHIN).await?;
    let known = configuration(&status);
    let untouched = untouched(&known).await?;
    for path in listed.lines().filter(|path| path.len() > 1 && *path != "/.") {
        if known.contains_key(path) && !untouched.contains(&path) {
            continue;
        }
        copy(Path::new(path), &tree.path().join(&path[1..])).map_err(|error| format!("{path}: {error}"))?;
    }
    let control = tree.path().join("DEBIAN");
    let written = fs::create_dir(&control).and_then(|()| {
        // Whatever whoever calls this wants of new files: dpkg-deb takes no other.
        fs::set_permissions(tree.path(), Permissions::from_mode(0o755))?;
        fs::set_permissions(&control, Permissions::from_mode(0o755))?;
        fs::write(control.join("control"), fields(&status))?;
        fs::write(control.join("conffiles"), untouched.iter().map(|path| format!("{path}\n")).collect::<String>())
    });
    written.map_err(|error| error.to_string())?;
    for part in run("dpkg-query", ["--control-list", NAME], READ_WITHIN).await?.lines() {
        let text = run("dpkg-query", ["--control-show", NAME, part], READ_WITHIN).await?;
        let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
        let file = control.join(part);
        let written = fs::write(&file, text).and_then(|()| fs::set_permissions(&file, Permissions::from_mode(mode)));
        written.map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let packed = directory.join("packed.deb");
    let quick = ["--build", "--root-owner-group", "-Zgzip", "-z1"].map(OsStr::new);
    run("dpkg-deb", quick.into_iter().chain([tree.path().as_os_str(), packed.as_os_str()]), READ_WITHIN).await?;
    Ok(packed)
}

/// The files of its configuration, each with its MD5 when it came; without, if it came with an earlier version and is in none
/// any more.
fn configuration(status: &str) -> BTreeMap<&str, &str> {
    let listed =
        status.lines().skip_while(|line| *line != "Conffiles:").skip(1).take_while(|line| line.starts_with(' '));
    let files = listed.map(|line| line.split_whitespace().collect::<Vec<_>>());
    files
        .filter_map(|words| match words[..] {
            [path, sum] => Some((path, sum)),
            [path, ..] => Some((path, "")),
            [] => None,
        })
        .collect()
}

/// Those of them that are as they came.
async fn untouched<'a>(known: &BTreeMap<&'a str, &str>) -> Result<Vec<&'a str>, String> {
    let there: Vec<&str> = known.keys().copied().filter(|path| Path::new(path).is_file()).collect();
    if there.is_empty() {
        return Ok(there);
    }
    let sums = run("md5sum", there.iter().copied(), READ_WITHIN).await?;
    let as_came = |path: &str| sums.lines().any(|line| line.split_once("  ") == Some((known[path], path)));
    Ok(there.into_iter().filter(|path| as_came(path)).collect())
}

/// A file, link or directory with its rights; not what is in a directory. What somebody has removed is left out.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    let Ok(found) = fs::symlink_metadata(from) else { return Ok(()) };
    if found.is_dir() {
        fs::create_dir_all(to)
    } else if found.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)
    } else {
        fs::copy(from, to).map(drop)
    }
}

/// A package's own fields, of what dpkg says of it: without those of the installation.
fn fields(status: &str) -> String {
    let (mut text, mut skipping) = (String::new(), false);
    for line in status.lines().filter(|line| !line.is_empty()) {
        if !line.starts_with(' ') {
            skipping = ["Status:", "Conffiles:", "Config-Version:"].iter().any(|name| line.starts_with(name));
        }
        if !skipping {
            text += line;
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dpkg_says_of_a_package_becomes_its_own_fields() {
        let status = "Package: uplinkd\nStatus: install ok installed\nVersion: 1\nConffiles:\n /etc/a 1234\n /etc/b 5678\n\
                      Description: keeps\n channels on air\n\n";
        assert_eq!(fields(status), "Package: uplinkd\nVersion: 1\nDescription: keeps\n channels on air\n");
    }

    #[tokio::test]
    async fn a_file_of_its_configuration_that_somebody_has_changed_is_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
        let (as_came, changed, gone) = (path("as-came.toml"), path("changed.toml"), path("gone.toml"));
        fs::write(&as_came, "").unwrap();
        fs::write(&changed, "# the technician's").unwrap();
        // RFC 1321, A.5: of nothing.
        let sum = "d41d8cd98f00b204e9800998ecf8427e";
        let status = format!(
            "Package: uplinkd\nConffiles:\n {as_came} {sum}\n {changed} {sum}\n {gone} {sum}\n /etc/old {sum} obsolete\n\
             Description: keeps\n channels on air\n"
        );
        let known = configuration(&status);
        assert_eq!(known["/etc/old"], "", "what is of no version any more is in no package");
        assert_eq!(untouched(&known).await.unwrap(), [as_came.as_str()]);
    }
}

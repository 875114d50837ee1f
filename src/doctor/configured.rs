//! The configuration on disk, and who may read its secrets.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{Finding, Ground};
use crate::config::{Checked, Faults};

pub(super) fn examine(ground: &Ground) -> Vec<Finding> {
    let mut findings = vec![file(ground)];
    if let Ok(checked) = &ground.checked {
        findings.push(secrets(modes(checked)));
    }
    findings
}

fn file(ground: &Ground) -> Finding {
    let path = ground.config.display().to_string();
    if let Err(error) = std::fs::read(&ground.config) {
        let seen = format!("{path} cannot be read: {error}");
        return match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                Finding::not_here("config", format!("{seen}; run doctor with sudo"))
            }
            _ => Finding::fault("config", seen, "name it with --config, or install the package, which brings one"),
        };
    }
    match &ground.checked {
        Ok(checked) if checked.warnings.is_empty() => {
            Finding::ok("config", format!("{path}: {} channel(s), no fault", checked.channels.len()))
        }
        Ok(checked) => {
            let seen = format!("{path}: {}", first(&checked.warnings, "warning"));
            Finding::warn("config", seen, format!("`uplinkctl check {path}` lists each with its line"))
        }
        Err(faults) => {
            let seen = format!("{path}: {}", first(faults, "fault"));
            let todo =
                format!("`uplinkctl check {path}` lists each with its line; an earlier one stays in force meanwhile");
            Finding::fault("config", seen, todo)
        }
    }
}

fn first(faults: &Faults, word: &str) -> String {
    let lines = faults.lines();
    format!("{} {word}(s); the first: {}", lines.len(), lines.first().map_or("", String::as_str))
}

/// Files with secrets, and their permissions.
fn modes(checked: &Checked) -> Vec<(PathBuf, u32)> {
    let files = secret_files(checked).into_iter();
    files.filter_map(|file| Some((file.clone(), std::fs::metadata(file).ok()?.permissions().mode()))).collect()
}

/// The files that a configuration takes secrets from.
fn secret_files(checked: &Checked) -> Vec<PathBuf> {
    const PUBLIC: [&str; 4] = ["ca_file", "certificate_file", "ca", "cert_file"];
    let base = checked.file.parent().unwrap_or(std::path::Path::new(""));
    let mut files = Vec::new();
    for setting in checked.written.iter() {
        let name = setting.key.rsplit('.').next().unwrap_or_default();
        if !(name.ends_with("_file") || name.ends_with("_files")) || PUBLIC.contains(&name) {
            continue;
        }
        let one = setting.value.as_str().into_iter();
        let several = setting.value.as_array().into_iter().flatten().filter_map(|value| value.as_str());
        files.extend(one.chain(several).map(|file| base.join(file)));
    }
    files.sort();
    files.dedup();
    files
}

fn secrets(files: Vec<(PathBuf, u32)>) -> Finding {
    let open: Vec<String> =
        files.iter().filter(|(_, mode)| mode & 0o007 != 0).map(|(file, _)| file.display().to_string()).collect();
    match open.as_slice() {
        [] if files.is_empty() => {
            Finding::not_here("secrets", "no file with a secret is named, or none may be looked at")
        }
        [] => Finding::ok("secrets", format!("{} file(s) with secrets, none is open to everybody", files.len())),
        open => {
            let list = open.join(", ");
            let todo = "chown root:uplink and chmod 640 each of them, then change the secret: it may be known";
            Finding::warn("secrets", format!("everybody on this box may read: {list}"), todo)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_secret_that_everybody_may_read_is_told() {
        assert_eq!(secrets(Vec::new()).state, State::NotHere);
        assert_eq!(secrets(vec![("a".into(), 0o100_640)]).state, State::Ok);
        let found = secrets(vec![("a".into(), 0o100_640), ("/etc/uplink/b.key".into(), 0o100_644)]);
        assert_eq!((found.state, found.seen.contains("b.key")), (State::Warn, true));
    }
}

//! The secrets that this box knows, as far as this user may read them: so that they are found wherever they stand.

use std::path::{Path, PathBuf};

use super::super::Ground;
use super::settings;

/// Larger files are no secrets.
const LARGEST: u64 = 64 << 10;
/// How names of files with secrets end, whether a configuration names them or not.
const ENDINGS: [&str; 6] = ["token", "key", "passphrase", "secret", "password", "credential"];
/// Parts of the names of variables with secrets.
const VARIABLES: [&str; 7] = ["KEY", "TOKEN", "SECRET", "PASS", "CREDENTIAL", "AUTH", "COOKIE"];
/// Where systemd has credentials of units, and where administrators put them.
const CREDENTIALS: [&str; 4] =
    ["run/credentials/uplinkd.service", "run/credentials/uplink-origin.service", "etc/credstore", "run/credstore"];

/// Each of them, in no order.
pub(super) fn known(ground: &Ground) -> Vec<String> {
    let (files, mut secrets) = written(ground);
    secrets.extend(files.iter().filter_map(|file| content(file)));
    secrets.extend(variables(
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    ));
    secrets.extend(daemons_variables(ground));
    secrets
}

/// Files that the configuration names, or that are called as such files are; and secrets that stand in it.
fn written(ground: &Ground) -> (Vec<PathBuf>, Vec<String>) {
    let base = ground.config.parent().unwrap_or(Path::new(""));
    let (mut files, mut secrets) = (Vec::new(), Vec::new());
    let mut directories: Vec<PathBuf> = CREDENTIALS.iter().map(|path| ground.root.join(path)).collect();
    directories.extend(std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from));
    for directory in &directories {
        files.extend(entries(directory));
    }
    let state = ground.state.clone();
    let origin = state.with_file_name("uplink-origin");
    for directory in [base, state.as_path(), origin.as_path()] {
        for file in entries(directory) {
            let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
            if ENDINGS.iter().any(|ending| name.ends_with(ending)) {
                files.push(file);
            } else if name.ends_with(".toml") {
                let (places, inline) =
                    settings::places_and_secrets(&std::fs::read_to_string(&file).unwrap_or_default());
                files.extend(places.into_iter().map(|place| base.join(place)));
                secrets.extend(inline);
            }
        }
    }
    (files, secrets)
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn content(file: &Path) -> Option<String> {
    let meta = std::fs::metadata(file).ok().filter(|meta| meta.is_file() && meta.len() <= LARGEST)?;
    (meta.len() > 0)
        .then(|| std::fs::read(file).ok())
        .flatten()
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn variables(all: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let telling = |name: &str| {
        let name = name.to_ascii_uppercase();
        VARIABLES.iter().any(|part| name.contains(part))
    };
    all.filter(|(name, value)| telling(name) && !Path::new(value).exists()).map(|(_, value)| value).collect()
}

/// Those of the daemon, where they may be read.
fn daemons_variables(ground: &Ground) -> Vec<String> {
    let mut found = Vec::new();
    for pid in ground.names("proc").into_iter().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())) {
        let ours = ground.word(&format!("proc/{pid}/comm")).is_some_and(|name| name.starts_with("uplink"));
        let bytes = ours.then(|| std::fs::read(ground.root.join(format!("proc/{pid}/environ"))).ok()).flatten();
        let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
        let pairs = text.split('\0').filter_map(|one| one.split_once('='));
        found.extend(variables(pairs.map(|(name, value)| (name.to_owned(), value.to_owned()))));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_known_by_their_names() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let all = [
            pair("UPLINK_TOKEN", "a"),
            pair("HOME", "b"),
            pair("aws_secret_access_key", "c"),
            pair("SSH_AUTH_SOCK", "/"),
        ];
        assert_eq!(variables(all.into_iter()), ["a", "c"]);
    }
}

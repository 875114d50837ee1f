//! `origin.toml`: as written → checked. An unknown key is a fault; every fault says where it is and what to do.

mod measures;
mod playback;
mod tokens;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

pub use playback::Playback;
use tokens::Places;
pub use tokens::{Scope, Tokens};

/// What the origin is told.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OriginSettings {
    /// Where to listen.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// Where it keeps what was pushed; relative to the configuration file.
    pub state_dir: Option<PathBuf>,
    /// How much it takes.
    #[serde(default)]
    pub limits: Limits,
    /// How long it keeps what no playlist names any more.
    #[serde(default)]
    pub retention: Retention,
    /// Who may push.
    pub tokens: Tokens,
    /// Who may watch; everybody if none.
    pub playback: Option<Playback>,
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest segment or initialisation, in bytes.
    #[serde(deserialize_with = "measures::size")]
    pub segment: u64,
    /// Largest playlist, in bytes.
    #[serde(deserialize_with = "measures::size")]
    pub playlist: u64,
    /// Channels.
    pub channels: usize,
    /// Renditions per channel.
    pub renditions: usize,
    /// Connections at a time; more wait to be accepted.
    pub connections: usize,
    /// How long an upload may stay without a byte.
    #[serde(deserialize_with = "measures::span")]
    pub upload_idle: Duration,
    /// How long an upload may take.
    #[serde(deserialize_with = "measures::span")]
    pub upload: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            segment: 64 << 20,
            playlist: 1 << 20,
            channels: 64,
            renditions: 16,
            connections: 4096,
            upload_idle: Duration::from_secs(10),
            upload: Duration::from_secs(120),
        }
    }
}

/// `[retention]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// How long an object is kept after the last playlist that named it. Never shorter than RFC 8216bis asks for
    /// (6.2.2: a segment's duration plus the longest playlist that held it).
    #[serde(deserialize_with = "measures::span")]
    pub retain: Duration,
    /// Bytes per channel. Beyond it, objects that no playlist names go early, oldest first.
    #[serde(deserialize_with = "measures::size")]
    pub max_bytes: u64,
    /// Bytes of recordings per channel. They are kept until somebody deletes them; beyond it, uploads are refused.
    #[serde(deserialize_with = "measures::size")]
    pub recordings_max_bytes: u64,
    /// How often the tree is swept.
    #[serde(deserialize_with = "measures::span")]
    pub sweep: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            retain: Duration::from_secs(600),
            max_bytes: 4 << 30,
            recordings_max_bytes: 100 << 30,
            sweep: Duration::from_secs(5),
        }
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8090))
}

/// Why the configuration is refused. Exit code 64.
#[derive(Debug, thiserror::Error)]
pub enum SettingsFault {
    /// The file cannot be read.
    #[error("{}: cannot be read: {cause}", file.display())]
    Unreadable {
        /// The configuration file.
        file: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The file breaks a rule.
    #[error("{}:{line}:{column}: {message}", file.display())]
    Broken {
        /// The configuration file.
        file: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// The value, the rule and the fix.
        message: String,
    },
}

impl OriginSettings {
    /// Reads and checks `file` and the secrets that it names.
    pub fn load(file: &Path) -> Result<Self, SettingsFault> {
        Self::load_with(file, credentials().as_deref(), true)
    }

    /// The same for who signs addresses: tokens may be given to the service alone, and are not read.
    pub fn load_to_sign(file: &Path) -> Result<Self, SettingsFault> {
        Self::load_with(file, credentials().as_deref(), false)
    }

    fn load_with(file: &Path, credentials: Option<&Path>, tokens: bool) -> Result<Self, SettingsFault> {
        let text = std::fs::read_to_string(file)
            .map_err(|cause| SettingsFault::Unreadable { file: file.to_owned(), cause })?;
        let broken = |at: usize, message: String| {
            let (line, column) = position(&text, at);
            SettingsFault::Broken { file: file.to_owned(), line, column, message }
        };
        let mut settings: Self = toml::from_str(&text)
            .map_err(|error| broken(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
        let dir = file.parent().unwrap_or(Path::new(""));
        let places = Places { dir, credentials };
        if tokens {
            settings.tokens.read(&places).map_err(|fault| broken(fault.at, fault.message))?;
        }
        if let Some(playback) = &mut settings.playback {
            playback.check().map_err(|(key, message)| broken(key_at(&text, key), message))?;
            playback.read(&places).map_err(|fault| broken(fault.at, fault.message))?;
        }
        settings.state_dir = settings.state_dir.map(|state| dir.join(state));
        settings.check().map_err(|(key, message)| broken(key_at(&text, key), message))?;
        Ok(settings)
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        let above_zero = [
            ("segment", self.limits.segment),
            ("playlist", self.limits.playlist),
            ("channels", self.limits.channels as u64),
            ("renditions", self.limits.renditions as u64),
            ("connections", self.limits.connections as u64),
            ("max_bytes", self.retention.max_bytes),
            ("recordings_max_bytes", self.retention.recordings_max_bytes),
            ("upload_idle", self.limits.upload_idle.as_millis() as u64),
            ("upload", self.limits.upload.as_millis() as u64),
            ("sweep", self.retention.sweep.as_millis() as u64),
        ];
        match above_zero.into_iter().find(|(_, value)| *value == 0) {
            Some((key, _)) => Err((key, format!("`{key}` is 0: give a value above zero, or leave it out"))),
            None => Ok(()),
        }
    }
}

/// What systemd gives this service.
fn credentials() -> Option<PathBuf> {
    std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from)
}

/// Where the line that sets `key` begins.
fn key_at(text: &str, key: &str) -> usize {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.split('=').next().is_some_and(|left| left.trim() == key) {
            return at;
        }
        at += line.len();
    }
    0
}

fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<OriginSettings, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("good.token"), "a-token-long-enough\n").unwrap();
        std::fs::write(dir.path().join("short.token"), "short").unwrap();
        std::fs::write(dir.path().join("origin.toml"), text).unwrap();
        OriginSettings::load(&dir.path().join("origin.toml")).map_err(|fault| {
            let text = fault.to_string();
            text.replace(&format!("{}/", dir.path().display()), "")
        })
    }

    #[test]
    fn a_short_file_is_enough() {
        let settings = load("[tokens]\n\"*\" = { file = \"good.token\" }\n").unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8090");
        assert_eq!(settings.limits.segment, 64 << 20);
        assert_eq!(settings.retention.retain, Duration::from_secs(600));
        assert_eq!(settings.tokens.iter().next().unwrap().1.reveal(), "a-token-long-enough");
    }

    #[test]
    fn sizes_and_durations_have_units() {
        let tail = "[tokens]\ndemo = { file = \"good.token\" }\n";
        let text = format!("[limits]\nsegment = \"8 MiB\"\nplaylist = 4096\n[retention]\nretain = \"1m 30s\"\n{tail}");
        let settings = load(&text).unwrap();
        assert_eq!((settings.limits.segment, settings.limits.playlist), (8 << 20, 4096));
        assert_eq!(settings.retention.retain, Duration::from_secs(90));
    }

    #[test]
    fn faults_say_where_they_are() {
        let tail = "[tokens]\n\"*\" = { file = \"good.token\" }\n";
        for (text, place, piece) in [
            (format!("lisen = \"127.0.0.1:1\"\n{tail}"), "origin.toml:1:1:", "unknown field `lisen`"),
            (format!("listen = \"here\"\n{tail}"), "origin.toml:1:10:", "socket address"),
            (format!("[limits]\nsegment = \"8 apples\"\n{tail}"), "origin.toml:2:11:", "64MiB"),
            (format!("[limits]\nsegment = \"-1\"\n{tail}"), "origin.toml:2:11:", "64MiB"),
            (format!("[limits]\nchannels = 0\n{tail}"), "origin.toml:2:1:", "`channels` is 0"),
            (format!("[retention]\nretain = \"soon\"\n{tail}"), "origin.toml:2:10:", "10m"),
            (format!("[retention]\nretain = \"-5s\"\n{tail}"), "origin.toml:2:10:", "10m"),
            ("listen = \"127.0.0.1:1\"\n".to_owned(), "origin.toml:1:1:", "missing field `tokens`"),
            ("[tokens]\n".to_owned(), "origin.toml:1:1:", "nobody could push"),
            ("[tokens]\n\"A b\" = { file = \"good.token\" }\n".to_owned(), "origin.toml:2:1:", "`A b`"),
            ("[tokens]\na = { file = \"none.token\" }\n".to_owned(), "origin.toml:2:14:", "none.token"),
            ("[tokens]\na = { file = \"short.token\" }\n".to_owned(), "origin.toml:2:14:", "at least 16"),
            ("[tokens]\na = { fiel = \"good.token\" }\n".to_owned(), "origin.toml:2:7:", "unknown field `fiel`"),
            ("[tokens".to_owned(), "origin.toml:1:", ""),
            (format!("{tail}[playback]\nkeys = []\n"), "origin.toml:4:1:", "nobody could watch"),
            (format!("{tail}[playback]\nkeys = [\"none.key\"]\n"), "origin.toml:4:9:", "playback key file none.key"),
            (format!("{tail}[playback]\nkeys = [\"good.token\"]\nbegin = \"31m\"\n"), "origin.toml:5:1:", "30m"),
            (format!("{tail}[playback]\nkeys = [\"good.token\"]\nsession = \"25h\"\n"), "origin.toml:5:1:", "24h"),
        ] {
            let fault = load(&text).expect_err(&text);
            assert!(fault.starts_with(place) && fault.contains(piece), "{text}\n→ {fault}");
        }
    }

    #[test]
    fn secrets_are_taken_from_credentials() {
        let dir = tempfile::tempdir().unwrap();
        let (file, given) = (dir.path().join("origin.toml"), dir.path().join("given"));
        std::fs::create_dir(&given).unwrap();
        for (name, text) in [("push", "a-token-long-enough\n"), ("viewers", "a-key-that-is-long-enough")] {
            std::fs::write(given.join(name), text).unwrap();
        }
        let tokens = "[tokens]\n\"*\" = { credential = \"push\" }\n";
        std::fs::write(&file, format!("{tokens}[playback]\nkey_credentials = [\"viewers\"]\n")).unwrap();
        let settings = OriginSettings::load_with(&file, Some(&given), true).unwrap();
        assert_eq!(settings.tokens.iter().next().unwrap().1.reveal(), "a-token-long-enough");
        settings.playback.unwrap().signer();
        // Without them nobody could push; who only signs needs none for that.
        let refused = OriginSettings::load_with(&file, None, true).unwrap_err().to_string();
        assert!(refused.contains(":2:22: ") && refused.contains("LoadCredential=push"), "{refused}");
        std::fs::write(&file, format!("{tokens}[playback]\nkeys = [\"given/viewers\"]\n")).unwrap();
        assert_eq!(OriginSettings::load_with(&file, None, false).unwrap().tokens.iter().count(), 0);
        for (entry, piece) in [
            ("{ credential = \"../push\" }", "no name of a credential"),
            ("{ credential = \"gone\" }", "gone cannot be read"),
            ("{ credential = \"push\", file = \"given/push\" }", "not both"),
            ("{}", "give `file`, or `credential`"),
        ] {
            std::fs::write(&file, format!("[tokens]\n\"*\" = {entry}\n")).unwrap();
            let refused = OriginSettings::load_with(&file, Some(&given), true).unwrap_err().to_string();
            assert!(refused.contains("origin.toml:2:") && refused.contains(piece), "{entry}: {refused}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let fault = OriginSettings::load(Path::new("/nowhere/origin.toml")).unwrap_err();
        assert!(fault.to_string().starts_with("/nowhere/origin.toml: cannot be read"), "{fault}");
    }
}

//! The first admin: whoever can read the console or the state directory of the box. A code is good until it is used, also
//! after a restart.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::chance::{self, NoChance};

const FILE: &str = "first-run-code";

/// Where the code is.
#[derive(Debug, Clone)]
pub(super) struct FirstRun {
    path: PathBuf,
}

impl FirstRun {
    pub(super) fn at(state: &Path) -> Self {
        Self { path: state.join(FILE) }
    }

    /// The code, which is made if there is none, and told on the console.
    pub(super) fn code(&self) -> Result<String, NoChance> {
        let known = std::fs::read_to_string(&self.path).ok().map(|text| text.trim().to_owned());
        let code = match known.filter(|code| chance::is_code(code)) {
            Some(code) => code,
            None => {
                let code = chance::code()?;
                if let Err(error) = self.write(&code) {
                    tracing::warn!(path = %self.path.display(), %error, "the code for the first admin is only told here");
                }
                code
            }
        };
        tracing::warn!(
            code = "first_run",
            "nobody can log in yet: open the panel and make the first admin with the one-time code {code} (also in {})",
            self.path.display()
        );
        Ok(code)
    }

    fn write(&self, code: &str) -> std::io::Result<()> {
        let _ = std::fs::remove_file(&self.path);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path)?;
        writeln!(file, "{code}")
    }

    /// It was used.
    pub(super) fn spend(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_code_stays_until_it_is_used_and_only_the_daemon_reads_it() {
        let state = tempfile::tempdir().unwrap();
        let first = FirstRun::at(state.path());
        let code = first.code().unwrap();
        let mode = std::fs::metadata(state.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!((first.code().unwrap(), mode & 0o777), (code.clone(), 0o600));
        std::fs::write(state.path().join(FILE), "guess-me").unwrap();
        let another = first.code().unwrap();
        assert!(another != code && chance::is_code(&another));
        first.spend();
        assert!(!state.path().join(FILE).exists());
    }
}

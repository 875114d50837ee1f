//! What is noted of an upgrade while it is under way, so that the box can end it after a power cut.
//!
//! ```text
//!  noted ─▶ installed ─▶ looked at ─▶ perhaps put back ─▶ struck out
//!    └──────── power cut ───────┴────────────────┘
//!               the next start: `finish.rs`
//! ```

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Before;
use super::package::{self, Package};
use crate::model::{ChannelId, MediaTime};

const FILE: &str = "under-way.json";

/// One upgrade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct UnderWay {
    /// The version that was installed.
    pub(super) from: String,
    /// The version that is to be.
    pub(super) to: String,
    /// The package of the one before.
    pub(super) old: PathBuf,
    /// What was on air.
    pub(super) on_air: Vec<ChannelId>,
    /// When the daemon came up; none if none answered.
    pub(super) daemon: Option<MediaTime>,
}

impl UnderWay {
    /// Of what is about to begin.
    pub(super) fn of(before: &Before, old: &Package, new: &Package) -> Self {
        Self {
            from: before.from.clone(),
            to: new.version.clone(),
            old: old.path.clone(),
            on_air: before.on_air.clone(),
            daemon: before.daemon,
        }
    }

    /// Notes it in `directory`, which is on the disk then, with everything that lies there.
    pub(super) fn note(&self, directory: &Path) -> Result<(), String> {
        let written = || {
            let mut file = tempfile::NamedTempFile::new_in(directory)?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.as_file().sync_all()?;
            file.persist(directory.join(FILE))?;
            File::open(directory)?.sync_all()
        };
        written().map_err(|error: std::io::Error| format!("{}: {error}", directory.join(FILE).display()))
    }

    /// What was under way when the power was cut; none if nothing was.
    pub(super) fn read(directory: &Path) -> Result<Option<Self>, String> {
        let path = directory.join(FILE);
        let unread = |error: &dyn std::fmt::Display| {
            format!(
                "{}: {error}: an upgrade may have been cut off; end it by dpkg, and remove that file",
                path.display()
            )
        };
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| unread(&error)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unread(&error)),
        }
    }

    /// It is over, however it ended, if one version is there, whole. If none is, the next start tries again.
    pub(super) async fn over(directory: &Path) {
        if package::installed().await.is_none() {
            return;
        }
        let _ = fs::remove_file(directory.join(FILE));
        let _ = File::open(directory).and_then(|directory| directory.sync_all());
    }
}

//! Where to look, and what the daemon has said of itself.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::config::{Checked, Credentials, Faults, OwnClasses, load_with};
use crate::hardware::inventory;
use crate::model::Inventory;
use crate::plan::{ChannelPlan, PlanPaths, derive};

/// What is looked at.
#[derive(Debug)]
pub struct Ground {
    /// `/`, or a fake one in tests.
    pub root: PathBuf,
    /// The configuration's file.
    pub config: PathBuf,
    /// The configuration, or what is wrong with it.
    pub checked: Result<Checked, Faults>,
    /// Where the daemon keeps orders and segments.
    pub state: PathBuf,
    /// Where the sockets of workers are.
    pub runtime: PathBuf,
    /// The worker's executable.
    pub worker: PathBuf,
    /// What the daemon says.
    pub told: Told,
}

/// What the daemon says of itself; each part, or why there is none.
#[derive(Debug)]
pub struct Told {
    /// `/api/v1/status`
    pub status: Result<Value, String>,
    /// `/api/v1/alarms`
    pub alarms: Result<Value, String>,
}

impl Told {
    /// Nothing, for this reason.
    pub fn nothing(reason: &str) -> Self {
        Self { status: Err(reason.to_owned()), alarms: Err(reason.to_owned()) }
    }
}

/// Where the packaged daemon has everything.
#[derive(Debug, Clone)]
pub struct Places {
    /// The configuration's file.
    pub config: PathBuf,
    /// See [`Ground`].
    pub state: PathBuf,
    /// See [`Ground`].
    pub runtime: PathBuf,
    /// See [`Ground`].
    pub worker: PathBuf,
}

impl Ground {
    /// This box.
    pub fn here(places: Places, told: Told) -> Self {
        let Places { config, state, runtime, worker } = places;
        // A technician's shell has no credentials.
        let credentials = match Credentials::from_environment() {
            Credentials::At(None) => Credentials::NotHere,
            here => here,
        };
        let checked = load_with(&config, &[], &credentials, &OwnClasses::below(&state));
        Self { root: "/".into(), config, checked, state, runtime, worker, told }
    }

    /// What is plugged in.
    pub(crate) fn inventory(&self) -> Inventory {
        inventory(&self.root)
    }

    /// What the daemon makes, or would make, of the configuration; empty if that is faulty.
    pub(crate) fn plans(&self) -> Vec<ChannelPlan> {
        let state = &self.state;
        let paths = PlanPaths {
            spool_root: state.join("spool"),
            images: state.join("images"),
            recordings: state.join("recordings"),
        };
        let plans = self.checked.as_ref().ok().map(|checked| derive(checked, &self.inventory(), &paths));
        plans.and_then(Result::ok).unwrap_or_default()
    }

    /// A worker may be on air: nothing that takes disk or processor is done.
    pub(crate) fn on_air(&self) -> bool {
        let entries = std::fs::read_dir(&self.runtime).into_iter().flatten();
        entries.flatten().any(|entry| entry.path().join("worker.sock").exists())
    }

    /// A small file below the root, trimmed; none if it is missing, unreadable or empty.
    pub(crate) fn word(&self, path: &str) -> Option<String> {
        word(&self.root, path)
    }

    /// A number in such a file.
    pub(crate) fn number(&self, path: &str) -> Option<i64> {
        number(&self.root, path)
    }

    /// Names in a directory below the root, in order.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        names(&self.root, path)
    }
}

/// See [`Ground::word`].
pub(super) fn word(root: &Path, path: &str) -> Option<String> {
    let text = std::fs::read_to_string(root.join(path)).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// See [`Ground::number`].
pub(super) fn number(root: &Path, path: &str) -> Option<i64> {
    word(root, path)?.parse().ok()
}

/// See [`Ground::names`].
pub(super) fn names(root: &Path, path: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root.join(path)).into_iter().flatten();
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

//! What must be ours before anything runs: directories, the worker's executable, a runtime.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::arguments::Place;
use super::failure::Failure;
use crate::ipc::socket_path;
use crate::supervisor::Configuration;
use crate::system::DirectoryLock;

/// What is given to blocking work at the very end.
pub(super) const LAST_BREATH: Duration = Duration::from_millis(500);

/// The lock's file; it holds the daemon's process id.
const LOCK: &str = "uplinkd.pid";
/// `sun_path` of unix(7), less its final zero.
const SOCKET_PATH: usize = 107;

/// The directories, held by this daemon alone.
#[derive(Debug)]
pub(super) struct Held {
    _runtime: DirectoryLock,
    _state: DirectoryLock,
}

/// Takes the directories, and makes sure that workers can be started from them.
pub(super) fn take(place: &Place, configuration: &Configuration) -> Result<Held, Failure> {
    let worker = std::fs::metadata(&place.worker);
    if !worker.is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0) {
        return Err(Failure::Worker(place.worker.clone()));
    }
    for channel in &configuration.channels {
        let path = socket_path(&place.runtime, &channel.plan.channel);
        let length = path.as_os_str().len();
        if length > SOCKET_PATH {
            return Err(Failure::TooLong { path, length });
        }
    }
    let runtime = DirectoryLock::take(&place.runtime, LOCK)?;
    let state = DirectoryLock::take(&place.state, LOCK)?;
    Ok(Held { _runtime: runtime, _state: state })
}

/// Two threads: one channel's trouble, or a large answer of the API, does not keep the other channels waiting.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread().worker_threads(2).max_blocking_threads(8).enable_all().build().map_err(Failure::System)
}

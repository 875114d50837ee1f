//! GStreamer's registry, read anew before workers need it: what takes longer than a worker may take is done once, here.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::arguments::Place;

/// The longest that reading all plugins may take; workers are started all the same afterwards.
const WITHIN: Duration = Duration::from_secs(60);

/// Has a worker look at the plugins of this box, which takes a moment if nothing has changed since last time. If workers
/// are on air already, they are taken over meanwhile.
pub(super) async fn registry(place: &Place) {
    let worker = place.worker.clone();
    let looking = tokio::spawn(async move { look(&worker).await });
    if !on_air(&place.runtime) {
        let _ = looking.await;
    }
}

async fn look(worker: &Path) {
    if let Err(reason) = probe(worker).await {
        tracing::warn!(reason, "the worker could not look at the plugins of this box");
    }
}

async fn probe(worker: &Path) -> Result<(), String> {
    let mut command = Command::new(worker);
    command.arg("--probe").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|error| format!("it cannot be run: {error}"))?;
    match tokio::time::timeout(WITHIN, child.wait()).await {
        Ok(Ok(status)) if status.success() => Ok(()),
        Ok(Ok(status)) => Err(status.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it took more than {WITHIN:?}")),
    }
}

/// Whether a worker of an earlier daemon may be on air.
pub(super) fn on_air(runtime: &Path) -> bool {
    let entries = std::fs::read_dir(runtime).into_iter().flatten();
    entries.flatten().any(|entry| entry.path().join("worker.sock").exists())
}

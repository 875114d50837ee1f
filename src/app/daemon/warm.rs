//! GStreamer's registry, read anew before workers need it: what takes longer than a worker may take is done once, here. What
//! is missing in it is told to whoever asks whether this daemon is ready.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::arguments::Place;
use crate::api::Engine;

/// The longest that reading all plugins may take; workers are started all the same afterwards.
const WITHIN: Duration = Duration::from_secs(60);

/// Has a worker look at the plugins of this box, which takes a moment if nothing has changed since last time. If workers
/// are on air already, they are taken over meanwhile.
pub(super) async fn registry(place: &Place, needed: Vec<&'static str>, engine: Engine) {
    let worker = place.worker.clone();
    let looking = tokio::spawn(async move { look(&worker, &needed, &engine).await });
    if !on_air(&place.runtime) {
        let _ = looking.await;
    }
}

async fn look(worker: &Path, needed: &[&str], engine: &Engine) {
    let looked = probe(worker, needed).await;
    if let Err(reason) = &looked {
        tracing::warn!(reason, "the worker could not look at the plugins of this box");
    }
    let found = looked.map_err(|reason| format!("the worker could not look at the plugins of this box: {reason}"));
    engine.found(found.and_then(|said| all_there(&said)));
}

/// Whether everything that was asked for is registered, as the worker said.
fn all_there(said: &[u8]) -> Result<(), String> {
    let said: serde_json::Value = serde_json::from_slice(said).unwrap_or_default();
    let missing = said["elements"].as_object().into_iter().flatten().filter(|(_, there)| **there == false);
    let missing: Vec<&str> = missing.map(|(element, _)| element.as_str()).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("GStreamer has no {}: `uplinkctl doctor` says which packages", missing.join(", "))),
    }
}

/// What it said.
async fn probe(worker: &Path, needed: &[&str]) -> Result<Vec<u8>, String> {
    let mut command = Command::new(worker);
    command.args(["--probe", "--elements", &needed.join(",")]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] {
        command.env_remove(name);
    }
    let child = command.spawn().map_err(|error| format!("it cannot be run: {error}"))?;
    match tokio::time::timeout(WITHIN, child.wait_with_output()).await {
        Ok(Ok(ended)) if ended.status.success() => Ok(ended.stdout),
        Ok(Ok(ended)) => Err(ended.status.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("it took more than {WITHIN:?}")),
    }
}

/// Whether a worker of an earlier daemon may be on air.
pub(super) fn on_air(runtime: &Path) -> bool {
    let entries = std::fs::read_dir(runtime).into_iter().flatten();
    entries.flatten().any(|entry| entry.path().join("worker.sock").exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_and_silence_is_no_fault() {
        assert_eq!(all_there(br#"{"elements": {"jpegenc": true}}"#), Ok(()));
        assert_eq!(all_there(b""), Ok(()), "a stand-in says nothing");
        let missing = all_there(br#"{"elements": {"avenc_aac": false, "jpegenc": true, "srtsink": false}}"#);
        assert!(missing.unwrap_err().starts_with("GStreamer has no avenc_aac, srtsink: "));
    }
}

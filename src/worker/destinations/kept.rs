//! Which endpoint is in use, on disk: the next worker begins where this one was. A small file beside the spool's
//! renditions; without it a destination begins with its primary.

use std::path::{Path, PathBuf};

use crate::model::{DestinationId, EndpointName};

fn path(directory: &Path, id: &DestinationId) -> PathBuf {
    directory.join(format!("active-{id}"))
}

/// The endpoint that was in use last.
pub(super) fn load(directory: &Path, id: &DestinationId) -> Option<EndpointName> {
    let text = std::fs::read_to_string(path(directory, id)).ok()?;
    EndpointName::new(text.trim()).ok()
}

/// Keeps it, on a thread that may block.
pub(super) fn save(directory: &Path, id: &DestinationId, endpoint: &EndpointName) {
    let (path, endpoint) = (path(directory, id), endpoint.clone());
    tokio::task::spawn_blocking(move || {
        let temporary = path.with_extension("tmp");
        let written = std::fs::write(&temporary, endpoint.as_str()).and_then(|()| std::fs::rename(&temporary, &path));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "the endpoint in use cannot be kept");
        }
    });
}

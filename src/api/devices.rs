//! What is plugged in now.

use std::path::Path;

use axum::Json;

use super::problem::Problem;
use crate::hardware::inventory;
use crate::model::Inventory;

/// `GET /api/v1/devices`: capture devices with their sound, and sound devices. Read at the time of the question, from
/// what kernel and udev publish as files; no device is opened.
pub(crate) async fn list() -> Result<Json<Inventory>, Problem> {
    let found = tokio::task::spawn_blocking(|| inventory(Path::new("/"))).await;
    found.map(Json).map_err(|error| Problem::internal(format!("cannot look for devices: {error}")))
}

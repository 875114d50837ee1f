//! Stream classes that are in force become versions, whoever wrote them.

use std::sync::Arc;

use tokio::sync::watch;

use crate::classes::Classes;
use crate::model::status::ApplianceStatus;

/// Looks now, and each time a configuration is put in force.
pub(super) async fn attend(classes: Classes, mut status: watch::Receiver<Arc<ApplianceStatus>>) {
    let mut generation = None;
    loop {
        let newest = status.borrow_and_update().config.generation;
        if generation.replace(newest) != Some(newest) {
            in_force(&classes).await;
        }
        if status.changed().await.is_err() {
            return;
        }
    }
}

/// Not while somebody changes one: what that is, is not what was found.
async fn in_force(classes: &Classes) {
    let Ok(turn) = classes.turn().await else { return };
    let kept = classes.clone();
    let _ = tokio::task::spawn_blocking(move || kept.put_in_force()).await;
    drop(turn);
}

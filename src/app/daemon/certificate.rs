//! What alarms hear of the listener's certificates: what is wrong with them, and until when they are good.

use std::time::Duration;

use tokio::sync::watch;

use crate::access::Certificate;
use crate::alarm::Alarms;

/// Files are read again by a reload, and an authority issues when it likes: nobody says when.
const EVERY: Duration = Duration::from_secs(30);

/// Passes it on. Ends with the gate.
pub(super) async fn watched(mut trouble: watch::Receiver<Option<String>>, shown: Option<Certificate>, alarms: Alarms) {
    loop {
        let now = trouble.borrow_and_update().clone();
        alarms.certificate(now, shown.as_ref().map(Certificate::validities).unwrap_or_default());
        if let Ok(Err(_)) = tokio::time::timeout(EVERY, trouble.changed()).await {
            return;
        }
    }
}

//! What is in force is kept, for the day when what is on disk is faulty; and what is said on that day.

use std::time::{Duration, SystemTime};

use tokio::sync::mpsc::UnboundedSender;

use crate::lastgood::LastGood;
use crate::model::{Event, EventCode, Fault, MediaTime, Severity};
use crate::supervisor::{Handle, Instead};

/// A disk that took it not is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// Keeps each configuration that is put in force. Ends with the supervisor.
pub(super) async fn attend(kept: LastGood, handle: Handle, tell: UnboundedSender<Event>) {
    let (mut status, mut done, mut failing) = (handle.status(), None, false);
    loop {
        let newer = status.wait_for(|now| now.config.last_good.is_none() && Some(now.config.generation) != done).await;
        let Ok((config, version)) = newer.map(|now| (now.config.clone(), now.version.clone())) else { return };
        let (files, kept) = (handle.files(), kept.clone());
        let (file, at) = (config.path, config.loaded_at);
        let outcome = tokio::task::spawn_blocking(move || kept.keep(&version, file.as_ref(), at, &files)).await;
        match outcome.map_err(|error| error.to_string()).and_then(|kept| kept.map_err(|error| error.to_string())) {
            Ok(()) => (done, failing) = (Some(config.generation), false),
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    let _ = tell.send(not_kept(&error));
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

fn not_kept(error: &str) -> Event {
    let text = format!("the configuration in force is not kept for the day when the one on disk is faulty: {error}");
    let hint = "check space and rights of the state directory; it is tried again";
    event(EventCode::ConfigNotKept, text).blame(Fault::Hardware, hint)
}

/// The daemon came up with the last good configuration.
pub(super) fn came_back(instead: &Instead) -> Event {
    let Instead { used, faults } = instead;
    let (count, first) = (faults.len(), faults.first().map_or("", String::as_str));
    let text = format!("the configuration on disk has {count} fault(s), {used}, is in force; the first fault: {first}");
    let hint = "correct each fault (`uplinkctl check`), then `uplinkctl reload`; until then a start comes up so again";
    event(EventCode::ConfigLastGood, text).blame(Fault::Configuration, hint)
}

fn event(code: EventCode, text: String) -> Event {
    Event::new(MediaTime::from_system(SystemTime::now()), Severity::Warning, code, text)
}

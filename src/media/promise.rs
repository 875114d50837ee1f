//! What webrtcbin promises, waited for with a bound.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use gstreamer as gst;

/// For one step of a negotiation.
const STEP: Duration = Duration::from_secs(2);

type Reply = Result<Option<gst::Structure>, String>;

/// A promise and where its outcome arrives.
pub(super) fn promise() -> (gst::Promise, Receiver<Reply>) {
    let (told, done) = channel();
    let promise = gst::Promise::with_change_func(move |reply| {
        let reply = match reply {
            Ok(Some(structure)) => match structure.get::<gst::glib::Error>("error") {
                Ok(error) => Err(error.to_string()),
                Err(_) => Ok(Some(structure.to_owned())),
            },
            Ok(None) => Ok(None),
            Err(error) => Err(format!("{error:?}")),
        };
        let _ = told.send(reply);
    });
    (promise, done)
}

/// What became of the promise of `what`.
pub(super) fn fulfilled(done: &Receiver<Reply>, what: &str) -> Reply {
    done.recv_timeout(STEP)
        .unwrap_or_else(|_| Err("it took too long".to_owned()))
        .map_err(|why| format!("{what}: {why}"))
}

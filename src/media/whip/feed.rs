//! The thread that brings pictures from the encoder's tap to an endpoint's port.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::port::Port;
use crate::media::encode::{NoUnit, Subscription};

/// How often it looks whether it shall end.
const LOOK: Duration = Duration::from_millis(100);

/// Ends with its handle.
pub(super) struct Feed(Arc<AtomicBool>);

impl Feed {
    pub(super) fn start(name: &str, units: Subscription, port: Arc<Port>) -> std::io::Result<Self> {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let run = move || {
            while !seen.load(Ordering::Relaxed) {
                match units.next(LOOK) {
                    Ok(unit) => port.take(&unit),
                    Err(NoUnit::Timeout) => {}
                    Err(NoUnit::Ended) => break,
                }
            }
        };
        std::thread::Builder::new().name(format!("whip-{name}")).spawn(run)?;
        Ok(Self(ended))
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

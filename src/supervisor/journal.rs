//! Where events get their place in the stream.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::broadcast;

use super::handle::StampedEvent;
use crate::model::{Event, MediaTime};
use crate::telemetry::Recorder;

/// Events a listener may be behind before it loses the oldest.
const BACKLOG: usize = 256;

/// The wall clock.
pub(crate) fn now() -> MediaTime {
    MediaTime::from_system(SystemTime::now())
}

/// Cheap to clone; one for each task.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    recorder: Arc<Recorder>,
    events: broadcast::Sender<Arc<StampedEvent>>,
    seq: Arc<Mutex<u64>>,
}

impl Journal {
    pub(crate) fn new(recorder: Arc<Recorder>) -> Self {
        Self { recorder, events: broadcast::Sender::new(BACKLOG), seq: Arc::default() }
    }

    pub(crate) fn events(&self) -> broadcast::Sender<Arc<StampedEvent>> {
        self.events.clone()
    }

    /// Records `event` and tells every listener.
    pub(crate) fn tell(&self, event: Event) {
        self.recorder.record(&event);
        // Stamped and sent under one lock: listeners see the places in order.
        let mut seq = self.seq.lock().unwrap_or_else(PoisonError::into_inner);
        *seq += 1;
        let _ = self.events.send(Arc::new(StampedEvent { seq: *seq, event }));
    }
}

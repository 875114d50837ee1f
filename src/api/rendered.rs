//! The status document as event streams get it, written once for all of them.

use std::sync::{Arc, Mutex, PoisonError};

use axum::response::sse::Event;

use super::frame::Frame;
use super::routes::Api;
use super::status::Document;
use crate::model::alarm::AlarmCounts;
use crate::model::status::ApplianceStatus;

/// The last one, and what it was made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rendered(Arc<Mutex<Option<Held>>>);

#[derive(Debug)]
struct Held {
    of: Arc<ApplianceStatus>,
    alarms: AlarmCounts,
    event: Event,
}

impl Rendered {
    /// The `status` frame of now.
    pub(crate) fn status(&self, api: &Api) -> Event {
        let (now, alarms) = (api.handle.status().borrow().clone(), api.alarms.counts());
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = held.as_ref().filter(|held| Arc::ptr_eq(&held.of, &now) && held.alarms == alarms) {
            return held.event.clone();
        }
        let event = Frame::Status(Document::of(api)).sse();
        *held = Some(Held { of: now, alarms, event: event.clone() });
        event
    }
}

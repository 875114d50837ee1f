//! The status document as event streams get it, written once for all of them.

use std::sync::{Arc, Mutex, PoisonError};

use axum::response::sse::Event;

use super::frame::Frame;
use super::routes::Api;
use super::status::{Beside, Document};
use crate::model::status::ApplianceStatus;

/// The last one, and what it was made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rendered(Arc<Mutex<Option<Held>>>);

#[derive(Debug)]
struct Held {
    of: Arc<ApplianceStatus>,
    beside: Beside,
    access: &'static str,
    event: Event,
}

impl Rendered {
    /// The `status` frame of now.
    pub(crate) fn status(&self, api: &Api) -> Event {
        let (of, beside, access) = (api.handle.status().borrow().clone(), api.beside(), api.access_word());
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |held: &&Held| Arc::ptr_eq(&held.of, &of) && held.beside == beside && held.access == access;
        if let Some(held) = held.as_ref().filter(same) {
            return held.event.clone();
        }
        let event = Frame::Status(Document::of(api)).sse();
        *held = Some(Held { of, beside, access, event: event.clone() });
        event
    }
}

//! The status document, written once for all who get it: event streams, and whoever asks.

use std::sync::{Arc, Mutex, PoisonError};

use axum::response::sse::Event;
use bytes::Bytes;

use super::frame::Frame;
use super::problem::Problem;
use super::routes::Api;
use super::status::{Beside, Document, tag_of};
use crate::model::status::ApplianceStatus;

/// The last one, and what it was made from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rendered(Arc<Mutex<Option<Held>>>);

#[derive(Debug)]
struct Held {
    of: Arc<ApplianceStatus>,
    beside: Beside,
    access: &'static str,
    written: Written,
}

/// The document, and its forms.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// As an answer.
    pub(crate) body: Bytes,
    /// Its entity tag.
    pub(crate) tag: Arc<str>,
    /// As a `status` frame.
    pub(crate) event: Event,
}

impl Written {
    fn of(document: Document) -> Result<Self, Problem> {
        let body = serde_json::to_vec(&document);
        let body = body.map_err(|error| Problem::internal(format!("cannot write it: {error}")))?;
        let tag = tag_of(&body).into();
        Ok(Self { body: body.into(), tag, event: Frame::Status(document).sse() })
    }
}

impl Rendered {
    /// The document of now.
    pub(crate) fn status(&self, api: &Api) -> Result<Written, Problem> {
        let (of, beside, access) = (api.handle.status().borrow().clone(), api.beside(), api.access_word());
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |held: &&Held| Arc::ptr_eq(&held.of, &of) && held.beside == beside && held.access == access;
        if let Some(held) = held.as_ref().filter(same) {
            return Ok(held.written.clone());
        }
        let written = Written::of(Document::of(api))?;
        *held = Some(Held { of, beside, access, written: written.clone() });
        Ok(written)
    }
}

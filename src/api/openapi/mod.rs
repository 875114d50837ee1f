//! The contract of the API (OpenAPI 3.1), read from the code that keeps it.
//!
//! Owns: the table of routes while it is built, what handlers take and answer by their types, the document and its
//! reference page. Must not: know a route by name, or describe by hand what a type says already.
//!
//! ```text
//! routes.rs: method, path, summary, handler ─▶ Routes ─┬─▶ axum's router
//!                                                      └─▶ Contract ─(first asked for)─▶ Document ─┬▶ /api/v1/openapi.json
//! handler's type: Path, Query, Body<T> …  (Takes)   ─┐                                  ▲          └▶ /api/
//!                 Json<T>, Tagged<T>, …   (Answers) ─┴─▶ Sketch of an operation ────────┤
//!                 T: JsonSchema ───────────────────────▶ Schemas (as asked, as said) ───┘
//! ```
//!
//! So a route cannot be served without being in the document, nor the other way round, and a body that changes changes
//! the document. What `tests` add: every answer of theirs is held against it.

mod accept;
mod document;
mod page;
mod routes;
mod schemas;
mod speaks;

pub(crate) use document::Contract;
pub(crate) use page::{page, style};
pub(crate) use routes::Routes;
pub(crate) use speaks::{Answers, Sketch, Takes};

use std::sync::Arc;

use axum::Extension;
use axum::http::{HeaderMap, header};

use super::answer::{Kinds, Media};
use super::problem::Problem;
use super::status::known;

/// The document itself.
pub(crate) struct OpenApi;

impl Kinds for OpenApi {
    const KINDS: &'static [&'static str] = &["application/json"];
    const STATUSES: &'static [(&'static str, &'static str)] =
        &[("200", "the document"), ("304", "it is known already")];
}

/// `GET /api/v1/openapi.json`.
pub(crate) async fn json(
    Extension(contract): Extension<Arc<Contract>>,
    headers: HeaderMap,
) -> Result<Media<OpenApi>, Problem> {
    let document = contract.document();
    Ok(Media::from(known(&headers, &document.tag, || {
        ([(header::CONTENT_TYPE, "application/json")], document.text.clone())
    })))
}

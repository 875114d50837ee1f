//! The certificates that the listener shows. Files are read again by a reload of the configuration.

use axum::extract::State;
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Serialize;

use super::answer::Tagged;
use super::openapi::Routes;
use super::problem::Problem;
use super::routes::Api;
use crate::access::Presented;

/// The route of this file.
pub(super) fn routes() -> Routes {
    Routes::new().get(
        "/api/v1/certificate",
        "The certificates that the listener shows, and until when they are good",
        shown,
    )
}

/// What the listener shows.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CertificateStatus {
    /// Whether the listener is encrypted; else there is none.
    encrypted: bool,
    /// The usual one first, then the one of an authority, which is shown to who comes by its names.
    certificates: Vec<Presented>,
}

/// `GET /api/v1/certificate`.
async fn shown(State(api): State<Api>, headers: HeaderMap) -> Result<Tagged<CertificateStatus>, Problem> {
    let found = api.presented();
    let status = CertificateStatus { encrypted: found.is_some(), certificates: found.unwrap_or_default() };
    Tagged::new(&headers, &status)
}

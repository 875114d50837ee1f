//! Refusals of stream classes as answers.

use axum::http::StatusCode;

use super::super::problem::Problem;
use crate::classes::ClassError;

impl From<ClassError> for Problem {
    fn from(error: ClassError) -> Self {
        let detail = error.to_string();
        match error {
            ClassError::Unknown(_) | ClassError::Name(_) | ClassError::Nowhere => {
                Self::new(StatusCode::NOT_FOUND, "unknown_class", "No such stream class", detail)
            }
            ClassError::UnknownVersion(..) | ClassError::NotShipped(_) => {
                Self::new(StatusCode::NOT_FOUND, "unknown_version", "No such version", detail)
            }
            ClassError::Shipped(_) => {
                Self::new(StatusCode::CONFLICT, "shipped_class", "The package's own stream class", detail)
            }
            ClassError::Corrupt { .. } => {
                Self::new(StatusCode::CONFLICT, "damaged_version", "The version's file is damaged", detail)
            }
            ClassError::Busy => Self::new(StatusCode::CONFLICT, "busy", "Something else has to end first", detail),
            ClassError::File { .. } => Self::internal(detail),
        }
    }
}

//! The JSON body of a command.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::channels::json;
use super::openapi::{Sketch, Takes};
use super::problem::Problem;

/// What can be asked with a body.
pub(crate) trait Asked: DeserializeOwned + JsonSchema {
    /// What it must be, for who has sent something else.
    const SHAPE: &'static str;
}

/// A body that was read, as an argument of a handler.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: Asked, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = Bytes::from_request(request, state).await;
        json(&headers, bytes, T::SHAPE).map(Self)
    }
}

impl<T: Asked> Takes for Body<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas().asked::<T>();
        sketch.takes_body(&["application/json"], &schema, T::SHAPE);
    }
}

/// A body that may be left out, as an argument of a handler.
pub(crate) struct Perhaps<T>(pub(crate) Option<T>);

impl<T: Asked, S: Send + Sync> FromRequest<S> for Perhaps<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = Bytes::from_request(request, state).await;
        match &bytes {
            Ok(bytes) if bytes.is_empty() => Ok(Self(None)),
            _ => json(&headers, bytes, T::SHAPE).map(|body| Self(Some(body))),
        }
    }
}

impl<T: Asked> Takes for Perhaps<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas().asked::<T>();
        sketch.may_take_body(&["application/json"], &schema, T::SHAPE);
    }
}

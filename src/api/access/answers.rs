//! What is answered about who may what: nobody on the way keeps it, and the audit log gets what has changed.

use std::marker::PhantomData;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::openapi::{Answers, Sketch};
use super::trail::Changed;
use crate::access::Caller;

const JSON: &[&str] = &["application/json"];

/// JSON for who asks alone.
pub(super) struct Private<T> {
    response: Response,
    of: PhantomData<fn() -> T>,
}

/// The same, of what was made.
pub(super) struct Made<T>(Private<T>);

/// The same, of whom was let in, with the cookie.
pub(super) struct LetIn<T>(Private<T>);

/// Done, and no more to say.
pub(super) struct Done(Response);

/// Somebody is let out: the cookie goes.
pub(super) struct LetOut(pub(super) Response);

impl<T: Serialize> Private<T> {
    pub(super) fn of(value: &T) -> Self {
        let mut response = Json(value).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self { response, of: PhantomData }
    }

    /// The same, for the audit log.
    pub(super) fn changed(mut self, before: &impl Serialize, after: &impl Serialize) -> Self {
        self.response.extensions_mut().insert(Changed { before: json!(before), after: json!(after) });
        self
    }

    /// It was made, and is there from now on.
    pub(super) fn made(mut self, place: &str) -> Made<T> {
        *self.response.status_mut() = StatusCode::CREATED;
        if let Ok(place) = HeaderValue::try_from(place) {
            self.response.headers_mut().insert(header::LOCATION, place);
        }
        Made(self)
    }

    pub(super) fn let_in(mut self, cookie: Option<HeaderValue>, caller: Caller) -> LetIn<T> {
        *self.response.status_mut() = StatusCode::CREATED;
        if let Some(cookie) = cookie {
            self.response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        // For the audit log: who that was.
        self.response.extensions_mut().insert(caller);
        LetIn(self)
    }
}

impl Done {
    pub(super) fn so() -> Self {
        Self(StatusCode::NO_CONTENT.into_response())
    }

    /// It is no more; for the audit log, how it was.
    pub(super) fn gone(before: &impl Serialize) -> Self {
        let Self(mut response) = Self::so();
        response.extensions_mut().insert(Changed { before: json!(before), after: Value::Null });
        Self(response)
    }
}

impl<T> IntoResponse for Private<T> {
    fn into_response(self) -> Response {
        self.response
    }
}

impl<T> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        self.0.response
    }
}

impl<T> IntoResponse for LetIn<T> {
    fn into_response(self) -> Response {
        self.0.response
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        self.0
    }
}

impl IntoResponse for LetOut {
    fn into_response(self) -> Response {
        self.0
    }
}

impl<T: JsonSchema> Answers for Private<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas().said::<T>();
        sketch.answers("200", "for who asks alone", JSON, &schema);
    }
}

impl<T: JsonSchema> Answers for Made<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas().said::<T>();
        sketch.answers("201", "made", JSON, &schema);
        sketch.answers_header("201", "Location", "its address");
    }
}

impl<T: JsonSchema> Answers for LetIn<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas().said::<T>();
        sketch.answers("201", "let in", JSON, &schema);
        sketch.answers_header("201", "Set-Cookie", "the session");
        sketch.is_never_repeated();
    }
}

impl Answers for Done {
    fn describe(sketch: &mut Sketch<'_>) {
        sketch.answers("204", "done", &[], &json!(null));
    }
}

impl Answers for LetOut {
    fn describe(sketch: &mut Sketch<'_>) {
        sketch.answers("204", "the session has ended", &[], &json!(null));
        sketch.answers_header("204", "Set-Cookie", "takes the cookie away");
    }
}

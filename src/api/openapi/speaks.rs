//! What a handler takes and answers, read from its type.

use std::future::Future;

use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use bytes::Bytes;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::schemas::Schemas;

/// One operation of the document in the making.
pub(crate) struct Sketch<'a> {
    schemas: &'a mut Schemas,
    /// Names in the path, in its order.
    places: Vec<String>,
    pub(super) operation: Map<String, Value>,
    /// Whether it may be named by an `Idempotency-Key`.
    pub(super) repeats: bool,
}

impl<'a> Sketch<'a> {
    pub(super) fn new(schemas: &'a mut Schemas, path: &str) -> Self {
        let places = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let places = places.map(|name| name.trim_start_matches('*').to_owned()).collect();
        Self { schemas, places, operation: Map::new(), repeats: true }
    }

    pub(crate) fn schemas(&mut self) -> &mut Schemas {
        self.schemas
    }

    fn parameter(&mut self, place: &str, name: &str, required: bool, mut schema: Value) {
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter = json!({"name": name, "in": place, "required": required, "schema": schema});
        if let Some(description) = description {
            parameter["description"] = description;
        }
        let list = self.operation.entry("parameters").or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(parameter);
        }
    }

    /// What it answers is kept by nobody, so that it cannot be answered again.
    pub(crate) fn is_never_repeated(&mut self) {
        self.repeats = false;
    }

    /// A header that may be sent.
    pub(crate) fn takes_header(&mut self, name: &str, about: &str) {
        self.parameter("header", name, false, json!({"type": "string", "description": about}));
    }

    /// The body, of this kind and shape.
    pub(crate) fn takes_body(&mut self, kinds: &[&str], schema: &Value, about: &str) {
        let content: Map<String, Value> =
            kinds.iter().map(|kind| ((*kind).to_owned(), json!({"schema": schema}))).collect();
        self.operation
            .insert("requestBody".to_owned(), json!({"required": true, "description": about, "content": content}));
    }

    /// The same, and it may be left out.
    pub(crate) fn may_take_body(&mut self, kinds: &[&str], schema: &Value, about: &str) {
        self.takes_body(kinds, schema, about);
        self.operation["requestBody"]["required"] = json!(false);
    }

    /// An answer with this status.
    pub(crate) fn answers(&mut self, status: &str, about: &str, kinds: &[&str], schema: &Value) {
        let content: Map<String, Value> =
            kinds.iter().map(|kind| ((*kind).to_owned(), json!({"schema": schema}))).collect();
        let mut answer = json!({"description": about});
        if !content.is_empty() {
            answer["content"] = Value::Object(content);
        }
        let all = self.operation.entry("responses").or_insert_with(|| json!({}));
        all[status] = answer;
    }

    /// A header of that answer.
    pub(crate) fn answers_header(&mut self, status: &str, name: &str, about: &str) {
        if let Some(answer) = self.operation.get_mut("responses").and_then(|all| all.get_mut(status)) {
            answer["headers"][name] = json!({"description": about, "schema": {"type": "string"}});
        }
    }
}

/// A handler.
pub(crate) trait Speaks<T> {
    fn describe(sketch: &mut Sketch<'_>);
}

/// An argument of a handler.
pub(crate) trait Takes {
    fn describe(sketch: &mut Sketch<'_>);
}

/// What a handler returns.
pub(crate) trait Answers {
    fn describe(sketch: &mut Sketch<'_>);
}

macro_rules! speaks {
    ($($argument:ident),*) => {
        impl<F, Fut, R, $($argument,)*> Speaks<($($argument,)*)> for F
        where
            F: Fn($($argument,)*) -> Fut,
            Fut: Future<Output = R>,
            R: Answers,
            $($argument: Takes,)*
        {
            fn describe(sketch: &mut Sketch<'_>) {
                $($argument::describe(sketch);)*
                R::describe(sketch);
            }
        }
    };
}

speaks!();
speaks!(A);
speaks!(A, B);
speaks!(A, B, C);
speaks!(A, B, C, D);
speaks!(A, B, C, D, E);

impl<S> Takes for State<S> {
    fn describe(_: &mut Sketch<'_>) {}
}

impl<T> Takes for Extension<T> {
    fn describe(_: &mut Sketch<'_>) {}
}

/// Which of them count, what is answered says.
impl Takes for HeaderMap {
    fn describe(_: &mut Sketch<'_>) {}
}

impl<T: JsonSchema> Takes for Path<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas.asked_inline::<T>();
        let each = schema["prefixItems"].as_array().cloned().unwrap_or_else(|| vec![schema]);
        for (name, schema) in std::mem::take(&mut sketch.places).into_iter().zip(each) {
            sketch.parameter("path", &name, true, schema);
        }
    }
}

impl<T: JsonSchema> Takes for Query<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let mut schema = sketch.schemas.asked_inline::<T>();
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
        for (name, schema) in std::mem::take(properties) {
            let needed = required.iter().any(|one| *one == *name);
            sketch.parameter("query", &name, needed, without_null(schema));
        }
    }
}

/// In a query, what is not said is missing, and never null.
fn without_null(mut schema: Value) -> Value {
    if schema["default"].is_null()
        && let Some(map) = schema.as_object_mut()
    {
        map.remove("default");
    }
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            schema["type"] = only.clone();
        }
    }
    let mut other = None;
    if let Some(choices) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        choices.retain(|choice| choice["type"] != "null");
        other = (choices.len() == 1).then(|| choices.remove(0));
    }
    if let (Some(Value::Object(only)), Some(map)) = (other, schema.as_object_mut()) {
        map.remove("anyOf");
        map.extend(only);
    }
    schema
}

impl<T: JsonSchema> Takes for Result<Query<T>, QueryRejection> {
    fn describe(sketch: &mut Sketch<'_>) {
        Query::<T>::describe(sketch);
    }
}

/// A body as it is; [`super::Routes::takes`] says of which kind.
impl Takes for Result<Bytes, BytesRejection> {
    fn describe(sketch: &mut Sketch<'_>) {
        sketch.takes_body(&["application/octet-stream"], &json!(true), "the file as it is");
    }
}

impl<T: JsonSchema> Answers for Json<T> {
    fn describe(sketch: &mut Sketch<'_>) {
        let schema = sketch.schemas.said::<T>();
        sketch.answers("200", "done", &["application/json"], &schema);
    }
}

impl<T: Answers, E: Answers> Answers for Result<T, E> {
    fn describe(sketch: &mut Sketch<'_>) {
        T::describe(sketch);
        E::describe(sketch);
    }
}

//! The table of keys as a JSON Schema (draft 2020-12), for editors.

use serde_json::{Map, Value, json};

use super::shape::{Key, Kind, Need, Shape};

/// The schema of files of `shape`.
pub fn schema(title: &str, shape: &'static Shape) -> Value {
    let mut schema = of_shape(shape);
    if let Some(map) = schema.as_object_mut() {
        map.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        map.insert("title".to_owned(), json!(title));
    }
    schema
}

fn of_shape(shape: &'static Shape) -> Value {
    if shape.variants.is_empty() {
        return of_keys(shape.about, shape.keys.iter());
    }
    let variants = shape.variants.iter().map(|variant| {
        let mut schema = of_keys(variant.about, shape.keys.iter().chain(variant.keys));
        schema["properties"][shape.tag] = json!({"const": variant.word, "description": variant.about});
        schema
    });
    json!({"description": shape.about, "oneOf": variants.collect::<Vec<_>>()})
}

fn of_keys(about: &str, keys: impl Iterator<Item = &'static Key>) -> Value {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for key in keys {
        let mut schema = of_kind(&key.kind);
        schema["description"] = json!(key.about);
        match key.need {
            Need::Required(_) => required.push(key.name),
            Need::Default(text) => schema["default"] = default_of(text),
            Need::Optional => {}
        }
        properties.insert(key.name.to_owned(), schema);
    }
    json!({"type": "object", "description": about, "properties": properties, "required": required,
        "additionalProperties": false})
}

/// A default is written as TOML in the table of keys; JSON has the same scalars and lists.
fn default_of(text: &str) -> Value {
    text.parse::<toml::Value>().ok().and_then(|value| serde_json::to_value(value).ok()).unwrap_or(Value::Null)
}

fn of_kind(kind: &'static Kind) -> Value {
    match kind {
        Kind::Text(most) => json!({"type": "string", "minLength": 1, "maxLength": most}),
        Kind::Id => json!({"type": "string", "pattern": ID}),
        Kind::Word(words) => {
            let each = words.iter().map(|(word, about)| json!({"const": word, "description": about}));
            json!({"type": "string", "oneOf": each.collect::<Vec<_>>()})
        }
        Kind::Integer(least, most, _) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Kind::Number(least, most, _) => json!({"type": "number", "minimum": least, "maximum": most}),
        Kind::Truth => json!({"type": "boolean"}),
        Kind::BitRate => json!({"anyOf": [{"type": "integer", "minimum": 1},
            {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)?[kM]?$"}]}),
        Kind::FrameRate => json!({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 240},
            {"type": "string", "pattern": "^[0-9]+(/[0-9]+)?$"}]}),
        Kind::Size => json!({"type": "string", "pattern": "^[0-9]+x[0-9]+$"}),
        Kind::Bytes => json!({"anyOf": [{"type": "integer", "minimum": 1},
            {"type": "string", "pattern": "^[0-9]+[kMGT]?$"}]}),
        Kind::Span => json!({"type": "string", "pattern": "^[0-9]+(ms|s|min|h|d)$"}),
        Kind::Url(schemes) => json!({"type": "string", "pattern": format!("^({})://.+", schemes.join("|"))}),
        Kind::Path => json!({"type": "string", "minLength": 1}),
        Kind::Address => json!({"type": "string", "pattern": "^.+:[0-9]{1,5}$"}),
        Kind::Version => json!({"type": "string", "pattern": "^[0-9]+\\.[0-9]+\\.[0-9]+(-[0-9A-Za-z.-]+)?$"}),
        Kind::Language => json!({"type": "string", "pattern": "^[A-Za-z]{2,3}(-[0-9A-Za-z]{1,8})*$"}),
        Kind::Scalar => json!({"type": ["string", "number", "boolean"]}),
        Kind::List(inner) => json!({"type": "array", "items": of_kind(inner)}),
        Kind::Table(shape) => of_shape(shape),
        Kind::Tables(shape) => json!({"type": "array", "items": of_shape(shape)}),
        Kind::Map(shape) => {
            json!({"type": "object", "propertyNames": {"pattern": ID}, "additionalProperties": of_shape(shape)})
        }
        Kind::Names(inner) => json!({"type": "object", "additionalProperties": of_kind(inner)}),
        Kind::Words(words, inner) => {
            let each = words.iter().map(|(word, about)| {
                let group = json!({"type": "object", "description": about, "additionalProperties": of_kind(inner)});
                ((*word).to_owned(), group)
            });
            json!({"type": "object", "properties": each.collect::<Map<_, _>>(), "additionalProperties": false})
        }
    }
}

const ID: &str = "^[a-z0-9][a-z0-9-]{0,62}$";

//! The schemas of all types that the API takes or answers with: one name for each, two where it is written otherwise than
//! it is read.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value};

/// Where the document has them.
const SAID: &str = "#/components/schemas/";
/// What refers to a type as it is asked, until it is known whether that is the same.
const ASKED: &str = "#/components/asked/";
/// Behind the name of a type that may be written in another way than the API writes it: with less, for what has a default.
const ASK: &str = "Ask";

/// Collects types.
pub(crate) struct Schemas {
    said: SchemaGenerator,
    asked: SchemaGenerator,
}

impl Schemas {
    pub(crate) fn new() -> Self {
        let settings = |path: &'static str| SchemaSettings::draft2020_12().with(|s| s.definitions_path = path.into());
        Self {
            said: settings("/components/schemas").for_serialize().into_generator(),
            asked: settings("/components/asked").for_deserialize().into_generator(),
        }
    }

    /// A type as the API writes it.
    pub(crate) fn said<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.said.subschema_for::<T>().to_value()
    }

    /// A type as the API reads it.
    pub(crate) fn asked<T: JsonSchema + ?Sized>(&mut self) -> Value {
        self.asked.subschema_for::<T>().to_value()
    }

    /// The same, in place and not by name.
    pub(crate) fn asked_inline<T: JsonSchema + ?Sized>(&mut self) -> Value {
        T::json_schema(&mut self.asked).to_value()
    }

    /// The schemas by name, and `document` referring to them.
    pub(crate) fn settle(self, document: &mut Value) -> Map<String, Value> {
        let mut all = self.said.definitions().clone();
        let asked = self.asked.definitions();
        let own = differing(asked, &all);
        let rename = |name: &str| if own.contains(name) { format!("{name}{ASK}") } else { name.to_owned() };
        let settle = |value: &mut Value| {
            each_reference(value, &mut |reference| {
                if let Some(name) = reference.strip_prefix(ASKED) {
                    *reference = format!("{SAID}{}", rename(name));
                }
            });
        };
        for (name, schema) in asked {
            let mut schema = schema.clone();
            settle(&mut schema);
            all.insert(rename(name), schema);
        }
        settle(document);
        all.values_mut().for_each(plain_descriptions);
        all
    }
}

/// Types that are asked otherwise than they are said, themselves or in what they refer to.
fn differing(asked: &Map<String, Value>, said: &Map<String, Value>) -> BTreeSet<String> {
    let mut refers: BTreeMap<&String, BTreeSet<String>> = BTreeMap::new();
    let mut own = BTreeSet::new();
    for (name, schema) in asked.iter().filter(|(name, _)| said.contains_key(*name)) {
        let (mut as_said, mut names) = (schema.clone(), BTreeSet::new());
        each_reference(&mut as_said, &mut |reference| {
            if let Some(name) = reference.strip_prefix(ASKED) {
                names.insert(name.to_owned());
                *reference = format!("{SAID}{name}");
            }
        });
        if said.get(name) != Some(&as_said) {
            own.insert(name.clone());
        }
        refers.insert(name, names);
    }
    loop {
        let more = refers.iter().filter(|(name, names)| !own.contains(**name) && !own.is_disjoint(names));
        let more: Vec<String> = more.map(|(name, _)| (*name).clone()).collect();
        if more.is_empty() {
            return own;
        }
        own.extend(more);
    }
}

fn each_reference(value: &mut Value, change: &mut impl FnMut(&mut String)) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "$ref" => change(text),
                    value => each_reference(value, change),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_reference(item, change)),
        _ => {}
    }
}

/// Links of the code's documentation lead nowhere here.
pub(super) fn plain_descriptions(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "description" => {
                        *text = text.replace("[`", "`").replace("`]", "`").replace('\n', " ");
                    }
                    value => plain_descriptions(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(plain_descriptions),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its shape counts")]
    struct Inner {
        #[serde(default)]
        size: u8,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its shape counts")]
    struct Outer {
        inner: Inner,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its shape counts")]
    struct Plain {
        text: String,
    }

    #[test]
    fn a_type_that_is_asked_otherwise_has_a_name_of_its_own_and_so_has_what_holds_it() {
        let mut schemas = Schemas::new();
        let mut document = json!([schemas.said::<Outer>(), schemas.asked::<Outer>()]);
        schemas.said::<Plain>();
        schemas.asked::<Plain>();
        let all = schemas.settle(&mut document);
        assert_eq!(
            document,
            json!([{"$ref": "#/components/schemas/Outer"}, {"$ref": "#/components/schemas/OuterAsk"}])
        );
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        assert_eq!(names, ["Inner", "InnerAsk", "Outer", "OuterAsk", "Plain"]);
        assert_eq!(all["OuterAsk"]["properties"]["inner"]["$ref"], "#/components/schemas/InnerAsk");
        assert_eq!((all["Inner"]["required"] == json!(["size"]), all["InnerAsk"]["required"].is_null()), (true, true));
    }
}

//! What a file comes to: every key that counts, with its value and where it stands, or its default.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use toml::de::DeValue;

use super::present::holds_secret;
use super::section::{Section, in_file_order};
use super::shape::{Key, Kind, Need, Shape};
use super::value::FromWritten;

/// One key of a file that has no fault.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Setting {
    /// Its path, such as `channels.demo.sources`.
    pub key: String,
    /// Its value; `{"set": true}` in place of a secret.
    pub value: Value,
    /// The line it stands in, from 1; none for a default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column its value begins in, from 1; none for a default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
}

/// Every setting of a table and of the tables in it, in the order of the table of keys.
pub fn settings(section: &Section<'_>) -> Vec<Setting> {
    let mut found = Vec::new();
    table(section, &mut found);
    found
}

fn table(section: &Section<'_>, found: &mut Vec<Setting>) {
    let word = section.table.and_then(|table| table.get(section.shape.tag)).and_then(|value| value.get_ref().as_str());
    let variant = section.shape.variants.iter().find(|variant| Some(variant.word) == word);
    for key in section.shape.keys.iter().chain(variant.iter().flat_map(|variant| variant.keys)) {
        one(section, key, found);
    }
}

fn one(section: &Section<'_>, key: &Key, found: &mut Vec<Setting>) {
    match key.kind {
        // A table that must say something is not in use when it is missing; the others stand for their defaults.
        Kind::Table(shape) if !section.has(key.name) && needs_words(shape) => {}
        Kind::Table(_) => section.table(key.name).iter().for_each(|inner| table(inner, found)),
        Kind::Tables(_) => section.tables(key.name).iter().for_each(|inner| table(inner, found)),
        Kind::Map(_) => section.map(key.name).iter().for_each(|(_, inner)| table(inner, found)),
        _ => match section.table.and_then(|table| table.get(key.name)) {
            Some(value) => {
                let (path, spot) = (section.path(key.name), section.spot(key.name));
                leaves(&path, value.get_ref(), &mut |key, value| {
                    found.push(Setting { key, value, line: Some(spot.line), column: Some(spot.column) });
                });
            }
            None => {
                let Need::Default(text) = key.need else { return };
                let Ok(default) = DeValue::parse(text) else { return };
                leaves(&section.path(key.name), default.get_ref(), &mut |key, value| {
                    found.push(Setting { key, value, line: None, column: None });
                });
            }
        },
    }
}

fn needs_words(shape: &Shape) -> bool {
    shape.keys.iter().any(|key| matches!(key.need, Need::Required(_)))
}

/// Free names are keys of their own.
fn leaves(path: &str, value: &DeValue<'_>, each: &mut impl FnMut(String, Value)) {
    match value {
        DeValue::Table(entries) => {
            for (name, value) in in_file_order(entries) {
                leaves(&format!("{path}.{}", name.get_ref()), value.get_ref(), each);
            }
        }
        value => each(path.to_owned(), shown(path, value)),
    }
}

fn shown(path: &str, value: &DeValue<'_>) -> Value {
    match value {
        DeValue::Array(items) => items.iter().map(|item| shown(path, item.get_ref())).collect(),
        value => match Value::from_written(value) {
            Some(Value::String(text)) if holds_secret(path, &text) => json!({"set": true}),
            Some(value) if !value.is_string() && holds_secret(path, "") => json!({"set": true}),
            Some(value) => value,
            None => Value::Null,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Faults, Source, Variant};
    use super::*;

    const fn key(name: &'static str, kind: Kind, need: Need) -> Key {
        Key { name, kind, need, about: "" }
    }

    static INNER: Shape = Shape {
        about: "",
        tag: "kind",
        keys: &[key("kind", Kind::Word(&[("a", ""), ("b", "")]), Need::Required(""))],
        variants: &[
            Variant { word: "a", about: "", keys: &[key("url", Kind::Text(99), Need::Optional)] },
            Variant { word: "b", about: "", keys: &[key("size", Kind::Integer(1, 9, ""), Need::Default("3"))] },
        ],
    };
    static OUTER: Shape = Shape::plain(
        "",
        &[
            key("name", Kind::Text(9), Need::Optional),
            key("list", Kind::List(&Kind::Scalar), Need::Default("[1, \"b\"]")),
            key("map", Kind::Map(&INNER), Need::Optional),
            key("headers", Kind::Names(&Kind::Text(99)), Need::Optional),
        ],
    );

    fn of(text: &str) -> Vec<Setting> {
        let source = Source::new("x.toml", text);
        let mut faults = Faults::default();
        let parsed = source.parse(&mut faults).unwrap();
        let root = Section::check(&source, parsed.get_ref(), &OUTER, &mut faults);
        assert!(faults.is_empty(), "{faults}");
        settings(&root)
    }

    #[test]
    fn what_is_written_has_its_place_and_what_is_not_its_default() {
        let found = of("name = \"x\"\n[map.one]\nkind = \"b\"\n[map.two]\nkind = \"a\"\n");
        let lines: Vec<(&str, String, Option<usize>)> =
            found.iter().map(|one| (one.key.as_str(), one.value.to_string(), one.line)).collect();
        assert_eq!(
            lines,
            [
                ("name", "\"x\"".to_owned(), Some(1)),
                ("list", "[1,\"b\"]".to_owned(), None),
                ("map.one.kind", "\"b\"".to_owned(), Some(3)),
                ("map.one.size", "3".to_owned(), None),
                ("map.two.kind", "\"a\"".to_owned(), Some(5)),
            ]
        );
        assert_eq!(found[0].column, Some(8));
    }

    #[test]
    fn secrets_are_set_and_not_shown() {
        let text = "[map.one]\nkind = \"a\"\nurl = \"srt://h:1?passphrase=hunter2\"\n[headers]\nX-Key = \"hunter2\"\n";
        let found = of(text);
        let shown = serde_json::to_string(&found).unwrap();
        assert!(!shown.contains("hunter2"), "{shown}");
        assert_eq!(shown.matches("{\"set\":true}").count(), 2, "{shown}");
    }
}

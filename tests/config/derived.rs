//! What is generated from the tables of keys: JSON Schemas and the reference. `UPLINK_WRITE=1 cargo test --test config`
//! writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use uplink::config::{STREAM_CLASS, UPLINKD};
use uplink::document::{Shape, reference, schema};
use uplink::profile::HARDWARE_PROFILE;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Name of the schema, its shape, and the shipped files it is for.
fn kinds() -> [(&'static str, &'static Shape, Vec<PathBuf>); 3] {
    [
        (
            "uplinkd",
            &UPLINKD,
            vec![root().join("packaging/demo/uplinkd.toml"), root().join("packaging/etc/uplinkd.toml")],
        ),
        ("stream-class", &STREAM_CLASS, files("pipelines")),
        ("hardware-profile", &HARDWARE_PROFILE, files("hardware-profiles")),
    ]
}

pub(crate) fn files(directory: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(directory)).unwrap();
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "toml")).collect()
}

pub(crate) fn up_to_date(path: &Path, text: &str) {
    if std::env::var_os("UPLINK_WRITE").is_some() {
        fs::write(path, text).unwrap();
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(written == text, "{} is not up to date: run UPLINK_WRITE=1 cargo test --test config", path.display());
}

pub(crate) fn as_json(path: &Path) -> Value {
    let table: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
    serde_json::to_value(table).unwrap()
}

#[test]
fn schemas_are_up_to_date() {
    for (name, shape, _) in kinds() {
        let path = root().join(format!("packaging/schema/{name}.schema.json"));
        up_to_date(&path, &format!("{:#}\n", schema(&format!("Uplink: {name}"), shape)));
    }
}

#[test]
fn the_reference_is_up_to_date() {
    let mut page = fs::read_to_string(root().join("packaging/doc/configuration.head.md")).unwrap();
    for (title, shape) in [
        ("uplinkd.toml", &UPLINKD),
        ("Stream classes: pipelines/*.toml", &STREAM_CLASS),
        ("Hardware profiles: hardware-profiles/*.toml", &HARDWARE_PROFILE),
    ] {
        page.push_str(&format!("\n## {title}\n{}", reference(shape)));
    }
    up_to_date(&root().join("packaging/doc/configuration.md"), &page);
}

#[test]
fn the_contract_of_the_api_is_up_to_date() {
    up_to_date(&root().join("packaging/schema/openapi.json"), &uplink::api::contract());
}

#[test]
fn schemas_accept_what_is_shipped_and_refuse_unknown_keys() {
    for (name, shape, files) in kinds() {
        let validator = jsonschema::validator_for(&schema(name, shape)).unwrap();
        assert!(!files.is_empty());
        for file in files {
            let document = as_json(&file);
            let faults: Vec<String> =
                validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(faults.is_empty(), "{}: {faults:?}", file.display());
            each_table(&document, &mut |pointer| {
                let mut spoilt = document.clone();
                let table = spoilt.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
                table.insert("Un known".into(), Value::Null);
                assert!(!validator.is_valid(&spoilt), "{} accepts an unknown key in {pointer:?}", file.display());
            });
        }
    }
}

/// Calls `with` for the JSON pointer of every table of `document`.
fn each_table(document: &Value, with: &mut impl FnMut(&str)) {
    fn walk(value: &Value, pointer: &str, with: &mut impl FnMut(&str)) {
        match value {
            Value::Object(map) => {
                with(pointer);
                map.iter().for_each(|(key, value)| walk(value, &format!("{pointer}/{key}"), with));
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(n, value)| walk(value, &format!("{pointer}/{n}"), with));
            }
            _ => {}
        }
    }
    walk(document, "", with);
}

#[test]
fn every_default_obeys_its_own_rule() {
    fn walk(schema: &Value, seen: &mut usize) {
        if let Some(default) = schema.get("default") {
            assert!(jsonschema::is_valid(schema, default), "{schema}");
            *seen += 1;
        }
        match schema {
            Value::Object(map) => map.values().for_each(|value| walk(value, seen)),
            Value::Array(items) => items.iter().for_each(|value| walk(value, seen)),
            _ => {}
        }
    }
    for (name, shape, _) in kinds() {
        let mut seen = 0;
        walk(&schema(name, shape), &mut seen);
        assert!(seen > 0 || name == "hardware-profile", "{name} has no default");
    }
}

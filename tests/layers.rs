//! The layers hold: the table in the crate's documentation against the imports in the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Debug)]
struct Row {
    layer: u32,
    may_import: BTreeSet<String>,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The table of `src/lib.rs`: module → layer and what it may import.
fn table() -> BTreeMap<String, Row> {
    let text = fs::read_to_string(source().join("lib.rs")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | ")).filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let layer = cells[0].parse().ok()?;
        let may_import = cells[3].split(", ").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Some((cells[1].trim_matches('`').to_owned(), Row { layer, may_import }))
    });
    rows.collect()
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

/// The code of a file without comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules named as `crate::name` or `crate::{name, …}`.
fn imports(code: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 1;
            let mut item = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 || (depth == 1 && c == ',') {
                    found.insert(word(item.trim()));
                    item.clear();
                } else {
                    item.push(c);
                }
                if depth == 0 {
                    break;
                }
            }
        } else {
            found.insert(word(rest));
        }
    }
    found.retain(|name| !name.is_empty());
    found
}

#[test]
fn every_module_imports_only_what_the_table_allows() {
    let table = table();
    let mut wrong = Vec::new();
    for (module, row) in table.iter().filter(|(_, row)| !row.may_import.contains("everything it wires")) {
        for file in rust_files(&source().join(module)) {
            for import in imports(&code(&file)) {
                let known = table.contains_key(&import);
                if known && import != *module && !row.may_import.contains(&import) {
                    wrong.push(format!("{} imports `{import}`, which `{module}` may not", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_names_every_module_and_has_no_cycle() {
    let table = table();
    let folders: BTreeSet<String> = fs::read_dir(source())
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| !name.ends_with(".rs") && name != "bin")
        .collect();
    assert_eq!(folders, table.keys().cloned().collect(), "folders of src/ against the table");
    for (module, row) in &table {
        for import in row.may_import.iter().filter(|name| *name != "everything it wires") {
            let below = &table[import];
            assert!(below.layer <= row.layer, "`{module}` may import `{import}`, which is above it");
            assert!(!below.may_import.contains(module), "`{module}` and `{import}` import each other");
        }
    }
}

#[test]
fn only_media_knows_gstreamer_and_only_system_is_unsafe() {
    let mut wrong = Vec::new();
    for file in rust_files(&source()) {
        let code = code(&file);
        let inside = |module: &str| file.starts_with(source().join(module));
        // Its crates: the names of its Debian packages may stand anywhere.
        let crates = ["gstreamer::", "gstreamer_", "use gstreamer", "gst::", "gstfmp4"];
        if !inside("media") && crates.iter().any(|name| code.contains(name)) {
            wrong.push(format!("{} uses GStreamer", file.display()));
        }
        if !inside("system") && code.contains("unsafe ") {
            wrong.push(format!("{} is unsafe", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_import_reader_reads_imports() {
    let read = imports("use crate::{api::{x, y}, model, hls::Z};\ncrate::spool::open(); pub(crate) fn f() {}");
    assert_eq!(read, ["api", "hls", "model", "spool"].map(str::to_owned).into());
}

//! The table of hardware in the documents, written from the shipped profiles. `UPLINK_WRITE=1 cargo test --test config`
//! writes it anew.

use std::fmt::Write;

use serde_json::Value;

use super::derived::{as_json, files, root, up_to_date};

const HEAD: &str = "\
# Hardware

Written from `hardware-profiles/*.toml`, which say more: where it is known from, and how an element is set. What is in no
profile may work all the same: any V4L2 device captures, and `uplinkctl devices` and `uplink-worker --probe` say what a box has. A
profile of your own beside the configuration adds to these ([configuration](configuration.md)).
";

/// Shipped profiles in the order in which they are tried.
fn profiles() -> Vec<Value> {
    let mut profiles: Vec<Value> = files("hardware-profiles").iter().map(|path| as_json(path)).collect();
    profiles.sort_by_key(|profile| (profile["priority"].as_u64(), text(&profile["name"])));
    profiles
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.replace('|', "\\|"),
        Value::Array(parts) => parts.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn entries<'a>(profile: &'a Value, key: &str) -> &'a [Value] {
    profile[key].as_array().map_or(&[], Vec::as_slice)
}

/// What a card or an encoder is recognised by.
fn matched(one: &Value) -> String {
    let numbers: Vec<String> =
        ["vendor", "product", "products"].iter().map(|key| text(&one[key])).filter(|part| !part.is_empty()).collect();
    let driver = text(&one["driver"]);
    let driver = if driver.is_empty() { driver } else { format!("driver `{driver}`") };
    let model = text(&one["model"]);
    let parts = [text(&one["bus"]), numbers.join(":"), driver, model];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn quirks(one: &Value) -> String {
    entries(one, "quirks").iter().map(text).collect::<Vec<_>>().join("; ")
}

/// How many sessions, sizes: what bounds an encoder.
fn bounds(encoder: &Value) -> String {
    let sessions = text(&encoder["max_sessions"]);
    let size = text(&encoder["max_size"]);
    let mut parts = Vec::new();
    if !size.is_empty() {
        parts.push(format!("to {size}"));
    }
    if !sessions.is_empty() {
        parts.push(format!("{sessions} at a time"));
    }
    parts.join(", ")
}

fn table() -> String {
    let mut page = HEAD.to_owned();
    page.push_str(
        "\n## Capture cards\n\n| card | recognised by | connectors | formats | what to know |\n|---|---|---|---|---|\n",
    );
    let profiles = profiles();
    for card in profiles.iter().flat_map(|profile| entries(profile, "card")) {
        let cells =
            [text(&card["name"]), matched(card), text(&card["connectors"]), text(&card["formats"]), quirks(card)];
        writeln!(page, "| {} |", cells.join(" | ")).unwrap();
    }
    page.push_str("\n## Encoders\n\nIn the order in which they are tried.\n\n");
    page.push_str("| profile | codec | element | bounds | what to know |\n|---|---|---|---|---|\n");
    for profile in &profiles {
        for encoder in entries(profile, "encoder") {
            let name = format!("`{}`", text(&profile["name"]));
            let element = format!("`{}`", text(&encoder["element"]));
            let cells = [name, text(&encoder["codec"]), element, bounds(encoder), quirks(encoder)];
            writeln!(page, "| {} |", cells.join(" | ")).unwrap();
        }
    }
    page.push_str("\n## Profiles\n\n| profile | for | hardware it is for | where it was run |\n|---|---|---|---|\n");
    for profile in &profiles {
        let hardware: Vec<String> = entries(profile, "accelerator").iter().map(|one| text(&one["name"])).collect();
        let cells = [
            format!("`{}`", text(&profile["name"])),
            text(&profile["description"]),
            hardware.join(", "),
            text(&profile["tested"]),
        ];
        writeln!(page, "| {} |", cells.join(" | ")).unwrap();
    }
    page
}

#[test]
fn the_table_of_hardware_is_up_to_date() {
    let page = table();
    let rows = page.lines().filter(|line| line.starts_with("| `")).count();
    let shipped = files("hardware-profiles").len();
    assert!(rows > shipped, "{rows} rows of {shipped} profiles");
    up_to_date(&root().join("packaging/doc/hardware.md"), &page);
}

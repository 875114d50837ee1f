//! `uplinkctl devices`: what is plugged in, what to write for it, who uses it, what signal it has, and what the udev rules
//! made of every node.

use serde_json::Value;

use super::report::columns;

/// The list, as the API gives it, for people.
pub(super) fn list(devices: &Value) -> String {
    let of = |key: &str| devices[key].as_array().cloned().unwrap_or_default();
    let (capture, sound) = (of("capture"), of("sound"));
    let mut text = String::new();
    if capture.is_empty() {
        text.push_str("no capture device is plugged in\n");
    }
    for device in &capture {
        text.push_str(&one(device));
    }
    if !sound.is_empty() {
        text.push_str("\nsound devices\n");
        let row = |device: &Value| vec![word(&device["device"]), word(&device["name"])];
        text.push_str(&columns(&sound.iter().map(row).collect::<Vec<_>>(), "  "));
    }
    let nodes = of("nodes");
    if !nodes.is_empty() {
        text.push_str("\nudev rules\n");
        nodes.iter().for_each(|node| text.push_str(&ruled(node)));
    }
    text
}

/// What each rule gave a node, or why it did not match.
fn ruled(node: &Value) -> String {
    let row = |outcome: &Value| {
        let matched = if outcome["matched"] == true { "matched" } else { "not" };
        vec![word(&outcome["rule"]), matched.to_owned(), word(&outcome["what"])]
    };
    let rows: Vec<Vec<String>> = node["rules"].as_array().into_iter().flatten().map(row).collect();
    format!("{}  {}\n{}", word(&node["kernel"]), word(&node["name"]), columns(&rows, "  "))
}

fn one(device: &Value) -> String {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |head: &str, what: String| rows.push(vec![head.to_owned(), what]);
    let names = strings(&device["names"]);
    if names.is_empty() {
        row("write", format!("device = \"{}\" (no name that stays)", word(&device["node"])));
    }
    for (n, name) in names.iter().enumerate() {
        row(if n == 0 { "write" } else { "or" }, format!("device = \"{name}\""));
    }
    strings(&device["links"]).into_iter().for_each(|link| row("link", link));
    let card = device["card"].as_str().map(|card| format!(", profile {card}")).unwrap_or_default();
    row("driver", format!("{}{card}", word(&device["driver"])));
    row("sound", device["sound"].as_str().unwrap_or("none of its own").to_owned());
    let users = device["used_by"].as_array().cloned().unwrap_or_default();
    if users.is_empty() {
        row("used by", "nobody".to_owned());
    }
    for user in users {
        row("used by", format!("source {} of channel {}", word(&user["source"]), word(&user["channel"])));
        let input = &user["input"];
        let format = input["format"].as_str().map(|format| format!(" {format}")).unwrap_or_default();
        let state = word(&input["state"]).replace('_', " ");
        row("signal", format!("{state}{format} since {}: {}", word(&input["since"]), word(&input["reason"])));
    }
    format!("{}  {}\n{}", word(&device["kernel"]), word(&device["name"]), columns(&rows, "  "))
}

fn strings(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or("?").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_says_which_rule_matched_and_why_another_did_not() {
        let text = list(&serde_json::json!({ "nodes": [{ "kernel": "/dev/video3", "name": "Card", "rules": [
            { "rule": "path", "matched": true, "what": "/dev/uplink/path-pci-1" },
            { "rule": "serial", "matched": false, "what": "the device says no serial number" },
        ]}]}));
        for line in [
            "udev rules\n/dev/video3  Card\n",
            "path    matched  /dev/uplink/path-pci-1",
            "serial  not      the device says no serial number",
        ] {
            assert!(text.contains(line), "{line} in:\n{text}");
        }
    }

    #[test]
    fn a_technician_sees_what_to_write() {
        let device = serde_json::json!({
            "kernel": "/dev/video2", "node": "/dev/v4l/by-path/x", "name": "Card", "driver": "hws", "sound": null,
            "names": ["serial:D206", "path:pci-1"], "links": ["/dev/v4l/by-path/x"], "card": "Magewell",
            "used_by": [{ "channel": "a", "source": "cam", "input": {
                "state": "no_signal", "format": null, "reason": "no signal at the input", "since": "2026-11-21T20:00:00Z",
            }}],
        });
        let text = list(&serde_json::json!({ "capture": [device], "sound": [] }));
        for line in [
            "/dev/video2  Card",
            "write    device = \"serial:D206\"",
            "or       device = \"path:pci-1\"",
            "driver   hws, profile Magewell",
            "used by  source cam of channel a",
            "signal   no signal since 2026-11-21T20:00:00Z: no signal at the input",
        ] {
            assert!(text.contains(line), "{line} in:\n{text}");
        }
        assert!(list(&serde_json::json!({})).contains("no capture device"));
    }
}

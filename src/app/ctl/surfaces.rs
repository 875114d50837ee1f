//! `uplinkctl surfaces`: how tally displays and OSC stand.

use std::fmt::Write;

use serde_json::Value;

use super::client::{Client, Failure};
use super::report::columns;

pub(crate) async fn list(client: &Client, json: bool) -> Result<String, Failure> {
    let (text, found): (_, Value) = client.get("api/v1/surfaces").await?;
    Ok(if json { text } else { table(&found) })
}

fn table(found: &Value) -> String {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let displays = found["tsl"].as_array().map(Vec::as_slice).unwrap_or_default();
    let osc = &found["osc"];
    if displays.is_empty() && osc.is_null() {
        return "no displays and no OSC: see [surfaces] in the configuration; keys by HTTP need nothing there\n"
            .to_owned();
    }
    let heads = ["SURFACE", "ADDRESS", "STATE", "COUNTS"].map(str::to_owned).to_vec();
    let state = |one: &Value| if one["last_error"].is_null() { "fine" } else { "FAILING" }.to_owned();
    let display = |one: &Value| {
        let counts =
            format!("{} displays, {} packets sent, {} failures", one["displays"], one["packets"], one["failures"]);
        vec![word(&one["name"]), word(&one["address"]), state(one), counts]
    };
    let mut rows = vec![heads];
    rows.extend(displays.iter().map(display));
    if !osc.is_null() {
        let [done, refused, strangers, noise] = ["done", "refused", "strangers", "noise"].map(|name| &osc[name]);
        let counts = format!("{done} done, {refused} refused, {strangers} of strangers, {noise} no order");
        rows.push(vec!["OSC".to_owned(), word(&osc["listen"]), state(osc), counts]);
    }
    let mut text = columns(&rows, "");
    for one in displays.iter().chain([osc]).filter(|one| one["last_error"].is_string()) {
        let name = if one["name"].is_string() { word(&one["name"]) } else { "OSC".to_owned() };
        let _ = write!(text, "\n! {name}: {}\n", word(&one["last_error"]));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_fails_says_why() {
        let wall = json!({
            "name": "wall", "address": "10.0.0.9:8900", "displays": 3, "packets": 17, "failures": 0, "last_error": null
        });
        let osc = json!({
            "listen": "10.0.0.1:8010", "last_error": "address in use", "done": 5, "refused": 0, "strangers": 2, "noise": 1
        });
        let text = table(&json!({"tsl": [wall], "osc": osc}));
        for part in ["wall     10.0.0.9:8900  fine", "3 displays, 17 packets sent", "OSC      10.0.0.1:8010  FAILING"] {
            assert!(text.contains(part), "no `{part}` in\n{text}");
        }
        assert!(text.ends_with("\n! OSC: address in use\n"), "{text}");
        assert!(table(&json!({"tsl": [], "osc": null})).starts_with("no displays"));
    }
}

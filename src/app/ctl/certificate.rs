//! `uplinkctl certificate`: what the API's listener shows, and until when that is good.

use serde_json::Value;

use super::client::{Client, Failure};

pub(crate) async fn show(client: &Client, json: bool) -> Result<String, Failure> {
    let (text, found): (_, Value) = client.get("api/v1/certificate").await?;
    Ok(if json { text } else { told(&found) })
}

fn told(found: &Value) -> String {
    let all = found["certificates"].as_array().map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        return "the listener is not encrypted: it is reached from this box alone\n".to_owned();
    }
    all.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(shown: &Value) -> String {
    let word = |name: &str| shown[name].as_str().unwrap_or("-").to_owned();
    let origin = match shown["origin"].as_str() {
        Some("own") => "made by this box",
        Some("files") => "the files of the configuration",
        Some("authority") => "issued by an authority (ACME)",
        _ => "-",
    };
    let names = shown["names"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let lines = [
        ("certificate", origin.to_owned()),
        ("for", names.collect::<Vec<_>>().join(", ")),
        ("signed by", word("issuer")),
        ("good from", word("begins")),
        ("good until", format!("{}, to be renewed by {}", word("ends"), word("renew_by"))),
        ("SHA-256", word("fingerprint")),
    ];
    lines.iter().map(|(name, value)| format!("{name:<12} {value}\n")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_shown_says_for_whom_and_until_when() {
        let shown = json!({
            "origin": "files", "names": ["box.example", "10.0.0.9"], "issuer": "CN=House", "begins": "2026-11-01T00:00:00Z",
            "ends": "2027-01-30T00:00:00Z", "renew_by": "2027-01-16T00:00:00Z", "fingerprint": "AB:CD"
        });
        let text = told(&json!({ "encrypted": true, "certificates": [shown] }));
        for part in [
            "certificate  the files of the configuration\n",
            "for          box.example, 10.0.0.9\n",
            "good until   2027-01-30T00:00:00Z, to be renewed by 2027-01-16T00:00:00Z\n",
            "SHA-256      AB:CD\n",
        ] {
            assert!(text.contains(part), "no `{part}` in\n{text}");
        }
        assert!(told(&json!({ "encrypted": false, "certificates": [] })).contains("not encrypted"));
    }
}

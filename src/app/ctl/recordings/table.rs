//! Recordings and jobs as text.

use serde_json::Value;

use crate::app::ctl::report::columns;

pub(super) fn outcome(job: &Value) -> String {
    format!("{} {}: {}\n", word(&job["kind"]), word(&job["state"]), word(&job["text"]))
}

pub(super) fn list(found: &Value) -> String {
    let rows: Vec<Vec<String>> = found
        .as_array()
        .into_iter()
        .flatten()
        .map(|recording| {
            let protected = if recording["protected"] == true { ", protected" } else { "" };
            vec![
                format!("{}/{}", word(&recording["channel"]), word(&recording["id"])),
                format!("{}{protected}", word(&recording["state"])),
                length(&recording["seconds"]),
                size(&recording["bytes"]),
                recording["title"].as_str().unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    if rows.is_empty() { "no recordings\n".to_owned() } else { columns(&rows, "") }
}

pub(super) fn one(found: &Value) -> String {
    let mut text = list(&Value::Array(vec![found.clone()]));
    let mut section = |key: &str, row: &dyn Fn(&Value) -> Vec<String>| {
        let rows: Vec<Vec<String>> = found[key].as_array().into_iter().flatten().map(row).collect();
        if !rows.is_empty() {
            text.push_str(&format!("\n{key}\n{}", columns(&rows, "  ")));
        }
    };
    section("renditions", &|of| {
        vec![word(&of["id"]), word(&of["kind"]), word(&of["codecs"]), format!("{} segments", of["segments"])]
    });
    section("gaps", &|of| vec![word(&of["begin"]), word(&of["end"]), word(&of["reason"])]);
    section("markers", &|of| vec![word(&of["at"]), word(&of["text"]), word(&of["by"])]);
    section("movies", &|of| vec![word(&of["name"]), size(&of["bytes"])]);
    section("jobs", &job_row);
    text.push_str(&format!("\nplay      {}\n", word(&found["play"])));
    text
}

pub(super) fn jobs(found: &Value) -> String {
    let rows: Vec<Vec<String>> = found["items"].as_array().into_iter().flatten().map(job_row).collect();
    if rows.is_empty() { "no jobs\n".to_owned() } else { columns(&rows, "") }
}

fn job_row(job: &Value) -> Vec<String> {
    let percent = format!("{:.0} %", job["progress"].as_f64().unwrap_or(0.0) * 100.0);
    let of = format!("{}/{}", word(&job["channel"]), word(&job["recording"]));
    vec![job["id"].to_string(), word(&job["kind"]), of, word(&job["state"]), percent, word(&job["text"])]
}

fn length(seconds: &Value) -> String {
    let seconds = seconds.as_f64().unwrap_or(0.0) as u64;
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn size(bytes: &Value) -> String {
    match bytes.as_u64().unwrap_or(0) {
        bytes @ 0..=999_999 => format!("{bytes} bytes"),
        bytes @ 1_000_000..=999_999_999 => format!("{:.1} MB", bytes as f64 / 1e6),
        bytes => format!("{:.2} GB", bytes as f64 / 1e9),
    }
}

pub(super) fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recording_is_shown_with_all_that_belongs_to_it() {
        let found = json!({
            "channel": "demo", "id": "20261121T190000Z", "state": "finished", "protected": true, "seconds": 3723.5,
            "bytes": 1_500_000_000u64, "title": "Evening", "play": "/api/v1/recordings/demo/20261121T190000Z/files/multivariant.m3u8",
            "renditions": [{ "id": "v720", "kind": "video", "codecs": "avc1.64001f", "segments": 1861 }],
            "gaps": [], "markers": [{ "at": "2026-11-21T19:10:00Z", "text": "Kick-off", "by": "ada" }],
            "movies": [{ "name": "20261121T190000Z.mp4", "bytes": 700_000 }], "jobs": [],
        });
        let text = one(&found);
        for part in [
            "demo/20261121T190000Z",
            "finished, protected",
            "1:02:03",
            "1.50 GB",
            "1861 segments",
            "Kick-off",
            "700000 bytes",
        ] {
            assert!(text.contains(part), "{part} in:\n{text}");
        }
        assert!(!text.contains("gaps"), "{text}");
    }
}

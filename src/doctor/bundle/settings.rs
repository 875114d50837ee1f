//! A file that a technician wrote, as it may leave the box: without comments, without what may be a secret.

use toml::{Table, Value};

use super::scrub::GONE;
use crate::document::holds_secret;

const BROKEN: &str = "# not shown: it is not valid TOML; faults.txt says where\n";

/// The file's text; of one that cannot be parsed nothing: what is a value in it cannot be told.
pub(super) fn presentable(text: &str) -> String {
    match text.parse::<Table>() {
        Ok(mut table) => {
            for (key, value) in table.iter_mut() {
                redact(key, value);
            }
            toml::to_string_pretty(&table).unwrap_or_else(|_| BROKEN.to_owned())
        }
        Err(_) => BROKEN.to_owned(),
    }
}

fn redact(path: &str, value: &mut Value) {
    match value {
        Value::String(text) if is_secret(path, text) => GONE.clone_into(text),
        Value::Array(list) => list.iter_mut().for_each(|one| redact(path, one)),
        Value::Table(table) => table.iter_mut().for_each(|(key, one)| redact(&format!("{path}.{key}"), one)),
        _ => {}
    }
}

fn is_secret(path: &str, text: &str) -> bool {
    // Addresses of webhooks are secrets as a whole at most services; what a command is told may be one.
    let address = path.starts_with("notify.") && path.ends_with("url");
    let command = path.ends_with("_command");
    address || command || holds_secret(path, text)
}

/// Every text under a key that says where a secret is, or under one that is a secret itself, of files that may be faulty.
pub(super) fn places_and_secrets(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut places, mut secrets) = (Vec::new(), Vec::new());
    if let Ok(table) = text.parse::<Table>() {
        collect("", &Value::Table(table), &mut places, &mut secrets);
    }
    (places, secrets)
}

fn collect(path: &str, value: &Value, places: &mut Vec<String>, secrets: &mut Vec<String>) {
    const PUBLIC: [&str; 3] = ["ca_file", "certificate_file", "cert_file"];
    let name = path.rsplit('.').next().unwrap_or_default();
    match value {
        Value::String(_) if PUBLIC.contains(&name) => {}
        Value::String(text) if name.ends_with("_file") || name.ends_with("_files") => places.push(text.clone()),
        Value::String(text) if is_secret(path, text) => secrets.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|one| collect(path, one, places, secrets)),
        Value::Table(table) => {
            table.iter().for_each(|(key, one)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(&path, one, places, secrets);
            });
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
# password canary
[sources.cam]
kind = "custom"
fragment = "rtspsrc location=x user-pw=canary ! fakesink"
[destinations.cloud]
url = "https://origin.example/live/"
token_file = "cloud.token"
headers = { "x-any" = "canary" }
[notify.webhooks.ops]
url = "https://hooks.example/canary"
"#;

    #[test]
    fn values_that_may_be_secrets_and_comments_go() {
        let shown = presentable(TEXT);
        assert!(!shown.contains("canary"), "{shown}");
        for part in ["https://origin.example/live/", "cloud.token", "[sources.cam]"] {
            assert!(shown.contains(part), "no {part} in {shown}");
        }
        let (places, secrets) = places_and_secrets(TEXT);
        assert_eq!(places, ["cloud.token"]);
        assert_eq!(secrets.len(), 3, "{secrets:?}");
    }

    #[test]
    fn of_a_broken_file_nothing_is_shown() {
        assert_eq!(presentable("[a]\nkey = canary\ntext = \"\"\"\ncanary\n"), BROKEN);
    }
}

//! Takes secrets out of text: those that are known, wherever and however encoded they stand, and what looks like one.
//!
//! Too much may go, nothing may stay. Each paper of a bundle passes here once, as the last thing before it is packed.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::patterns;

/// Stands where a secret was.
pub(super) const GONE: &str = "[secret]";
/// Shorter ones are known by what stands before them, or not at all: each `1` would go.
const SHORTEST: usize = 4;
/// A line or a text inside of a secret counts from here.
const PART: usize = 8;

/// What must not leave the box.
#[derive(Default)]
pub(super) struct Scrubber {
    /// Longest first, so that no rest of a longer one stays.
    needles: Vec<String>,
}

impl Scrubber {
    /// Knows these.
    pub(super) fn knowing(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut needles = BTreeSet::new();
        for secret in secrets {
            for part in parts(&secret) {
                needles.extend(forms(&part));
            }
        }
        let mut needles: Vec<String> = needles.into_iter().collect();
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        Self { needles }
    }

    /// The text without them.
    pub(super) fn clean(&self, text: &str) -> String {
        // What is known goes first: a pattern may take a part of it, and the rest would not be known any more.
        let mut text = text.to_owned();
        for needle in &self.needles {
            if text.contains(needle.as_str()) {
                text = text.replace(needle.as_str(), GONE);
            }
        }
        patterns::clean(&text)
    }
}

/// A secret, its lines, and the texts of a document that it may be.
fn parts(secret: &str) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    let secret = secret.trim();
    if secret.len() >= SHORTEST {
        parts.insert(secret.to_owned());
    }
    parts.extend(secret.lines().map(str::trim).filter(|line| line.len() >= PART).map(str::to_owned));
    if let Ok(document) = serde_json::from_str::<serde_json::Value>(secret) {
        leaves(&document, &mut parts);
    }
    parts
}

fn leaves(value: &serde_json::Value, parts: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::String(text) if text.len() >= PART => {
            parts.insert(text.clone());
            parts.extend(text.lines().map(str::trim).filter(|line| line.len() >= PART).map(str::to_owned));
        }
        serde_json::Value::Array(list) => list.iter().for_each(|one| leaves(one, parts)),
        serde_json::Value::Object(map) => map.values().for_each(|one| leaves(one, parts)),
        _ => {}
    }
}

/// As it is, and as addresses, JSON and headers spell it.
fn forms(secret: &str) -> Vec<String> {
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let quoted = serde_json::to_string(secret).unwrap_or_default();
    let quoted = quoted.trim_matches('"').to_owned();
    let upper: String = secret
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let mut forms = vec![secret.to_owned(), percent.replace('+', "%20"), percent, quoted, upper];
    if secret.len() >= PART {
        // Where its first byte falls in a group of three decides what it looks like: the ends, which depend on what stands
        // beside it, are left out.
        for shift in 0..3 {
            let padded = [vec![b'x'; shift], secret.as_bytes().to_vec()].concat();
            for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
                let encoded = engine.encode(&padded);
                let (from, to) = ([0, 2, 3][shift], padded.len() * 8 / 6);
                forms.extend(encoded.get(from..to).filter(|form| form.len() >= PART).map(str::to_owned));
            }
        }
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_known_secret_goes_however_it_is_spelt() {
        let secret = "pa$s/w+rd \"canary\"";
        let scrubber = Scrubber::knowing([secret.to_owned()]);
        let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let json = serde_json::to_string(secret).unwrap();
        for text in [
            format!("it was {secret}, wrong"),
            format!("GET /x/{percent}"),
            format!("GET /x/{}", percent.replace('+', "%20")),
            json,
            STANDARD.encode(secret),
            STANDARD.encode(format!("ada:{secret}")),
            STANDARD.encode(format!("a:{secret}!")),
            STANDARD.encode(format!("al:{secret}")),
        ] {
            let clean = scrubber.clean(&text);
            assert!(clean.contains(GONE), "{text} became {clean}");
            assert!(!clean.contains("canary"), "{clean}");
        }
    }

    #[test]
    fn lines_and_documents_go_in_parts() {
        let key = "{\"client_email\": \"a@example\", \"private_key\": \"-----BEGIN\\nMIIEcanary1canary\\nqqqqcanary2qqqq\\n\"}";
        let clean = Scrubber::knowing([key.to_owned()]).clean("first MIIEcanary1canary, then qqqqcanary2qqqq");
        assert_eq!(clean, format!("first {GONE}, then {GONE}"));
    }

    #[test]
    fn what_is_no_secret_stays() {
        let scrubber = Scrubber::knowing(["hunter2".to_owned(), "1".to_owned()]);
        let text = "channel 1: destination cloud pushes to https://origin.example/live/ since 10:11";
        assert_eq!(scrubber.clean(text), text);
    }
}

//! What looks like a secret, whoever wrote it: in addresses, behind telling names, in headers, keys in PEM, tokens.

use super::scrub::GONE;

/// Names, or their ends, behind which a secret stands.
const TELLING: [&str; 20] = [
    "passphrase",
    "password",
    "passwd",
    "user-pw",
    "token",
    "secret",
    "signature",
    "authorization",
    "api-key",
    "api_key",
    "apikey",
    "stream_key",
    "stream-key",
    "streamkey",
    "streamid",
    "access_key",
    "private_key",
    "cookie",
    "guest_key",
    "pbkey",
];
/// A name that ends so says where a secret is.
const PLACES: [&str; 5] = ["_file", "_files", "_credential", "_url", "_uri"];
/// Parameters of an address that are known to be none.
const PLAIN: [&str; 8] = ["mode", "latency", "transtype", "pkt_size", "port", "copy", "file", "page"];

const PLAIN_VALUE: usize = 12;

/// The text without what looks like one.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut in_key = false;
    for line in text.split_inclusive('\n') {
        let begins = line.contains("-----BEGIN") && line.contains("PRIVATE KEY");
        let ends = line.contains("-----END") && line.contains("PRIVATE KEY");
        if begins || in_key {
            if begins {
                clean.push_str(&one_line(line.split("-----BEGIN").next().unwrap_or_default()));
                clean.push_str(GONE);
                clean.push('\n');
            }
            in_key = !ends;
            continue;
        }
        clean.push_str(&one_line(line));
    }
    clean
}

fn one_line(line: &str) -> String {
    tokens(&named(&addresses(line)))
}

/// Addresses: user and password, values in the query, the fragment; of RTMP what stands behind the application.
fn addresses(line: &str) -> String {
    let mut clean = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("://") {
        let begin = rest[..at]
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
            .map_or(0, |before| before + rest[before..].chars().next().map_or(1, char::len_utf8));
        let (scheme, behind) = (&rest[begin..at], &rest[at + 3..]);
        let end = behind.find(|c: char| c.is_whitespace() || "\"'`<>\\|".contains(c)).unwrap_or(behind.len());
        clean.push_str(&rest[..at + 3]);
        address(scheme, &behind[..end], &mut clean);
        rest = &behind[end..];
    }
    clean.push_str(rest);
    clean
}

fn address(scheme: &str, address: &str, clean: &mut String) {
    let (address, fragment) = address.split_once('#').map_or((address, None), |(before, after)| (before, Some(after)));
    let (address, query) = address.split_once('?').map_or((address, None), |(before, after)| (before, Some(after)));
    let (host, path) = address.find('/').map_or((address, ""), |at| address.split_at(at));
    match host.rsplit_once('@') {
        Some((_, host)) => {
            clean.push_str(GONE);
            clean.push('@');
            clean.push_str(host);
        }
        None => clean.push_str(host),
    }
    let application = path.match_indices('/').nth(1).map_or(path.len(), |(at, _)| at);
    if scheme.starts_with("rtmp") && application < path.len().saturating_sub(1) {
        clean.push_str(&path[..=application]);
        clean.push_str(GONE);
    } else {
        // A list of addresses looks like one.
        clean.push_str(&addresses(path));
    }
    for (n, part) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        clean.push(if n == 0 { '?' } else { '&' });
        match part.split_once('=') {
            Some((name, value)) if !PLAIN.contains(&name) || value.len() > PLAIN_VALUE => {
                clean.push_str(name);
                clean.push('=');
                clean.push_str(GONE);
            }
            _ => clean.push_str(part),
        }
    }
    if fragment.is_some() {
        clean.push('#');
        clean.push_str(GONE);
    }
}

/// `password = "…"`, `"token":"…"`, `Authorization: Bearer …`, `passphrase=…`
fn named(line: &str) -> String {
    // Of ASCII alone, so that places in one are places in the other.
    let lower = line.to_ascii_lowercase();
    let mut clean = String::with_capacity(line.len());
    let mut from = 0;
    while let Some(value) = next(&lower, from) {
        let header = lower[from..value].contains("authorization");
        let end = value + length(&line[value..], &line[..value], header);
        clean.push_str(&line[from..value]);
        let told = &line[value..end];
        let nothing = matches!(told, "" | "null" | "true" | "false" | "none" | "None") || told.starts_with(GONE);
        clean.push_str(if nothing { told } else { GONE });
        from = end;
    }
    clean.push_str(&line[from..]);
    clean
}

/// Where the next value behind a telling name begins.
fn next(lower: &str, from: usize) -> Option<usize> {
    let mut found: Option<usize> = None;
    for word in TELLING {
        for (at, _) in lower[from..].match_indices(word) {
            let behind = from + at + word.len();
            if found.is_some_and(|found| found <= behind) {
                break;
            }
            if let Some(value) = value_behind(lower, behind) {
                found = Some(found.map_or(value, |found| found.min(value)));
                break;
            }
        }
    }
    found
}

/// Behind a name: the rest of it, quotes, `=` or `:`, quotes.
fn value_behind(lower: &str, behind: usize) -> Option<usize> {
    let rest = &lower[behind..];
    let name = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '-')).unwrap_or(rest.len());
    if PLACES.iter().any(|place| lower[..behind + name].ends_with(place)) {
        return None;
    }
    let sign = rest[name..].trim_start_matches(['"', '\'', '\\', ' ', '\t']);
    let value = sign.strip_prefix(['=', ':'])?.trim_start_matches([' ', '\t', '=']);
    let value = value.strip_prefix("\\\"").or_else(|| value.strip_prefix(['"', '\''])).unwrap_or(value);
    // What is in a table goes by its own names.
    (!value.is_empty() && !value.starts_with('{')).then(|| lower.len() - value.len())
}

/// How long the value is: to the quote that ends it; of a list to its end; of a header to the end of the line; else to the
/// next space or sign.
fn length(value: &str, before: &str, header: bool) -> usize {
    if value.starts_with("null") {
        return "null".len();
    }
    let whole = value.find(['\n', '\r']).unwrap_or(value.len());
    let within = &value[..whole];
    if value.starts_with('[') {
        return within.find(']').map_or(whole, |at| at + 1);
    }
    match before.chars().next_back() {
        // A document in a document: its quotes are escaped.
        Some('"') if before.ends_with("\\\"") => within.find("\\\"").unwrap_or(whole),
        Some(quote @ ('"' | '\'')) => {
            let mut escaped = false;
            let ends = |(_, c): &(usize, char)| {
                let ends = *c == quote && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            };
            within.char_indices().find(ends).map_or(whole, |(at, _)| at)
        }
        _ if header => whole,
        _ => within.find(|c: char| c.is_whitespace() || "\"'\\`<>,;&)}]".contains(c)).unwrap_or(whole),
    }
}

/// `Bearer …`, `Basic …`, and JSON web tokens.
fn tokens(line: &str) -> String {
    let mut clean = String::with_capacity(line.len());
    let mut scheme = false;
    for piece in line.split_inclusive(|c: char| c.is_whitespace() || "\"'`<>\\,;()[]{}=".contains(c)) {
        let word = piece.trim_end_matches(|c: char| c.is_whitespace() || "\"'`<>\\,;()[]{}=".contains(c));
        let tail = &piece[word.len()..];
        let random = word.len() >= 6 && !word.bytes().all(|byte| byte.is_ascii_lowercase());
        let is_token = (scheme && random) || (word.starts_with("eyJ") && word.len() > 20);
        clean.push_str(if is_token { GONE } else { word });
        clean.push_str(tail);
        if !word.is_empty() {
            scheme = word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic");
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_goes() {
        for text in [
            "opening rtsp://ada:canary@10.0.0.7/stream",
            "PUT https://up.example/live/?cid=canary&copy=0 failed",
            "srt://h:9000?mode=caller&passphrase=canary1234",
            "link http://box:8080/guest/#canary",
            "rtmp://a.example/live2/canary-canary",
            "rtmps://a.example:443/app/x?auth=canary",
            "password = \"canary\"",
            "user_password: canary, next",
            "{\"token\":\"canary\",\"x\":1}",
            "{\\\"client_secret\\\": \\\"canary\\\"}",
            "Authorization: Digest username=\"u\"",
            "header Authorization: Bearer canary.canary",
            "curl -H 'x-api-key: canary'",
            "rtspsrc location=rtsp://h user-id=u user-pw=canary ! fakesink",
            "Bearer canary1 was refused",
            "got eyJhbGciOiJIUzI1NiJ9.canary.canary here",
            "UPLINK_TOKEN=canary uplinkctl",
            "a\n-----BEGIN EC PRIVATE KEY-----\ncanary\n-----END EC PRIVATE KEY-----\nb",
            "tokens = [\"canary\", \"canary\"]",
            "password = \"three words canary\" # x",
            "passphrase: 'a \\' canary'",
            "https://a.example/x,https://u:canary@b.example/",
            "ä password=\"canary\" ä",
        ] {
            let clean = clean(text);
            assert!(!clean.contains("canary") && clean.contains(GONE), "{text} became {clean}");
        }
    }

    #[test]
    fn what_a_support_engineer_needs_stays() {
        for text in [
            "token_file = \"origin.token\"",
            "passphrase_credential = \"van\"",
            "pushes to https://origin.example:8443/live/demo/ since 10:11:12",
            "{\"token\":null,\"set\":true}",
            "{\"token\":\"\",\"x\":\"y\"}",
            "rtmp://a.example/live2",
            "srt://0.0.0.0:9000?mode=listener",
            "2026-11-21T10:00:00Z INFO channel demo: on air, 1280×720",
            "a lease has token 7 of the origin",
            "HTTP basic authentication is what it wants",
        ] {
            assert_eq!(clean(text), text);
        }
        assert_eq!(clean("a\n-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\nb"), format!("a\n{GONE}\nb"));
    }
}

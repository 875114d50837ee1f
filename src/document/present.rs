//! What of a value may stand in a message.

/// What of a value may be shown: one short line, no secret.
pub(crate) fn presentable(path: &str, text: &str) -> Option<String> {
    if is_named_secret(path) {
        return None;
    }
    if holds_secret(path, text) {
        return Some("\"[contains a secret]\"".to_owned());
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    match line.char_indices().nth(80) {
        Some((at, _)) => Some(format!("{}…", &line[..at])),
        None => Some(line),
    }
}

/// Whether a value is a secret, or may hold one: a doubt is enough, for whoever sees it is not at the box. What is wrong with
/// a file stands in logs and in the status, too.
pub(crate) fn holds_secret(path: &str, text: &str) -> bool {
    const TELLING: &[&str] =
        &["passphrase", "password", "passwd", "token=", "secret", "user-pw", "signature=", "key=", "streamid="];
    let lower = text.to_lowercase();
    let telling = TELLING.iter().any(|word| lower.contains(word));
    // Headers of requests are named by whoever writes them.
    let header = path.split('.').any(|part| part == "headers");
    header || is_named_secret(path) || has_user_info(text) || (telling && !is_place(path))
}

fn is_named_secret(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path);
    let secret = ["token", "passphrase", "password", "secret", "stream_key"].iter().any(|word| name.contains(word));
    secret && !is_place(path)
}

/// A key that says where a secret is, not what.
fn is_place(path: &str) -> bool {
    path.ends_with("_file") || path.ends_with("_credential")
}

/// `scheme://user:password@host`.
fn has_user_info(text: &str) -> bool {
    text.split_once("://")
        .is_some_and(|(_, rest)| rest.split(['/', '?', '#']).next().is_some_and(|host| host.contains('@')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        for (path, text) in
            [("a.token", "\"hunter2\""), ("a.passphrase", "\"hunter2\""), ("a.stream_key", "\"hunter2\"")]
        {
            assert_eq!(presentable(path, text), None, "{path}");
        }
        for text in [
            "srt://h:1?passphrase=hunter2",
            "srt://h:1?streamid=publish:hunter2",
            "https://u:hunter2@h/",
            "https://h/?token=hunter2",
            "https://h/whip?Key=hunter2",
            "https://h/live/?X-Signature=hunter2",
        ] {
            assert!(!presentable("a.url", text).unwrap().contains("hunter2"), "{text}");
        }
        assert!(!presentable("a.headers.x-any", "hunter2").unwrap().contains("hunter2"));
        assert_eq!(presentable("a.token_file", "\"token\""), Some("\"token\"".to_owned()));
    }

    #[test]
    fn long_values_are_cut_and_lines_joined() {
        assert_eq!(presentable("a", "[\n  1,\n  2,\n]"), Some("[ 1, 2, ]".to_owned()));
        assert_eq!(presentable("a", &"x".repeat(200)).unwrap().chars().count(), 81);
    }
}

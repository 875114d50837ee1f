//! What viewers would notice is confirmed: beforehand with `--yes`, or by a person at a terminal when the daemon says what
//! it would do.

use std::io::{BufRead, IsTerminal, Write};

use serde::Deserialize;

/// What the daemon wants confirmed, as far as people need it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Confirmation {
    pub(crate) token: String,
    pub(crate) text: String,
    /// To be typed.
    pub(crate) name: Option<String>,
}

/// Who confirms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Consent {
    /// Nobody: a script that has not said so.
    #[default]
    Nobody,
    /// Whoever wrote `--yes`.
    Given,
    /// A person, when it is asked.
    Asked,
}

impl Consent {
    /// As the command line and what it runs in say.
    pub(crate) fn of(yes: bool) -> Self {
        match yes {
            true => Consent::Given,
            false if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() => Consent::Asked,
            false => Consent::Nobody,
        }
    }

    /// Whether it is confirmed.
    pub(crate) fn to(self, confirmation: &Confirmation) -> bool {
        match self {
            Consent::Nobody => false,
            Consent::Given => true,
            Consent::Asked => asked(confirmation, &mut std::io::stdin().lock(), &mut std::io::stderr().lock()),
        }
    }
}

/// A person has as long as it takes: what it would do is asked for anew if that took too long.
fn asked(confirmation: &Confirmation, from: &mut impl BufRead, to: &mut impl Write) -> bool {
    let (wanted, question) = match &confirmation.name {
        Some(name) => (name.as_str(), format!("type its name to go on, {name}: ")),
        None => ("yes", "go on? yes or no: ".to_owned()),
    };
    let mut line = String::new();
    let said = write!(to, "{}; {question}", confirmation.text).and_then(|()| to.flush());
    said.and_then(|()| from.read_line(&mut line)).is_ok() && line.trim() == wanted
}

/// As it can stand in a header.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte == b' ' || (byte.is_ascii_graphic() && byte != b'%');
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_says_yes_or_the_name() {
        let confirmation = |name: Option<&str>| Confirmation {
            token: "t".into(),
            text: "channel `demo` goes OFF AIR".into(),
            name: name.map(str::to_owned),
        };
        for (name, said, good) in [
            (None, "yes\n", true),
            (None, "\n", false),
            (None, "", false),
            (None, "y\n", false),
            (Some("show-1"), "yes\n", false),
            (Some("show-1"), " show-1\n", true),
        ] {
            let mut told = Vec::new();
            assert_eq!(asked(&confirmation(name), &mut said.as_bytes(), &mut told), good, "{name:?} {said:?}");
            assert!(String::from_utf8(told).unwrap().starts_with("channel `demo` goes OFF AIR; "));
        }
    }

    #[test]
    fn a_reason_fits_a_header() {
        assert_eq!(encoded("Störung 100%\n"), "St%C3%B6rung 100%25%0A");
    }
}

//! Secrets: from a file or a systemd credential, never from the configuration itself.

use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};

use super::files::Base;
use crate::document::{Faults, Placed, Section, Spot};
use crate::model::Secret;

/// Where systemd credentials are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// The directory of `$CREDENTIALS_DIRECTORY`; none if systemd gave none.
    At(Option<PathBuf>),
    /// This process does not run as the service, so credentials cannot be looked at; their names are checked.
    NotHere,
}

impl Credentials {
    /// As systemd says in the environment.
    pub fn from_environment() -> Self {
        Self::At(std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from))
    }
}

/// What a secret must look like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// RFC 6750, section 2.1.
    BearerToken,
    /// A token as it is, or in a JSON document.
    Token,
    /// Google: the key file of a service account.
    ServiceAccount,
    /// SRT: 10 to 79 bytes.
    Passphrase,
    /// RTMP: it is part of an address.
    StreamKey,
    /// RTSP: printable, no more is known.
    Password,
    /// WHIP: it is part of a link.
    GuestKey,
}

/// Reads `<name>_file` or `<name>_credential`. None if neither is given or there is a fault.
pub(crate) fn read(
    section: &Section<'_>,
    name: &str,
    rule: Rule,
    base: &Base<'_>,
    credentials: &Credentials,
    faults: &mut Faults,
) -> Option<Secret> {
    let (by_file, by_credential) = (format!("{name}_file"), format!("{name}_credential"));
    let placed = place(section, (&by_file, &by_credential), base, credentials, faults)?;
    read_at(&placed.spot, &placed.value, rule, base, faults)
}

/// Where the secret is that one of two keys names: by a file, or by a systemd credential. None if neither is given, there is
/// a fault, or credentials cannot be looked at.
pub(crate) fn place(
    section: &Section<'_>,
    (by_file, by_credential): (&str, &str),
    base: &Base<'_>,
    credentials: &Credentials,
    faults: &mut Faults,
) -> Option<Placed<PathBuf>> {
    let given = |name: &str| section.has(name);
    let file = given(by_file).then(|| section.get::<PathBuf>(by_file)).flatten();
    let credential = given(by_credential).then(|| section.get::<String>(by_credential)).flatten();
    match (file, credential) {
        (Some(_), Some(credential)) => {
            faults.add(&credential.spot, format!("cannot stand beside `{by_file}`"), "keep one of the two");
            None
        }
        (Some(file), None) => Some(Placed { value: base.join(file.value), spot: file.spot }),
        (None, credential) => credential.and_then(|credential| named(credential, by_file, credentials, faults)),
    }
}

/// The file of a credential; `instead` is the key to use where there are none.
fn named(
    credential: Placed<String>,
    instead: &str,
    credentials: &Credentials,
    faults: &mut Faults,
) -> Option<Placed<PathBuf>> {
    let Placed { value: name, spot } = credential;
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) || name.starts_with('.') {
        faults.add(&spot, "is no name of a credential", "use letters, digits, ., _ and -, as in LoadCredential=");
        return None;
    }
    match credentials {
        Credentials::NotHere => None,
        Credentials::At(Some(directory)) => Some(Placed { value: directory.join(name), spot }),
        Credentials::At(None) => {
            let rule = "needs systemd credentials, and $CREDENTIALS_DIRECTORY is not set";
            let fix = format!("run as a service with LoadCredential={name}, or use `{instead}`");
            faults.add(&spot, rule, fix);
            None
        }
    }
}

/// The secret in the file at `path`, which is written at `spot`. Of a configuration that was in force before, it may be gone:
/// then something that nobody knows stands in for it. So what needs it lets nobody in and is let in nowhere, which is told of
/// it, and the rest comes on air.
fn read_at(spot: &Spot, path: &Path, rule: Rule, base: &Base<'_>, faults: &mut Faults) -> Option<Secret> {
    match load(path, rule) {
        Ok(secret) => Some(secret),
        Err((why, fix)) => {
            base.files.lost(spot, format!("{}: {why}", path.display()), fix, faults)?;
            stand_in(rule)
        }
    }
}

/// What nobody knows, and looks as it must.
fn stand_in(rule: Rule) -> Option<Secret> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).ok()?;
    let text = hex::encode(bytes);
    Some(Secret::new(match rule {
        Rule::ServiceAccount => format!(r#"{{"client_email": "nobody", "private_key": "{text}"}}"#),
        _ => text,
    }))
}

/// The secrets that the lists `<name>_files` and `<name>_credentials` name.
pub(crate) fn read_list(
    section: &Section<'_>,
    name: &str,
    rule: Rule,
    base: &Base<'_>,
    credentials: &Credentials,
    faults: &mut Faults,
) -> Vec<Secret> {
    let (by_file, by_credential) = (format!("{name}_files"), format!("{name}_credentials"));
    let files = section.list::<PathBuf>(&by_file).into_iter();
    let mut places: Vec<_> = files.map(|file| Placed { value: base.join(file.value), spot: file.spot }).collect();
    let credential = |one| named(one, &by_file, credentials, faults);
    places.extend(section.list::<String>(&by_credential).into_iter().filter_map(credential));
    places.into_iter().filter_map(|placed| read_at(&placed.spot, &placed.value, rule, base, faults)).collect()
}

/// The secrets of the tables `<name>_files` and `<name>_credentials`, by the names that stand there.
pub(crate) fn read_table(
    section: &Section<'_>,
    name: &str,
    rule: Rule,
    base: &Base<'_>,
    credentials: &Credentials,
    faults: &mut Faults,
) -> Vec<(Placed<String>, Option<Secret>)> {
    let (by_file, by_credential) = (format!("{name}_files"), format!("{name}_credentials"));
    let mut places: Vec<(Placed<String>, Option<Placed<PathBuf>>)> = Vec::new();
    for (of, file) in section.names::<PathBuf>(&by_file) {
        let spot = file.spot;
        places.push((Placed { value: of, spot: spot.clone() }, Some(Placed { value: base.join(file.value), spot })));
    }
    for (of, credential) in section.names::<String>(&by_credential) {
        let spot = credential.spot.clone();
        places.push((Placed { value: of, spot }, named(credential, &by_file, credentials, faults)));
    }
    let read = |(of, placed): (_, Option<Placed<PathBuf>>)| {
        (of, placed.and_then(|placed| read_at(&placed.spot, &placed.value, rule, base, faults)))
    };
    places.into_iter().map(read).collect()
}

/// It stands in a path and in commands of encoders, so nothing in it may need quoting.
fn is_stream_key(text: &str) -> bool {
    (8..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// A token endpoint's answer, or a temporary access key.
fn is_document(text: &str) -> bool {
    let document: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let has = |name: &str| document.as_ref().is_some_and(|document| document.get(name).is_some_and(|v| v.is_string()));
    has("access_token") || has("token") || (has("AccessKeyId") && has("SecretAccessKey"))
}

fn is_service_account(text: &str) -> bool {
    let document: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let has = |name: &str| document.as_ref().is_some_and(|document| document.get(name).is_some_and(|v| v.is_string()));
    has("private_key") && has("client_email")
}

/// What is wrong with a secret, and what to do.
type Bad = (String, &'static str);

/// The secret in the file at `path`.
pub(crate) fn load(path: &Path, rule: Rule) -> Result<Secret, Bad> {
    judge(&text_of(path)?, rule)
}

fn text_of(path: &Path) -> Result<String, Bad> {
    let unreadable =
        |error: std::io::Error| (format!("cannot be read: {error}"), "name a file that this user may read");
    let meta = std::fs::metadata(path).map_err(unreadable)?;
    if !meta.is_file() || meta.len() > 8192 {
        return Err(("is no file of one line".to_owned(), "name the file that holds the secret and nothing else"));
    }
    let bytes = std::fs::read(path).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|_| ("is not text".to_owned(), "write the secret as one line of text"))
}

fn judge(text: &str, rule: Rule) -> Result<Secret, Bad> {
    let text = text.trim();
    let fault = match rule {
        Rule::BearerToken if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) => {
            Some(("is no bearer token: one line of printable ASCII without spaces", "write the token and nothing else"))
        }
        Rule::Token if text.is_empty() || !(text.bytes().all(|b| b.is_ascii_graphic()) || is_document(text)) => Some((
            "is no token: one line of printable ASCII without spaces, or JSON with `access_token`",
            "write the token and nothing else",
        )),
        Rule::ServiceAccount if !is_service_account(text) => Some((
            "is no key file of a service account: JSON with `client_email` and `private_key`",
            "name the file that Google's console gave you",
        )),
        Rule::Passphrase if !(10..=79).contains(&text.len()) || text.contains(['\n', '\r']) => {
            Some(("is no SRT passphrase: one line of 10 to 79 characters", "use the passphrase agreed with the peer"))
        }
        Rule::StreamKey if !is_stream_key(text) => Some((
            "is no stream key: one line of 8 to 200 letters, digits, ., _ and -",
            "make one, for example with `openssl rand -hex 16`",
        )),
        Rule::Password if text.is_empty() || text.len() > 200 || text.contains(char::is_control) => {
            Some(("is no password: one line of 1 to 200 characters", "write the password and nothing else"))
        }
        Rule::GuestKey
            if !(16..=200).contains(&text.len())
                || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) =>
        {
            Some((
                "is no key: one line of 16 to 200 letters, digits, ., _ and -",
                "make one, for example with `openssl rand -hex 16`",
            ))
        }
        _ => None,
    };
    match fault {
        Some((why, fix)) => Err((why.to_owned(), fix)),
        None => Ok(Secret::new(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_looks_as_it_must_and_is_never_the_same() {
        let rules = [
            Rule::BearerToken,
            Rule::Token,
            Rule::ServiceAccount,
            Rule::Passphrase,
            Rule::StreamKey,
            Rule::Password,
            Rule::GuestKey,
        ];
        for rule in rules {
            let (one, other) = (stand_in(rule).unwrap(), stand_in(rule).unwrap());
            assert!(judge(one.reveal(), rule).is_ok(), "{rule:?}");
            assert_ne!(one.reveal(), other.reveal(), "{rule:?}");
        }
    }
}

//! `[tokens]`: one line per channel, or `"*"` for all of them. The secrets themselves lie in files of their own, or are given
//! by systemd.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::model::{ChannelId, Secret};

/// Shorter tokens can be guessed over a network.
const SHORTEST: usize = 16;

/// What a token opens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Scope {
    /// `"*"`: every channel.
    All,
    /// One channel.
    One(ChannelId),
}

impl Scope {
    /// Whether it opens `channel`.
    pub(crate) fn covers(&self, channel: &ChannelId) -> bool {
        match self {
            Self::All => true,
            Self::One(own) => own == channel,
        }
    }
}

impl TryFrom<String> for Scope {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::All);
        }
        ChannelId::new(text).map(Self::One).map_err(|fault| format!("{fault}, or \"*\" for all channels"))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: Option<Spanned<String>>,
    credential: Option<Spanned<String>>,
    #[serde(skip)]
    token: Option<Secret>,
}

/// The tokens, by what they open.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Tokens(Spanned<BTreeMap<Scope, Spanned<Entry>>>);

/// A fault at a byte of the configuration file.
pub(crate) struct TokenFault {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl Tokens {
    /// Every token with what it opens.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Scope, &Secret)> {
        self.0.as_ref().iter().filter_map(|(scope, entry)| Some((scope, entry.as_ref().token.as_ref()?)))
    }

    /// Reads them all.
    pub(crate) fn read(&mut self, places: &Places<'_>) -> Result<(), TokenFault> {
        let at = self.0.span().start;
        let entries = self.0.as_mut();
        if entries.is_empty() {
            let message = "`[tokens]` is empty, so nobody could push: add `\"*\" = { file = \"origin.token\" }`";
            return Err(TokenFault { at, message: message.to_owned() });
        }
        for entry in entries.values_mut() {
            let at = entry.span().start;
            let entry = entry.as_mut();
            let token = match (&entry.file, &entry.credential) {
                (Some(file), None) => places.file(file, "token")?,
                (None, Some(credential)) => places.credential(credential, "token")?,
                _ => {
                    let message = "give `file`, or `credential`, and not both".to_owned();
                    return Err(TokenFault { at, message });
                }
            };
            entry.token = Some(token);
        }
        Ok(())
    }
}

/// Where secrets are looked for.
pub(crate) struct Places<'a> {
    /// Names of files begin here.
    pub(crate) dir: &'a Path,
    /// What systemd gives this service; none if it gives nothing.
    pub(crate) credentials: Option<&'a Path>,
}

impl Places<'_> {
    /// The secret in a file; `what` it is.
    pub(crate) fn file(&self, name: &Spanned<String>, what: &str) -> Result<Secret, TokenFault> {
        secret_at(&self.dir.join(name.as_ref()), name.span().start, what)
    }

    /// The secret that systemd gives by this name.
    pub(crate) fn credential(&self, name: &Spanned<String>, what: &str) -> Result<Secret, TokenFault> {
        let (at, name) = (name.span().start, name.as_ref());
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) || name.starts_with('.') {
            let message = format!("`{name}` is no name of a credential: letters, digits, ., _ and -");
            return Err(TokenFault { at, message });
        }
        match self.credentials {
            Some(given) => secret_at(&given.join(name), at, what),
            None => {
                let message = format!(
                    "the {what} `{name}` needs systemd credentials, and $CREDENTIALS_DIRECTORY is not set: run as a service \
                     with LoadCredential={name}, or name a file"
                );
                Err(TokenFault { at, message })
            }
        }
    }
}

fn secret_at(path: &Path, at: usize, what: &str) -> Result<Secret, TokenFault> {
    let fault = |message: String| TokenFault { at, message };
    let text = std::fs::read_to_string(path)
        .map_err(|error| fault(format!("the {what} file {} cannot be read: {error}", path.display())))?;
    let secret = text.trim();
    if secret.len() < SHORTEST || !secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(fault(format!(
            "the {what} in {} is not usable: at least {SHORTEST} printable ASCII characters without spaces are needed \
             (`openssl rand -hex 24` makes one)",
            path.display()
        )));
    }
    Ok(Secret::new(secret))
}

//! `[tokens]`: one line per channel, or `"*"` for all of them. The secrets themselves lie in files of their own.

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
    file: Spanned<String>,
    #[serde(skip)]
    token: Option<Secret>,
}

/// The tokens, by what they open.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Tokens(Spanned<BTreeMap<Scope, Entry>>);

/// A fault at a byte of the configuration file.
pub(crate) struct TokenFault {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl Tokens {
    /// Every token with what it opens.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Scope, &Secret)> {
        self.0.as_ref().iter().filter_map(|(scope, entry)| Some((scope, entry.token.as_ref()?)))
    }

    /// Reads the files; relative names are relative to `dir`.
    pub(crate) fn read(&mut self, dir: &Path) -> Result<(), TokenFault> {
        let at = self.0.span().start;
        let entries = self.0.as_mut();
        if entries.is_empty() {
            let message = "`[tokens]` is empty, so nobody could push: add `\"*\" = { file = \"origin.token\" }`";
            return Err(TokenFault { at, message: message.to_owned() });
        }
        for entry in entries.values_mut() {
            entry.token = Some(secret_in(dir, &entry.file, "token")?);
        }
        Ok(())
    }
}

/// The secret in `file`, which is relative to `dir`; `what` it is.
pub(crate) fn secret_in(dir: &Path, file: &Spanned<String>, what: &str) -> Result<Secret, TokenFault> {
    let path = dir.join(file.as_ref());
    let fault = |message: String| TokenFault { at: file.span().start, message };
    let text = std::fs::read_to_string(&path)
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

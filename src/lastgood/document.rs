//! One configuration in one file: a line that says what it is, the text of each of its files, a line with a checksum of all
//! before it. A technician can read it: what was `uplinkd.toml` comes first.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Kept;
use crate::config::Texts;
use crate::model::MediaTime;

/// Begins the file. The number is that of the format.
const HEAD: &str = "uplink-configuration 1 ";
/// Begins the last line.
const SUM: &str = "sha256 ";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    head: Head,
    texts: Texts,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    /// Of Uplink.
    version: String,
    at: MediaTime,
    /// What was read first.
    file: PathBuf,
    /// What follows, each ended by a line feed that is not its own.
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    path: PathBuf,
    bytes: usize,
}

impl Document {
    pub(super) fn new(version: &str, file: &Path, at: MediaTime, texts: &Texts) -> Self {
        let mut parts: Vec<Part> =
            texts.iter().map(|(path, text)| Part { path: path.to_owned(), bytes: text.len() }).collect();
        parts.sort_by_key(|part| part.path != file);
        let head = Head { version: version.to_owned(), at, file: file.to_owned(), parts };
        Self { head, texts: texts.clone() }
    }

    /// Whether it is the same configuration, put in force by the same version.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        Head { at: other.head.at, ..self.head.clone() } == other.head && self.texts == other.texts
    }

    pub(super) fn version(&self) -> &str {
        &self.head.version
    }

    pub(super) fn file(&self) -> &PathBuf {
        &self.head.file
    }

    pub(super) fn kept(self, path: PathBuf) -> Kept {
        let Self { head: Head { version, at, .. }, texts } = self;
        Kept { path, version, at, texts }
    }

    pub(super) fn text(&self) -> std::io::Result<String> {
        let mut text = format!("{HEAD}{}\n", serde_json::to_string(&self.head)?);
        for part in &self.head.parts {
            text.push_str(self.texts.get(&part.path).unwrap_or_default());
            text.push('\n');
        }
        let sum = sum(&text);
        Ok(format!("{text}{SUM}{sum}\n"))
    }

    /// The error is what is wrong with it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
        let whole = text.strip_suffix('\n').and_then(|text| text.rsplit_once('\n'));
        let (body, told) = whole
            .and_then(|(_, last)| {
                let told = last.strip_prefix(SUM)?;
                Some((&text[..text.len() - last.len() - 1], told))
            })
            .ok_or("it is cut off")?;
        if sum(body) != told {
            return Err("it is not what was written".to_owned());
        }
        let (head, mut rest) = body.split_once('\n').unwrap_or((body, ""));
        let head = head.strip_prefix(HEAD).ok_or("it is of a format that this version does not know")?;
        let head: Head = serde_json::from_str(head).map_err(|error| format!("it cannot be read: {error}"))?;
        let mut texts = Texts::default();
        for part in &head.parts {
            let (text, after) = rest.split_at_checked(part.bytes).ok_or("a file in it is shorter than it says")?;
            texts.put(&part.path, text);
            rest = after.strip_prefix('\n').ok_or("a file in it is longer than it says")?;
        }
        Ok(Self { head, texts })
    }
}

fn sum(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

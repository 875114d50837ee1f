//! How segments are encrypted for one destination, and where content keys come from. Written by a technician, carried by
//! the plan, used by `push`.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

use super::id::ChannelId;
use super::secret::Secret;
use super::upload::{TokenSource, Trust};

/// All that encryption needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// How.
    pub method: EncryptionMethod,
    /// So many segments share a key; none: all do.
    pub rotate_segments: Option<u64>,
    /// Where players fetch a key.
    pub key_uri: KeyTemplate,
    /// Where keys come from.
    pub keys: KeySource,
}

impl Encryption {
    /// The key period that segment `number` is in. Periods are counted from number 0 on, so that two boxes, and two runs
    /// of one, agree about them.
    pub fn period_of(&self, number: u64) -> u64 {
        self.rotate_segments.map_or(0, |segments| number / segments.max(1))
    }

    /// The numbers of a key period.
    pub fn numbers_of(&self, period: u64) -> RangeInclusive<u64> {
        match self.rotate_segments.map(|segments| segments.max(1)) {
            Some(segments) => {
                let first = period.saturating_mul(segments);
                first..=first.saturating_add(segments - 1)
            }
            None => 0..=u64::MAX,
        }
    }
}

/// How segments are encrypted (rfc8216bis 4.4.4.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EncryptionMethod {
    /// AES-128: whole segments.
    #[serde(rename = "aes-128")]
    Aes128,
    /// SAMPLE-AES: the samples in them, by the scheme `cbcs` of Common Encryption (ISO/IEC 23001-7).
    SampleAes,
}

impl EncryptionMethod {
    /// As playlists call it.
    pub fn word(self) -> &'static str {
        match self {
            EncryptionMethod::Aes128 => "AES-128",
            EncryptionMethod::SampleAes => "SAMPLE-AES",
        }
    }
}

/// Where content keys come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum KeySource {
    /// They are made from a secret: whoever has the same secret makes the same keys.
    Secret {
        /// The secret.
        secret: Secret,
        /// Where they are put, so that players can be given them.
        store: KeyStore,
    },
    /// A key server is asked by CPIX (DASH-IF, ETSI TS 103 799).
    Server {
        /// The server.
        host: Box<KeyHost>,
        /// Its address.
        url: Url,
        /// What the content is called there.
        content_id: String,
        /// DRM systems that signalling is asked for, by their UUID.
        systems: Vec<String>,
    },
}

/// Where keys are put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum KeyStore {
    /// Files of 16 bytes, `<channel>/<key id>`.
    Directory {
        /// Below this directory.
        path: PathBuf,
    },
    /// HTTP PUT of 16 bytes.
    Http {
        /// The server.
        host: Box<KeyHost>,
        /// Where to.
        url: KeyTemplate,
    },
}

/// A server that keys are sent to or asked from: what it wants to see, whom to trust.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyHost {
    /// Bearer token (RFC 6750), if it wants one.
    pub token: Option<TokenSource>,
    /// Whom to trust in TLS.
    pub trust: Trust,
}

/// The address of a key: `https://keys.example/{channel}/{key_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyTemplate(String);

/// Why a template is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyTemplateFault {
    /// All keys would have one address.
    #[error("must have {{key_id}}, or all keys would have the same address")]
    KeyId,
    /// Something else in braces.
    #[error("has `{0}`, which is none of {{channel}}, {{key_id}}")]
    Unknown(String),
    /// Not an address.
    #[error("is no address that begins with http:// or https://, without user, quotes and spaces")]
    Address,
}

impl KeyTemplate {
    /// The address of the key that is called `key_id`.
    pub fn address(&self, channel: &ChannelId, key_id: &str) -> String {
        self.0.replace("{channel}", channel.as_str()).replace("{key_id}", key_id)
    }

    /// The address of a key with a name that no key has: to look at host and scheme.
    pub fn sample(&self) -> Option<Url> {
        let filled = self.0.replace("{channel}", "channel").replace("{key_id}", "0");
        Url::parse(&filled).ok()
    }
}

impl FromStr for KeyTemplate {
    type Err = KeyTemplateFault;

    fn from_str(text: &str) -> Result<Self, KeyTemplateFault> {
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let word = &rest[at..rest[at..].find('}').map_or(rest.len(), |end| at + end + 1)];
            if !matches!(word, "{channel}" | "{key_id}") {
                return Err(KeyTemplateFault::Unknown(word.to_owned()));
            }
            rest = &rest[at + word.len()..];
        }
        if !text.contains("{key_id}") {
            return Err(KeyTemplateFault::KeyId);
        }
        let template = Self(text.to_owned());
        // It stands in a quoted string of playlists (rfc8216bis 4.2).
        let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'"');
        let good = |url: &Url| {
            let schemes = ["http", "https"].contains(&url.scheme());
            schemes && url.has_host() && url.username().is_empty() && url.password().is_none()
        };
        if !plain || !template.sample().as_ref().is_some_and(good) {
            return Err(KeyTemplateFault::Address);
        }
        Ok(template)
    }
}

impl fmt::Display for KeyTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for KeyTemplate {
    type Error = KeyTemplateFault;

    fn try_from(text: String) -> Result<Self, KeyTemplateFault> {
        text.parse()
    }
}

impl From<KeyTemplate> for String {
    fn from(template: KeyTemplate) -> Self {
        template.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encryption(rotate_segments: Option<u64>) -> Encryption {
        Encryption {
            method: EncryptionMethod::Aes128,
            rotate_segments,
            key_uri: "https://keys.example/{channel}/{key_id}".parse().unwrap(),
            keys: KeySource::Secret {
                secret: Secret::new("hunter2-hunter2-hunter2"),
                store: KeyStore::Directory { path: "/srv/keys".into() },
            },
        }
    }

    #[test]
    fn a_template_is_an_address_with_a_key_in_it() {
        let template: KeyTemplate = "https://keys.example/{channel}?k={key_id}".parse().unwrap();
        assert_eq!(template.address(&ChannelId::new("demo").unwrap(), "0a"), "https://keys.example/demo?k=0a");
        for (bad, fault) in [
            ("https://keys.example/{channel}", KeyTemplateFault::KeyId),
            ("https://keys.example/{key_id}/{rendition}", KeyTemplateFault::Unknown("{rendition}".to_owned())),
            ("https://keys.example/{key_id}/{", KeyTemplateFault::Unknown("{".to_owned())),
            ("https://keys.example/{key_id}}", KeyTemplateFault::Unknown("}".to_owned())),
            ("keys/{key_id}", KeyTemplateFault::Address),
            ("ftp://keys.example/{key_id}", KeyTemplateFault::Address),
            ("https://me@keys.example/{key_id}", KeyTemplateFault::Address),
            ("https://keys.example/\"{key_id}", KeyTemplateFault::Address),
            ("https://keys.example/ {key_id}", KeyTemplateFault::Address),
        ] {
            assert_eq!(bad.parse::<KeyTemplate>(), Err(fault), "{bad}");
        }
    }

    #[test]
    fn it_travels_and_prints_no_secret() {
        let encryption = encryption(Some(10));
        assert!(!format!("{encryption:?} {encryption:#?}").contains("hunter2"));
        let text = serde_json::to_string(&encryption).unwrap();
        assert!(text.contains("\"aes-128\""), "{text}");
        assert_eq!(serde_json::from_str::<Encryption>(&text).unwrap(), encryption);
    }

    proptest! {
        #[test]
        fn a_number_is_in_its_period(number: u64, rotate in prop::option::of(0u64..1_000_000)) {
            let encryption = encryption(rotate);
            let period = encryption.period_of(number);
            prop_assert!(encryption.numbers_of(period).contains(&number));
            let last = *encryption.numbers_of(period).end();
            prop_assert!(last == u64::MAX || encryption.period_of(last + 1) == period + 1);
        }
    }
}

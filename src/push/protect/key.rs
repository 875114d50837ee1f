//! Content keys: what they are called, and how they are made from a secret. Pure.

use std::fmt;

use ring::hmac;
use sha2::{Digest, Sha256};

use crate::model::encryption::{Encryption, EncryptionMethod, KeySource};
use crate::model::{ChannelId, Secret};

/// A key, an identifier, an initialisation vector: one block of AES.
pub(crate) type Block = [u8; 16];

/// What a key is called (KID of ISO/IEC 23001-7). No secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyId(Block);

impl KeyId {
    /// With the bits that make it a UUID (RFC 9562, 5.8), which is what key servers take.
    fn new(mut bytes: Block) -> Self {
        bytes[6] = (bytes[6] & 0x0f) | 0x80;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Self(bytes)
    }

    /// Its bytes.
    pub(crate) fn bytes(&self) -> &Block {
        &self.0
    }

    /// As a UUID is written.
    pub(crate) fn uuid(&self) -> String {
        let hex = hex::encode(self.0);
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }

    /// The initialisation vector that goes with it, where nobody says another one.
    pub(crate) fn vector(&self) -> Block {
        first_block(&Sha256::new().chain_update("uplink iv\0").chain_update(self.0).finalize())
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// A key and what belongs to it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ContentKey {
    /// What it is called.
    pub(crate) id: KeyId,
    /// The key itself.
    pub(crate) key: Block,
    /// With cbcs the initialisation vector of all samples.
    pub(crate) iv: Block,
    /// `pssh` boxes for the initialisation.
    pub(crate) boxes: Vec<u8>,
    /// What playlists say of it: EXT-X-KEY, one or more.
    pub(crate) tags: Vec<String>,
}

impl ContentKey {
    /// A key without anything that a DRM system wants.
    pub(crate) fn plain(id: KeyId, key: Block, encryption: &Encryption, channel: &ChannelId) -> Self {
        let iv = id.vector();
        let mut plain = Self { id, key, iv, boxes: Vec::new(), tags: Vec::new() };
        plain.tags = vec![plain.identity_tag(encryption, channel)];
        plain
    }

    /// The tag for players that fetch the key itself (KEYFORMAT `identity`).
    pub(crate) fn identity_tag(&self, encryption: &Encryption, channel: &ChannelId) -> String {
        let address = encryption.key_uri.address(channel, &self.id.to_string());
        let method = encryption.method.word();
        match encryption.method {
            EncryptionMethod::Aes128 => format!("#EXT-X-KEY:METHOD={method},URI=\"{address}\""),
            EncryptionMethod::SampleAes => format!(
                "#EXT-X-KEY:METHOD={method},URI=\"{address}\",KEYFORMAT=\"identity\",KEYFORMATVERSIONS=\"1\",IV=0x{}",
                hex::encode(self.iv)
            ),
        }
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "content key {}", self.id)
    }
}

/// What keys are called: the same on every box and in every run.
pub(crate) enum Namer {
    /// Whoever does not know the secret cannot tell them beforehand.
    Secret(hmac::Key),
    /// By what the content is called at the key server, which keeps them apart by that.
    Content(String),
}

impl Namer {
    /// As the source of the keys wants it.
    pub(crate) fn of(source: &KeySource) -> Self {
        match source {
            KeySource::Secret { secret, .. } => Self::Secret(hmac_key(secret)),
            KeySource::Server { content_id, .. } => Self::Content(content_id.clone()),
        }
    }

    /// What the key of `period` is called.
    pub(crate) fn key_id(&self, channel: &ChannelId, period: u64) -> KeyId {
        KeyId::new(match self {
            Self::Secret(secret) => derive(secret, "uplink key id", channel, period),
            Self::Content(content) => {
                let content = content_id(content, channel);
                let digest = Sha256::new().chain_update("uplink key id\0").chain_update(content).chain_update([0]);
                first_block(&digest.chain_update(period.to_be_bytes()).finalize())
            }
        })
    }
}

/// What the content is called at a key server.
pub(crate) fn content_id(template: &str, channel: &ChannelId) -> String {
    template.replace("{channel}", channel.as_str())
}

/// The secret as what keys are made with.
pub(crate) fn hmac_key(secret: &Secret) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes())
}

/// The key of `period`: a derivation by HMAC-SHA256 with a label (after NIST SP 800-108, one block).
pub(crate) fn make(secret: &hmac::Key, channel: &ChannelId, period: u64) -> Block {
    derive(secret, "uplink content key", channel, period)
}

fn derive(secret: &hmac::Key, label: &str, channel: &ChannelId, period: u64) -> Block {
    let mut context = hmac::Context::with_key(secret);
    for part in [label.as_bytes(), &[0], channel.as_str().as_bytes(), &[0], &period.to_be_bytes()] {
        context.update(part);
    }
    first_block(context.sign().as_ref())
}

fn first_block(digest: &[u8]) -> Block {
    let mut block = [0; 16];
    block.copy_from_slice(&digest[..16]);
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_from_secret_channel_and_period() {
        let channel = ChannelId::new("demo").unwrap();
        let secret = hmac_key(&Secret::new("a secret of the test"));
        let key = make(&secret, &channel, 7);
        assert_eq!(key, make(&secret, &channel, 7));
        // printf 'uplink content key\0demo\0\0\0\0\0\0\0\0\7' | openssl dgst -sha256 -hmac 'a secret of the test'
        assert_eq!(hex::encode(key), "d3220cff2f46223496e88212a84b0bbf");
        let others = [
            make(&secret, &channel, 8),
            make(&secret, &ChannelId::new("demo2").unwrap(), 7),
            make(&hmac_key(&Secret::new("another secret")), &channel, 7),
            *Namer::Secret(secret).key_id(&channel, 7).bytes(),
        ];
        assert!(!others.contains(&key), "{others:?}");
    }

    #[test]
    fn an_identifier_is_a_uuid_and_tells_no_key() {
        let namer = Namer::Content("demo".to_owned());
        let id = namer.key_id(&ChannelId::new("other").unwrap(), 1);
        assert_eq!(id, namer.key_id(&ChannelId::new("demo").unwrap(), 1), "the key server's word counts");
        let uuid = id.uuid();
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "8"));
        assert_eq!(uuid.replace('-', ""), id.to_string());
        let key = ContentKey { id, key: *b"do not print me!", iv: id.vector(), boxes: Vec::new(), tags: Vec::new() };
        assert!(!format!("{key:?}").contains("print"));
    }
}

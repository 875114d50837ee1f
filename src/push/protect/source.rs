//! The sources of content keys, asked in one way.

use std::fmt;

use ring::hmac;

use super::KeyTrouble;
use super::cpix::KeyServer;
use super::deposit::Deposit;
use super::key::{self, ContentKey, KeyId, Namer};
use crate::model::ChannelId;
use crate::model::encryption::{Encryption, KeySource};
use crate::push::store::StoreError;

/// See the module's header.
pub(crate) enum Source {
    /// Made here, and put where players can be given them.
    Made(Box<Maker>),
    /// Asked of a key server.
    Asked(Box<KeyServer>),
    /// As a test says.
    #[cfg(test)]
    Script(Script),
}

/// Makes keys from a secret.
pub(crate) struct Maker {
    namer: Namer,
    secret: hmac::Key,
    encryption: Encryption,
    channel: ChannelId,
    deposit: Deposit,
}

impl Source {
    /// Sets it up. Needs a tokio runtime; reads certificates.
    pub(super) fn open(encryption: &Encryption, channel: &ChannelId) -> Result<Self, StoreError> {
        Ok(match &encryption.keys {
            KeySource::Secret { secret, store } => Self::Made(Box::new(Maker {
                namer: Namer::of(&encryption.keys),
                secret: key::hmac_key(secret),
                encryption: encryption.clone(),
                channel: channel.clone(),
                deposit: Deposit::open(store)?,
            })),
            KeySource::Server { host, url, content_id, systems } => {
                let server = KeyServer::open((&**host, url), content_id, systems, encryption, channel)?;
                Self::Asked(Box::new(server))
            }
        })
    }

    /// What the key of `period` is called.
    pub(super) fn key_id(&self, period: u64) -> KeyId {
        match self {
            Self::Made(maker) => maker.namer.key_id(&maker.channel, period),
            Self::Asked(server) => server.key_id(period),
            #[cfg(test)]
            Self::Script(_) => Script::key_id(period),
        }
    }

    /// The key of `period`; when it is given, players can have it.
    pub(super) async fn fetch(&self, period: u64) -> Result<ContentKey, KeyTrouble> {
        match self {
            Self::Made(maker) => maker.make(period).await,
            Self::Asked(server) => server.ask(period).await,
            #[cfg(test)]
            Self::Script(script) => script.fetch(period),
        }
    }

    /// How often it was asked.
    #[cfg(test)]
    pub(super) fn asked(&self) -> u32 {
        match self {
            Self::Script(script) => script.asked.load(std::sync::atomic::Ordering::SeqCst),
            _ => 0,
        }
    }
}

impl Maker {
    async fn make(&self, period: u64) -> Result<ContentKey, KeyTrouble> {
        let id = self.namer.key_id(&self.channel, period);
        let key = key::make(&self.secret, &self.channel, period);
        self.deposit.put(&self.channel, &id.to_string(), key).await?;
        Ok(ContentKey::plain(id, key, &self.encryption, &self.channel))
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("source of content keys")
    }
}

/// A source that answers as a test says: by how often it was asked.
#[cfg(test)]
pub(crate) struct Script {
    answer: Box<dyn Fn(u32) -> Result<(), KeyTrouble> + Send + Sync>,
    asked: std::sync::atomic::AtomicU32,
}

#[cfg(test)]
impl Script {
    pub(super) fn new(answer: impl Fn(u32) -> Result<(), KeyTrouble> + Send + Sync + 'static) -> Self {
        Self { answer: Box::new(answer), asked: 0.into() }
    }

    fn key_id(period: u64) -> KeyId {
        Namer::Content("test".to_owned()).key_id(&ChannelId::new("demo").unwrap(), period)
    }

    fn fetch(&self, period: u64) -> Result<ContentKey, KeyTrouble> {
        let n = self.asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
        let id = Self::key_id(period);
        (self.answer)(n).map(|()| ContentKey { id, key: [7; 16], iv: id.vector(), boxes: Vec::new(), tags: Vec::new() })
    }
}

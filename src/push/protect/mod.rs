//! Encryption of what is sent to a destination: keys, and the same bytes each time.
//!
//! Owns: which key is for which segment, that players can have it before they are told of it, and how segments are
//! encrypted with it. Must not: send anything in the clear because something failed, write a key to where only segments
//! belong, or keep state that a second box, or the next run, could not come to by itself.
//!
//! ```text
//!  number ─▶ key period ─▶ key id ─┬─ secret: key = HMAC(secret, channel, period) ─▶ deposit: directory or PUT ─┐
//!                                  └─ key server: asked by CPIX                                                 ├─▶ shelf
//!                                                                     (host: TLS, token, one newer token) ──────┘     │
//!  spool ── segment ──▶ lock: waits for the key ── AES-128: whole ──────────────────────────────▶ PUT                 │
//!                                               └─ cbcs: samples, initialisation ───────────────▶ PUT                 ▼
//!                                                                                    playlist ◀── EXT-X-KEY, known keys only
//! ```
//!
//! - The spool stays as it is. What is sent follows from the segment, its number and the key alone: a request that is
//!   repeated, a backup, a second box and the next run send the same bytes.
//! - A key counts when it lies where players are sent for it. Segments of its period wait until then, and so do
//!   playlists. The key of the next period is seen to during the one before.
//! - Initialisations stay in the clear with AES-128. With cbcs they hold the key's identifier, so each key period has its
//!   own, with a name of its own.
//! - Text has no samples that could be encrypted: with cbcs it goes in the clear, with AES-128 it is encrypted.

mod boxes;
mod cbc;
mod cbcs;
mod cpix;
mod deposit;
mod host;
mod keeper;
mod key;
mod source;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use bytes::Bytes;

use self::boxes::Malformed;
use self::cbcs::Coding;
use self::keeper::Keeper;
use self::key::ContentKey;
use self::source::Source;
use super::description::{Medium, PushDescription};
use super::store::StoreError;
use crate::hls::{Keys, locked_init_name};
use crate::model::encryption::{Encryption, EncryptionMethod};
use crate::policy::{HttpFailure, Vouching};

/// Initialisations by the name that they have at the destination: the spool's name, and a number of their key period.
pub(crate) type Renamed = BTreeMap<String, (String, u64)>;

/// Why there is no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyTrouble {
    /// What happened, without a full stop.
    pub(crate) text: String,
    /// Who has to see to it.
    pub(crate) vouching: Vouching,
}

impl KeyTrouble {
    fn set_up(text: impl Into<String>) -> Self {
        Self { text: text.into(), vouching: Vouching::SetUp }
    }

    fn away(text: impl Into<String>) -> Self {
        Self { text: text.into(), vouching: Vouching::Away }
    }
}

impl From<KeyTrouble> for HttpFailure {
    fn from(trouble: KeyTrouble) -> Self {
        Self::NoKey { cause: trouble.text, vouching: trouble.vouching }
    }
}

/// Why something cannot be encrypted.
#[derive(Debug)]
pub(crate) enum LockTrouble {
    /// There is no key.
    Key(KeyTrouble),
    /// It is not what it should be.
    Unfit(Malformed),
}

/// See the module's header. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Protection {
    encryption: Arc<Encryption>,
    keeper: Arc<Keeper>,
}

impl Protection {
    /// As the destination wants it; none if it takes segments as they are. Needs a tokio runtime; reads certificates.
    pub(crate) fn open(description: &PushDescription) -> Result<Option<Self>, StoreError> {
        let Some(encryption) = description.upload.encryption.as_deref() else { return Ok(None) };
        let source = Source::open(encryption, &description.channel)?;
        Ok(Some(Self { encryption: Arc::new(encryption.clone()), keeper: Arc::new(Keeper::new(source)) }))
    }

    /// What tells encrypted objects of one kind from those of another, and from plain ones, without telling any secret.
    pub(crate) fn place(description: &PushDescription) -> Option<String> {
        let encryption = description.upload.encryption.as_deref()?;
        let id = key::Namer::of(&encryption.keys).key_id(&description.channel, 0);
        let rotation = encryption.rotate_segments.unwrap_or(0);
        Some(format!("{} {rotation} {id}", encryption.method.word()))
    }

    /// Calls initialisations as they are called at the destination.
    pub(crate) fn rename<'a>(
        &self,
        medium: Medium,
        segments: impl Iterator<Item = (&'a mut String, u64)>,
        renamed: &mut Renamed,
    ) {
        if !self.is_by_samples(medium) {
            return;
        }
        let mut before: Option<(String, u64, String)> = None;
        for (init, number) in segments {
            let period = self.encryption.period_of(number);
            let same = before.as_ref().filter(|(name, of, _)| name == init && *of == period);
            let name = match same {
                Some((.., name)) => name.clone(),
                None => locked_init_name(init, self.keeper.key_id(period).bytes()),
            };
            let plain = std::mem::replace(init, name.clone());
            renamed.insert(name.clone(), (plain.clone(), number));
            before = Some((plain, period, name));
        }
    }

    /// What playlists say of keys; none where nothing is encrypted. `windows` are the numbers that they list now or soon:
    /// what is not known of those is seen to.
    pub(crate) fn keys(&self, medium: Medium, windows: &[RangeInclusive<u64>]) -> Option<Keys> {
        if medium == Medium::Text && self.encryption.method == EncryptionMethod::SampleAes {
            return None;
        }
        let mut keys = Keys::new(self.encryption.method == EncryptionMethod::Aes128);
        for window in windows {
            let (first, last) = (self.encryption.period_of(*window.start()), self.encryption.period_of(*window.end()));
            for period in first..=last {
                let Some(key) = self.keeper.known(period) else {
                    self.keeper.prepare(period);
                    continue;
                };
                let numbers = self.encryption.numbers_of(period);
                keys.add(*numbers.start(), *numbers.end(), key.tags.clone());
            }
        }
        Some(keys)
    }

    /// Sees to the key of the period behind that of `number`.
    pub(crate) fn look_ahead(&self, number: u64) {
        if self.encryption.rotate_segments.is_some() {
            self.keeper.prepare(self.encryption.period_of(number) + 1);
        }
    }

    /// Grows with each key that there is.
    pub(crate) fn generation(&self) -> u64 {
        self.keeper.generation()
    }

    /// Why the last attempt to get a key failed, if it did.
    pub(crate) fn trouble(&self) -> Option<KeyTrouble> {
        self.keeper.trouble()
    }

    /// What encrypts segment `number`, or a part of it; none if it goes in the clear. `codec` is that of its
    /// initialisation.
    pub(crate) fn segment(&self, medium: Medium, codec: Option<String>, number: u64) -> Option<Lock> {
        let how = match self.encryption.method {
            EncryptionMethod::Aes128 => How::Whole,
            EncryptionMethod::SampleAes if medium == Medium::Text => return None,
            EncryptionMethod::SampleAes => How::Samples(Coding::of(codec.as_deref())),
        };
        Some(self.lock(how, number))
    }

    /// What makes the initialisation of the key period that `number` is in; none if it stays as it is.
    pub(crate) fn init(&self, medium: Medium, codec: Option<String>, number: u64) -> Option<Lock> {
        self.is_by_samples(medium).then(|| self.lock(How::Init(Coding::of(codec.as_deref())), number))
    }

    fn is_by_samples(&self, medium: Medium) -> bool {
        self.encryption.method == EncryptionMethod::SampleAes && medium != Medium::Text
    }

    fn lock(&self, how: How, number: u64) -> Lock {
        let period = self.encryption.period_of(number);
        Lock { how, number, period, keeper: self.keeper.clone(), has_key: HasKey::default() }
    }
}

#[derive(Debug, Clone, Copy)]
enum How {
    Whole,
    Samples(Coding),
    Init(Coding),
}

/// When an object had its key; nothing before.
pub(crate) type HasKey = Arc<OnceLock<Instant>>;

/// Encrypts one object.
#[derive(Debug)]
pub(crate) struct Lock {
    how: How,
    number: u64,
    period: u64,
    keeper: Arc<Keeper>,
    has_key: HasKey,
}

impl Lock {
    /// When it had its key: to look at while it is being closed.
    pub(crate) fn has_key(&self) -> HasKey {
        self.has_key.clone()
    }

    /// The object as it is sent. Waits for the key, as long as its source may take for one attempt.
    pub(crate) async fn close(self, clear: Bytes) -> Result<Bytes, LockTrouble> {
        let Self { how, number, period, keeper, has_key } = self;
        let key = keeper.key(period).await.map_err(LockTrouble::Key)?;
        let _ = has_key.set(Instant::now());
        // Megabytes take milliseconds, which other destinations shall not wait for.
        let work = tokio::task::spawn_blocking(move || encrypt(how, &key, number, &clear));
        let done = work.await.unwrap_or(Err(Malformed("the encryption was interrupted")));
        done.map(Bytes::from).map_err(LockTrouble::Unfit)
    }
}

fn encrypt(how: How, key: &ContentKey, number: u64, clear: &[u8]) -> Result<Vec<u8>, Malformed> {
    match how {
        How::Whole => Ok(cbc::whole(&key.key, &u128::from(number).to_be_bytes(), clear)),
        How::Samples(coding) => cbcs::samples(clear, coding, key),
        How::Init(coding) => cbcs::init(clear, coding, key),
    }
}

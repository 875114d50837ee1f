//! `[playback]`: only whoever holds a signed address may watch. Without it everybody may.

use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::measures;
use super::tokens::{Places, TokenFault};
use crate::model::Secret;
use crate::origin::ticket::{LONGEST_BEGIN, LONGEST_SESSION, Signer};

/// `[playback]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Playback {
    /// Files with master keys: the first signs, all are accepted.
    #[serde(default)]
    keys: Vec<Spanned<String>>,
    /// The same by systemd credentials, behind those.
    #[serde(default)]
    key_credentials: Vec<Spanned<String>>,
    /// How long a signed address is good to begin with, if nothing else is said while signing.
    #[serde(default = "default_begin", deserialize_with = "measures::span")]
    pub begin: Duration,
    /// How long a viewer who has begun may go on; 0 ends that with the address.
    #[serde(default = "default_session", deserialize_with = "measures::span")]
    pub session: Duration,
    /// Proxies whose `X-Forwarded-For` names the viewer's address.
    #[serde(default)]
    pub proxies: Vec<IpAddr>,
    #[serde(skip)]
    masters: Vec<Secret>,
}

fn default_begin() -> Duration {
    Duration::from_secs(600)
}

fn default_session() -> Duration {
    Duration::from_secs(12 * 3600)
}

impl Playback {
    /// What signs, once the keys are read.
    pub fn signer(&self) -> Signer {
        Signer::new(self.masters.clone())
    }

    /// Reads them all.
    pub(crate) fn read(&mut self, places: &Places<'_>) -> Result<(), TokenFault> {
        let files = self.keys.iter().map(|key| places.file(key, "playback key"));
        let given = self.key_credentials.iter().map(|key| places.credential(key, "playback key"));
        self.masters = files.chain(given).collect::<Result<_, _>>()?;
        Ok(())
    }

    /// The key that breaks a rule, and how.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.keys.is_empty() && self.key_credentials.is_empty() {
            let message = "`keys` is empty, so nobody could watch: name a file with a key (`openssl rand -hex 32`)";
            return Err(("keys", message.to_owned()));
        }
        if self.begin.is_zero() || self.begin > LONGEST_BEGIN {
            return Err(("begin", "`begin` must be above zero and 30m at most".to_owned()));
        }
        if self.session > LONGEST_SESSION {
            return Err(("session", "`session` must be 24h at most".to_owned()));
        }
        Ok(())
    }
}

//! Passwords: Argon2id (RFC 9106) and nothing kept but its result.

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::chance;

/// 19 MiB, two passes, one lane: the least that OWASP recommends, for a box that has channels to encode. Each hash says
/// with what it was made, so these can grow.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT: usize = 16;
const LENGTH: usize = 32;

/// Shortest and longest password, characters.
pub(super) const LONG: std::ops::RangeInclusive<usize> = 10..=200;

/// The hash could not be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the password could not be hashed: {0}")]
pub struct HashError(String);

/// What is kept of a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hashed {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    hash: String,
}

impl Hashed {
    /// Takes tens of milliseconds and 19 MiB.
    pub(super) fn of(password: &str) -> Result<Self, HashError> {
        let salt = chance::bytes::<SALT>().map_err(|error| HashError(error.to_string()))?;
        let hash = hex::encode(derive(password, &salt, MEMORY_KIB, PASSES, LANES)?);
        Ok(Self { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES, salt: hex::encode(salt), hash })
    }

    /// What nobody has: compared with where there is no such user, so that it takes as long as for one.
    pub(super) fn of_nobody() -> Self {
        let (salt, hash) = (hex::encode([0; SALT]), hex::encode([0; LENGTH]));
        Self { memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES, salt, hash }
    }

    pub(super) fn is_of(&self, password: &str) -> Result<bool, HashError> {
        let broken = |_| HashError("what is kept of it is damaged".to_owned());
        let (salt, known) = (hex::decode(&self.salt).map_err(broken)?, hex::decode(&self.hash).map_err(broken)?);
        let found = derive(password, &salt, self.memory_kib, self.passes, self.lanes)?;
        Ok(found.as_slice().ct_eq(&known).into())
    }
}

fn derive(password: &str, salt: &[u8], memory: u32, passes: u32, lanes: u32) -> Result<[u8; LENGTH], HashError> {
    let mut hash = [0; LENGTH];
    let params = Params::new(memory, passes, lanes, Some(LENGTH)).map_err(|error| HashError(error.to_string()))?;
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(password.as_bytes(), salt, &mut hash).map_err(|error| HashError(error.to_string()))?;
    Ok(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_other() {
        let kept = Hashed::of("correct horse battery").unwrap();
        assert!(kept.is_of("correct horse battery").unwrap());
        assert!(!kept.is_of("correct horse batterz").unwrap());
        assert_ne!(kept, Hashed::of("correct horse battery").unwrap(), "salted");
        assert!(!serde_json::to_string(&kept).unwrap().contains("horse"));
        assert!(!Hashed::of_nobody().is_of("").unwrap());
    }

    /// RFC 9106 has no vector without secret and associated data; this one is of the reference implementation.
    #[test]
    fn the_hash_is_argon2id() {
        let hash = derive("password", b"somesalt", 65_536, 2, 1).unwrap();
        assert_eq!(hex::encode(hash), "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7");
    }
}

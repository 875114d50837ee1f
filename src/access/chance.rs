//! What nobody can guess: ids, secrets, codes; and what is kept of a secret.

use ring::rand::{SecureRandom, SystemRandom};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The system has no randomness to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoChance;

/// Letters and digits that are not taken for one another when read aloud or copied by hand.
const CLEAR: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

pub(super) fn bytes<const N: usize>() -> Result<[u8; N], NoChance> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| NoChance)?;
    Ok(bytes)
}

/// Names a thing; no secret.
pub(super) fn id() -> Result<String, NoChance> {
    Ok(hex::encode(bytes::<6>()?))
}

/// 256 bits.
pub(super) fn secret() -> Result<String, NoChance> {
    Ok(hex::encode(bytes::<32>()?))
}

/// 100 bits in four groups, for people to copy.
pub(super) fn code() -> Result<String, NoChance> {
    let letters: Vec<u8> = bytes::<20>()?.iter().map(|byte| CLEAR[usize::from(byte % 32)]).collect();
    let groups: Vec<String> = letters.chunks(5).map(|group| String::from_utf8_lossy(group).into_owned()).collect();
    Ok(groups.join("-"))
}

/// Whether it could be one of [`code`].
pub(super) fn is_code(text: &str) -> bool {
    text.len() == 23 && text.split('-').all(|group| group.len() == 5 && group.bytes().all(|b| CLEAR.contains(&b)))
}

/// What is kept of a secret of full strength: nobody finds the secret by it, so it needs no slow hash.
pub(super) fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// In the same time wherever they differ.
pub(super) fn same(a: &str, b: &str) -> bool {
    digest(a).as_bytes().ct_eq(digest(b).as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_for_people_and_differ() {
        let code = code().unwrap();
        assert!(is_code(&code), "{code}");
        assert_ne!(code, super::code().unwrap());
        for not in ["", "ABCDE-ABCDE-ABCDE-ABCD0", "abcde-abcde-abcde-abcde", "ABCDEFABCDE-ABCDE-ABCDE"] {
            assert!(!is_code(not), "{not}");
        }
        assert!(same("a", "a") && !same("a", "b"));
    }
}

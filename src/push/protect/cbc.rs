//! AES-128 in CBC mode: of whole segments (rfc8216bis 4.4.4.4), and block by block for cbcs. Pure.

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};

use super::key::Block;

/// `clear` with padding (PKCS #7), encrypted.
pub(crate) fn whole(key: &Block, iv: &Block, clear: &[u8]) -> Vec<u8> {
    let padding = 16 - clear.len() % 16;
    let mut data = Vec::with_capacity(clear.len() + padding);
    data.extend_from_slice(clear);
    // 1 to 16.
    data.resize(clear.len() + padding, padding as u8);
    Cbc::new(key).begin(iv).blocks(&mut data);
    data
}

/// A key, ready to be used.
pub(crate) struct Cbc(Aes128);

impl Cbc {
    /// With this key.
    pub(crate) fn new(key: &Block) -> Self {
        Self(Aes128::new(&Array::from(*key)))
    }

    /// A chain that begins with `iv`.
    pub(crate) fn begin(&self, iv: &Block) -> Chain<'_> {
        Chain { cipher: &self.0, before: *iv }
    }
}

/// A chain of blocks.
pub(crate) struct Chain<'a> {
    cipher: &'a Aes128,
    before: Block,
}

impl Chain<'_> {
    /// Encrypts all whole blocks of `data`; what is left behind them stays as it is.
    pub(crate) fn blocks(&mut self, data: &mut [u8]) {
        for block in data.as_chunks_mut::<16>().0 {
            let mut mixed = Array::from(*block);
            mixed.iter_mut().zip(self.before).for_each(|(byte, before)| *byte ^= before);
            self.cipher.encrypt_block(&mut mixed);
            self.before = mixed.into();
            *block = self.before;
        }
    }

    /// Encrypts one block of ten (pattern 1:9 of cbcs), beginning with the first; blocks that are not whole stay.
    pub(crate) fn pattern(&mut self, data: &mut [u8]) {
        for stretch in data.chunks_mut(160) {
            let first = stretch.len().min(16);
            self.blocks(&mut stretch[..first]);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use aes::cipher::BlockCipherDecrypt;
    use proptest::prelude::*;

    /// The other way.
    pub(crate) fn decrypt(key: &Block, iv: &Block, data: &mut [u8]) {
        let cipher = Aes128::new(&Array::from(*key));
        let mut before = *iv;
        for block in data.as_chunks_mut::<16>().0 {
            let mut clear = Array::from(*block);
            cipher.decrypt_block(&mut clear);
            clear.iter_mut().zip(before).for_each(|(byte, before)| *byte ^= before);
            before = *block;
            *block = clear.into();
        }
    }

    #[test]
    fn a_known_text_reads_like_this() {
        // NIST SP 800-38A, F.2.1, first block; the second is padding alone.
        let (key, iv) = ("2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f");
        let block = |text: &str| -> Block { hex::decode(text).unwrap().try_into().unwrap() };
        let clear = hex::decode("6bc1bee22e409f96e93d7e117393172a").unwrap();
        let data = whole(&block(key), &block(iv), &clear);
        assert_eq!(hex::encode(&data[..16]), "7649abac8119b246cee98e9b12e9197d");
        assert_eq!(data.len(), 32);
    }

    proptest! {
        #[test]
        fn what_is_encrypted_comes_back(clear in prop::collection::vec(any::<u8>(), 0..200), key: Block, iv: Block) {
            let mut data = whole(&key, &iv, &clear);
            prop_assert_eq!(data.len(), clear.len() / 16 * 16 + 16);
            decrypt(&key, &iv, &mut data);
            let padding = *data.last().unwrap();
            prop_assert!(data[clear.len()..].iter().all(|byte| *byte == padding));
            prop_assert_eq!(&data[..clear.len()], &clear[..]);
        }

        #[test]
        fn a_pattern_leaves_nine_blocks_of_ten(clear in prop::collection::vec(any::<u8>(), 0..700), key: Block) {
            let mut data = clear.clone();
            Cbc::new(&key).begin(&[0; 16]).pattern(&mut data);
            for (index, (was, is)) in clear.chunks(16).zip(data.chunks(16)).enumerate() {
                prop_assert_eq!(was != is, index % 10 == 0 && was.len() == 16, "block {}", index);
            }
        }
    }
}

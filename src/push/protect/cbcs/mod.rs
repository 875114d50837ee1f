//! Common Encryption, scheme `cbcs` (ISO/IEC 23001-7, 10.4), of CMAF chunks (ISO/IEC 23000-19, 8). Pure.
//!
//! Sound: each sample from its first byte on, all whole blocks. Pictures: of each slice what is behind its head, one block
//! of ten. All samples of a key have the same initialisation vector, which stands in the initialisation (`tenc`). A chunk
//! is encrypted without looking at others, so the parts of a segment are its bytes.

mod fragment;
mod init;
mod slices;

pub(crate) use fragment::samples;
pub(crate) use init::init;

/// How samples are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Units of H.264.
    Avc,
    /// Units of HEVC.
    Hevc,
    /// Sound, in one piece.
    Sound,
    /// Something else.
    Unknown,
}

impl Coding {
    /// By the codec string of the initialisation (RFC 6381).
    pub(crate) fn of(codec: Option<&str>) -> Self {
        match codec.and_then(|codec| codec.get(..4)) {
            Some("avc1" | "avc3") => Self::Avc,
            Some("hvc1" | "hev1") => Self::Hevc,
            Some("mp4a") => Self::Sound,
            _ => Self::Unknown,
        }
    }
}
